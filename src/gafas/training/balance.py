"""Draw rare labels, sources and people more often than they come."""

import collections
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gafas.data.samples import Sample
from gafas.training.backend import tf
from gafas.training.recipe import Optimization

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
