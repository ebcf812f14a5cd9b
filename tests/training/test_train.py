import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest
import skimage.data
from PIL import Image

from eyewear_model import scene
from gafas.classifier import EyewearClassifier
from gafas.datasets.samples import NOT_A_FACE, Sample
from gafas.datasets.splits import Split, make_split
from gafas.errors import DataError
from gafas.training import train as training
from gafas.training.architectures import build, finish
from gafas.training.batches import TrainingData, Watched, read_targets, weigh
from gafas.training.calibrate import calibrate
from gafas.training.recipe import Optimization, Recipe, read_recipe
from gafas.training.run import History, hash_data, hash_recipe, read_history
from gafas.training.train import fit, train
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
    photos = [len({sample.photo for sample in part}) for part in (split.train, split.validation)]
    assert [data["train"], data["validation"]] == photos
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
    before = model.predict(data.watched.images, verbose=0)
    assert calibrate(model, data.watched)["temperature"] == 1.0
    assert np.array_equal(model.predict(data.watched.images, verbose=0), before)


def test_a_mirrored_network_is_calibrated_and_exported_as_it_is_served(
    faces: tuple[Sample, ...], tmp_path: Path
) -> None:
    recipe = tiny_recipe(network={"mirror": True}, optimization={"epochs": 1})
    model = EyewearClassifier(train(recipe, make_split(faces, recipe.split), run=tmp_path / "run"))
    photos = np.random.default_rng(1).integers(0, 256, (2, 15, 16, 1), np.uint8)
    assert model.predict(photos) == pytest.approx(model.predict(photos[:, :, ::-1]), abs=1e-5)


DOUBTING: dict[str, Any] = {
    "labels": ["none", "eyeglasses", "sunglasses"],
    "input": {"view": "face", "width": 16, "height": 16, "colour": "rgb"},
    "network": {"architecture": "residual", "filters": [4, 6], "not_a_face": True},
    "optimization": {"epochs": 5, "balance_labels": 0.5, "label_smoothing": 0.1},
}


@pytest.fixture(scope="module")
def doubtful() -> TrainingData:
    """Give bright faces, striped by what they wear, and dark noise that is no face."""
    generator = np.random.default_rng(9)
    words = [*DOUBTING["labels"], NOT_A_FACE] * 12
    samples = tuple(Sample(Path("a"), str(at), word, str(at)) for at, word in enumerate(words))
    images = generator.integers(0, 60, (len(words), 20, 20, 3), np.uint8)
    for image, word in zip(images, words, strict=True):
        if word != NOT_A_FACE:
            image += np.uint8(160)
            image[:: 2 + words.index(word)] //= 2
    targets = read_targets(samples, DOUBTING["labels"], not_a_face=True)
    confidences = np.where(targets[:, 3] == 1, 0.3, 0.9)
    shown = images[:, 2:18, 2:18].astype(np.float32)
    watched = Watched(shown, targets, samples, confidences)
    return TrainingData(images, targets, watched, weigh(samples, Optimization(balance_labels=0.5)))


def test_without_a_column_more_the_loss_is_the_cross_entropy() -> None:
    generator = np.random.default_rng(0)
    answers = generator.dirichlet(np.ones(3), 8).astype(np.float32)
    targets = np.eye(3, dtype=np.float32)[generator.integers(0, 3, 8)]
    for smoothing in (0.0, 0.1):
        ours = training._Loss(3, label_smoothing=smoothing)(targets, answers)
        theirs = keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)(targets, answers)
        assert float(ours) == pytest.approx(float(theirs), rel=1e-6)


def test_the_column_more_adds_the_cross_entropy_of_the_doubt() -> None:
    answers = np.array([[0.7, 0.2, 0.1, 0.1], [0.3, 0.3, 0.4, 0.8]], np.float32)
    targets = np.array([[1, 0, 0, 0], [1 / 3, 1 / 3, 1 / 3, 1]], np.float32)
    labels = [-np.log(0.7), -np.log([0.3, 0.3, 0.4]).mean()]
    doubts = [-np.log(0.9), -np.log(0.8)]
    found = training._Loss(3, label_smoothing=0.0)(targets, answers)
    assert float(found) == pytest.approx(np.sum([labels, doubts]) / 2, rel=1e-5)


def test_of_what_is_no_face_the_doubt_is_counted_right_and_of_faces_the_likeliest_label() -> None:
    answers = [[0.7, 0.2, 0.1, 0.9], [0.1, 0.2, 0.7, 0.1], [0.7, 0.2, 0.1, 0.9], [1, 0, 0, 0.1]]
    targets = [[1, 0, 0, 0], [1, 0, 0, 0], [1 / 3, 1 / 3, 1 / 3, 1], [1 / 3, 1 / 3, 1 / 3, 1]]
    for columns, right in ((4, 0.5), (3, 0.75)):  # without the doubt, the first label of equals
        pairs = (np.array(rows, np.float32)[:, :columns] for rows in (targets, answers))
        metric = training._Accuracy(3)
        metric.update_state(*pairs)
        assert float(metric.result()) == pytest.approx(right)


