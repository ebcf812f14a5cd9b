"""Rendered eyewear: a pair of glasses put on the photo of a bare face.

Five landmarks say how the head is turned. The pair's outlines are placed in front of it in three
dimensions, drawn as polygons at a multiple of the photo's pixels, averaged, and blended: lenses
multiply what is behind them, reflections add, the frame covers; all under the photo's own light.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from gafas.errors import DataError
from gafas.results import ImageArray, Point
from gafas.synthesis.glasses import Colour, Glasses, Points

Floats = npt.NDArray[np.float32]

_FINE: Final = 4
"""Drawn pixels per side of a pixel of the photo."""

# Of a frontal face, in distances between the eyes: how far the nose's tip is in front of the eyes,
# how far below; from the eyes down to the mouth; the lenses in front of the eyes; the ears behind.
_NOSE_FORWARD: Final = 0.55
_NOSE_DOWN: Final = 0.61
_EYES_TO_MOUTH: Final = 1.2
_LENSES_FORWARD: Final = 0.2
_EARS_BACK: Final = 1.35
_HEAD_HALF_WIDTH: Final = 1.1
_PERSPECTIVE: Final = 0.06
"""How much larger things look that are one eye distance nearer."""

_MAX_YAW: Final = 0.9
_MAX_PITCH: Final = 0.4


def put_on(image: ImageArray, points: npt.ArrayLike, *, glasses: Glasses) -> ImageArray:
    """Put a pair of glasses on a face.

    Args:
        image: `(H, W, 3)` uint8 RGB. It is not changed.
        points: `(5, 2)` pixels, as `gafas.results.Face.landmarks`: the eyes, the nose, the mouth's
            corners.
        glasses: the pair.

    Returns:
        A new image of the same shape. What reaches past its border is cut off.

    Raises:
        DataError: the points have another shape, or the eyes coincide.
    """
    places = np.asarray(points, np.float64)
    if places.shape != (5, 2) or not np.hypot(*(places[1] - places[0])) >= 1:
        raise DataError(
            "Glasses need five landmarks, (5, 2) pixels: two eyes at least one pixel apart, nose, "
            f"two corners of the mouth. Received: {places.tolist()}. Choose a larger face, or one "
            "less in profile."
        )
    head = _Head.find(places)
    parts = _Fitted(glasses, head)
    result = image.copy()
    window = _Window.around(parts, head, shape=image.shape)
    if window is not None:
        patch = window.cut(result)
        light = _Light.measure(image, head, patch=patch, across=window.across)
        painter = _Painter(glasses, parts, head, window=window, light=light)
        painted = painter.paint(patch.astype(np.float32))
        patch[:] = np.clip(painted + 0.5, 0, 255).astype(np.uint8)
    return result


@dataclasses.dataclass(frozen=True, slots=True)
class _Head:
    """Where the head is and how it is turned."""

    middle: Points  # between the eyes
    unit: float  # the distance between them
    right: Points  # its axes in the image
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


class _Fitted:
    """A pair in front of a head: polygons in the image's pixels."""

    def __init__(self, glasses: Glasses, head: _Head) -> None:
        self._glasses, self._head = glasses, head
        self._outline = glasses.outline.points()
        self._centre = (glasses.gap + glasses.outline.width) / 2
        self.lenses, self.rims = self._make_lenses(), self._make_rims()
        self.bars, self.reflections = self._make_bars(), self._make_reflections()

    def _project(self, points: Points, *, back: float | Points = 0.0) -> Points:
        """Map flat points, about the pair's middle, onto the bent front of the glasses."""
        x, y = points.T
        cosine, sine = math.cos(self._glasses.tilt), math.sin(self._glasses.tilt)
        z = _LENSES_FORWARD - self._glasses.wrap * x * x - back
        y = y + self._glasses.drop
        return self._head.project(np.stack([x * cosine - y * sine, x * sine + y * cosine, z], 1))

    def _both(self, outline: Points) -> tuple[Points, ...]:
        shifted = outline + np.array([self._centre, 0.0])
        return self._project(shifted * (-1, 1)), self._project(shifted)

    def _make_lenses(self) -> tuple[Points, ...]:
        """Return the lenses, and the piece between them where they are joined."""
        pair = self._both(self._outline)
        return (*pair, self._joint(0.0)) if self._glasses.joined else pair

    def _joint(self, grown: float) -> Points:
        height = self._glasses.outline.height / 2
        half, top, bottom = self._glasses.gap / 2 + 0.2, -0.82 * height, 0.1 * height
        places = [(-half, top - grown), (half, top - grown), (half, bottom + 0.2 * height)]
        places += [(0.0, bottom + grown), (-half, bottom + 0.2 * height)]
        return self._project(np.array(places))

    def _make_rims(self) -> tuple[Points, ...]:
        """Return what the rims reach to: the lenses' outlines, grown."""
        around = np.roll(self._outline, -1, axis=0) - np.roll(self._outline, 1, axis=0)
        outward = np.stack([around[:, 1], -around[:, 0]], axis=1)
        outward /= np.linalg.norm(outward, axis=1, keepdims=True)
        upper = np.clip(0.5 - 1.6 * self._outline[:, 1] / self._glasses.outline.height, 0, 1)
        lower = self._glasses.lower_rim
        thickness = self._glasses.rim * (lower + (1 - lower) * upper)
        pair = self._both(self._outline + outward * thickness[:, None])
        return (*pair, self._joint(self._glasses.rim)) if self._glasses.joined else pair

    def _make_bars(self) -> tuple[Points, ...]:
        """Return bridge, ends and temples."""
        bars = [self._side(-1), self._side(1)]
        if not self._glasses.joined:
            bars.append(self._arch(self._glasses.bridge, rise=0.06))
        if self._glasses.bar:
            bars.append(self._arch(-0.86, rise=0.0))
        return tuple(bars)

    def _arch(self, level: float, *, rise: float) -> Points:
        """Return a bar between the lenses at a level, in half lens heights."""
        y = level * self._glasses.outline.height / 2
        inner = self._outline[self._outline[:, 0] < 0]
        reach = np.interp(y, *inner[np.argsort(inner[:, 1])].T[::-1])
        half = self._centre + float(reach)
        x = np.linspace(-half, half, 9)
        spine = y - rise * (1 - (x / half) ** 2)
        thick = self._glasses.wire / 2
        upper, lower = np.stack([x, spine - thick], 1), np.stack([x, spine + thick], 1)
        return self._project(np.concatenate([upper, lower[::-1]]))

    def _side(self, side: int) -> Points:
        """Return one end and its temple, the temple only where the head does not hide it."""
        glasses = self._glasses
        half_width, thick = glasses.outline.width / 2, glasses.wire / 2
        y = -0.45 * glasses.outline.height / 2 - glasses.outline.lift * 0.3
        start = self._centre + half_width * 0.85
        hinge = self._centre + half_width + 0.06
        ear = max(hinge, _HEAD_HALF_WIDTH)
        back = _EARS_BACK * glasses.temples
        high, low = y - thick, y + thick
        corners = np.array([(start, high), (hinge, high), (hinge, low), (start, low)])
        end = self._project(corners * (side, 1))
        x = hinge + (ear - hinge) * glasses.temples
        tips = self._project(np.array([(x, high), (x, low)]) * (side, 1), back=back)
        outside = float((tips[0] - end[1]) @ self._head.right) * side
        return np.concatenate([end[:2], tips, end[2:]]) if outside > 0 else end

    def _make_reflections(self) -> tuple[Points, ...]:
        """Return the bright polygons on both lenses, the same way round on each."""
        reflection = self._glasses.reflection
        if reflection is None:
            return ()
        half = np.array([self._glasses.outline.width / 2, self._glasses.outline.height / 2])
        panes = [pane * half for pane in reflection.outlines()]
        middles = np.array([(-self._centre, 0.0), (self._centre, 0.0)])
        return tuple(self._project(pane + middle) for middle in middles for pane in panes)


