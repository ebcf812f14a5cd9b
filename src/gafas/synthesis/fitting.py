"""A pair of glasses in front of a head: five landmarks → polygons in the image's pixels."""

import dataclasses
import math
from typing import Final, Self

import numpy as np

from gafas.synthesis.glasses import Glasses, Points, Reflection

# Of a frontal face, in distances between the eyes: how far the nose's tip is in front of the eyes,
# how far below; from the eyes down to the mouth; the lenses in front of the eyes; the ears behind.
_NOSE_FORWARD: Final = 0.55
_NOSE_DOWN: Final = 0.61
_EYES_TO_MOUTH: Final = 1.2
LENSES_FORWARD: Final = 0.2
_EARS_BACK: Final = 1.35
_HEAD_HALF_WIDTH: Final = 1.1
_PERSPECTIVE: Final = 0.06
"""How much larger things look that are one eye distance nearer."""

_MAX_YAW: Final = 0.9
_MAX_PITCH: Final = 0.4


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """Where the head is and how it is turned: eyes' middle, eye distance, axes, yaw, pitch."""

    middle: Points
    unit: float
    right: Points
    down: Points
    yaw: float
    pitch: float

    @classmethod
    def find(cls, points: Points) -> Self:
        """Find the head by its five landmarks, `(5, 2)` pixels."""
        left, right, nose = points[:3]
        middle, across = (left + right) / 2, right - left
        apart = math.hypot(*across)
        rightward = across / apart
        downward = np.array([-rightward[1], rightward[0]])
        drop = float(((points[3] + points[4]) / 2 - middle) @ downward)
        unit = max(apart, drop / _EYES_TO_MOUTH)
        ahead, below = (nose - middle) @ rightward, (nose - middle) @ downward
        yaw = math.asin(_bound(ahead / (_NOSE_FORWARD * unit), _MAX_YAW))
        pitch = _bound((below / unit - _NOSE_DOWN) / 2, _MAX_PITCH)
        return cls(middle, unit, rightward, downward, yaw, pitch)

    def project(self, places: Points) -> Points:
        """Map `(n, 3)` places (right, down, towards the camera) to the image's pixels."""
        x, y, z = places.T
        seen_x = x * math.cos(self.yaw) + z * math.sin(self.yaw)
        depth = z * math.cos(self.yaw) - x * math.sin(self.yaw)
        seen_y = y + depth * self.pitch
        scale = self.unit * (1 + _PERSPECTIVE * depth)
        offset = np.outer(seen_x * scale, self.right) + np.outer(seen_y * scale, self.down)
        return np.asarray(self.middle + offset)


def _bound(value: float, limit: float) -> float:
    return min(limit, max(-limit, float(value)))


@dataclasses.dataclass(frozen=True, slots=True)
class Parts:
    """The polygons of a pair in the image's pixels, and the pair itself."""

    glasses: Glasses
    lenses: tuple[Points, ...]
    rims: tuple[Points, ...]
    bars: tuple[Points, ...]
    reflections: tuple[Points, ...]

    @classmethod
    def place(cls, glasses: Glasses, head: Head) -> Self:
        """Place a pair in front of a head."""
        bench = _Bench(glasses, head)
        return cls(glasses, bench.lenses(), bench.rims(), bench.bars(), bench.reflections())


