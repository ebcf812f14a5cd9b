"""Random changes to training images, as one TensorFlow graph that is a pure function of a seed.

Every change is drawn with stateless generators from `(seed, step)`: the same step sees the same
changes whatever ran before it, so an interrupted training goes on exactly where it stopped.
"""

import functools
import math
import string
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from gafas.training.backend import tf
from gafas.training.recipe import Augmentation

_LUMINANCE: Final = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's grey
_QUALITIES: Final = (15.0, 85.0)  # of JPEG: from what messengers leave to what cameras write
_LEVELS: Final = 4  # of resolution: the full one, and three lower ones

_MASKS: Final = 400
_LETTERS: Final = string.ascii_lowercase * 3 + string.ascii_uppercase + ".©  "
_OPACITY: Final = (0.15, 0.65)  # how much of what lies below the letters hide


def augment(
    images: tf.Tensor,
    changes: Augmentation,
    *,
    seed: tf.Tensor,
    size: tuple[int, int] | None = None,
) -> tf.Tensor:
    """Change a batch of images at random, each in its own way.

    Args:
        images: `(N, H, W, C)` float32 in 0–255.
        changes: how far each may go; what is 0 draws nothing, so it moves no other draw.
        seed: two int32 numbers; equal seeds give equal changes.
        size: height and width of the result, cut around the middle; what lies outside of it is
            the margin that shifts and rotations bring in. None is the images' own.

    Returns:
        The changed batch, `(N, *size, C)`, clipped to 0–255.
    """
    draw = _Draw(seed, tf.shape(images)[0])
    images = _warp(images, changes, draw=draw, size=size or tuple(images.shape[1:3]))
    if changes.contrast or changes.brightness:
        images = _relight(images, changes, draw=draw)
    images = _recolour(images, changes, draw=draw)
    if changes.lettering:
        printed = tf.cast(draw.uniform(0.0, 1.0) < changes.lettering, tf.float32)
        mask, opacity = draw.uniform(0.0, 1.0), printed * draw.uniform(*_OPACITY)
        images = letter(images, mask, opacity=opacity, grey=draw.uniform(0.0, 255.0))
    if changes.blur or changes.sharpness:
        images = blur(images, draw.uniform(-changes.sharpness, changes.blur))
    if changes.resolution:
        images = coarsen(images, draw.uniform(0.0, 1.0), lost=changes.resolution)
    if changes.noise:
        deviation = draw.uniform(0.0, changes.noise)[:, None, None, None]
        images += deviation * draw.normal(tf.shape(images))
    images = tf.clip_by_value(images, 0.0, 255.0)
    if changes.jpeg:
        chosen = draw.uniform(0.0, 1.0) < changes.jpeg
        images = compress(images, draw.uniform(*_QUALITIES), chosen=chosen)
    return images


class _Draw:
    """One number for each image of a batch, and another one at each call."""

    def __init__(self, seed: tf.Tensor, count: tf.Tensor) -> None:
        self._seed, self._count, self._calls = seed, count, 0

    def _next(self) -> tf.Tensor:
        self._calls += 1
        return tf.random.fold_in(self._seed, self._calls)

    def uniform(self, low: float, high: float) -> tf.Tensor:
        """Draw one number from `low` to `high` for each image."""
        return tf.random.stateless_uniform([self._count], self._next(), low, high)

    def around_one(self, share: float) -> tf.Tensor:
        """Draw one factor for each image, no further from 1 than a share."""
        return self.uniform(1 - share, 1 + share)

    def normal(self, shape: tf.Tensor) -> tf.Tensor:
        """Draw a tensor with mean 0 and deviation 1."""
        return tf.random.stateless_normal(shape, self._next())


