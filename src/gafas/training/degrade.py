"""What cameras and screens do to photos, on batches: colours that are off, and detail lost.

Each function takes `(N, H, W, C)` float32 images in 0–255 and one drawn number for each image.
"""

from typing import Final

from gafas.training.backend import tf

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
