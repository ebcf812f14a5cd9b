"""Photos that lie on their side or upside down: what tells, and faces brought back.

A camera writes into a photo's EXIF data how it was held; where that is lost, faces lie. The
detector finds most of them all the same, but less surely than upright ones, and its landmarks are
not to be relied on. So a photo whose surest face is unsure, or leans by more than 45°, is turned by
quarters.
"""

from typing import Final

import numpy as np

from gafas.candidates import CONFIDENCE, SETTLED, Floats

_UPRIGHT: Final = 0.97  # nearly all upright faces are found with more confidence than this
_CLEARLY: Final = 0.02  # so much more confident a face must be in the turned photo


def find_doubt(faces: Floats) -> float | None:
    """Say whether a photo may lie, by the faces found in it, the most confident first.

    Returns:
        None if it stands; else the confidence that a face of the turned photo must exceed.
    """
    if not len(faces):
        return SETTLED
    surest = faces[0]
    if not _stands(surest):
        return float(surest[CONFIDENCE])
    return float(surest[CONFIDENCE]) + _CLEARLY if surest[CONFIDENCE] < _UPRIGHT else None


def turn_back(rows: Floats, quarters: int, *, width: int, height: int) -> Floats:
    """Bring what was found in a photo that `numpy.rot90` had turned back to the photo.

    Args:
        rows: boxes, confidences and points in the turned photo's pixels.
        quarters: by which it had been turned, counterclockwise: 1, 2 or 3.
        width: of the photo as it lies, in pixels.
        height: of the photo as it lies, in pixels.
    """
    back = rows.copy()
    for x in (0, 2, *range(CONFIDENCE + 1, rows.shape[1], 2)):
        across, down = rows[:, x], rows[:, x + 1]
        back[:, x], back[:, x + 1] = {
            1: (width - down, across),
            2: (width - across, height - down),
            3: (down, height - across),
        }[quarters]
    back[:, :2] = np.minimum(seen := back[:, :2].copy(), back[:, 2:4])
    back[:, 2:4] = np.maximum(seen, back[:, 2:4])
    return back


def _stands(face: Floats) -> bool:
    """Say whether the mouth is below the eyes rather than beside or above them."""
    eyes, mouth = face[5:9].reshape(2, 2).mean(axis=0), face[11:15].reshape(2, 2).mean(axis=0)
    right, down = mouth - eyes
    return bool(down >= abs(right))
