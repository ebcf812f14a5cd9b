"""Why: which spots of a face the answer hangs on, shown by hiding one after another.

What is shown is the change in the answer's log-odds, ln(p / (1 - p)): of a sure answer, the
probability itself stays near 1 whatever is hidden.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from gafas.annotation import SMALLEST_SIDE, annotate, choose_font, enlarge
from gafas.crops import place_crop
from gafas.images import ImageSource, load_photo
from gafas.labels import LANGUAGES, Colour
from gafas.recognizer import Recognizer
from gafas.results import Face, ImageArray, Point, Prediction

Floats = npt.NDArray[np.float32]
Spot = tuple[slice, slice]

GRID: Final = 10
"""So many positions of the hidden spot, across and down."""

SPOT: Final = 0.2
"""The side of the hidden spot, as a share of the shorter side of what the model sees."""

FAINT: Final = 0.05
"""If nothing hidden changes the log-odds by more, and so the odds by a twentieth, nothing is shown.
"""

# Both lenses are hidden at once: one lens alone leaves the other to tell. Lengths are in distances
# between the eyes of a face seen from the front.
_LENS: Final = (0.9, 0.65)
_BELOW: Final = (-0.3, -0.1, 0.1, 0.3, 0.5)  # the eyes, as glasses slide down a nose
_OUTWARD: Final = (-0.15, 0.0, 0.15)
_LEAST: Final = 1e-12  # of a probability: beyond, a logarithm tells of rounding only

WORDS: Final = {
    "en": {
        "falls": "Hiding this weakens the answer: its log-odds fall by up to {change}.",
        "rises": "Hiding this strengthens the answer: its log-odds rise by up to {change}.",
        "scale": "Each face has a scale of its own.",
        "faint": "Hiding any one part hardly changes the answer.",
        "nobody": "No face was found: there is nothing to explain.",
    },
    # Pillow's own letters have no accents.
    "es": {
        "falls": "Tapar esto debilita la respuesta: su logit baja como mucho {change}.",
        "rises": "Tapar esto refuerza la respuesta: su logit sube como mucho {change}.",
        "scale": "Cada cara tiene su propia escala.",
        "faint": "Tapar cualquier parte apenas cambia la respuesta.",
        "nobody": "No se ha encontrado ninguna cara: no hay nada que explicar.",
    },
}
"""What the legend says, in each language."""

# Masataka Okabe and Kei Ito's vermilion and blue, told apart by all kinds of colour vision.
_FALLS: Final[Colour] = (213, 94, 0)
_RISES: Final[Colour] = (0, 114, 178)
_STRONGEST: Final = 200  # the photo shows through even where the colour is deepest
_NARROWEST: Final = 360  # a legend of fewer pixels cannot be read
_FLATTEST: Final = 4  # in wider pictures letters grow with the height: those of a line were huge


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What the prediction of one face hangs on.

    Attributes:
        prediction: what the model says of the face.
        heat: `(height, width)` of the model's input: by how much the log-odds of the most probable
            label fall when something around that pixel is hidden, on average.
        corners: where the heat map lies in the photo, in its pixels: top left, top right and
            bottom left.
    """

    prediction: Prediction
    heat: Floats
    corners: tuple[Point, Point, Point]

    @property
    def peak(self) -> float:
        """Return the strongest change, whatever its direction: the face's own scale."""
        return float(np.abs(self.heat).max())


def explain(
    recognizer: Recognizer, source: ImageSource, *, faces: Sequence[Face] | None = None
) -> list[Explanation]:
    """Explain the prediction of every face: hide `GRID` × `GRID` spots one by one, then lenses.

    Where the eyes are known, both lenses are also hidden at once, in several places. What is hidden
    is painted over with the median colour of what the model sees of the face: mostly skin,
    where the dark of an average would look like a lens.

    Args:
        recognizer: whose predictions are explained.
        source: the photo.
        faces: explain only these, found before; looked for if left out.

    Raises:
        ImageError: the source is no readable photo.
    """
    found, crops = recognizer.recognize_with_crops(source, faces=faces)
    return [
        Explanation(one, _heat(recognizer, crop, prediction=one), _corners(recognizer, one.face))
        for one, crop in zip(found, crops, strict=True)
    ]


