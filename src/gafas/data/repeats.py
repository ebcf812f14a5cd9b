"""Find photos that lie in a data set more than once, so that a split never divides them."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from gafas.data.leaks import list_near
from gafas.data.samples import Sample


def merge_repeats(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """Give files that show the same moment the same photo: the first one's, in the given order.

    The audit's perceptual hash decides, so that what it would call a leak cannot come about. A
    hash is computed once per file and process; the audit that follows finds it ready.

    Raises:
        ImageError: a photo cannot be read.
    """
    roots = np.arange(len(samples))
    for first, second in list_near(samples):
        low, high = sorted((roots[first], roots[second]))
        roots[roots == high] = low  # whole groups join: repeats are few
    return tuple(
        dataclasses.replace(sample, photo=samples[root].photo)
        for sample, root in zip(samples, roots.tolist(), strict=True)
    )