@dataclasses.dataclass(frozen=True, slots=True)
class _Light:
    """The light of a photo: on the window's pixels, `(height, width, 1)`, 1 in full light.

    `colourful` is 0 in a grey photo, 1 in an ordinary one; `blurred` is a deviation in pixels.
    """

    level: Floats
    colourful: float
    blurred: float

    @classmethod
    def measure(cls, image: ImageArray, head: _Head, *, patch: ImageArray, across: Floats) -> Self:
        """Measure both cheeks, the brightest fifth of the face, and the edges around."""
        cheeks = head.project(np.array([[-0.62, 0.62, 0.1], [0.62, 0.62, 0.1]]))
        left, right = (_measure_tone(image, (x, y), reach=head.unit * 0.12) for x, y in cheeks)
        bright = float(np.percentile(patch[::2, ::2, 1], 90))
        slope = np.clip(across / 1.4 + 0.5, 0, 1)
        skin = left + (right - left) * slope
        level = np.clip(0.5 * skin / 165 + 0.5 * bright / 225, 0.12, 1.15)[..., None]
        few = patch[::3, ::3].astype(np.int16)
        chroma = float(np.abs(few[..., 0] - few[..., 2]).mean())
        colourful = min(1.0, chroma / 12)
        return cls(level.astype(np.float32), colourful, _measure_blur(patch))

    def shine(self, colour: Colour) -> Floats:
        """Return what a surface of a colour looks like: `(height, width, 3)`."""
        painted = np.array(colour, np.float32)
        grey = painted.mean()
        seen: Floats = self.level * (grey + (painted - grey) * self.colourful)
        return seen


