"""Photos on their side and upside down: where their EXIF data are lost, gafas turns them itself."""

from pathlib import Path

import numpy as np
import pytest
from tools.photos import write_photos

from gafas.crops import crop_face
from gafas.detection.candidates import SETTLED
from gafas.detection.detector import FaceDetector, find_doubt, turn_back
from gafas.images import load_image
from gafas.recognizer import Recognizer
from gafas.results import ImageArray

EYES_OVER_MOUTH = [30, 40, 70, 40, 50, 60, 35, 80, 65, 80]
MOUTH_BESIDE_EYES = [30, 40, 30, 70, 50, 55, 80, 40, 80, 70]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ImageArray]:
    folder = tmp_path_factory.mktemp("photos")
    return {path.stem: load_image(path) for path in write_photos(folder)}


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


def found(confidence: float, points: list[int]) -> np.ndarray:
    return np.array([[20, 10, 80, 100, confidence, *points]], np.float32)


def test_a_sure_face_that_stands_raises_no_doubt() -> None:
    assert find_doubt(found(0.98, EYES_OVER_MOUTH)) is None


def test_an_unsure_face_must_be_clearly_surer_in_the_turned_photo() -> None:
    assert find_doubt(found(0.9, EYES_OVER_MOUTH)) == pytest.approx(0.92)


def test_a_face_that_leans_too_far_is_doubted_however_sure() -> None:
    assert find_doubt(found(0.99, MOUTH_BESIDE_EYES)) == pytest.approx(0.99)


def test_where_no_face_is_found_only_a_sure_one_counts() -> None:
    assert find_doubt(np.empty((0, 15), np.float32)) == SETTLED


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_what_was_found_in_the_turned_photo_is_brought_back(quarters: int) -> None:
    mark = np.zeros((70, 50), np.uint8)
    mark[20:30, 5:15] = 255
    y, x = np.nonzero(np.rot90(mark, quarters))
    box = [x.min(), y.min(), x.max() + 1, y.max() + 1]
    middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]
    rows = np.array([[*box, 0.9, *middle * 5]], np.float32)
    (back,) = turn_back(rows, quarters, width=50, height=70)
    assert back.tolist() == pytest.approx([5, 20, 15, 30, 0.9, *[10, 25] * 5])


@pytest.mark.parametrize("quarters", [1, 2, 3])
@pytest.mark.parametrize("name", ["astronaut", "grace_hopper"])
def test_a_face_is_cropped_as_if_the_photo_stood(
    name: str, quarters: int, photos: dict[str, ImageArray], detector: FaceDetector
) -> None:
    image = photos[name]
    (upright,) = detector.detect(image)
    turned = np.ascontiguousarray(np.rot90(image, quarters))
    (lying,) = detector.detect(turned)
    expected = crop_face(image, upright, size=96).astype(int)
    assert np.abs(crop_face(turned, lying, size=96) - expected).mean() < 16


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_the_answer_does_not_depend_on_how_the_photo_lies(
    quarters: int, photos: dict[str, ImageArray]
) -> None:
    recognizer = Recognizer()
    names = ("astronaut", "astronaut_sunglasses", "grace_hopper")
    for name in names:
        (upright,) = recognizer.recognize(photos[name])
        (lying,) = recognizer.recognize(np.ascontiguousarray(np.rot90(photos[name], quarters)))
        assert lying.label == upright.label


@pytest.mark.parametrize("quarters", [0, 1, 3])
def test_a_cat_is_no_face_on_its_side_either(
    quarters: int, photos: dict[str, ImageArray], detector: FaceDetector
) -> None:
    assert detector.detect(np.rot90(photos["chelsea"], quarters)) == []


@pytest.mark.eyewear
def test_most_real_photos_upside_down_are_understood(eyewear: Path) -> None:
    recognizer = Recognizer()
    paths = sorted((eyewear / "web" / "eyeglasses").glob("*.jpg"))[::12]
    assert len(paths) > 15
    images = [load_image(path) for path in paths]
    upright = [recognizer.recognize(image)[0].label for image in images]
    lying = [recognizer.recognize(np.rot90(image, 2)) for image in images]
    same = [
        bool(faces) and faces[0].label == label for faces, label in zip(lying, upright, strict=True)
    ]
    assert np.mean(same) > 0.75
