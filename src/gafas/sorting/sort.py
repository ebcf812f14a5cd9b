"""Sort photos into folders, each action written down ahead in a journal."""

import dataclasses
import errno
import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from gafas.sorting.files import (
    PhotoChangedError,
    holds,
    identify,
    refuse_full,
    rename,
    replace_by,
    write_part,
)
from gafas.sorting.journal import Action, Entry, Journal, create_journal, open_journal
from gafas.sorting.plan import UNREADABLE, Filed, Plan, Recognize, choose_folders, find_journal


def sort_photos(photos: Iterable[str], recognize: Recognize, *, plan: Plan) -> Iterator[Filed]:
    """Copy, move or link photos into the folders of a plan, and say what became of each.

    First comes what earlier runs of the same plan did. A photo that cannot be sorted stays where
    it is, and the others go on. Closing the iterator, or a crash, leaves all in such a state that
    the next run of the plan goes on, or `undo` takes it back. All paths lie in the plan's source.

    Raises:
        DataError: the folder holds an unlike sorting of the same source, the disk is full, or a
            journal is damaged or in use.
        OSError: the folder cannot be made or written to.
    """
    found = find_journal(plan)
    if found is None:
        waiting = iter(photos)
        first = next(waiting, None)
        if first is None:
            return
        photos = itertools.chain([first], waiting)
    path = found.path if found else create_journal(plan.dest, plan.source, options=plan.options)
    with open_journal(path) as journal:
        for entry in journal.select("do"):
            recover(journal, entry)
        yield from _tell_earlier(journal)
        known = _list_known(journal)
        for one in choose_folders(photos, recognize, plan=plan, known=known):
            yield _file(journal, one)
        journal.write({"finished": True}, sync=True)


def preview_photos(
    photos: Iterable[str], recognize: Recognize, *, plan: Plan, taken: set[Path] | None = None
) -> Iterator[Filed]:
    """Say what `sort_photos` would do, and write nothing.

    `taken` are the targets of plans before this one; its own are added.

    Raises:
        DataError: as `sort_photos`.
    """
    journal = find_journal(plan)
    if journal is not None:
        yield from _tell_earlier(journal)
    known = _list_known(journal) if journal else set()
    taken = set() if taken is None else taken
    for one in choose_folders(photos, recognize, plan=plan, known=known):
        target = None
        if one.folder is not None:
            own = plan.dest / one.folder / Path(one.photo).relative_to(plan.source)
            target = next(path for path in _list_free(own) if path not in taken)
            taken.add(target)
        yield dataclasses.replace(one, target=target)


def move(journal: Journal, entry: Entry, *, source: Path, target: Path) -> None:
    """Move a file; to another file system it is copied, checked, and only then removed.

    Raises:
        FileExistsError: something has the target's name; it stays as it is.
        OSError: the file cannot be moved; it is where it was.
        PhotoChangedError: the file is not the photo that it was.
        DataError: the journal cannot be written.
    """
    try:
        rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(journal, entry, source=source, target=target)
        if not holds(source, entry.identity):
            target.unlink()
            raise PhotoChangedError from error
        replace_by(source, target)


def recover(journal: Journal, entry: Entry) -> None:
    """Bring what a crash cut off to its end if it came far enough, else clear what it left.

    Raises:
        OSError: a file cannot be read or removed.
        DataError: the journal cannot be written.
    """
    photo, target = journal.photo(entry), journal.target(entry)
    journal.part(entry, target).unlink(missing_ok=True)
    if journal.options.action is Action.link:
        done = is_link_to(target, photo)
    elif not holds(target, entry.identity):
        done = False
    elif journal.options.action is Action.copy:
        done = is_made_by(entry, target)
    else:
        done = _finish_move(entry, photo, target=target)
    journal.write({"done" if done else "void": entry.number})


def is_link_to(path: Path, photo: Path) -> bool:
    """Say whether a path is the link to a photo that a run makes."""
    return path.is_symlink() and path.readlink() == photo


