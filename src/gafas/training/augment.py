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


_LUMINANCE: Final = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's grey

# Gaussian of deviation 1.5 pixels, cut at 4.
_REACH: Final = 4
_DEVIATION: Final = 1.5

QUALITIES: Final = (15.0, 85.0)
"""Of compressed images: from what messengers leave to what cameras write."""

_LEVELS: Final = 4
"""Full resolution, and three lower ones."""


def bend(images: tf.Tensor, gamma: tf.Tensor) -> tf.Tensor:
    """Raise brightness, as a share of 255, to a power: above 1 darkens what is neither end."""
    shares = tf.clip_by_value(images, 0.0, 255.0) / 255.0
    return 255.0 * tf.pow(shares, gamma[:, None, None, None])


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


def blur(images: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """Replace a share of each image by its blurred self (deviation 1.5 pixels); below 0 sharpen."""
    channels = images.shape[3]
    places = tf.range(-_REACH, _REACH + 1, dtype=tf.float32)
    weights = tf.exp(-((places / _DEVIATION) ** 2) / 2)
    weights = tf.tile((weights / tf.reduce_sum(weights))[:, None, None, None], [1, 1, channels, 1])
    # "SYMMETRIC" repeats the rim; padding with zeros would darken it.
    padding = [[0, 0], [_REACH, _REACH], [_REACH, _REACH], [0, 0]]
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
        small = tf.image.resize(images, size, antialias=True)
        coarse = tf.image.resize(small, (height, width))
        chosen = (level >= step / _LEVELS) & (level < (step + 1) / _LEVELS)
        result = tf.where(chosen[:, None, None, None], coarse, result)
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


def _find_luminance(images: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(images * tf.constant(_LUMINANCE), axis=3, keepdims=True)


def augment(
    images: tf.Tensor,
    augmentation: Augmentation,
    *,
    seed: tf.Tensor,
    size: tuple[int, int] | None = None,
) -> tf.Tensor:
    """Change a batch of images at random, each in its own way.

    Args:
        images: `(N, H, W, C)` float32 in 0–255.
        augmentation: how far each change may go.
        seed: two int32 numbers; equal seeds give equal changes.
        size: height and width of the result, cut around the middle; what lies outside of it is
            the margin that shifts and rotations bring in. None is the images' own.

    Returns:
        The changed batch, `(N, *size, C)`, clipped to 0–255.
    """
    draw = _Draw(seed, tf.shape(images)[0])
    images = _warp(images, augmentation, draw=draw, size=size or tuple(images.shape[1:3]))
    if augmentation.contrast or augmentation.brightness:
        images = _relight(images, augmentation, draw=draw)
    images = _degrade(images, augmentation, draw=draw)
    if augmentation.noise:
        deviation = draw.uniform(0.0, augmentation.noise)[:, None, None, None]
        images += deviation * draw.normal(tf.shape(images))
    images = tf.clip_by_value(images, 0.0, 255.0)
    if augmentation.jpeg:
        chosen = draw.uniform(0.0, 1.0) < augmentation.jpeg
        images = compress(images, draw.uniform(*QUALITIES), chosen=chosen)
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

    def normal(self, shape: tf.Tensor) -> tf.Tensor:
        """Draw a tensor with mean 0 and deviation 1."""
        return tf.random.stateless_normal(shape, self._next())


def _warp(
    images: tf.Tensor, augmentation: Augmentation, *, draw: _Draw, size: tuple[int, int]
) -> tf.Tensor:
    """Rotate, shift, shear, zoom and flip in one resampling; edges repeat the nearest pixel."""
    height, width = size
    turn = math.radians(augmentation.rotation)
    lean = math.radians(augmentation.shear)
    angle, shear = draw.uniform(-turn, turn), draw.uniform(-lean, lean)
    down = draw.uniform(-augmentation.shift, augmentation.shift) * height
    right = draw.uniform(-augmentation.shift, augmentation.shift) * width
    tall = draw.uniform(1 - augmentation.zoom, 1 + augmentation.zoom)
    wide = draw.uniform(1 - augmentation.zoom, 1 + augmentation.zoom)
    if augmentation.flip:
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


def _relight(images: tf.Tensor, augmentation: Augmentation, *, draw: _Draw) -> tf.Tensor:
    """Scale each image about its own mean (contrast), then as a whole (brightness)."""
    contrast = draw.uniform(1 - augmentation.contrast, 1 + augmentation.contrast)
    brightness = draw.uniform(1 - augmentation.brightness, 1 + augmentation.brightness)
    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    images = (images - mean) * contrast[:, None, None, None] + mean
    return images * brightness[:, None, None, None]


def _degrade(images: tf.Tensor, augmentation: Augmentation, *, draw: _Draw) -> tf.Tensor:
    """Change colours, then lose detail. What is 0 draws nothing, so it moves no other draw."""

    def around_one(share: float) -> tf.Tensor:
        """Draw one factor for each image."""
        return draw.uniform(1 - share, 1 + share)

    if augmentation.gamma:
        images = bend(images, around_one(augmentation.gamma))
    if augmentation.saturation:
        images = fade(images, around_one(augmentation.saturation))
    if augmentation.cast:
        gains = [around_one(augmentation.cast) for _ in range(3)]
        images = cast(images, tf.stack(gains, axis=1))
    if augmentation.grey:
        images = turn_grey(images, draw.uniform(0.0, 1.0) < augmentation.grey)
    if augmentation.lettering:
        printed = tf.cast(draw.uniform(0.0, 1.0) < augmentation.lettering, tf.float32)
        images = letter(
            images,
            draw.uniform(0.0, 1.0),
            opacity=printed * draw.uniform(*OPACITY),
            grey=draw.uniform(0.0, 255.0),
        )
    if augmentation.blur or augmentation.sharpness:
        images = blur(images, draw.uniform(-augmentation.sharpness, augmentation.blur))
    if augmentation.resolution:
        images = coarsen(images, draw.uniform(0.0, 1.0), lost=augmentation.resolution)
    return images
