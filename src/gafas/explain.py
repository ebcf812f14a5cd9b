"""Why: which spots of a face the answer hangs on, shown by hiding one after another."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from gafas.annotate import SMALLEST_SIDE, annotate
from gafas.crops import place_crop
from gafas.images import ImageSource
from gafas.recognizer import Recognizer
from gafas.types import Face, ImageArray, Photo, Point, Prediction

Floats = npt.NDArray[np.float32]

GRID: Final = 10
"""So many positions of the hidden spot, across and down."""

SPOT: Final = 0.2
"""The side of the hidden spot, as a share of the shorter side of what the model sees."""

FAINT: Final = 0.01
"""If no spot changes the probability by more than this, nothing is coloured."""

# Masataka Okabe and Kei Ito's vermilion and blue, told apart by all kinds of colour vision.
_FALLS: Final = (213, 94, 0)
_RISES: Final = (0, 114, 178)
_STRONGEST: Final = 200  # the photo shows through even where the colour is deepest
_INK: Final = (20, 20, 20)
_NARROWEST: Final = 360  # a legend of fewer pixels cannot be read
_FLATTEST: Final = (
    4  # in wider pictures letters grow with the height: those of a line would be huge
)


@dataclasses.dataclass(frozen=True, slots=True)
class Explanation:
    """What the prediction of one face hangs on.

    Attributes:
        prediction: what the model says of the face.
        heat: `(height, width)` of the model's input: by how much the probability of the most
            probable label falls, -1 to 1, when a spot around that pixel is hidden.
        corners: where the heat map lies in the photo, in its pixels: top left, top right and
            bottom left.
    """

    prediction: Prediction
    heat: Floats
    corners: tuple[Point, Point, Point]


def explain(
    recognizer: Recognizer, source: ImageSource, *, face: int | None = None
) -> list[Explanation]:
    """Explain the prediction of every face, by `GRID` × `GRID` hidden spots each.

    A spot is painted over with the median colour of what the model sees of the face: mostly skin,
    where the dark of an average would look like a lens.

    Args:
        recognizer: whose predictions are explained.
        source: the photo.
        face: explain only this one, counted from 0 in the order of the predictions.

    Raises:
        ImageError: the source is no readable photo.
        IndexError: the photo has no such face.
    """
    view = recognizer.view(source)
    found = list(zip(recognizer.answer(view), view.patches, strict=True))
    if face is not None:
        if not 0 <= face < len(found):
            raise IndexError(f"No face {face}, counted from 0: the photo has {len(found)}.")
        found = [found[face]]
    return [
        Explanation(
            prediction,
            _heat(recognizer, patch, prediction=prediction),
            _corners(recognizer, prediction.face),
        )
        for prediction, patch in found
    ]


def draw(photo: Photo, explanations: Sequence[Explanation]) -> ImageArray:
    """Draw heat maps, boxes and labels over a grey copy of the photo, and a legend below it.

    Only a photo under `SMALLEST_SIDE` pixels is enlarged, by a whole factor.

    Returns:
        `(H, W, 3)` uint8 RGB, higher than the photo by the legend, and as wide as the legend needs.
    """
    longer = max(photo.image.shape[:2])
    factor = math.ceil(SMALLEST_SIDE / longer) if longer < SMALLEST_SIDE else 1
    picture = Image.fromarray(np.ascontiguousarray(photo.image)).convert("L").convert("RGB")
    size = (picture.width * factor, picture.height * factor)
    picture = picture.resize(size, Image.Resampling.BICUBIC)
    scale = photo.scale * factor
    peak = max((float(np.abs(one.heat).max()) for one in explanations), default=0.0)
    if peak > FAINT:
        for one in explanations:
            _lay(picture, one, scale=scale, peak=peak)
    shown = [
        dataclasses.replace(one.prediction, face=one.prediction.face.scaled(scale))
        for one in explanations
    ]
    drawn = annotate(np.asarray(picture), shown)
    wide = max(picture.width, _NARROWEST)
    tall = max(12.0, min(wide, _FLATTEST * picture.height) / 42)
    below = _legend(_sentences(explanations, peak=peak), width=wide, letters=tall)
    beside = ((0, 0), (0, below.shape[1] - drawn.shape[1]), (0, 0))
    return np.concatenate([np.pad(drawn, beside, constant_values=255), below])


def _heat(recognizer: Recognizer, patch: ImageArray, *, prediction: Prediction) -> Floats:
    spots = list(_spots(patch.shape[0], patch.shape[1]))
    hidden = np.repeat(patch[np.newaxis], len(spots), axis=0)
    colour = np.median(patch, axis=(0, 1)).astype(np.uint8)
    for image, spot in zip(hidden, spots, strict=True):
        image[spot] = colour
    column = recognizer.classifier.labels.index(prediction.best)
    falls = prediction.probability - recognizer.classifier.predict(hidden)[:, column]
    total = np.zeros(patch.shape[:2], np.float32)
    times = np.zeros(patch.shape[:2], np.float32)
    for spot, fall in zip(spots, falls, strict=True):
        total[spot] += fall
        times[spot] += 1
    return np.asarray(total / np.maximum(times, 1), np.float32)


def _spots(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    side = max(1, round(SPOT * min(height, width)))
    tops = np.linspace(0, height - side, GRID).round().astype(int)
    lefts = np.linspace(0, width - side, GRID).round().astype(int)
    for top in tops:
        for left in lefts:
            yield slice(top, top + side), slice(left, left + side)


def _corners(recognizer: Recognizer, face: Face) -> tuple[Point, Point, Point]:
    if recognizer.geometry is None:
        x1, y1, x2, y2 = face.box
        return (x1, y1), (x2, y1), (x1, y2)
    unit = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    one, two, three = place_crop(face, recognizer.geometry).to_image(unit).tolist()
    return (one[0], one[1]), (two[0], two[1]), (three[0], three[1])


def _lay(picture: Image.Image, one: Explanation, *, scale: float, peak: float) -> None:
    """Colour the picture, in place, where hiding a spot lowers or raises the probability."""
    affine = _affine(one, scale=scale)
    for colour, part in ((_FALLS, one.heat), (_RISES, -one.heat)):
        strength = np.clip(part / peak, 0, 1) * _STRONGEST
        mask = Image.fromarray(strength.astype(np.uint8)).transform(
            picture.size, Image.Transform.AFFINE, affine, resample=Image.Resampling.BILINEAR
        )
        picture.paste(colour, mask=mask)


def _affine(one: Explanation, *, scale: float) -> tuple[float, ...]:
    """Return Pillow's six numbers, which map a pixel of the picture to the heat map."""
    corner, right, bottom = np.array(one.corners) * scale
    height, width = one.heat.shape
    turn = np.linalg.inv(np.column_stack([right - corner, bottom - corner]))
    matrix = np.diag([width, height]) @ turn
    shift = -matrix @ corner
    return (*matrix[0].tolist(), float(shift[0]), *matrix[1].tolist(), float(shift[1]))


