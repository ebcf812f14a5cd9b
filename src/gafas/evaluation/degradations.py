"""Ways in which photos get worse: each takes a picture and a level, and gives a worse picture."""

import dataclasses
import io
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from gafas.types import ImageArray

_GAMMA: Final = 2.2  # of ordinary screens and photos, near enough: light = value to this power


@dataclasses.dataclass(frozen=True, slots=True)
class Picture:
    """An image with a face.

    Attributes:
        image: `(H, W, 3)` uint8 RGB.
        side: the longer side of the face's box, in pixels.
        seed: what noise is drawn from, so that a picture always gets the same.
    """

    image: ImageArray
    side: float
    seed: int = 0


Degradation = Callable[[Picture, float], ImageArray | None]


@dataclasses.dataclass(frozen=True, slots=True)
class Sweep:
    """One way of getting worse, level by level.

    Attributes:
        name: of the sweep.
        unit: what a level counts.
        levels: from the mildest to the worst.
        degrade: makes a picture of a level; None where the picture cannot have it.
    """

    name: str
    unit: str
    levels: tuple[float, ...]
    degrade: Degradation


def blur(picture: Picture, level: float) -> ImageArray:
    """Blur by a Gaussian whose standard deviation is `level` sides of the face."""
    blurred = ImageFilter.GaussianBlur(level * picture.side)
    return np.asarray(Image.fromarray(picture.image).filter(blurred))


def add_noise(picture: Picture, level: float) -> ImageArray:
    """Add Gaussian noise of a standard deviation of `level`, of 255, to every channel."""
    noise = np.random.default_rng(picture.seed).normal(0, 1, picture.image.shape)
    return _to_bytes(picture.image + level * noise)


def compress(picture: Picture, level: float) -> ImageArray:
    """Save as JPEG of a quality, as Pillow counts it, and open again."""
    file = io.BytesIO()
    Image.fromarray(picture.image).save(file, "JPEG", quality=round(level))
    return np.asarray(Image.open(file).convert("RGB"))


def shrink(picture: Picture, level: float) -> ImageArray | None:
    """Shrink the photo until the face is `level` pixels high; None where it is smaller already."""
    factor = level / picture.side
    if factor > 1:
        return None
    height, width = picture.image.shape[:2]
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(Image.fromarray(picture.image).resize(size, Image.Resampling.LANCZOS))


def rotate(picture: Picture, level: float) -> ImageArray:
    """Turn the photo by `level` degrees about its middle; corners take the photo's mean colour."""
    mean = tuple(round(value) for value in picture.image.mean(axis=(0, 1)).tolist())
    turned = Image.fromarray(picture.image).rotate(
        level, Image.Resampling.BICUBIC, expand=True, fillcolor=mean
    )
    return np.asarray(turned)


def expose(picture: Picture, level: float) -> ImageArray:
    """Change the light by `level` stops: each stop less halves it, and few grey levels remain."""
    return _to_bytes(picture.image * 2.0 ** (level / _GAMMA))


def _to_bytes(values: npt.NDArray[np.float64]) -> ImageArray:
    image: ImageArray = np.clip(values, 0, 255).round().astype(np.uint8)
    return image


SWEEPS: Final = (
    Sweep("blur", "sides of the face", (0, 0.01, 0.02, 0.03, 0.05, 0.08), blur),
    Sweep("noise", "of 255", (0, 5, 10, 20, 40, 60), add_noise),
    Sweep("jpeg", "quality", (95, 75, 50, 30, 15, 5), compress),
    Sweep("size", "pixels", (96, 64, 48, 32, 24, 16, 12), shrink),
    Sweep("rotation", "degrees", (0, 15, 30, 45, 60, 90, 180), rotate),
    Sweep("exposure", "stops", (1, 0, -1, -2, -3, -4, -5), expose),
)
"""The sweeps of the robustness sheet, each of whose levels is tried on the same photos."""
