"""What both networks together take for no face is dropped: of two doubts, one confidence."""

import numpy as np
import pytest

from decodings import Decodings
from face_photos import CHECK, encode, face_model, portrait
from gafas import Recognizer
from gafas.classifier import EyewearClassifier
from gafas.detection.detector import CONFIDENT, FaceDetector
from gafas.recognizer import find_faces
from gafas.results import Face, ImageArray, Photo


class Detected:
    """In place of the detector's own: always the same faces, in the pixels of a reduced photo."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *faces: Face) -> None:
        self.faces = list(faces)
        self.least: list[float] = []
        monkeypatch.setattr(FaceDetector, "detect", self)

    def __call__(self, image: ImageArray, *, least: float = CONFIDENT) -> list[Face]:
        self.least.append(least)
        return [face for face in self.faces if (face.confidence or 0) >= least]


def patches(*levels: int) -> ImageArray:
    """Return grey squares of 100 pixels beside each other."""
    return np.concatenate([np.full((100, 100, 3), level, np.uint8) for level in levels], axis=1)


def placed(at: int, confidence: float | None, *, side: float = 20) -> Face:
    """Return a face in the middle of the square `at`."""
    left, top = 100 * at + 50 - side / 2, 50 - side / 2
    return Face((left, top, left + side, top + side), (), confidence)


@pytest.fixture(scope="module")
def faces() -> Recognizer:
    return Recognizer(EyewearClassifier(face_model()))


@pytest.fixture(scope="module")
def checking() -> Recognizer:
    """Return a recognizer that takes what is dark for no face."""
    return Recognizer(EyewearClassifier(face_model(face_check=CHECK)))


def test_what_is_no_face_is_dropped_and_the_rest_sorted_by_both_networks(
    checking: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = [placed(1, 0.9), placed(0, 0.6), placed(2, 0.3), placed(3, 0.05)]
    detected = Detected(monkeypatch, *seen)
    found, crops = checking.recognize_with_crops(patches(204, 10, 230, 255))
    assert detected.least == [0.1]  # the last one is not looked at
    assert [one.box for one in found] == [seen[1].box, seen[2].box]
    check = checking.classifier.face_check
    assert check is not None
    told = check.calibrate([0.6, 0.3], [1 - 204 / 255, 1 - 230 / 255]).tolist()
    assert [one.confidence for one in found] == pytest.approx(told, abs=1e-4)
    assert [round(float(crop.mean())) for crop in crops] == [204, 230]
    assert [one.probabilities["bright"] for one in found] == pytest.approx([0.8, 0.902], abs=1e-3)
    # Where the detector is less sure of what the classifier is sure of, the order is another.
    detected.faces = [placed(0, 0.6), placed(2, 0.5)]
    assert [one.box for one in checking.recognize(patches(204, 10, 230))] == [
        placed(2, 0.5).box,
        placed(0, 0.6).box,
    ]


def test_faces_of_equal_confidence_keep_the_order_in_which_they_were_found(
    checking: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = [placed(at, 0.5) for at in (2, 0, 3, 1)]
    Detected(monkeypatch, *seen)
    found = checking.recognize(patches(204, 204, 204, 204))
    assert [one.box for one in found] == [face.box for face in seen]


def test_a_photo_of_nothing_but_doubt_shows_no_face(
    checking: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    Detected(monkeypatch, placed(0, 0.5), placed(1, 0.2))
    found, crops = checking.recognize_with_crops(patches(30, 30))
    assert (found.faces, found.error, crops.shape) == ((), None, (0, 64, 64, 3))


def test_faces_found_by_somebody_else_are_never_dropped(checking: Recognizer) -> None:
    theirs = [placed(1, 0.2), placed(0, None), placed(2, 0.05)]
    found, crops = checking.recognize_with_crops(patches(10, 20, 250), faces=theirs)
    assert [one.face for one in found] == theirs
    assert [round(float(crop.mean())) for crop in crops] == [20, 10, 250]


def test_a_model_without_a_check_is_shown_what_the_detector_is_sure_of(
    faces: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    detected = Detected(monkeypatch, placed(1, 0.6), placed(0, 0.45), placed(2, 0.3))
    found = faces.recognize(patches(204, 10, 230))
    assert detected.least == [CONFIDENT]
    assert [one.face for one in found] == detected.faces[:2]


def test_a_real_face_passes_the_check_and_a_real_photo_may_lie_on_its_side(
    faces: Recognizer, checking: Recognizer
) -> None:
    for turns in range(4):
        image = np.ascontiguousarray(np.rot90(portrait(), turns))
        (plain,), (checked,) = faces.recognize(image), checking.recognize(image)
        assert (checked.box, checked.landmarks) == (plain.box, plain.landmarks)
        assert checked.probabilities == plain.probabilities
        assert checked.confidence != plain.confidence


@pytest.mark.parametrize(
    ("confidence", "level", "scales", "kept"),
    [
        (0.3, 30, [1 / 8], 0),  # dropped at first sight
        (0.3, 230, [1 / 8, 1 / 2], 1),  # a face after all: too small to be told at an eighth
        (0.6, 30, [1 / 8, 1 / 4], 0),  # what the detector is sure of is looked at as ever
        (0.6, 230, [1 / 8, 1 / 4, 1 / 2], 1),
    ],
)
def test_a_huge_photo_is_not_decoded_again_for_what_is_dropped_anyway(
    checking: Recognizer,
    monkeypatch: pytest.MonkeyPatch,
    confidence: float,
    level: int,
    scales: list[float],
    kept: int,
) -> None:
    beside = Face((300, 150, 420, 290), (), 0.95)  # of a size that an eighth is enough for
    Detected(monkeypatch, beside, Face((100, 100, 109, 109), (), confidence))
    photo = np.full((3000, 4000, 3), 255, np.uint8)
    photo[600:1200, 600:1200] = level
    decodings = Decodings(monkeypatch)
    found = checking.recognize(encode(photo))
    assert decodings.scales == scales
    assert [round(one.box[0]) for one in found] == [2400, 800][: 1 + kept]


def test_a_second_look_at_more_pixels_may_drop_a_face(
    checking: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    Detected(monkeypatch, Face((100, 100, 120, 120), (), 0.6))
    looks: list[ImageArray] = []

    def crop(photo: Photo, faces: list[Face]) -> ImageArray:
        looks.append(np.full((1, 64, 64, 3), 20 if looks else 230, np.uint8))
        return looks[-1]

    monkeypatch.setattr(checking, "_crop", crop)
    assert len(checking.recognize(encode(np.zeros((3000, 4000, 3), np.uint8)))) == 0
    assert len(looks) == 2


def test_doubtful_candidates_are_no_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    content = encode(np.full((3000, 4000, 3), 90, np.uint8))
    sure = Face((200, 100, 300, 220), (), 0.95)
    for confidence, scale in ((0.3, 1 / 8), (0.6, 1 / 4)):
        small = [Face((x, 10.0, x + 20.0, 30.0), (), confidence) for x in (10.0, 50.0, 90.0)]
        Detected(monkeypatch, sure, *small)
        photo, found = find_faces(content, FaceDetector(), least=0.1)
        assert (photo.scale, len(found)) == (scale, 4)
        Detected(monkeypatch, *small)
        photo, _ = find_faces(content, FaceDetector(), least=0.1)
        assert photo.scale == 1 / 4  # no sure face at an eighth, or a crowd
