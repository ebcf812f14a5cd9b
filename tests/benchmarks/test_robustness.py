from pathlib import Path

import numpy as np
import pytest
from benchmarks.robustness import (
    DARKNESS,
    SWEEPS,
    LevelResult,
    Picture,
    Robustness,
    Sweep,
    add_noise,
    blur,
    choose_samples,
    compress,
    expose,
    measure_lenses,
    measure_robustness,
    rotate,
    shrink,
)
from PIL import Image

from benchmarks import robustness
from brightness_model import METADATA, brightness_model
from eyewear_model import eyewear_model, scene
from face_photos import faceless, portrait
from gafas.classifier import EyewearClassifier
from gafas.datasets.samples import Sample
from gafas.errors import DataError

PICTURE = Picture(portrait(), 219.4)

FEW = (
    Sweep("exposure", "stops", (0, -5), expose),
    Sweep("size", "pixels", (64, 2), shrink),
)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Return two bright scenes with a bare face, a dark one, and a landscape."""
    folder = tmp_path_factory.mktemp("photos")
    pictures = {
        "a.png": (scene(1, exposure=2.0), "none"),
        "b.png": (scene(2, exposure=2.0), "none"),
        "c.png": (scene(3, exposure=0.35), "sunglasses"),
        "d.png": (Image.fromarray(faceless()), "none"),
    }
    made = []
    for name, (picture, label) in pictures.items():
        picture.save(folder / name)
        made.append(Sample(folder / name, name, label, name))
    return made


@pytest.fixture(scope="module")
def classifier() -> EyewearClassifier:
    return EyewearClassifier(eyewear_model())


@pytest.fixture(scope="module")
def sheet(classifier: EyewearClassifier, samples: list[Sample]) -> Robustness:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(robustness, "SWEEPS", FEW)
        return measure_robustness(classifier, samples)


def test_photos_without_a_face_to_begin_with_are_counted_apart(sheet: Robustness) -> None:
    assert sheet.photos == {"none": 2, "sunglasses": 1}
    assert sheet.missed_unchanged == 1


def test_the_model_of_brightness_fails_as_photos_get_dark(sheet: Robustness) -> None:
    exposure = sheet.sweeps[0]
    assert (exposure.name, exposure.unit) == ("exposure", "stops")
    plain, dark = exposure.levels
    assert (plain.level, plain.photos, plain.found, plain.right) == (0, 3, 1.0, 1.0)
    assert dark.found is not None and dark.right is not None and dark.right_wilson is not None
    assert dark.right < 0.7
    assert dark.right == pytest.approx(dark.found * (dark.accuracy or 0))
    assert dark.right_wilson.low < dark.right < dark.right_wilson.high


def test_a_face_that_gets_lost_counts_as_wrong(sheet: Robustness) -> None:
    readable, tiny = sheet.sweeps[1].levels
    assert (readable.found, readable.right) == (1.0, 1.0)
    assert (tiny.found, tiny.right, tiny.accuracy, tiny.wrong) == (0.0, 0.0, None, None)


def test_a_level_that_no_photo_can_have_says_so(
    classifier: EyewearClassifier, samples: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robustness, "SWEEPS", (Sweep("size", "pixels", (900,), shrink),))
    found = measure_robustness(classifier, samples)
    assert found.sweeps[0].levels == (LevelResult(900, photos=0),)


def test_darker_lenses_on_the_same_faces_darken_what_the_model_sees(
    classifier: EyewearClassifier, samples: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robustness, "DARKNESS", (0.0, 0.5, 1.0))
    found = measure_lenses(classifier, samples)
    assert found.photos == 2
    assert [level.darkness for level in found.levels] == [None, 0.0, 0.5, 1.0]
    assert all(level.found == 1 for level in found.levels)
    none = [level.mean_probabilities["none"] or 0 for level in found.levels]
    assert none[0] > none[1] > none[2] > none[3]
    assert all(sum(level.answers.values()) == 2 for level in found.levels)
    assert measure_lenses(classifier, samples) == found


def test_without_a_face_there_is_nothing_to_make_worse(
    classifier: EyewearClassifier, samples: list[Sample]
) -> None:
    with pytest.raises(DataError, match="no photo shows a face"):
        measure_robustness(classifier, samples[3:])
    with pytest.raises(DataError, match="no photo shows a face"):
        measure_lenses(classifier, samples[2:3])
    whole = EyewearClassifier(brightness_model(metadata=METADATA))
    with pytest.raises(DataError, match="a model that looks at them"):
        measure_robustness(whole, samples)


def test_as_many_of_each_label_are_drawn_and_always_the_same() -> None:
    every = [
        Sample(Path(f"{at}"), f"{at:02}", "none" if at % 4 else "sunglasses", f"{at}")
        for at in range(40)
    ]
    chosen = choose_samples(every, per_label=12)
    assert [s.label for s in chosen].count("none") == 12
    assert [s.label for s in chosen].count("sunglasses") == 10
    assert choose_samples(every[::-1], per_label=12) == chosen
    assert len({s.name for s in chosen}) == 22


def test_the_dial_goes_from_clear_to_black() -> None:
    assert (DARKNESS[0], DARKNESS[-1]) == (0.0, 1.0)
    assert np.all(np.diff(DARKNESS) > 0)


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
