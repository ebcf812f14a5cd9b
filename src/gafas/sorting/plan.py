"""Look at photos: which of them a run has to do with, and which folder each goes into."""

import collections
import dataclasses
import enum
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gafas.errors import DataError, ModelError
from gafas.labels import UNSURE

if TYPE_CHECKING:
    from gafas.results import Recognition

MIXED: Final = "mixed"
NO_FACE: Final = "no-face"
UNREADABLE: Final = "unreadable"

_ALL_FACES: Final[dict[str, object]] = {"min_face": 0.0, "largest": False}
_OWN: Final = (MIXED, UNSURE, NO_FACE, UNREADABLE)


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
class Order:
    """Say what shall be sorted where, and how.

    Attributes:
        source: the folder that is sorted, or in which the sorted photos lie; absolute.
        dest: the folder that gets the folders; absolute.
        labels: the model's, in its order.
        model: the SHA-256 of the model.
        threshold: the probability, 0–1, under which the answer is `unsure`.
        action: what is done with each photo.
        by: how the answers choose the folder.
        min_face: faces of fewer pixels, across or down, do not count.
        largest: only each photo's largest face counts.
        wanted: what is sorted of the source: itself, or photos and folders in it; absolute. The
            rest of an order says what becomes of them.
    """

    source: Path
    dest: Path
    labels: tuple[str, ...]
    model: str
    threshold: float
    action: Action = Action.copy
    by: Rule = Rule.label
    min_face: float = 0.0
    largest: bool = False
    wanted: tuple[Path, ...] = ()

    @property
    def folders(self) -> tuple[str, ...]:
        """Return the names of the folders that photos may go into, the labels' first."""
        return (*reversed(self.labels), *_OWN)

    @property
    def passed_over(self) -> tuple[Path, ...]:
        """Return the folders whose photos are never sorted: they are what a run has made."""
        if self.dest != self.source and self.dest.is_relative_to(self.source):
            return (self.dest,)
        return tuple(self.dest / name for name in self.folders)

    def to_dict(self) -> dict[str, object]:
        """Return what a journal says of the order; equal dictionaries are the same order.

        Whatever is wanted of a source, there is one journal for it, so that nothing is sorted twice
        where first some of it is named and then more.
        """
        return {
            "source": str(self.source),
            "action": str(self.action),
            "by": str(self.by),
            "model": self.model,
            "threshold": self.threshold,
            "min_face": self.min_face,
            "largest": self.largest,
        }


def is_same(order: Order, about: Mapping[str, object]) -> bool:
    """Say whether a journal's first line is about an order; older ones do not select faces."""
    return order.to_dict().items() <= (_ALL_FACES | dict(about)).items()


def describe_order(about: Mapping[str, object]) -> str:
    """Return the options of an order, of `Order.to_dict`, as a person would type them.

    >>> order = {"action": "move", "by": "label", "threshold": 0.8, "model": "c0ffee…"}
    >>> describe_order(order)
    '--move --by label --threshold 0.8, model c0ffee…'
    >>> describe_order({**order, "min_face": 40.0, "largest": True})
    '--move --by label --threshold 0.8 --min-face 40 --largest, model c0ffee…'
    """
    faces = f" --min-face {about['min_face']:g}" if about.get("min_face") else ""
    faces += " --largest" if about.get("largest") else ""
    return (
        f"--{about['action']} --by {about['by']} --threshold {about['threshold']:g}{faces}, "
        f"model {str(about['model'])[:12]}"
    )


def check_labels(labels: tuple[str, ...]) -> None:
    """Refuse labels that lead out of a folder, or that are what gafas calls a folder itself.

    Raises:
        ModelError: one does, or is.
    """
    names = [label.casefold() for label in labels]
    for label, name in zip(labels, names, strict=True):
        plain = label.isprintable() and not set(label) & set('/\\:*?"<>|') and label[0] != "."
        if not plain or name in _OWN or names.count(name) > 1 or len(label.encode()) > 200:
            raise ModelError(
                f"Cannot sort by this model: its labels become folders, and {label!r} cannot be "
                f"one. Received: {', '.join(map(repr, labels))}. Train it with other labels."
            )


def check_places(order: Order) -> None:
    """Refuse folders that cannot be used together.

    Raises:
        DataError: they cannot.
    """
    if order.dest.exists() and not order.dest.is_dir():
        raise DataError(
            f"Expected a folder to sort into. Received: {str(order.dest)!r}, which is a file. "
            "Name a folder; it is made if it is not there."
        )
    for name in order.folders:
        if order.source.is_relative_to(order.dest / name):
            raise DataError(
                f"Cannot sort {str(order.source)!r} into {str(order.dest)!r}: it lies in the "
                f"folder {name} there, which sorted photos go into. Name another folder to sort "
                "into."
            )


