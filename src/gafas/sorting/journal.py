"""The journal of a sorting: what is going to be done, written down before it is done.

A journal lies in the folder that is sorted into. It is made of lines of JSON. The first says what
was asked for; each later one has one of these keys, and a number where it is about an entry:

    {"folder": …}       a folder is going to be made
    {"do": 7, …}        a photo is going to be copied, moved or linked: from where, to where
    {"part": 7, …}      the copy is whole and is going to get its name
    {"done": 7}         that has been done
    {"void": 7}         that has not been done, and left nothing behind
    {"undo": 7, …}      that is going to be undone
    {"undone": 7}       that has been undone
    {"finished": true}  there is no photo left to sort

So what a crash may have left is no more than what the entries in `do` and `undo` tell. Paths are
relative, those of photos to the folder that is sorted, the others to the journal's own. `file` is
the number by which the file system knows a file: equal contents do not make a file ours.
"""

import contextlib
import dataclasses
import enum
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

from gafas.errors import DataError
from gafas.journals import apply_rows, check_path, create, lock, read_first, write_line
from gafas.sorting.files import Identity

VERSION: Final = 2
"""The newest layout of journals that this version reads; 1 named the source's folder twice."""

_PATTERN: Final = ".gafas-sort-*.jsonl"


class Action(enum.StrEnum):
    """What is done with a photo."""

    copy = "copy"
    move = "move"
    link = "link"


class Rule(enum.StrEnum):
    """How the answers about several faces choose one folder."""

    label = "label"
    any = "any"


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """What is asked for, whatever the photos; one journal holds what was sorted by equal options.

    Attributes:
        model: the SHA-256 of the model.
        threshold: the probability, 0–1, under which the answer is `unsure`.
        action: what is done with each photo.
        by: how the answers choose the folder.
        min_face: faces of fewer pixels, across or down, do not count.
        largest: only each photo's largest face counts.
    """

    model: str
    threshold: float
    action: Action = Action.copy
    by: Rule = Rule.label
    min_face: float = 0.0
    largest: bool = False

    def __str__(self) -> str:
        """Return the options as a person would type them.

        >>> str(Options("c0ffee", 0.8, Action.move, min_face=40.0))
        '--move --by label --threshold 0.8 --min-face 40, model c0ffee'
        """
        faces = f" --min-face {self.min_face:g}" * bool(self.min_face) + " --largest" * self.largest
        told = f"--{self.action} --by {self.by} --threshold {self.threshold:g}{faces}"
        return f"{told}, model {self.model[:12]}"


@dataclasses.dataclass(slots=True)
class Entry:
    """What happens to one photo.

    Attributes:
        number: what the journal calls it.
        photo: relative to the folder that is sorted.
        target: relative to the journal's folder.
        identity: what the photo was before.
        state: `do`, `done`, `void`, `undo` or `undone`.
        part: the number of the file that was written, to get its name.
        back: the number of the file that is taken back.
    """

    number: int
    photo: str
    target: str
    identity: Identity
    state: str = "do"
    part: int | None = None
    back: int | None = None


