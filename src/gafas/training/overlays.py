"""What is drawn on faces that are learnt from: glasses, and what is easily taken for them.

A set of photos teaches that eyewear goes with certain people, places and cameras; a drawn pair
changes nothing but the eyewear. And what a bare face was most often taken for eyewear by is bags
and rings under the eyes, whose creases curve like the lower rims; heavy brows, like the upper ones;
creases across the bridge of the nose; eyes that lie in the dark. Too few faces have them to learn
it from. They are drawn on faces with any label, as worn by all.
"""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gafas.crops import Points
from gafas.datasets.samples import Sample
from gafas.results import ImageArray
from gafas.synthesis.glasses import draw_glasses
from gafas.synthesis.rendering import put_on
from gafas.training.faces import Inputs

Floats = NDArray[np.float64]

Drawing = Callable[[Sample, ImageArray, Points, np.random.Generator], ImageArray]
"""Draws on the crop of a sample by its landmarks and by chance, and returns a new one."""

SOURCE: Final = "rendered"
"""The fact `source` of these images."""

_VISIBLE: Final = 24.0
"""Rimless glasses may hardly change a crop: an image in which 4 % of the pixels around the eyes
change by no more than this, of 255, would teach that a bare face wears eyeglasses."""

_LEAST_APART: Final = 1.5  # pixels from eye to eye: on less no glasses can be drawn

# How often lenses are clear, tinted and dark, and from where to where each kind reaches.
_SHARES: Final = (0.47, 0.11, 0.42)
_KINDS: Final = ((0.0, 0.1), (0.1, 0.7), (0.7, 1.0))
_SLIDE: Final = (0.2, 0.7)


def render(
    inputs: Inputs, pairs: float, *, labels: tuple[str, ...], seed: int
) -> tuple[Inputs, NDArray[np.float32]]:
    """Draw so many pairs of glasses, on average, on each bare face, as images of their own.

    Lenses up to a darkness of 0.2 are eyeglasses, from 0.7 on sunglasses; between, targets slide.

    Returns:
        The drawn images, labelled by what they show more of, and their targets `(N, labels)`.
    """
    assert inputs.points is not None  # a recipe that renders looks at faces
    generator = np.random.default_rng(seed)
    apart = np.hypot(*(inputs.points[:, 1] - inputs.points[:, 0]).T)  # a profile has but one eye
    bare = [
        at
        for at, sample in enumerate(inputs.samples)
        if sample.label == "none" and apart[at] >= _LEAST_APART
    ]
    drawn = np.repeat(bare, int(pairs) + (generator.random(len(bare)) < pairs % 1))
    images = np.empty((len(drawn), *inputs.images.shape[1:]), np.uint8)
    targets = np.zeros((len(drawn), len(labels)), np.float32)
    samples = []
    for row, at in enumerate(drawn.tolist()):
        kind = _KINDS[generator.choice(len(_KINDS), p=_SHARES)]
        darkness = float(generator.uniform(*kind))
        glasses = draw_glasses(generator, darkness=darkness)
        images[row] = put_on(inputs.images[at], inputs.points[at], glasses=glasses)
        sun = float(np.interp(darkness, _SLIDE, (0, 1)))
        targets[row, [labels.index("eyeglasses"), labels.index("sunglasses")]] = 1 - sun, sun
        samples.append(_relabel(inputs.samples[at], "sunglasses" if sun >= 0.5 else "eyeglasses"))
    seen = [_is_visible(inputs.images[at], image) for at, image in zip(drawn, images, strict=True)]
    kept = tuple(itertools.compress(samples, seen))
    return Inputs(images[seen], kept, None), targets[seen]


