"""Take back what a journal tells, except where somebody has changed it since."""

import contextlib
import dataclasses
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from gafas.sorting.files import PhotoChangedError, hash_file, holds, refuse_full, restore_facts
from gafas.sorting.journal import Action, Entry, Journal, open_journal
from gafas.sorting.sort import is_link_to, is_made_by, move, recover


@dataclasses.dataclass(frozen=True, slots=True)
class Undone:
    """What became of a photo that was sorted.

    Attributes:
        target: where it went.
        problem: why that could not be taken back; None if it has been.
    """

    target: Path
    problem: str | None = None


def undo(path: Path) -> Iterator[Undone]:
    """Take back everything that a journal tells, the last first, and then remove the journal.

    Moved photos get their old place, times and permissions; copies and links are removed; so are
    folders that the runs made, if they are empty. A file that has been changed since stays where it
    is, and so does the journal then. What was interrupted can be repeated.

    Raises:
        DataError: it is no journal, is damaged, is in use, or the disk is full.
        OSError: the journal cannot be read or removed.
    """
    with open_journal(path) as journal:
        for entry in journal.select("do"):
            recover(journal, entry)
        for entry in reversed(journal.select("done", "undo")):
            problem = _try(journal, entry)
            yield Undone(journal.target(entry), problem)
        folders = [path.parent / name for name in journal.folders]
        _remove_empty(sorted(folders, key=lambda folder: len(folder.parts), reverse=True))
        if not journal.select("done", "undo"):
            path.unlink()
            _remove_empty([path.parent, *path.parent.parents][: journal.made])


def undo_all(paths: Iterable[Path]) -> Iterator[Undone]:
    """Take back what several journals tell, as `undo` does.

    The newest comes first, for folders that one run made hold what later ones sorted.
    """
    # Their names end in numbers, and a longer number is a higher one.
    for path in sorted(paths, key=lambda path: (len(path.name), path.name), reverse=True):
        yield from undo(path)


def _try(journal: Journal, entry: Entry) -> str | None:
    """Take one action back; say why, if that cannot be done."""
    take_back = {Action.link: _unlink, Action.copy: _uncopy, Action.move: _unmove}
    try:
        problem = take_back[journal.options.action](journal, entry)
    except PhotoChangedError as error:
        problem = str(error)
    except OSError as error:
        refuse_full(error, str(journal.photo(entry)))
        problem = f"Cannot take it back: {error.strerror or error}."
        back = journal.options.action is Action.move and os.path.lexists(journal.photo(entry))
        if not back and os.path.lexists(journal.target(entry)):  # all is as it was
            journal.write({"done": entry.number})
    if problem is None:
        journal.write({"undone": entry.number})
    return problem


def _unlink(journal: Journal, entry: Entry) -> str | None:
    target = journal.target(entry)
    if not os.path.lexists(target):
        return None
    if not is_link_to(target, journal.photo(entry)):
        return "It was replaced since, so it stays where it is."
    target.unlink()
    return None


def _uncopy(journal: Journal, entry: Entry) -> str | None:
    """Remove a copy, if it is as it was made, and its original still has the same content."""
    target = journal.target(entry)
    if not os.path.lexists(target) or _is_taken_back(journal, entry):
        return None
    if not holds(target, entry.identity):
        return "It was changed since, so it stays where it is."
    if not _is_original_there(journal, entry):
        return "Its original is gone or was changed since, so the copy stays where it is."
    _announce(journal, entry)
    target.unlink()
    return None


def _unmove(journal: Journal, entry: Entry) -> str | None:
    """Move a photo back to where it was, with the times and permissions that it had."""
    photo, target = journal.photo(entry), journal.target(entry)
    journal.part(entry, photo).unlink(missing_ok=True)
    ours = holds(target, entry.identity) and not _is_taken_back(journal, entry)
    if os.path.lexists(photo):
        back = os.path.samestat(photo.lstat(), target.lstat()) if ours else False
        if back or (ours and entry.state == "undo" and is_made_by(entry, photo)):
            target.unlink()
        elif ours or not holds(photo, entry.identity):
            return "Something else has its old place, so it stays where it is."
    elif ours:
        _announce(journal, entry)
        photo.parent.mkdir(parents=True, exist_ok=True)
        move(journal, entry, source=target, target=photo)
    else:
        return "It was changed or removed since, so it stays where it is."
    restore_facts(photo, entry.identity)
    return None


def _announce(journal: Journal, entry: Entry) -> None:
    """Write down that a file is going to be taken back, and which file that is."""
    number = journal.target(entry).lstat().st_ino
    journal.write({"undo": entry.number, "file": number}, sync=True)


def _is_taken_back(journal: Journal, entry: Entry) -> bool:
    """Say whether an interrupted undoing came so far: another file has the target's name now."""
    if entry.back is None:
        return False
    try:
        return journal.target(entry).lstat().st_ino != entry.back
    except (FileNotFoundError, NotADirectoryError):
        return True


def _is_original_there(journal: Journal, entry: Entry) -> bool:
    photo, known = journal.photo(entry), entry.identity
    try:
        found = photo.stat()
        if os.path.realpath(photo) == os.path.realpath(journal.target(entry)):
            return False  # the original was replaced by a link to its copy
        same = (found.st_size, found.st_mtime_ns) == (known.size, known.mtime_ns)
        return same or hash_file(photo) == known.sha256
    except OSError:
        return False


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):  # it is not empty, or gone
            folder.rmdir()