def _warp(
    images: tf.Tensor, changes: Augmentation, *, draw: _Draw, size: tuple[int, int]
) -> tf.Tensor:
    """Rotate, shift, shear, zoom and flip in one resampling; edges repeat the nearest pixel."""
    height, width = size
    turn = math.radians(changes.rotation)
    lean = math.radians(changes.shear)
    angle, shear = draw.uniform(-turn, turn), draw.uniform(-lean, lean)
    down = draw.uniform(-changes.shift, changes.shift) * height
    right = draw.uniform(-changes.shift, changes.shift) * width
    tall, wide = draw.around_one(changes.zoom), draw.around_one(changes.zoom)
    if changes.flip:
        wide *= tf.where(draw.uniform(-1.0, 1.0) < 0, -1.0, 1.0)
    # Output pixel → input pixel, about the centre: rotation · shift · shear · zoom.
    cos, sin = tf.cos(angle), tf.sin(angle)
    lean_cos, lean_sin = tf.cos(shear), tf.sin(shear)
    xx = cos * wide
    xy = (-sin * lean_cos - cos * lean_sin) * tall
    yx = sin * wide
    yy = (cos * lean_cos - sin * lean_sin) * tall
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    from_x, from_y = (images.shape[2] - 1) / 2, (images.shape[1] - 1) / 2
    shift_x = cos * right - sin * down + from_x - xx * centre_x - xy * centre_y
    shift_y = sin * right + cos * down + from_y - yx * centre_x - yy * centre_y
    zero = tf.zeros_like(angle)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([xx, xy, shift_x, yx, yy, shift_y, zero, zero], axis=1),
        output_shape=tf.constant([height, width]),
        interpolation="BILINEAR",
        fill_mode="NEAREST",
        fill_value=0.0,
    )


def _relight(images: tf.Tensor, changes: Augmentation, *, draw: _Draw) -> tf.Tensor:
    """Scale each image about its own mean (contrast), then as a whole (brightness)."""
    contrast, brightness = draw.around_one(changes.contrast), draw.around_one(changes.brightness)
    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    images = (images - mean) * contrast[:, None, None, None] + mean
    return images * brightness[:, None, None, None]


def _recolour(images: tf.Tensor, changes: Augmentation, *, draw: _Draw) -> tf.Tensor:
    if changes.gamma:
        images = bend(images, draw.around_one(changes.gamma))
    if changes.saturation:
        images = fade(images, draw.around_one(changes.saturation))
    if changes.cast:
        gains = [draw.around_one(changes.cast) for _ in range(3)]
        images = cast(images, tf.stack(gains, axis=1))
    if changes.grey:
        images = turn_grey(images, draw.uniform(0.0, 1.0) < changes.grey)
    return images


def bend(images: tf.Tensor, gamma: tf.Tensor) -> tf.Tensor:
    """Raise brightness, as a share of 255, to a power: above 1 darkens what is neither end."""
    shares = tf.clip_by_value(images, 1e-7, 255.0) / 255.0
    # The power by its logarithm, which takes a fifth of the time.
    return 255.0 * tf.exp(gamma[:, None, None, None] * tf.math.log(shares))


def fade(images: tf.Tensor, saturation: tf.Tensor) -> tf.Tensor:
    """Scale the distance of every colour from grey: 0 leaves grey, above 1 is gaudier."""
    grey = _find_luminance(images)
    return grey + (images - grey) * saturation[:, None, None, None]


def cast(images: tf.Tensor, gains: tf.Tensor) -> tf.Tensor:
    """Scale each channel by its own gain, `(N, 3)`, as a lamp's colour does."""
    return images * gains[:, None, None, :]


