"""`gafas check`: a verdict and a sentence for every photo, and an exit code for all of them."""

import json
from pathlib import Path

import pytest
from tools.photos import write_photos

from command_line import Call, refused, snapshot
from face_photos import face_model, faceless
from gafas.annotation import encode
from gafas.check import Requirement, Rules, check
from gafas.recognizer import Recognizer


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a person in eyeglasses, the same bare and in sunglasses, and a cat."""
    write_photos(tmp_path / "people")
    monkeypatch.chdir(tmp_path / "people")
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    return tmp_path / "people"


@pytest.mark.parametrize(
    ("require", "passing"),
    [
        ("clear-eyes", ["astronaut.png", "grace_hopper.jpg"]),
        ("no-sunglasses", ["astronaut.png", "grace_hopper.jpg"]),
        ("bare", ["astronaut.png"]),
    ],
)
def test_photos_pass_or_fail_by_what_is_required(
    gafas: Call, people: Path, require: str, passing: list[str]
) -> None:
    before = snapshot(people)
    told = gafas("check", ".", "--require", require)
    lines = told.out.splitlines()
    assert len(lines) == 4
    assert [line.split(": ")[0][2:] for line in lines if ": pass: " in line] == passing
    assert "./chelsea.png: fail: No face was found." in lines
    assert told.code == 1
    assert gafas("check", *passing, "--require", require).code == 0
    assert snapshot(people) == before


def test_a_photo_to_look_at_has_an_exit_code_of_its_own(gafas: Call, people: Path) -> None:
    assert people.is_dir()
    words = ("--require", "bare", "--sure", "1")
    told = gafas("check", "astronaut.png", *words)
    assert "astronaut.png: look: The face may wear glasses: the probability is 0%." in told.out
    assert told.code == 3
    told = gafas("check", "astronaut.png", "chelsea.png", *words)
    assert told.code == 1


def test_json_is_what_python_gives_and_the_sentence_speaks_the_language(
    gafas: Call, people: Path
) -> None:
    photo = people / "astronaut_sunglasses.png"
    told = gafas("check", photo, "--require", "clear-eyes", "--json", "--language", "es")
    found = Recognizer().recognize(photo)
    wanted = check(found, Rules(Requirement.clear_eyes)).to_dict("es")
    assert json.loads(told.out) == wanted
    assert wanted["sentence"] == "Los ojos están detrás de unas gafas de sol."


def test_the_sentences_speak_the_language_of_the_locale(
    gafas: Call, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert people.is_dir()
    monkeypatch.setenv("LC_ALL", "es_CL.UTF-8")
    told = gafas("check", "chelsea.png", "--require", "bare")
    assert told.out == "chelsea.png: fail: No se ha encontrado ninguna cara.\n"


def test_the_rules_can_be_changed(gafas: Call, people: Path) -> None:
    assert people.is_dir()
    told = gafas("check", "astronaut.png", "--require", "bare", "--min-face", 500)
    assert "at least 500 are asked for" in told.out
    assert gafas("check", "astronaut.png", "--require", "bare", "--max-tilt", 0).code == 1
    assert gafas("check", "astronaut.png", "--require", "bare", "--max-turn", 0).code == 1


def test_a_photo_that_cannot_be_read_fails_and_stops_no_other(gafas: Call, people: Path) -> None:
    (people / "a.jpg").write_bytes(b"Hello")
    told = gafas("check", "a.jpg", "missing.jpg", "astronaut.png", "--require", "bare")
    assert [line.split(": ")[1] for line in told.out.splitlines()] == ["fail", "fail", "pass"]
    assert "a.jpg: Cannot read the image" in told.err
    assert told.code == 1
    told = gafas("check", "a.jpg", "--require", "bare", "--json")
    assert json.loads(told.out)["error"].startswith("Cannot read the image")


def test_a_folder_without_photos_does_not_pass(gafas: Call, tmp_path: Path) -> None:
    told = gafas("check", tmp_path, "--require", "bare")
    refused(told, "No photo in the folder", code=1)


def test_what_cannot_be_asked_is_refused(gafas: Call, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(faceless(), "PNG"))
    refused(gafas("check", tmp_path), "--require", code=2)
    refused(gafas("check", tmp_path, "--require", "bare", "--sure", "0.4"), "--sure", code=2)
    (tmp_path / "own.onnx").write_bytes(face_model())
    told = gafas("check", tmp_path, "--require", "bare", "--model", tmp_path / "own.onnx")
    refused(told, "Cannot check for bare by this model", code=1)
