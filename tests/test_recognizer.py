"""One conductor answers for every face of every photo, in order, whatever lies between."""

import json
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gafas.recognizer
from brightness_model import METADATA, brightness_model, grey_photo
from face_photos import BOX, crowd, encode, face_model, faceless, portrait
from gafas import Recognizer, recognize
from gafas.classifier import EyewearClassifier
from gafas.errors import ImageError, ModelError
from gafas.images import ImageSource
from gafas.results import ImageArray


@pytest.fixture(scope="module")
def faces() -> Recognizer:
    return Recognizer(EyewearClassifier(face_model()))


@pytest.fixture(scope="module")
def frames() -> Recognizer:
    return Recognizer(EyewearClassifier(brightness_model()))


def test_a_face_is_found_and_answered_for(faces: Recognizer) -> None:
    (prediction,) = faces.predict(portrait())
    assert prediction.face.box == pytest.approx(BOX, abs=8)
    bright = float(faces.view(portrait()).patches.mean() / 255)
    assert prediction.probabilities == pytest.approx({"dark": 1 - bright, "bright": bright})
    assert prediction.label == ("bright" if bright > 0.5 else "dark")


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path,
        lambda path: str(path),
        lambda path: path.read_bytes(),
        lambda path: path.open("rb"),
        lambda path: Image.open(path),
        lambda path: np.asarray(Image.open(path)),
    ],
    ids=["path", "str", "bytes", "file", "picture", "array"],
)
def test_every_kind_of_source_gets_the_same_answer(
    faces: Recognizer, tmp_path: Path, make: object
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(portrait(), "PNG"))
    source = make(path)  # type: ignore[operator]
    assert faces.predict(source) == faces.predict(portrait())
    if hasattr(source, "close"):
        source.close()


def test_a_frame_model_takes_the_whole_photo_for_the_one_face(frames: Recognizer) -> None:
    shown = frames.recognize(np.full((60, 80, 3), 204, np.uint8), name="grey").to_dict()
    assert shown == {
        "photo": "grey",
        "width": 80,
        "height": 60,
        "error": None,
        "faces": [
            {
                "box": [0.0, 0.0, 80.0, 60.0],
                "landmarks": [],
                "confidence": None,
                "label": "bright",
                "probabilities": {"dark": 0.2, "bright": 0.8},
            }
        ],
    }


def test_an_answer_is_json_with_five_landmarks_for_each_face(faces: Recognizer) -> None:
    found = faces.recognize(crowd([(0, 0), (520, 0)], size=(1040, 600), tall=600), name="two")
    shown = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert [len(face["landmarks"]) for face in shown["faces"]] == [5, 5]
    assert all(0.5 <= face["confidence"] <= 1 for face in shown["faces"])


def test_a_photo_without_faces_is_an_answer_and_not_an_error(faces: Recognizer) -> None:
    assert faces.predict(faceless()) == []
    found = faces.recognize(faceless())
    assert (found.faces, found.error, found.width, found.height) == ((), None, 400, 300)


def test_the_models_threshold_counts_unless_another_is_given() -> None:
    model = EyewearClassifier(brightness_model(metadata={**METADATA, "threshold": 0.9}))
    image = np.full((6, 8, 3), 204, np.uint8)
    assert Recognizer(model).predict(image)[0].label == "unsure"
    assert Recognizer(model, threshold=0.7).predict(image)[0].label == "bright"
    assert (Recognizer(model).threshold, Recognizer(model, threshold=0).threshold) == (0.9, 0)
    with pytest.raises(ValueError, match=r"1\.5"):
        Recognizer(model, threshold=1.5)


def people() -> ImageArray:
    """Return a photo of one small face and a large one, in no order."""
    image = crowd([(0, 0)], size=(1000, 600), tall=200).copy()
    image[:, 400:912] = portrait()
    return image


def widths(recognizer: Recognizer, image: ImageArray) -> list[int]:
    """Return how wide the faces are, in units of the portrait's own."""
    boxes = [one.face.box for one in recognizer.predict(image)]
    return sorted(round(3 * (box[2] - box[0]) / (BOX[2] - BOX[0])) for box in boxes)


def test_small_faces_or_all_but_the_largest_are_passed_over(faces: Recognizer) -> None:
    image, model = people(), faces.classifier
    assert widths(faces, image) == [1, 3]
    assert widths(Recognizer(model, largest=True), image) == [3]
    assert widths(Recognizer(model, min_face=40), image) == [1, 3]
    assert widths(Recognizer(model, min_face=100), image) == [3]
    assert widths(Recognizer(model, min_face=100, largest=True), image) == [3]
    assert widths(Recognizer(model, min_face=400, largest=True), image) == []
    # Pixels are those of the photo, also where it is decoded at an eighth.
    huge = np.repeat(np.repeat(image, 4, axis=0), 4, axis=1)
    assert widths(Recognizer(model, min_face=400), encode(huge)) == [12]


