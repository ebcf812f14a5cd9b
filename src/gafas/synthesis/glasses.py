"""Random pairs of glasses, as people wear them."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Final, Literal, TypeVar

import numpy as np
import numpy.typing as npt

Colour = tuple[float, float, float]
Points = npt.NDArray[np.float64]
ReflectionKind = Literal["streak", "window", "blob", "sky", "haze"]
"""A diagonal streak, a window's panes, a lamp, a bright sky above, a haze over the whole lens."""

_CORNERS: Final = 40
"""Points of an outline; at 4 × 35 pixels between the eyes its edges cannot be seen."""


@dataclasses.dataclass(frozen=True, slots=True)
class Outline:
    """The rim of one lens: a superellipse, pulled into the shapes that opticians sell."""

    width: float = 0.8  # of the lens
    height: float = 0.5  # of the lens
    square_top: float = 2.6  # exponent of the upper half: 2 is round, 5 nearly a rectangle
    square_bottom: float = 2.6  # exponent of the lower half
    taper: float = 0.0  # how much narrower the bottom is than the middle, and wider the top
    lift: float = 0.0  # how much higher the outer end lies than the inner one (cat-eye)
    cut: float = 0.0  # how much of the inner lower quarter gives way to the nose (aviators)

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
    """Light that the lenses throw back."""

    kind: ReflectionKind
    x: float = 0.0  # where its middle is, in half lens widths from the lens's middle
    y: float = -0.3  # where its middle is, in half lens heights
    size: float = 0.3  # its half width, in half lens widths
    angle: float = 0.5  # in radians
    strength: float = 0.5  # 0 (unseen) to 1 (hides what is behind)
    softness: float = 0.03  # of its edge, as a length
    colour: Colour = (255.0, 255.0, 255.0)  # of the light

    def outlines(self) -> list[Points]:
        """Return what is bright, in half lens widths and heights about the lens's middle."""
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        turn, middle = np.array([[cosine, sine], [-sine, cosine]]), (self.x, self.y)
        if self.kind == "streak":
            corners = [(-self.size, -3.0), (self.size, -3.0), (self.size, 3.0), (-self.size, 3.0)]
            return [np.array(corners) @ turn + middle]
        if self.kind == "window":
            pane = np.array([(-1.0, -1.0), (-0.1, -1.0), (-0.1, 1.0), (-1.0, 1.0)]) * self.size
            return [pane @ turn / 2 + middle, (pane * (-1, 1)) @ turn / 2 + middle]
        if self.kind == "blob":
            around = np.linspace(0, 2 * math.pi, 16, endpoint=False)
            blob = np.stack([np.cos(around), np.sin(around) * 1.2], axis=1) * self.size
            return [blob @ turn + middle]
        return []


@dataclasses.dataclass(frozen=True, slots=True)
class Glasses:
    """Everything that decides a pair of glasses.

    `dataclasses.replace(glasses, darkness=…)` is the same pair with other lenses.
    """

    outline: Outline = Outline()  # the lens on the picture's right; the other mirrors it
    gap: float = 0.28  # between the lenses
    joined: bool = False  # whether the gap is lens too (shields, wraparounds)
    wrap: float = 0.08  # how far the lenses bend back around the face
    drop: float = 0.08  # how far the lenses' middle is below the eyes
    tilt: float = 0.0  # by which they sit askew, in radians
    rim: float = 0.06  # thickness of the rim's upper half; near 0 without a rim
    lower_rim: float = 1.0  # thickness of its lower half, as a share of the upper one's
    wire: float = 0.05  # thickness of bridge, ends and temples
    bridge: float = -0.3  # where the bridge is, in half lens heights below the middle
    bar: bool = False  # whether a second bar joins the lenses at the top
    temples: float = 0.8  # how much of the temples hair and ears leave to be seen
    colour: Colour = (20.0, 18.0, 18.0)  # of the frame
    accent: Colour = (20.0, 18.0, 18.0)  # of the frame's lower part
    opacity: float = 1.0  # of the frame
    gloss: float = 0.2  # how bright the light on the frame's upper edges is
    darkness: float = 0.0  # of the lenses: 0 is clear glass, 1 lets nothing through
    tint: Colour = (30.0, 30.0, 32.0)  # colour of the lenses
    gradient: float = 0.0  # by how much darkness is less at the lower edge, as a share
    mirror: float = 0.0  # how much dark lenses throw back of sky and ground, in the tint's colour
    reflection: Reflection | None = None  # what else they throw back
    shadow: float = 0.2  # how dark the shadow on the skin is


