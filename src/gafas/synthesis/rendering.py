"""Rendered eyewear: a pair of glasses put on the photo of a bare face.

Five landmarks say how the head is turned. The pair's outlines are placed in front of it in three
dimensions, drawn as polygons at a multiple of the photo's pixels, averaged, and blended: lenses
multiply what is behind them, reflections add, the frame covers; all under the photo's own light.
"""

import dataclasses
from collections.abc import Sequence
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from gafas.errors import DataError
from gafas.results import ImageArray, Point
from gafas.synthesis.fitting import LENSES_FORWARD, Head, Parts
from gafas.synthesis.glasses import Colour, Glasses, Points

Floats = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True, slots=True)
class Light:
    """The light of a photo: on the window's pixels, `(height, width, 1)`, 1 in full light.

    `colourful` is 0 in a grey photo, 1 in an ordinary one; `blurred` is a deviation in pixels.
    """

    level: Floats
    colourful: float
    blurred: float

    @classmethod
    def measure(cls, image: ImageArray, head: Head, *, patch: ImageArray, across: Floats) -> Self:
        """Look at both cheeks, at the brightest fifth of the face, and at the edges around."""
        cheeks = head.project(np.array([[-0.62, 0.62, 0.1], [0.62, 0.62, 0.1]]))
        left, right = (_look_at(image, (x, y), reach=head.unit * 0.12) for x, y in cheeks)
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


def _look_at(image: ImageArray, place: Point, *, reach: float) -> float:
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


_FINE: Final = 4
"""Drawn pixels per side of a pixel of the photo."""


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
        DataError: the image or the points have another shape, or the eyes coincide.
    """
    _check(image, points)
    head = Head.find(np.asarray(points, np.float64))
    parts = Parts.place(glasses, head)
    result = image.copy()
    window = _Window.around(parts, head, shape=image.shape)
    if window is not None:
        view = window.cut(result)
        light = Light.measure(image, head, patch=view, across=window.across)
        painted = _Painter(parts, head, window=window, light=light).paint(view.astype(np.float32))
        view[:] = np.clip(painted + 0.5, 0, 255).astype(np.uint8)
    return result


def _check(image: ImageArray, points: npt.ArrayLike) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise DataError(
            "Glasses are put on an image of shape (H, W, 3), uint8, RGB. "
            f"Received: shape {image.shape}, {image.dtype}. Load it with gafas.images.load_image."
        )
    places = np.asarray(points, np.float64)
    if places.shape != (5, 2) or not np.isfinite(places).all():
        raise DataError(
            "Glasses need five landmarks, (5, 2) pixels: two eyes, nose, two corners of the mouth. "
            f"Received: {places.tolist()}. Take them from gafas.FaceDetector."
        )
    if np.hypot(*(places[1] - places[0])) < 1:
        raise DataError(
            "Glasses need two eyes at least one pixel apart. "
            f"Received: {places[:2].tolist()}. Choose a larger face, or one less in profile."
        )


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
    def around(cls, parts: Parts, head: Head, *, shape: tuple[int, ...]) -> Self | None:
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
        """Return the window's view of the image."""
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

    def __init__(self, parts: Parts, head: Head, *, window: _Window, light: Light) -> None:
        self._parts, self._glasses, self._unit = parts, parts.glasses, head.unit
        self._window, self._light = window, light
        outline, drop = self._glasses.outline, self._glasses.drop
        middle = drop + LENSES_FORWARD * head.pitch
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
