"""Random changes to training images, as one TensorFlow graph that is a pure function of a seed.

Every change is drawn with stateless generators from `(seed, step)`: the same step sees the same
changes whatever ran before it, so an interrupted training goes on exactly where it stopped.
"""

import math

from gafas.training.backend import tf
from gafas.training.degrade import QUALITIES, bend, blur, cast, coarsen, compress, fade, turn_grey
from gafas.training.lettering import OPACITY, letter
from gafas.training.recipe import Augmentation


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
