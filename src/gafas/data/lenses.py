"""Pairs of glasses as numbers: the shapes that people wear, and random plausible pairs.

Lengths are in distances between the eyes of a face seen from the front (about 63 mm), colours are
RGB 0–255 under full light, shares are 0–1.
"""

import dataclasses
import math
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from gafas.errors import DataError

Colour = tuple[float, float, float]
Points = npt.NDArray[np.float64]
ReflectionKind = Literal["streak", "window", "blob", "sky", "haze"]

_CORNERS: Final = 40
"""Points of an outline; at 4 × 35 pixels between the eyes its edges cannot be seen."""


@dataclasses.dataclass(frozen=True, slots=True)
class Outline:
    """The rim of one lens: a superellipse, pulled into the shapes that opticians sell.

    Attributes:
        width: of the lens.
        height: of the lens.
        square_top: exponent of the upper half: 2 is round, 5 nearly a rectangle.
        square_bottom: exponent of the lower half.
        taper: how much narrower the bottom is than the middle, and wider the top.
        lift: how much higher the outer end lies than the inner one (cat-eye), or lower (below 0).
        cut: how much of the inner lower quarter gives way to the nose (aviators).
    """

    width: float = 0.8
    height: float = 0.5
    square_top: float = 2.6
    square_bottom: float = 2.6
    taper: float = 0.0
    lift: float = 0.0
    cut: float = 0.0

    def points(self) -> Points:
        """Return the outline of the lens on the picture's right, `(n, 2)`, about its centre."""
        turn = np.linspace(0.0, 2 * math.pi, _CORNERS, endpoint=False)
        cosine, sine = np.cos(turn), np.sin(turn)
        power = np.where(sine < 0, 2 / self.square_top, 2 / self.square_bottom)
        x = np.sign(cosine) * np.abs(cosine) ** power
        y = np.sign(sine) * np.abs(sine) ** power
        x = x * (1 - self.taper * y)
        x = np.where(x < 0, x * (1 - self.cut * np.clip(y, 0, 1)), x)
        y = y - self.lift * x * np.abs(x)
        return np.stack([x * self.width / 2, y * self.height / 2], axis=1)


@dataclasses.dataclass(frozen=True, slots=True)
class Reflection:
    """Light that the lenses throw back.

    Attributes:
        kind: a diagonal streak, a window's panes, a lamp's blob, a bright sky in the upper part,
            or a haze over the whole lens.
        x: where its middle is, in half lens widths from the lens's middle.
        y: where its middle is, in half lens heights.
        size: its half width, in half lens widths.
        angle: in radians.
        strength: 0 (unseen) to 1 (hides what is behind).
        softness: of its edge, as a length.
        colour: of the light.
    """

    kind: ReflectionKind
    x: float = 0.0
    y: float = -0.3
    size: float = 0.3
    angle: float = 0.5
    strength: float = 0.5
    softness: float = 0.03
    colour: Colour = (255.0, 255.0, 255.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Glasses:
    """Everything that decides a pair of glasses.

    `dataclasses.replace(glasses, darkness=…)` is the same pair with other lenses.

    Attributes:
        outline: the lens on the picture's right; the other one is its mirror image.
        gap: between the lenses.
        joined: whether the gap is lens too (shields, wraparounds).
        wrap: how far the lenses bend back around the face.
        drop: how far the lenses' middle is below the eyes.
        tilt: by which they sit askew, in radians.
        rim: thickness of the rim's upper half; near 0 without a rim.
        lower_rim: thickness of its lower half, as a share of the upper one's.
        wire: thickness of bridge, ends and temples.
        bridge: where the bridge is, in half lens heights below (above: negative) the middle.
        bar: whether a second bar joins the lenses at the top.
        temples: how much of the temples hair and ears leave to be seen.
        colour: of the frame.
        accent: of the frame's lower part.
        opacity: of the frame.
        gloss: how bright the light on the frame's upper edges is.
        darkness: of the lenses: 0 is clear glass, 1 lets nothing through.
        tint: colour of the lenses.
        gradient: by how much darkness is less at the lower edge, as a share.
        mirror: how much dark lenses throw back of sky and ground, in the tint's colour.
        reflection: what else they throw back.
        shadow: how dark the shadow on the skin is.
    """

    outline: Outline = Outline()
    gap: float = 0.28
    joined: bool = False
    wrap: float = 0.08
    drop: float = 0.08
    tilt: float = 0.0
    rim: float = 0.06
    lower_rim: float = 1.0
    wire: float = 0.05
    bridge: float = -0.3
    bar: bool = False
    temples: float = 0.8
    colour: Colour = (20.0, 18.0, 18.0)
    accent: Colour = (20.0, 18.0, 18.0)
    opacity: float = 1.0
    gloss: float = 0.2
    darkness: float = 0.0
    tint: Colour = (30.0, 30.0, 32.0)
    gradient: float = 0.0
    mirror: float = 0.0
    reflection: Reflection | None = None
    shadow: float = 0.2

    def __post_init__(self) -> None:
        for name in ("darkness", "opacity", "gradient", "mirror", "temples", "shadow"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise DataError(
                    f"A pair of glasses needs a {name} from 0 to 1. Received: {value}. "
                    "Draw one with gafas.data.pairs.draw_glasses."
                )
