"""Boxes, labels and probabilities drawn on the photo."""

import dataclasses
import functools
import io
import math
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from gafas.results import UNSURE, Eyewear, ImageArray, Prediction

SMALLEST_SIDE: Final = 480
"""An image whose longer side is shorter than this is enlarged, for letters need pixels."""

Colour = tuple[int, int, int]
Rectangle = tuple[int, int, int, int]
Rectangles = npt.NDArray[np.float64]
"""`(N, 4)`, a row like a box."""

# Masataka Okabe and Kei Ito's colours, told apart by all kinds of colour vision.
_COLOURS: Final[dict[str, Colour]] = {
    Eyewear.NONE: (0, 158, 115),
    Eyewear.EYEGLASSES: (86, 180, 233),
    Eyewear.SUNGLASSES: (230, 159, 0),
    UNSURE: (240, 228, 66),
}
_OTHER_LABEL: Final = (204, 121, 167)
_DARK: Final = (20, 20, 20)

# Pillow's own letters have no accents, and no question mark upside down.
_WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {"sure": "{label} {percent}%", "unsure": "unsure: {label} {percent}%?"},
    "es": {
        "sure": "{label} {percent} %",
        "unsure": "dudosa ({label} {percent} %)",
        Eyewear.NONE: "sin gafas",
        Eyewear.EYEGLASSES: "gafas graduadas",
        Eyewear.SUNGLASSES: "gafas de sol",
    },
}

LANGUAGES: Final = tuple(_WORDS)
"""What can be written on a drawing: English, in which labels go by their own names, and Spanish."""

_FEW: Final = 8  # faces, on which tags leave enough to see
_SMALLER: Final = (1.0, 0.75, 0.55)  # letters, where larger ones find no room
_LEAST_LETTERS: Final = 9.0


@dataclasses.dataclass(frozen=True, slots=True)
class Tag:
    """What is written beside a face.

    Attributes:
        text: the caption, behind the face's number where there are several; or that number alone.
        place: where it stands, in the drawing's pixels, like a box.
        letters: their size, in pixels.
    """

    text: str
    place: Rectangle
    letters: float


def annotate(
    image: ImageArray, predictions: Iterable[Prediction], *, language: str = "en"
) -> ImageArray:
    """Draw predictions on a copy of an `(H, W, 3)` RGB image.

    Lines and letters follow the size of the image and of the face. Several faces are numbered from
    1, in the order of the predictions. The copy has the image's size; only an image under
    `SMALLEST_SIDE` pixels is enlarged, by a whole factor.

    Raises:
        ValueError: the language is none of `LANGUAGES`.
    """
    longer = max(image.shape[:2])
    factor = math.ceil(SMALLEST_SIDE / longer) if longer < SMALLEST_SIDE else 1
    picture = Image.fromarray(np.ascontiguousarray(image))
    picture = picture.resize(
        (picture.width * factor, picture.height * factor), Image.Resampling.BICUBIC
    )
    draw = ImageDraw.Draw(picture)
    shown = [prediction.scaled(factor) for prediction in predictions]
    for prediction in shown:
        _draw_box(draw, _box(prediction, picture.size), colour=_colour(prediction))
    tags = lay_tags(picture.size, shown, language=language)
    for prediction, tag in zip(shown, tags, strict=True):
        _draw_tag(draw, tag, colour=_colour(prediction))
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


def caption(prediction: Prediction, *, language: str = "en") -> str:
    """Say the label and its probability in a few words; percents are rounded down.

    Raises:
        ValueError: the language is none of `LANGUAGES`.

    >>> from gafas.results import Face
    >>> face = Face.whole(8, 8)
    >>> caption(Prediction.decide(face, {"none": 0.002, "sunglasses": 0.998}))
    'sunglasses 99%'
    >>> caption(Prediction.decide(face, {"none": 0.4, "sunglasses": 0.6}, threshold=0.8))
    'unsure: sunglasses 60%?'
    >>> caption(Prediction.decide(face, {"none": 0.998, "sunglasses": 0.002}), language="es")
    'sin gafas 99 %'
    """
    if language not in _WORDS:
        raise ValueError(f"A drawing speaks one of {LANGUAGES}. Received: {language!r}.")
    words = _WORDS[language]
    percent = math.floor(prediction.probability * 100 + 1e-6)
    form = words["unsure" if prediction.label == UNSURE else "sure"]
    return form.format(label=words.get(prediction.best, prediction.best), percent=percent)


