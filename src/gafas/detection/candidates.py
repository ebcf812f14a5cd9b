"""Candidates: what looks like a face, where looks overlap, and what only resembles a face.

A candidate is a row: x1, y1, x2, y2, confidence, then five times x, y, in an image's pixels.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from gafas.results import ImageArray

Floats = npt.NDArray[np.float32]

CONFIDENCE: Final = 4
"""The column of a candidate's confidence."""

COLUMNS: Final = 15
"""How many there are."""

SETTLED: Final = 0.9
"""If a face of the first look is less confident than this, a larger look is taken."""

FEEBLE: Final = 0.3
"""What is less confident than this even when looked at closely is nothing."""

_SAME: Final = 0.3  # two looks at one thing overlap by more than this
_CLEAR: Final = 0.8  # leaves, magnified, may look a little like faces
_KNOWN: Final = 0.5  # what lies with more of itself in a face is part of that
_PART: Final = 0.7  # so much of a less sure face in a surer one is a part of it
_GLIMPSE: Final = 0.3  # of a face as large as half the photo the first look sees at least so much


def suppress(rows: Floats, *, overlap: float = 0.4) -> Floats:
    """Keep of overlapping candidates the most confident.

    `overlap` is the intersection over union above which two candidates are the same face. Rows are
    as `FaceDetector.look` returns them, and come back sorted.
    """
    if len(rows) < 2:
        return rows
    rows = rows[np.lexsort((rows[:, 0], -rows[:, CONFIDENCE]))]
    union, _ = measure_overlaps(rows)
    rivals = union > overlap
    alive = np.ones(len(rows), bool)
    for index in range(len(rows)):
        if alive[index]:
            alive[index + 1 :] &= ~rivals[index, index + 1 :]
    return rows[alive]


def measure_overlaps(rows: Floats) -> tuple[Floats, Floats]:
    """Return for every pair the intersection over the union, and over the smaller box."""
    low, high = rows[:, :2], rows[:, 2:4]
    extent = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    common = np.prod(np.clip(extent, 0, None), axis=2)
    area = np.prod(np.clip(high - low, 1e-6, None), axis=1)
    return common / (area[:, None] + area - common), common / np.minimum(area[:, None], area)


def find_doubtful(candidates: Floats, faces: Floats) -> Floats:
    """Return what hesitates elsewhere; the faces are the first of the candidates."""
    union, _ = measure_overlaps(candidates)
    apart = union[len(faces) :, : len(faces)].max(axis=1, initial=0) < 0.2
    return np.asarray(candidates[len(faces) :][apart])


def cover(spots: Floats, *, side: float, size: tuple[int, int]) -> list[tuple[int, int, int]]:
    """Place square windows so that each spot lies in one of them, as few as is quickly found.

    Args:
        spots: candidates, what is to be covered first coming first.
        side: of a window, in pixels; a spot larger than half of it gets one twice as large as
            itself, in which nothing else counts as seen closely.
        size: width and height of the image, which windows do not leave where they fit into it.

    Returns:
        Left, top and side of each window.
    """
    windows: list[tuple[int, int, int]] = []
    least = math.ceil(side)
    for x1, y1, x2, y2 in spots[:, :4].tolist():
        rim = max(x2 - x1, y2 - y1) / 4
        if any(
            left <= max(0, x1 - rim)
            and top <= max(0, y1 - rim)
            and min(size[0], x2 + rim) <= left + wide
            and min(size[1], y2 + rim) <= top + wide
            and wide == least
            for left, top, wide in windows
        ):
            continue
        wide = max(least, math.ceil(8 * rim))
        places = ((x1 + x2 - wide) / 2, (y1 + y2 - wide) / 2)
        left, top = (
            int(max(0, min(place, most - wide))) for place, most in zip(places, size, strict=True)
        )
        windows.append((left, top, wide))
    return windows