class _Bench:
    """Where the polygons of a pair are made and projected."""

    def __init__(self, glasses: Glasses, head: Head) -> None:
        self._glasses, self._head = glasses, head
        self._outline = glasses.outline.points()
        self._centre = (glasses.gap + glasses.outline.width) / 2

    def _project(self, points: Points, *, back: float | Points = 0.0) -> Points:
        """Map flat points, about the pair's middle, onto the bent front of the glasses."""
        x, y = points.T
        cosine, sine = math.cos(self._glasses.tilt), math.sin(self._glasses.tilt)
        z = LENSES_FORWARD - self._glasses.wrap * x * x - back
        y = y + self._glasses.drop
        return self._head.project(np.stack([x * cosine - y * sine, x * sine + y * cosine, z], 1))

    def _both(self, outline: Points) -> tuple[Points, ...]:
        shifted = outline + np.array([self._centre, 0.0])
        return self._project(shifted * (-1, 1)), self._project(shifted)

    def lenses(self) -> tuple[Points, ...]:
        """Return the lenses, and the piece between them where they are joined."""
        pair = self._both(self._outline)
        return (*pair, self._joint(0.0)) if self._glasses.joined else pair

    def _joint(self, grown: float) -> Points:
        height = self._glasses.outline.height / 2
        half, top, bottom = self._glasses.gap / 2 + 0.2, -0.82 * height, 0.1 * height
        places = [(-half, top - grown), (half, top - grown), (half, bottom + 0.2 * height)]
        places += [(0.0, bottom + grown), (-half, bottom + 0.2 * height)]
        return self._project(np.array(places))

    def rims(self) -> tuple[Points, ...]:
        """Return what the rims reach to: the lenses' outlines, grown."""
        around = np.roll(self._outline, -1, axis=0) - np.roll(self._outline, 1, axis=0)
        outward = np.stack([around[:, 1], -around[:, 0]], axis=1)
        outward /= np.linalg.norm(outward, axis=1, keepdims=True)
        upper = np.clip(0.5 - 1.6 * self._outline[:, 1] / self._glasses.outline.height, 0, 1)
        lower = self._glasses.lower_rim
        thickness = self._glasses.rim * (lower + (1 - lower) * upper)
        pair = self._both(self._outline + outward * thickness[:, None])
        return (*pair, self._joint(self._glasses.rim)) if self._glasses.joined else pair

    def bars(self) -> tuple[Points, ...]:
        """Return bridge, ends and temples."""
        bars = [self._side(-1), self._side(1)]
        if not self._glasses.joined:
            bars.append(self._arch(self._glasses.bridge, rise=0.06))
        if self._glasses.bar:
            bars.append(self._arch(-0.86, rise=0.0))
        return tuple(bar for bar in bars if len(bar))

    def _arch(self, level: float, *, rise: float) -> Points:
        """Return a bar between the lenses at a level, in half lens heights."""
        y = level * self._glasses.outline.height / 2
        inner = self._outline[self._outline[:, 0] < 0]
        reach = np.interp(y, *inner[np.argsort(inner[:, 1])].T[::-1])
        half = self._centre + float(reach)
        x = np.linspace(-half, half, 9)
        spine = y - rise * (1 - (x / half) ** 2)
        thick = self._glasses.wire / 2
        edge = np.concatenate(
            [np.stack([x, spine - thick], 1), np.stack([x, spine + thick], 1)[::-1]]
        )
        return self._project(edge)

    def _side(self, side: int) -> Points:
        """Return one end and its temple, the temple only where the head does not hide it."""
        glasses = self._glasses
        half_width, thick = glasses.outline.width / 2, glasses.wire / 2
        y = -0.45 * glasses.outline.height / 2 - glasses.outline.lift * 0.3
        start = self._centre + half_width * 0.85
        hinge = self._centre + half_width + 0.06
        ear = max(hinge, _HEAD_HALF_WIDTH)
        back = _EARS_BACK * glasses.temples
        corners = np.array(
            [(start, y - thick), (hinge, y - thick), (hinge, y + thick), (start, y + thick)]
        )
        end = self._project(corners * (side, 1))
        x = hinge + (ear - hinge) * glasses.temples
        tips = self._project(np.array([(x, y - thick), (x, y + thick)]) * (side, 1), back=back)
        outside = float((tips[0] - end[1]) @ self._head.right) * side
        if outside <= 0:
            return end
        return np.concatenate([end[:2], tips, end[2:]])

    def reflections(self) -> tuple[Points, ...]:
        """Return the bright polygons on both lenses, the same way round on each."""
        reflection = self._glasses.reflection
        if reflection is None:
            return ()
        outline = self._glasses.outline
        half = np.array([outline.width / 2, outline.height / 2])
        panes = [pane * half for pane in _shape_reflection(reflection)]
        middles = np.array([(-self._centre, 0.0), (self._centre, 0.0)])
        return tuple(self._project(pane + middle) for middle in middles for pane in panes)


def _shape_reflection(reflection: Reflection) -> list[Points]:
    """Return the reflection's outlines, in half lens widths and heights about the lens's middle."""
    size, middle = reflection.size, (reflection.x, reflection.y)
    turn = np.array(
        [
            [math.cos(reflection.angle), math.sin(reflection.angle)],
            [-math.sin(reflection.angle), math.cos(reflection.angle)],
        ]
    )
    if reflection.kind == "streak":
        box = np.array([(-size, -3.0), (size, -3.0), (size, 3.0), (-size, 3.0)])
        return [box @ turn + middle]
    if reflection.kind == "window":
        pane = np.array([(-1.0, -1.0), (-0.1, -1.0), (-0.1, 1.0), (-1.0, 1.0)]) * size
        return [pane @ turn / 2 + middle, (pane * (-1, 1)) @ turn / 2 + middle]
    if reflection.kind == "blob":
        round_ = np.linspace(0, 2 * math.pi, 16, endpoint=False)
        blob = np.stack([np.cos(round_), np.sin(round_) * 1.2], axis=1) * size
        return [blob @ turn + middle]
    return []
