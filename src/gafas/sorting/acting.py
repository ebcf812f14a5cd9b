"""Carry out what a journal has announced, and find out how far that came where a crash cut it."""

import errno
from pathlib import Path

from gafas.sorting.files import (
    PhotoChangedError,
    holds,
    rename,
    replace_by,
    same_file,
    write_part,
)
from gafas.sorting.journal import Journal
from gafas.sorting.order import Action
from gafas.sorting.record import Entry


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