def lay_tags(
    size: tuple[int, int], predictions: Sequence[Prediction], *, language: str = "en"
) -> list[Tag]:
    """Find for every face a place for its tag that hides no face and no other tag.

    It is beside the face's box. Where there is no room the letters get smaller, then the number
    stands alone; where there is none at all, the tag stands in the face's own box, off the
    landmarks if it can.

    Args:
        size: width and height of the drawing, which no tag leaves.
        predictions: their faces in the drawing's pixels.
        language: one of `LANGUAGES`.
    """
    boxes = np.array([_box(one, size) for one in predictions], np.float64).reshape(-1, 4)
    faces = []
    for at, (prediction, box) in enumerate(zip(predictions, boxes, strict=True)):
        text = caption(prediction, language=language)
        letters = _letters(box, size, faces=len(boxes))
        several = len(boxes) > 1
        texts = [f"{at + 1} {text}", f"{at + 1}"] if several else [text]
        forms = [(text, letters * share) for text in texts for share in _SMALLER]
        marks = np.array(prediction.face.landmarks).reshape(-1, 2)
        faces.append(_Labelled(box, forms, last=forms[-1 if several else 0], marks=marks))
    # Long tags of the first faces may leave no room for the others: then all are made shorter.
    attempts = (_lay(size, faces, skipped=skipped) for skipped in range(2 * len(_SMALLER)))
    tags, hidden = next(attempts)
    while hidden and (attempt := next(attempts, None)):
        tags, hidden = min((tags, hidden), attempt, key=lambda one: one[1])
    return tags


