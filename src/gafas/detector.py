"""Image → faces, with RetinaFace-MobileNet0.25 on ONNX Runtime.

The schedule: look once at a small size. Look again at a large size only if nothing was found, if a
face is doubtful, or if something elsewhere hesitates (a confidence well above noise). If still
nothing was found, the face may be blurred by enlarging, or fill the frame: look smaller, then with
a border around the image. `benchmarks/detector_schedule.py` measures what this costs and loses.
"""

import functools
from typing import Final

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from PIL import Image

from gafas.types import Face, ImageArray
from gafas.weights import read_bundled

Floats = npt.NDArray[np.float32]

CONFIDENT: Final = 0.5
"""A candidate of less confidence is not called a face."""

SETTLED: Final = 0.9
"""If a face of the first look is less confident than this, a larger look is taken."""

HINT: Final = 0.04
"""If anything apart from the faces found is more confident than this, a larger look is taken."""

FIRST_SIDE: Final = 320
LARGE_SIDE: Final = 640
SMALLER_SIDES: Final = (192, 128)
BORDERED_SIDE: Final = 256
_LARGEST_ENLARGEMENT: Final = 4
_BORDER: Final = 0.5

# A candidate is a row: x1, y1, x2, y2, confidence, then five times x, y.
_CONFIDENCE: Final = 4
_COLUMNS: Final = 15

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
        are sorted by confidence, the most confident first; ties by position, left first.
        """
        first = self.look(image, FIRST_SIDE)
        faces = first[first[:, _CONFIDENCE] >= CONFIDENT]
        if not _is_settled(first, faces):
            faces = np.concatenate([faces, self._sure(image, LARGE_SIDE)])
        faces = _choose(faces, image)
        for side in SMALLER_SIDES:
            if not len(faces):
                faces = _choose(self._sure(image, side), image)
        if not len(faces):
            faces = _choose(self._look_bordered(image), image)
        return [_face(row) for row in faces]

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
        rows[:, _CONFIDENCE] = confidence[0, kept, 1]
        _stretch(rows, x=width / size[0], y=height / size[1])
        return suppress(rows)

    def _sure(self, image: ImageArray, side: int) -> Floats:
        rows = self.look(image, side)
        return rows[rows[:, _CONFIDENCE] >= CONFIDENT]

    def _look_bordered(self, image: ImageArray) -> Floats:
        height, width = image.shape[:2]
        border = round(max(height, width) * _BORDER)
        wide = np.full((height + 2 * border, width + 2 * border, 3), 114, np.uint8)
        wide[border : border + height, border : border + width] = image
        rows = self._sure(wide, BORDERED_SIDE)
        rows[:, :_CONFIDENCE] -= border
        rows[:, _CONFIDENCE + 1 :] -= border
        return rows


def suppress(rows: Floats, *, overlap: float = 0.4) -> Floats:
    """Keep of overlapping candidates the most confident.

    `overlap` is the intersection over union above which two candidates are the same face. Rows are
    as `FaceDetector.look` returns them, and come back sorted.
    """
    rows = rows[np.lexsort((rows[:, 0], -rows[:, _CONFIDENCE]))]
    union, _ = _overlaps(rows)
    rivals = union > overlap
    alive = np.ones(len(rows), bool)
    for index in range(len(rows)):
        if alive[index]:
            alive[index + 1 :] &= ~rivals[index, index + 1 :]
    return rows[alive]


def _overlaps(rows: Floats) -> tuple[Floats, Floats]:
    """Return for every pair the intersection over the union, and over the smaller box."""
    low, high = rows[:, :2], rows[:, 2:4]
    extent = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    common = np.prod(np.clip(extent, 0, None), axis=2)
    area = np.prod(np.clip(high - low, 1e-6, None), axis=1)
    return common / (area[:, None] + area - common), common / np.minimum(area[:, None], area)


def _is_settled(candidates: Floats, faces: Floats) -> bool:
    """Say whether a larger look would bring nothing: sure faces, and nothing doubtful elsewhere."""
    if not len(faces) or faces[:, _CONFIDENCE].min() < SETTLED:
        return False
    union, _ = _overlaps(candidates)
    doubtful = union[len(faces) :, : len(faces)].max(axis=1, initial=0) < 0.2
    return not doubtful.any()


def _choose(rows: Floats, image: ImageArray) -> Floats:
    """Merge the looks, and drop what only resembles a face."""
    rows = suppress(rows)
    x1, y1, x2, y2, confidence = rows[:, :5].T
    side = np.maximum(x2 - x1, y2 - y1)
    # Leaves and leopard skin, enlarged, hold many faces of a few pixels.
    speck = (side < 12) & (side < 0.06 * max(image.shape[:2])) & (confidence < 0.75)
    rows = rows[~speck]
    _, inside = _overlaps(rows)
    spurious = (inside > 0.7) | _is_neck(rows)
    alive = np.ones(len(rows), bool)
    for index in range(len(rows)):
        alive[index] = not (spurious[index, :index] & alive[:index]).any()
    return rows[alive]


def _is_neck(rows: Floats) -> npt.NDArray[np.bool_]:
    """Say for every pair whether the first is the neck of the second: less sure, right below it."""
    x1, y1, x2, y2, confidence = rows[:, :5].T
    width, height = x2 - x1, y2 - y1
    below = ((y1 + y2)[:, None] - (y1 + y2)) / 2 / height
    aside = np.abs((x1 + x2)[:, None] - (x1 + x2)) / 2 / width
    narrow = width[:, None] / width
    placed = (below > 0.6) & (below < 1.3) & (aside < 0.35) & (narrow > 0.4) & (narrow < 1.2)
    return np.asarray(placed & (confidence[:, None] < SETTLED))


def _prepare(image: ImageArray, size: tuple[int, int]) -> Floats:
    """Resize to (width, height); return a batch of one: blue, green, red planes less the mean."""
    if size != (image.shape[1], image.shape[0]):
        picture = Image.fromarray(np.ascontiguousarray(image))
        resized = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
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
    rows[:, _CONFIDENCE + 1 :] = np.tile(centre, 5) + points * _VARIANCES[0] * side
    return rows


def _stretch(rows: Floats, *, x: float, y: float) -> None:
    """Bring candidates, in place, from the resized image's pixels to the image's."""
    rows[:, [0, 2, 5, 7, 9, 11, 13]] *= x
    rows[:, [1, 3, 6, 8, 10, 12, 14]] *= y


def _face(row: Floats) -> Face:
    x1, y1, x2, y2, confidence, *flat = (float(value) for value in row)
    points = tuple(zip(flat[::2], flat[1::2], strict=True))
    return Face((x1, y1, x2, y2), points, confidence)
