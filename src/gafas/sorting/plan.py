"""What is sorted where: a plan for every folder of photos, and a folder for every photo."""

import collections
import dataclasses
import os
import shlex
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gafas.errors import DataError, ModelError
from gafas.files import PHOTO_ENDINGS
from gafas.labels import UNSURE
from gafas.sorting.journal import Action, Journal, Options, Rule, list_journals, read_journal

if TYPE_CHECKING:
    from gafas.results import Recognition

MIXED: Final = "mixed"
NO_FACE: Final = "no-face"
UNREADABLE: Final = "unreadable"

_OWN: Final = (MIXED, UNSURE, NO_FACE, UNREADABLE)


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """Say what shall be sorted where, and how.

    Attributes:
        source: the folder that is sorted, or in which the sorted photos lie; absolute. Whatever is
            wanted of it, there is one journal for it, so that nothing is sorted twice where first
            some of it is named and then more.
        dest: the folder that gets the folders; absolute.
        labels: the model's, in its order.
        options: how.
        wanted: what is sorted of the source: itself, or photos and folders in it; absolute.
    """

    source: Path
    dest: Path
    labels: tuple[str, ...]
    options: Options
    wanted: tuple[Path, ...] = ()

    @property
    def folders(self) -> tuple[str, ...]:
        """Return the names of the folders that photos may go into, the labels' first."""
        return (*reversed(self.labels), *_OWN)


def make_plans(
    sources: Sequence[str], dest: Path, *, labels: tuple[str, ...], options: Options
) -> list[Plan]:
    """Make plans of folders and photos as a user names them, in that order.

    A folder gets a plan of its own; photos that are named themselves share that of the folder in
    which they lie. What lies in a folder that is named, too, is sorted with it, once.

    Raises:
        DataError: something does not exist, and was not sorted earlier; or the folders cannot be
            used together, or hold what `find_journal` refuses.
        ModelError: a label of the model cannot be the name of a folder.
    """
    _check_labels(labels)
    dest = Path(os.path.realpath(dest))
    named = {_resolve(source): source for source in sources}
    plans = []
    for folder, wanted in _group(list(named)).items():
        there = tuple(path for path in wanted if os.path.lexists(path))
        plan = Plan(folder, dest, labels, options, there)
        _check_places(plan)
        journal = find_journal(plan)  # all are looked at before the first is carried out
        sorted_before = journal.select("done") if journal else []
        for lost in set(wanted).difference(there, (folder / one.photo for one in sorted_before)):
            raise DataError(
                f"There is nothing to sort. Received: {named[lost]!r}, which does not exist. "
                "Name folders of photos, or photos, and last the folder to sort into."
            )
        plans.append(plan)
    return plans


def find_journal(plan: Plan) -> Journal | None:
    """Return the journal of earlier runs of a plan, if there is one.

    Raises:
        DataError: the folder holds an unlike sorting of the same source, or half an undoing.
    """
    found = None
    for journal in map(read_journal, list_journals(plan.dest, plan.source)):
        kept = journal.options.action is not Action.move or not journal.finished
        same = journal.options == plan.options
        if journal.select("undo"):
            problem = "an undoing was interrupted there. Finish it"
        elif not same and journal.select("do", *["done"] * kept):
            old, new = journal.options, plan.options
            problem = f"{old} is what it holds, {new} is asked for. Undo that"
        else:
            found = journal if same else found
            continue
        raise DataError(
            f"Cannot sort photos of {str(plan.source)!r} into {str(plan.dest)!r}: {problem}: gafas "
            f"sort --undo {shlex.quote(str(journal.path))}; or name another folder to sort into."
        )
    return found


def _resolve(source: str) -> Path:
    """Return where a path leads; a photo that is a link stays one."""
    path = Path(source)
    if path.is_dir():
        return Path(os.path.realpath(path))
    return Path(os.path.realpath(path.parent)) / path.name


def _group(paths: Sequence[Path]) -> dict[Path, list[Path]]:
    """Return what is wanted of every folder."""
    folders = {path for path in paths if path.is_dir()}
    tops = {one for one in folders if not any(above in folders for above in one.parents)}
    groups: dict[Path, list[Path]] = {}
    for path in paths:
        top = next((one for one in (path, *path.parents) if one in tops), path.parent)
        wanted = groups.setdefault(top, [])
        if path == top or top not in tops or not _is_found(path, top, folder=path in folders):
            wanted.append(path)
    return groups


def _is_found(path: Path, top: Path, *, folder: bool) -> bool:
    """Say whether the search of a folder comes to what lies in it."""
    hidden = any(part.startswith(".") for part in path.relative_to(top).parts)
    shown = folder or path.suffix.lower() in PHOTO_ENDINGS
    return shown and not hidden and os.path.lexists(path)


