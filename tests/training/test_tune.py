import dataclasses
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
import pytest

from gafas.datasets.dataset import DataSet
from gafas.datasets.samples import Sample
from gafas.datasets.splits import Split, make_split
from gafas.errors import DataError, RecipeError
from gafas.training import tune as tuning
from gafas.training.recipe import Recipe, read_recipe
from gafas.training.tune import suggest, tune
from tiny_data import make_sets, tiny_recipe

# Optuna marks parts of itself as experimental, and its storage's pool is closed by the collector.
pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


def of(samples: Sequence[Sample]) -> DataSet:
    return DataSet("cmu", Path("/nowhere"), tuple(samples))


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
    tune(recipe, of(blind), out=out, trials=2)
    tune(recipe, of(blind), out=out, trials=3)
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
    assert tune(recipe, of(faces), out=searched, trials=3) == searched / "tiny-tuned.toml"


def test_the_study_of_another_recipe_or_other_data_is_refused(
    searched: Path, faces: tuple[Sample, ...], recipe: Recipe
) -> None:
    before = (searched / "study.db").read_bytes()
    with pytest.raises(DataError, match="was begun with another recipe"):
        tune(dataclasses.replace(recipe, seed=9), of(faces), out=searched, trials=4)
    train = {sample.name for sample in make_split(faces, recipe.split).train}
    other = [
        dataclasses.replace(s, label="eyeglasses") if s.name in train and s.label == "none" else s
        for s in faces
    ]
    wide = dataclasses.replace(recipe, labels=("none", "eyeglasses", "sunglasses"))
    tune_error = pytest.raises(DataError, match=r"was begun with another (recipe|data)")
    with tune_error:
        tune(wide, of(other), out=searched, trials=4)
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
        tune(recipe, of(other), out=searched, trials=4)


@pytest.mark.parametrize("protocol", ["by_file", "by_photo"])
def test_tuning_on_the_test_part_is_refused(
    tmp_path: Path, faces: tuple[Sample, ...], protocol: str
) -> None:
    recipe = tiny_recipe(split={"protocol": protocol, "validation_share": 0.0})
    with pytest.raises(RecipeError, match=r"set split\.protocol=by_subject"):
        tune(recipe, of(faces), out=tmp_path / "out", trials=1)
    assert not (tmp_path / "out").exists()


def test_held_out_photos_of_the_sets_are_not_learnt_from_while_tuning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = make_sets(tmp_path / "sets")
    data = DataSet("eyewear", tmp_path / "sets", sets)
    seen: list[Split] = []

    def look(recipe: Recipe, split: Split) -> None:
        seen.append(split)
        raise KeyboardInterrupt

    monkeypatch.setattr(tuning, "read_data", look)
    recipe = tiny_recipe(labels=["none", "eyeglasses", "sunglasses"])
    with pytest.raises(KeyboardInterrupt):
        tune(recipe, data, out=tmp_path / "out", trials=1)
    held_out = {sample.name for sample in data.part(recipe.split).test}
    assert len(held_out) > 5
    learnt = {sample.name for sample in seen[0].train + seen[0].validation}
    assert len(learnt) > 20
    assert not learnt & held_out


def test_a_trial_that_begins_with_weights_keeps_their_size() -> None:
    recipe = tiny_recipe(network={"weights": "eyewear"})
    found = suggest(recipe, optuna.trial.FixedTrial({"dropout": 0.5, "learning_rate": 0.01}))
    assert found.network.filters == recipe.network.filters
    assert found.network.dense == recipe.network.dense


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
