"""What a training learns from: photos as the network sees them, and batches drawn from them."""

import collections
import dataclasses
import itertools
import math
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from gafas.crops import squeeze
from gafas.datasets.folders import check_trainable
from gafas.datasets.samples import EYEWEAR_LABELS, NOT_A_FACE, OTHER, TINTED, Sample
from gafas.datasets.scenes import FREE
from gafas.datasets.splits import Split
from gafas.images import load_image
from gafas.results import ImageArray
from gafas.training.augment import augment
from gafas.training.backend import tf
from gafas.training.covers import cover
from gafas.training.faces import Inputs, cut_centre, read_faces
from gafas.training.overlays import render, shade
from gafas.training.recipe import Input, Optimization, Recipe


def read_inputs(samples: Sequence[Sample], spec: Input, *, served: bool = False) -> Inputs:
    """Read photos as the network sees them, and say which: all those with a face.

    `served` is for `read_faces`.

    Raises:
        ImageError: a photo cannot be read.
    """
    if spec.view == "photo":
        photos = (load_image(sample.path) for sample in samples)
        size = (spec.width, spec.height)
        return Inputs(_squeeze(photos, len(samples), size=size, colour=spec.colour), tuple(samples))
    crops = read_faces(samples, side=spec.width, served=served)
    images = crops.images
    if spec.colour == "grey":
        images = _squeeze(images, len(images), size=images.shape[1:3], colour="grey")
    return crops._replace(images=images)


def _squeeze(
    images: Iterable[ImageArray], count: int, *, size: tuple[int, int], colour: str
) -> NDArray[np.uint8]:
    shape = (size[1], size[0], 1 if colour == "grey" else 3)
    rows = (squeeze(image, size=size, colour=colour) for image in images)
    return np.fromiter(rows, np.dtype((np.uint8, shape)), count)


def cut_size(images: NDArray[np.uint8], spec: Input) -> NDArray[np.uint8]:
    """Take the margin away from what `read_inputs` gave: what the served model would be shown."""
    return cut_centre(images, spec.width) if spec.view == "face" else images


def read_targets(
    samples: Sequence[Sample], labels: Sequence[str], *, not_a_face: bool = False
) -> NDArray[np.float32]:
    """Return one row per sample, `(N, labels)`: 1 in its label's column, tinted lenses half in two.

    What people would argue about should get honest middling probabilities; goggles, and what is no
    face, the same for every label. With `not_a_face` a column follows that is 1 where there is no
    face.
    """
    rows = dict(zip(labels, np.eye(len(labels), dtype=np.float32), strict=True))
    if set(labels) >= set(EYEWEAR_LABELS):
        # Who answers with one of these words has a column of it.
        rows.setdefault(TINTED, np.float32(0.5) * (rows["eyeglasses"] + rows["sunglasses"]))
        for label in (OTHER, NOT_A_FACE):
            rows.setdefault(label, np.full(len(labels), 1 / len(labels), np.float32))
    targets = np.stack([rows[sample.label] for sample in samples])
    if not not_a_face:
        return targets
    doubts = np.array([[sample.label == NOT_A_FACE] for sample in samples], np.float32)
    return np.concatenate([targets, doubts], axis=1)


@dataclasses.dataclass(frozen=True, slots=True)
class Watched:
    """The validation part in memory.

    Attributes:
        images: `(N, H, W, C)` 0–255, without a margin.
        targets: as those of `TrainingData`.
        samples: whose they are.
        confidences: how sure the detector was of each, `(N,)`; None for whole photos.
    """

    images: NDArray[np.float32]
    targets: NDArray[np.float32]
    samples: tuple[Sample, ...]
    confidences: NDArray[np.float64] | None = None

    def select_free(self) -> "Watched":
        """Return those alone that anybody may use."""
        at = np.array([s.facts.get("rights") == FREE for s in self.samples])
        chosen = tuple(itertools.compress(self.samples, at))
        sure = None if self.confidences is None else self.confidences[at]
        return Watched(self.images[at], self.targets[at], chosen, sure)


@dataclasses.dataclass(frozen=True, slots=True)
class TrainingData:
    """Arrays in memory.

    Attributes:
        images: `(N, H, W, C)` 0–255, as the network sees them; crops of faces have a margin.
        targets: `(N, labels)`, or one column more, as the network answers.
        watched: the validation part, or None.
        weights: how often each image is drawn, `(N,)`; None shows all of them in every epoch.
    """

    images: NDArray[np.uint8]
    targets: NDArray[np.float32]
    watched: Watched | None
    weights: NDArray[np.float64] | None = None


def read_data(recipe: Recipe, split: Split) -> TrainingData:
    """Read what a training learns from and watches; the split bears the recipe's own labels.

    Photos in which a recipe of faces finds none are left out.

    Raises:
        DataError: too few photos with a face are left.
        ImageError: a photo cannot be read.
    """
    watched = _read_watched(recipe, split.validation) if split.validation else None
    inputs = read_inputs(split.train, recipe.input)
    check_trainable(inputs.samples)
    changes = recipe.augmentation
    if changes.shaded:
        inputs = shade(inputs, changes.shaded, seed=recipe.seed)
    if changes.covered:
        inputs = cover(inputs, changes.covered, seed=recipe.seed)
    doubts = recipe.network.not_a_face
    targets = read_targets(inputs.samples, recipe.labels, not_a_face=doubts)
    if changes.rendered:
        drawn, soft = render(inputs, changes.rendered, labels=recipe.labels, seed=recipe.seed)
        images = np.concatenate([inputs.images, drawn.images])
        inputs = Inputs(images, inputs.samples + drawn.samples)
        soft = np.pad(soft, [(0, 0), (0, int(doubts))])  # they are faces
        targets = np.concatenate([targets, soft])
    weights = weigh(inputs.samples, recipe.optimization)
    return TrainingData(inputs.images, targets, watched, weights)


