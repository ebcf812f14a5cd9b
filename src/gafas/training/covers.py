"""Hats, helmets, hair and masks, drawn on faces that are learnt from.

What covers a head, and the shadow that it throws on the eyes, is most often taken for eyewear where
there is none: too few bare faces of the sets wear it.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from gafas.crops import Points
from gafas.datasets.samples import NOT_A_FACE, Sample
from gafas.results import ImageArray
from gafas.training.faces import Inputs
from gafas.training.overlays import change_some, find_axes, measure_from, smooth

Floats = NDArray[np.float64]

_CLOTH: Final = ((170, 200, 220), (225, 230, 235), (40, 42, 46), (120, 125, 130), (150, 190, 170))
"""Colours of masks: pale blue, white, black, grey, pale green; any other one, too."""


def cover(inputs: Inputs, share: float, *, seed: int) -> Inputs:
    """Cover a share of the faces; profiles stay as they are, and eyewear stays uncovered.

    Args:
        inputs: crops of faces, with their landmarks.
        share: of the crops, from 0 to 1.
        seed: equal seeds draw the same.
    """
    return change_some(inputs, share, _draw_cover, seed=seed)


def _draw_cover(
    sample: Sample, image: ImageArray, points: Points, generator: np.random.Generator
) -> ImageArray:
    if sample.label == NOT_A_FACE:
        return image
    draw = draw_mask if sample.label == "none" and generator.random() < 0.5 else draw_hat
    return draw(image, points, generator=generator)


def draw_mask(image: ImageArray, points: Points, *, generator: np.random.Generator) -> ImageArray:
    """Draw a mask from the nose, or the mouth, to the chin, with pleats and straps.

    Args:
        image: `(H, W, 3)` uint8 RGB. It is not changed.
        points: `(5, 2)` pixels, as `gafas.results.Face.landmarks`.
        generator: of the chances.

    Returns:
        A new image, or the same one where the eyes are too near to each other.
    """
    place = _measure(image, points)
    if place is None:
        return image
    a, b = place
    wide, chin = generator.uniform(0.85, 1.15), generator.uniform(1.6, 2.0)
    begin = generator.uniform(0.3, 0.6) if generator.random() < 0.85 else generator.uniform(0.8, 1)
    top = begin + generator.uniform(-0.15, 0.35) * a**2
    bottom = chin - generator.uniform(0.3, 0.7) * a**2
    inside = smooth((b - top) / 0.08) * smooth((bottom - b) / 0.1) * smooth((wide - abs(a)) / 0.1)
    folds = np.zeros_like(a)
    for share in generator.uniform(0.15, 0.85, int(generator.integers(0, 4))):
        folds += np.exp(-(((b - begin - (chin - begin) * share) / 0.035) ** 2) / 2)
    light = (
        (1 - 0.25 * (a / wide) ** 2) * (1 - 0.15 * folds) * (1 + generator.uniform(-0.2, 0.2) * a)
    )
    strap = np.exp(-(((b - begin - 0.1 + 0.9 * (abs(a) - wide)) / 0.03) ** 2) / 2)
    strap = strap * (abs(a) > wide - 0.05) * (generator.random() < 0.7)
    return _paint(image, np.maximum(inside, 0.8 * strap), light, generator=generator, cloth=True)


def draw_hat(image: ImageArray, points: Points, *, generator: np.random.Generator) -> ImageArray:
    """Draw a cap, a hat, a helmet with straps, or hair down the forehead, with its shadow.

    Takes and returns what `draw_mask` does.
    """
    place = _measure(image, points)
    if place is None:
        return image
    a, b = place
    shape = generator.random()
    edge = -generator.uniform(0.3, 0.95) + generator.uniform(-0.1, 0.35) * a**2
    reach, length = generator.uniform(1.0, 1.6), generator.uniform(0.15, 1.1)
    depth = generator.uniform(0, 0.75)
    shadow: Floats = depth * smooth((edge + length - b) / length) * (abs(a) < 1.3)
    lit = (image * (1 - shadow)[..., np.newaxis]).astype(np.uint8)
    light = 1 + generator.uniform(-0.3, 0.3) * a + generator.uniform(0, 0.3) * (b - edge)
    if shape < 0.25:  # hair
        strands = generator.normal(0, 0.06, (1, image.shape[1]))
        crown = smooth((edge + strands - b) / 0.06)
        sides = smooth((abs(a) - reach * 0.75 + strands) / 0.1) * (generator.random() < 0.5)
        return _paint(lit, np.maximum(crown, sides), light, generator=generator, cloth=False)
    crown = smooth((edge - b) / 0.05) * smooth((reach - abs(a)) / 0.1)
    if shape < 0.5:  # a helmet
        chin, slope = generator.uniform(1.5, 2.1), generator.uniform(0.3, 0.6)
        strap = np.exp(-(((abs(a) - 1 + slope * (b + 0.5) / chin) / 0.05) ** 2) / 2)
        crown = np.maximum(crown, strap * (b > edge) * (b < chin))
    result = _paint(lit, crown, light, generator=generator, cloth=True)
    if shape < 0.5 or generator.random() < 0.3:
        return result
    thick, wide = generator.uniform(0.05, 0.2), reach + generator.uniform(0.1, 0.8)
    brim = np.exp(-(((b - edge) / thick) ** 4)) * smooth((wide - abs(a)) / 0.1)
    return _paint(result, brim, light * 0.8, generator=generator, cloth=True)


def _measure(image: ImageArray, points: Points) -> tuple[Floats, Floats] | None:
    """Return where each pixel lies from the middle of the eyes; None for a profile.

    Aside it is measured in distances between the eyes, down in distances from them to the mouth.
    """
    axes = find_axes(points)
    if axes is None:
        return None
    across, down = axes
    middle = np.asarray(points[:2], np.float64).mean(axis=0)
    return measure_from(middle, image.shape[:2], across=across, down=down)


def _paint(
    image: ImageArray,
    share: Floats,
    light: Floats,
    *,
    generator: np.random.Generator,
    cloth: bool,
) -> ImageArray:
    """Paint cloth, or hair, over a share of each pixel."""
    colour = np.array(_CLOTH[generator.integers(len(_CLOTH))], np.float64)
    if not cloth:
        colour = generator.uniform(10, 110) * np.array([1.1, 0.95, 0.8])
    elif generator.random() < 0.5:
        colour = generator.uniform(10, 245, 3)
    colour *= np.clip(image.mean() / 128, 0.35, 1.2)  # it lies in the same light
    grain = generator.normal(1, generator.uniform(0.01, 0.08), image.shape[:2])
    painted = colour * (np.clip(light, 0.2, 1.5) * grain)[..., np.newaxis]
    mixed = image + (painted - image) * np.clip(share, 0, 1)[..., np.newaxis]
    result: ImageArray = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
    return result
