import json
from pathlib import Path

import pytest

from command_line import Call, refused
from eyewear_model import eyewear_model, make_sets
from gafas.cli.benchmarks import ClosedSet, Part
from gafas.data import eyewear
from gafas.evaluation.eyewear_benchmark import OPENINGS, PARTS


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a model of faces; what is called lfw in its folder are photos made by the tests."""
    three = ["none/a", "eyeglasses/b", "sunglasses/c"]
    few: dict[str, list[str]] = {name: ["none/a"] for name in eyewear.SETS}
    people = [f"none/{age}_0_1_2017{age:04}" for age in range(20, 40)]
    many = {"utkface": people, "web": [f"none/{at}" for at in range(12)], "lfw": three[:2]}
    sets = make_sets(tmp_path / "sets", few | many)
    monkeypatch.setenv("GAFAS_EYEWEAR", str(sets))
    (tmp_path / "model.onnx").write_bytes(eyewear_model())
    return tmp_path / "model.onnx"


def test_one_part_is_measured_alone(gafas: Call, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "eyewear.json"
    told = gafas("benchmark", "eyewear", "--model", model, "--part", "web", "--out", out)
    assert (told.code, told.out.strip()) == (0, str(out))
    parts = json.loads(out.read_text(encoding="utf-8"))["parts"]
    assert list(parts) == ["web"]
    assert 0 < parts["web"]["accuracy"]["total"] < 12  # those of the validation part
    assert not (tmp_path / OPENINGS).exists()


def test_the_test_set_is_opened_only_when_asked_for_and_then_it_alone(
    gafas: Call, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "eyewear.json"
    told = gafas("benchmark", "eyewear", "--model", model, "--open-test", "lfw", "--out", out)
    assert told.code == 0
    assert list(json.loads(out.read_text(encoding="utf-8"))["parts"]) == ["lfw"]
    record = json.loads((tmp_path / OPENINGS).read_text(encoding="utf-8"))
    assert [opening["number"] for opening in record["openings"]] == [1]


def test_a_model_that_cannot_be_opened_opens_no_test_set(
    gafas: Call, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "eyewear.json"
    arguments = ("benchmark", "eyewear", "--open-test", "lfw", "--out", out, "--model")
    refused(gafas(*arguments, tmp_path / "nowhere.onnx"), "No such file", code=1)
    assert not (tmp_path / OPENINGS).exists()


def test_the_command_line_knows_every_part_and_every_test_set() -> None:
    assert tuple(part.value for part in Part) == PARTS
    assert tuple(part.value for part in ClosedSet) == eyewear.TEST_SETS
