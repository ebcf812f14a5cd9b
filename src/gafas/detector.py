"""Image → faces, with RetinaFace-MobileNet0.25 on ONNX Runtime.

The schedule: look once at a small size. Look again at a large size only if nothing was found, if a
face is doubtful, or if something elsewhere hesitates (a confidence well above noise). Where that is
one spot or two, look closely at these first: mostly they are leaves or lettering, and the large
look is spared. If still nothing was found, the face may be blurred by enlarging, or fill the frame:
look smaller, then with a border around the image. A photo that may lie on its side or upside down
is looked at in all four directions. `benchmarks/detector_schedule.py` measures what this costs and
loses.
"""

import functools
from typing import Final

import numpy as np
import onnxruntime as ort
from PIL import Image

from gafas.candidates import (
    CONFIDENCE,
    SETTLED,
    Floats,
    choose,
    drop_unlikely,
    find_doubtful,
    measure_overlaps,
    suppress,
)
from gafas.turning import find_doubt, turn_back
from gafas.types import Face, ImageArray
from gafas.weights import read_bundled

CONFIDENT: Final = 0.5
"""A candidate of less confidence is not called a face."""

HINT: Final = 0.025
"""If anything apart from the faces found is more confident than this, it is looked at again."""

CLOSE_HINT: Final = 0.3
"""If it is more confident than this when looked at closely, a larger look is taken."""

FIRST_SIDE: Final = 320
SMALL_SIDE: Final = 192  # of a photo smaller than FIRST_SIDE and not smaller than this
CLOSE_SIDE: Final = 224
LARGE_SIDE: Final = 640
SMALLER_SIDES: Final = (192, 128)
BORDERED_SIDE: Final = 256
_LARGEST_ENLARGEMENT: Final = 4
_BORDER: Final = 0.5
_BORDERED_MOST: Final = 1024  # a longer side is reduced first: a border would take gigabytes

_SPOTS: Final = 2  # to look closely at more would cost as much as a large look at everything

_COLUMNS: Final = 15  # of a candidate

# Blue, green, red, as the network was trained.
_MEAN: Final = np.array([104, 117, 123], np.float32)
_ANCHORS: Final = ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
_VARIANCES: Final = (0.1, 0.2)


class FaceDetector:
    """Find the faces in an image.

    One detector may be used by several threads at once; it keeps no state between images.
    `threads` is the number of threads that work on one image.
    """

    def __init__(self, *, threads: int = 1) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Every image may have another shape: patterns of memory would be planned in vain.
        options.enable_mem_pattern = False
        self._session = ort.InferenceSession(
            read_bundled("retinaface.onnx"), options, providers=["CPUExecutionProvider"]
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
        faces = first[first[:, CONFIDENCE] >= CONFIDENT]
        if not self._is_settled(image, first, faces=faces):
            large = drop_unlikely(self._sure(image, LARGE_SIDE), first, longer=longer)
            faces = np.concatenate([faces, large])
        faces = choose(faces, image)
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
        location, confidence, points = self._session.run(None, {"input": _prepare(image, size)})
        kept = np.flatnonzero(confidence[0, :, 1] > HINT)
        rows = _decode(_priors(size)[kept], location[0, kept], points=points[0, kept])
        rows[:, CONFIDENCE] = confidence[0, kept, 1]
        _stretch(rows, x=width / size[0], y=height / size[1])
        return suppress(rows)

    def _is_settled(self, image: ImageArray, candidates: Floats, *, faces: Floats) -> bool:
        """Say whether a larger look would bring nothing: sure faces, and no other in sight."""
        if not len(faces) or faces[:, CONFIDENCE].min() < SETTLED:
            return False
        doubtful = find_doubtful(candidates, faces)
        few = _SPOTS if len(faces) == 1 else 0  # in a group, what hesitates is often one more
        return len(doubtful) <= few and not any(
            self._is_hint(image, row, faces=faces) for row in doubtful
        )

    def _is_hint(self, image: ImageArray, row: Floats, *, faces: Floats) -> bool:
        """Look closely at a spot, as large as in a large look, and say whether a face shows."""
        x, y = (row[:2] + row[2:4]) / 2
        context = max(image.shape[:2]) * CLOSE_SIDE / LARGE_SIDE
        half = max(context / 2, float(max(row[2:4] - row[:2])))
        left, top = max(0, int(x - half)), max(0, int(y - half))
        seen = self.look(image[top : int(y + half) + 1, left : int(x + half) + 1], CLOSE_SIDE)
        seen[:, [0, 2]] += left
        seen[:, [1, 3]] += top
        _, inside = measure_overlaps(np.concatenate([faces, seen]))
        new = inside[len(faces) :, : len(faces)].max(axis=1) < 0.5
        return bool((seen[new, CONFIDENCE] > CLOSE_HINT).any())

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
        _stretch(rows, x=step, y=step)
        return rows


def _prepare(image: ImageArray, size: tuple[int, int]) -> Floats:
    """Resize to (width, height); return a batch of one: blue, green, red planes less the mean."""
    if size != (image.shape[1], image.shape[0]):
        picture = Image.fromarray(np.ascontiguousarray(image))
        resized = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=1.5)
        image = np.asarray(resized)
    planes = np.empty((1, 3, *image.shape[:2]), np.float32)
    np.subtract(image[..., ::-1].transpose(2, 0, 1), _MEAN[:, None, None], out=planes[0])
    return planes


@functools.lru_cache(maxsize=32)
def _priors(size: tuple[int, int]) -> Floats:
    """Return the anchors of an image of (width, height): centre x, centre y, side."""
    anchors = []
    for stride, sides in _ANCHORS:
        columns, lines = -(-size[0] // stride), -(-size[1] // stride)
        y, x = (np.mgrid[:lines, :columns].reshape(2, -1) + 0.5) * stride
        for_both = np.repeat(np.stack([x, y], axis=1), len(sides), axis=0)
        anchors.append(np.column_stack([for_both, np.tile(sides, lines * columns)]))
    return np.concatenate(anchors).astype(np.float32)


def _decode(priors: Floats, location: Floats, *, points: Floats) -> Floats:
    """Turn the network's offsets from its anchors into candidates, confidence still 0."""
    centre, side = priors[:, :2], priors[:, 2:]
    middle = centre + location[:, :2] * _VARIANCES[0] * side
    half = side * np.exp(location[:, 2:] * _VARIANCES[1]) / 2
    rows = np.zeros((len(priors), _COLUMNS), np.float32)
    rows[:, :2], rows[:, 2:4] = middle - half, middle + half
    rows[:, CONFIDENCE + 1 :] = np.tile(centre, 5) + points * _VARIANCES[0] * side
    return rows


def _stretch(rows: Floats, *, x: float, y: float) -> None:
    """Bring candidates, in place, from the resized image's pixels to the image's."""
    rows[:, [0, 2, 5, 7, 9, 11, 13]] *= x
    rows[:, [1, 3, 6, 8, 10, 12, 14]] *= y


def _face(row: Floats) -> Face:
    x1, y1, x2, y2, confidence, *flat = (float(value) for value in row)
    points = tuple(zip(flat[::2], flat[1::2], strict=True))
    return Face((x1, y1, x2, y2), points, confidence)