def _is_visible(bare: NDArray[np.uint8], drawn: NDArray[np.uint8]) -> bool:
    rows = slice(bare.shape[0] // 4, bare.shape[0] * 3 // 4)
    change = np.abs(drawn[rows].astype(np.int16) - bare[rows]).max(axis=2)
    return bool(np.percentile(change, 96) > _VISIBLE)


def _relabel(sample: Sample, label: str) -> Sample:
    return dataclasses.replace(sample, label=label, facts={**sample.facts, "source": SOURCE})


_NARROWEST: Final = 0.25  # eyes nearer to each other, in distances from the mouth: a profile
_TINT: Final = np.array([0.85, 1.0, 1.0])  # shadows on skin are a little red
_HAIR: Final = (15.0, 75.0)  # the brightness of brows, of 255


def shade(inputs: Inputs, share: float, *, seed: int) -> Inputs:
    """Draw shadows, creases and brows on a share of the faces; profiles stay as they are.

    Args:
        inputs: crops of faces, with their landmarks.
        share: of the crops, from 0 to 1.
        seed: equal seeds draw the same.
    """

    def draw(_: Sample, image: ImageArray, points: Points, by: np.random.Generator) -> ImageArray:
        """Draw on any face, whatever it wears."""
        return draw_shades(image, points, generator=by)

    return change_some(inputs, share, draw, seed=seed)


def change_some(inputs: Inputs, share: float, draw: Drawing, *, seed: int) -> Inputs:
    """Draw on a share of the faces; equal seeds choose, and draw, the same."""
    assert inputs.points is not None  # a recipe that draws looks at faces
    generator = np.random.default_rng(seed)
    images = inputs.images.copy()
    for at in np.flatnonzero(generator.random(len(images)) < share).tolist():
        images[at] = draw(inputs.samples[at], images[at], inputs.points[at], generator)
    return inputs._replace(images=images)


def draw_shades(image: ImageArray, points: Points, *, generator: np.random.Generator) -> ImageArray:
    """Draw some shadows, creases and brows, drawn by chance, on one face in colour.

    Args:
        image: `(H, W, 3)` uint8 RGB. It is not changed.
        points: `(5, 2)` pixels, as `gafas.results.Face.landmarks`.
        generator: of the chances.

    Returns:
        A new image, or the same one where the eyes are too near to each other.
    """
    axes = find_axes(points)
    if axes is None:
        return image
    across, down = axes
    left, right = np.asarray(points[:2], np.float64)
    size = image.shape[0], image.shape[1]
    grain = _draw_grain(generator, size)
    darkness, hair = np.zeros(size), np.zeros(size)
    marks = _choose_marks(generator)
    brow = _choose_brow(generator)
    light = 1 + generator.uniform(-0.5, 0.5)  # of one side, the other has the rest of 2
    for eye, outward, much in ((left, -across, light), (right, across, 2 - light)):
        a, b = measure_from(eye, size, across=outward, down=down)
        for mark in marks:
            darkness = 1 - (1 - darkness) * (1 - np.clip(much * mark(a, b), -0.3, 0.9))
        hair = np.maximum(hair, brow(a, b))
    lit = image * (1 - (darkness * grain)[..., np.newaxis] * _TINT)
    colour = generator.uniform(*_HAIR) * np.array([1.1, 1.0, 0.9])
    lit += (colour - lit) * np.clip(hair * grain, 0, 1)[..., np.newaxis]
    result: ImageArray = np.clip(lit + 0.5, 0, 255).astype(np.uint8)
    return result


_Mark = Callable[[Floats, Floats], Floats]
"""How dark it is so far outward from an eye, in eye distances, and so far below, in distances
between the eyes and the mouth."""


def find_axes(points: Points) -> tuple[Floats, Floats] | None:
    """Return the ways from the left eye to the right, and from between the eyes to the mouth.

    Returns None for a profile, in which the eyes are too near to each other to draw by them.
    """
    left, right = np.asarray(points[:2], np.float64)
    down = np.asarray(points[3:], np.float64).mean(axis=0) - (left + right) / 2
    across = right - left
    return None if np.hypot(*across) < _NARROWEST * np.hypot(*down) else (across, down)


def measure_from(
    origin: Floats, size: tuple[int, int], *, across: Floats, down: Floats
) -> tuple[Floats, Floats]:
    """Return how far each pixel of an image of (height, width) lies from a point, along two ways.

    The unit of each is the length of the way.
    """
    y, x = np.mgrid[: size[0], : size[1]]
    apart = np.stack([x - origin[0], y - origin[1]])
    a, b = np.tensordot(np.linalg.inv(np.stack([across, down], axis=1)), apart, axes=1)
    return a, b


def _draw_grain(generator: np.random.Generator, size: tuple[int, int]) -> Floats:
    """Return a factor for each pixel, about 1: skin and hair are not even."""
    rough = generator.normal(1, 0.3, size)
    smooth = (rough + np.roll(rough, 1, 0) + np.roll(rough, 1, 1) + np.roll(rough, (1, 1))) / 4
    return np.clip(smooth, 0, 2)


def _choose_marks(generator: np.random.Generator) -> list[_Mark]:
    chances = ((0.6, _socket), (0.75, _bag), (0.25, _bag), (0.12, _bridge), (0.12, _corner))
    return [choose(generator) for chance, choose in chances if generator.random() < chance]


def _socket(generator: np.random.Generator) -> _Mark:
    dark, height = generator.uniform(0.1, 0.65), generator.uniform(-0.12, 0.08)
    wide, tall = generator.uniform(0.16, 0.32), generator.uniform(0.08, 0.2)
    return lambda a, b: dark * np.exp(-((a / wide) ** 2 + ((b - height) / tall) ** 2) / 2)


def _bag(generator: np.random.Generator) -> _Mark:
    """Return a crease below the eye, which curves up at both ends, and what it encloses."""
    dark, filled = generator.uniform(0.05, 0.32), generator.uniform(-0.1, 0.2)
    wide, deep = generator.uniform(0.2, 0.34), generator.uniform(0.14, 0.34)
    thick, aside = generator.uniform(0.02, 0.06), generator.uniform(-0.08, 0.05)
    from_, to = generator.uniform(-1.0, -0.2), generator.uniform(0.2, 1.0)

    def mark(a: Floats, b: Floats) -> Floats:
        """Measure along the crease, from -1 at its inner end to 1, and across it."""
        along = (a - aside) / wide
        crease = deep * np.sqrt(np.clip(1 - along**2, 0, 1))
        ends = smooth((along - from_) / 0.3) * smooth((to - along) / 0.3)
        inside = smooth((crease - b) / 0.06) * smooth(b / 0.1) * (np.abs(along) < 1)
        return dark * ends * np.exp(-(((b - crease) / thick) ** 2) / 2) + filled * inside

    return mark


def _bridge(generator: np.random.Generator) -> _Mark:
    """Return a crease across the bridge of the nose."""
    dark, height = generator.uniform(0.05, 0.25), generator.uniform(-0.2, 0.15)
    thick, arch = generator.uniform(0.015, 0.035), generator.uniform(-0.6, 0.6)
    end = generator.uniform(-0.38, -0.25)

    def mark(a: Floats, b: Floats) -> Floats:
        """Curve about the middle of the nose, half an eye distance inward."""
        line = height + arch * (a + 0.5) ** 2
        near = smooth((end - a) / 0.1) * (a > -0.5)
        return dark * near * np.exp(-(((b - line) / thick) ** 2) / 2)

    return mark


def _corner(generator: np.random.Generator) -> _Mark:
    """Return a crease from the outer corner of the eye towards the ear."""
    dark, slope = generator.uniform(0.05, 0.25), generator.uniform(-0.6, 0.6)
    thick, end = generator.uniform(0.015, 0.035), generator.uniform(0.4, 0.7)
    start, height = generator.uniform(0.22, 0.32), generator.uniform(-0.08, 0.08)

    def mark(a: Floats, b: Floats) -> Floats:
        """Keep to a straight line."""
        line = height + slope * (a - start)
        near = smooth((a - start) / 0.05) * smooth((end - a) / 0.1)
        return dark * near * np.exp(-(((b - line) / thick) ** 2) / 2)

    return mark


def _choose_brow(generator: np.random.Generator) -> _Mark:
    if generator.random() > 0.6:
        return lambda a, b: np.zeros_like(a)
    dense, thick = generator.uniform(0.2, 0.75), generator.uniform(0.035, 0.085)
    height, arch = generator.uniform(-0.42, -0.2), generator.uniform(0.0, 0.8)
    slope, end = generator.uniform(-0.3, 0.3), generator.uniform(0.3, 0.45)
    start = -0.5 if generator.random() < 0.15 else generator.uniform(-0.36, -0.22)

    def mark(a: Floats, b: Floats) -> Floats:
        """Thin out towards the outer end."""
        line = height + slope * a + arch * (a - 0.05) ** 2
        near = smooth((a - start) / 0.05) * smooth((end - a) / 0.12)
        width = thick * (1 - 0.6 * np.clip(a / end, 0, 1))
        return dense * near * np.exp(-(((b - line) / width) ** 2) / 2)

    return mark


def smooth(x: Floats) -> Floats:
    """Rise smoothly from 0 at -0.5 to 1 at 0.5."""
    t = np.clip(x + 0.5, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))
