"""What shall be sorted where: the order that a run carries out and its journal remembers."""

import dataclasses
import enum
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gafas.errors import DataError, ModelError

MIXED: Final = "mixed"
UNSURE: Final = "unsure"
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
