"""Glasses, shadows, bags and brows are drawn on faces, and change nothing else."""

import numpy as np
import pytest

from gafas.datasets.samples import EYEWEAR_LABELS
from gafas.training.faces import Inputs
from gafas.training.overlays import SOURCE, draw_shades, render, shade
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


def test_the_same_seed_shades_the_same(faces: Inputs) -> None:
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


@pytest.fixture(scope="module")
def people() -> Inputs:
    """Give four crops of one face, called bare, and one that wears something already."""
    return cut_portraits(["none"] * 4 + ["eyeglasses"], side=SIDE)


def test_as_many_pairs_are_drawn_on_bare_faces_as_the_share_says(people: Inputs) -> None:
    drawn, targets = render(people, 10.0, labels=EYEWEAR_LABELS, seed=1)
    assert 25 < len(drawn.images) == len(drawn.samples) == len(targets) <= 40
    assert {s.photo for s in drawn.samples} == {"0", "1", "2", "3"}
    assert {s.facts["source"] for s in drawn.samples} == {SOURCE}


def test_targets_say_eyewear_and_slide_from_eyeglasses_to_sunglasses(people: Inputs) -> None:
    drawn, targets = render(people, 20.0, labels=EYEWEAR_LABELS, seed=2)
    assert targets.sum(axis=1) == pytest.approx(1)
    assert (targets[:, 0] == 0).all()
    shares = targets[:, 2]
    assert (shares == 0).sum() > 10
    assert (shares == 1).sum() > 10
    assert ((shares > 0) & (shares < 1)).any()
    said = ["sunglasses" if share >= 0.5 else "eyeglasses" for share in shares]
    assert said == [s.label for s in drawn.samples]


def test_sunglasses_are_drawn_darker_than_eyeglasses(people: Inputs) -> None:
    drawn, targets = render(people, 20.0, labels=EYEWEAR_LABELS, seed=3)
    assert people.points is not None
    y = round(float(people.points[0, :2, 1].mean()))
    eyes = drawn.images[:, y - 4 : y + 5].mean(axis=(1, 2, 3))
    assert eyes[targets[:, 2] == 1].mean() < eyes[targets[:, 2] == 0].mean() - 10


def test_every_drawn_pair_can_be_seen(people: Inputs) -> None:
    drawn, _ = render(people, 20.0, labels=EYEWEAR_LABELS, seed=4)
    changed = np.abs(drawn.images.astype(int) - people.images[0]).max(axis=3) > 24
    assert changed.mean(axis=(1, 2)).min() > 0.01


def test_the_same_seed_draws_the_same(people: Inputs) -> None:
    first, second = (render(people, 2.0, labels=EYEWEAR_LABELS, seed=5)[0].images for _ in "ab")
    assert np.array_equal(first, second)
    other = render(people, 2.0, labels=EYEWEAR_LABELS, seed=6)[0].images
    assert first.shape != other.shape or not np.array_equal(first, other)