def test_faces_that_are_passed_over_cost_no_classification(
    faces: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    predict = EyewearClassifier.predict

    def note(self: EyewearClassifier, batch: ImageArray) -> object:
        looked.append(len(batch))
        return predict(self, batch)

    monkeypatch.setattr(EyewearClassifier, "predict", note)
    assert len(Recognizer(faces.classifier, largest=True).predict(people())) == 1
    assert len(faces.predict(people())) == 2
    assert looked == [1, 2]


def test_a_frame_model_has_no_faces_to_select_and_pixels_are_counted_from_zero(
    faces: Recognizer, frames: Recognizer
) -> None:
    for wanted in ({"largest": True}, {"min_face": 20}):
        with pytest.raises(ModelError, match=r"whole photos.*EyewearClassifier\(bytes, dark"):
            Recognizer(frames.classifier, **wanted)
    assert Recognizer(frames.classifier, min_face=0, largest=False).predict(portrait())
    for pixels in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="min_face is a number of pixels"):
            Recognizer(faces.classifier, min_face=pixels)


def test_many_photos_are_answered_in_their_order_and_as_one_by_one(faces: Recognizer) -> None:
    sources: list[ImageSource] = [encode(portrait()), encode(faceless()), b"no photo"] * 5
    answers = list(faces.predict_many(sources, workers=3))
    assert answers == [faces.recognize(source) for source in sources]
    assert [len(answer.faces) for answer in answers] == [1, 0, 0] * 5
    assert [answer.error is None for answer in answers] == [True, True, False] * 5


def test_a_bad_file_gives_its_error_and_does_not_stop_the_others(
    frames: Recognizer, tmp_path: Path
) -> None:
    good = grey_photo(tmp_path / "a.png", 255)
    answers = list(frames.predict_many([tmp_path / "gone.jpg", good, tmp_path]))
    assert [answer.photo for answer in answers] == [
        str(path) for path in (tmp_path / "gone.jpg", good, tmp_path)
    ]
    assert "No such file" in str(answers[0].error)
    assert answers[1].faces[0].label == "bright"
    assert answers[0].to_dict()["width"] is None
    assert answers[2].error is not None


def test_photos_are_taken_only_as_they_are_needed(frames: Recognizer) -> None:
    taken = 0

    def sources() -> Iterator[ImageSource]:
        nonlocal taken
        for value in range(1000):
            taken += 1
            yield np.full((6, 8, 3), value % 256, np.uint8)

    answers = frames.predict_many(sources(), workers=2)
    next(answers)
    assert taken <= 8
    answers.close()  # type: ignore[attr-defined]
    assert taken <= 8
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("gafas_")]


def test_a_mistake_in_a_source_is_not_swallowed(frames: Recognizer) -> None:
    def sources() -> Iterator[ImageSource]:
        yield np.zeros((6, 8, 3), np.uint8)
        raise LookupError("no more photos")

    with pytest.raises(LookupError, match="no more photos"):
        list(frames.predict_many(sources()))


def test_one_recognizer_serves_many_threads_alike(faces: Recognizer) -> None:
    sources = [crowd([(0, 0)], size=(512, 600), tall=tall) for tall in range(300, 600, 30)]
    assert list(faces.predict_many(sources, workers=4)) == [faces.recognize(s) for s in sources]


def test_the_one_off_takes_a_model_file(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(brightness_model())
    photo = grey_photo(tmp_path / "a.png", 0)
    assert recognize(photo, model=model)[0].label == "dark"
    with pytest.raises(ImageError, match=r"gone\.png"):
        recognize(tmp_path / "gone.png", model=model)


@pytest.mark.skipif(
    "eyewear.onnx" in gafas.recognizer.PINNED, reason="a model is bundled: nothing to refuse"
)
def test_without_a_bundled_model_the_user_is_told_to_name_one() -> None:
    with pytest.raises(ModelError, match="--model FILE"):
        Recognizer()


def test_memory_does_not_grow_with_the_number_of_photos(frames: Recognizer) -> None:
    tracemalloc.start()
    try:
        peaks = []
        for count in (300, 6000):
            tracemalloc.reset_peak()
            photos = (np.full((60, 80, 3), number % 256, np.uint8) for number in range(count))
            answered = sum(len(found.faces) for found in frames.predict_many(photos, workers=2))
            assert answered == count
            peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 100_000
