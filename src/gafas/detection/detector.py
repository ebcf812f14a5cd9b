"""Image → faces, with RetinaFace-MobileNet0.25 on ONNX Runtime.

The schedule: look once at a small size. If a small face is doubtful, or something elsewhere
hesitates (a confidence well above noise), look closely there, through small windows: mostly these
are leaves or lettering. Look at everything at a large size only if nothing was found, if a large
face is doubtful, if a window shows a face, or if there would be too many windows; and what is small
and hesitates even then is magnified. If still nothing was found, the face may be blurred by
enlarging, or fill the frame: look smaller, then with a border around the image. A photo that may
lie on its side or upside down is looked at in all four directions.
`benchmarks/detector.py` measures what this costs and loses.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image

from gafas.detection.candidates import (
    COLUMNS,
    CONFIDENCE,
    SETTLED,
    Floats,
    choose,
    confirm,
    cover,
    drop_unlikely,
    find_doubtful,
    select_small,
    suppress,
)
from gafas.detection.retinaface import decode, prepare, stretch
from gafas.results import Face, ImageArray
from gafas.weights import open_session, read_bundled

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


CONFIDENT: Final = 0.5
"""A candidate of less confidence is not called a face."""

HINT: Final = 0.025
"""If anything apart from the faces found is more confident than this, it is looked at again."""

SMALL_HINT: Final = 0.1
"""The same for what is small even in a large look."""

FIRST_SIDE: Final = 320
SMALL_SIDE: Final = 192  # of a photo smaller than FIRST_SIDE and not smaller than this
CLOSE_SIDE: Final = 96
WIDE_SIDE: Final = 224  # through a window that a large spot needs
LARGE_SIDE: Final = 640
HUGE_SIDE: Final = 1280  # for small faces; but no more than twice the image's own
SMALLER_SIDES: Final = (192, 128)
BORDERED_SIDE: Final = 256
_LARGEST_ENLARGEMENT: Final = 4
_BORDER: Final = 0.5
_BORDERED_MOST: Final = 1024  # a longer side is reduced first: a border would take gigabytes

# To look closely through more windows would cost as much as a larger look at everything.
_WINDOWS: Final = 10
_WINDOWS_UNSURE: Final = 2
_QUITE_SURE: Final = 0.98
_WINDOWS_MAGNIFIED: Final = 12
_MAGNIFIED_LEAST: Final = 400  # a smaller image has been enlarged enough by the large look


class FaceDetector:
    """Find the faces in an image.

    One detector may be used by several threads at once; it keeps no state between images.

    Args:
        threads: how many threads work on one image.
        providers: what runs it, the first choice first: `cpu`, `cuda` and so on, or onnxruntime's
            own names; the processor if left out.

    Raises:
        ModelError: a provider is not to be had.
    """

    def __init__(self, *, threads: int = 1, providers: Sequence[str] | None = None) -> None:
        name = "retinaface.onnx"
        self._session = open_session(
            read_bundled(name), origin=name, threads=threads, providers=providers
        )

    def detect(self, image: ImageArray) -> list[Face]:
        """Find the faces in an upright `(H, W, 3)` RGB image of any size.

        Boxes and landmarks are in the image's pixels; a box may reach past the border. The faces
        are sorted by confidence, the most confident first; ties by position, left first. In a photo
        that lies on its side or upside down, landmarks are those of the faces as they lie.
        """
        found = self._search(image)
        needed = find_doubt(found)
        if needed is not None:
            found = self._turn(image, found, needed=needed)
        return [_face(row) for row in found]

    def _search(self, image: ImageArray) -> Floats:
        longer = max(image.shape[:2])
        first = self.look(image, SMALL_SIDE if SMALL_SIDE <= longer < FIRST_SIDE else FIRST_SIDE)
        settled = self._settle(image, first)
        if settled is None:
            every = self.look(image, LARGE_SIDE)
            large = drop_unlikely(every[every[:, CONFIDENCE] >= CONFIDENT], first, longer=longer)
            small = self._magnify(image, every)
            settled = np.concatenate([first[first[:, CONFIDENCE] >= CONFIDENT], large, small])
        faces = choose(settled, image)
        for side in SMALLER_SIDES:
            if not len(faces):
                faces = choose(self._sure(image, side), image)
        if not len(faces):
            faces = choose(self._look_bordered(image), image)
        return faces

    def _turn(self, image: ImageArray, found: Floats, *, needed: float) -> Floats:
        """Look for upright faces in the image turned by quarters; else return what was found."""
        views = {quarters: np.rot90(image, quarters) for quarters in (1, 2, 3)}
        looks = {quarters: self.look(view, FIRST_SIDE) for quarters, view in views.items()}
        sure = {quarters: rows[:, CONFIDENCE].max(initial=0) for quarters, rows in looks.items()}
        best = max(sure, key=lambda quarters: float(sure[quarters]))
        if sure[best] <= needed:
            return found
        height, width = image.shape[:2]
        turned = self._search(np.ascontiguousarray(views[best]))
        return turn_back(turned, best, width=width, height=height) if len(turned) else found

    def look(self, image: ImageArray, side: int) -> Floats:
        """Look once, with the image's longer side resized to `side` (at most four-fold).

        Returns one row per candidate, however doubtful (confidence above `HINT`), overlaps
        suppressed, the most confident first: x1, y1, x2, y2, confidence, and five points.
        """
        height, width = image.shape[:2]
        factor = min(side / max(height, width), _LARGEST_ENLARGEMENT)
        size = max(1, round(width * factor)), max(1, round(height * factor))
        outputs = self._session.run(None, {"input": prepare(image, size)})
        rows = decode(outputs, size, least=HINT)
        stretch(rows, x=width / size[0], y=height / size[1])
        return suppress(rows)

    def _settle(self, image: ImageArray, candidates: Floats) -> Floats | None:
        """Return the faces of a small look, or None where a larger one might bring more.

        Small faces that are doubtful, and whatever else hesitates, are looked at closely, as large
        as in a large look.
        """
        faces = candidates[candidates[:, CONFIDENCE] >= CONFIDENT]
        doubtful = faces[faces[:, CONFIDENCE] < SETTLED]
        side = max(image.shape[:2]) * CLOSE_SIDE / LARGE_SIDE
        if not len(faces) or faces[0, CONFIDENCE] < SETTLED:
            return None
        if (doubtful[:, 2:4] - doubtful[:, :2]).max(initial=0) > side / 2:
            return None
        spots = np.concatenate([doubtful, find_doubtful(candidates, faces)])
        places = cover(spots, side=side, size=(image.shape[1], image.shape[0]))
        # If the surest face is not quite sure, the photo may lie, as a large look tells better.
        most = _WINDOWS if faces[0, CONFIDENCE] > _QUITE_SURE else _WINDOWS_UNSURE
        if len(places) > most:
            return None
        return confirm(faces, self._look_through(image, places, side=side))

    def _magnify(self, image: ImageArray, candidates: Floats) -> Floats:
        """Find small faces among what hesitates in a large look, by looking larger still."""
        longer = max(image.shape[:2])
        if longer < _MAGNIFIED_LEAST:
            return candidates[:0]
        large = min(HUGE_SIDE, 2 * longer)
        side = longer * CLOSE_SIDE / large
        faces = candidates[candidates[:, CONFIDENCE] >= CONFIDENT]
        spots = find_doubtful(candidates, faces)
        small = (spots[:, 2:4] - spots[:, :2]).max(axis=1, initial=0) < side / 2
        spots = spots[small & (spots[:, CONFIDENCE] > SMALL_HINT)]
        places = cover(spots, side=side, size=(image.shape[1], image.shape[0]))
        crowd = len(places) > _WINDOWS_MAGNIFIED
        seen = self.look(image, large) if crowd else self._look_through(image, places, side=side)
        return select_small(seen, faces, side=side)

    def _look_through(
        self, image: ImageArray, places: Sequence[tuple[int, int, int]], *, side: float
    ) -> Floats:
        """Look through windows; those of more than `side` pixels show what is large."""
        seen = [np.empty((0, COLUMNS), np.float32)]
        for left, top, wide in places:
            window = image[top : top + wide, left : left + wide]
            rows = self.look(window, CLOSE_SIDE if wide < side + 1 else WIDE_SIDE)
            rows[:, [0, 2, *range(CONFIDENCE + 1, COLUMNS, 2)]] += left
            rows[:, [1, 3, *range(CONFIDENCE + 2, COLUMNS, 2)]] += top
            seen.append(rows)
        return np.concatenate(seen)

    def _sure(self, image: ImageArray, side: int) -> Floats:
        rows = self.look(image, side)
        return rows[rows[:, CONFIDENCE] >= CONFIDENT]

    def _look_bordered(self, image: ImageArray) -> Floats:
        step = -(-max(image.shape[:2]) // _BORDERED_MOST)
        if step > 1:
            image = np.asarray(Image.fromarray(np.ascontiguousarray(image)).reduce(step))
        height, width = image.shape[:2]
        border = round(max(height, width) * _BORDER)
        wide = np.full((height + 2 * border, width + 2 * border, 3), 114, np.uint8)
        wide[border : border + height, border : border + width] = image
        rows = self._sure(wide, BORDERED_SIDE)
        rows[:, :CONFIDENCE] -= border
        rows[:, CONFIDENCE + 1 :] -= border
        stretch(rows, x=step, y=step)
        return rows


def _face(row: Floats) -> Face:
    x1, y1, x2, y2, confidence, *flat = (float(value) for value in row)
    points = tuple(zip(flat[::2], flat[1::2], strict=True))
    return Face((x1, y1, x2, y2), points, confidence)