def _check_labels(labels: tuple[str, ...]) -> None:
    """Refuse labels that lead out of a folder, or that are what gafas calls a folder itself."""
    names = [label.casefold() for label in labels]
    for label, name in zip(labels, names, strict=True):
        plain = label.isprintable() and not set(label) & set('/\\:*?"<>|') and label[0] != "."
        if not plain or name in _OWN or names.count(name) > 1 or len(label.encode()) > 200:
            raise ModelError(
                f"Cannot sort by this model: its labels become folders, and {label!r} cannot be "
                f"one. Received: {', '.join(map(repr, labels))}. Train it with other labels."
            )


def _check_places(plan: Plan) -> None:
    """Refuse folders that cannot be used together."""
    if plan.dest.exists() and not plan.dest.is_dir():
        raise DataError(
            f"Expected a folder to sort into. Received: {str(plan.dest)!r}, which is a file. "
            "Name a folder; it is made if it is not there."
        )
    for name in plan.folders:
        if plan.source.is_relative_to(plan.dest / name):
            raise DataError(
                f"Cannot sort {str(plan.source)!r} into {str(plan.dest)!r}: it lies in the "
                f"folder {name} there, which sorted photos go into. Name another folder to sort "
                "into."
            )


Recognize = Callable[[Iterable[str]], Iterator["Recognition"]]
"""What answers for each photo, in their order, taking them as it goes: `recognize_many`."""


@dataclasses.dataclass(frozen=True, slots=True)
class Filed:
    """What becomes of a photo.

    Attributes:
        photo: its path.
        folder: the name of the folder that it goes into; None if it stays where it is.
        target: its new path, once that is known.
        before: whether an earlier run did this.
        problem: why it could not be read, or why it stays where it is.
        seen: what it was like before it was recognized; None if it cannot be sorted.
    """

    photo: str
    folder: str | None = None
    target: Path | None = None
    before: bool = False
    problem: str | None = None
    seen: os.stat_result | None = dataclasses.field(default=None, compare=False, repr=False)


def choose_folders(
    photos: Iterable[str],
    recognize: Recognize,
    *,
    plan: Plan,
    known: Set[tuple[str, int, int]],
) -> Iterator[Filed]:
    """Choose a folder for each photo, in their order, holding no more than are worked on.

    Those that a run has made are passed over, and those `known`: by their path, their size, and
    the time of their last change, in nanoseconds.
    """
    waiting: collections.deque[Filed] = collections.deque()

    def list_new() -> Iterator[str]:
        for photo in drop_sorted(photos, plan):
            one = _examine(photo, move=plan.options.action is Action.move)
            if one.seen and (str(Path(photo)), one.seen.st_size, one.seen.st_mtime_ns) in known:
                continue
            waiting.append(one)
            if one.seen:
                yield photo

    for found in recognize(list_new()):
        while not waiting[0].seen:
            yield waiting.popleft()
        folder = choose_folder(found, plan)
        yield dataclasses.replace(waiting.popleft(), folder=folder, problem=found.error)
    yield from waiting


def drop_sorted(photos: Iterable[str], plan: Plan) -> Iterator[str]:
    """Yield the photos that do not lie where runs of a plan put photos."""
    inside = plan.dest != plan.source and plan.dest.is_relative_to(plan.source)
    filled = [plan.dest] if inside else [plan.dest / name for name in plan.folders]
    last, dropped = None, False
    for photo in photos:
        folder = os.path.dirname(photo)  # noqa: PTH120 (a Path for each of a million is slow)
        if folder != last:
            last, real = folder, Path(os.path.realpath(folder))
            dropped = any(real.is_relative_to(one) for one in filled)
        if not dropped:
            yield photo


def _examine(photo: str, *, move: bool) -> Filed:
    path, problem = Path(photo), None
    try:
        seen = path.lstat() if move else path.stat()
        if stat.S_ISLNK(seen.st_mode):
            problem = "It is a link, and only photos themselves are moved. Use --copy or --link."
        elif move and not os.access(path.parent, os.W_OK):
            problem = "Its folder is read-only, so it cannot be moved. Use --copy or --link."
        elif not stat.S_ISREG(seen.st_mode):
            problem = "It is no ordinary file. Sort ordinary files only."
    except OSError as error:
        problem = f"Cannot look at the photo: {error.strerror}."
    return Filed(photo, problem=problem) if problem else Filed(photo, seen=seen)


def choose_folder(found: "Recognition", plan: Plan) -> str:
    """Return the name of the folder that a photo goes into.

    By `label`: faces that agree give their label, labels that differ give `mixed`, and where labels
    agree as far as there are any, one unsure face makes the photo `unsure`. By `any`: the last of
    the model's labels that any face wears, so sunglasses before eyeglasses; before the first label,
    that of a bare face, comes an unsure face.
    """
    if found.error is not None:
        return UNREADABLE
    options = plan.options
    counting = found.select(min_face=options.min_face, largest=options.largest)
    answers = {str(face.label) for face in counting}
    if not answers:
        return NO_FACE
    if options.by is Rule.any:
        return max(answers, key=(plan.labels[0], UNSURE, *plan.labels[1:]).index)
    sure = answers - {UNSURE}
    if len(sure) > 1:
        return MIXED
    return UNSURE if UNSURE in answers else sure.pop()
