"""Hats, helmets, hair and masks cover what they should, and nothing that tells eyewear."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from gafas.datasets.samples import NOT_A_FACE
from gafas.training.covers import cover, draw_hat, draw_mask
from gafas.training.faces import Inputs
from portrait_inputs import cut_portraits

SIDE = 96
COUNT = 40

Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def faces() -> Inputs:
    """Give crops of one face, many times, called bare."""
    return cut_portraits(["none"] * COUNT, side=SIDE)


@pytest.fixture(scope="module")
def places(faces: Inputs) -> tuple[Floats, Floats]:
    """Return for every pixel how far aside of the middle, and how far below the eyes, it lies.

    The units are the distance between the eyes and the one from them to the mouth.
    """
    assert faces.points is not None
    left, right, _, *mouth = faces.points[0]
    eyes, lips = (left + right) / 2, np.mean(mouth, axis=0)
    assert abs(right[1] - left[1]) < 3  # upright: rows and columns will do
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.abs(x - eyes[0]) / (right[0] - left[0]), (y - eyes[1]) / (lips[1] - eyes[1])


def draw_often(draw: Callable[..., NDArray[np.uint8]], faces: Inputs) -> NDArray[np.bool_]:
    """Return which pixels change by more than a shade, `(COUNT, SIDE, SIDE)`."""
    assert faces.points is not None
    bare, points = faces.images[0], faces.points[0]
    drawn = [draw(bare, points, generator=np.random.default_rng(n)) for n in range(COUNT)]
    return np.asarray(np.abs(np.stack(drawn).astype(int) - bare).max(axis=3) > 8)


def test_a_mask_hides_mouth_and_chin_and_leaves_eyes_and_forehead(
    faces: Inputs, places: tuple[Floats, Floats]
) -> None:
    aside, below = places
    changed = draw_often(draw_mask, faces)
    mouth = (aside < 0.4) & (below > 1.05) & (below < 1.3)
    eyes = (aside < 0.7) & (below < 0.15)
    assert mouth.sum() > 50
    assert eyes.sum() > 500
    assert changed[:, mouth].mean() > 0.9
    assert not changed[:, eyes].any()


def test_a_hat_hides_the_forehead_and_leaves_the_chin(
    faces: Inputs, places: tuple[Floats, Floats]
) -> None:
    aside, below = places
    changed = draw_often(draw_hat, faces)
    forehead = (aside < 0.6) & (below < -1.1)
    chin = (aside < 0.08) & (below > 1.4)
    assert forehead.sum() > 50
    assert chin.sum() > 20
    assert changed[:, forehead].mean() > 0.9
    assert not changed[:, chin].any()


def test_the_shadow_of_a_hat_falls_on_the_eyes_of_some(
    faces: Inputs, places: tuple[Floats, Floats]
) -> None:
    assert faces.points is not None
    aside, below = places
    eyes = (aside > 0.3) & (aside < 0.7) & (abs(below) < 0.15)
    bare = faces.images[0][eyes].mean()
    light = [
        draw_hat(faces.images[0], faces.points[0], generator=np.random.default_rng(n))[eyes].mean()
        for n in range(COUNT)
    ]
    darkened = np.array(light) < 0.8 * bare
    assert 0.1 < darkened.mean() < 0.9


@pytest.mark.parametrize("draw", [draw_hat, draw_mask])
def test_profiles_are_left_alone(faces: Inputs, draw: Callable[..., NDArray[np.uint8]]) -> None:
    assert faces.points is not None
    points = faces.points[0].copy()
    points[1] = points[0] + (3, 0)
    drawn = draw(faces.images[0], points, generator=np.random.default_rng(0))
    assert np.array_equal(drawn, faces.images[0])


@pytest.mark.parametrize("draw", [draw_hat, draw_mask])
def test_covers_differ_and_the_given_image_stays(
    faces: Inputs, draw: Callable[..., NDArray[np.uint8]]
) -> None:
    assert faces.points is not None
    before = faces.images[0].copy()
    drawn = [
        draw(faces.images[0], faces.points[0], generator=np.random.default_rng(n))
        for n in (1, 1, 2)
    ]
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
    assert np.array_equal(faces.images[0], before)
    assert all(image.dtype == np.uint8 for image in drawn)


def test_the_share_is_covered_and_what_is_no_face_is_not(faces: Inputs) -> None:
    assert faces.points is not None
    before = faces.images.copy()
    labels = ["none", NOT_A_FACE] * (COUNT // 2)
    samples = tuple(
        dataclasses.replace(sample, label=label)
        for sample, label in zip(faces.samples, labels, strict=True)
    )
    mixed = faces._replace(samples=samples)
    every, half, other = (
        (cover(mixed, share, seed=seed).images != before).any(axis=(1, 2, 3))
        for share, seed in ((1.0, 3), (0.5, 3), (0.5, 4))
    )
    assert every.tolist() == [True, False] * (COUNT // 2)
    assert 4 < half.sum() < 16
    assert half.tolist() != other.tolist()
    assert np.array_equal(faces.images, before)
    assert cover(mixed, 1.0, seed=3).samples == samples


def test_the_same_seed_covers_the_same(faces: Inputs) -> None:
    first, again, other = (cover(faces, 0.6, seed=seed).images for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_masks_are_drawn_on_bare_faces_alone(faces: Inputs, places: tuple[Floats, Floats]) -> None:
    """Keep masks off eyewear: they would lie on the lower rims."""
    aside, below = places
    mouth = (aside < 0.15) & (below > 1.4) & (below < 1.55)
    masked = {}
    for label in ("none", "sunglasses"):
        samples = tuple(dataclasses.replace(sample, label=label) for sample in faces.samples)
        covered = cover(faces._replace(samples=samples), 1.0, seed=2).images
        change = np.abs(covered.astype(int) - faces.images).max(axis=3)[:, mouth]
        masked[label] = ((change > 8).mean(axis=1) > 0.8).sum()
    assert 10 < masked["none"] < 30
    assert masked["sunglasses"] == 0
