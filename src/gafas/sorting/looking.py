"""Look at photos: which of them a run has to do with, and which folder each goes into."""

import collections
import dataclasses
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Set
from pathlib import Path
from typing import Final

from gafas.recognizer import Recognition
from gafas.sorting.order import Action, Order
from gafas.sorting.outcomes import choose_folder

Recognize = Callable[[Iterable[str]], Iterator[Recognition]]
"""What answers for each photo, in their order, taking them as it goes: `predict_many`."""

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