def _measure_tone(image: ImageArray, place: Point, *, reach: float) -> float:
    """Return the mean brightness (0–255) around a place, moved into the image where it is not."""
    (x, y), (height, width) = place, image.shape[:2]
    row, column = int(min(max(y, 0), height - 1)), int(min(max(x, 0), width - 1))
    around = max(1, int(reach))
    rows = slice(max(0, row - around), row + around + 1)
    columns = slice(max(0, column - around), column + around + 1)
    return float(image[rows, columns].mean())


def _measure_blur(patch: ImageArray) -> float:
    """Estimate a photo's blur, as a deviation in pixels, so that the pair is as sharp as it is.

    Over two pixels a blurred photo changes twice as much as over one; a sharp one hardly more.
    """
    green = patch[..., 1].astype(np.float32)
    near = np.abs(green[:, 1:] - green[:, :-1]).mean() + np.abs(green[1:] - green[:-1]).mean()
    far = np.abs(green[:, 2:] - green[:, :-2]).mean() + np.abs(green[2:] - green[:-2]).mean()
    ratio = float(far / max(near, 1e-3))
    return min(1.6, max(0.0, (ratio - 1.5) * 3.0))


@dataclasses.dataclass(frozen=True, slots=True)
class _Window:
    """The part of the image that a pair can change: its corner, its size, and where on the head.

    `across` and `below` are `(height, width)`: distances from the eyes' middle along the head's
    axes, in eye distances.
    """

    left: int
    top: int
    width: int
    height: int
    across: Floats
    below: Floats

    @classmethod
    def around(cls, parts: _Fitted, head: _Head, *, shape: tuple[int, ...]) -> Self | None:
        """Bound all that will be drawn, with room for shadow and blur; None outside the image."""
        corners = np.concatenate([*parts.rims, *parts.bars])
        margin = 2 + 0.15 * head.unit
        left, top = np.maximum(np.floor(corners.min(axis=0) - margin), 0).astype(int)
        right, bottom = np.ceil(corners.max(axis=0) + margin).astype(int)
        width, height = min(right, shape[1]) - left, min(bottom, shape[0]) - top
        if width < 2 or height < 2:
            return None
        x = (np.arange(left, left + width) + 0.5 - head.middle[0])[None] / head.unit
        y = (np.arange(top, top + height) + 0.5 - head.middle[1])[:, None] / head.unit
        across = (head.right[0] * x + head.right[1] * y).astype(np.float32)
        below = (head.down[0] * x + head.down[1] * y).astype(np.float32)
        return cls(int(left), int(top), int(width), int(height), across, below)

    def cut(self, image: ImageArray) -> ImageArray:
        """Return the window's pixels, in the image itself."""
        return image[self.top : self.top + self.height, self.left : self.left + self.width]

    def mask(self, polygons: Sequence[tuple[Points, int]], *, blurred: float) -> Floats:
        """Draw polygons, each over the ones before, antialiased: `(height, width, 1)` in 0–1."""
        canvas = Image.new("L", (self.width * _FINE, self.height * _FINE))
        pen = ImageDraw.Draw(canvas)
        for polygon, value in polygons:
            places = (polygon - (self.left, self.top)) * _FINE
            pen.polygon(places.ravel().tolist(), fill=value)
        drawn = canvas.reduce(_FINE)
        if blurred > 0.2:
            drawn = drawn.filter(ImageFilter.GaussianBlur(blurred))
        return np.asarray(drawn, np.float32)[..., None] / np.float32(255)