def is_made_by(entry: Entry, path: Path) -> bool:
    """Say whether a file is the copy that was made, and not an equal of other origin."""
    return path.lstat().st_ino == entry.part


def _finish_move(entry: Entry, photo: Path, *, target: Path) -> bool:
    """Remove a photo that is in its new place, too; say whether it is only there then."""
    try:
        ours = os.path.samestat(photo.lstat(), target.lstat()) or is_made_by(entry, target)
    except (FileNotFoundError, NotADirectoryError):
        return True
    if not ours or not holds(photo, entry.identity):
        return False
    try:
        replace_by(photo, target)
    except OSError:  # it may be read, but not removed
        return False
    return True


def _copy(journal: Journal, entry: Entry, *, source: Path, target: Path) -> None:
    """Write a file beside its target, check it, and only then give it its name."""
    part = journal.part(entry, target)
    part.unlink(missing_ok=True)
    try:
        number = write_part(source, part, identity=entry.identity)
        journal.write({"part": entry.number, "file": number})
        rename(part, target)
    finally:
        part.unlink(missing_ok=True)


def _tell_earlier(journal: Journal) -> Iterator[Filed]:
    for entry in journal.select("done"):
        photo, target = str(journal.photo(entry)), journal.target(entry)
        folder = PurePosixPath(entry.target).parts[0]
        unread = "It cannot be read, as an earlier run found." * (folder == UNREADABLE)
        yield Filed(photo, folder, target, before=True, problem=unread or None)


def _list_known(journal: Journal) -> set[tuple[str, int, int]]:
    return {
        (str(journal.photo(entry)), entry.identity.size, entry.identity.mtime_ns)
        for entry in journal.select("done")
    }


def _file(journal: Journal, one: Filed) -> Filed:
    """Bring one photo into its folder; where that fails it stays, and nothing is left behind."""
    if one.folder is None or one.seen is None:
        return one
    name = Path(one.photo).relative_to(journal.source)
    try:
        identity = identify(Path(one.photo), one.seen)
        for target in _list_free(journal.path.parent / one.folder / name):
            _make_folders(journal, target.parent)
            place = target.relative_to(journal.path.parent).as_posix()
            if _try(journal, journal.begin(name.as_posix(), place, identity=identity)):
                return dataclasses.replace(one, target=target)
    except OSError as error:
        refuse_full(error, one.photo)
        problem = f"Cannot {journal.options.action} the photo: {error.strerror or error}."
    except PhotoChangedError as error:
        problem = str(error)
    return Filed(one.photo, problem=problem)


def _try(journal: Journal, entry: Entry) -> bool:
    """Do what an entry says; return False if its target's name is taken.

    Raises:
        OSError: it cannot be done, and nothing is left of it.
        PhotoChangedError: the photo is not what it was, and nothing is left of the attempt.
    """
    photo, target = journal.photo(entry), journal.target(entry)
    try:
        match journal.options.action:
            case Action.link:
                target.symlink_to(photo)
            case Action.copy:
                _copy(journal, entry, source=photo, target=target)
            case Action.move:
                move(journal, entry, source=photo, target=target)
    except FileExistsError:
        journal.write({"void": entry.number})
        return False
    except (OSError, PhotoChangedError):
        recover(journal, entry)
        raise
    journal.write({"done": entry.number})
    return True


def _make_folders(journal: Journal, folder: Path) -> None:
    """Make the folders down to a target, below the journal's own, which must be there."""
    root = journal.path.parent
    for name in reversed([folder, *folder.parents][: len(folder.relative_to(root).parts)]):
        if not name.is_dir():
            journal.write({"folder": name.relative_to(root).as_posix()})
            try:
                name.mkdir()
            except FileExistsError as error:
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from error


def _list_free(own: Path) -> Iterator[Path]:
    """Yield paths at which there is nothing: a photo's own, then numbered ones."""
    numbered = (own.with_name(f"{own.stem}-{number}{own.suffix}") for number in itertools.count(2))
    for path in itertools.chain([own], numbered):
        if not os.path.lexists(path):
            yield path