def draw_explanations(
    source: ImageSource, explanations: Sequence[Explanation], *, language: str = "en"
) -> ImageArray:
    """Draw heat maps, boxes and labels over a grey copy of the photo, and a legend below it.

    Each face has a scale of its own: its strongest change has the deepest colour. A large JPEG is
    decoded at a reduced scale, and only a photo under `SMALLEST_SIDE` pixels is enlarged.

    Returns:
        `(H, W, 3)` uint8 RGB, higher than the photo by the legend, and as wide as the legend needs.

    Raises:
        ImageError: the source is no readable photo.
        ValueError: there is no legend in that language.
    """
    lines = _explain_colours(explanations, language=language)
    photo = load_photo(source, side=2 * SMALLEST_SIDE)
    grey = Image.fromarray(np.ascontiguousarray(photo.image)).convert("L").convert("RGB")
    picture, factor = enlarge(grey)
    scale = photo.scale * factor
    for one in explanations:
        if one.peak > FAINT:
            _colour(picture, one, scale=scale)
    shown = [one.prediction.scaled(scale) for one in explanations]
    drawn = annotate(np.asarray(picture), shown, language=language)
    wide = max(picture.width, _NARROWEST)
    letters = max(12.0, min(wide, _FLATTEST * picture.height) / 42)
    below = _legend(lines, width=wide, letters=letters)
    beside = ((0, 0), (0, below.shape[1] - drawn.shape[1]), (0, 0))
    return np.concatenate([np.pad(drawn, beside, constant_values=255), below])


def _heat(recognizer: Recognizer, crop: ImageArray, *, prediction: Prediction) -> Floats:
    hidings: list[tuple[Spot, ...]] = [(spot,) for spot in _spots(*crop.shape[:2])]
    hidings += _pairs(recognizer, prediction.face, side=len(crop))
    covered = np.zeros((len(hidings), *crop.shape[:2]), bool)
    for mask, spots in zip(covered, hidings, strict=True):
        for spot in spots:
            mask[spot] = True
    colour = np.median(crop, axis=(0, 1)).astype(np.uint8)
    hidden = np.where(covered[..., np.newaxis], colour, crop)
    column = recognizer.classifier.labels.index(prediction.best)
    before = _log_odds(np.array([[*prediction.probabilities.values()]]), column)
    falls = before - _log_odds(recognizer.classifier.predict(hidden), column)
    total = np.tensordot(falls, covered, axes=1)
    return np.asarray(total / np.maximum(covered.sum(axis=0), 1), np.float32)


def _log_odds(probabilities: npt.NDArray[Any], column: int) -> npt.NDArray[np.float64]:
    """Return the log-odds of one label in every row; the others are added up, not taken from 1."""
    rows = probabilities.astype(np.float64)
    others = np.delete(rows, column, axis=1).sum(axis=1)
    logs = np.log(np.maximum(np.stack([rows[:, column], others]), _LEAST))
    return np.asarray(logs[0] - logs[1])


def _spots(height: int, width: int) -> Iterator[Spot]:
    side = max(1, round(SPOT * min(height, width)))
    tops = np.linspace(0, height - side, GRID).round().astype(int)
    lefts = np.linspace(0, width - side, GRID).round().astype(int)
    for top in tops:
        for left in lefts:
            yield slice(top, top + side), slice(left, left + side)


