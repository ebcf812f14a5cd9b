"""The light and the sharpness of a photo around a face: what is drawn on it must share them."""

import dataclasses
from typing import Self

import numpy as np
import numpy.typing as npt

from gafas.data.fitting import Head
from gafas.data.lenses import Colour
from gafas.types import ImageArray, Point

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
