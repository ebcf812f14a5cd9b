"""Candidates: what looks like a face, where looks overlap, and what only resembles a face.

A candidate is a row: x1, y1, x2, y2, confidence, then five times x, y, in an image's pixels.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from gafas.types import ImageArray

Floats = npt.NDArray[np.float32]

CONFIDENCE: Final = 4
"""The column of a candidate's confidence."""

SETTLED: Final = 0.9
"""If a face of the first look is less confident than this, a larger look is taken."""

_SAME: Final = 0.3  # two looks at one thing overlap by more than this
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


def choose(rows: Floats, image: ImageArray) -> Floats:
    """Merge the looks, and drop what only resembles a face."""
    rows = suppress(rows)
    x1, y1, x2, y2, confidence = rows[:, :5].T
    side = np.maximum(x2 - x1, y2 - y1)
    # Leaves and leopard skin, enlarged, hold many faces of a few pixels.
    speck = (side < 12) & (side < 0.06 * max(image.shape[:2])) & (confidence < 0.75)
    rows = rows[~speck]
    if len(rows) < 2:
        return rows
    _, inside = measure_overlaps(rows)
    spurious = (inside > 0.7) | _is_neck(rows)
    alive = np.ones(len(rows), bool)
    for index in range(len(rows)):
        alive[index] = not (spurious[index, :index] & alive[:index]).any()
    return rows[alive]


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
