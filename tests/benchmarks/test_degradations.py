import numpy as np
import pytest
from benchmarks.robustness import SWEEPS, Picture, add_noise, blur, compress, expose, rotate, shrink

from face_photos import portrait

PICTURE = Picture(portrait(), 219.4)


def spread(image: np.ndarray) -> float:
    """Return how much neighbouring pixels differ."""
    return float(np.abs(np.diff(image.astype(float), axis=1)).mean())


def test_blur_grows_with_the_face() -> None:
    small = blur(Picture(portrait(), 20), 0.05)
    large = blur(Picture(portrait(), 200), 0.05)
    assert spread(large) < 0.5 * spread(small) < 0.5 * spread(portrait())


def test_noise_has_the_deviation_that_it_is_called_by() -> None:
    grey = Picture(np.full((100, 100, 3), 128, np.uint8), 50)
    assert add_noise(grey, 20).std() == pytest.approx(20, rel=0.05)
    np.testing.assert_array_equal(add_noise(grey, 20), add_noise(grey, 20))
    assert (add_noise(grey, 20) != add_noise(Picture(grey.image, 50, seed=1), 20)).any()
    np.testing.assert_array_equal(add_noise(grey, 0), grey.image)


def test_a_worse_jpeg_is_farther_from_the_photo() -> None:
    def distance(quality: float) -> float:
        return float(np.abs(compress(PICTURE, quality) - portrait().astype(float)).mean())

    assert 0 < distance(95) < distance(30) < distance(5)


def test_shrinking_leaves_the_face_as_many_pixels_as_asked_for() -> None:
    small = shrink(PICTURE, 32)
    assert small is not None
    assert small.shape[1] / portrait().shape[1] * PICTURE.side == pytest.approx(32, abs=0.5)
    assert shrink(Picture(portrait(), 30), 32) is None


def test_half_a_turn_puts_the_head_upside_down_and_a_quarter_swaps_the_sides() -> None:
    np.testing.assert_array_equal(rotate(PICTURE, 180), portrait()[::-1, ::-1])
    height, width = portrait().shape[:2]
    assert rotate(PICTURE, 90).shape == (width, height, 3)
    # The whole photo stays in sight.
    assert min(rotate(PICTURE, 45).shape[:2]) > max(height, width)


def test_a_stop_less_is_half_the_light_and_one_more_clips() -> None:
    grey = Picture(np.full((4, 4, 3), 200, np.uint8), 2)
    assert (expose(grey, -1) == round(200 * 0.5 ** (1 / 2.2))).all()
    assert (expose(grey, 1) == 255).all()


def test_every_sweep_begins_mildly_and_gets_worse() -> None:
    assert len(SWEEPS) == 6
    assert all(6 <= len(sweep.levels) <= 8 for sweep in SWEEPS)
    for sweep in SWEEPS:
        steps = np.diff(sweep.levels)
        assert (steps > 0).all() or (steps < 0).all(), sweep.name
        worst = sweep.degrade(PICTURE, sweep.levels[-1])
        assert worst is not None
        assert worst.dtype == np.uint8
        assert worst.ndim == 3