def _pairs(recognizer: Recognizer, face: Face, *, side: int) -> Iterator[tuple[Spot, ...]]:
    """Give places for two lenses, in a crop of `side` pixels, around the eyes where these are."""
    geometry = recognizer.classifier.geometry
    if geometry is None or not face.landmarks:
        return
    unit = side / geometry.extent
    left, right = place_crop(face, geometry).to_crop(np.array(face.landmarks[:2])) * side
    for below in _BELOW:
        for outward in _OUTWARD:
            shift = np.array([outward, below]) * unit
            yield (
                _lens(left + shift * (-1, 1), unit, side=side),
                _lens(right + shift, unit, side=side),
            )


def _lens(middle: npt.NDArray[np.float64], unit: float, *, side: int) -> Spot:
    low, high = (middle + np.array(_LENS) * unit * half for half in (-0.5, 0.5))
    bounds = np.clip(np.round([low, high]), 0, side).astype(int)
    return slice(bounds[0, 1], bounds[1, 1]), slice(bounds[0, 0], bounds[1, 0])


def _corners(recognizer: Recognizer, face: Face) -> tuple[Point, Point, Point]:
    geometry = recognizer.classifier.geometry
    if geometry is None:
        x1, y1, x2, y2 = face.box
        return (x1, y1), (x2, y1), (x1, y2)
    unit = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    one, two, three = place_crop(face, geometry).to_image(unit).tolist()
    return (one[0], one[1]), (two[0], two[1]), (three[0], three[1])


def _colour(picture: Image.Image, one: Explanation, *, scale: float) -> None:
    """Colour the picture, in place, where hiding a spot weakens or strengthens the answer."""
    corner, right, bottom = np.array(one.corners) * scale
    height, width = one.heat.shape
    # Pillow's six numbers map a pixel of the picture to the heat map.
    turn = np.linalg.inv(np.column_stack([right - corner, bottom - corner]))
    matrix = np.diag([width, height]) @ turn
    affine = np.column_stack([matrix, -matrix @ corner]).ravel().tolist()
    for colour, part in ((_FALLS, one.heat), (_RISES, -one.heat)):
        strength = np.clip(part / one.peak, 0, 1) * _STRONGEST
        mask = Image.fromarray(strength.astype(np.uint8)).transform(
            picture.size, Image.Transform.AFFINE, affine, resample=Image.Resampling.BILINEAR
        )
        picture.paste(colour, mask=mask)


Line = tuple[str, Colour | None]
"""A line of the legend, and the colour that it explains, if it explains one."""


def _explain_colours(explanations: Sequence[Explanation], *, language: str) -> list[Line]:
    if language not in LANGUAGES:
        raise ValueError(f"A drawing speaks one of {LANGUAGES}. Received: {language!r}.")
    words = WORDS[language]
    if not explanations:
        return [(words["nobody"], None)]
    told: list[Line] = []
    for key, colour, sign in (("falls", _FALLS, 1), ("rises", _RISES, -1)):
        change = max(float((sign * one.heat).max()) for one in explanations)
        if change > FAINT:
            number = f"{change:.1f}" if language == "en" else f"{change:.1f}".replace(".", ",")
            told.append((words[key].format(change=number), colour))
    if len(explanations) > 1 and told:
        told.append((words["scale"], None))
    return told or [(words["faint"], None)]


def _legend(lines: Sequence[Line], *, width: int, letters: float) -> ImageArray:
    """Write lines on white, each behind a square of its colour."""
    font = choose_font(letters)
    longest = max(font.getlength(text) for text, _ in lines) + 4 * font.size
    font = font.font_variant(size=font.size * min(1.0, width / longest))
    line = math.ceil(font.size * 1.6)
    picture = Image.new("RGB", (width, line * len(lines) + line // 2), "white")
    pen = ImageDraw.Draw(picture)
    for number, (text, colour) in enumerate(lines):
        top = line // 2 + line * number
        if colour is not None:
            pen.rectangle((line // 2, top, line // 2 + font.size, top + font.size), fill=colour)
        pen.text((line // 2 + font.size * 1.6, top), text, fill=(20, 20, 20), font=font)
    return np.asarray(picture)
