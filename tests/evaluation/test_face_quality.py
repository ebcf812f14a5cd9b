import dataclasses

import numpy as np
import pytest
from PIL import Image, ImageFilter

from face_photos import encode, face_model, portrait
from gafas.classifier import EyewearClassifier
from gafas.evaluation.predictions import QUALITY_VALUES, measure_quality
from gafas.recognizer import Recognizer
from gafas.results import Face, ImageArray

FRONTAL = ((40.0, 50.0), (80.0, 50.0), (60.0, 75.0), (45.0, 95.0), (75.0, 95.0))
GREY = np.full((64, 64, 3), 128, np.uint8)


def face(*, nose: tuple[float, float] = (60.0, 75.0), high: float = 80.0) -> Face:
    landmarks = (*FRONTAL[:2], nose, *FRONTAL[3:])
    return Face((30.0, 30.0, 90.0, 30.0 + high), landmarks, 0.9)


def seen(image: ImageArray) -> tuple[Face, ImageArray]:
    recognizer = Recognizer(EyewearClassifier(face_model()))
    found, crops = recognizer.recognize_with_crops(encode(image, "PNG"))
    return found[0].face, crops[0]


@pytest.mark.parametrize(
    ("nose", "yaw", "chin"),
    [
        ((60, 75), "frontal", "level"),
        ((68, 75), "turned right", "level"),
        ((52, 75), "turned left", "level"),
        ((76, 75), "profile right", "level"),
        ((44, 75), "profile left", "level"),
        ((60, 62), "frontal", "up"),
        ((60, 86), "frontal", "down"),
    ],
)
def test_the_nose_tells_where_the_head_is_turned(
    nose: tuple[float, float], yaw: str, chin: str
) -> None:
    facts = measure_quality(face(nose=nose), GREY).facts
    assert (facts["yaw"], facts["chin"]) == (yaw, chin)


def test_a_head_that_leans_is_not_taken_for_one_that_turns() -> None:
    turn = np.array([[0.8, 0.6], [-0.6, 0.8]])
    leaning = dataclasses.replace(
        face(), landmarks=tuple(map(tuple, (np.array(FRONTAL) @ turn).tolist()))
    )
    upright, turned = (measure_quality(one, GREY) for one in (face(), leaning))
    assert turned.turn == pytest.approx(upright.turn, abs=1e-9)
    assert turned.nod == pytest.approx(upright.nod, abs=1e-9)


@pytest.mark.parametrize(
    ("high", "size"), [(20.0, "32-63"), (63.5, "32-63"), (64.0, "64-127"), (300.0, "256 or more")]
)
def test_the_size_of_a_face_is_the_longer_side_of_its_box(high: float, size: str) -> None:
    found = measure_quality(face(high=high), GREY)
    assert found.face_pixels == pytest.approx(max(high, 60.0))
    assert found.facts["face_size"] == size


def test_light_is_the_mean_of_what_the_classifier_sees() -> None:
    for value, light in ((40, "dark"), (128, "medium"), (200, "bright")):
        patch = np.full((96, 96, 1), value, np.uint8)
        found = measure_quality(face(), patch)
        assert found.brightness == pytest.approx(value / 255, abs=0.002)
        assert found.facts["light"] == light


def test_blur_takes_sharpness_away_and_contrast_does_not_count() -> None:
    found, patch = seen(portrait())
    soft = np.asarray(Image.fromarray(patch).filter(ImageFilter.GaussianBlur(2)))
    plain, blurred, pale = (measure_quality(found, crop) for crop in (patch, soft, patch // 2 + 64))
    assert blurred.sharpness < 0.5 * plain.sharpness
    assert blurred.facts["sharpness"] == "blurred"
    assert pale.sharpness == pytest.approx(plain.sharpness, rel=0.05)


def test_an_even_crop_has_no_sharpness_at_all() -> None:
    assert measure_quality(face(), GREY).sharpness == 0


def test_facts_are_those_whose_values_are_listed_in_their_order() -> None:
    facts = measure_quality(*seen(portrait())).facts
    assert list(facts) == list(QUALITY_VALUES)
    assert all(facts[fact] in values for fact, values in QUALITY_VALUES.items())
    assert facts["yaw"] == "frontal"
    assert facts["face_size"] == "128-255"