def test_a_network_learns_to_doubt(tmp_path: Path, doubtful: TrainingData) -> None:
    recipe = tiny_recipe(**DOUBTING | {"optimization": {"epochs": 25}})
    model, _ = fit(recipe, doubtful, run=tmp_path)
    assert doubtful.watched is not None
    served = finish(model, mirrored=True)
    facts = calibrate(served, doubtful.watched)
    doubts = served.predict(doubtful.watched.images, verbose=0)[1][:, 0]
    face = doubtful.watched.targets[:, 3] == 0
    assert doubts[~face].min() > doubts[face].max()
    assert facts["face_check"]["not_a_face"] > 0
    history = read_history(tmp_path / "history.csv")
    assert history[-1].loss < history[0].loss


def test_a_run_of_a_network_that_doubts_leaves_a_model_that_says_so(tmp_path: Path) -> None:
    samples = []
    for number, label in enumerate([*DOUBTING["labels"]] * 4):
        name = f"{number}.png"
        scene(number).save(tmp_path / name)
        samples.append(Sample(tmp_path / name, name, label, name))
    for cut in range(3):
        name = f"cat{cut}.png"
        Image.fromarray(skimage.data.chelsea()[:, 20 * cut :]).save(tmp_path / name)
        samples.append(Sample(tmp_path / name, name, NOT_A_FACE, name, apart=()))
    split = Split("mine", (*samples[:6], *samples[-2:]), (*samples[6:9], samples[-3]), ())
    recipe = tiny_recipe(**DOUBTING | {"optimization": {"epochs": 1}})
    recipe = dataclasses.replace(recipe, network=dataclasses.replace(recipe.network, mirror=True))
    run = tmp_path / "run"
    model = onnx.load(train(recipe, split, run=run))
    named = {output.name for output in model.graph.output}
    assert named == {"probabilities", "not_a_face", "features"}
    told = json.loads(model.metadata_props[0].value)
    assert set(told["face_check"]) == {"least", "detector", "not_a_face", "offset", "cut"}
    assert EyewearClassifier(run / "model.onnx").labels == recipe.labels
    for name in ("model.keras", "model.h5"):  # which answer no more than the original's
        plain = keras.models.load_model(run / name, compile=False)
        assert plain.output_shape == (None, 3)


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
    }
}

TWO_EPOCHS = tiny_recipe(optimization={"epochs": 2})


class Interruption(Exception):  # noqa: N818 (nothing is wrong)
    """Stop a training from outside."""


@pytest.fixture(scope="module")
def straight(
    tmp_path_factory: pytest.TempPathFactory, data: TrainingData
) -> tuple[keras.Model, Path]:
    """Train two epochs without an interruption."""
    run = tmp_path_factory.mktemp("straight")
    return fit(TWO_EPOCHS, data, run=run)[0], run


def without_seconds(run: Path) -> History:
    history = read_history(run / "history.csv")
    return tuple(dataclasses.replace(epoch, seconds=0.0) for epoch in history)


def weights_of(model: keras.Model) -> Iterator[Any]:
    return (np.asarray(weight.value) for weight in model.weights)


def equal(one: keras.Model, other: keras.Model) -> bool:
    pairs = list(zip(weights_of(one), weights_of(other), strict=True))
    assert len(pairs) > 4
    return all(np.array_equal(a, b) for a, b in pairs)


def interrupt(
    recipe: Recipe, data: TrainingData, *, run: Path, state_at: int, stop_at: int
) -> None:
    """Train until an epoch is over; the only state is that of an earlier one."""
    with pytest.MonkeyPatch.context() as patch:

        def tell(epoch: int, epochs: int, logs: object) -> None:
            wait = 0.0 if epoch + 1 == state_at else 1e9
            patch.setattr(training, "SECONDS_BETWEEN_STATES", wait)
            if epoch == stop_at:
                raise Interruption

        tell(0, 0, None)
        with pytest.raises(Interruption):
            fit(recipe, data, run=run, on_epoch=tell)


@pytest.mark.parametrize(
    ("changes", "material"),
    [(ORIGINAL, "data"), (MODERN, "data"), (DOUBTING, "doubtful")],
    ids=["original", "modern", "doubting"],
)
def test_an_interrupted_training_ends_as_an_uninterrupted_one(
    tmp_path: Path, request: pytest.FixtureRequest, changes: dict[str, Any], material: str
) -> None:
    recipe, data = tiny_recipe(**changes), request.getfixturevalue(material)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for run in (whole, broken):
        run.mkdir()
    straight, _ = fit(recipe, data, run=whole)
    interrupt(recipe, data, run=broken, state_at=2, stop_at=4)
    assert len(without_seconds(broken)) == 4
    assert (broken / "state-2.weights.h5").exists()
    resumed, _ = fit(recipe, data, run=broken)
    assert without_seconds(broken) == without_seconds(whole)
    assert len(without_seconds(whole)) == 5
    assert equal(resumed, straight)


def test_time_before_an_interruption_is_counted(tmp_path: Path, data: TrainingData) -> None:
    interrupt(TWO_EPOCHS, data, run=tmp_path, state_at=1, stop_at=1)
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
