"""Own labels taught over HTTP: what is seen, what is learnt, and that nothing is kept."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brightness_model import brightness_model
from face_photos import encode, faceless
from gafas.classifier import EyewearClassifier
from gafas.datasets.samples import Sample
from gafas.errors import ServiceError
from gafas.recognizer import Recognizer
from gafas.service import learning
from gafas.service.app import offer_learning
from gafas.training.features import read_features
from own_labels import EACH, make_moments
from service_client import Door


@pytest.fixture(scope="module")
def moments() -> dict[str, bytes]:
    return make_moments()


@pytest.fixture(scope="module")
def teacher() -> Door:
    door = Door(Recognizer("free"))
    offer_learning(door.app, "free")
    return door


def see_all(teacher: Door, moments: dict[str, bytes]) -> list[dict[str, Any]]:
    """Return a face of each photo, seen and labelled by the first word of its name."""
    faces = []
    for name, data in moments.items():
        seen = teacher.post("/v1/features", data).json()
        faces.append({"hash": seen["hash"], "label": name.split()[0], **seen["faces"][0]})
    return faces


def test_what_is_taught_is_measured_and_comes_as_a_model_file_and_nothing_is_kept(
    teacher: Door,
    moments: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GAFAS_HOME", str(tmp_path / "home"))
    faces = see_all(teacher, moments)
    answer = teacher.post("/v1/adapt", json.dumps({"faces": faces}).encode()).json()
    assert answer["labels"] == ["office", "shaded"]
    assert answer["counts"] == [EACH, EACH]
    assert answer["right"] == {"correct": 2 * EACH, "total": 2 * EACH}
    assert answer["before"] is None
    assert answer["confusion"] == [[EACH, 0], [0, EACH]]
    (tmp_path / "own.onnx").write_bytes(base64.b64decode(answer["model"]))
    own = Recognizer(tmp_path / "own.onnx")
    for name, data in list(moments.items())[::5]:
        (face,) = own.recognize(data)
        assert face.label == name.split()[0]
    assert not (tmp_path / "home").exists()
    assert teacher.operation.memory.held == 0


def test_labels_that_the_model_knows_are_compared_with_its_own_answers(
    teacher: Door, moments: dict[str, bytes]
) -> None:
    words = {"office": "eyeglasses", "shaded": "sunglasses"}
    faces = [face | {"label": words[face["label"]]} for face in see_all(teacher, moments)]
    answer = teacher.post("/v1/adapt", json.dumps({"faces": faces}).encode()).json()
    assert answer["labels"] == ["eyeglasses", "sunglasses"]
    assert answer["before"]["total"] == 2 * EACH


def test_what_is_seen_in_bytes_is_what_a_training_sees_in_files(
    teacher: Door, moments: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "one.jpg").write_bytes(moments["office 0.jpg"])
    sample = Sample(tmp_path / "one.jpg", "one.jpg", "office", "one.jpg")
    from_file = read_features([sample], EyewearClassifier("free"))
    (face,) = teacher.post("/v1/features", moments["office 0.jpg"]).json()["faces"]
    for name, wanted in (("values", from_file.values), ("probabilities", from_file.probabilities)):
        assert np.array(face[name][0]) == pytest.approx(wanted[0, 0], abs=1e-4)  # as it is served


def test_a_photo_without_a_face_shows_nothing_to_learn_and_a_broken_one_is_refused(
    teacher: Door,
) -> None:
    assert teacher.post("/v1/features", encode(faceless())).json()["faces"] == []
    assert teacher.post("/v1/features", b"no photo").json()["reason"] == "unreadable-photo"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda faces: faces[:4], "two labels or more"),
        (lambda faces: [face | {"values": [[1.0]]} for face in faces], "by another model"),
        (
            lambda faces: [face | {"hash": "x"} for face in faces],
            "Cannot read what is to be learnt",
        ),
        (lambda faces: [faces[0], *(face | {"values": [[1.0]]} for face in faces)], "Cannot read"),
        (lambda faces: [], "Received: 0 faces"),
    ],
)
def test_what_cannot_be_learnt_is_refused_with_a_sentence(
    teacher: Door, moments: dict[str, bytes], change: Any, message: str
) -> None:
    faces = change(see_all(teacher, dict(list(moments.items())[:6])))
    answer = teacher.post("/v1/adapt", json.dumps({"faces": faces}).encode())
    assert (answer.status_code, answer.json()["reason"]) == (422, "lesson")
    assert message in answer.json()["detail"]


def test_one_learns_at_a_time(teacher: Door, moments: dict[str, bytes]) -> None:
    lesson = json.dumps({"faces": see_all(teacher, moments)}).encode()
    with learning._learning:
        answer = teacher.post("/v1/adapt", lesson)
    assert (answer.status_code, answer.json()["reason"]) == (503, "full")
    assert answer.headers["Retry-After"] == "1"
    assert teacher.post("/v1/adapt", lesson).status_code == 200


def test_nothing_is_learnt_where_it_was_not_offered(door: Door) -> None:
    assert door.get("/v1/model").json()["adapts"] is False
    for path in ("/v1/features", "/v1/adapt"):
        assert door.post(path, b"{}").status_code == 404


def test_a_service_that_teaches_says_so(teacher: Door) -> None:
    assert teacher.get("/v1/model").json()["adapts"] is True
    told = teacher.get("/openapi.json")
    named = set(re.findall(r'"\$ref":\s*"#/components/schemas/(\w+)"', told.text))
    assert {"Lesson", "TaughtFace"} <= named <= set(told.json()["components"]["schemas"])
    assert told.text.count('"$ref"') == told.text.count("#/components/schemas/")
    assert "/v1/adapt" in told.json()["paths"]


def test_a_model_that_cannot_be_taught_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "whole.onnx").write_bytes(brightness_model())
    door = Door(Recognizer(tmp_path / "whole.onnx"))
    with pytest.raises(ServiceError, match="gives none"):
        offer_learning(door.app, tmp_path / "whole.onnx")
