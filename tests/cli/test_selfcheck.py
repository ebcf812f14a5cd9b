"""The door that proves an installation: what it prints, and with which exit code."""

import functools
import json
from pathlib import Path

import pytest

import gafas.selfcheck
from command_line import Call, refused
from gafas.recognizer import Recognizer
from gafas.selfcheck import ANSWERS, run_selfcheck
from gafas.weights import PINNED
from selfcheck_folder import write_selfcheck


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the command check the painted pictures with a small model, and return their folder."""
    folder = tmp_path / "pictures"
    write_selfcheck(folder)
    check = functools.partial(run_selfcheck, Recognizer(tmp_path / "model.onnx"), folder=folder)
    monkeypatch.setattr(gafas.selfcheck, "run_selfcheck", check)
    return folder


def test_equal_answers_give_a_line_each_the_versions_and_the_verdict(
    gafas: Call, pictures: Path
) -> None:
    told = gafas("selfcheck")
    *lines, versions, verdict = told.out.splitlines()

    assert (told.code, told.err) == (0, "")
    assert len(lines) == 6
    assert all(line.startswith("same ") for line in lines)
    assert all(name in versions for name in ("gafas 0", "onnxruntime ", "Pillow ", "numpy "))
    assert verdict == "All 6 pictures get the stored answers: this installation works."


def test_an_answer_that_differs_is_told_and_fails(gafas: Call, pictures: Path) -> None:
    answers = json.loads((pictures / ANSWERS).read_text(encoding="utf-8"))
    answers["pictures"]["bare.jpg"]["faces"][0]["label"] = "sunglasses"
    (pictures / ANSWERS).write_text(json.dumps(answers), encoding="utf-8")
    told = gafas("selfcheck")
    lines = told.out.splitlines()

    assert told.code == 1
    assert lines[0].startswith("differs bare.jpg: ")
    assert lines[1].startswith("        label: expected 'sunglasses'. Received: ")
    assert lines[-1].startswith("1 of 6 pictures differ from the release: do not trust this")


def test_a_model_that_was_altered_is_one_sentence(gafas: Call, pictures: Path) -> None:
    answers = json.loads((pictures / ANSWERS).read_text(encoding="utf-8"))
    (pictures / ANSWERS).write_text(json.dumps({**answers, "model": "0" * 64}), encoding="utf-8")

    refused(gafas("selfcheck"), "stored answers were given by another model file", code=1)


@pytest.mark.skipif("eyewear.onnx" not in PINNED, reason="no eyewear model is bundled")
def test_this_installation_passes(gafas: Call) -> None:
    told = gafas("selfcheck")

    assert told.code == 0, told.out + told.err
