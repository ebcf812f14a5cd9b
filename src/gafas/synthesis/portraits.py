"""A photo of a drawn person in grey: head and shoulders of solids, turned, lit, and exposed."""

from typing import Final, NamedTuple

import numpy as np

from gafas.synthesis.glasses import Glasses
from gafas.synthesis.people import FINE, HEIGHT, WIDTH, Cloth, Moment, Person
from gafas.synthesis.solids import NOWHERE, Floats, Rays, Solid, Window, bound, cover, shade

_FORWARD: Final = 0.34
"""Where the middle of a pair's front is, before the eyes."""

_HALF_HEAD: Final = 1.1
_EAR: Final = -1.3
"""How far from the middle the temples run, and back to where."""


class _Face:
    """The tones of skin and features, unlit, where `x`, `y` and `z` say what a pixel shows."""

    def __init__(self, person: Person, moment: Moment, x: Floats, y: Floats, z: Floats) -> None:
        self._person, self._moment = person, moment
        self._x, self._y, self._z, self._wide = x, y, z, np.abs(x)
        self._front = cover(-0.75 - z, 0.15)
        self.tones = np.full(x.shape, person.skin, np.float32)
        self._paint_hollows()
        self._paint_beard()
        self._paint_mouth()
        self._paint_eyes()
        self._paint_brows()

    def _put(self, tone: float, covered: Floats) -> None:
        self.tones += (tone - self.tones) * covered * self._front

    def _dim(self, share: float, covered: Floats) -> None:
        self.tones *= 1 - share * covered * self._front

    def _paint_hollows(self) -> None:
        """Darken sockets, nostrils, ears, and the folds from nose to mouth."""
        wide, y = self._wide, self._y
        sockets = ((wide - 0.46) / 0.42) ** 2 + ((y - 0.02) / 0.27) ** 2
        self._dim(self._person.sockets, np.exp(-sockets))
        self._dim(0.7, cover(np.hypot((wide - 0.12) / 1.3, y - 0.75) - 0.06, 0.04))
        shell = np.abs(np.hypot((self._z + 1.14) * 1.5, y - 0.18) - 0.16) - 0.04
        self.tones *= 1 - 0.4 * cover(np.maximum(shell, 1.02 - wide), 0.05)
        fold = np.maximum(np.abs(wide - 0.28 - (y - 0.7) * 0.35) - 0.02, np.abs(y - 0.85) - 0.22)
        self._dim(0.18 + 0.15 * max(0.0, self._moment.mien.smile), cover(fold, 0.07))

    def _paint_beard(self) -> None:
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

    def _paint_mouth(self) -> None:
        """Paint lips, the parting, and teeth where the mouth is open."""
        person, moment = self._person, self._moment
        half = 0.36 + 0.07 * moment.mien.smile
        bow = np.clip(1 - (self._x / half) ** 2, 0, 1)
        line = self._y - 1.14 + moment.mien.smile * (0.08 - 0.13 * bow)
        opened, ends = max(0.0, moment.mien.teeth) * bow, self._wide - half
        lips = np.maximum(-line - 0.08 * bow, line - opened - 0.1 * bow)
        self._put(person.skin * person.lips, cover(np.maximum(lips, ends), 0.03))
        if moment.mien.teeth > 0.02:
            teeth = np.abs(line - opened / 2) - opened / 2
            white = min(235.0, person.skin * 0.4 + 140)
            self._put(white, cover(np.maximum(teeth, ends), 0.025))
        parting = np.maximum(np.abs(line - opened) - 0.018, ends)
        self._put(person.skin * 0.2, cover(parting, 0.022) * 0.9)
        self._dim(0.25, cover(np.hypot(self._x / 2.2, self._y - 1.38) - 0.06, 0.08))

    def _paint_eyes(self) -> None:
        """Paint the eyes between their lids, lashes and the lids' crease."""
        person, moment = self._person, self._moment
        across = (self._wide - 0.5) / 0.25
        arch, ends = np.clip(1 - across * across, 0, 1), np.abs(across)
        upper = self._y + 0.13 * moment.mien.lids * arch - 0.02
        lower = self._y - (0.03 + 0.05 * moment.mien.lids) * arch - 0.02
        ball = np.maximum(np.maximum(-upper, lower), ends - 1)
        self._put(min(225.0, person.skin * 0.4 + 120), cover(ball * 0.5, 0.015))
        pupil = np.hypot(self._x - np.copysign(0.5, self._x) - moment.gaze, self._y - 0.01)
        open_ = cover(ball, 0.02)
        self._put(person.iris, cover(pupil - 0.115, 0.02) * open_)
        self._put(10.0, cover(pupil - 0.05, 0.02) * open_)
        lash = cover(np.maximum(np.abs(upper) - 0.022, ends - 1.1), 0.025)
        self._put(min(person.skin * 0.3, person.brow), lash * 0.9)
        self._dim(0.3, cover(np.maximum(np.abs(upper + 0.09) - 0.01, ends - 1), 0.03))

    def _paint_brows(self) -> None:
        """Paint the brows, and the crease between them."""
        person, moment = self._person, self._moment
        across = (self._wide - 0.5) / 0.36
        level = -0.3 - moment.mien.lift - moment.mien.frown * 0.16 * across + 0.07 * across * across
        thick = person.brows * (1 - 0.35 * across)
        brow = np.maximum(np.abs(self._y - level) - thick, 0.36 * np.abs(across) - 0.36)
        self._put(person.brow, cover(brow, 0.035) * 0.9)
        crease = np.maximum(np.abs(self._wide - 0.07) - 0.015, np.abs(self._y + 0.25) - 0.12)
        self._dim(0.4 * max(0.0, moment.mien.frown), cover(crease, 0.03))


