"""Paint schematic people: soft shaded shapes, one over the other, in which detectors see faces.

Lengths are in distances between the eyes, about the point between them; y points down.
"""

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from gafas.results import ImageArray

Colour = tuple[float, float, float]
Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """The colours, RGB 0–255, of a person and of what is around."""

    skin: Colour
    hair: Colour
    iris: Colour
    cloth: Colour


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """A superellipse with a soft edge.

    Attributes:
        paint: a colour's name in the person's palette.
        place: its middle, x and y.
        reach: its half width and half height.
        soft: how wide its edge is.
        alpha: how much it covers, 0–1.
        power: 2 is an ellipse; more is squarer.
        turn: in radians.
        both: whether its mirror image is painted as well.
    """

    paint: str
    place: tuple[float, float]
    reach: tuple[float, float]
    soft: float
    alpha: float = 1.0
    power: float = 2.0
    turn: float = 0.0
    both: bool = False


LANDMARKS = np.array([(-0.5, 0.0), (0.5, 0.0), (0.0, 0.64), (-0.36, 1.14), (0.36, 1.14)])
"""Of every painted face: eyes, nose, the mouth's corners."""

_HEAD = Shape("skin", (0.0, 0.22), (1.14, 1.58), 0.035, power=2.25)

_BEHIND = (
    Shape("hair", (0.0, 0.05), (1.32, 1.55), 0.06, power=2.2),
    Shape("cloth", (0.0, 3.3), (2.1, 1.35), 0.05, power=2.4),
    Shape("shade", (0.0, 1.75), (0.55, 0.75), 0.08, power=3.0),
    Shape("deep", (0.0, 1.55), (0.5, 0.35), 0.2, 0.5),
    Shape("shade", (1.16, 0.2), (0.14, 0.3), 0.05, both=True),
)

_BEFORE = (
    Shape("hair", (0.0, -1.28), (1.22, 0.62), 0.08, power=2.4),
    Shape("shine", (-0.1, -1.45), (0.8, 0.25), 0.25, 0.35),
    Shape("hair", (1.12, -0.6), (0.16, 0.7), 0.08, both=True),
    # Sockets, bags, brows.
    Shape("shade", (0.5, -0.02), (0.42, 0.26), 0.22, 0.3, both=True),
    Shape("shade", (0.18, -0.02), (0.1, 0.3), 0.12, 0.3, both=True),
    Shape("shade", (0.5, 0.2), (0.3, 0.08), 0.1, 0.2, both=True),
    Shape("hair", (0.5, -0.34), (0.34, 0.055), 0.05, 0.85, turn=0.1, both=True),
    # Eyes.
    Shape("white", (0.5, 0.0), (0.22, 0.1), 0.02, power=1.8, both=True),
    Shape("iris", (0.5, 0.0), (0.105, 0.105), 0.02, both=True),
    Shape("black", (0.5, 0.0), (0.05, 0.05), 0.015, both=True),
    Shape("white", (0.46, -0.04), (0.02, 0.02), 0.012, both=True),
    Shape("lash", (0.5, -0.1), (0.24, 0.032), 0.03, 0.85, both=True),
    Shape("deep", (0.5, 0.11), (0.2, 0.02), 0.03, 0.4, both=True),
    Shape("blush", (0.72, 0.62), (0.3, 0.22), 0.25, 0.35, both=True),
    # Nose.
    Shape("light", (0.0, 0.3), (0.09, 0.45), 0.12, 0.6),
    Shape("shade", (0.15, 0.35), (0.07, 0.4), 0.1, 0.4),
    Shape("light", (0.0, 0.62), (0.2, 0.15), 0.1, 0.6),
    Shape("deep", (0.0, 0.76), (0.24, 0.06), 0.07, 0.5),
    Shape("lash", (0.1, 0.735), (0.055, 0.032), 0.03, 0.9, both=True),
    Shape("shade", (0.22, 0.66), (0.06, 0.1), 0.06, 0.5, both=True),
    # Mouth and chin.
    Shape("shade", (0.0, 0.9), (0.05, 0.1), 0.08, 0.3),
    Shape("lips", (0.0, 1.1), (0.36, 0.075), 0.04, power=1.7),
    Shape("lips", (0.0, 1.2), (0.3, 0.085), 0.04),
    Shape("lash", (0.0, 1.145), (0.37, 0.016), 0.02, 0.95),
    Shape("light", (0.0, 1.21), (0.15, 0.03), 0.05, 0.4),
    Shape("shade", (0.0, 1.36), (0.25, 0.06), 0.1, 0.5),
)