_Choice = TypeVar("_Choice")
_Range = tuple[float, float]


@dataclasses.dataclass(frozen=True, slots=True)
class _Style:
    """From where to where the numbers of one kind of glasses go; and how often it is worn."""

    width: _Range
    height: _Range
    top: _Range
    bottom: _Range
    taper: _Range = (0.0, 0.04)
    lift: _Range = (-0.04, 0.06)
    cut: _Range = (0.0, 0.08)
    gap: _Range = (0.24, 0.36)
    wrap: _Range = (0.04, 0.1)
    clear: float = 1.0
    dark: float = 1.0
    thin: float = 0.5
    bar: float = 0.03
    joined: float = 0.0


_STYLES: Final = {
    "oval": _Style((0.72, 0.86), (0.4, 0.56), (2.0, 2.6), (2.0, 2.6), clear=3, thin=0.7),
    "round": _Style((0.66, 0.82), (0.62, 0.8), (1.9, 2.2), (1.9, 2.2), clear=2, thin=0.6),
    "panto": _Style((0.72, 0.86), (0.56, 0.72), (2.3, 3.2), (1.9, 2.2), (0.02, 0.1), clear=2),
    "rectangle": _Style((0.76, 0.92), (0.38, 0.56), (3.2, 6.0), (2.8, 5.0), clear=5),
    "narrow": _Style((0.74, 0.92), (0.28, 0.4), (2.8, 5.0), (2.4, 4.0), clear=2, dark=0.7),
    "wayfarer": _Style(
        (0.78, 0.94), (0.54, 0.7), (3.0, 5.0), (2.2, 3.2), (0.04, 0.14), (0.0, 0.14),
        clear=2.5, dark=4, thin=0.05,
    ),
    "browline": _Style((0.76, 0.9), (0.5, 0.64), (3.0, 5.0), (2.0, 2.5), (0.03, 0.1), thin=0.0),
    "aviator": _Style(
        (0.82, 1.0), (0.62, 0.84), (2.6, 3.8), (1.9, 2.4), (0.0, 0.1), (-0.16, 0.0), (0.18, 0.42),
        clear=1.2, dark=3.5, thin=0.92, bar=0.7,
    ),
    "cateye": _Style(
        (0.8, 0.98), (0.46, 0.66), (2.4, 3.6), (2.0, 2.6), (0.04, 0.14), (0.12, 0.34),
        clear=1, dark=1.5, thin=0.15,
    ),
    "oversized": _Style(
        (0.92, 1.08), (0.74, 1.0), (2.2, 3.6), (2.0, 2.8), (0.0, 0.08),
        gap=(0.2, 0.3), clear=0.7, dark=3, thin=0.25,
    ),
    "wraparound": _Style(
        (0.92, 1.1), (0.36, 0.58), (2.2, 3.4), (1.9, 2.6), (0.0, 0.1), (-0.04, 0.22), (0.0, 0.25),
        gap=(0.12, 0.24), wrap=(0.14, 0.28), clear=0.2, dark=2.5, thin=0.3, joined=0.3,
    ),
    "shield": _Style(
        (0.98, 1.12), (0.5, 0.84), (2.6, 4.5), (2.0, 3.0), (0.0, 0.1),
        gap=(0.05, 0.12), wrap=(0.12, 0.25), clear=0.02, dark=0.6, thin=0.5, joined=1.0,
    ),
}  # fmt: skip

