import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from brightness_model import METADATA, brightness_model
from face_photos import CHECK, face_model
from gafas.classifier import EyewearClassifier, FaceCheck
from gafas.crops import squeeze
from gafas.errors import ModelError


def changed(**entries: Any) -> dict[str, Any]:
    return {**METADATA, **entries}


def test_everything_about_the_model_is_read_from_its_file(tmp_path: Path) -> None:
    content = brightness_model(metadata=changed(threshold=0.75))
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    classifier = EyewearClassifier(path)
    assert classifier.labels == ("dark", "bright")
    assert classifier.view == "photo"
    assert classifier.size == (8, 6)
    assert classifier.colour == "grey"
    assert classifier.threshold == 0.75
    assert classifier.sha256 == hashlib.sha256(content).hexdigest()
    assert classifier.metadata["recipe"] == "by hand"
    assert repr(classifier) == "EyewearClassifier('model.onnx', dark/bright, 8×6)"


def test_a_path_a_text_and_bytes_open_the_same_model(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(brightness_model())
    opened = [EyewearClassifier(source) for source in (path, str(path), path.read_bytes())]
    assert len({classifier.sha256 for classifier in opened}) == 1


def test_metadata_cannot_be_changed() -> None:
    classifier = EyewearClassifier(brightness_model())
    with pytest.raises(TypeError):
        classifier.metadata["labels"] = ["other"]  # type: ignore[index]


def test_probabilities_are_the_graphs_and_rows_sum_to_one() -> None:
    batch = np.stack([np.full((6, 8, 1), value, np.uint8) for value in (0, 51, 255)])
    probabilities = EyewearClassifier(brightness_model()).predict(batch)
    assert probabilities.dtype == np.float32
    expected = np.array([[1, 0], [0.8, 0.2], [0, 1]])
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_a_colour_model_sees_three_channels() -> None:
    model = brightness_model(("N", 6, 8, 3), metadata=changed(colour="rgb"))
    photo = np.zeros((30, 32, 3), np.uint8)
    photo[...] = (255, 0, 0)
    classifier = EyewearClassifier(model)
    prepared = squeeze(photo, size=classifier.size, colour=classifier.colour)
    assert prepared.shape == (6, 8, 3)
    answer = classifier.predict(prepared[np.newaxis])
    np.testing.assert_allclose(answer, [[2 / 3, 1 / 3]], atol=1e-6)


def test_batches_larger_than_one_run_keep_their_order() -> None:
    values = np.arange(600) % 256
    batch = np.repeat(values.astype(np.uint8), 48).reshape(600, 6, 8, 1)
    probabilities = EyewearClassifier(brightness_model(), threads=1).predict(batch)
    np.testing.assert_allclose(probabilities[:, 1], values / 255, atol=1e-6)


def test_an_empty_batch_gives_no_rows_but_keeps_the_columns() -> None:
    empty = EyewearClassifier(brightness_model()).predict(np.empty((0, 6, 8, 1), np.uint8))
    assert empty.shape == (0, 2)
    assert empty.dtype == np.float32


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros((1, 8, 6, 1), np.uint8),
        np.zeros((6, 8, 1), np.uint8),
        np.zeros((1, 6, 8, 3), np.uint8),
        np.zeros((1, 6, 8, 1), np.float32),
    ],
)
def test_a_batch_of_another_shape_or_type_is_refused(batch: np.ndarray) -> None:
    classifier = EyewearClassifier(brightness_model())
    with pytest.raises(ValueError, match=r"expected a uint8 batch of shape \(N, 6, 8, 1\).*Rec"):
        classifier.predict(batch)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"No such file.*absent\.onnx"):
        EyewearClassifier(tmp_path / "absent.onnx")


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="Cannot read the model: Is a directory"):
        EyewearClassifier(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"hello", bytes(100), b"PK\x03\x04 a zip", brightness_model()[:-200]]
)
def test_bytes_that_are_no_onnx_model_are_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match="not an ONNX file"):
        EyewearClassifier(content)


def test_a_foreign_onnx_model_is_sent_to_export() -> None:
    with pytest.raises(ModelError, match=r"not made by gafas.*`gafas export`"):
        EyewearClassifier(brightness_model(metadata=None))


def test_a_model_file_of_schema_1_says_frame_for_what_is_a_view_now() -> None:
    metadata = changed(schema=1, frame="frame")
    del metadata["view"]
    assert EyewearClassifier(brightness_model(metadata=metadata)).view == "photo"


def test_metadata_of_a_newer_version_ask_for_an_upgrade() -> None:
    with pytest.raises(ModelError, match=r"schema 3. Upgrade gafas, or"):
        EyewearClassifier(brightness_model(metadata=changed(schema=3)))


@pytest.mark.parametrize("text", ["{", "[]", "null"])
def test_metadata_that_are_no_json_object_are_refused(text: str) -> None:
    with pytest.raises(ModelError, match=r"are not (a )?JSON"):
        EyewearClassifier(brightness_model(metadata=text))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("labels", "dark"),
        ("labels", ["dark"]),
        ("labels", ["dark", "dark"]),
        ("labels", ["dark", ["bright"]]),
        ("view", "eye"),
        ("colour", "sepia"),
        ("width", None),
        ("height", True),
        ("threshold", 1.5),
        ("threshold", "high"),
    ],
)
def test_an_unsound_entry_of_the_metadata_is_named(key: str, value: object) -> None:
    with pytest.raises(ModelError, match=f"{key!r}. Received"):
        EyewearClassifier(brightness_model(metadata=changed(**{key: value})))


