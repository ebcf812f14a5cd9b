import json
import re
from pathlib import Path

import pytest
from benchmarks.commands import app
from benchmarks.openings import OPENINGS
from typer.testing import CliRunner

from command_line import Told
from eyewear_model import eyewear_model, make_scenes, make_sets
from gafas.datasets import eyewear
from gafas.training.recipe import write_recipe
from tiny_data import make_faces, tiny_recipe


def call(*words: object) -> Told:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return Told(result.exit_code, result.stdout, f"{result.stderr}{result.exception or ''}")


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a model of faces; what is called lfw in its folder are photos made by the tests."""
    three = ["none/a", "eyeglasses/b", "sunglasses/c"]
    few: dict[str, list[str]] = {name: ["none/a"] for name in eyewear.SETS}
    people = [f"none/{age}_0_1_2017{age:04}" for age in range(20, 40)]
    many = {"utkface": people, "web": [f"none/{at}" for at in range(12)], "lfw": three[:2]}
    sets = make_scenes(make_sets(tmp_path / "sets", few | many), [])
    monkeypatch.setenv("GAFAS_EYEWEAR", str(sets))
    (tmp_path / "model.onnx").write_bytes(eyewear_model())
    return tmp_path / "model.onnx"


def test_one_part_is_measured_alone(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "eyewear.json"
    told = call("eyewear", "--model", model, "--part", "web", "--out", out)
    assert (told.code, told.out.strip()) == (0, str(out))
    parts = json.loads(out.read_text(encoding="utf-8"))["parts"]
    assert [name for name, found in parts.items() if found] == ["web"]
    assert 0 < parts["web"]["accuracy"]["total"] < 12  # those of the validation part
    assert not (tmp_path / OPENINGS).exists()


def test_the_test_set_is_opened_only_when_asked_for_and_then_it_alone(
    model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "eyewear.json"
    told = call("eyewear", "--model", model, "--open-test", "lfw", "--out", out)
    assert told.code == 0
    parts = json.loads(out.read_text(encoding="utf-8"))["parts"]
    assert [name for name, found in parts.items() if found] == ["lfw"]
    record = json.loads((tmp_path / OPENINGS).read_text(encoding="utf-8"))
    assert [opening["number"] for opening in record["openings"]] == [1]


def test_a_model_that_cannot_be_opened_opens_no_test_set(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "eyewear.json"
    arguments = ("eyewear", "--open-test", "lfw", "--out", out, "--model")
    told = call(*arguments, tmp_path / "nowhere.onnx")
    assert "No such file" in told.err
    assert told.code == 1
    assert not (tmp_path / OPENINGS).exists()


def test_trainings_of_a_recipe_are_measured_and_the_benchmark_writes_its_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = tiny_recipe(name="quick", optimization={"epochs": 1})
    (tmp_path / "quick.toml").write_text(write_recipe(quick), encoding="utf-8")
    out = tmp_path / "cmu.json"
    make_faces(tmp_path / "cmu")
    monkeypatch.setenv("GAFAS_CMU", str(tmp_path / "cmu"))
    told = call(
        *("cmu", "--recipe", tmp_path / "quick.toml", "--protocol", "by_photo"),
        *("--runs", tmp_path / "runs", "--out", out),
    )
    assert told.code == 0
    assert re.fullmatch(r"quick by_photo: \d+ of 16 right", told.out.strip())
    assert json.loads(out.read_text())["entries"][0]["protocol"] == "by_photo"
