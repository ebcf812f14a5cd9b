"""The journal of a tagging: what is going to be changed in which file, and what was there before.

It lies in the folder that all tagged photos have in common. After the first line, which says what
was asked for, each has one of these keys, and a number:

    {"do": 7, …}     a file is going to be written: what it was, what it will be, what is new in it
    {"done": 7}      that has been done
    {"void": 7}      that has not been done
    {"undone": 7}    that has been taken back

A change is told by the bytes that are replaced, their place, and the number of those that replace
them, so that it can be taken back to the last byte as long as nobody else has changed the file.
"""

import base64
import contextlib
import dataclasses
import enum
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final, Self

from gafas.errors import DataError
from gafas.journals import apply_rows, check_path, create, lock, read_first, write_line
from gafas.tagging.xmp import Added

VERSION: Final = 1
"""The newest layout of journals that this version reads."""

_KIND: Final = "tag"


class Style(enum.StrEnum):
    """How the file beside a photo is called."""

    darktable = "darktable"
    lightroom = "lightroom"


class Unsure(enum.StrEnum):
    """What is written of a face that the model is unsure of."""

    leave = "leave"
    keyword = "keyword"


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """What is asked for, whatever the photos.

    Attributes:
        model: the SHA-256 of the model.
        threshold: the probability, 0–1, under which the answer is `unsure`.
        min_face: faces of fewer pixels, across or down, do not count.
        largest: only each photo's largest face counts.
        regions: whether faces are marked, too.
        unsure: what is written where the model is unsure.
        embed: whether it is written into the photo itself.
        style: how a file beside it is called.
    """

    model: str
    threshold: float
    min_face: float = 0.0
    largest: bool = False
    regions: bool = False
    unsure: Unsure = Unsure.leave
    embed: bool = False
    style: Style = Style.darktable

    @property
    def answers(self) -> tuple[object, ...]:
        """Return what decides which answers there are."""
        return self.model, self.threshold, self.min_face, self.largest


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What is done to one file.

    Attributes:
        before: the SHA-256 of its content; None if there was no file.
        after: the SHA-256 of its new content.
        at: how many bytes at its beginning stay.
        old: the bytes that are replaced.
        length: the number of bytes that replace them.
        added: what is new in its XMP.
    """

    before: str | None
    after: str
    at: int
    old: bytes
    length: int
    added: Added

    @classmethod
    def tell(cls, old: bytes | None, new: bytes, *, added: Added) -> Self:
        """Describe the change of one content to another."""
        was = old or b""
        at = _count_same(was, new)
        same = _count_same(was[at:][::-1], new[at:][::-1])
        middle, length = was[at : len(was) - same], len(new) - same - at
        before = None if old is None else hash_bytes(old)
        return cls(before, hash_bytes(new), at, middle, length, added)

    def take_back(self, content: bytes) -> bytes:
        """Return what a changed content was before."""
        return content[: self.at] + self.old + content[self.at + self.length :]

    def to_row(self) -> dict[str, Any]:
        """Return what the journal holds of it."""
        row = dataclasses.asdict(self)
        return row | {"old": base64.b64encode(self.old).decode(), "added": dict(self.added)}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Read what `to_row` gave.

        Raises:
            KeyError: something is missing.
            ValueError: the old bytes cannot be read.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(**{name: row[name] for name in names} | {"old": base64.b64decode(row["old"])})


def _count_same(one: bytes, other: bytes) -> int:
    """Return how many bytes two contents begin with alike."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def hash_bytes(content: bytes) -> str:
    """Return the SHA-256 of a content, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


@dataclasses.dataclass(slots=True)
class Entry:
    """A change to one file, relative to the journal's folder, and its state.

    The state is `do`, `done`, `void` or `undone`.
    """

    number: int
    file: str
    change: Change
    state: str = "do"


@dataclasses.dataclass(slots=True)
class Journal:
    """What a journal tells; where `open_journal` gave it, it can be written, too.

    Attributes:
        path: of the journal.
        options: what was asked for.
        entries: by their numbers, in the order in which they were begun.
        file: that is written.
    """

    path: Path
    options: Options
    entries: dict[int, Entry] = dataclasses.field(default_factory=dict)
    file: IO[bytes] | None = None

    def target(self, entry: Entry) -> Path:
        """Return the file that is changed."""
        return self.path.parent / entry.file

    def part(self, entry: Entry) -> Path:
        """Return the hidden path, beside the file, under which its new content is written."""
        return self.target(entry).parent / f"{self.path.stem}-{entry.number}.part"

    def select(self, *states: str) -> list[Entry]:
        """Return the entries in some state, in the order in which they were begun."""
        return [entry for entry in self.entries.values() if entry.state in states]

    def begin(self, file: Path, change: Change) -> Entry:
        """Write down, for certain, what is going to be done.

        Raises:
            DataError: the journal cannot be written.
        """
        number = len(self.entries) + 1
        place = file.relative_to(self.path.parent).as_posix()
        self.write({"do": number, "file": place, **change.to_row()}, sync=True)
        return self.entries[number]

    def write(self, row: Mapping[str, Any], *, sync: bool = False) -> None:
        """Write a line down; with `sync` only return when it is on the disk.

        Raises:
            DataError: the journal cannot be written.
        """
        assert self.file is not None, "open_journal opens journals to be written"
        write_line(self.file, row, sync=sync)
        self.apply(row)

    def apply(self, row: Mapping[str, Any]) -> None:
        """Take in one line after the first.

        Raises:
            KeyError: it tells of an entry that was never begun, or lacks a key.
            ValueError: a path leads out of the folder, or the line is of no known kind.
        """
        match row:
            case {"do": number}:
                file = check_path(row["file"])
                self.entries[number] = Entry(number, file, Change.from_row(row))
            case {"done": number} | {"void": number} | {"undone": number}:
                self.entries[number].state = next(iter(row))
            case _:
                raise ValueError("no known kind of line")


def list_journals(folder: Path) -> Iterator[Journal]:
    """Read the journals in a folder, in the order in which they were begun.

    Raises:
        DataError: one of them is none, or is damaged.
        OSError: one of them cannot be read.
    """
    paths = folder.glob(f".gafas-{_KIND}-*.jsonl")
    for path in sorted(paths, key=lambda path: (len(path.name), path.name)):
        if read_first(path):
            yield read_journal(path)


def read_journal(path: Path) -> Journal:
    """Read a journal.

    Raises:
        DataError: it is no journal, is damaged, or was written by a newer version.
        OSError: it cannot be read.
    """
    return _read(path)[0]


@contextlib.contextmanager
def open_journal(path: Path) -> Iterator[Journal]:
    """Read a journal to write it; meanwhile no other process can.

    Raises:
        DataError: as `read_journal`, or another process writes it.
        OSError: it cannot be opened.
    """
    with lock(path) as file:
        journal, length = _read(path)
        file.truncate(length)
        file.seek(length)
        journal.file = file
        yield journal


def create_journal(folder: Path, options: Options) -> Path:
    """Make a journal in a folder; return its path.

    Raises:
        DataError: the journal cannot be written, as on a full disk.
        OSError: nothing may be made in the folder.
    """
    row = {"gafas": _KIND, "version": VERSION, **dataclasses.asdict(options)}
    return create(folder, _KIND, first=row)


def _read(path: Path) -> tuple[Journal, int]:
    """Return a journal, and how many bytes its whole lines have."""
    first = read_first(path)
    journal = Journal(path, _parse_options(first, path))
    return journal, len(first) + apply_rows(path, journal.apply)


def _parse_options(first: bytes, path: Path) -> Options:
    with contextlib.suppress(ValueError, TypeError, KeyError):
        row = json.loads(first)
        if row.pop("gafas") == _KIND:
            if row.pop("version") > VERSION:
                raise DataError(
                    f"The journal is newer than this gafas. Received: {str(path)!r}. Install the "
                    "gafas that wrote it, or a newer one."
                )
            forms = {"unsure": Unsure(row["unsure"]), "style": Style(row["style"])}
            return Options(**row | forms)
    raise DataError(
        f"This is no journal of `gafas tag`. Received: {str(path)!r}, which starts with "
        f"{first[:40]!r}. Name a file .gafas-{_KIND}-….jsonl, as it lies in the folder of the "
        "photos."
    )
