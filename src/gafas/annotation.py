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

from gafas.labels import LANGUAGES, Colour, colour_label, name_label
from gafas.results import ImageArray, Prediction

SMALLEST_SIDE: Final = 480
"""An image whose longer side is shorter than this is enlarged, for letters need pixels."""

Rectangle = tuple[int, int, int, int]
Rectangles = npt.NDArray[np.float64]
"""`(N, 4)`, a row like a box."""

# Pillow's own letters have no accents, and no question mark upside down.
_FORMS: Final[dict[str, tuple[str, str]]] = {
    "en": ("{label} {percent}%", "unsure: {label} {percent}%?"),
    "es": ("{label} {percent} %", "dudosa ({label} {percent} %)"),
}
_DARK: Final = (20, 20, 20)
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


def annotate(image: ImageArray, faces: Iterable[Prediction], *, language: str = "en") -> ImageArray:
    """Draw faces and their answers on a copy of an `(H, W, 3)` RGB image.

    Lines and letters follow the size of the image and of the face. Several faces are numbered from
    1, in their order. The copy has the image's size; only an image under `SMALLEST_SIDE` pixels is
    enlarged, by a whole factor.

    Raises:
        ValueError: there is no such language.
    """
    picture, factor = enlarge(Image.fromarray(np.ascontiguousarray(image)))
    shown = [one.scaled(factor) for one in faces]
    draw, width = ImageDraw.Draw(picture), _line(picture.size)
    rim = max(1, width // 2)  # a dark line on both sides keeps the colour visible on any ground
    for one in shown:
        x1, y1, x2, y2 = _box(one, picture.size)
        grown = (x1 - rim, y1 - rim, x2 + rim, y2 + rim)
        draw.rectangle(grown, outline=_DARK, width=width + 2 * rim)
        draw.rectangle((x1, y1, x2, y2), outline=colour_label(one.label), width=width)
    for one, tag in zip(shown, lay_tags(picture.size, shown, language=language), strict=True):
        _draw_tag(draw, tag, colour=colour_label(one.label))
    return np.asarray(picture)


def enlarge(picture: Image.Image) -> tuple[Image.Image, int]:
    """Return a picture that is large enough for letters, and how many times it was enlarged."""
    factor = max(1, math.ceil(SMALLEST_SIDE / max(picture.size)))
    size = (picture.width * factor, picture.height * factor)
    return picture.resize(size, Image.Resampling.BICUBIC), factor


def encode(image: ImageArray, kind: str) -> bytes:
    """Write an `(H, W, 3)` RGB image as a file's bytes; `kind` is `JPEG`, `PNG` or `WEBP`."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, format=kind, quality=92)
    return file.getvalue()


def caption(prediction: Prediction, *, language: str = "en") -> str:
    """Say the label and its probability in a few words.

    Raises:
        ValueError: there is no such language.

    >>> from gafas.results import Face
    >>> face = Face.whole(8, 8)
    >>> caption(Prediction.decide(face, {"none": 0.998, "sunglasses": 0.002}))
    'no glasses 99%'
    >>> doubtful = Prediction.decide(face, {"none": 0.4, "sunglasses": 0.6}, threshold=0.8)
    >>> caption(doubtful, language="es")
    'dudosa (gafas de sol 60 %)'
    """
    if language not in LANGUAGES:
        raise ValueError(f"A drawing speaks one of {LANGUAGES}. Received: {language!r}.")
    label = name_label(prediction.best, language=language)
    return _FORMS[language][prediction.unsure].format(label=label, percent=prediction.percent)


Form = tuple[str, float]
"""What might be written, and how large."""


def lay_tags(
    size: tuple[int, int], faces: Sequence[Prediction], *, language: str = "en"
) -> list[Tag]:
    """Find for every face a place for its tag that hides no face and no other tag.

    It is beside the face's box. Where there is no room the letters get smaller, then the number
    stands alone; where there is none at all, the tag stands in the face's own box, off the
    landmarks if it can. `size` is the drawing's width and height, which no tag leaves; the faces
    are in its pixels.
    """
    boxes = np.array([_box(one, size) for one in faces], np.float64).reshape(-1, 4)
    forms: list[list[Form]] = []
    for number, (one, box) in enumerate(zip(faces, boxes, strict=True), 1):
        text, letters = caption(one, language=language), _letters(box, size, faces=len(faces))
        texts = [f"{number} {text}", f"{number}"] if len(faces) > 1 else [text]
        forms.append([(text, letters * share) for text in texts for share in _SMALLER])
    # Long tags of the first faces may leave no room for the others: then all are made shorter.
    best: list[Tag] = []
    least = math.inf
    for skipped in range(2 * len(_SMALLER)):
        tags, hiding = _lay(size, faces, boxes=boxes, forms=forms, skipped=skipped)
        if hiding < least:
            best, least = tags, hiding
        if not hiding:
            break
    return best


def _lay(
    size: tuple[int, int],
    faces: Sequence[Prediction],
    *,
    boxes: Rectangles,
    forms: Sequence[Sequence[Form]],
    skipped: int,
) -> tuple[list[Tag], int]:
    """Lay tags in the first of their forms that has room; count those that hide their own face."""
    gap = _line(size)  # a box's line is on both sides of its border
    taken = boxes + np.array([-gap, -gap, gap, gap])
    tags: list[Tag] = []
    hiding = 0
    for at, (one, box) in enumerate(zip(faces, boxes, strict=True)):
        usable = forms[at][skipped:]
        found = (_find_room(taken[at], form, size=size, taken=taken) for form in usable)
        tag = next(filter(None, found), None)
        if tag is None:
            hiding += 1
            form = forms[at][-1 if len(faces) > 1 else 0]
            spots = np.tile(np.array(one.landmarks).reshape(-1, 2), 2)
            others = np.delete(taken, at, axis=0)
            tag = _lay_inside(box, form, size=size, avoided=((others, 10), (spots, 1)))
        tags.append(tag)
        taken = np.concatenate([taken, [tag.place]])
    return tags, hiding


def _find_room(
    box: Rectangles, form: Form, *, size: tuple[int, int], taken: Rectangles
) -> Tag | None:
    """Return a tag above a box, below it or at its sides, if there is room."""
    letters, (width, height) = _measure(form, size=size)
    x1, y1, x2, y2 = box.tolist()
    lefts = (x1, (x1 + x2 - width) // 2, x2 - width)
    corners = [(left, top) for top in (y1 - height - 1, y2 + 1) for left in lefts]
    tops = (y1, (y1 + y2 - height) // 2, y2 - height)
    corners += [(left, top) for top in tops for left in (x2 + 1, x1 - width - 1)]
    places = _keep_inside(corners, (width, height), size=size)
    free = places[~_touch(places, taken).any(axis=1)]
    return Tag(form[0], _round(free[0]), letters) if len(free) else None


def _lay_inside(
    box: Rectangles,
    form: Form,
    *,
    size: tuple[int, int],
    avoided: Iterable[tuple[Rectangles, int]],
) -> Tag:
    """Place a tag inside a face's own box, where it hides least; what is avoided has a weight."""
    letters, (width, height) = _measure(form, size=size)
    lefts = [box[0], (box[0] + box[2] - width) // 2, box[2] - width]
    corners = [(left, top) for top in (box[1], box[3] - height) for left in lefts]
    places = _keep_inside(corners, (width, height), size=size)
    hides = [weight * _touch(places, others).sum(axis=1) for others, weight in avoided]
    place = places[np.sum(hides, axis=0).argmin()]
    return Tag(form[0], _round(place), letters)


def _keep_inside(
    corners: Sequence[tuple[float, float]], extent: tuple[int, int], *, size: tuple[int, int]
) -> Rectangles:
    """Return rectangles at these corners, moved into the drawing."""
    most = np.array(size) - np.array(extent) - 1
    moved = np.clip(np.array(corners, np.float64), 0, np.maximum(most, 0))
    return np.concatenate([moved, moved + np.array(extent)], axis=1)


def _touch(places: Rectangles, others: Rectangles) -> npt.NDArray[np.bool_]:
    """Say for each place which of the others it touches: `(N, M)`."""
    low, high = places[:, np.newaxis, :2], places[:, np.newaxis, 2:]
    return np.asarray(((low <= others[:, 2:]) & (others[:, :2] <= high)).all(axis=2))


def _round(place: Rectangles) -> Rectangle:
    x1, y1, x2, y2 = map(int, place.tolist())
    return x1, y1, x2, y2


def _letters(box: Rectangles, size: tuple[int, int], *, faces: int) -> float:
    """Choose letters in proportion to the face and the image; in a crowd they may be smaller."""
    longer = max(size)
    least = longer / 50 / max(1.0, math.sqrt(faces / _FEW))
    return float(min(max((box[2] - box[0]) / 6, least), longer / 24))


def _measure(form: Form, *, size: tuple[int, int]) -> tuple[float, tuple[int, int]]:
    """Return letters with which a tag fits into the drawing, and its width and height."""
    text, letters = form[0], max(form[1], _LEAST_LETTERS)
    width, height = _extent(text, letters)
    share = min(1.0, (size[0] - 1) / width, (size[1] - 1) / height)
    if share < 1:
        letters *= share * 0.95
        width, height = _extent(text, letters)
    return letters, (width, height)


def _extent(text: str, letters: float) -> tuple[int, int]:
    left, top, right, bottom = choose_font(letters).getbbox(text)
    pad = _pad(letters)
    return math.ceil(right - left) + 2 * pad, math.ceil(bottom - top) + 2 * pad


def _pad(letters: float) -> int:
    return max(2, round(letters / 5))


@functools.lru_cache(64)
def choose_font(letters: float) -> ImageFont.FreeTypeFont:
    """Return Pillow's own font, with letters of so many pixels."""
    font = ImageFont.load_default(letters)
    assert isinstance(font, ImageFont.FreeTypeFont)  # what Pillow gives when asked for a size
    return font


def _line(size: tuple[int, int]) -> int:
    """Return how wide a box's line is."""
    return max(2, round(max(size) / 320))


def _draw_tag(draw: ImageDraw.ImageDraw, tag: Tag, *, colour: Colour) -> None:
    pad, font = _pad(tag.letters), choose_font(tag.letters)
    left, top, _, _ = font.getbbox(tag.text)
    draw.rectangle(tag.place, fill=colour, outline=_DARK, width=max(1, pad // 3))
    place = (tag.place[0] + pad - left, tag.place[1] + pad - top)
    draw.text(place, tag.text, fill=_DARK, font=font)


def _box(prediction: Prediction, size: tuple[int, int]) -> Rectangle:
    """Return the face's box kept inside the drawing, and never inside out."""
    x1, y1, x2, y2 = (round(value) for value in prediction.box)
    x1, y1 = min(max(x1, 0), size[0] - 1), min(max(y1, 0), size[1] - 1)
    return x1, y1, max(x1, min(x2, size[0]) - 1), max(y1, min(y2, size[1]) - 1)
