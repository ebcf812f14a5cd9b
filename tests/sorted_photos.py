"""Quick stand-ins for photos, whose answers are their contents, and what lies in a folder."""

import collections
import dataclasses
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from dying import Fate, fated
from gafas.results import Face, Prediction, Recognition
from gafas.sorting.journal import Action, Options, Rule
from gafas.sorting.plan import Filed, Plan
from gafas.sorting.sort import sort_photos

LABELS = ("none", "eyeglasses", "sunglasses")
OPTIONS = Options("0" * 64, 0.8)


def answer(photo: str, *labels: str, error: str | None = None) -> Recognition:
    """Return what a recognizer would: one face for each label."""
    faces = tuple(Prediction(Face.whole(8, 6), label, {"none": 1.0}) for label in labels)
    return Recognition(photo, 8, 6, faces, error)


def recognize(photos: Iterable[str]) -> Iterator[Recognition]:
    """Answer with the labels that a file holds; `#` begins what tells equal answers apart."""
    for photo in photos:
        text = Path(photo).read_text().partition("#")[0]
        yield answer(photo, error="broken") if text == "!" else answer(photo, *text.split())


def make_plan(
    source: Path, dest: Path, action: Action = Action.copy, *, by: Rule = Rule.label
) -> Plan:
    return Plan(source, dest, LABELS, dataclasses.replace(OPTIONS, action=action, by=by))


def make_photos(folder: Path, contents: Mapping[str, str]) -> Path:
    """Write files, each with a time and permissions of its own."""
    for number, (name, text) in enumerate(contents.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o640 if number % 2 else 0o444)
        os.utime(path, ns=(0, 1_600_000_000_123_456_789 + number))
    return folder


def list_photos(folder: Path) -> list[str]:
    """Return the paths of the visible files, as the command line finds them."""
    return sorted(
        str(path)
        for path in folder.rglob("*")
        if not path.is_dir() and not any(part.startswith(".") for part in path.parts)
    )


def run(plan: Plan) -> list[Filed]:
    """Carry out a plan without waiting for the disk."""
    with fated(Fate()):
        return list(sort_photos(list_photos(plan.source), recognize, plan=plan))


def names(folder: Path) -> list[str]:
    """Return the visible files below a folder."""
    return [os.path.relpath(path, folder) for path in list_photos(folder)]


def journal_of(plan: Plan) -> Path:
    """Return the one journal of a plan's folder."""
    (journal,) = plan.dest.glob(".gafas-sort-*.jsonl")
    return journal


def snapshot(folder: Path) -> dict[str, tuple[object, ...]]:
    """Return everything below a folder: names, contents, links, times and permissions."""
    return {str(path.relative_to(folder)): _describe(path) for path in folder.rglob("*")}


def count_contents(*folders: Path) -> collections.Counter[bytes]:
    """Count the contents of visible files; two names of one file count once."""
    files = {}
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                files[path.stat().st_dev, path.stat().st_ino] = path.read_bytes()
    return collections.Counter(files.values())


def _describe(path: Path) -> tuple[object, ...]:
    found = path.lstat()
    if path.is_symlink():
        return (str(path.readlink()),)
    if path.is_dir():
        return ("folder",)
    return (path.read_bytes(), found.st_mtime_ns, stat.S_IMODE(found.st_mode))