class _Painter:
    """Lays a pair over the window's pixels."""

    def __init__(
        self, glasses: Glasses, parts: _Fitted, head: _Head, *, window: _Window, light: _Light
    ) -> None:
        self._parts, self._glasses, self._unit = parts, glasses, head.unit
        self._window, self._light = window, light
        outline, drop = self._glasses.outline, self._glasses.drop
        middle = drop + _LENSES_FORWARD * head.pitch
        self._height = ((window.below - middle) / (outline.height / 2))[..., None]
        """How high on the lens a pixel is: -1 at its upper edge, 1 at its lower one."""

    def paint(self, patch: Floats) -> Floats:
        """Lay shadow, lenses, reflections and frame over `(height, width, 3)`, in this order."""
        frame, lens = self._draw_masks()
        patch = self._cast_shadow(patch, frame + self._glasses.darkness * lens)
        patch = self._darken(patch, lens)
        patch = self._reflect(patch, lens)
        return self._cover(patch, frame)

    def _draw_masks(self) -> tuple[Floats, Floats]:
        parts, blurred = self._parts, self._light.blurred
        solid = [(polygon, 255) for polygon in (*parts.bars, *parts.rims)]
        holes = [(polygon, 0) for polygon in parts.lenses]
        frame = self._window.mask(solid + holes, blurred=blurred)
        lens = self._window.mask([(polygon, 255) for polygon in parts.lenses], blurred=blurred)
        # Where a pixel is half frame, half lens, no skin may shine through between them.
        return frame, np.minimum(lens / np.maximum(1 - frame, 0.05), 1)

    def _cast_shadow(self, patch: Floats, solid: Floats) -> Floats:
        """Darken the skin a little under what is solid, softly."""
        reach = max(1, round(0.07 * self._unit))
        low = np.zeros(solid.shape[:2], np.uint8)
        low[reach:] = np.minimum(solid[:-reach, :, 0], 1) * 255
        soft = Image.fromarray(low).filter(ImageFilter.GaussianBlur(0.04 * self._unit))
        share = np.asarray(soft, np.float32)[..., None] * (self._glasses.shadow * 0.6 / 255)
        shaded: Floats = patch * (1 - share)
        return shaded

    def _darken(self, patch: Floats, lens: Floats) -> Floats:
        """Let through what the lenses let through, and add their own faint shine."""
        glasses = self._glasses
        depth = np.clip(0.5 + 0.5 * self._height, 0, 1)
        dark = glasses.darkness * (1 - glasses.gradient * depth)
        tint = np.array(glasses.tint, np.float32) / 255
        vivid = 0.6 * self._light.colourful * (tint - tint.max()) / max(float(tint.max()), 0.05)
        through = (1 - dark) * (1 + np.clip(dark * 2, 0, 1) * vivid)
        own = self._light.shine(glasses.tint)
        seen = patch * through + own * dark * (0.9 - 0.7 * depth) * (1 - 0.8 * glasses.mirror)
        if glasses.mirror:
            ground = np.clip((depth - 0.5) / 0.12, 0, 1)
            sky = np.clip(1.15 - 0.6 * depth, 0, 1) - 0.4 * ground
            share = glasses.mirror * dark
            seen = seen * (1 - share) + own * sky * share
        darkened: Floats = patch + (seen - patch) * lens
        return darkened

    def _reflect(self, patch: Floats, lens: Floats) -> Floats:
        reflection = self._glasses.reflection
        if reflection is None:
            return patch
        blurred = reflection.softness * self._unit + self._light.blurred
        if reflection.kind == "haze":
            bright = np.clip(0.9 - 0.25 * self._height, 0, 1)
        elif reflection.kind == "sky":
            soft = 0.1 + 6 * reflection.softness
            bright = np.clip((reflection.y - self._height) / soft, 0, 1)
        else:
            panes = [(polygon, 255) for polygon in self._parts.reflections]
            bright = self._window.mask(panes, blurred=blurred)
        share = bright * lens * reflection.strength
        lit: Floats = patch + (self._light.shine(reflection.colour) - 0.3 * patch) * share
        return lit

    def _cover(self, patch: Floats, frame: Floats) -> Floats:
        """Cover with the frame: its colours from top to bottom, light on edges that look up."""
        glasses, light = self._glasses, self._light
        lower = np.clip(0.5 + 0.7 * self._height, 0, 1)
        upper_colour, lower_colour = light.shine(glasses.colour), light.shine(glasses.accent)
        colour = upper_colour + (lower_colour - upper_colour) * lower
        edge = np.zeros_like(frame)
        edge[1:] = frame[1:] - frame[:-1]
        colour = colour * (1 + 0.6 * np.clip(edge, -1, 0))
        colour = colour + glasses.gloss * 160 * light.level * np.clip(edge, 0, 1)
        covered: Floats = patch + (colour - patch) * (frame * glasses.opacity)
        return covered
