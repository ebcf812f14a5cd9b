"""The weights that ship answer as they did when they were released, on photos that all can have."""

import json
from pathlib import Path

import pytest
from tools import photos as PHOTOS

from gafas.detection.detector import FaceDetector
from gafas.images import load_image
from gafas.recognizer import Recognizer
from gafas.results import Recognition
from gafas.weights import PINNED

GOLDEN = Path(__file__).parent / "golden"

shipped = pytest.mark.skipif("eyewear.onnx" not in PINNED, reason="no eyewear model is bundled")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {path.name: path for path in PHOTOS.write_photos(tmp_path_factory.mktemp("photos"))}


@pytest.fixture(scope="module")
def found(photos: dict[str, Path]) -> dict[str, Recognition]:
    recognizer = Recognizer()
    return {name: recognizer.recognize(path) for name, path in photos.items()}


def test_there_is_a_golden_file_for_every_photo_and_no_other() -> None:
    names = {path.stem for path in GOLDEN.glob("*.json")}
    assert names == (
        {Path(name).stem for name in PHOTOS.WORN} if "eyewear.onnx" in PINNED else set()
    )


@pytest.mark.parametrize("name", [name for name, worn in PHOTOS.WORN.items() if worn])
def test_the_detector_finds_every_person_once(name: str, photos: dict[str, Path]) -> None:
    faces = FaceDetector().detect(load_image(photos[name]))

    assert len(faces) == len(PHOTOS.WORN[name])
    assert all(face.confidence is not None and face.confidence > 0.95 for face in faces)


@shipped
@pytest.mark.parametrize("name", PHOTOS.WORN)
def test_the_answers_are_the_golden_ones(name: str, found: dict[str, Recognition]) -> None:
    golden = json.loads((GOLDEN / f"{Path(name).stem}.json").read_text(encoding="utf-8"))
    now = found[name].to_dict()

    assert (now["width"], now["height"], now["error"]) == (golden["width"], golden["height"], None)
    assert [face["label"] for face in now["faces"]] == [face["label"] for face in golden["faces"]]
    for face, expected in zip(now["faces"], golden["faces"], strict=True):
        assert face["probabilities"] == pytest.approx(expected["probabilities"], abs=0.02)
        assert face["box"] == pytest.approx(expected["box"], abs=3)


@shipped
@pytest.mark.parametrize(("name", "worn"), PHOTOS.WORN.items())
def test_the_answers_are_what_a_person_sees(
    name: str, worn: list[str], found: dict[str, Recognition]
) -> None:
    assert [face.label for face in found[name].faces] == worn