def turn_grey(images: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """Take all colour from the images that are chosen, `(N,)` bool."""
    return tf.where(chosen[:, None, None, None], _find_luminance(images), images)


def _find_luminance(images: tf.Tensor) -> tf.Tensor:
    # A product of matrices: adding along so short an axis takes four times as long.
    return tf.linalg.matvec(images, tf.constant(_LUMINANCE))[..., None]


def blur(images: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """Replace a share of each image by its blurred self (deviation 1.5 pixels); below 0 sharpen."""
    channels, reach = images.shape[3], 4
    places = tf.range(-reach, reach + 1, dtype=tf.float32)
    weights = tf.exp(-((places / 1.5) ** 2) / 2)
    weights = tf.tile((weights / tf.reduce_sum(weights))[:, None, None, None], [1, 1, channels, 1])
    # "SYMMETRIC" repeats the rim; padding with zeros would darken it.
    padding = [[0, 0], [reach, reach], [reach, reach], [0, 0]]
    smooth = tf.pad(images, padding, mode="SYMMETRIC")
    for kernel in (weights, tf.transpose(weights, [1, 0, 2, 3])):
        smooth = tf.nn.depthwise_conv2d(smooth, kernel, strides=[1, 1, 1, 1], padding="VALID")
    return images + (smooth - images) * share[:, None, None, None]


def coarsen(images: tf.Tensor, level: tf.Tensor, *, lost: float) -> tf.Tensor:
    """Shrink images and enlarge them again, as faces far away are.

    A quarter of the levels, which are shares from 0 to 1, keeps an image as it is; the other three
    leave ever fewer pixels along a side, at the highest `1 - lost` of them.
    """
    height, width = images.shape[1], images.shape[2]
    result = images
    for step in range(1, _LEVELS):
        factor = (1 - lost) ** (step / (_LEVELS - 1))
        size = (max(1, round(height * factor)), max(1, round(width * factor)))
        # Resizing takes longest of all: only what is chosen is resized.
        chosen = tf.where((level >= step / _LEVELS) & (level < (step + 1) / _LEVELS))
        small = tf.image.resize(tf.gather_nd(images, chosen), size, antialias=True)
        coarse = tf.image.resize(small, (height, width))
        result = tf.tensor_scatter_nd_update(result, chosen, coarse)
    return result


def compress(images: tf.Tensor, quality: tf.Tensor, *, chosen: tf.Tensor) -> tf.Tensor:
    """Write the chosen images, `(N,)` bool, as JPEG files of a quality in 1–100, and read them."""

    def pass_through(row: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tf.Tensor:
        """Return one image as the file holds it."""
        image, level, take = row
        return tf.cond(take, lambda: _write_and_read(image, level), lambda: image)

    rows = (images, tf.cast(quality, tf.int32), chosen)
    return tf.map_fn(pass_through, rows, fn_output_signature=tf.float32)


def _write_and_read(image: tf.Tensor, quality: tf.Tensor) -> tf.Tensor:
    whole = tf.cast(tf.round(image), tf.uint8)
    written = tf.image.adjust_jpeg_quality(whole, quality, dct_method="INTEGER_ACCURATE")
    return tf.ensure_shape(tf.cast(written, tf.float32), image.shape)


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


@functools.lru_cache(maxsize=2)
def draw_masks(side: int) -> NDArray[np.uint8]:
    """Draw lines of chance letters, always the same ones: `(400, side, side)`, 255 in the strokes.

    Most of them are near the height of the eyes.
    """
    generator = np.random.default_rng(5)
    return np.stack([_draw_mask(generator, side) for _ in range(_MASKS)])


def _draw_mask(generator: np.random.Generator, side: int) -> NDArray[np.uint8]:
    fine = side * 2  # reduced in the end
    height = generator.uniform(0.08, 0.24) * fine
    font = ImageFont.load_default(max(4.0, height * 1.35))  # an em is larger than its letters
    word = "".join(generator.choice(list(_LETTERS), size=generator.integers(5, 16)))
    stroke = round(height * 0.05)
    outlined = generator.random() < 0.3
    width = max(1, stroke) if outlined else int(generator.integers(0, stroke + 1))
    fill = 0 if outlined else 255
    place = fine / 2 + generator.normal(0, 0.25) * fine, generator.normal(0.45, 0.16) * fine
    mask = Image.new("L", (fine, fine))
    ImageDraw.Draw(mask).text(
        place, word, fill, font, anchor="mm", stroke_width=width, stroke_fill=255
    )
    deviation = 3.0 if generator.random() < 0.6 else 22.0  # most run level, but for a few degrees
    tilt = deviation * generator.standard_normal()
    tilted = mask.rotate(tilt, Image.Resampling.BILINEAR, center=place)
    return np.asarray(tilted.reduce(2))
