"""What lies on a drawn head: eyes, brows, mouth and beard on its skin, glasses in front of it."""

from typing import Final, NamedTuple

import numpy as np

from gafas.data.drawing.casting import Moment, Person
from gafas.data.drawing.solids import Floats, Rays, cover
from gafas.data.lenses import Glasses

_FORWARD: Final = 0.34
"""Where the middle of a pair's front is, before the eyes."""

_HALF_HEAD: Final = 1.1
_EAR: Final = -1.3
"""How far from the middle the temples run, and back to where."""


def paint_face(person: Person, moment: Moment, *, at: tuple[Floats, Floats, Floats]) -> Floats:
    """Return the tones of skin and features, unlit.

    Args:
        person: whose.
        moment: of which expression.
        at: where on the head each pixel lies: x, y and z.
    """
    face = _Face(person, moment, *at)
    face.paint_hollows()
    face.paint_beard()
    face.paint_mouth()
    face.paint_eyes()
    face.paint_brows()
    return face.tones


class _Face:
    def __init__(self, person: Person, moment: Moment, x: Floats, y: Floats, z: Floats) -> None:
        self._person, self._moment = person, moment
        self._x, self._y, self._z, self._wide = x, y, z, np.abs(x)
        self._front = cover(-0.75 - z, 0.15)
        self.tones = np.full(x.shape, person.skin, np.float32)

    def _put(self, tone: float, covered: Floats) -> None:
        self.tones += (tone - self.tones) * covered * self._front

    def _dim(self, share: float, covered: Floats) -> None:
        self.tones *= 1 - share * covered * self._front

    def paint_hollows(self) -> None:
        """Darken sockets, nostrils, ears, and the folds from nose to mouth."""
        wide, y = self._wide, self._y
        sockets = ((wide - 0.46) / 0.42) ** 2 + ((y - 0.02) / 0.27) ** 2
        self._dim(self._person.sockets, np.exp(-sockets))
        self._dim(0.7, cover(np.hypot((wide - 0.12) / 1.3, y - 0.75) - 0.06, 0.04))
        shell = np.abs(np.hypot((self._z + 1.14) * 1.5, y - 0.18) - 0.16) - 0.04
        self.tones *= 1 - 0.4 * cover(np.maximum(shell, 1.02 - wide), 0.05)
        fold = np.maximum(np.abs(wide - 0.28 - (y - 0.7) * 0.35) - 0.02, np.abs(y - 0.85) - 0.22)
        self._dim(0.18 + 0.15 * max(0.0, self._moment.smile), cover(fold, 0.07))

    def paint_beard(self) -> None:
        """Cover chin, cheeks and upper lip, as far as they are bearded."""
        person, wide, y = self._person, self._wide, self._y
        ragged = 0.03 * np.sin(self._x * 29 + y * 17)
        if person.beard:
            edge = 0.95 - 0.55 * np.clip((wide - 0.35) * 2, 0, 1)
            grown = cover(edge - y + ragged, 0.14) * cover(-1.25 - self._z, 0.2)
            self.tones += (person.brow - self.tones) * grown * person.beard
        if person.moustache:
            lip = np.maximum(np.abs(y - 0.95) - 0.12, wide - 0.42) + ragged
            self._put(person.brow, cover(lip, 0.06) * person.moustache)

    def paint_mouth(self) -> None:
        """Paint lips, the parting, and teeth where the mouth is open."""
        person, moment = self._person, self._moment
        half = 0.36 + 0.07 * moment.smile
        bow = np.clip(1 - (self._x / half) ** 2, 0, 1)
        line = self._y - 1.14 + moment.smile * (0.08 - 0.13 * bow)
        opened, ends = max(0.0, moment.teeth) * bow, self._wide - half
        lips = np.maximum(-line - 0.08 * bow, line - opened - 0.1 * bow)
        self._put(person.skin * person.lips, cover(np.maximum(lips, ends), 0.03))
        if moment.teeth > 0.02:
            teeth = np.abs(line - opened / 2) - opened / 2
            white = min(235.0, person.skin * 0.4 + 140)
            self._put(white, cover(np.maximum(teeth, ends), 0.025))
        parting = np.maximum(np.abs(line - opened) - 0.018, ends)
        self._put(person.skin * 0.2, cover(parting, 0.022) * 0.9)
        self._dim(0.25, cover(np.hypot(self._x / 2.2, self._y - 1.38) - 0.06, 0.08))

    def paint_eyes(self) -> None:
        """Paint the eyes between their lids, lashes and the lids' crease."""
        person, moment = self._person, self._moment
        across = (self._wide - 0.5) / 0.25
        arch, ends = np.clip(1 - across * across, 0, 1), np.abs(across)
        upper = self._y + 0.13 * moment.lids * arch - 0.02
        lower = self._y - (0.03 + 0.05 * moment.lids) * arch - 0.02
        ball = np.maximum(np.maximum(-upper, lower), ends - 1)
        self._put(min(225.0, person.skin * 0.4 + 120), cover(ball * 0.5, 0.015))
        pupil = np.hypot(self._x - np.copysign(0.5, self._x) - moment.gaze, self._y - 0.01)
        open_ = cover(ball, 0.02)
        self._put(person.iris, cover(pupil - 0.115, 0.02) * open_)
        self._put(10.0, cover(pupil - 0.05, 0.02) * open_)
        lash = cover(np.maximum(np.abs(upper) - 0.022, ends - 1.1), 0.025)
        self._put(min(person.skin * 0.3, person.brow), lash * 0.9)
        self._dim(0.3, cover(np.maximum(np.abs(upper + 0.09) - 0.01, ends - 1), 0.03))

    def paint_brows(self) -> None:
        """Paint the brows, and the crease between them."""
        person, moment = self._person, self._moment
        across = (self._wide - 0.5) / 0.36
        level = -0.3 - moment.lift - moment.frown * 0.16 * across + 0.07 * across * across
        thick = person.brows * (1 - 0.35 * across)
        brow = np.maximum(np.abs(self._y - level) - thick, 0.36 * np.abs(across) - 0.36)
        self._put(person.brow, cover(brow, 0.035) * 0.9)
        crease = np.maximum(np.abs(self._wide - 0.07) - 0.015, np.abs(self._y + 0.25) - 0.12)
        self._dim(0.4 * max(0.0, moment.frown), cover(crease, 0.03))


