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
from collections.abc import Iterator, Mapping
from io import FileIO
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Final, Self

from gafas.errors import DataError
from gafas.sorting.files import Identity

VERSION: Final = 1
"""The newest layout of journals that this version reads."""

_PATTERN: Final = ".gafas-sort-*.jsonl"
_STATES: Final = ("done", "void", "undo", "undone")
_FIRST: Final = {"gafas", "version", "source", "base", "made", "action", "by", "model", "threshold"}


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One action: what happens to which photo.

    Attributes:
        number: what the journal calls it.
        photo: relative to the folder that is sorted.
        target: relative to the journal's folder.
        identity: what the photo was before.
    """

    number: int
    photo: str
    target: str
    identity: Identity

    @property
    def folder(self) -> str:
        """Return the name of the folder that the photo goes into."""
        return PurePosixPath(self.target).parts[0]


@dataclasses.dataclass(slots=True)
class Record:
    """What a journal tells.

    Attributes:
        about: the first line: the order, where its photos lie (`base`), how many folders down to
            the journal's were made for it (`made`).
        entries: every action by its number.
        states: of every action, by its number: `do`, `done`, `void`, `undo` or `undone`.
        files: by an action's number, by which the file system knows the file that the action has
            made (`part`), or the one that is taken back (`undo`).
        folders: those that were made, relative to the journal's.
        finished: whether every photo has been looked at.
        length: of all whole lines, in bytes; what follows was cut short by a crash.
    """

    about: Mapping[str, Any]
    entries: dict[int, Entry] = dataclasses.field(default_factory=dict)
    states: dict[int, str] = dataclasses.field(default_factory=dict)
    files: dict[tuple[str, int], int] = dataclasses.field(default_factory=dict)
    folders: list[str] = dataclasses.field(default_factory=list)
    finished: bool = False
    length: int = 0

    def select(self, *states: str) -> list[Entry]:
        """Return the actions in some state, in the order in which they were begun."""
        return [entry for number, entry in self.entries.items() if self.states[number] in states]

    def apply(self, row: Mapping[str, Any]) -> None:
        """Take in one line after the first.

        Raises:
            KeyError: it tells of an action that was never begun, or lacks a key.
            ValueError: a path leads out of its folder, or the line is of no known kind.
        """
        if "do" in row:
            identity = Identity.from_dict(row)
            photo, target = _check_path(row["photo"]), _check_path(row["target"])
            self.entries[row["do"]] = Entry(row["do"], photo, target, identity)
            self.states[row["do"]] = "do"
            self.finished = False
        elif "folder" in row:
            self.folders.append(_check_path(row["folder"]))
        elif "finished" in row:
            self.finished = True
        elif "part" in row:
            self.files["part", row["part"]] = row["file"]
        else:
            state = next((key for key in _STATES if key in row), None)
            if state is None:
                raise ValueError("no known kind of line")
            self.states[self.entries[row[state]].number] = state
            self.files.pop(("undo", row[state]), None)
            if state == "undo":
                self.files["undo", row["undo"]] = row["file"]
                self.files.pop(("part", row["undo"]), None)  # of the way there, not back


def list_journals(dest: Path, source: Path) -> Iterator[Path]:
    """Yield the journals in a folder that are about the same source.

    Raises:
        DataError: one in the folder is none.
        OSError: one of them cannot be read.
    """
    for path in sorted(dest.glob(_PATTERN)):
        with path.open("rb") as file:
            first = file.readline()
        if first.endswith(b"\n") and _read_about(first, path)["source"] == str(source):
            yield path


def has_first_line(path: Path) -> bool:
    """Say whether a journal was begun; a crash may have left one without its first line.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return file.readline().endswith(b"\n")


def read_journal(path: Path) -> Record:
    """Read a journal.

    Raises:
        DataError: it is no journal, is damaged, or was written by a newer version.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        first = file.readline()
        record = Record(_read_about(first, path), length=len(first))
        for number, line in enumerate(file, 2):
            if not line.endswith(b"\n"):
                break
            try:
                record.apply(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(
                    f"The journal is damaged. Received: {str(path)!r}, line {number}: "
                    f"{line[:60]!r}. Nothing has been done. Restore the journal from a backup."
                ) from error
            record.length += len(line)
    return record


def _read_about(first: bytes, path: Path) -> Mapping[str, Any]:
    """Read a journal's first line."""
    try:
        about: Mapping[str, Any] = json.loads(first)
        known = set(about) >= _FIRST and about["gafas"] == "sort"
    except (ValueError, TypeError):
        known = False
    if not known:
        raise DataError(
            f"This is no journal of `gafas sort`. Received: {str(path)!r}, which starts with "
            f"{first[:40]!r}. Name a file {_PATTERN}, as it lies in the folder sorted into."
        )
    if about["version"] > VERSION:
        raise DataError(
            f"The journal is newer than this gafas. Received: {str(path)!r}, version "
            f"{about['version']}. Install the gafas that wrote it, or a newer one."
        )
    return about


def _check_path(text: str) -> str:
    """Refuse a path that leads out of its folder."""
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError("a path leads out of its folder")
    return text


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