def paint_room(width: int, height: int, colour: Colour) -> ImageArray:
    """Paint a wall that is a little lighter at its top right."""
    down = np.linspace(1.12, 0.82, height)[:, None, None]
    along = np.linspace(0.95, 1.05, width)[None, :, None]
    return _finish(np.array(colour) * down * along)


def paint_person(
    image: ImageArray, person: Person, *, middle: tuple[float, float], unit: float
) -> tuple[ImageArray, Floats]:
    """Paint a person over an image.

    Args:
        image: `(H, W, 3)` uint8 RGB. It is not changed.
        person: whom.
        middle: where the point between the eyes is, in pixels.
        unit: the distance between the eyes, in pixels.

    Returns:
        The painted image, and the landmarks of the face, `(5, 2)` pixels.
    """
    palette = _mix(person)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    x, y = (x + 0.5 - middle[0]) / unit, (y + 0.5 - middle[1]) / unit
    pixels = image.astype(np.float64)
    for shape in (*_BEHIND, _HEAD):
        pixels = _lay(pixels, shape, palette=palette, grid=(x, y))
    pixels *= 1 + (_shine(x, y) - 1) * _cover(_HEAD, x, y)
    for shape in _BEFORE:
        pixels = _lay(pixels, shape, palette=palette, grid=(x, y))
    return _finish(pixels), LANDMARKS * unit + middle


def _mix(person: Person) -> dict[str, Floats]:
    """Return every colour that a shape may name."""
    skin, hair = np.array(person.skin), np.array(person.hair)
    deep = skin * (0.45, 0.36, 0.34)
    return {
        "skin": skin,
        "light": skin * 1.09,
        "shade": skin * 0.62,
        "deep": deep,
        "lash": deep * 0.5,
        "blush": skin * (1.02, 0.8, 0.78),
        "lips": skin * (0.78, 0.52, 0.52),
        "hair": hair,
        "shine": hair * 1.5,
        "iris": np.array(person.iris),
        "cloth": np.array(person.cloth),
        "white": np.array([240.0, 236.0, 232.0]),
        "black": np.array([15.0, 12.0, 12.0]),
    }


def _lay(
    pixels: Floats, shape: Shape, *, palette: dict[str, Floats], grid: tuple[Floats, Floats]
) -> Floats:
    x, y = grid
    for side in (1, -1) if shape.both else (1,):
        cover = _cover(shape, x * side, y)
        pixels = pixels + (palette[shape.paint] - pixels) * cover
    return pixels


def _cover(shape: Shape, x: Floats, y: Floats) -> Floats:
    """Return how much of each pixel a shape covers: `(H, W, 1)`, 0–1."""
    right, down = x - shape.place[0], y - shape.place[1]
    cosine, sine = math.cos(shape.turn), math.sin(shape.turn)
    along = np.abs(cosine * right + sine * down) / shape.reach[0]
    across = np.abs(cosine * down - sine * right) / shape.reach[1]
    radius = (along**shape.power + across**shape.power) ** (1 / shape.power)
    inside = np.clip(0.5 - (radius - 1) * min(shape.reach) / (2 * shape.soft), 0, 1)
    smooth: Floats = inside * inside * (3 - 2 * inside) * shape.alpha
    return smooth[..., None]


def _shine(x: Floats, y: Floats) -> Floats:
    """Light the head as if it were an egg, from the front and a little from the left."""
    right, down = x / _HEAD.reach[0], (y - _HEAD.place[1]) / _HEAD.reach[1]
    forward = np.sqrt(1 - np.clip(right**2 + down**2, 0, 1))
    light: Floats = np.clip(0.62 + 0.42 * forward - 0.1 * right - 0.06 * down, 0.3, 1.12)
    return light[..., None]


def _finish(pixels: Floats) -> ImageArray:
    return np.clip(pixels + 0.5, 0, 255).astype(np.uint8)
