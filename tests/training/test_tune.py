import dataclasses
import sqlite3
from pathlib import Path
from typing import Any

import optuna
import pytest

from gafas.data.samples import Sample
from gafas.data.splits import make_split
from gafas.errors import DataError, RecipeError
from gafas.training import tune as tuning
from gafas.training.recipe import Recipe, read_recipe
from gafas.training.tune import suggest, tune
from tiny_data import tiny_recipe

# Optuna marks parts of itself as experimental, and its storage's pool is closed by the collector.
pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return tiny_recipe(optimization={"epochs": 1})


@pytest.fixture(scope="module")
def searched(
    tmp_path_factory: pytest.TempPathFactory, faces: tuple[Sample, ...], recipe: Recipe
) -> Path:
    """Search in two goes: two trials, then three in total; the test part cannot be read."""
    out = tmp_path_factory.mktemp("tuning") / "out"
    test = {sample.name for sample in make_split(faces, recipe.split).test}
    blind = [dataclasses.replace(s, path=Path("nowhere")) if s.name in test else s for s in faces]
    tune(recipe, blind, out=out, trials=2)
    tune(recipe, blind, out=out, trials=3)
    return out


def trials_of(out: Path) -> list[dict[str, Any]]:
    study = optuna.load_study(study_name="gafas", storage=f"sqlite:///{out / 'study.db'}")
    return [trial.params for trial in study.trials]


def test_a_study_goes_on_to_the_number_of_trials_without_repeating_one(searched: Path) -> None:
    trials = trials_of(searched)
    assert len(trials) == 3
    assert len({trial["learning_rate"] for trial in trials}) == 3


def test_the_best_trial_is_a_recipe_that_reads(searched: Path, recipe: Recipe) -> None:
    path = searched / "tiny-tuned.toml"
    study = optuna.load_study(study_name="gafas", storage=f"sqlite:///{searched / 'study.db'}")
    best = read_recipe(path)
    assert best.optimization.learning_rate == study.best_params["learning_rate"]
    assert best.network.dropout == study.best_params["dropout"]
    assert (best.name, best.split, best.labels) == ("tiny-tuned", recipe.split, recipe.labels)
    heading = path.read_text().splitlines()[0]
    assert heading == f"# Best of 3 trials: validation loss {study.best_value:.4f}."


def test_a_finished_study_trains_nothing_again(
    searched: Path, faces: tuple[Sample, ...], recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **more: object) -> None:
        pytest.fail("a trial was trained")

    monkeypatch.setattr(tuning, "fit", refuse)
    assert tune(recipe, faces, out=searched, trials=3) == searched / "tiny-tuned.toml"


def test_the_study_of_another_recipe_or_other_data_is_refused(
    searched: Path, faces: tuple[Sample, ...], recipe: Recipe
) -> None:
    before = (searched / "study.db").read_bytes()
    with pytest.raises(DataError, match="was begun with another recipe"):
        tune(dataclasses.replace(recipe, seed=9), faces, out=searched, trials=4)
    train = {sample.name for sample in make_split(faces, recipe.split).train}
    other = [
        dataclasses.replace(s, label="eyeglasses") if s.name in train and s.label == "none" else s
        for s in faces
    ]
    wide = dataclasses.replace(recipe, labels=("none", "eyeglasses", "sunglasses"))
    tune_error = pytest.raises(DataError, match=r"was begun with another (recipe|data)")
    with tune_error:
        tune(wide, other, out=searched, trials=4)
    with sqlite3.connect(searched / "study.db") as study:
        assert study.execute("select count(*) from trials").fetchone() == (3,)
    study.close()
    assert (searched / "study.db").read_bytes() == before


def test_a_photo_altered_since_is_other_data(
    searched: Path, faces: tuple[Sample, ...], recipe: Recipe, tmp_path: Path
) -> None:
    first = make_split(faces, recipe.split).train[0]
    (tmp_path / "altered.pgm").write_bytes(first.path.read_bytes() + b"\n")
    altered = dataclasses.replace(first, path=tmp_path / "altered.pgm")
    other = [altered if s.name == first.name else s for s in faces]
    with pytest.raises(DataError, match="was begun with another data"):
        tune(recipe, other, out=searched, trials=4)


@pytest.mark.parametrize("protocol", ["by_file", "by_photo"])
def test_tuning_on_the_test_part_is_refused(
    tmp_path: Path, faces: tuple[Sample, ...], protocol: str
) -> None:
    recipe = tiny_recipe(split={"protocol": protocol, "validation_share": 0.0})
    with pytest.raises(RecipeError, match=r"set split\.protocol=by_subject"):
        tune(recipe, faces, out=tmp_path / "out", trials=1)
    assert not (tmp_path / "out").exists()


def test_a_trial_changes_learning_rate_dropout_and_size_alone(recipe: Recipe) -> None:
    params = {"size": 0.5, "dropout": 0.6, "learning_rate": 0.03}
    found = suggest(recipe, optuna.trial.FixedTrial(params))
    assert found.network.filters == (2, 2)
    assert found.network.dense == 128
    assert (found.network.dropout, found.optimization.learning_rate) == (0.6, 0.03)
    unchanged = dataclasses.replace(
        found,
        name=recipe.name,
        network=recipe.network,
        optimization=dataclasses.replace(found.optimization, learning_rate=0.01),
    )
    assert unchanged == recipe