Recognize = Callable[[Iterable[str]], Iterator["Recognition"]]
"""What answers for each photo, in their order, taking them as it goes: `recognize_many`."""

Known = Set[tuple[str, int, int]]
"""Photos that were sorted before: path below the source, size and time of the last change."""

_LINK: Final = (
    "It is a link, and only photos themselves can be moved. Use --copy or --link, or move it by "
    "hand."
)

_READ_ONLY: Final = (
    "It cannot be moved out of its folder, which is read-only. Use --copy or --link."
)


@dataclasses.dataclass(frozen=True, slots=True)
class Looked:
    """A photo that was looked at.

    Attributes:
        photo: its path.
        name: its path below the source, with slashes.
        seen: what it was like when it was looked at; None if it cannot be sorted.
        folder: the name of the folder that it goes into.
        error: why the photo could not be read, or cannot be sorted.
    """

    photo: str
    name: str = ""
    seen: os.stat_result | None = None
    folder: str = ""
    error: str | None = None


def look(
    photos: Iterable[str], recognize: Recognize, *, order: Order, known: Known
) -> Iterator[Looked]:
    """Look at photos, in their order; pass over those known and those that a run has made.

    No more are held than are being worked on.
    """
    waiting: collections.deque[Looked] = collections.deque()
    for found in recognize(_choose(photos, waiting, order=order, known=known)):
        while waiting[0].seen is None:
            yield waiting.popleft()
        folder = choose_folder(found, order)
        yield dataclasses.replace(waiting.popleft(), folder=folder, error=found.error)
    yield from waiting


def _choose(
    photos: Iterable[str], waiting: collections.deque[Looked], *, order: Order, known: Known
) -> Iterator[str]:
    """Yield the photos that must be recognized; note them, and those that cannot be."""
    places = Places(order)
    for photo in photos:
        if places.made_by_us(photo):
            continue
        one = _examine(photo, order)
        if one.seen and (one.name, one.seen.st_size, one.seen.st_mtime_ns) in known:
            continue
        waiting.append(one)
        if one.seen is not None:
            yield photo


def _examine(photo: str, order: Order) -> Looked:
    path = Path(photo)
    name = path.relative_to(order.source).as_posix()
    try:
        if order.action is Action.move and path.is_symlink():
            return Looked(photo, error=_LINK)
        seen = path.stat()
        if order.action is Action.move and not os.access(path.parent, os.W_OK):
            return Looked(photo, error=_READ_ONLY)
    except OSError as error:
        return Looked(photo, error=f"Cannot look at the photo: {error.strerror}.")
    if not stat.S_ISREG(seen.st_mode):
        return Looked(photo, error="It is no ordinary file. Sort ordinary files only.")
    return Looked(photo, name, seen)


class Places:
    """Remember of the last folder whether a run made what lies in it: photos come by folders.

    Args:
        order: of the run.
    """

    def __init__(self, order: Order) -> None:
        self._made = order.passed_over
        self._folder: str | None = None
        self._inside = False

    def made_by_us(self, photo: str) -> bool:
        """Say whether a photo lies in a folder that a run fills."""
        folder = os.path.dirname(photo)  # noqa: PTH120 (a Path for each of a million is slow)
        if folder != self._folder:
            self._folder, real = folder, Path(os.path.realpath(folder))
            self._inside = any(real.is_relative_to(made) for made in self._made)
        return self._inside


def choose_folder(found: "Recognition", order: Order) -> str:
    """Return the name of the folder that a photo goes into.

    By `label`: faces that agree give their label, labels that differ give `mixed`, and where labels
    agree as far as there are any, one unsure face makes the photo `unsure`. By `any`: the last of
    the model's labels that any face wears, so sunglasses before eyeglasses; before the first label,
    that of a bare face, comes an unsure face.
    """
    if found.error is not None:
        return UNREADABLE
    counting = found.select(min_face=order.min_face, largest=order.largest)
    answers = {str(face.label) for face in counting}
    if not answers:
        return NO_FACE
    if order.by is Rule.any:
        return _strongest(answers, order.labels)
    sure = answers - {UNSURE}
    if len(sure) > 1:
        return MIXED
    return UNSURE if UNSURE in answers else sure.pop()


def _strongest(answers: set[str], labels: tuple[str, ...]) -> str:
    ranks = (labels[0], UNSURE, *labels[1:])
    return max(answers, key=ranks.index)
