"""Boxes, labels and probabilities drawn on the photo."""

import io
import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gafas.types import UNSURE, Eyewear, ImageArray, Prediction

SMALLEST_SIDE: Final = 480
"""An image whose longer side is shorter than this is enlarged, for letters need pixels."""

Colour = tuple[int, int, int]
Rectangle = tuple[int, int, int, int]
Obstacles = tuple[Sequence[Rectangle], Sequence[Rectangle]]
"""The tags already written, and the boxes of the other faces."""

# Masataka Okabe and Kei Ito's colours, told apart by all kinds of colour vision.
_COLOURS: Final[dict[str, Colour]] = {
    Eyewear.NONE: (0, 158, 115),
    Eyewear.EYEGLASSES: (86, 180, 233),
    Eyewear.SUNGLASSES: (230, 159, 0),
    UNSURE: (240, 228, 66),
}
_FEW: Final = 8  # faces, on which tags leave enough to see
_OTHER_LABEL: Final = (204, 121, 167)
_DARK: Final = (20, 20, 20)


def annotate(image: ImageArray, predictions: Sequence[Prediction]) -> ImageArray:
    """Draw predictions on a copy of an `(H, W, 3)` RGB image.

    Lines and letters follow the size of the image and of the face. The copy has the image's size;
    only an image under `SMALLEST_SIDE` pixels is enlarged, by a whole factor.
    """
    longer = max(image.shape[:2])
    factor = math.ceil(SMALLEST_SIDE / longer) if longer < SMALLEST_SIDE else 1
    picture = Image.fromarray(np.ascontiguousarray(image))
    picture = picture.resize(
        (picture.width * factor, picture.height * factor), Image.Resampling.BICUBIC
    )
    draw = ImageDraw.Draw(picture)
    boxes = [_box(prediction, factor=factor, size=picture.size) for prediction in predictions]
    for prediction, box in zip(predictions, boxes, strict=True):
        _draw_box(draw, box, colour=_colour(prediction))
    tags: list[Rectangle] = []
    for prediction, box in zip(predictions, boxes, strict=True):
        others = [other for other in boxes if other is not box]
        tags.append(_draw_tag(draw, prediction, box=box, avoid=(tags, others)))
    return np.asarray(picture)


def encode(image: ImageArray, kind: str) -> bytes:
    """Write an `(H, W, 3)` RGB image as a file's bytes.

    Args:
        image: the picture.
        kind: `JPEG`, `PNG` or `WEBP`.
    """
    file = io.BytesIO()
    Image.fromarray(image).save(file, format=kind, quality=92)
    return file.getvalue()


def caption(prediction: Prediction) -> str:
    """Say the label and its probability in a few words; percents are rounded down.

    >>> from gafas.types import Face
    >>> face = Face.whole(8, 8)
    >>> caption(Prediction.decide(face, {"none": 0.002, "sunglasses": 0.998}))
    'sunglasses 99%'
    >>> caption(Prediction.decide(face, {"none": 0.4, "sunglasses": 0.6}, threshold=0.8))
    'unsure: sunglasses 60%?'
    """
    percent = f"{prediction.best} {math.floor(prediction.probability * 100 + 1e-6)}%"
    return f"{UNSURE}: {percent}?" if prediction.label == UNSURE else percent


def _draw_box(draw: ImageDraw.ImageDraw, box: Rectangle, *, colour: Colour) -> None:
    width = max(2, round(max(draw.im.size) / 320))
    # A dark line on both sides keeps the colour visible on any ground.
    rim = max(1, width // 2)
    grown = (box[0] - rim, box[1] - rim, box[2] + rim, box[3] + rim)
    draw.rectangle(grown, outline=_DARK, width=width + 2 * rim)
    draw.rectangle(box, outline=colour, width=width)


def _draw_tag(
    draw: ImageDraw.ImageDraw, prediction: Prediction, *, box: Rectangle, avoid: Obstacles
) -> Rectangle:
    """Write the caption beside its box; return the rectangle that it takes."""
    text = caption(prediction)
    font = _font(draw, text, box=box, faces=1 + len(avoid[1]))
    pad = max(2, round(font.size / 5))
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    extent = (math.ceil(right - left) + 2 * pad, math.ceil(bottom - top) + 2 * pad)
    place = _place(box, extent, size=draw.im.size, avoid=avoid)
    draw.rectangle(place, fill=_colour(prediction), outline=_DARK, width=max(1, pad // 3))
    draw.text((place[0] + pad - left, place[1] + pad - top), text, fill=_DARK, font=font)
    return place


def _font(
    draw: ImageDraw.ImageDraw, text: str, *, box: Rectangle, faces: int
) -> ImageFont.FreeTypeFont:
    """Choose letters in proportion to the face and the image, and no wider than the image.

    In a crowd they may be smaller, or tags would cover it.
    """
    width, height = draw.im.size
    longer = max(width, height)
    least = longer / 50 / max(1.0, math.sqrt(faces / _FEW))
    wanted = min(max((box[2] - box[0]) / 6, least), longer / 24)
    font = ImageFont.load_default(max(wanted, 9.0))
    assert isinstance(font, ImageFont.FreeTypeFont)  # what Pillow gives when asked for a size
    length = draw.textlength(text, font=font) * 1.08
    return font.font_variant(size=font.size * width / length) if length > width else font


def _place(
    box: Rectangle, extent: tuple[int, int], *, size: tuple[int, int], avoid: Obstacles
) -> Rectangle:
    """Choose above the box, below it or inside: where least is covered, other tags above all."""
    x = max(0, min(box[0], size[0] - extent[0] - 1))
    tops = [box[1] - extent[1], box[3], box[1], box[3] - extent[1]]
    places = [(x, top, x + extent[0], top + extent[1]) for top in tops]
    within = [place for place in places if place[1] >= 0 and place[3] < size[1]]
    outside = (x, 0, x + extent[0], extent[1])
    return min(within or [outside], key=lambda place: _covered(place, avoid))


def _covered(place: Rectangle, avoid: Obstacles) -> tuple[int, int]:
    tags, faces = avoid
    return sum(_touch(place, tag) for tag in tags), sum(_touch(place, face) for face in faces)


def _touch(one: Rectangle, other: Rectangle) -> bool:
    apart = one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
    return not apart


def _box(prediction: Prediction, *, factor: int, size: tuple[int, int]) -> Rectangle:
    """Return the face's box in the drawing's pixels, kept inside it and never inside out."""
    x1, y1, x2, y2 = (round(value * factor) for value in prediction.face.box)
    x1, y1 = min(max(x1, 0), size[0] - 1), min(max(y1, 0), size[1] - 1)
    return x1, y1, max(x1, min(x2, size[0]) - 1), max(y1, min(y2, size[1]) - 1)


def _colour(prediction: Prediction) -> Colour:
    return _COLOURS.get(prediction.label, _OTHER_LABEL)
