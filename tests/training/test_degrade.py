import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from gafas.training.augment import bend, blur, cast, coarsen, compress, fade, turn_grey

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
