import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from gafas.training import keeper
from gafas.training.run import History, read_history
from gafas.training.train import Bar, TrainingData, fit
from tiny_data import tiny_recipe

ORIGINAL: dict[str, Any] = {
    "network": {"architecture": "seed", "filters": [2, 2], "dense": 8, "dropout": 0.5},
    "optimization": {"epochs": 5},
}
MODERN: dict[str, Any] = {
    "optimization": {
        "epochs": 5,
        "optimizer": "adamw",
        "weight_decay": 0.01,
        "schedule": "cosine",
        "warmup_epochs": 1,
        "label_smoothing": 0.1,
        "keep": "best",
    }
}

TWO_EPOCHS = tiny_recipe(optimization={"epochs": 2})


class Interruption(Exception):  # noqa: N818 (nothing is wrong)
    """Stop a training from outside."""


@pytest.fixture(scope="module")
def misled(data: TrainingData) -> TrainingData:
    """Return data whose validation part says the opposite: what is learnt makes it worse."""
    assert data.watched is not None
    images, targets = data.watched
    return dataclasses.replace(data, watched=(images, 1 - targets))


@pytest.fixture(scope="module")
def straight(
    tmp_path_factory: pytest.TempPathFactory, data: TrainingData
) -> tuple[keras.Model, Path]:
    """Train two epochs without an interruption."""
    run = tmp_path_factory.mktemp("straight")
    return fit(TWO_EPOCHS, data, run=run)[0], run


def without_seconds(run: Path) -> History:
    rows = read_history(run / "history.csv")
    return tuple(dataclasses.replace(row, seconds=0.0) for row in rows)


def find_best(history: History) -> int:
    return min(range(len(history)), key=lambda index: history[index].val_loss or 0.0)


def weights_of(model: keras.Model) -> Iterator[Any]:
    return (np.asarray(weight.value) for weight in model.weights)


def equal(one: keras.Model, other: keras.Model) -> bool:
    pairs = list(zip(weights_of(one), weights_of(other), strict=True))
    assert len(pairs) > 4
    return all(np.array_equal(a, b) for a, b in pairs)


def interrupt(monkeypatch: pytest.MonkeyPatch, *, state_at: int, stop_at: int) -> None:
    """Let the only state be written after one epoch, and a later one be the last."""
    monkeypatch.setattr(keeper, "SECONDS_BETWEEN_STATES", 1e9)

    def begin(self: Bar, epoch: int, logs: object = None) -> None:
        monkeypatch.setattr(keeper, "SECONDS_BETWEEN_STATES", 0.0 if epoch + 1 == state_at else 1e9)

    def end(self: Bar, epoch: int, logs: object = None) -> None:
        if epoch + 1 == stop_at:
            raise Interruption

    monkeypatch.setattr(Bar, "on_epoch_begin", begin)
    monkeypatch.setattr(Bar, "on_epoch_end", end)


@pytest.mark.parametrize("changes", [ORIGINAL, MODERN], ids=["original", "modern"])
def test_an_interrupted_training_ends_as_an_uninterrupted_one(
    tmp_path: Path, data: TrainingData, changes: dict[str, Any]
) -> None:
    recipe = tiny_recipe(**changes)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for run in (whole, broken):
        run.mkdir()
    straight, _ = fit(recipe, data, run=whole)
    with pytest.MonkeyPatch.context() as patch:
        interrupt(patch, state_at=2, stop_at=4)
        with pytest.raises(Interruption):
            fit(recipe, data, run=broken)
    assert len(without_seconds(broken)) == 4
    assert (broken / "state-2.weights.h5").exists()
    resumed, _ = fit(recipe, data, run=broken)
    assert without_seconds(broken) == without_seconds(whole)
    assert len(without_seconds(whole)) == 5
    assert equal(resumed, straight)


def test_time_before_an_interruption_is_counted(tmp_path: Path, data: TrainingData) -> None:
    with pytest.MonkeyPatch.context() as patch:
        interrupt(patch, state_at=1, stop_at=1)
        with pytest.raises(Interruption):
            fit(TWO_EPOCHS, data, run=tmp_path)
    path = tmp_path / "history.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1].rpartition(",")[0] + ",1000"]) + "\n")
    _, seconds = fit(TWO_EPOCHS, data, run=tmp_path)
    assert seconds > 1000
    assert read_history(path)[1].seconds == pytest.approx(seconds)


def test_a_training_that_was_interrupted_after_its_last_epoch_is_not_repeated(
    straight: tuple[keras.Model, Path], data: TrainingData
) -> None:
    model, run = straight
    before = (run / "history.csv").stat().st_mtime_ns
    again, _ = fit(TWO_EPOCHS, data, run=run)
    assert equal(again, model)
    assert (run / "history.csv").stat().st_mtime_ns == before


def test_the_same_seed_gives_the_same_weights_and_another_one_others(
    tmp_path: Path, straight: tuple[keras.Model, Path], data: TrainingData
) -> None:
    models = []
    for seed in (TWO_EPOCHS.seed, TWO_EPOCHS.seed + 1):
        run = tmp_path / str(seed)
        run.mkdir()
        models.append(fit(dataclasses.replace(TWO_EPOCHS, seed=seed), data, run=run)[0])
    assert equal(models[0], straight[0])
    assert not equal(models[1], straight[0])


def test_the_best_epoch_is_kept_where_the_recipe_says_so(
    tmp_path: Path, misled: TrainingData
) -> None:
    recipe = tiny_recipe(optimization={"keep": "best", "epochs": 6})
    model, _ = fit(recipe, misled, run=tmp_path)
    history = read_history(tmp_path / "history.csv")
    best = find_best(history)
    assert len(history) == 6
    assert best < 5, "the test needs a last epoch that is not the best"
    loss = model.evaluate(*misled.watched, verbose=0)[0]
    assert loss == pytest.approx(history[best].val_loss, rel=1e-4)


def test_patience_stops_and_going_on_does_not_wake_it(tmp_path: Path, misled: TrainingData) -> None:
    recipe = tiny_recipe(optimization={"patience": 2, "epochs": 30})
    straight, _ = fit(recipe, misled, run=tmp_path)
    history = without_seconds(tmp_path)
    assert len(history) == find_best(history) + 1 + 2 < 30
    again, _ = fit(recipe, misled, run=tmp_path)
    assert without_seconds(tmp_path) == history
    assert equal(again, straight)
