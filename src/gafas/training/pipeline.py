"""From samples to batches: photos read once, then augmented anew in every epoch."""

import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gafas.data.samples import EYEWEAR_LABELS, TINTED, Sample
from gafas.frames import squeeze
from gafas.images import load_image
from gafas.training.augment import augment
from gafas.training.backend import tf
from gafas.training.balance import accumulate, draw
from gafas.training.faces import cut_centre, read_faces
from gafas.training.recipe import Input, Recipe


class Inputs(NamedTuple):
    """Photos as the network sees them, 0–255, and whose they are.

    Attributes:
        images: frames, `(N, height, width, channels)`, or crops of faces, which have a margin all
            around, see `gafas.training.faces`.
        samples: those of the given ones in which a face was found; a network of frames sees all.
        points: `(N, 5, 2)` landmarks in the crops' pixels; None for frames.
    """

    images: NDArray[np.uint8]
    samples: tuple[Sample, ...]
    points: NDArray[np.float64] | None = None


def read_inputs(samples: Sequence[Sample], spec: Input) -> Inputs:
    """Read photos as the network sees them, and say which: all those with a face.

    Raises:
        ImageError: a photo cannot be read.
    """
    if spec.frame == "face":
        crops = read_faces(samples, side=spec.width)
        images = _turn_grey(crops.images) if spec.colour == "grey" else crops.images
        return Inputs(images, crops.samples, crops.points)
    return Inputs(_read_frames(samples, spec), tuple(samples))


def cut_size(images: NDArray[np.uint8], spec: Input) -> NDArray[np.uint8]:
    """Take the margin away from what `read_inputs` gave: what the served model would be shown."""
    return cut_centre(images, spec.width) if spec.frame == "face" else images


def _turn_grey(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey = np.empty((*images.shape[:3], 1), np.uint8)
    for row, image in zip(grey, images, strict=True):
        row[...] = squeeze(image, size=(image.shape[1], image.shape[0]), colour="grey")
    return grey


def _read_frames(samples: Sequence[Sample], spec: Input) -> NDArray[np.uint8]:
    size = (spec.width, spec.height)
    channels = 1 if spec.colour == "grey" else 3
    inputs = np.empty((len(samples), spec.height, spec.width, channels), np.uint8)
    for row, sample in zip(inputs, samples, strict=True):
        row[...] = squeeze(load_image(sample.path), size=size, colour=spec.colour)
    return inputs


def read_targets(samples: Sequence[Sample], labels: Sequence[str]) -> NDArray[np.float32]:
    """Return one row per sample, `(N, labels)`: 1 in its label's column, tinted lenses half in two.

    What people would argue about should get honest middling probabilities.
    """
    rows = dict(zip(labels, np.eye(len(labels), dtype=np.float32), strict=True))
    if set(labels) >= set(EYEWEAR_LABELS):
        rows[TINTED] = np.float32(0.5) * (rows["eyeglasses"] + rows["sunglasses"])
    return np.stack([rows[sample.label] for sample in samples])


def count_steps(recipe: Recipe, samples: int) -> int:
    """Return how many batches an epoch has; the last may be smaller."""
    return math.ceil(samples / recipe.optimization.batch_size)


def stretch_epochs(recipe: Recipe, samples: int) -> Recipe:
    """Return the recipe with as many epochs as its least number of batches takes.

    >>> from gafas.training.recipe import make_recipe
    >>> stretched = stretch_epochs(make_recipe({"optimization": {"minimum_steps": 1000}}), 128)
    >>> stretched.optimization.epochs
    500
    """
    needed = math.ceil(recipe.optimization.minimum_steps / count_steps(recipe, samples))
    epochs = max(recipe.optimization.epochs, needed)
    optimization = dataclasses.replace(recipe.optimization, epochs=epochs)
    return dataclasses.replace(recipe, optimization=optimization)


def make_batches(
    recipe: Recipe,
    images: NDArray[np.uint8],
    *,
    targets: NDArray[np.float32],
    weights: NDArray[np.float64] | None = None,
    first_epoch: int = 0,
) -> tf.data.Dataset:
    """Return the batches of all epochs from `first_epoch` to the recipe's last.

    Without weights an epoch holds every image once; with weights it holds as many images, each
    drawn as often as its weight says. Images may be larger than the recipe's input: their margin
    is what shifts, zooms and rotations bring in. A batch depends on the recipe's seed and on its
    own number alone, so a training that begins in the middle sees what an uninterrupted one would
    have seen there.
    """
    count, size = len(images), recipe.optimization.batch_size
    steps = count_steps(recipe, count)
    held_images, held_targets = tf.constant(images), tf.constant(targets)
    size_seen = (recipe.input.height, recipe.input.width)
    shape = (*size_seen, images.shape[3])
    ends = None if weights is None else tf.constant(accumulate(weights), tf.float32)

    def make_batch(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the images and targets of a batch by its number."""
        epoch, place = tf.cast(step // steps, tf.int32), tf.cast(step % steps, tf.int32)
        seed = tf.stack([recipe.seed, epoch])
        drawn = tf.range(count) if ends is None else draw(ends, seed=seed)
        order = tf.random.experimental.stateless_shuffle(drawn, seed=seed)
        chosen = order[place * size : (place + 1) * size]
        batch = tf.cast(tf.gather(held_images, chosen), tf.float32)
        batch = tf.ensure_shape(batch, (None, *images.shape[1:]))
        seed = tf.stack([recipe.seed + 1, tf.cast(step, tf.int32)])
        batch = augment(batch, recipe.augmentation, seed=seed, size=size_seen)
        return tf.ensure_shape(batch, (None, *shape)), tf.gather(held_targets, chosen)

    numbers = tf.data.Dataset.range(first_epoch * steps, recipe.optimization.epochs * steps)
    return numbers.map(make_batch, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
