import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import pytest

from gafas.classifier import EyewearClassifier
from gafas.datasets.samples import Sample
from gafas.datasets.splits import Split, make_split
from gafas.errors import DataError, RecipeError
from gafas.training.architectures import build
from gafas.training.recipe import Recipe, read_recipe
from gafas.training.run import hash_data, hash_recipe, read_history
from gafas.training.train import TrainingData, calibrate, finish, fit, train
from tiny_data import tiny_recipe

FILES = [
    "data.json",
    "environment.json",
    "history.csv",
    "label_encoder.npy",
    "model.h5",
    "model.keras",
    "model.onnx",
    "model.tflite",
    "network.json",
    "recipe.toml",
    "split.json",
]


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, faces: tuple[Sample, ...]
) -> tuple[Recipe, Split, Path]:
    recipe = tiny_recipe()
    split = make_split(faces, recipe.split)
    run = tmp_path_factory.mktemp("runs") / "tiny"
    assert train(recipe, split, run=run) == run / "model.onnx"
    return recipe, split, run


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()}


def test_a_run_folder_is_complete_and_holds_no_state(finished: tuple[Recipe, Split, Path]) -> None:
    recipe, split, run = finished
    assert sorted(path.name for path in run.iterdir()) == FILES
    assert read_recipe(run / "recipe.toml") == recipe
    held = json.loads((run / "split.json").read_text())
    assert held["test"] == [sample.name for sample in split.test]
    assert held["leaks"]["any"] == 0
    environment = json.loads((run / "environment.json").read_text())
    assert environment["keras"] == keras.__version__
    assert environment["seconds"] > 0
    data = json.loads((run / "data.json").read_text())
    assert (data["kind"], data["sha256"]) == ("own", hash_data(split, recipe.labels))
    history = read_history(run / "history.csv")
    assert [row.epoch for row in history] == [1, 2, 3, 4]
    assert history[-1].loss < history[0].loss
    assert np.load(run / "label_encoder.npy", allow_pickle=False).tolist() == list(recipe.labels)


def test_the_model_file_says_where_it_comes_from(finished: tuple[Recipe, Split, Path]) -> None:
    recipe, split, run = finished
    classifier = EyewearClassifier(run / "model.onnx")
    assert classifier.labels == recipe.labels
    assert (classifier.size, classifier.colour, classifier.view) == ((16, 15), "grey", "photo")
    assert classifier.metadata["recipe_sha256"] == hash_recipe(recipe)
    data = classifier.metadata["data"]
    assert data["split"] == "by_subject"
    assert (data["train"], data["validation"]) == (len(split.train), len(split.validation))
    assert data["sha256"] == hash_data(split, recipe.labels)
    assert classifier.metadata["temperature"] != 1.0
    assert 0 <= classifier.threshold <= 1


def test_a_finished_run_is_refused_and_left_as_it_is(finished: tuple[Recipe, Split, Path]) -> None:
    recipe, split, run = finished
    before = snapshot(run)
    with pytest.raises(DataError, match="is finished already"):
        train(recipe, split, run=run)
    assert snapshot(run) == before


def test_samples_that_cannot_be_learnt_from_leave_no_folder(
    tmp_path: Path, faces: tuple[Sample, ...]
) -> None:
    split = make_split(faces, tiny_recipe().split)
    bare = tuple(s for s in split.train if s.label != "sunglasses")
    with pytest.raises(DataError, match="at least two labels"):
        train(tiny_recipe(), dataclasses.replace(split, train=bare), run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_progress_is_told_to_who_asks_and_no_bar_is_shown(
    data: TrainingData, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told: list[tuple[int, int, Mapping[str, float]]] = []
    recipe = tiny_recipe(optimization={"epochs": 3})
    fit(recipe, data, run=tmp_path, on_epoch=lambda *epoch: told.append(epoch))
    assert [(epoch, epochs) for epoch, epochs, _ in told] == [(1, 3), (2, 3), (3, 3)]
    assert all(logs.keys() == {"loss", "accuracy", "val_loss", "val_accuracy"} for *_, logs in told)
    written = read_history(tmp_path / "history.csv")
    assert [logs["loss"] for *_, logs in told] == pytest.approx([row.loss for row in written])
    assert capfd.readouterr() == ("", "")


def test_calibration_leaves_the_original_network_alone(data: TrainingData) -> None:
    model = build(tiny_recipe(network={"architecture": "seed", "filters": [2, 2], "dense": 8}))
    assert data.watched is not None
    before = model.predict(data.watched[0], verbose=0)
    assert calibrate(model, data.watched)["temperature"] == 1.0
    assert np.array_equal(model.predict(data.watched[0], verbose=0), before)


def test_a_training_may_begin_with_the_weights_of_another(
    finished: tuple[Recipe, Split, Path], data: TrainingData, tmp_path: Path
) -> None:
    former = finished[2] / "model.keras"
    still = {"epochs": 1, "learning_rate": 1e-9}
    recipe = tiny_recipe(network={"weights": str(former)}, optimization=still)
    model, _ = fit(recipe, data, run=tmp_path)
    held = keras.models.load_model(former, compile=False).get_weights()
    kernels = [at for at, w in enumerate(held) if w.ndim == 4]
    assert len(kernels) > 1
    for at in kernels:
        assert model.get_weights()[at] == pytest.approx(held[at], abs=1e-6)


def test_weights_of_a_network_of_other_sizes_are_refused(
    finished: tuple[Recipe, Split, Path], data: TrainingData, tmp_path: Path
) -> None:
    network = {"weights": str(finished[2] / "model.keras"), "filters": [4, 5]}
    with pytest.raises(RecipeError, match="another network"):
        fit(tiny_recipe(network=network), data, run=tmp_path)


def test_a_mirrored_network_is_calibrated_and_exported_as_it_is_served(
    faces: tuple[Sample, ...], tmp_path: Path
) -> None:
    recipe = tiny_recipe(network={"mirror": True}, optimization={"epochs": 1})
    model = EyewearClassifier(train(recipe, make_split(faces, recipe.split), run=tmp_path / "run"))
    photos = np.random.default_rng(1).integers(0, 256, (2, 15, 16, 1), np.uint8)
    assert model.predict(photos) == pytest.approx(model.predict(photos[:, :, ::-1]), abs=1e-5)


def test_a_network_with_twins_ends_in_the_middle_between_them_all(
    finished: tuple[Recipe, Split, Path],
) -> None:
    twin = keras.models.load_model(finished[2] / "model.keras", compile=False)
    ended = build(tiny_recipe())
    ended.set_weights([w + 1 for w in twin.get_weights()])
    twins = [str(finished[2] / "model.keras")] * 3
    made = finish(ended, tiny_recipe(network={"twins": twins}))
    for theirs, found in zip(twin.get_weights(), made.get_weights(), strict=True):
        assert found - theirs == pytest.approx(0.25, abs=1e-5)
