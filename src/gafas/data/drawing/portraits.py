"""A photo of a drawn person in grey: head and shoulders of solids, turned, lit, and exposed."""

from typing import Final

import numpy as np

from gafas.data.drawing.casting import Cloth, Moment, Person
from gafas.data.drawing.features import paint_face, put_on
from gafas.data.drawing.rooms import FINE, HEIGHT, WIDTH
from gafas.data.drawing.solids import NOWHERE, Floats, Rays, Solid, Window, bound, cover, shade
from gafas.data.lenses import Glasses

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
        tones = paint_face(person, self._moment, at=self._head.cut(window).at(head))
        self._lay(head, tones * self._shade(head), window=window)

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
