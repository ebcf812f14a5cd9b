"""Glasses drawn on bare faces that are learnt from: the same face with and without, clear to dark.

A set of photos teaches that eyewear goes with certain people, places and cameras. A drawn pair
changes nothing but the eyewear.
"""

import collections
import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gafas.crops import squeeze
from gafas.datasets.samples import EYEWEAR_LABELS, TINTED, Sample
from gafas.images import load_image
from gafas.synthesis.glasses import draw_glasses
from gafas.synthesis.rendering import put_on
from gafas.training.augment import augment
from gafas.training.backend import tf
from gafas.training.faces import cut_centre, read_faces
from gafas.training.recipe import Augmentation, Input, Optimization, Recipe

_PEOPLE: Final = ("gender", "race")


def weigh(samples: Sequence[Sample], plan: Optimization) -> NDArray[np.float64] | None:
    """Return how often to draw each sample, `(N,)`, mean 1; None where all are drawn once.

    A label that n samples bear is drawn in proportion to `n ** (1 - balance_labels)`; within it a
    source (the fact `source`) with m samples in proportion to `m ** (1 - balance_sources)`. Where a
    source tells gender and race, its people are drawn alike as far as `balance_people` says.
    """
    if not plan.balance_labels and not plan.balance_sources and not plan.balance_people:
        return None
    groups = [(s.label, s.facts.get("source", "")) for s in samples]
    sizes = collections.Counter(groups)
    totals = collections.Counter(label for label, _ in groups)
    shares = {group: size ** (1 - plan.balance_sources) for group, size in sizes.items()}
    sums: dict[str, float] = collections.defaultdict(float)
    for (label, _), share in shares.items():
        sums[label] += share
    weights = np.array(
        [
            totals[g[0]] ** (1 - plan.balance_labels) * shares[g] / sums[g[0]] / sizes[g]
            for g in groups
        ]
    )
    weights *= _weigh_people(samples, plan.balance_people)
    return np.asarray(weights / weights.mean(), np.float64)


def _weigh_people(samples: Sequence[Sample], balance: float) -> NDArray[np.float64]:
    """Return factors that leave each label of each source its share; 1 where no people are told."""
    people = [tuple(s.facts[name] for name in _PEOPLE if name in s.facts) for s in samples]
    places = [(s.label, s.facts.get("source", "")) for s in samples]
    sizes = collections.Counter((*at, who) for at, who in zip(places, people, strict=True) if who)
    before, after = collections.Counter[tuple[str, str]](), collections.Counter[tuple[str, str]]()
    for (label, source, _), size in sizes.items():
        before[label, source] += size
        after[label, source] += size ** (1 - balance)
    return np.array(
        [
            sizes[(*at, who)] ** -balance * before[at] / after[at] if who else 1.0
            for at, who in zip(places, people, strict=True)
        ]
    )


def weigh_labels(targets: NDArray[np.floating], balance: float) -> NDArray[np.float64]:
    """Return what each sample counts, `(N,)`, mean 1: n of a label as much as `n ** (1 - balance)`.

    Args:
        targets: `(N, K)`, a 1 in the true label's column.
        balance: 0 counts samples as they come, 1 all labels alike.
    """
    sizes = targets.sum(axis=0)
    weights = targets @ np.where(sizes > 0, sizes, 1.0) ** -balance
    return np.asarray(weights / weights.mean(), np.float64)


