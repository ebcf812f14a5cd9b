"""Solids seen by a camera far away: ellipsoids that grow together, as maps of depth.

Three axes: right, down, and towards the camera. Depth grows towards the camera.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Final, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
"""Of 32 bits, for speed: NumPy keeps them so beside Python's own numbers."""

Place = tuple[float, float, float]
Window = tuple[slice, slice]

NOWHERE: Final = -9.0
"""The depth where a ray meets nothing."""

_STEEPEST: Final = 3.0
_STEPS: Final = 6


@dataclasses.dataclass(frozen=True, slots=True)
class Solid:
    """An ellipsoid."""

    place: Place  # its middle
    reach: Place  # its three half axes
    tilt: float = 0.0  # by which its lower end comes forward, in radians
    blend: float = 0.25  # how softly it grows out of the solids before it, as a length
    both: bool = False  # whether there is one on the other side as well


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Rays:
    """The rays of all pixels as a turned body meets them: at depth `t`, `start + t * along`."""

    x: Floats  # of the pixels, (1, W)
    y: Floats  # (H, 1)
    turn: npt.NDArray[np.float64]  # (3, 3): the world's axes in those of the body
    shift: npt.NDArray[np.float64]  # (3,): the world's origin as the body sees it

    @classmethod
    def meet(
        cls, x: Floats, y: Floats, *, angles: Place = (0.0, 0.0, 0.0), pivot: Place = (0, 0, 0)
    ) -> Self:
        """Turn a body about a pivot by yaw (to the right), pitch (up) and roll, in radians."""
        turn = _rotate(*angles).T
        middle = np.array(pivot, np.float64)
        return cls(x, y, turn, middle - turn @ middle)

    def cut(self, window: Window) -> Self:
        """Return the rays of a window of the pixels."""
        rows, columns = window
        return dataclasses.replace(self, x=self.x[:, columns], y=self.y[rows])

    def start(self, axis: int) -> Floats:
        """Return where the rays are at depth 0, along one of the body's axes: `(H, W)`."""
        right, down, _ = self.turn[axis].tolist()
        start: Floats = right * self.x + (down * self.y + float(self.shift[axis]))
        return start

    def along(self, axis: int) -> float:
        """Return by how much a ray moves along one of the body's axes with its depth."""
        return float(self.turn[axis, 2])

    def at(self, depth: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the body's coordinates of what the rays meet at a depth, each `(H, W)`."""
        x, y, z = (self.start(axis) + self.along(axis) * depth for axis in range(3))
        return x, y, z

    def cast(self, solids: Sequence[Solid]) -> Floats:
        """Return the depth, `(H, W)`, of what is nearest; `NOWHERE` where there is nothing."""
        pairs = [(s, side) for s in solids for side in ((1, -1) if s.both else (1,))]
        met = np.zeros((self.y.size, self.x.size), np.bool_)
        for solid, side in pairs:
            met |= self._cross(solid, side, self.x, self.y).room > 0
        depth = np.full(met.shape, NOWHERE, np.float32)
        rows, columns = np.nonzero(met)
        if rows.size:
            x, y = self.x[0, columns], self.y[rows, 0]
            depth[rows, columns] = _find_surface([self._cross(*pair, x, y) for pair in pairs])
        return depth

    def _cross(self, solid: Solid, side: int, x: Floats, y: Floats) -> "_Crossing":
        """Follow rays through the axes in which an ellipsoid is a ball of radius 1."""
        cosine, sine = math.cos(solid.tilt), math.sin(solid.tilt)
        lean = np.array([(1, 0, 0), (0, cosine, sine), (0, -sine, cosine)])
        lean = lean / np.array(solid.reach)[:, None]
        base = lean @ (self.shift - np.array(solid.place) * (side, 1, 1))
        # At depth t a ray is at `right x + down y + along t + base`: all products of two of these.
        ways = np.column_stack((lean @ self.turn, base))
        (rr, rd, ra, rb), (_, dd, da, db), (_, _, aa, ab), (*_, bb) = (ways.T @ ways).tolist()
        nearest = ra * x + (da * y + ab)
        apart = x * (rr * x + 2 * rb) + (y * (dd * y + 2 * db) + bb) + 2 * rd * x * y
        return _Crossing(aa, nearest, apart, solid)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Crossing:
    """How far rays are from an ellipsoid's middle: squared, `speed t² + 2 nearest t + apart`."""

    speed: float
    nearest: Floats
    apart: Floats
    solid: Solid

    @property
    def room(self) -> Floats:
        """Positive where a ray meets the ellipsoid."""
        return self.nearest * self.nearest - self.speed * (self.apart - 1)

    def enter(self, radius: float = 1.0) -> Floats:
        """Return the depth at which rays enter a ball of a radius; far back where they do not."""
        room = self.room + self.speed * (radius * radius - 1)
        hit = (np.sqrt(np.maximum(room, 0)) - self.nearest) / self.speed
        return np.where(room > 0, hit, 10 * NOWHERE)

    def measure(self, depth: Floats) -> Floats:
        """Return about how deep inside the ellipsoid the rays are at a depth."""
        away = (self.speed * depth + 2 * self.nearest) * depth + self.apart
        return (1 - np.sqrt(np.maximum(away, 0))) * min(self.solid.reach)


def _find_surface(crossings: Sequence[_Crossing]) -> Floats:
    """Find where rays enter the ellipsoids grown together, by regula falsi."""
    grown = max(crossing.solid.blend for crossing in crossings) / 2
    inner = outer = np.full_like(crossings[0].apart, 10 * NOWHERE)
    for crossing in crossings:
        inner = np.maximum(inner, crossing.enter())
        outer = np.maximum(outer, crossing.enter(1 + grown / min(crossing.solid.reach)))
    deep, out = _measure(crossings, inner), _measure(crossings, outer)
    depth = inner
    for _ in range(_STEPS):
        depth = outer - out * (outer - inner) / np.minimum(out - deep, (-1e-6))
        here = _measure(crossings, depth)
        inside = here > 0
        inner, outer = np.where(inside, depth, inner), np.where(inside, outer, depth)
        # An end that stays counts less the next time, or the other one would never pass the root.
        deep, out = np.where(inside, here, deep / 2), np.where(inside, out / 2, here)
    return depth


def _measure(crossings: Sequence[_Crossing], depth: Floats) -> Floats:
    """Return how deep inside the joined ellipsoids rays are: the largest, rounded at seams."""
    deepest = crossings[0].measure(depth)
    for crossing in crossings[1:]:
        other, blend = crossing.measure(depth), crossing.solid.blend
        near = np.maximum(blend - np.abs(deepest - other), 0)
        deepest = np.maximum(deepest, other) + near * near * (0.25 / blend)
    return deepest


def bound(depth: Floats, *, margin: int) -> Window:
    """Return the window of a map of depth that holds all there is, and some pixels around it."""
    rows, columns = (np.flatnonzero((depth > NOWHERE).any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return slice(0), slice(0)
    first, last = (int(rows[0]), int(columns[0])), (int(rows[-1]), int(columns[-1]))
    down, along = (
        slice(max(0, a - margin), b + margin + 1) for a, b in zip(first, last, strict=True)
    )
    return down, along


def shade(depth: Floats, *, unit: float, light: Place, ambient: float) -> Floats:
    """Light a map of depth by a lamp far away: `(H, W)`, 1 where it shines straight on.

    Args:
        depth: from `Rays.cast`.
        unit: pixels per unit of length.
        light: the direction towards the lamp.
        ambient: how bright what is turned away is, 0–1.
    """
    down, right = np.gradient(depth * unit)
    np.clip(down, -_STEEPEST, _STEEPEST, out=down)
    np.clip(right, -_STEEPEST, _STEEPEST, out=right)
    lamp = np.array(light, np.float32) / math.hypot(*light)
    towards = (lamp[2] - right * lamp[0] - down * lamp[1]) / np.sqrt(1 + right**2 + down**2)
    lit: Floats = ambient + (1 - ambient) * np.maximum(towards, 0)
    return lit


def cover(distance: Floats, soft: float) -> Floats:
    """Return how much is covered, 0–1, at a distance from an edge that is negative inside."""
    covered: Floats = np.clip(0.5 - distance * (0.5 / soft), 0, 1)
    return covered


def _rotate(yaw: float, pitch: float, roll: float) -> npt.NDArray[np.float64]:
    (a, b), (c, d), (e, f) = ((math.cos(n), math.sin(n)) for n in (yaw, pitch, roll))
    sideways = np.array([(a, 0, b), (0, 1, 0), (-b, 0, a)])
    upwards = np.array([(1, 0, 0), (0, c, -d), (0, d, c)])
    around = np.array([(e, -f, 0), (f, e, 0), (0, 0, 1)])
    return np.asarray(sideways @ upwards @ around, np.float64)
