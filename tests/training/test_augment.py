import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from gafas.training.augment import (
    augment,
    bend,
    blur,
    cast,
    coarsen,
    compress,
    draw_masks,
    fade,
    letter,
    turn_grey,
)
from gafas.training.recipe import Augmentation

SEED = (5, 8)


def change(
    images: NDArray[np.float32], augmentation: Augmentation, *, seed: tuple[int, int] = SEED
) -> NDArray[np.float32]:
    found = augment(tf.constant(images), augmentation, seed=tf.constant(seed))
    return np.asarray(found.numpy())


def dots(count: int, *, at: tuple[int, int] = (10, 14), size: int = 21) -> NDArray[np.float32]:
    """Draw `count` black squares with a bright dot of 3×3 pixels."""
    images = np.zeros((count, size, size, 1), np.float32)
    images[:, at[0] - 1 : at[0] + 2, at[1] - 1 : at[1] + 2] = 200
    return images


def centres(images: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the centre of each image's brightness, `(N, 2)` as (y, x)."""
    weight = images[..., 0] / images[..., 0].sum(axis=(1, 2), keepdims=True)
    y, x = np.mgrid[0 : images.shape[1], 0 : images.shape[2]]
    return np.stack([(weight * y).sum(axis=(1, 2)), (weight * x).sum(axis=(1, 2))], axis=1)


def gradient(count: int) -> NDArray[np.float32]:
    y, x = np.mgrid[0:15, 0:16]
    return np.repeat((y * 7 + x * 5.0).astype(np.float32)[None, ..., None], count, axis=0)


EVERYTHING = Augmentation(
    rotation=30, shift=0.2, shear=5, zoom=0.2, flip=True, brightness=0.3, contrast=0.3, noise=9
)


def test_equal_seeds_change_images_equally_and_others_do_not() -> None:
    images = gradient(8)
    first = change(images, EVERYTHING)
    assert np.array_equal(first, change(images, EVERYTHING))
    assert not np.allclose(first, change(images, EVERYTHING, seed=(5, 9)))
    assert not np.allclose(first, change(images, EVERYTHING, seed=(6, 8)))


def test_each_image_of_a_batch_is_changed_in_its_own_way() -> None:
    changed = change(gradient(6), EVERYTHING)
    assert len(np.unique(changed.reshape(6, -1), axis=0)) == 6


def test_an_augmentation_of_zero_changes_nothing() -> None:
    images = gradient(4)
    assert np.array_equal(change(images, Augmentation()), images)


def test_shapes_stay_and_values_stay_within_0_and_255() -> None:
    images = np.stack([np.zeros((15, 16, 3)), np.full((15, 16, 3), 255.0)] * 4).astype(np.float32)
    changed = change(images, Augmentation(brightness=0.5, contrast=0.5, noise=40))
    assert changed.shape == images.shape
    assert changed.min() == 0
    assert changed.max() == 255


def test_a_flip_mirrors_about_half_of_the_images_left_to_right() -> None:
    images = gradient(64)
    changed = change(images, Augmentation(flip=True))
    mirrored = np.array(
        [np.allclose(c, i[:, ::-1], atol=1e-3) for c, i in zip(changed, images, strict=True)]
    )
    as_before = np.array(
        [np.allclose(c, i, atol=1e-3) for c, i in zip(changed, images, strict=True)]
    )
    assert np.array_equal(mirrored, ~as_before)
    assert 16 <= mirrored.sum() <= 48


def test_a_shift_moves_a_dot_within_its_share_both_ways_and_no_further() -> None:
    images = dots(200, at=(10, 10))
    moved = centres(change(images, Augmentation(shift=0.2))) - 10
    reach = 0.2 * 21
    assert np.abs(moved).max() <= reach + 1e-3
    assert moved.min() < -0.8 * reach
    assert moved.max() > 0.8 * reach


def test_a_rotation_moves_a_dot_on_a_circle_within_its_angle() -> None:
    images = dots(200, at=(10, 15), size=21)
    moved = centres(change(images, Augmentation(rotation=30))) - 10
    radius = np.hypot(moved[:, 0], moved[:, 1])
    angles = np.degrees(np.arctan2(moved[:, 0], moved[:, 1]))
    assert radius == pytest.approx(5, abs=0.15)
    assert np.abs(angles).max() <= 31
    assert angles.min() < -20
    assert angles.max() > 20


def test_a_zoom_moves_a_dot_towards_the_centre_or_away_within_its_share() -> None:
    moved = centres(change(dots(200, at=(10, 15)), Augmentation(zoom=0.2)))
    assert moved[:, 0] == pytest.approx(10, abs=0.05)
    distances = moved[:, 1] - 10
    assert distances.min() >= 5 / 1.2 - 0.3
    assert distances.max() <= 5 / 0.8 + 0.3
    assert np.ptp(distances) > 1


def test_a_shear_leans_a_dot_sideways_and_the_centre_stays() -> None:
    moved = centres(change(dots(100, at=(4, 10)), Augmentation(shear=20)))
    assert np.abs(moved[:, 1] - 10).max() > 1
    still = centres(change(dots(100, at=(10, 10)), Augmentation(shear=20)))
    assert still == pytest.approx(np.full((100, 2), 10), abs=0.1)


def test_what_comes_in_from_outside_repeats_the_nearest_pixel() -> None:
    images = np.zeros((50, 20, 20, 1), np.float32)
    images[:, :, :10], images[:, :, 10:] = 60, 180
    changed = change(images, Augmentation(shift=0.4))
    assert changed.min() == pytest.approx(60)  # a fill of zero would be darker
    assert changed.max() == pytest.approx(180)
    assert changed[:, :, 0] == pytest.approx(np.full((50, 20, 1), 60), abs=1e-3)
    assert changed[:, :, -1] == pytest.approx(np.full((50, 20, 1), 180), abs=1e-3)


def test_brightness_scales_a_whole_image_within_its_share() -> None:
    changed = change(np.full((200, 5, 5, 1), 100, np.float32), Augmentation(brightness=0.3))
    assert np.ptp(changed, axis=(1, 2, 3)) == pytest.approx(0, abs=1e-3)
    level = changed[:, 0, 0, 0]
    assert 69.9 <= level.min() < 75
    assert 125 < level.max() <= 130.1


def test_contrast_keeps_the_mean_and_scales_the_spread_within_its_share() -> None:
    images = gradient(200) * np.float32(0.5) + np.float32(
        60
    )  # far enough from 0 and 255 not to be clipped
    changed = change(images, Augmentation(contrast=0.3))
    assert changed.mean(axis=(1, 2, 3)) == pytest.approx(images.mean(axis=(1, 2, 3)), rel=1e-4)
    spread = changed.std(axis=(1, 2, 3)) / images.std(axis=(1, 2, 3))
    assert 0.699 <= spread.min() < 0.75
    assert 1.25 < spread.max() <= 1.301


def test_noise_spreads_up_to_its_deviation_and_has_no_bias() -> None:
    changed = change(np.full((200, 20, 20, 1), 128, np.float32), Augmentation(noise=10))
    deviations = changed.std(axis=(1, 2, 3))
    assert deviations.min() < 2
    assert 8.5 < deviations.max() < 11.5
    assert changed.mean() == pytest.approx(128, abs=0.5)


def test_a_margin_is_cut_away_around_the_middle() -> None:
    images = np.random.default_rng(1).uniform(0, 255, (3, 20, 20, 3)).astype(np.float32)
    found = augment(tf.constant(images), Augmentation(), seed=tf.constant(SEED), size=(16, 16))
    assert np.asarray(found) == pytest.approx(images[:, 2:18, 2:18], abs=1e-2)


def test_a_shift_brings_in_the_margin_and_not_a_repeated_edge() -> None:
    images = np.repeat(np.linspace(0, 240, 20, dtype=np.float32)[None, None, :], 20, axis=1)
    images = np.repeat(images[..., None], 50, axis=0)
    found = augment(
        tf.constant(images), Augmentation(shift=0.12), seed=tf.constant(SEED), size=(16, 16)
    )
    slopes = np.diff(np.asarray(found), axis=2)
    assert slopes == pytest.approx(np.full(slopes.shape, 240 / 19), abs=0.05)
    assert np.ptp(np.asarray(found)[:, 0, 0, 0]) > 20


COLOURS = Augmentation(
    gamma=0.3, saturation=0.4, cast=0.1, grey=0.2, blur=0.8, resolution=0.8, noise=4
)


def test_colours_and_detail_follow_the_seed_alone_and_differ_from_image_to_image() -> None:
    images = np.random.default_rng(2).uniform(40, 200, (8, 16, 16, 3)).astype(np.float32)
    changed = change(images, COLOURS)
    assert np.array_equal(changed, change(images, COLOURS))
    assert not np.allclose(changed, change(images, COLOURS, seed=(5, 9)))
    repeated = change(np.repeat(images[:1], 8, axis=0), COLOURS)
    assert len(np.unique(repeated.reshape(8, -1), axis=0)) == 8


@pytest.mark.parametrize(
    "changes",
    [
        *(Augmentation(gamma=0.9), Augmentation(saturation=0.9), Augmentation(cast=0.9)),
        *(Augmentation(grey=0.9), Augmentation(blur=0.9), Augmentation(resolution=0.9)),
    ],
    ids=["gamma", "saturation", "cast", "grey", "blur", "resolution"],
)
def test_each_change_of_colours_or_detail_changes_images_within_0_and_255(
    changes: Augmentation,
) -> None:
    images = np.random.default_rng(2).uniform(0, 255, (8, 16, 16, 3)).astype(np.float32)
    changed = change(images, changes)
    assert changed.shape == images.shape
    assert np.abs(changed - images).mean() > 1
    assert (changed.min(), changed.max()) >= (0, 0)
    assert changed.max() <= 255


def test_sharpness_enlarges_the_steps_that_blur_makes_smaller() -> None:
    steps = np.where(np.arange(32) < 16, 100.0, 150.0).astype(np.float32)
    images = np.broadcast_to(steps[:, None], (50, 32, 32))[..., None].copy()
    sharp = change(images, Augmentation(sharpness=0.9))
    blurred = change(images, Augmentation(blur=0.9))
    step = [np.ptp(changed, axis=(1, 2, 3)) for changed in (sharp, blurred)]
    assert (step[0] > 50).all()
    assert step[0].max() > 70
    middle = blurred[:, 15:17, 16, 0]
    assert ((middle[:, 1] - middle[:, 0]) < 50).all()


Images = NDArray[np.float32]


def noisy(count: int = 4, *, size: int = 24) -> Images:
    generator = np.random.default_rng(3)
    return generator.uniform(30, 220, (count, size, size, 3)).astype(np.float32)


def each(*values: float) -> tf.Tensor:
    return tf.constant(values, tf.float32)


def spread(images: Images) -> NDArray[np.float32]:
    return np.asarray(images.std(axis=(1, 2, 3)))


def test_what_is_drawn_as_neutral_changes_nothing() -> None:
    images = noisy(2)
    ones, zeros = each(1, 1), each(0, 0)
    for changed in (
        bend(images, ones),
        fade(images, ones),
        cast(images, tf.ones((2, 3))),
        turn_grey(images, tf.constant([False, False])),
        blur(images, zeros),
        coarsen(images, zeros, lost=0.8),
    ):
        assert np.asarray(changed) == pytest.approx(images, abs=1e-3)


def test_gamma_keeps_black_and_white_and_moves_what_lies_between() -> None:
    images = np.zeros((2, 1, 3, 3), np.float32)
    images[:] = np.array([0, 127.5, 255])[None, None, :, None]
    changed = np.asarray(bend(images, each(2, 0.5)))
    assert changed[0, 0, :, 0] == pytest.approx([0, 63.75, 255], abs=0.01)
    assert changed[1, 0, :, 0] == pytest.approx([0, 180.31, 255], abs=0.01)


def test_saturation_keeps_the_luminance_and_scales_the_colour() -> None:
    images = np.tile(np.array([200, 100, 50], np.float32), (2, 3, 3, 1))
    changed = np.asarray(fade(images, each(0, 1.2)))
    luminance = 0.299 * 200 + 0.587 * 100 + 0.114 * 50
    assert changed[0] == pytest.approx(np.full((3, 3, 3), luminance), abs=0.01)
    assert changed[1, 0, 0] - luminance == pytest.approx(
        1.2 * (np.array([200, 100, 50]) - luminance), abs=0.01
    )


def test_a_cast_scales_each_channel_by_its_own_gain() -> None:
    gains = tf.constant([[1.1, 1.0, 0.8]])
    assert np.asarray(cast(np.full((1, 2, 2, 3), 100.0, np.float32), gains))[
        0, 0, 0
    ] == pytest.approx([110, 100, 80])


def test_only_the_chosen_images_turn_grey() -> None:
    images = noisy(2)
    changed = np.asarray(turn_grey(images, tf.constant([True, False])))
    assert np.ptp(changed[0], axis=2).max() == 0
    assert np.array_equal(changed[1], images[1])


def test_blur_smooths_by_its_share_keeps_the_mean_and_does_not_darken_the_rim() -> None:
    images = noisy(3)
    changed = np.asarray(blur(images, each(0, 0.5, 1)))
    left = spread(changed) / spread(images)
    assert left[0] == pytest.approx(1, abs=1e-4)
    assert 0.4 < left[1] < 0.7
    assert left[2] < 0.35
    flat = np.full((1, 9, 9, 3), 100, np.float32)
    assert np.asarray(blur(flat, each(1))) == pytest.approx(flat, abs=1e-3)


def test_coarse_images_lose_ever_more_detail_and_a_quarter_of_the_levels_keeps_all() -> None:
    images = np.repeat(noisy(1), 4, axis=0)
    changed = np.asarray(coarsen(images, each(0.2, 0.4, 0.6, 0.99), lost=0.75))
    assert np.array_equal(changed[0], images[0])
    left = spread(changed)
    assert left[0] > left[1] > left[2] > left[3] > 0
    # Six pixels enlarged four-fold: inside such a pixel there is no more than a slope.
    tiny = np.asarray(tf.image.resize(images[3:], (6, 6), antialias=True))
    assert changed[3] == pytest.approx(np.asarray(tf.image.resize(tiny, (24, 24)))[0], abs=1e-3)


def test_compression_changes_only_the_chosen_images_and_more_at_a_lower_quality() -> None:
    images = noisy(3)
    chosen = tf.constant([False, True, True])
    changed = np.asarray(compress(images, each(10, 90, 10), chosen=chosen))
    lost = np.abs(changed - images).mean(axis=(1, 2, 3))
    assert lost[0] == 0
    assert 0 < lost[1] < lost[2] * 0.85


SIDE = 96


def test_masks_are_lines_of_strokes_most_of_them_across_the_eyes() -> None:
    masks = draw_masks(SIDE)
    assert masks.shape == (400, SIDE, SIDE)
    inked = (masks > 127).mean(axis=(1, 2))
    assert 0.02 < np.median(inked) < 0.12
    assert (inked > 0.3).sum() == 0
    rows = np.any(masks > 127, axis=2)
    assert rows[:, 30:56].any(axis=1).mean() > 0.7  # where crops have the eyes
    wide = (masks > 127).any(axis=1).mean(axis=1)
    assert np.median(wide) > 0.3
    assert np.array_equal(masks, draw_masks.__wrapped__(SIDE))


def test_letters_cover_their_share_of_what_lies_below() -> None:
    images = tf.constant(np.full((2, SIDE, SIDE, 3), 200, np.float32))
    mask, grey = tf.constant([0.3, 0.3]), tf.constant([50.0, 50.0])
    printed = letter(images, mask, opacity=tf.constant([0.5, 0.0]), grey=grey).numpy()
    chosen = draw_masks(SIDE)[120]
    assert np.allclose(printed[0][chosen == 255], 125)
    assert np.allclose(printed[0][chosen == 0], 200)
    assert (chosen == 255).sum() > 50
    assert np.array_equal(printed[1], images[1])


def test_the_share_of_a_recipe_is_printed_on_each_in_its_own_way() -> None:
    images = np.full((200, SIDE, SIDE, 3), 128, np.float32)
    seed = tf.constant((3, 4))
    changed = augment(tf.constant(images), Augmentation(lettering=0.25), seed=seed).numpy()
    touched = (changed != 128).any(axis=(1, 2, 3))
    assert 30 < touched.sum() < 70
    assert len(np.unique(changed[touched].reshape(touched.sum(), -1), axis=0)) == touched.sum()