# How often, the frame's colour, its accent; under 1 the plastic is translucent.
_PLASTIC: Final[tuple[tuple[float, Colour, Colour, float], ...]] = (
    (10, (18, 17, 18), (22, 20, 20), 1.0),
    (3, (48, 32, 24), (60, 40, 28), 1.0),
    (3, (62, 38, 22), (128, 82, 42), 0.95),
    (1, (28, 34, 62), (30, 38, 70), 1.0),
    (1, (92, 22, 28), (110, 28, 32), 1.0),
    (0.6, (180, 30, 34), (180, 30, 34), 1.0),
    (1.0, (225, 222, 218), (225, 222, 218), 1.0),
    (1, (70, 70, 74), (120, 118, 118), 0.9),
    (1.6, (205, 205, 205), (205, 205, 205), 0.45),
    (1, (196, 150, 110), (205, 160, 120), 0.5),
    (0.8, (20, 18, 18), (190, 185, 180), 0.9),
    (0.5, (60, 90, 120), (70, 100, 130), 0.7),
    (0.4, (110, 60, 110), (120, 70, 120), 0.9),
)
_METAL: Final[tuple[tuple[float, Colour, Colour, float], ...]] = (
    (3, (162, 162, 166), (128, 128, 132), 1.0),
    (3, (176, 138, 78), (146, 112, 62), 1.0),
    (3, (84, 84, 88), (74, 74, 78), 1.0),
    (2, (112, 82, 62), (100, 72, 54), 1.0),
    (3, (26, 26, 28), (26, 26, 28), 1.0),
    (0.7, (190, 130, 112), (180, 120, 104), 0.95),
)
_TINTS: Final[tuple[tuple[float, Colour], ...]] = (
    (6, (14, 14, 16)),
    (3, (38, 36, 38)),
    (3, (62, 38, 22)),
    (1.5, (30, 44, 30)),
    (1.2, (30, 40, 74)),
    (0.8, (66, 34, 62)),
    (0.6, (120, 36, 30)),
    (0.6, (150, 96, 26)),
)
_MIRRORS: Final[tuple[Colour, ...]] = (
    (190, 195, 205), (90, 140, 200), (70, 160, 120), (215, 150, 70), (205, 90, 70), (170, 110, 190),
)  # fmt: skip
_REFLECTIONS: Final[tuple[tuple[float, ReflectionKind], ...]] = (
    (3, "streak"), (2, "window"), (3, "blob"), (3, "sky"), (1.5, "haze"),
)  # fmt: skip


def draw_glasses(generator: np.random.Generator, *, darkness: float | None = None) -> Glasses:
    """Draw a pair that somebody could wear: its shape suits its lenses, its frame suits both.

    Args:
        generator: equal generators draw equal pairs.
        darkness: of the lenses, 0–1; above 0.4 the shapes are those of sunglasses. None draws
            clear lenses (half of all pairs), dark ones, or, rarely, tinted ones.
    """
    draw = _Draw(generator)
    if darkness is None:
        darkness = _draw_darkness(draw)
    dark = darkness > 0.4
    style = draw.pick([(s.dark if dark else s.clear, s) for s in _STYLES.values()])
    shape = (style.width, style.height, style.top, style.bottom, style.taper, style.lift, style.cut)
    outline = Outline(*map(draw.between, shape))
    glasses = Glasses(
        outline=outline,
        gap=draw.between(style.gap),
        joined=draw.chance(style.joined),
        wrap=draw.between(style.wrap),
        drop=_draw_drop(draw, outline),
        tilt=draw.normal(0.015),
        bridge=draw.between((-0.6, 0.05)),
        bar=draw.chance(style.bar),
        temples=draw.between((0.3, 1.0)),
        gloss=draw.between((0.0, 0.5)),
        shadow=draw.between((0.05, 0.4)),
    )
    glasses = _draw_frame(draw, glasses, style=style)
    return _draw_lenses(draw, glasses, darkness=darkness)