@pytest.mark.parametrize(
    "entries",
    [{"width": 9}, {"height": 7}, {"colour": "rgb"}, {"labels": ["dark", "grey", "bright"]}],
)
def test_metadata_that_contradict_the_graph_are_refused(entries: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="contradict the graph"):
        EyewearClassifier(brightness_model(metadata=changed(**entries)))


def test_a_graph_that_takes_one_image_only_is_refused() -> None:
    with pytest.raises(ModelError, match="contradict the graph"):
        EyewearClassifier(brightness_model((1, 6, 8, 1)))


def test_a_graph_that_takes_floats_is_refused() -> None:
    with pytest.raises(ModelError, match=r"contradict the graph.*tensor\(float\) "):
        EyewearClassifier(brightness_model(kind=TensorProto.FLOAT))


def test_importing_the_classifier_loads_no_inference_engine() -> None:
    code = "import sys, gafas.classifier; sys.exit('onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("crop", [None, {"extent": 2.8}])
def test_a_face_model_that_does_not_say_how_to_crop_is_refused(crop: object) -> None:
    with pytest.raises(ModelError, match="crop"):
        EyewearClassifier(face_model(crop=crop))


def test_a_file_of_probabilities_alone_says_nothing_else() -> None:
    classifier = EyewearClassifier(brightness_model())
    seen = classifier.look(np.full((2, 6, 8, 1), 51, np.uint8))
    assert seen.probabilities == pytest.approx(np.array([[0.8, 0.2]] * 2), abs=1e-6)
    assert (seen.not_a_face, seen.features, classifier.face_check) == (None, None, None)


@pytest.mark.parametrize("count", [0, 3, 600])
def test_further_outputs_are_found_by_their_names(count: int) -> None:
    batch = np.repeat(np.arange(count).astype(np.uint8), 48).reshape(count, 6, 8, 1)
    model = brightness_model(further={"features": 5, "not_a_face": 1})
    seen = EyewearClassifier(model, threads=1).look(batch)
    dark = 1 - batch[:, 0, 0, 0] / 255
    assert seen.not_a_face is not None
    assert seen.features is not None
    assert seen.not_a_face.dtype == seen.features.dtype == np.float32
    assert seen.not_a_face == pytest.approx(dark, abs=1e-6)
    assert seen.features == pytest.approx(np.repeat(dark[:, None], 5, axis=1), abs=1e-6)
    assert seen.probabilities == pytest.approx(np.stack([dark, 1 - dark], axis=1), abs=1e-6)


def test_either_of_the_further_outputs_may_be_missing() -> None:
    batch = np.zeros((1, 6, 8, 1), np.uint8)
    doubting = EyewearClassifier(brightness_model(further={"not_a_face": 1})).look(batch)
    telling = EyewearClassifier(brightness_model(further={"features": 2})).look(batch)
    assert doubting.not_a_face == pytest.approx([1])
    assert doubting.features is None
    assert telling.features == pytest.approx(np.ones((1, 2)))
    assert telling.not_a_face is None


@pytest.mark.parametrize("further", [{"not_a_face": 2}, {"other": 1}])
def test_further_outputs_of_another_name_or_shape_are_refused(further: dict[str, int]) -> None:
    with pytest.raises(ModelError, match=r"contradict the graph.*not_a_face \(N, 1\)"):
        EyewearClassifier(brightness_model(further=further))


def test_how_faces_are_told_from_what_is_none_is_read_from_the_file() -> None:
    check = EyewearClassifier(face_model(face_check=CHECK)).face_check
    assert check == FaceCheck(least=0.1, detector=1, not_a_face=1, offset=0, cut=0.5)
    assert EyewearClassifier(face_model(face_check=None)).face_check is None


def test_confidence_is_the_logistic_sum_of_both_networks_doubts() -> None:
    check = FaceCheck(least=0.1, detector=0.5, not_a_face=2, offset=1, cut=0.3)
    confidences, doubts = np.array([0.2, 0.99]), np.array([0.6, 0.01])
    odds = np.e * (confidences / (1 - confidences)) ** 0.5 / (doubts / (1 - doubts)) ** 2
    assert check.calibrate(confidences, doubts) == pytest.approx(odds / (1 + odds))
    assert check.calibrate([], []).shape == (0,)
    # Certainty, which rounding makes, is no more than nearly certain, and overflows nothing.
    strong = FaceCheck(least=0.1, detector=99, not_a_face=99, offset=0, cut=0.3)
    assert strong.calibrate([1, 0, 1], [0, 1, 1]) == pytest.approx([1, 0, 0.5])


@pytest.mark.parametrize(
    "entries",
    [
        "yes",
        {**CHECK, "least": 1.5},
        {**CHECK, "cut": -0.1},
        {**CHECK, "detector": -1},
        {**CHECK, "not_a_face": True},
        {**CHECK, "offset": float("nan")},
        {**CHECK, "more": 1},
        {key: CHECK[key] for key in list(CHECK)[1:]},
    ],
)
def test_an_unsound_face_check_is_refused(entries: object) -> None:
    with pytest.raises(ModelError, match=r"face from what is none.*Received: face_check"):
        EyewearClassifier(face_model(face_check=entries))


def test_a_face_check_without_its_output_or_without_faces_is_refused() -> None:
    further = {"not_a_face": 1}
    with pytest.raises(ModelError, match=r"needs the output not_a_face. Received: probabilities"):
        EyewearClassifier(brightness_model(metadata=changed(face_check=CHECK)))
    with pytest.raises(ModelError, match="a model of faces needs"):
        EyewearClassifier(brightness_model(metadata=changed(face_check=CHECK), further=further))
