"""Take back what a journal tells: to the last byte, or of files changed since, what is ours."""

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path

from gafas.errors import DataError
from gafas.sorting.files import refuse_full
from gafas.tagging import jpeg, xmp
from gafas.tagging.journal import Entry, Journal, hash_bytes, open_journal
from gafas.tagging.tag import is_beside, read, recover, write


@dataclasses.dataclass(frozen=True, slots=True)
class Undone:
    """What became of a file that was tagged.

    Attributes:
        target: the file.
        changed: whether somebody has changed it since, so that only what is ours was taken out.
        problem: why that could not be taken back; None if it has been.
    """

    target: Path
    changed: bool = False
    problem: str | None = None


def undo(path: Path) -> Iterator[Undone]:
    """Take back everything that a journal tells, the last first, and then remove the journal.

    A file that is as it was left becomes what it was before, to the last byte; one that we made is
    removed. Of a file that was changed since, our keywords and regions are taken out, and the rest
    stays. What was interrupted can be repeated; what could not be taken back keeps the journal.

    Raises:
        DataError: it is no journal, is damaged, is in use, or the disk is full.
        OSError: the journal cannot be read or removed.
    """
    with open_journal(path) as journal:
        for entry in journal.select("do"):
            recover(journal, entry)
        for entry in reversed(journal.select("done")):
            yield _try(journal, entry)
        if not journal.select("done"):
            path.unlink()


def undo_all(paths: Iterable[Path]) -> Iterator[Undone]:
    """Take back what several journals tell, as `undo` does, the newest first."""
    for path in sorted(paths, key=lambda path: (len(path.name), path.name), reverse=True):
        yield from undo(path)


def _try(journal: Journal, entry: Entry) -> Undone:
    target, changed, problem = journal.target(entry), False, None
    try:
        changed = _take_back(journal, entry)
        journal.write({"undone": entry.number})
    except OSError as error:
        refuse_full(error, str(target))
        problem = f"Cannot take it back: {error.strerror or error}."
    except DataError as error:
        problem = str(error)
    return Undone(target, changed, problem)


def _take_back(journal: Journal, entry: Entry) -> bool:
    """Take one change back; say whether the file had been changed by somebody else since."""
    target, change, part = journal.target(entry), entry.change, journal.part(entry)
    part.unlink(missing_ok=True)
    content = read(target)
    if content is None or hash_bytes(content) == change.before:
        return False  # it is gone, or an interrupted undoing came so far
    if hash_bytes(content) != change.after:
        _take_out(target, part, entry, content=content)
        return True
    if change.before is None:
        target.unlink()
        return False
    before = change.take_back(content)
    if hash_bytes(before) != change.before:
        raise DataError("The journal does not fit the file, so it stays. Take it from a backup.")
    write(target, part, content=before, old=content)
    return False


def _take_out(target: Path, part: Path, entry: Entry, *, content: bytes) -> None:
    """Take our keywords and regions out of a file that is not as we left it."""
    packet = content if is_beside(target) else jpeg.read_packet(content)
    if packet is None:
        return
    left = xmp.remove(packet, entry.change.added)
    if left == packet:
        return
    if is_beside(target) and entry.change.before is None and xmp.is_empty(left):
        target.unlink()
        return
    whole = left if is_beside(target) else jpeg.replace_packet(content, left)
    write(target, part, content=whole, old=content)
