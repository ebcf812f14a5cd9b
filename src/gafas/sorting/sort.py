"""Sort photos into folders, each action written down ahead in a journal."""

import dataclasses
import errno
import itertools
import os
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Self

from gafas.errors import DataError
from gafas.sorting.files import (
    FULL,
    PhotoChangedError,
    holds,
    identify,
    rename,
    replace_by,
    same_file,
    write_part,
)
from gafas.sorting.journal import (
    Entry,
    Journal,
    Record,
    create_journal,
    list_journals,
    read_journal,
)
from gafas.sorting.plan import (
    UNREADABLE,
    Action,
    Looked,
    Order,
    Recognize,
    describe_order,
    is_same,
    look,
)


def act(journal: Journal, entry: Entry) -> None:
    """Copy, move or link a photo to its target.

    Raises:
        FileExistsError: something has the target's name; it stays as it is.
        OSError: it cannot be done.
        PhotoChangedError: the photo is not what it was.
        DataError: the journal cannot be written.
    """
    photo, target = journal.photo(entry), journal.target(entry)
    action = journal.record.about["action"]
    if action == Action.link:
        target.symlink_to(photo)
    elif action == Action.copy:
        _copy(journal, entry, source=photo, target=target)
    else:
        move(journal, entry, source=photo, target=target)


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
            raise PhotoChangedError(
                "The photo changed while it was moved. Give the same command again."
            ) from error
        replace_by(source, target)


def settle(journal: Journal, entry: Entry) -> bool:
    """Bring an action without an end to its end if it came far enough, else clear what it left.

    Returns:
        whether it has been done.

    Raises:
        OSError: a file cannot be read or removed.
        DataError: the journal cannot be written.
    """
    target = journal.target(entry)
    journal.part(entry, target).unlink(missing_ok=True)
    action = journal.record.about["action"]
    if action == Action.link:
        done = is_link_to(target, journal.photo(entry))
    elif not holds(target, entry.identity):
        done = False
    elif action == Action.copy:
        done = is_made_by(journal, entry, path=target)
    else:
        done = _finish_move(journal, entry)
    journal.write({"done" if done else "void": entry.number})
    return done


def is_link_to(path: Path, photo: Path) -> bool:
    """Say whether a path is the link to a photo that a run makes."""
    return path.is_symlink() and path.readlink() == photo


def is_made_by(journal: Journal, entry: Entry, *, path: Path) -> bool:
    """Say whether a file is the copy that an action made, and not an equal of other origin."""
    return path.lstat().st_ino == journal.record.files.get(("part", entry.number))


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


def _finish_move(journal: Journal, entry: Entry) -> bool:
    """Remove a photo that is in its new place, too; say whether it is only there then."""
    photo, target = journal.photo(entry), journal.target(entry)
    try:
        ours = same_file(photo, target) or is_made_by(journal, entry, path=target)
    except (FileNotFoundError, NotADirectoryError):
        return True
    if not ours or not holds(photo, entry.identity):
        return False
    try:
        replace_by(photo, target)
    except OSError:  # it may be read, but not removed
        return False
    return True


@dataclasses.dataclass(frozen=True, slots=True)
class Filed:
    """What became of a photo.

    Attributes:
        photo: its path, as it was.
        folder: the name of the folder that it went into; None if it did not.
        target: where it went, or would go; None if it did not.
        before: whether an earlier run did this.
        problem: why it could not be read, or why it stayed where it is.
    """

    photo: str
    folder: str | None = None
    target: Path | None = None
    before: bool = False
    problem: str | None = None

    @classmethod
    def earlier(cls, entry: Entry, *, record: Record, dest: Path) -> Self:
        """Return what an earlier run made of a photo."""
        photo = str(Path(record.about["base"]) / entry.photo)
        known = "It cannot be read, as an earlier run found." * (entry.folder == UNREADABLE)
        return cls(photo, entry.folder, dest / entry.target, True, known or None)


def sort_photos(photos: Iterable[str], recognize: Recognize, *, order: Order) -> Iterator[Filed]:
    """Copy, move or link photos into the folders of an order, and say what became of each.

    First comes what earlier runs of the same order did. A photo that cannot be sorted stays where
    it is, and the others go on. Closing the iterator, or a crash, leaves all in such a state that
    the next run of the order goes on, or `undo` takes it back.

    Args:
        photos: their paths; all lie in the order's source.
        recognize: `Recognizer.recognize_many`, or what answers like it.
        order: what goes where.

    Raises:
        DataError: the folder holds an unlike sorting of the same source, the disk is full, or a
            journal is damaged or in use.
        OSError: the folder cannot be made or written to.
    """
    path = find_journal(order)
    if path is None:
        waiting = iter(photos)
        first = next(waiting, None)
        if first is None:
            return
        photos = itertools.chain([first], waiting)
        path = create_journal(order.dest, order.to_dict() | {"base": str(order.source)})
    with Journal(path) as journal:
        for entry in journal.record.select("do"):
            settle(journal, entry)
        yield from _tell_earlier(journal.record, order)
        for one in look(photos, recognize, order=order, known=_list_known(journal.record)):
            yield _file(journal, one)
        journal.write({"finished": True}, sync=True)