def confirm(faces: Floats, close: Floats) -> Floats | None:
    """Say what remains of doubtful faces after looking closely.

    Args:
        faces: those of a first look.
        close: candidates of the close looks.

    Returns:
        The faces, the doubtful ones as they look from close by; None where one of them remains
        doubtful, or where something else turns out to resemble a face.
    """
    sure = faces[:, CONFIDENCE] >= SETTLED
    union, inside = measure_overlaps(np.concatenate([faces, close]))
    seen_again = union[: len(faces), len(faces) :] > _SAME
    confirmed = faces.copy()
    for at in np.flatnonzero(~sure):
        again = close[seen_again[at]]
        if not len(again) or again[:, CONFIDENCE].max() < SETTLED:
            return None
        confirmed[at] = again[again[:, CONFIDENCE].argmax()]
    new = inside[len(faces) :, : len(faces)].max(axis=1, initial=0) < _KNOWN
    return None if (close[new, CONFIDENCE] > FEEBLE).any() else confirmed


def select_small(rows: Floats, faces: Floats, *, side: float) -> Floats:
    """Select from looks at what is small the clear faces that are no parts of known ones.

    They are smaller than half of `side`, in pixels.
    """
    _, inside = measure_overlaps(np.concatenate([faces, rows]))
    new = inside[len(faces) :, : len(faces)].max(axis=1, initial=0) < _KNOWN
    small = (rows[:, 2:4] - rows[:, :2]).max(axis=1, initial=0) < side / 2
    return np.asarray(rows[new & small & (rows[:, CONFIDENCE] >= _CLEAR)])


def choose(rows: Floats, image: ImageArray) -> Floats:
    """Merge the looks, and drop what only resembles a face."""
    rows = suppress(rows)
    rows = rows[~_is_speck(rows, max(image.shape[:2]))]
    if len(rows) < 2:
        return rows
    _, inside = measure_overlaps(rows)
    spurious = (inside > _PART) | _is_neck(rows)
    alive = np.ones(len(rows), bool)
    for index in range(len(rows)):
        alive[index] = not (spurious[index, :index] & alive[:index]).any()
    return rows[alive]


def _is_speck(rows: Floats, longer: int) -> npt.NDArray[np.bool_]:
    """Leaves and leopard skin, enlarged, hold many faces of a few pixels."""
    x1, y1, x2, y2, confidence = rows[:, :5].T
    side = np.maximum(x2 - x1, y2 - y1)
    return np.asarray((side < 12) & (side < 0.06 * longer) & (confidence < 0.75))


def drop_unlikely(large: Floats, first: Floats, *, longer: int) -> Floats:
    """Drop from a large look what the first look, had it been a face, could not have overlooked.

    That is a doubtful face as large as half of the photo's longer side. A cat may look like one.
    """
    overlap, _ = measure_overlaps(np.concatenate([large, first]))
    seen = overlap[: len(large), len(large) :] > _SAME
    confidence = np.where(seen, first[:, CONFIDENCE], 0).max(axis=1, initial=0)
    side = (large[:, 2:4] - large[:, :2]).max(axis=1, initial=0)
    doubtful = large[:, CONFIDENCE] < SETTLED
    return np.asarray(large[~(doubtful & (side > longer / 2) & (confidence < _GLIMPSE))])


def _is_neck(rows: Floats) -> npt.NDArray[np.bool_]:
    """Say for every pair whether the first is the neck of the second: less sure, right below it."""
    x1, y1, x2, y2, confidence = rows[:, :5].T
    width, height = x2 - x1, y2 - y1
    below = ((y1 + y2)[:, None] - (y1 + y2)) / 2 / height
    aside = np.abs((x1 + x2)[:, None] - (x1 + x2)) / 2 / width
    narrow = width[:, None] / width
    placed = (below > 0.6) & (below < 1.3) & (aside < 0.35) & (narrow > 0.4) & (narrow < 1.2)
    return np.asarray(placed & (confidence[:, None] < SETTLED))