def _sentences(
    explanations: Sequence[Explanation], *, peak: float
) -> list[tuple[str, tuple[int, int, int]]]:
    """Return the legend's lines, each with the colour that it explains."""
    if not explanations:
        return [("No face was found: there is nothing to explain.", _INK)]
    if peak <= FAINT:
        return [(f"Hiding any one spot changes the probability by {FAINT} at most.", _INK)]
    lowest = min(float(one.heat.min()) for one in explanations)
    highest = max(float(one.heat.max()) for one in explanations)
    falls = f"Hiding this lowers the probability of the answer, by up to {max(highest, 0):.2f}."
    rises = f"Hiding this raises the probability of the answer, by up to {max(-lowest, 0):.2f}."
    return [(falls, _FALLS), (rises, _RISES)]


def _legend(
    sentences: Sequence[tuple[str, tuple[int, int, int]]], *, width: int, letters: float
) -> ImageArray:
    """Write sentences on white, one a line, each behind a square of its colour."""
    font = ImageFont.load_default(letters)
    assert isinstance(font, ImageFont.FreeTypeFont)  # what Pillow gives when asked for a size
    longest = max(font.getlength(text) for text, _ in sentences) + 4 * font.size
    font = font.font_variant(size=font.size * min(1.0, width / longest))
    line = math.ceil(font.size * 1.6)
    picture = Image.new("RGB", (width, line * len(sentences) + line // 2), "white")
    pen = ImageDraw.Draw(picture)
    for number, (text, colour) in enumerate(sentences):
        top = line // 2 + line * number
        pen.rectangle((line // 2, top, line // 2 + font.size, top + font.size), fill=colour)
        pen.text((line // 2 + font.size * 1.6, top), text, fill=_INK, font=font)
    return np.asarray(picture)