class _Draw:
    """A generator with the few draws that glasses need."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator

    def between(self, limits: _Range) -> float:
        """Draw a number between two limits."""
        return float(self._generator.uniform(*limits))

    def normal(self, deviation: float) -> float:
        """Draw a number around 0."""
        return float(self._generator.normal(0.0, deviation))

    def chance(self, share: float) -> bool:
        """Say yes in a share of all draws."""
        return bool(self._generator.random() < share)

    def pick(self, choices: Sequence[tuple[float, _Choice]]) -> _Choice:
        """Draw one of the choices, each as often as its weight says."""
        weights = np.cumsum([weight for weight, _ in choices])
        place = np.searchsorted(weights, self._generator.random() * weights[-1], side="right")
        return choices[int(place)][1]

    def vary(self, colour: Colour, share: float) -> Colour:
        """Draw a colour near one."""
        red, green, blue = (part * self.between((1 - share, 1 + share)) for part in colour)
        return min(red, 255.0), min(green, 255.0), min(blue, 255.0)


def _draw_darkness(draw: _Draw) -> float:
    kind = draw.pick([(0.5, "clear"), (0.42, "dark"), (0.08, "tinted")])
    if kind == "clear":
        return draw.between((0.0, 0.06))
    if kind == "tinted":
        return draw.between((0.12, 0.5))
    return 1.0 - 0.28 * float(draw.between((0.0, 1.0)) ** 1.6)


def _draw_drop(draw: _Draw, outline: Outline) -> float:
    """Big lenses reach down the cheek, their upper rim near the brow; some slip down the nose."""
    drop = 0.5 * outline.height - draw.between((0.2, 0.32))
    return max(drop, -0.02) + (draw.between((0.1, 0.45)) if draw.chance(0.09) else 0.0)


def _draw_frame(draw: _Draw, glasses: Glasses, *, style: _Style) -> Glasses:
    """Draw what the lenses are held by: nothing, a metal wire, half a rim, plastic."""
    thin = draw.chance(style.thin)
    rows = [(row[0], row) for row in (_METAL if thin else _PLASTIC)]
    _, colour, accent, opacity = draw.pick(rows)
    rim = draw.between((0.024, 0.048)) if thin else draw.between((0.038, 0.085))
    lower, wire = 1.0, max(rim * draw.between((0.9, 1.2)), 0.032)
    if thin and draw.chance(0.22):
        rim, wire = draw.between((0.012, 0.02)), draw.between((0.04, 0.06))
    elif draw.chance(0.5 if style is _STYLES["browline"] else 0.14):
        lower = draw.between((0.05, 0.2))
    elif not thin:
        lower = draw.between((0.55, 1.0))
        rim *= draw.between((1.2, 2.0)) if draw.chance(0.3) else 1.0
    if style is _STYLES["oversized"] and not thin:
        rim *= draw.between((1.0, 1.4))
    return dataclasses.replace(
        glasses,
        rim=rim,
        lower_rim=lower,
        wire=wire,
        colour=draw.vary(colour, 0.15),
        accent=draw.vary(accent, 0.15),
        opacity=opacity,
    )


def _draw_lenses(draw: _Draw, glasses: Glasses, *, darkness: float) -> Glasses:
    dark = darkness > 0.4
    tint = draw.vary(draw.pick(_TINTS), 0.25)
    mirror = 0.0
    if dark and draw.chance(0.14):
        tint = draw.vary(_MIRRORS[int(draw.between((0, len(_MIRRORS))))], 0.15)
        mirror = draw.between((0.35, 0.9))
    return dataclasses.replace(
        glasses,
        darkness=darkness,
        tint=tint,
        mirror=mirror,
        gradient=draw.between((0.2, 0.6)) if darkness > 0.1 and draw.chance(0.3) else 0.0,
        reflection=_draw_reflection(draw) if draw.chance(0.7 if dark else 0.5) else None,
    )


def _draw_reflection(draw: _Draw) -> Reflection:
    kind = draw.pick(_REFLECTIONS)
    strength = draw.between((0.1, 1.0)) ** 1.7
    return Reflection(
        kind=kind,
        x=draw.between((-0.7, 0.7)),
        y=draw.between((-0.8, 0.4)),
        size=draw.between((0.08, 0.4)) if kind != "streak" else draw.between((0.1, 0.45)),
        angle=draw.between((-0.9, 0.9)),
        strength=strength * (0.45 if kind == "haze" else 0.9),
        softness=draw.between((0.005, 0.08)),
        colour=draw.vary((235, 240, 245), 0.08),
    )
