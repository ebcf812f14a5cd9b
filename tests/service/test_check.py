"""`POST /v1/check` decides as Python and the command line do."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tools.photos import write_photos

from face_photos import face_model
from gafas.check import Requirement, Rules, check
from gafas.classifier import EyewearClassifier
from gafas.recognizer import Recognizer
from service_client import Door, form, refused


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("people")
    return {path.name: path.read_bytes() for path in write_photos(folder)}


@pytest.mark.parametrize("require", list(Requirement))
def test_python_command_line_and_service_decide_alike(
    door: Door, recognizer: Recognizer, people: dict[str, bytes], tmp_path: Path, require: str
) -> None:
    for name, data in people.items():
        (tmp_path / name).write_bytes(data)
    words = ["check", "--json", "--require", require, "--language", "en", *people]
    command = [sys.executable, "-m", "gafas.cli", *words]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    answer = door.post(f"/v1/check?require={require}", files=form(people))
    assert answer.json() == lines
    assert {one["verdict"] for one in lines} == {"pass", "fail"}
    for name, line in zip(people, lines, strict=True):
        found = recognizer.recognize(people[name])
        decided = check(found, Rules(Requirement(require))).to_dict() | {"photo": name}
        alone = door.post("/v1/check", people[name], params={"require": require, "name": name})
        assert alone.json() == line == decided


def test_the_rules_of_a_request_are_its_own(door: Door, people: dict[str, bytes]) -> None:
    photo = people["astronaut.png"]
    query = {"require": "bare", "min_face": 500}
    assert door.post("/v1/check", photo, params=query).json()["reason"] == "small"
    query = {"require": "bare", "sure": 1}
    assert door.post("/v1/check", photo, params=query).json()["verdict"] == "look"
    for name in ("max_tilt", "max_turn"):
        told = door.post("/v1/check", photo, params={"require": "bare", name: 0}).json()
        assert told["reason"] == {"max_tilt": "tilted", "max_turn": "turned"}[name]


def test_other_people_are_allowed_where_a_request_says_so(
    door: Door, photos: dict[str, bytes]
) -> None:
    query = {"require": "no-sunglasses"}
    alone = door.post("/v1/check", photos["group.webp"], params=query).json()
    assert (alone["reason"], alone["face"]) == ("several-faces", None)
    told = door.post("/v1/check", photos["group.webp"], params={**query, "any": "true"}).json()
    assert (told["verdict"], told["face"]["label"]) == ("pass", "eyeglasses")


def test_the_sentence_speaks_the_language_that_is_liked_best(
    door: Door, photos: dict[str, bytes]
) -> None:
    headers = {"Accept-Language": "es-AR, en;q=0.5"}
    answer = door.post("/v1/check?require=bare", photos["landscape.gif"], headers=headers)
    assert answer.json()["sentence"] == "No se ha encontrado ninguna cara."


def test_a_form_tells_of_what_cannot_be_read_and_a_raw_body_is_refused(
    door: Door, photos: dict[str, bytes]
) -> None:
    answer = door.post("/v1/check?require=bare", files=form(photos)).json()
    unread = [one["photo"] for one in answer if one["reason"] == "unreadable"]
    assert unread == ["notes.txt", "cut short.jpg"]
    assert all(one["error"] for one in answer if one["photo"] in unread)
    told = door.post("/v1/check?require=bare", photos["notes.txt"])
    refused(told, 422, "unreadable-photo")


def test_what_cannot_be_asked_is_refused(door: Door, photos: dict[str, bytes]) -> None:
    photo = photos["portrait.jpg"]
    refused(door.post("/v1/check", photo), 422, "parameters", saying="require")
    for query in ("require=hats", "require=bare&sure=0.4", "require=bare&min_face=nan"):
        refused(door.post(f"/v1/check?{query}", photo), 422, "parameters")
    other = Door(Recognizer(EyewearClassifier(face_model())))
    told = other.post("/v1/check?require=bare", photo)
    refused(told, 422, "model", saying="Cannot check for bare")
