"""One conductor answers for every face of every photo, in order, whatever lies between."""

import io
import json
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brightness_model import METADATA, brightness_model, grey_photo
from decodings import Decodings
from face_photos import BOX, crowd, encode, face_model, faceless, portrait
from gafas import Recognizer, recognize
from gafas.annotation import annotate
from gafas.classifier import EyewearClassifier
from gafas.errors import ImageError, ModelError
from gafas.images import ImageSource, load_image
from gafas.results import Face, ImageArray, Recognition
from gafas.weights import read_bundled


@pytest.fixture(scope="module")
def faces() -> Recognizer:
    return Recognizer(EyewearClassifier(face_model()))


@pytest.fixture(scope="module")
def squeezer() -> Recognizer:
    return Recognizer(EyewearClassifier(brightness_model()))


def test_a_face_is_found_and_answered_for(faces: Recognizer) -> None:
    (prediction,), crops = faces.recognize_with_crops(portrait())
    assert prediction.box == pytest.approx(BOX, abs=8)
    bright = float(crops.mean() / 255)
    assert prediction.probabilities == pytest.approx({"dark": 1 - bright, "bright": bright})
    assert prediction.label == ("bright" if bright > 0.5 else "dark")


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda path: path, "{path}"),
        (lambda path: str(path), "{path}"),
        (lambda path: path.read_bytes(), "bytes"),
        (lambda path: bytearray(path.read_bytes()), "bytes"),
        (lambda path: memoryview(path.read_bytes()), "bytes"),
        (lambda path: path.open("rb"), "{path}"),
        (lambda path: Image.open(path), "image"),
        (lambda path: np.asarray(Image.open(path)), "image"),
    ],
    ids=["path", "str", "bytes", "bytearray", "memoryview", "file", "picture", "array"],
)
def test_every_kind_of_source_gets_the_same_answer(
    faces: Recognizer, tmp_path: Path, make: Callable[[Path], ImageSource], name: str
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(portrait(), "PNG"))
    source = make(path)
    found = faces.recognize(source)
    assert found.faces == faces.recognize(portrait()).faces
    assert found.photo == name.format(path=path)
    if hasattr(source, "close"):
        source.close()