Form = tuple[str, float]
"""What might be written, and how large."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Labelled:
    """A face for which a tag is to be laid: what it may say, and what it may not hide."""

    box: Rectangles
    forms: list[Form]
    last: Form
    marks: npt.NDArray[np.float64]


def _lay(
    size: tuple[int, int], faces: Sequence[_Labelled], *, skipped: int
) -> tuple[list[Tag], int]:
    """Lay tags without so many of their largest forms; return how many stand in their face, too."""
    gap = _line(size)  # a box's line is on both sides of its border
    boxes = np.array([one.box for one in faces]).reshape(-1, 4)
    taken = boxes + np.array([-gap, -gap, gap, gap])
    tags: list[Tag] = []
    hidden = 0
    for at, one in enumerate(faces):
        tag = _find_room(taken[at], one.forms[skipped:], size=size, taken=taken)
        if tag is None:
            hidden += 1
            others = np.delete(taken, at, axis=0)
            tag = _lay_inside(one, size=size, others=others)
        tags.append(tag)
        taken = np.concatenate([taken, [tag.place]])
    return tags, hidden


def _find_room(
    box: Rectangles, forms: Sequence[Form], *, size: tuple[int, int], taken: Rectangles
) -> Tag | None:
    """Return the first form that has room beside a box."""
    for text, wanted in forms:
        letters, extent = _measure(text, wanted, size=size)
        places = _list_places(box, extent, size=size)
        free = places[~_touch(places, taken).any(axis=1)]
        if len(free):
            return _tag(text, free[0], letters)
    return None


def _lay_inside(one: _Labelled, *, size: tuple[int, int], others: Rectangles) -> Tag:
    """Place a tag inside a face's own box, where it hides least of others and of the landmarks."""
    (text, wanted), box = one.last, one.box
    letters, extent = _measure(text, wanted, size=size)
    lefts = [box[0], (box[0] + box[2] - extent[0]) // 2, box[2] - extent[0]]
    tops = [box[1], box[3] - extent[1]]
    places = _keep_inside([(left, top) for top in tops for left in lefts], extent, size=size)
    spots = np.concatenate([one.marks, one.marks], axis=1)
    hides = 10 * _touch(places, others).sum(axis=1) + _touch(places, spots).sum(axis=1)
    return _tag(text, places[hides.argmin()], letters)


def _list_places(box: Rectangles, extent: tuple[int, int], *, size: tuple[int, int]) -> Rectangles:
    """List where a tag may stand beside a box: above it, below it, at its sides."""
    (x1, y1, x2, y2), (width, height) = box.tolist(), extent
    lefts = (x1, (x1 + x2 - width) // 2, x2 - width)
    above, below = ([(left, top) for left in lefts] for top in (y1 - height - 1, y2 + 1))
    middle = (y1 + y2 - height) // 2
    sides = [(x, y) for y in (y1, middle, y2 - height) for x in (x2 + 1, x1 - width - 1)]
    places = _keep_inside([*above, *below, *sides], extent, size=size)
    return places[~_touch(places, box[np.newaxis]).any(axis=1)]


def _keep_inside(
    corners: Sequence[tuple[int, int]], extent: tuple[int, int], *, size: tuple[int, int]
) -> Rectangles:
    """Return rectangles at these corners, moved into the drawing."""
    most = np.array(size) - np.array(extent) - 1
    moved = np.clip(np.array(corners, np.float64), 0, np.maximum(most, 0))
    return np.concatenate([moved, moved + np.array(extent)], axis=1)


def _touch(places: Rectangles, others: Rectangles) -> npt.NDArray[np.bool_]:
    """Say for each place which of the others it touches: `(N, M)`."""
    low, high = places[:, np.newaxis, :2], places[:, np.newaxis, 2:]
    return np.asarray(((low <= others[:, 2:]) & (others[:, :2] <= high)).all(axis=2))


def _tag(text: str, place: Rectangles, letters: float) -> Tag:
    x1, y1, x2, y2 = map(int, place.tolist())
    return Tag(text, (x1, y1, x2, y2), letters)


def _letters(box: Rectangles, size: tuple[int, int], *, faces: int) -> float:
    """Choose letters in proportion to the face and the image; in a crowd they may be smaller."""
    longer = max(size)
    least = longer / 50 / max(1.0, math.sqrt(faces / _FEW))
    return float(min(max((box[2] - box[0]) / 6, least), longer / 24))


def _measure(text: str, letters: float, *, size: tuple[int, int]) -> tuple[float, tuple[int, int]]:
    """Return letters with which a tag fits into the drawing, and its width and height."""
    letters = max(letters, _LEAST_LETTERS)
    width, height = _extent(text, letters)
    share = min(1.0, (size[0] - 1) / width, (size[1] - 1) / height)
    if share < 1:
        letters *= share * 0.95
        width, height = _extent(text, letters)
    return letters, (width, height)


def _extent(text: str, letters: float) -> tuple[int, int]:
    left, top, right, bottom = _font(letters).getbbox(text)
    pad = _pad(letters)
    return math.ceil(right - left) + 2 * pad, math.ceil(bottom - top) + 2 * pad


def _pad(letters: float) -> int:
    return max(2, round(letters / 5))


@functools.lru_cache(64)
def _font(letters: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(letters)
    assert isinstance(font, ImageFont.FreeTypeFont)  # what Pillow gives when asked for a size
    return font


def _line(size: tuple[int, int]) -> int:
    """Return how wide a box's line is."""
    return max(2, round(max(size) / 320))


def _draw_box(draw: ImageDraw.ImageDraw, box: Rectangle, *, colour: Colour) -> None:
    width = _line(draw.im.size)
    # A dark line on both sides keeps the colour visible on any ground.
    rim = max(1, width // 2)
    grown = (box[0] - rim, box[1] - rim, box[2] + rim, box[3] + rim)
    draw.rectangle(grown, outline=_DARK, width=width + 2 * rim)
    draw.rectangle(box, outline=colour, width=width)


def _draw_tag(draw: ImageDraw.ImageDraw, tag: Tag, *, colour: Colour) -> None:
    pad, font = _pad(tag.letters), _font(tag.letters)
    left, top, _, _ = font.getbbox(tag.text)
    draw.rectangle(tag.place, fill=colour, outline=_DARK, width=max(1, pad // 3))
    place = (tag.place[0] + pad - left, tag.place[1] + pad - top)
    draw.text(place, tag.text, fill=_DARK, font=font)


def _box(prediction: Prediction, size: tuple[int, int]) -> Rectangle:
    """Return the face's box kept inside the drawing, and never inside out."""
    x1, y1, x2, y2 = (round(value) for value in prediction.face.box)
    x1, y1 = min(max(x1, 0), size[0] - 1), min(max(y1, 0), size[1] - 1)
    return x1, y1, max(x1, min(x2, size[0]) - 1), max(y1, min(y2, size[1]) - 1)


def _colour(prediction: Prediction) -> Colour:
    return _COLOURS.get(prediction.label, _OTHER_LABEL)