def accumulate(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where each weight ends when they lie one after the other on a line from 0 to 1."""
    ends = np.cumsum(weights)
    return np.asarray(ends / ends[-1], np.float64)


def draw(ends: tf.Tensor, *, seed: tf.Tensor) -> tf.Tensor:
    """Draw as many places as there are weights, sorted, each as often as its weight says.

    The draw is systematic: equal steps along the line, begun at random. So a place of weight w is
    drawn at least floor(w) and at most ceil(w) times, but for rounding.
    """
    count = tf.shape(ends)[0]
    begin = tf.random.stateless_uniform([], tf.random.fold_in(seed, 1))
    marks = (tf.cast(tf.range(count), tf.float32) + begin) / tf.cast(count, tf.float32)
    return tf.minimum(tf.searchsorted(ends, marks, side="right"), count - 1)


class Inputs(NamedTuple):
    """Photos as the network sees them, 0–255, and whose they are.

    Attributes:
        images: whole photos, squeezed, `(N, height, width, channels)`, or crops of faces, which
            have a margin all around, see `gafas.training.faces`.
        samples: those of the given ones in which a face was found; a network of whole photos
            sees all.
        points: `(N, 5, 2)` landmarks in the crops' pixels; None for whole photos.
    """

    images: NDArray[np.uint8]
    samples: tuple[Sample, ...]
    points: NDArray[np.float64] | None = None


def read_inputs(samples: Sequence[Sample], spec: Input) -> Inputs:
    """Read photos as the network sees them, and say which: all those with a face.

    Raises:
        ImageError: a photo cannot be read.
    """
    if spec.view == "face":
        crops = read_faces(samples, side=spec.width)
        images = _turn_grey(crops.images) if spec.colour == "grey" else crops.images
        return Inputs(images, crops.samples, crops.points)
    return Inputs(_read_frames(samples, spec), tuple(samples))


def cut_size(images: NDArray[np.uint8], spec: Input) -> NDArray[np.uint8]:
    """Take the margin away from what `read_inputs` gave: what the served model would be shown."""
    return cut_centre(images, spec.width) if spec.view == "face" else images


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


SOURCE: Final = "rendered"
"""The fact `source` of these images."""

_VISIBLE: Final = 24.0
"""Rimless glasses may hardly change a crop: an image in which 4 % of the pixels around the eyes
change by no more than this, of 255, would teach that a bare face wears eyeglasses."""

# How lenses are worn: clear, tinted, dark; how dark clear ones are at most.
_SHARES: Final = (0.47, 0.11, 0.42)
_CLEAREST: Final = 0.1


def render(
    inputs: Inputs, plan: Augmentation, *, labels: tuple[str, ...], seed: int
) -> tuple[Inputs, NDArray[np.float32]]:
    """Draw `rendered` pairs of glasses, on average, on each bare face, as images of their own.

    From the plan's `clear` to its `dark` lenses the target slides from eyeglasses to sunglasses.

    Returns:
        The drawn images, labelled by what they show more of, and their targets `(N, labels)`.
    """
    generator = np.random.default_rng(seed)
    bare = [at for at, sample in enumerate(inputs.samples) if sample.label == "none"]
    share = plan.rendered
    drawn = np.repeat(bare, int(share) + (generator.random(len(bare)) < share % 1))
    images = np.empty((len(drawn), *inputs.images.shape[1:]), np.uint8)
    targets = np.zeros((len(drawn), len(labels)), np.float32)
    samples = []
    for row, at in enumerate(drawn.tolist()):
        darkness = _draw_darkness(generator, plan.dark)
        glasses = draw_glasses(generator, darkness=darkness)
        assert inputs.points is not None  # a recipe that renders looks at faces
        images[row] = put_on(inputs.images[at], inputs.points[at], glasses=glasses)
        sun = min(1.0, max(0.0, (darkness - plan.clear) / (plan.dark - plan.clear)))
        targets[row, [labels.index("eyeglasses"), labels.index("sunglasses")]] = 1 - sun, sun
        samples.append(_relabel(inputs.samples[at], "sunglasses" if sun >= 0.5 else "eyeglasses"))
    seen = [_is_visible(inputs.images[at], image) for at, image in zip(drawn, images, strict=True)]
    kept = tuple(itertools.compress(samples, seen))
    return Inputs(images[seen], kept, None), targets[seen]


def _is_visible(bare: NDArray[np.uint8], drawn: NDArray[np.uint8]) -> bool:
    rows = slice(bare.shape[0] // 4, bare.shape[0] * 3 // 4)
    change = np.abs(drawn[rows].astype(np.int16) - bare[rows]).max(axis=2)
    return bool(np.percentile(change, 96) > _VISIBLE)


def _draw_darkness(generator: np.random.Generator, dark: float) -> float:
    kind = generator.choice(len(_SHARES), p=_SHARES)
    return float(generator.uniform(*((0.0, _CLEAREST), (_CLEAREST, dark), (dark, 1.0))[kind]))


def _relabel(sample: Sample, label: str) -> Sample:
    return dataclasses.replace(sample, label=label, facts={**sample.facts, "source": SOURCE})