def test_a_model_of_whole_photos_takes_the_photo_for_the_one_face(squeezer: Recognizer) -> None:
    shown = squeezer.recognize(np.full((60, 80, 3), 204, np.uint8)).to_dict()
    assert shown == {
        "photo": "image",
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
    found = faces.recognize(crowd([(0, 0), (520, 0)], size=(1040, 600), tall=600))
    shown = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert [len(face["landmarks"]) for face in shown["faces"]] == [5, 5]
    assert all(0.5 <= face["confidence"] <= 1 for face in shown["faces"])


def test_a_photo_without_faces_is_an_answer_and_not_an_error(faces: Recognizer) -> None:
    found = faces.recognize(faceless())
    assert (found.faces, found.error, found.width, found.height) == ((), None, 400, 300)


def test_the_models_threshold_counts_unless_another_is_given() -> None:
    model = EyewearClassifier(brightness_model(metadata={**METADATA, "threshold": 0.9}))
    image = np.full((6, 8, 3), 204, np.uint8)
    assert Recognizer(model).recognize(image)[0].label == "unsure"
    assert Recognizer(model, threshold=0.7).recognize(image)[0].label == "bright"
    assert (Recognizer(model).threshold, Recognizer(model, threshold=0).threshold) == (0.9, 0)
    with pytest.raises(ValueError, match=r"1\.5"):
        Recognizer(model, threshold=1.5)


def people() -> ImageArray:
    """Return a photo of one small face and a large one, in no order."""
    image = crowd([(0, 0)], size=(1000, 600), tall=200).copy()
    image[:, 400:912] = portrait()
    return image


def widths(found: Recognition) -> list[int]:
    """Return how wide the faces are, in units of the portrait's own."""
    boxes = [one.box for one in found]
    return sorted(round(3 * (box[2] - box[0]) / (BOX[2] - BOX[0])) for box in boxes)


def test_small_faces_or_all_but_the_largest_are_passed_over(faces: Recognizer) -> None:
    found = faces.recognize(image := people())
    assert widths(found) == [1, 3]
    assert widths(found.select(largest=True)) == [3]
    assert widths(found.select(min_face=40)) == [1, 3]
    assert widths(found.select(min_face=100)) == [3]
    assert widths(found.select(min_face=100, largest=True)) == [3]
    assert widths(found.select(min_face=400, largest=True)) == []
    # Pixels are those of the photo, also where it is decoded at an eighth.
    huge = np.repeat(np.repeat(image, 4, axis=0), 4, axis=1)
    assert widths(faces.recognize(encode(huge)).select(min_face=400)) == [12]


def test_faces_that_somebody_else_found_are_answered_for_in_their_order(faces: Recognizer) -> None:
    content = encode(crowd([(1500, 300), (100, 100)], size=(4000, 3000), tall=1200))
    found = faces.recognize(content)
    assert len(found) == 2
    theirs = [Face(one.box, one.landmarks) for one in reversed(found.faces)]
    told = faces.recognize(content, faces=theirs)
    assert [one.face for one in told] == theirs
    for ours, one in zip(reversed(found.faces), told, strict=True):
        assert one.probabilities == pytest.approx(ours.probabilities, abs=1e-6)
    boxes = [Face(one.box) for one in theirs]  # a box alone is enough, and less exact
    for ours, one in zip(told, faces.recognize(content, faces=boxes), strict=True):
        assert one.confidence is None
        assert one.probabilities == pytest.approx(ours.probabilities, abs=0.1)
    assert len(faces.recognize(content, faces=[])) == 0


def test_a_model_of_whole_photos_answers_for_no_single_face(squeezer: Recognizer) -> None:
    (whole,) = squeezer.recognize(portrait())
    assert squeezer.recognize(portrait(), faces=[whole.face]).faces == (whole,)
    with pytest.raises(ModelError, match=r"whole photos.*EyewearClassifier\(bytes, dark"):
        squeezer.recognize(portrait(), faces=[Face((0, 0, 10, 10))])


@pytest.mark.parametrize("make", [bytes, io.BytesIO, Image.open], ids=["bytes", "file", "picture"])
def test_a_recognition_draws_itself(
    faces: Recognizer, tmp_path: Path, make: Callable[[object], ImageSource]
) -> None:
    content = encode(portrait(), "PNG")
    found = faces.recognize(make(content if make is not Image.open else io.BytesIO(content)))
    assert np.array_equal(found.annotate(), annotate(portrait(), found.faces))
    spanish = annotate(portrait(), found.faces, language="es")
    assert np.array_equal(found.annotate(language="es"), spanish)


def test_many_photos_are_answered_in_their_order_and_as_one_by_one(faces: Recognizer) -> None:
    sources: list[ImageSource] = [encode(portrait()), encode(faceless()), b"no photo"] * 5
    answers = list(faces.recognize_many(sources, workers=3))
    assert answers[:2] == [faces.recognize(source) for source in sources[:2]]
    with pytest.raises(ImageError) as refused:
        faces.recognize(sources[2])
    assert answers[2] == Recognition("bytes", error=str(refused.value))
    assert answers == answers[:3] * 5
    assert [len(answer.faces) for answer in answers] == [1, 0, 0] * 5
    assert [answer.error is None for answer in answers] == [True, True, False] * 5


def test_a_bad_file_gives_its_error_and_does_not_stop_the_others(
    squeezer: Recognizer, tmp_path: Path
) -> None:
    good = grey_photo(tmp_path / "a.png", 255)
    answers = list(squeezer.recognize_many([tmp_path / "gone.jpg", good, tmp_path]))
    assert [answer.photo for answer in answers] == [
        str(path) for path in (tmp_path / "gone.jpg", good, tmp_path)
    ]
    assert "No such file" in str(answers[0].error)
    assert answers[1].faces[0].label == "bright"
    assert answers[0].to_dict()["width"] is None
    assert answers[2].error is not None


def test_answers_bear_the_names_that_photos_are_given(squeezer: Recognizer) -> None:
    photos = [encode(faceless()), b"no photo"]
    answers = list(squeezer.recognize_many(photos, names=["a", "b"]))
    assert [(one.photo, one.error is None) for one in answers] == [("a", True), ("b", False)]
    with pytest.raises(ValueError, match="shorter"):
        list(squeezer.recognize_many(photos, names=["a"]))


def test_photos_are_taken_only_as_they_are_needed(squeezer: Recognizer) -> None:
    taken = 0

    def sources() -> Iterator[ImageSource]:
        nonlocal taken
        for value in range(1000):
            taken += 1
            yield np.full((6, 8, 3), value % 256, np.uint8)

    answers = squeezer.recognize_many(sources(), workers=2)
    next(answers)
    assert taken <= 8
    answers.close()  # type: ignore[attr-defined]
    assert taken <= 8
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("gafas_")]