def _read_watched(recipe: Recipe, samples: Sequence[Sample]) -> Watched | None:
    seen = read_inputs(samples, recipe.input, served=True)
    if not seen.samples:
        return None
    shown = cut_size(seen.images, recipe.input).astype(np.float32)
    doubts = recipe.network.not_a_face
    targets = read_targets(seen.samples, recipe.labels, not_a_face=doubts)
    return Watched(shown, targets, seen.samples, seen.confidences)


_PEOPLE = ("gender", "race")


def weigh(samples: Sequence[Sample], plan: Optimization) -> NDArray[np.float64] | None:
    """Return how often to draw each sample, `(N,)`, mean 1; None where all are drawn once.

    Labels are evened out as far as `balance_labels` says, within each of them its sources (the fact
    `source`), and within those that tell gender and race, people.
    """
    if not plan.balance_labels and not plan.balance_sources and not plan.balance_people:
        return None
    labels = [sample.label for sample in samples]
    sources = [(sample.label, sample.facts.get("source", "")) for sample in samples]
    people = [tuple(s.facts[name] for name in _PEOPLE if name in s.facts) for s in samples]
    told = [(*source, bool(who)) for source, who in zip(sources, people, strict=True)]
    weights = (
        _even_out(labels, [""] * len(samples), balance=plan.balance_labels)
        * _even_out(sources, labels, balance=plan.balance_sources)
        * _even_out(people, told, balance=plan.balance_people)
    )
    return np.asarray(weights / weights.mean(), np.float64)


def _even_out(
    groups: Sequence[Hashable], within: Sequence[Hashable], *, balance: float
) -> NDArray[np.float64]:
    """Return factors by which a group of n weighs `n ** (1 - balance)`, and what it is in stays."""
    places = list(zip(within, groups, strict=True))
    before, after = collections.Counter[Hashable](), collections.Counter[Hashable]()
    sizes = collections.Counter(places)
    for (whole, _), size in sizes.items():
        before[whole] += size
        after[whole] += size ** (1 - balance)
    return np.array([sizes[at] ** -balance * before[at[0]] / after[at[0]] for at in places])


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


def make_batches(recipe: Recipe, data: TrainingData, *, first_epoch: int = 0) -> tf.data.Dataset:
    """Return the batches of all epochs from `first_epoch` to the recipe's last.

    Without weights an epoch holds every image once; with weights it holds as many images, each
    drawn as often as its weight says. Images may be larger than the recipe's input: their margin
    is what shifts, zooms and rotations bring in. A batch depends on the recipe's seed and on its
    own number alone, so a training that begins in the middle sees what an uninterrupted one would
    have seen there.
    """
    count, size = len(data.images), recipe.optimization.batch_size
    steps = count_steps(recipe, count)
    images, targets = tf.constant(data.images), tf.constant(data.targets)
    seen = (recipe.input.height, recipe.input.width)
    shape = (*seen, images.shape[3])
    ends = None
    if data.weights is not None:
        ends = tf.constant(np.cumsum(data.weights) / data.weights.sum(), tf.float32)

    def make_batch(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the images and targets of a batch by its number."""
        epoch, place = tf.cast(step // steps, tf.int32), tf.cast(step % steps, tf.int32)
        seed = tf.stack([recipe.seed, epoch])
        drawn = tf.range(count) if ends is None else draw(ends, seed=seed)
        order = tf.random.experimental.stateless_shuffle(drawn, seed=seed)
        chosen = order[place * size : (place + 1) * size]
        batch = tf.cast(tf.gather(images, chosen), tf.float32)
        batch = tf.ensure_shape(batch, (None, *images.shape[1:]))
        seed = tf.stack([recipe.seed + 1, tf.cast(step, tf.int32)])
        batch = augment(batch, recipe.augmentation, seed=seed, size=seen)
        return tf.ensure_shape(batch, (None, *shape)), tf.gather(targets, chosen)

    numbers = tf.data.Dataset.range(first_epoch * steps, recipe.optimization.epochs * steps)
    return numbers.map(make_batch, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def draw(ends: tf.Tensor, *, seed: tf.Tensor) -> tf.Tensor:
    """Draw as many places as there are weights, sorted, each as often as its weight says.

    `ends` says where each weight ends when they lie one after the other on a line from 0 to 1. The
    draw is systematic: equal steps along the line, begun at random. So a place of weight w is
    drawn at least floor(w) and at most ceil(w) times, but for rounding.
    """
    count = tf.shape(ends)[0]
    begin = tf.random.stateless_uniform([], tf.random.fold_in(seed, 1))
    marks = (tf.cast(tf.range(count), tf.float32) + begin) / tf.cast(count, tf.float32)
    return tf.minimum(tf.searchsorted(ends, marks, side="right"), count - 1)
