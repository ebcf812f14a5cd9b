"""What the journal of a run tells, read back."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

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