def test_a_mistake_in_a_source_is_not_swallowed(squeezer: Recognizer) -> None:
    def sources() -> Iterator[ImageSource]:
        yield np.zeros((6, 8, 3), np.uint8)
        raise LookupError("no more photos")

    with pytest.raises(LookupError, match="no more photos"):
        list(squeezer.recognize_many(sources()))


def test_one_recognizer_serves_many_threads_alike(faces: Recognizer) -> None:
    sources = [crowd([(0, 0)], size=(512, 600), tall=tall) for tall in range(300, 600, 30)]
    assert list(faces.recognize_many(sources, workers=4)) == [faces.recognize(s) for s in sources]


def test_the_one_off_takes_a_model_file(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(brightness_model())
    photo = grey_photo(tmp_path / "a.png", 0)
    assert recognize(photo, model=model)[0].label == "dark"
    with pytest.raises(ImageError, match=r"gone\.png"):
        recognize(tmp_path / "gone.png", model=model)


def test_memory_does_not_grow_with_the_number_of_photos(squeezer: Recognizer) -> None:
    tracemalloc.start()
    try:
        peaks = []
        for count in (300, 6000):
            tracemalloc.reset_peak()
            photos = (np.full((60, 80, 3), number % 256, np.uint8) for number in range(count))
            answered = sum(len(found.faces) for found in squeezer.recognize_many(photos, workers=2))
            assert answered == count
            peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 100_000


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


def test_a_model_of_whole_photos_is_shown_the_photo_as_its_one_face(squeezer: Recognizer) -> None:
    found, crops = squeezer.recognize_with_crops(portrait())
    assert [one.face for one in found] == [Face.whole(512, 600)]
    assert (found.width, found.height, crops.shape) == (512, 600, (1, 6, 8, 1))


def test_a_face_model_is_shown_one_crop_for_each_face(faces: Recognizer) -> None:
    places = [(0, 0), (520, 0), (1040, 0), (0, 610), (520, 610), (1040, 610)]
    found, crops = faces.recognize_with_crops(crowd(places, size=(1560, 1220), tall=600))
    assert crops.shape == (6, 64, 64, 3)
    places = sorted((round(one.box[1] / 610), round(one.box[0] / 520)) for one in found)
    assert places == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    alike = np.corrcoef(crops.reshape(6, -1))
    assert alike.min() > 0.6  # the same face in each, as the detector jitters


def test_a_photo_without_faces_has_no_crops(faces: Recognizer) -> None:
    found, crops = faces.recognize_with_crops(faceless())
    assert (found.faces, crops.shape) == ((), (0, 64, 64, 3))
    assert (found.width, found.height) == (400, 300)


def test_grey_models_are_shown_grey_crops_of_their_own_shape() -> None:
    content = face_model(side=48, colour="grey")
    _, crops = Recognizer(EyewearClassifier(content)).recognize_with_crops(portrait())
    assert crops.shape == (1, 48, 48, 1)
    rgb_model = EyewearClassifier(face_model(side=48))
    _, rgb = Recognizer(rgb_model).recognize_with_crops(portrait())
    expected = rgb[..., :1] * 0.299 + rgb[..., 1:2] * 0.587 + rgb[..., 2:] * 0.114
    assert difference(crops, expected.round()) < 1


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_boxes_are_in_the_pixels_of_the_upright_photo(faces: Recognizer, orientation: int) -> None:
    turns = {1: 0, 3: 2, 6: 1, 8: 3}[orientation]
    found = faces.recognize(encode(np.rot90(portrait(), turns), orientation=orientation))
    assert (found.width, found.height) == (512, 600)
    assert len(found.faces) == 1
    assert found.faces[0].box == pytest.approx(BOX, abs=16)


def test_boxes_are_in_the_pixels_of_a_huge_photo_that_was_decoded_small(faces: Recognizer) -> None:
    huge = crowd([(0, 0)], size=(3072, 3600), tall=3600)
    found = faces.recognize(encode(huge))
    assert (found.width, found.height, len(found.faces)) == (3072, 3600, 1)
    assert found[0].face.scaled(1 / 6).box == pytest.approx(BOX, abs=8)


def test_a_small_face_in_a_huge_photo_is_cropped_from_a_larger_decoding(faces: Recognizer) -> None:
    content = encode(crowd([(2500, 900)], size=(4000, 3000), tall=360))
    (reduced,), crops = faces.recognize_with_crops(content)
    (whole,), finest = faces.recognize_with_crops(load_image(content))
    assert reduced.box == pytest.approx(whole.box, abs=12)
    # The crop has as much detail as one from the whole photo; from 1/4 it has half of it.
    detail = [float(np.abs(np.diff(x.astype(int), axis=2)).mean()) for x in (crops, finest)]
    assert detail[0] == pytest.approx(detail[1], rel=0.1)


def test_an_open_file_is_decoded_as_its_bytes_are(faces: Recognizer) -> None:
    content = encode(crowd([(2500, 900)], size=(4000, 3000), tall=360))
    assert faces.recognize(io.BytesIO(content)).faces == faces.recognize(content).faces


@pytest.mark.parametrize(
    ("tall", "model", "scales"),
    [
        (2400, EyewearClassifier(read_bundled("eyewear.onnx")), [1 / 8]),  # sure of a large face
        (1200, EyewearClassifier(read_bundled("eyewear.onnx")), [1 / 8]),  # and of one made coarse
        (1200, EyewearClassifier(face_model(side=96)), [1 / 8, 1 / 4]),  # never sure
        (360, EyewearClassifier(read_bundled("eyewear.onnx")), [1 / 8, 1 / 4]),  # small: too coarse
    ],
)
def test_a_huge_photo_is_decoded_again_only_where_the_answer_needs_it(
    tall: int, model: EyewearClassifier, scales: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = encode(crowd([(1500, 300)], size=(4000, 3000), tall=tall))
    decodings = Decodings(monkeypatch)
    (found,) = Recognizer(model).recognize(content)
    assert decodings.scales == scales
    factor = tall / 600
    placed = [place * factor + (1500, 300)[at % 2] for at, place in enumerate(BOX)]
    assert found.box == pytest.approx(placed, abs=20 * factor)


def test_a_huge_photo_in_which_a_small_look_finds_nothing_is_decoded_larger(
    faces: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    decodings = Decodings(monkeypatch)
    assert len(faces.recognize(encode(np.full((3000, 4000, 3), 90, np.uint8)))) == 0
    assert decodings.scales == [1 / 8, 1 / 4]


def test_the_answers_are_those_to_the_crops(faces: Recognizer) -> None:
    two = crowd([(2500, 900), (100, 100)], size=(4000, 3000), tall=1500)
    found, crops = faces.recognize_with_crops(encode(two))
    told = [list(one.probabilities.values()) for one in found]
    assert len(told) == 2
    assert told == pytest.approx(faces.classifier.predict(crops), abs=1e-6)
