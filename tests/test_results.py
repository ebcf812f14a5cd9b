"""The values that travel between the parts keep their promises, in memory and as JSON."""

import dataclasses
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gafas.labels import UNSURE, Eyewear
from gafas.results import Face, Photo, Prediction, Recognition

FACE = Face((10.04, 20.0, 110.0, 140.0), ((40.12, 60.25),) * 5, 0.99812)
PROBABILITIES = {"none": 0.0041, "eyeglasses": 0.0109, "sunglasses": 0.985}
NUMBERS = st.floats(-1e4, 1e4)


def test_unsure_is_an_answer_and_never_a_class() -> None:
    assert list(Eyewear) == ["none", "eyeglasses", "sunglasses"]
    assert UNSURE not in list(Eyewear)


def test_the_json_is_the_documented_one() -> None:
    shown = json.dumps(Prediction.decide(FACE, PROBABILITIES).to_dict())
    assert shown == (
        '{"box": [10.0, 20.0, 110.0, 140.0], "landmarks": '
        "[[40.1, 60.2], [40.1, 60.2], [40.1, 60.2], [40.1, 60.2], [40.1, 60.2]], "
        '"confidence": 0.998, "label": "sunglasses", '
        '"probabilities": {"none": 0.004, "eyeglasses": 0.011, "sunglasses": 0.985}}'
    )


def test_a_whole_image_as_face_has_no_landmarks_and_no_confidence() -> None:
    shown = Face.whole(128, 120).to_dict()
    assert shown == {"box": [0.0, 0.0, 128.0, 120.0], "landmarks": [], "confidence": None}


@given(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS), st.floats(0, 1))
def test_json_round_trips(box: tuple[float, float, float, float], confidence: float) -> None:
    shown = Face(box, ((box[0], box[1]),) * 5, confidence).to_dict()
    assert json.loads(json.dumps(shown)) == shown
    again = Face(tuple(shown["box"]), (), shown["confidence"]).to_dict()
    assert again["box"] == shown["box"]


@pytest.mark.parametrize(("threshold", "label"), [(0.0, "none"), (0.5, "none"), (0.51, UNSURE)])
def test_under_the_threshold_the_answer_is_unsure(threshold: float, label: str) -> None:
    said = Prediction.decide(FACE, {"none": 0.5, "sunglasses": 0.5}, threshold=threshold)
    assert (said.label, said.best, said.probability) == (label, "none", 0.5)


@given(st.floats(0.1, 10))
def test_scaling_there_and_back_is_nothing(factor: float) -> None:
    there = FACE.scaled(factor)
    assert there.side == pytest.approx(FACE.side * factor)
    back = there.scaled(1 / factor)
    assert back.box == pytest.approx(FACE.box)
    assert np.allclose(back.landmarks, FACE.landmarks)
    assert back.confidence == FACE.confidence


def test_a_face_has_five_landmarks_or_none_and_may_come_as_arrays() -> None:
    face = Face(np.array([1, 2, 3, 4], np.float32), np.ones((5, 2)))  # type: ignore[arg-type]
    assert face == Face((1.0, 2.0, 3.0, 4.0), ((1.0, 1.0),) * 5)
    assert hash(face) == hash(Face((1, 2, 3, 4), ((1, 1),) * 5))
    with pytest.raises(ValueError, match=r"five landmarks.*Received: 2"):
        Face((1, 2, 3, 4), ((1, 1),) * 2)


def test_an_answer_is_an_eyewear_where_it_is_one_and_says_whether_it_is_unsure() -> None:
    sure, unsure = (Prediction.decide(FACE, PROBABILITIES, threshold=x) for x in (0.9, 0.99))
    assert (sure.label, sure.unsure) == (Eyewear.SUNGLASSES, False)
    assert isinstance(sure.label, Eyewear)
    assert (unsure.label, unsure.unsure, unsure.best) == (UNSURE, True, "sunglasses")
    assert (sure.box, sure.landmarks, sure.confidence) == (FACE.box, FACE.landmarks, 0.99812)
    assert Prediction.decide(FACE, {"glasses": 1.0}).label == "glasses"


def test_probabilities_are_a_mapping_that_nobody_can_change() -> None:
    given = dict(PROBABILITIES)
    prediction = Prediction.decide(FACE, given)
    given["none"] = 1.0
    assert prediction.probabilities == PROBABILITIES
    assert list(prediction.probabilities) == list(PROBABILITIES)
    assert repr(prediction.probabilities) == repr(PROBABILITIES)
    with pytest.raises(TypeError):
        prediction.probabilities["none"] = 1.0  # type: ignore[index]


def test_a_recognition_is_its_faces() -> None:
    one, other = (Prediction(FACE, label, {"none": 1.0}) for label in ("none", "unsure"))
    found = Recognition("a.jpg", 9, 8, (one, other))
    assert (list(found), len(found), found[1], found[-2]) == ([one, other], 2, other, one)
    assert {found, Recognition("a.jpg", 9, 8, (one, other))} == {found}
    assert pickle.loads(pickle.dumps(found)) == found
    with pytest.raises(ValueError, match="photo to draw on"):
        found.annotate()


def test_a_photo_knows_its_scale() -> None:
    photo = Photo(np.zeros((300, 400, 3), np.uint8), width=1600, height=1200)
    assert photo.scale == 0.25
    assert repr(photo) == "Photo(1600×1200, decoded at 400×300)"


def test_values_are_frozen_short_to_print_and_travel_between_processes() -> None:
    prediction = Prediction.decide(FACE, PROBABILITIES)
    with pytest.raises(dataclasses.FrozenInstanceError):
        prediction.label = "none"  # type: ignore[misc]
    assert repr(FACE) == "Face(10,20–110,140, confidence=0.998)"
    assert repr(prediction) == "Prediction(sunglasses 0.985 at 10,20–110,140)"
    assert pickle.loads(pickle.dumps(prediction)) == prediction
