"""The journal of a run: what is going to be done, written down before it is done.

A journal lies in the folder that is sorted into. It is made of lines of JSON. The first says what
was ordered; each later one has one of these keys, and a number where it is about an action:

    {"folder": …}       a folder is going to be made
    {"do": 7, …}        a photo is going to be copied, moved or linked: from where, to where
    {"part": 7, …}      the copy is whole and is going to get its name
    {"done": 7}         that has been done
    {"void": 7}         that has not been done, and left nothing behind
    {"undo": 7, …}      that is going to be undone
    {"undone": 7}       that has been undone
    {"finished": true}  every photo has been looked at

So what a crash may have left is no more than what the actions without an end tell. Paths are
relative, those of photos to the folder that is sorted, the others to the journal's own. `file` is
the number by which the file system knows a file: equal contents do not make a file ours.
"""

import contextlib
import dataclasses
import json
import os
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gafas.errors import DataError
from gafas.sorting.files import Identity
from gafas.sorting.record import VERSION, Entry, has_first_line, read_journal

try:
    import fcntl
except ImportError:  # Windows: two runs at once are not kept apart there
    fcntl = None  # type: ignore[assignment]


class Journal:
    """A journal that is being written; while it is open, no other process can write it.

    Args:
        path: of a journal that is there.

    Raises:
        DataError: it is no journal, is damaged, or another process writes it.
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = _lock(path)
        try:
            self.record = read_journal(path)
            self._file.truncate(self.record.length)
            self._file.seek(self.record.length)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def base(self) -> Path:
        """Return the folder that photos' paths are relative to."""
        return Path(self.record.about["base"])

    def photo(self, entry: Entry) -> Path:
        """Return where a photo was."""
        return self.base / entry.photo

    def target(self, entry: Entry) -> Path:
        """Return where it goes."""
        return self.path.parent / entry.target

    def part(self, entry: Entry, beside: Path) -> Path:
        """Return the hidden path, beside another, under which an action may write."""
        return beside.parent / f"{self.path.stem}-{entry.number}.part"

    def begin(self, photo: str, target: str, *, identity: Identity) -> Entry:
        """Write down, for certain, what is going to be done.

        Raises:
            DataError: the journal cannot be written.
        """
        number = len(self.record.entries) + 1
        facts = dataclasses.asdict(identity)
        self.write({"do": number, "photo": photo, "target": target, **facts}, sync=True)
        return self.record.entries[number]

    def write(self, row: Mapping[str, Any], *, sync: bool = False) -> None:
        """Write a line down; with `sync` only return when it is on the disk.

        Raises:
            DataError: the journal cannot be written; it is as it was.
        """
        line = _encode(row)
        try:
            _write_all(self._file, line)
            if sync:
                os.fsync(self._file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):  # or the next reader cuts off what was begun
                self._file.truncate(self.record.length)
                self._file.seek(self.record.length)
            raise _explain(error, self.path) from error
        self.record.length += len(line)
        self.record.apply(row)


def create_journal(dest: Path, about: Mapping[str, Any]) -> Path:
    """Make a journal, and the folder for it if there is none; return the journal's path.

    Raises:
        DataError: the journal cannot be written, as on a full disk.
        OSError: the folder cannot be made, or nothing may be made in it.
    """
    missing = [folder for folder in (dest, *dest.parents) if not folder.exists()]
    dest.mkdir(parents=True, exist_ok=True)
    first = _encode({"gafas": "sort", "version": VERSION, **about, "made": len(missing)})
    number = 1
    while True:
        path = dest / f".gafas-sort-{number}.jsonl"
        if (not path.exists() or not has_first_line(path)) and _begin(path, first):
            return path
        number += 1


def _begin(path: Path, first: bytes) -> bool:
    """Write the first line, unless another process has the journal, or has just begun it."""
    try:
        file = _lock(path, create=True)
    except DataError:
        return False
    with file:
        if has_first_line(path):
            return False
        try:
            file.truncate(0)
            _write_all(file, first)
            os.fsync(file.fileno())
        except OSError as error:  # what was begun has no first line: the next run begins it anew
            raise _explain(error, path) from error
    return True


def _explain(error: OSError, path: Path) -> DataError:
    return DataError(
        f"Cannot write the journal: {error.strerror}. Received: {str(path)!r}. Free "
        "some space there, then give the same command again: it goes on where it stopped."
    )


def _encode(row: Mapping[str, Any]) -> bytes:
    # Escaped, for a file name may be no text at all.
    return json.dumps(row, ensure_ascii=True).encode("ascii") + b"\n"


def _lock(path: Path, *, create: bool = False) -> FileIO:
    flags = os.O_RDWR | (os.O_CREAT if create else 0)
    # Unbuffered, so that what is written is written.
    file = FileIO(os.open(path, flags, 0o644), "rb+")
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free = os.fstat(file.fileno()).st_nlink > 0  # or an undo has just removed it
    except BlockingIOError:
        free = False
    if not free:
        file.close()
        raise DataError(
            f"Another gafas is at work with this journal. Received: {str(path)!r}. Wait for it."
        )
    return file


def _write_all(file: FileIO, content: bytes) -> None:
    """Write everything: an unbuffered file may take a part of it."""
    view = memoryview(content)
    while view:
        view = view[os.write(file.fileno(), view) :]
