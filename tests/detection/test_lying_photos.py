"""Photos on their side and upside down: where their EXIF data are lost, gafas turns them itself."""

from pathlib import Path

import numpy as np
import pytest
from tools.photos import write_photos

from gafas.crops import crop_face
from gafas.detection.detector import FaceDetector
from gafas.images import load_image
from gafas.recognizer import Recognizer
from gafas.results import ImageArray


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ImageArray]:
    folder = tmp_path_factory.mktemp("photos")
    return {path.stem: load_image(path) for path in write_photos(folder)}


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


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
