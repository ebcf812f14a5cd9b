"""Shadows, bags and brows are drawn around the eyes of faces, and change nothing else."""

import numpy as np
import pytest

from gafas.training.batches import Inputs
from gafas.training.shading import draw_shades, shade
from portrait_inputs import cut_portraits

SIDE = 96
COUNT = 60


@pytest.fixture(scope="module")
def faces() -> Inputs:
    """Give crops of one face, many times."""
    return cut_portraits(["none"] * COUNT, side=SIDE)


def test_the_share_is_drawn_on_each_in_its_own_way_and_the_rest_is_left_alone(
    faces: Inputs,
) -> None:
    before = faces.images.copy()
    shaded = shade(faces, 0.5, seed=3)
    assert np.array_equal(faces.images, before)
    touched = (shaded.images != faces.images).any(axis=(1, 2, 3))
    assert 18 < touched.sum() < 42
    assert len(np.unique(shaded.images[touched].reshape(touched.sum(), -1), axis=0)) > 15
    assert shaded.samples == faces.samples
    assert shaded.points is faces.points


def test_the_same_seed_draws_the_same(faces: Inputs) -> None:
    first, again, other = (shade(faces, 0.4, seed=seed).images for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_what_is_drawn_lies_around_the_eyes_and_mostly_darkens(faces: Inputs) -> None:
    assert faces.points is not None
    change = shade(faces, 1.0, seed=7).images.astype(float) - faces.images
    much = (np.abs(change).max(axis=3) > 12).mean(axis=0)  # how often each pixel changes
    middle, mouth = (faces.points[0, rows, 1].mean() for rows in (slice(0, 2), slice(3, 5)))
    around = slice(round(middle - 0.6 * (mouth - middle)), round(middle + 0.6 * (mouth - middle)))
    outside = np.delete(much, np.r_[around], axis=0)
    assert much[around].max() > 0.3
    assert outside.max() == 0
    assert change[:, around].mean() < -1


def test_eyes_in_profile_are_left_alone(faces: Inputs) -> None:
    assert faces.points is not None
    points = faces.points[0].copy()
    points[1] = points[0] + (3, 0)
    drawn = draw_shades(faces.images[0], points, generator=np.random.default_rng(0))
    assert np.array_equal(drawn, faces.images[0])