class Part(NamedTuple):
    """A part of a pair of glasses as the rays meet it, each `(H, W)`."""

    depth: Floats  # of the part, wherever on its surface
    lens: Floats  # how much of a pixel is lens
    frame: Floats  # how much of it is frame
    down: Floats  # where on a lens it is, in half heights below its middle


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


_PIVOT: Final = (0.0, 1.5, -1.25)
"""Where neck and head join."""

_NECK: Final = (Solid((0.0, 2.4, -1.35), (0.92, 2.2, 0.85)),)


def draw_portrait(
    person: Person, moment: Moment, *, glasses: Glasses | None, generator: np.random.Generator
) -> Floats:
    """Draw a photo: `(HEIGHT, WIDTH)`, 0–255.

    Args:
        person: whom.
        moment: how they sit, look and are lit.
        glasses: what they wear.
        generator: of the grain.
    """
    scene = _Scene(person, moment)
    scene.paint_skin()
    scene.paint_cloth()
    scene.paint_hair()
    if glasses is not None:
        scene.paint_glasses(glasses)
    return scene.expose(generator)


class _Scene:
    """A photo as it is painted: the tones so far, and how near what they show is."""

    def __init__(self, person: Person, moment: Moment) -> None:
        self._person, self._moment = person, moment
        self._unit = moment.unit * FINE
        x = (np.arange(WIDTH * FINE, dtype=np.float32)[None] + 0.5) / FINE - moment.place[0]
        y = (np.arange(HEIGHT * FINE, dtype=np.float32)[:, None] + 0.5) / FINE - moment.place[1]
        self._head = Rays.meet(x / moment.unit, y / moment.unit, angles=moment.angles, pivot=_PIVOT)
        # The shoulders follow the head a little.
        self._body = Rays.meet(
            x / moment.unit, y / moment.unit, angles=(moment.angles[0] / 4, 0, 0), pivot=_PIVOT
        )
        self._tones = person.room.copy()
        self._depth = np.full(self._tones.shape, NOWHERE, np.float32)
        self._around: Window = slice(None), slice(None)
        self._lamp = person.lamp[0] + moment.lamp[0], person.lamp[1] + moment.lamp[1], 1.0

    def paint_skin(self) -> None:
        """Paint neck and head."""
        person = self._person
        head, neck = self._head.cast(person.head), self._body.cast(_NECK)
        self._around = bound(head, margin=round(0.5 * self._unit))
        under = self._shadow(neck, head, reach=0.5, dark=0.5)
        self._lay(neck, person.skin * self._shade(neck) * under)
        # What is only in a part of the picture is worked out only there.
        window = bound(head, margin=2)
        head = head[window]
        face = _Face(person, self._moment, *self._head.cut(window).at(head))
        self._lay(head, face.tones * self._shade(head), window=window)

    def paint_cloth(self) -> None:
        """Paint the shoulders and what covers them."""
        person, neck = self._person, self._person.cloth.neck
        depth = self._body.cast(person.shoulders)
        x, y, _ = self._body.at(depth)
        tones = _weave(person.cloth, x, y)
        if neck in ("open", "jacket"):
            inner, wide = (person.skin, 0.33) if neck == "open" else (225.0, 0.41)
            tones += (inner - tones) * cover(np.abs(x) - (4.2 - y) * wide, 0.05)
        if neck in ("collar", "jacket"):
            fold = np.abs(np.abs(x) - (4.0 - y) * 0.5) - 0.05
            tones *= 1 - 0.4 * cover(fold, 0.05)
        under = self._shadow(depth, self._depth, reach=0.4, dark=0.35)
        self._lay(depth, tones * self._shade(depth) * under)

    def paint_hair(self) -> None:
        """Paint the hair, open where the face is, and its shadow."""
        hair = self._person.hair
        whole = self._head.cast(hair.solids)
        window = bound(whole, margin=2)
        depth = whole[window]
        x, y, z = self._head.cut(window).at(depth)
        strands = np.sin(x * 31 + z * 23 + np.sin(y * 3 + x * 5) * 2)
        tufts = np.sin(x * 11 + y * 4) + np.sin(z * 13 - y * 5 + x * 3)
        depth = depth + hair.curl * np.sin(x * 17 + np.sin(y * 9)) * np.sin(y * 15 + z * 11)
        front = y - hair.line - hair.sweep * x - 0.05 * tufts
        side = np.maximum(z - hair.side + 0.3 * (y + 0.5), y - hair.low) + 0.05 * tufts
        covered = cover(np.minimum(front, side), 0.07)
        shine, lit = 0.75 + 0.1 * strands + 0.06 * tufts, self._shade(depth)
        tones = shine * (hair.tone * 1.25 * lit + 40 * np.maximum(lit - 0.7, 0))
        whole[window] = np.where(covered > 0.5, depth, NOWHERE)
        self._tones *= self._shadow(self._depth, whole, reach=0.14, dark=0.45)
        self._lay(depth, tones, covered, window=window)

    def paint_glasses(self, glasses: Glasses) -> None:
        """Put a pair on: it hides or darkens what lies behind it."""
        light = min(1.0, self._person.ambient + 0.5)
        tint, colour = (light * sum(tone) / 3 for tone in (glasses.tint, glasses.colour))
        before, behind = self._depth[self._around], self._tones[self._around]
        for part in put_on(glasses, self._head.cut(self._around)):
            seen = part.depth > before - 0.02
            high = np.clip(0.5 - part.down * 0.5, 0, 1)
            dark = glasses.darkness * (1 - glasses.gradient * (1 - high))
            through = behind * (1 - dark) + tint * high * dark
            behind += (through - behind) * part.lens * seen
            behind += (colour - behind) * part.frame * seen * glasses.opacity

    def expose(self, generator: np.random.Generator) -> Floats:
        """Blur, reduce, and add uneven light and grain."""
        moment, tones = self._moment, self._tones
        for _ in range(moment.blur):
            tones[1:-1] = (tones[:-2] + 2 * tones[1:-1] + tones[2:]) / 4
            tones[:, 1:-1] = (tones[:, :-2] + 2 * tones[:, 1:-1] + tones[:, 2:]) / 4
        small = tones.reshape(HEIGHT, FINE, WIDTH, FINE).mean(axis=(1, 3))
        x = np.linspace(-1, 1, WIDTH, dtype=np.float32)[None]
        y = np.linspace(-1, 1, HEIGHT, dtype=np.float32)[:, None]
        uneven = 1 + 0.18 * self._lamp[0] * x - 0.08 * y - 0.1 * (x**2 + y**2)
        grain = generator.standard_normal(small.shape, np.float32)
        seen: Floats = small * uneven * moment.exposure + moment.grain * grain
        return np.clip(seen, 0, 255)

    def _shade(self, depth: Floats) -> Floats:
        return shade(depth, unit=self._unit, light=self._lamp, ambient=self._person.ambient)

    def _shadow(self, depth: Floats, above: Floats, *, reach: float, dark: float) -> Floats:
        """Return what light a surface gets under another one; the lamp is above."""
        rows = max(1, round(reach * self._unit))
        columns = round(-self._lamp[0] * reach * self._unit)
        moved = np.full_like(above, NOWHERE)
        moved[rows:] = np.roll(above, columns, axis=1)[:-rows]
        hidden = np.clip((moved - depth) * 2.5, 0, 1)
        hidden[depth <= NOWHERE + 1] = 0
        lit: Floats = 1 - dark * hidden
        return lit

    def _lay(
        self,
        depth: Floats,
        tones: Floats,
        covered: Floats | float = 1.0,
        *,
        window: Window = (slice(None), slice(None)),
    ) -> None:
        """Lay a surface over all in a window that is farther away."""
        before, behind = self._depth[window], self._tones[window]
        alpha = (depth > np.maximum(before, NOWHERE + 1)).astype(np.float32) * covered
        behind += (tones - behind) * alpha
        before[:] = np.where(alpha > 0.5, depth, before)


def _weave(cloth: Cloth, x: Floats, y: Floats) -> Floats:
    """Return the tones of a cloth, unlit."""
    x, y = x * (2 * np.pi / cloth.size), y * (2 * np.pi / cloth.size)
    if cloth.pattern == "stripes":
        share = cover(np.sin(y), 0.3)
    elif cloth.pattern == "pinstripes":
        share = cover(np.cos(x) - 0.7, 0.3)
    elif cloth.pattern == "plaid":
        share = 0.5 * cover(np.sin(x), 0.3) + 0.5 * cover(np.sin(y), 0.3)
    elif cloth.pattern == "dots":
        share = cover(np.cos(x) * np.cos(y) - 0.4, 0.2)
    else:
        share = np.ones_like(x)
    tones: Floats = cloth.second + (cloth.tone - cloth.second) * share
    return tones
