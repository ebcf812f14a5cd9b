"""Glasses drawn on bare faces that are learnt from: the same face with and without, clear to dark.

A set of photos teaches that eyewear goes with certain people, places and cameras. A drawn pair
changes nothing but the eyewear.
"""

import dataclasses
import itertools
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gafas.data.pairs import draw_glasses
from gafas.data.rendering import put_on
from gafas.data.samples import Sample
from gafas.training.pipeline import Inputs
from gafas.training.recipe import Augmentation

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
