from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.robustness import (
    DARKNESS,
    Sweep,
    choose_samples,
    expose,
    measure_lenses,
    measure_robustness,
    shrink,
)
from PIL import Image

from benchmarks import robustness
from brightness_model import METADATA, brightness_model
from eyewear_model import eyewear_model, scene
from face_photos import faceless
from gafas.classifier import EyewearClassifier
from gafas.datasets.samples import Sample
from gafas.errors import DataError

SWEEPS = (
    Sweep("exposure", "stops", (0, -5), expose),
    Sweep("size", "pixels", (64, 5), shrink),
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
def sheet(classifier: EyewearClassifier, samples: list[Sample]) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(robustness, "SWEEPS", SWEEPS)
        return measure_robustness(classifier, samples)


def test_photos_without_a_face_to_begin_with_are_counted_apart(sheet: dict[str, Any]) -> None:
    assert sheet["photos"] == {"none": 2, "sunglasses": 1}
    assert sheet["missed_unchanged"] == 1


def test_the_model_of_brightness_fails_as_photos_get_dark(sheet: dict[str, Any]) -> None:
    exposure = sheet["sweeps"][0]
    assert (exposure["name"], exposure["unit"]) == ("exposure", "stops")
    plain, dark = exposure["levels"]
    assert (plain["level"], plain["photos"], plain["found"], plain["right"]) == (0, 3, 1.0, 1.0)
    assert dark["right"] < 0.7
    assert dark["right"] == pytest.approx(dark["found"] * (dark["accuracy"] or 0))
    assert dark["right_wilson"][0] < dark["right"] < dark["right_wilson"][1]


def test_a_face_that_gets_lost_counts_as_wrong(sheet: dict[str, Any]) -> None:
    readable, tiny = sheet["sweeps"][1]["levels"]
    assert (readable["found"], readable["right"]) == (1.0, 1.0)
    assert (tiny["found"], tiny["right"], tiny["accuracy"], tiny["wrong"]) == (0.0, 0.0, None, None)


def test_a_level_that_no_photo_can_have_says_so(
    classifier: EyewearClassifier, samples: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robustness, "SWEEPS", (Sweep("size", "pixels", (900,), shrink),))
    found = measure_robustness(classifier, samples)
    assert found["sweeps"][0]["levels"] == [{"level": 900, "photos": 0}]


def test_darker_lenses_on_the_same_faces_darken_what_the_model_sees(
    classifier: EyewearClassifier, samples: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robustness, "DARKNESS", (0.0, 0.5, 1.0))
    found = measure_lenses(classifier, samples)
    assert found["photos"] == 2
    assert [level["darkness"] for level in found["levels"]] == [None, 0.0, 0.5, 1.0]
    assert all(level["found"] == 1 for level in found["levels"])
    none = [level["mean_probabilities"]["none"] for level in found["levels"]]
    assert none[0] > none[1] > none[2] > none[3]
    assert all(sum(level["answers"].values()) == 2 for level in found["levels"])
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