@dataclasses.dataclass(slots=True)
class Journal:
    """What a journal tells; where `open_journal` gave it, it can be written, too.

    Attributes:
        path: of the journal.
        source: the folder that is sorted.
        options: what was asked for.
        made: how many folders, down to the journal's, were made for it.
        length: of all whole lines, in bytes; what follows was cut short by a crash.
        entries: by their numbers, in the order in which they were begun.
        folders: those that were made, relative to the journal's.
        finished: whether no photo was left to sort.
        file: that is written.
    """

    path: Path
    source: Path
    options: Options
    made: int
    length: int
    entries: dict[int, Entry] = dataclasses.field(default_factory=dict)
    folders: list[str] = dataclasses.field(default_factory=list)
    finished: bool = False
    file: IO[bytes] | None = None

    def photo(self, entry: Entry) -> Path:
        """Return where a photo was."""
        return self.source / entry.photo

    def target(self, entry: Entry) -> Path:
        """Return where it goes."""
        return self.path.parent / entry.target

    def part(self, entry: Entry, beside: Path) -> Path:
        """Return the hidden path, beside another, under which a copy may be written."""
        return beside.parent / f"{self.path.stem}-{entry.number}.part"

    def select(self, *states: str) -> list[Entry]:
        """Return the entries in some state, in the order in which they were begun."""
        return [entry for entry in self.entries.values() if entry.state in states]

    def begin(self, photo: str, target: str, *, identity: Identity) -> Entry:
        """Write down, for certain, what is going to be done.

        Raises:
            DataError: the journal cannot be written.
        """
        number = len(self.entries) + 1
        facts = dataclasses.asdict(identity)
        self.write({"do": number, "photo": photo, "target": target, **facts}, sync=True)
        return self.entries[number]

    def write(self, row: Mapping[str, Any], *, sync: bool = False) -> None:
        """Write a line down; with `sync` only return when it is on the disk.

        Raises:
            DataError: the journal cannot be written. Write no more, so that the next to open it
                cuts off what was begun.
        """
        assert self.file is not None, "open_journal opens journals to be written"
        write_line(self.file, row, sync=sync)
        self.apply(row)

    def apply(self, row: Mapping[str, Any]) -> None:
        """Take in one line after the first.

        Raises:
            KeyError: it tells of an entry that was never begun, or lacks a key.
            ValueError: a path leads out of its folder, or the line is of no known kind.
        """
        match row:
            case {"do": number}:
                identity = Identity(row["size"], row["mtime_ns"], row["mode"], row["sha256"])
                photo, target = check_path(row["photo"]), check_path(row["target"])
                self.entries[number] = Entry(number, photo, target, identity)
                self.finished = False
            case {"folder": path}:
                self.folders.append(check_path(path))
            case {"finished": _}:
                self.finished = True
            case {"part": number}:
                self.entries[number].part = row["file"]
            case {"undo": number}:
                entry = self.entries[number]  # what was written on the way there counts no more
                entry.state, entry.part, entry.back = "undo", None, row["file"]
            case {"done": number} | {"void": number} | {"undone": number}:
                entry = self.entries[number]
                entry.state, entry.back = next(iter(row)), None
            case _:
                raise ValueError("no known kind of line")


def list_journals(dest: Path, source: Path) -> Iterator[Path]:
    """Yield the journals in a folder that are about the same source.

    Raises:
        DataError: one in the folder is none.
        OSError: one of them cannot be read.
    """
    for path in sorted(dest.glob(_PATTERN)):
        first = read_first(path)
        if first and _parse_first(first, path).source == source:
            yield path


def read_journal(path: Path) -> Journal:
    """Read a journal.

    Raises:
        DataError: it is no journal, is damaged, or was written by a newer version.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        journal = _parse_first(file.readline(), path)
    journal.length += apply_rows(path, journal.apply)
    return journal


@contextlib.contextmanager
def open_journal(path: Path) -> Iterator[Journal]:
    """Read a journal to write it; meanwhile no other process can.

    Raises:
        DataError: as `read_journal`, or another process writes it.
        OSError: it cannot be opened.
    """
    with lock(path) as file:
        journal = read_journal(path)
        file.truncate(journal.length)
        file.seek(journal.length)
        journal.file = file
        yield journal


def create_journal(dest: Path, source: Path, *, options: Options) -> Path:
    """Make a journal, and the folder for it if there is none; return the journal's path.

    Raises:
        DataError: the journal cannot be written, as on a full disk.
        OSError: the folder cannot be made, or nothing may be made in it.
    """
    missing = [folder for folder in (dest, *dest.parents) if not folder.exists()]
    dest.mkdir(parents=True, exist_ok=True)
    row = {"gafas": "sort", "version": VERSION, "source": str(source)}
    row |= {**dataclasses.asdict(options), "made": len(missing)}
    return create(dest, "sort", first=row)


def _parse_first(first: bytes, path: Path) -> Journal:
    with contextlib.suppress(ValueError, TypeError, KeyError):
        row = json.loads(first)
        if row["gafas"] == "sort" and row["version"] > VERSION:
            raise DataError(
                f"The journal is newer than this gafas. Received: {str(path)!r}, version "
                f"{row['version']}. Install the gafas that wrote it, or a newer one."
            )
        action, by = Action(row["action"]), Rule(row["by"])
        faces = row.get("min_face", 0.0), row.get("largest", False)
        options = Options(row["model"], row["threshold"], action, by, *faces)
        if row["gafas"] == "sort":
            return Journal(path, Path(row["source"]), options, row["made"], length=len(first))
    raise DataError(
        f"This is no journal of `gafas sort`. Received: {str(path)!r}, which starts with "
        f"{first[:40]!r}. Name a file {_PATTERN}, as it lies in the folder sorted into."
    )
