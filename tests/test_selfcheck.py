import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tools.selfcheck_pictures import DRAWN

from face_photos import face_model
from gafas.detection.detector import FaceDetector
from gafas.errors import ModelError
from gafas.images import load_image
from gafas.recognizer import Recognizer
from gafas.selfcheck import ANSWERS, PICTURES, Check, list_versions, run_selfcheck
from selfcheck_folder import write_selfcheck

NAMES = list(DRAWN)
FACES = {"bare.jpg": 1, "eyeglasses.jpg": 1, "sunglasses.webp": 1, "turned.jpg": 1, "two.jpg": 2}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recognizer, Path]:
    folder = tmp_path_factory.mktemp("selfcheck") / "pictures"
    return write_selfcheck(folder), folder


def check(recognizer: Recognizer, folder: Path) -> dict[str, Check]:
    return {one.picture: one for one in run_selfcheck(recognizer, folder=folder)}


@pytest.fixture
def altered(
    made: tuple[Recognizer, Path], tmp_path: Path
) -> Callable[[Callable[[dict[str, Any]], None]], dict[str, Check]]:
    """Return a function that changes what is stored, and checks again."""
    recognizer, folder = made

    def run(change: Callable[[dict[str, Any]], None]) -> dict[str, Check]:
        for path in folder.iterdir():
            (tmp_path / path.name).write_bytes(path.read_bytes())
        stored = json.loads((folder / ANSWERS).read_text(encoding="utf-8"))
        change(stored)
        (tmp_path / ANSWERS).write_text(json.dumps(stored), encoding="utf-8")
        return check(recognizer, tmp_path)

    return run


def test_the_same_installation_gives_the_stored_answers(made: tuple[Recognizer, Path]) -> None:
    checks = check(*made)

    assert list(checks) == NAMES
    assert [one.problems for one in checks.values()] == [()] * len(NAMES)
    assert checks["nobody.png"].answer == "no face"
    assert checks["two.jpg"].answer.count("dark") + checks["two.jpg"].answer.count("bright") == 2


@pytest.mark.parametrize("name", NAMES)
def test_the_bundled_pictures_are_the_painted_ones(
    name: str, made: tuple[Recognizer, Path]
) -> None:
    # Encoders differ a little between versions; what is seen may not.
    bundled, painted = (load_image(folder / name).astype(int) for folder in (PICTURES, made[1]))

    assert np.abs(bundled - painted).max() <= 12, "run `make selfcheck-answers`"


def test_the_bundled_pictures_are_small() -> None:
    assert sum((PICTURES / name).stat().st_size for name in NAMES) <= 60_000


@pytest.mark.parametrize(("name", "count"), FACES.items())
def test_the_detector_is_sure_of_every_painted_face(name: str, count: int) -> None:
    faces = FaceDetector().detect(load_image(PICTURES / name))

    assert len(faces) == count
    assert all(face.confidence is not None and face.confidence > 0.9 for face in faces)


def test_a_changed_answer_is_told_with_both_values(altered: Any) -> None:
    def change(stored: dict[str, Any]) -> None:
        face = stored["pictures"]["bare.jpg"]["faces"][0]
        face["label"] = "sunglasses"
        face["probabilities"]["dark"] += 0.03
        stored["pictures"]["eyeglasses.jpg"]["faces"][0]["box"][2] += 9
        stored["pictures"]["sunglasses.webp"]["faces"][0]["probabilities"]["dark"] += 0.01

    checks = altered(change)
    label, probabilities = checks["bare.jpg"].problems
    (box,) = checks["eyeglasses.jpg"].problems

    assert label.startswith("label: expected 'sunglasses'. Received: ")
    assert probabilities.startswith("probabilities: expected {")
    assert box.startswith("box: expected [")
    assert not checks["sunglasses.webp"].problems


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("sha256", "0" * 64, "not the one that was released"),
        ("size", [240, 200], "to another size: expected 240×200. Received: 200×240"),
        ("colour", [10, 10, 10], "to other colours: expected the mean"),
        ("faces", [], "faces: expected 0. Received: 1. The face detector differs"),
    ],
)
def test_the_first_stage_that_differs_is_named(
    altered: Any, key: str, value: object, message: str
) -> None:
    checks = altered(lambda stored: stored["pictures"]["turned.jpg"].update({key: value}))
    (problem,) = checks["turned.jpg"].problems

    assert message in problem
    assert sum(bool(one.problems) for one in checks.values()) == 1


def test_a_missing_or_damaged_picture_does_not_stop_the_others(altered: Any) -> None:
    checks = altered(
        lambda stored: stored.update(
            pictures={"gone.jpg": stored["pictures"]["two.jpg"], **stored["pictures"]}
        )
    )

    assert "Cannot open the image: No such file" in checks["gone.jpg"].problems[0]
    assert len(checks) == len(NAMES) + 1
    assert not checks["two.jpg"].problems


def test_answers_of_another_model_are_refused(
    made: tuple[Recognizer, Path], tmp_path: Path
) -> None:
    other = tmp_path / "other.onnx"
    other.write_bytes(face_model(side=32))

    with pytest.raises(ModelError, match=r"given by another model file: expected SHA-256 [0-9a-f]"):
        check(Recognizer(other), made[1])


@pytest.mark.parametrize("text", [None, "", "[]", '{"model": "0"}', '{"model": 1, "pictures": {}}'])
def test_missing_or_damaged_answers_are_refused(
    made: tuple[Recognizer, Path], tmp_path: Path, text: str | None
) -> None:
    if text is not None:
        (tmp_path / ANSWERS).write_text(text, encoding="utf-8")

    with pytest.raises(ModelError, match="Cannot read the selfcheck's stored answers"):
        check(made[0], tmp_path)


def test_versions_are_those_that_are_installed() -> None:
    assert list_versions()["numpy"] == np.__version__
