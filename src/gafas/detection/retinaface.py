"""RetinaFace-MobileNet0.25, its input and its output: image → planes, offsets → candidates.

Source: Deng et al. 2019, "RetinaFace: Single-stage Dense Face Localisation in the Wild".
"""

import functools
from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image

from gafas.detection.candidates import COLUMNS, CONFIDENCE, Floats
from gafas.results import ImageArray

# Blue, green, red, as the network was trained.
_MEAN: Final = np.array([104, 117, 123], np.float32)
_ANCHORS: Final = ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
_VARIANCES: Final = (0.1, 0.2)


def resize(image: ImageArray, size: tuple[int, int]) -> ImageArray:
    """Resize to (width, height)."""
    if size == (image.shape[1], image.shape[0]):
        return image
    picture = Image.fromarray(np.ascontiguousarray(image))
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=1.5))


def prepare(image: ImageArray) -> Floats:
    """Return a batch of one: blue, green, red planes less the mean."""
    planes = np.empty((1, 3, *image.shape[:2]), np.float32)
    np.subtract(image[..., ::-1].transpose(2, 0, 1), _MEAN[:, None, None], out=planes[0])
    return planes


@functools.lru_cache(maxsize=32)
def _find_anchors(size: tuple[int, int]) -> Floats:
    """Return the anchors of an image of (width, height): centre x, centre y, side."""
    anchors = []
    for stride, sides in _ANCHORS:
        columns, lines = -(-size[0] // stride), -(-size[1] // stride)
        y, x = (np.mgrid[:lines, :columns].reshape(2, -1) + 0.5) * stride
        for_both = np.repeat(np.stack([x, y], axis=1), len(sides), axis=0)
        anchors.append(np.column_stack([for_both, np.tile(sides, lines * columns)]))
    return np.concatenate(anchors).astype(np.float32)


def decode(outputs: Sequence[Floats], size: tuple[int, int], *, least: float) -> Floats:
    """Turn what the network gave for an image of (width, height) into candidates.

    Args:
        outputs: offsets from the anchors `(1, N, 4)`, confidences `(1, N, 2)`, points
            `(1, N, 10)`.
        size: of the image that it saw.
        least: candidates must be more confident than this.
    """
    location, confidence, points = outputs
    kept = np.flatnonzero(confidence[0, :, 1] > least)
    anchors = _find_anchors(size)[kept]
    centre, side = anchors[:, :2], anchors[:, 2:]
    middle = centre + location[0, kept, :2] * _VARIANCES[0] * side
    half = side * np.exp(location[0, kept, 2:] * _VARIANCES[1]) / 2
    rows = np.empty((len(kept), COLUMNS), np.float32)
    rows[:, :2], rows[:, 2:4] = middle - half, middle + half
    rows[:, CONFIDENCE] = confidence[0, kept, 1]
    rows[:, CONFIDENCE + 1 :] = np.tile(centre, 5) + points[0, kept] * _VARIANCES[0] * side
    return rows


def stretch(rows: Floats, *, x: float, y: float) -> None:
    """Bring candidates, in place, from the resized image's pixels to the image's."""
    rows[:, [0, 2, 5, 7, 9, 11, 13]] *= x
    rows[:, [1, 3, 6, 8, 10, 12, 14]] *= y