class Part(NamedTuple):
    """A part of a pair of glasses as the rays meet it.

    Attributes:
        depth: of the part, wherever on its surface.
        lens: how much of a pixel is lens.
        frame: how much of it is frame.
        down: where on a lens it is, in half heights below its middle.
    """

    depth: Floats
    lens: Floats
    frame: Floats
    down: Floats


def put_on(glasses: Glasses, rays: Rays) -> list[Part]:
    """Return the front of a pair, and the temples that can be seen on a head turned so.

    Drawn glasses have neither reflections nor shadows, bars nor joints.
    """
    right = rays.along(0)
    temples = [_meet_temple(glasses, rays, side) for side in (-1, 1) if right * side > 0.06]
    return [_meet_front(glasses, rays), *temples]


def _meet_front(glasses: Glasses, rays: Rays) -> Part:
    outline, half_wire = glasses.outline, glasses.wire / 2
    half_width, half_height = outline.width / 2, outline.height / 2
    x, y, depth = _cross_front(glasses, rays)
    wide, centre = np.abs(x), glasses.gap / 2 + half_width
    across, down = (wide - centre) / half_width, (y - glasses.drop) / half_height
    edge = (_measure_rim(glasses, across, down) - 1) * min(half_width, half_height)
    lens = cover(edge, 0.03)
    upper = np.clip(0.5 - 0.8 * down, 0, 1)
    rim = edge - glasses.rim * (glasses.lower_rim + (1 - glasses.lower_rim) * upper)
    bridge = np.maximum(
        np.abs(down - glasses.bridge) * half_height - half_wire, wide - glasses.gap / 2 - 0.05
    )
    end = np.abs(wide - centre - half_width) - 0.06
    end = np.maximum(np.abs(down + 0.45) * half_height - half_wire, end)
    frame = cover(np.minimum(rim, np.minimum(bridge, end)), 0.03) * (1 - lens)
    return Part(depth, lens, frame, down)


def _cross_front(glasses: Glasses, rays: Rays) -> tuple[Floats, Floats, Floats]:
    """Return x, y and depth where the rays meet the bent front: z = forward - wrap * x²."""
    x, y, z = (rays.start(axis) for axis in range(3))
    right, down, along = (rays.along(axis) for axis in range(3))
    depth = (_FORWARD - z) / along
    for _ in range(3):
        at = x + right * depth
        miss = z + along * depth - _FORWARD + glasses.wrap * at * at
        slope = np.maximum(along + 2 * glasses.wrap * at * right, 0.05)
        depth = depth - np.clip(miss / slope, -1, 1)
    return x + right * depth, y + down * depth, depth


def _meet_temple(glasses: Glasses, rays: Rays, side: int) -> Part:
    outline = glasses.outline
    hinge = max(glasses.gap / 2 + outline.width + 0.06, _HALF_HEAD)
    depth = (side * hinge - rays.start(0)) / rays.along(0)
    _, y, z = rays.at(depth)
    near = _FORWARD - glasses.wrap * hinge * hinge
    level = np.abs(y - glasses.drop + 0.22 * outline.height) - max(glasses.wire, 0.05) * 0.6
    length = np.abs(z - (near + _EAR) / 2) - (near - _EAR) / 2
    nothing = np.zeros_like(y)
    return Part(depth, nothing, cover(np.maximum(level, length), 0.03), nothing)


def _measure_rim(glasses: Glasses, across: Floats, down: Floats) -> Floats:
    """Return 1 on a lens's outline and less inside: what `Outline.points` draws, backwards."""
    outline = glasses.outline
    down = down + outline.lift * across * np.abs(across)
    across = across / np.maximum(1 - outline.taper * down, 0.3)
    across = np.where(across < 0, across / (1 - outline.cut * np.clip(down, 0, 1)), across)
    power = np.where(down < 0, outline.square_top, outline.square_bottom).astype(np.float32)
    radius: Floats = np.minimum(np.abs(across), 9) ** power + np.minimum(np.abs(down), 9) ** power
    radius **= 1 / power
    return radius
