import dataclasses
import math

import numpy as np
import pytest

from gafas.errors import DataError
from gafas.results import ImageArray
from gafas.synthesis.glasses import Glasses, Outline, Reflection, ReflectionKind, draw_glasses
from gafas.synthesis.rendering import put_on

FRONTAL = np.array([(43.0, 53.0), (77.0, 53.0), (60.0, 74.0), (46.0, 88.0), (74.0, 88.0)])
LENSES = np.s_[50:62, 36:50]  # well inside the lens on the left
SEEDS = range(60)


def skin(size: int = 120) -> ImageArray:
    """Return evenly lit skin with a little grain."""
    grain = np.random.default_rng(7).integers(-6, 7, (size, size, 1))
    return (np.array([205, 160, 135]) + grain).astype(np.uint8)


def turn(points: np.ndarray, degrees: float) -> np.ndarray:
    """Turn points clockwise about the middle of a 120-pixel image."""
    angle = math.radians(degrees)
    matrix = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    turned: np.ndarray = (points - 60) @ matrix + 60
    return turned


def find_angle(image: ImageArray, bare: ImageArray) -> float:
    """Return the angle, in degrees, along which what was drawn is longest."""
    changed = np.abs(image.astype(int) - bare).sum(axis=2) > 60
    y, x = np.nonzero(changed)
    values, vectors = np.linalg.eigh(np.cov(np.stack([x, y])))
    across = vectors[:, np.argmax(values)]
    return math.degrees(math.atan2(across[1], across[0])) % 180


def test_equal_seeds_draw_equal_pairs_and_other_seeds_others() -> None:
    pairs = [draw_glasses(np.random.default_rng(seed)) for seed in SEEDS]

    assert pairs == [draw_glasses(np.random.default_rng(seed)) for seed in SEEDS]
    assert len({pair.outline for pair in pairs}) == len(SEEDS)


def test_the_same_pair_on_the_same_face_gives_the_same_image() -> None:
    glasses = draw_glasses(np.random.default_rng(1))

    np.testing.assert_array_equal(
        put_on(skin(), FRONTAL, glasses=glasses), put_on(skin(), FRONTAL, glasses=glasses)
    )


def test_drawn_pairs_are_clear_or_dark_and_rarely_between() -> None:
    generator = np.random.default_rng(3)
    darkness = np.array([draw_glasses(generator).darkness for _ in range(400)])

    assert 0.4 < (darkness <= 0.06).mean() < 0.6
    assert 0.3 < (darkness > 0.7).mean() < 0.55
    assert 0.02 < ((darkness > 0.1) & (darkness <= 0.5)).mean() < 0.15


def test_a_given_darkness_is_kept() -> None:
    assert draw_glasses(np.random.default_rng(0), darkness=0.83).darkness == 0.83


def test_every_drawn_pair_is_seen_and_only_around_the_eyes() -> None:
    bare = skin()
    generator = np.random.default_rng(11)
    pairs = [draw_glasses(generator) for _ in range(60)]
    changes = [
        np.abs(put_on(bare, FRONTAL, glasses=pair).astype(int) - bare).max(2) for pair in pairs
    ]

    assert all(np.sort(change.ravel())[-100:].mean() > 10 for change in changes)
    assert not any(change[:25].any() or change[98:].any() for change in changes)


def test_the_given_image_is_not_changed() -> None:
    image = skin()
    put_on(image, FRONTAL, glasses=Glasses(darkness=0.9))

    np.testing.assert_array_equal(image, skin())


def test_darker_lenses_of_the_same_pair_darken_the_lenses_more() -> None:
    pair = draw_glasses(np.random.default_rng(5), darkness=0.9)
    pair = dataclasses.replace(pair, mirror=0.0, outline=Outline(0.8, 0.6), drop=0.08)
    steps = [dataclasses.replace(pair, darkness=darkness) for darkness in (0, 0.25, 0.5, 0.75, 1)]
    levels = [put_on(skin(), FRONTAL, glasses=step)[LENSES].mean() for step in steps]

    assert np.all(np.diff(levels) < -5)


def test_clear_lenses_let_the_eyes_be_seen_and_opaque_ones_hide_them() -> None:
    image = skin()
    image[52:56, 41:46] = 30
    clear, opaque = (
        put_on(image, FRONTAL, glasses=Glasses(darkness=d, shadow=0.0)) for d in (0.0, 1.0)
    )

    assert np.ptp(clear[LENSES].mean(axis=2)) > 100
    assert np.ptp(opaque[LENSES].mean(axis=2)) < 12


@pytest.mark.parametrize("degrees", [-40, -15, 20, 45])
def test_a_leaning_face_gets_leaning_glasses(degrees: float) -> None:
    bare, points = skin(), turn(FRONTAL, degrees)
    found = find_angle(put_on(bare, points, glasses=Glasses(darkness=0.9)), bare)

    assert abs((found - degrees + 90) % 180 - 90) < 3


def test_a_turned_head_narrows_the_far_lens_and_shows_the_near_temple() -> None:
    # The nose points to the picture's right: the lens on the right is the far one.
    turned = np.array([(50.0, 53.0), (74.0, 53.0), (72.0, 73.0), (55.0, 86.0), (73.0, 86.0)])
    bare = skin()
    changed = (
        np.abs(put_on(bare, turned, glasses=Glasses(darkness=1.0)).astype(int) - bare).max(2) > 60
    )
    columns = np.flatnonzero(changed[40:66].any(axis=0))
    row = np.flatnonzero(changed[54])

    assert 62 - columns[0] > 1.5 * (columns[-1] - 62)
    assert columns[0] < row[0] - 5  # the temple reaches further back than the lens


def test_a_dark_photo_gets_dark_frames_and_a_grey_one_grey_frames() -> None:
    gold = Glasses(colour=(240.0, 200.0, 60.0), accent=(240.0, 200.0, 60.0), rim=0.12, gloss=0.0)
    grey = np.repeat(skin()[..., :1], 3, axis=2)
    bright, dim = put_on(skin(), FRONTAL, glasses=gold), put_on(skin() // 4, FRONTAL, glasses=gold)
    rim = bright[..., 2] < 80

    assert rim.sum() > 100
    assert dim[rim].mean() < 0.5 * bright[rim].mean()
    assert np.ptp(put_on(grey, FRONTAL, glasses=gold).astype(int), axis=2).max() <= 1


@pytest.mark.parametrize("kind", ["streak", "window", "blob", "sky", "haze"])
def test_reflections_brighten_the_lenses_and_nothing_else(kind: ReflectionKind) -> None:
    plain = Glasses(darkness=0.9)
    shining = dataclasses.replace(plain, reflection=Reflection(kind, y=0.0, strength=0.8))
    before, after = (put_on(skin(), FRONTAL, glasses=pair).astype(int) for pair in (plain, shining))

    assert (after - before)[LENSES].mean() > 5
    assert (after - before).min() >= -1
    np.testing.assert_array_equal(after[75:], before[75:])


def test_a_face_at_the_border_or_outside_is_cut_off() -> None:
    bare = skin()

    assert (put_on(bare, FRONTAL - (60, 0), glasses=Glasses()) != bare).any()
    np.testing.assert_array_equal(put_on(bare, FRONTAL + 1000, glasses=Glasses()), bare)


@pytest.mark.parametrize("points", [FRONTAL[:4], FRONTAL * np.nan, FRONTAL * 0])
def test_what_is_no_face_is_refused(points: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"five landmarks, .* two eyes at least one pixel apart"):
        put_on(skin(), points, glasses=Glasses())
