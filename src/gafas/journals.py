"""Journals: files of JSON lines that say what is going to be done before it is done.

One process at a time writes a journal. What a crash cut short at its end is dropped when it is
opened to be written again. Paths in it are relative to a folder, so that it may be moved with it.

Lines, not a database: with SQLite this was no shorter, and no editor reads it. It waits for the
disk five to eight times as often; with a write-ahead log as often as here, but then it leaves files
of its own beside the photos and does not work on network disks.
"""

import contextlib
import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any

from gafas.errors import DataError

try:
    import fcntl
except ImportError:  # Windows: two runs at once are not kept apart there
    fcntl = None  # type: ignore[assignment]


def create(folder: Path, kind: str, *, first: Mapping[str, Any]) -> Path:
    """Make a journal in a folder, named after what it is of, with its first line; return its path.

    Raises:
        DataError: the journal cannot be written, as on a full disk.
        OSError: nothing may be made in the folder.
    """
    for number in itertools.count(1):
        path = folder / f".gafas-{kind}-{number}.jsonl"
        # A crash may have left one without its first line; another process may begin this one.
        if not path.exists() or not read_first(path):
            with _lock(path, "a+b") as file:
                if file and not read_first(path):
                    file.truncate(0)
                    write_line(file, first, sync=True)
                    break
    return path


def read_first(path: Path) -> bytes:
    """Return a journal's first line; nothing if it was never wholly written."""
    with path.open("rb") as file:
        first = file.readline()
    return first if first.endswith(b"\n") else b""


def apply_rows(path: Path, apply: Callable[[Mapping[str, Any]], object]) -> int:
    """Have every whole line after the first taken in; return how many bytes these are.

    Raises:
        DataError: a line is none, or `apply` refuses it.
        OSError: the journal cannot be read.
    """
    length = 0
    with path.open("rb") as file:
        file.readline()
        for number, line in enumerate(file, 2):
            if not line.endswith(b"\n"):
                break
            try:
                apply(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(
                    f"The journal is damaged. Received: {str(path)!r}, line {number}: "
                    f"{line[:60]!r}. Nothing has been done. Restore the journal from a backup."
                ) from error
            length += len(line)
    return length


@contextlib.contextmanager
def lock(path: Path) -> Iterator[IO[bytes]]:
    """Open a journal to write it; meanwhile no other process can.

    Raises:
        DataError: another process writes it.
        OSError: it cannot be opened.
    """
    with _lock(path, "r+b") as file:
        if file is None:
            raise DataError(
                f"Another gafas is at work with this journal. Received: {str(path)!r}. Wait for it."
            )
        yield file


@contextlib.contextmanager
def _lock(path: Path, mode: str) -> Iterator[IO[bytes] | None]:
    """Open a journal; yield None if another process writes it."""
    # Unbuffered, so that what is written is written.
    with path.open(mode, buffering=0) as file:
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = os.fstat(file.fileno()).st_nlink > 0  # or an undo has just removed it
        except BlockingIOError:
            free = False
        yield file if free else None


def write_line(file: IO[bytes], row: Mapping[str, Any], *, sync: bool) -> None:
    """Write a line; with `sync` only return when it is on the disk.

    Raises:
        DataError: it cannot be written. Write no more, so that the next to open the journal cuts
            off what was begun.
    """
    # Escaped, for a file name may be no text at all.
    view = memoryview(json.dumps(row, ensure_ascii=True).encode("ascii") + b"\n")
    try:
        while view:  # an unbuffered file may take a part of it
            view = view[os.write(file.fileno(), view) :]
        if sync:
            os.fsync(file.fileno())
    except OSError as error:
        raise DataError(
            f"Cannot write the journal: {error.strerror}. Received: {str(file.name)!r}. Free "
            "some space there, then give the same command again: it goes on where it stopped."
        ) from error


def check_path(text: str) -> str:
    """Return a path, unless it leads out of its folder.

    Raises:
        ValueError: it does.
    """
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError("a path leads out of its folder")
    return text
