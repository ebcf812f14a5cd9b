"""Lettering across photos, as agencies and sites print it over what they show: no frame of glasses.

The strokes of half-transparent words that run across the eyes look much like rims. The words are
drawn once, as a bank of masks; each image of a batch may get one of them, in its own grey.
"""

import functools
import string
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from gafas.training.backend import tf

_MASKS: Final = 400
_SEED: Final = 5
_LETTERS: Final = string.ascii_lowercase * 3 + string.ascii_uppercase + ".©  "
_WORD: Final = (5, 16)  # letters
_HEIGHT: Final = (0.08, 0.24)  # of the letters, as a share of the side
_MIDDLE: Final = (0.45, 0.16)  # mean and deviation of the line's place: mostly at the eyes
_UPRIGHT: Final = 0.6  # this share of the lines runs level, but for a few degrees
_TILTS: Final = (3.0, 22.0)  # deviations, in degrees
_OUTLINED: Final = 0.3  # this share of the lines is only an outline

OPACITY: Final = (0.15, 0.65)
"""How much of what lies below the letters hide."""

_FINER: Final = 2  # masks are drawn so many times larger, then reduced


@functools.lru_cache(maxsize=2)
def draw_masks(side: int) -> NDArray[np.uint8]:
    """Draw lines of chance letters, always the same ones: `(400, side, side)`, 255 in the strokes.

    Most of them are near the height of the eyes.
    """
    generator = np.random.default_rng(_SEED)
    return np.stack([_draw_mask(generator, side) for _ in range(_MASKS)])


def letter(images: tf.Tensor, mask: tf.Tensor, *, opacity: tf.Tensor, grey: tf.Tensor) -> tf.Tensor:
    """Print lettering over images.

    Args:
        images: `(N, side, side, C)` float32, 0–255.
        mask: `(N,)`, which of the masks: from 0 to below 1.
        opacity: `(N,)`; 0 leaves an image as it is.
        grey: `(N,)`, the letters' brightness, 0–255.
    """
    masks = tf.constant(draw_masks(images.shape[1]))
    chosen = tf.gather(masks, tf.cast(mask * _MASKS, tf.int32))
    share = tf.cast(chosen, tf.float32)[..., None] / 255.0 * opacity[:, None, None, None]
    return images + (grey[:, None, None, None] - images) * share


def _draw_mask(generator: np.random.Generator, side: int) -> NDArray[np.uint8]:
    fine = side * _FINER
    height = generator.uniform(*_HEIGHT) * fine
    font = ImageFont.load_default(max(4.0, height * 1.35))  # an em is larger than its letters
    word = "".join(generator.choice(list(_LETTERS), size=generator.integers(*_WORD)))
    stroke = round(height * 0.05)
    outlined = generator.random() < _OUTLINED
    width = max(1, stroke) if outlined else int(generator.integers(0, stroke + 1))
    picture = Image.new("L", (fine, fine))
    x = fine / 2 + generator.normal(0, 0.25) * fine
    y = generator.normal(*_MIDDLE) * fine
    ImageDraw.Draw(picture).text(
        (x, y),
        word,
        font=font,
        anchor="mm",
        fill=0 if outlined else 255,
        stroke_width=width,
        stroke_fill=255,
    )
    tilt = _TILTS[int(generator.random() >= _UPRIGHT)] * generator.standard_normal()
    turned = picture.rotate(tilt, Image.Resampling.BILINEAR, center=(x, y))
    return np.asarray(turned.reduce(_FINER))