def plan_photos(
    photos: Iterable[str], recognize: Recognize, *, order: Order, taken: set[Path] | None = None
) -> Iterator[Filed]:
    """Say what `sort_photos` would do, and write nothing.

    Args:
        photos: as for `sort_photos`.
        recognize: as for `sort_photos`.
        order: as for `sort_photos`.
        taken: targets that orders before this one would have taken; its own are added.

    Raises:
        DataError: as `sort_photos`.
    """
    path = find_journal(order)
    known: set[tuple[str, int, int]] = set()
    if path is not None:
        record = read_journal(path)
        known = _list_known(record)
        yield from _tell_earlier(record, order)
    taken = set() if taken is None else taken
    for one in look(photos, recognize, order=order, known=known):
        if one.seen is None:
            yield Filed(one.photo, problem=one.error)
            continue
        target = next(path for path in _list_free(order.dest, one) if path not in taken)
        taken.add(target)
        yield Filed(one.photo, one.folder, target, problem=one.error)


def find_journal(order: Order) -> Path | None:
    """Return the journal of earlier runs of an order, if there is one.

    Raises:
        DataError: the folder holds an unlike sorting of the same source, or half an undoing.
    """
    found = None
    for path in list_journals(order.dest, order.source):
        record = read_journal(path)
        same = is_same(order, record.about)
        if record.select("undo"):
            problem = "an undoing was interrupted there. Finish it"
        elif not same and _is_in_the_way(record):
            old, new = describe_order(record.about), describe_order(order.to_dict())
            problem = f"{old} is what it holds, {new} is asked for. Undo that"
        else:
            found = path if same else found
            continue
        raise DataError(
            f"Cannot sort photos of {str(order.source)!r} into {str(order.dest)!r}: {problem}: "
            f"gafas sort --undo {shlex.quote(str(path))}; or name another folder to sort into."
        )
    return found


def _is_in_the_way(record: Record) -> bool:
    """Say whether another order for the same photos would make a muddle of what is there."""
    begun = bool(record.select("do"))
    kept = record.about["action"] != Action.move or not record.finished
    return begun or (kept and bool(record.select("done")))


def _tell_earlier(record: Record, order: Order) -> Iterator[Filed]:
    for entry in record.select("done"):
        yield Filed.earlier(entry, record=record, dest=order.dest)


def _list_known(record: Record) -> set[tuple[str, int, int]]:
    done = record.select("done")
    return {(entry.photo, entry.identity.size, entry.identity.mtime_ns) for entry in done}


def _file(journal: Journal, one: Looked) -> Filed:
    """Bring one photo into its folder; where that fails it stays, and nothing is left behind."""
    if one.seen is None:
        return Filed(one.photo, problem=one.error)
    try:
        identity = identify(Path(one.photo), one.seen)
        for target in _list_free(journal.path.parent, one):
            _make_folders(journal, target.parent)
            place = target.relative_to(journal.path.parent).as_posix()
            entry = journal.begin(one.name, place, identity=identity)
            if _try(journal, entry):
                return Filed(one.photo, one.folder, target, problem=one.error)
    except OSError as error:
        if error.errno in FULL:
            raise DataError(
                f"The disk is full. Received: {one.photo!r}, to sort into "
                f"{str(journal.path.parent)!r}. Free some space, then give the same command again: "
                "it goes on where it stopped."
            ) from error
        doing = journal.record.about["action"]
        return Filed(one.photo, problem=f"Cannot {doing} the photo: {error.strerror or error}.")
    except PhotoChangedError as error:
        return Filed(one.photo, problem=str(error))
    raise AssertionError("there is no end of names")


def _try(journal: Journal, entry: Entry) -> bool:
    """Carry out an action; say whether it is done, or else that its target's name is taken.

    Raises:
        OSError: it cannot be done, and nothing is left of it.
        PhotoChangedError: the photo is not what it was, and nothing is left of the action.
        DataError: the journal cannot be written.
    """
    try:
        act(journal, entry)
    except FileExistsError:
        journal.write({"void": entry.number})
        return False
    except (OSError, PhotoChangedError):
        settle(journal, entry)
        raise
    journal.write({"done": entry.number})
    return True


def _make_folders(journal: Journal, folder: Path) -> None:
    """Make the folders down to a target, below the journal's own, which must be there.

    Raises:
        OSError: one cannot be made, or something that is no folder has its name.
    """
    root = journal.path.parent
    for name in reversed([folder, *folder.parents][: len(folder.relative_to(root).parts)]):
        if not name.is_dir():
            journal.write({"folder": name.relative_to(root).as_posix()})
            try:
                name.mkdir()
            except FileExistsError as error:
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from error


def _list_free(dest: Path, one: Looked) -> Iterator[Path]:
    """Yield names for a photo under which there is nothing: its own, then numbered ones."""
    own = dest / one.folder / PurePosixPath(one.name)
    numbered = (own.with_name(f"{own.stem}-{number}{own.suffix}") for number in itertools.count(2))
    for path in itertools.chain([own], numbered):
        if not os.path.lexists(path):
            yield path
