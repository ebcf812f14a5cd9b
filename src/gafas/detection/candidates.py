"""Candidates: what looks like a face, and which of them show the same one.

A candidate is a row: x1, y1, x2, y2, confidence, then five times x, y, in an image's pixels.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from gafas.results import Box

Floats = npt.NDArray[np.float32]

CONFIDENCE: Final = 4
"""The column of a candidate's confidence."""

COLUMNS: Final = 15
"""How many there are."""

SAME: Final = 0.4
"""Boxes whose intersection is more than this of their union show the same face."""

_PART: Final = 0.7  # and so do those of which one lies with more than this of itself in the other
_APART: Final = 0.2  # what overlaps a face by less than this is something else


def suppress(rows: Floats) -> Floats:
    """Keep the most confident of the candidates that show the same face, sorted by confidence."""
    rows = rows[np.lexsort((rows[:, 0], -rows[:, CONFIDENCE]))]
    union, inside = _measure_overlaps(rows, rows)
    rivals = (union > SAME) | (inside > _PART)
    alive = np.ones(len(rows), bool)
    for index in range(len(rows)):
        if alive[index]:
            alive[index + 1 :] &= ~rivals[index, index + 1 :]
    return rows[alive]


def find_doubtful(rows: Floats, *, sure: float) -> Floats:
    """Return the candidates that are not sure, and apart from those that are."""
    certain = rows[:, CONFIDENCE] >= sure
    union, _ = _measure_overlaps(rows[~certain], rows[certain])
    return np.asarray(rows[~certain][union.max(axis=1, initial=0) < _APART])


def measure_sides(rows: Floats) -> Floats:
    """Return the longer side of each box, in pixels."""
    return np.asarray((rows[:, 2:4] - rows[:, :2]).max(axis=1, initial=0))


def _measure_overlaps(ones: Floats, others: Floats) -> tuple[Floats, Floats]:
    """Return for every pair the intersection over the union, and over the smaller box."""
    low = np.maximum(ones[:, None, :2], others[:, :2])
    high = np.minimum(ones[:, None, 2:4], others[:, 2:4])
    common = np.prod(np.clip(high - low, 0, None), axis=2)
    one, other = (
        np.prod(np.clip(rows[:, 2:4] - rows[:, :2], 1e-6, None), axis=1) for rows in (ones, others)
    )
    smaller = np.minimum(one[:, None], other)
    return common / (one[:, None] + other - common), common / smaller


def measure_overlap(one: Box, other: Box) -> float:
    """Return the intersection over the union of two boxes."""
    union, _ = _measure_overlaps(np.array([one], np.float32), np.array([other], np.float32))
    return float(union[0, 0])


def turn_back(rows: Floats, quarters: int, *, width: int, height: int) -> Floats:
    """Bring what was found in a photo that `numpy.rot90` had turned back to the photo.

    Args:
        rows: candidates in the turned photo's pixels.
        quarters: by which it had been turned, counterclockwise: 1, 2 or 3.
        width: of the photo as it lies, in pixels.
        height: of the photo as it lies, in pixels.
    """
    back = rows.copy()
    for x in (0, 2, *range(CONFIDENCE + 1, COLUMNS, 2)):
        across, down = rows[:, x], rows[:, x + 1]
        back[:, x], back[:, x + 1] = {
            1: (width - down, across),
            2: (width - across, height - down),
            3: (down, height - across),
        }[quarters]
    corners = back[:, :CONFIDENCE].reshape(-1, 2, 2)
    back[:, :2], back[:, 2:4] = corners.min(axis=1), corners.max(axis=1)
    return back
