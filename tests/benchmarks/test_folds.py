"""Of every person, a run answers that has not met that person."""

from pathlib import Path

import pytest
from benchmarks.eyewear import answer_folds

from eyewear_model import eyewear_model, make_sets, scene
from gafas.datasets.eyewear import part, read_material
from gafas.datasets.splits import write_split
from gafas.errors import DataError
from gafas.training.recipe import make_recipe, write_recipe

SETS = {
    "utkface": [f"none/{age}_0_1_2017{age:04}" for age in range(20, 40)],
    "celeba": ["none/a", "eyeglasses/b"],
    "portraits": ["eyeglasses/a"],
    "selfies": ["sunglasses/a"],
    "tinyimagenet": ["sunglasses/a"],
    "web": ["none/a"],
}
PEOPLE = ("ann", "bob")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    make_sets(folder / "sets", SETS)
    for number, person in enumerate(PEOPLE):
        (folder / "cmu" / "faces" / person).mkdir(parents=True)
        for eyes, exposure in (("open", 1.8), ("sunglasses", 0.2)):
            path = folder / "cmu" / "faces" / person / f"{person}_straight_happy_{eyes}.pgm"
            scene(number, exposure=exposure).convert("L").save(path)
    return folder


@pytest.fixture
def runs(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Write two runs, as far as they are needed to be measured: each leaves one person out."""
    monkeypatch.setenv("GAFAS_EYEWEAR", str(folder / "sets"))
    monkeypatch.setenv("GAFAS_CMU", str(folder / "cmu"))
    for fold in range(2):
        recipe = make_recipe(
            {
                "labels": ["none", "eyeglasses", "sunglasses"],
                "input": {"view": "face", "width": 64, "height": 64, "colour": "rgb"},
                "split": {"cmu": "fold", "folds": 2, "fold": fold},
                "network": {"architecture": "residual"},
            }
        )
        split = part(read_material(recipe.split, scales=("full",)), recipe.split)
        run = tmp_path / str(fold)
        run.mkdir()
        (run / "recipe.toml").write_text(write_recipe(recipe), encoding="utf-8")
        (run / "model.onnx").write_bytes(eyewear_model(threshold=0.4 + fold / 100))
        write_split(split, run / "split.json")
    return [tmp_path / str(fold) for fold in range(2)]


def test_every_photo_is_answered_by_the_run_that_left_its_person_out(runs: list[Path]) -> None:
    rows, models = answer_folds(runs)
    assert [row.error for row in rows] == [""] * 4
    assert {(row.sample.subject, row.threshold) for row in rows} == {
        (model.people[0], 0.4 + fold / 100) for fold, model in enumerate(models)
    }
    assert sorted(model.people[0] for model in models) == list(PEOPLE)
    assert [row.predicted for row in rows if row.sample.label == "sunglasses"] == ["sunglasses"] * 2


def test_two_runs_that_leave_the_same_person_out_are_refused(runs: list[Path]) -> None:
    with pytest.raises(DataError, match="one run for each fold"):
        answer_folds([runs[0], runs[0]])
