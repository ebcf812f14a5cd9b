"""One training: a recipe and a split go in, a run folder with everything about it comes out."""

import dataclasses
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from gafas.crops import CropGeometry
from gafas.datasets.dataset import DataSet
from gafas.datasets.folders import check_trainable
from gafas.datasets.samples import relabel
from gafas.datasets.splits import Split
from gafas.progress import PAUSE
from gafas.training.architectures import (
    TEMPERATURE,
    begin_with_bundled,
    build,
    copy_weights,
    look_twice,
    write_layers,
)
from gafas.training.backend import keras, tf
from gafas.training.batches import (
    count_steps,
    cut_size,
    make_batches,
    read_inputs,
    read_targets,
    render,
    stretch_epochs,
    weigh,
    weigh_labels,
)
from gafas.training.calibrate import choose_threshold, fit_calibration
from gafas.training.export import export_model, load_keras
from gafas.training.keeper import Keeper, remove_states
from gafas.training.recipe import BUNDLED_WEIGHTS, Optimization, Recipe
from gafas.training.run import hash_recipe, open_run, write_environment
from gafas.training.shading import shade


class Bar(keras.callbacks.Callback):
    """Show epochs, losses, accuracies and the time left on stderr.

    On a terminal that is a bar; elsewhere, as in a file, a line now and then; with `-q` nothing.
    """

    def __init__(self, epochs: int, *, done: int) -> None:
        super().__init__()
        self._console = Console(stderr=True)
        columns = (BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
        quiet = not logging.getLogger("gafas").isEnabledFor(logging.WARNING)
        lines = not self._console.is_terminal
        self._progress = Progress(*columns, console=self._console, disable=lines or quiet)
        self._pause = PAUSE if lines and not quiet else float("inf")
        self._task = self._progress.add_task("training", total=epochs, completed=done)
        self._epochs, self._done = epochs, done
        self._began = self._written = time.monotonic()

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Show the bar."""
        self._progress.start()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Advance it, and show the epoch's figures."""
        shown = "  ".join(f"{name} {value:.3f}" for name, value in (logs or {}).items())
        self._progress.update(self._task, advance=1, description=f"epoch {epoch + 1}  {shown}")
        now = time.monotonic()
        if now - self._written > self._pause:
            left = (now - self._began) / (epoch + 1 - self._done) * (self._epochs - epoch - 1)
            line = f"epoch {epoch + 1} of {self._epochs}  {shown}  about {left:.0f} s left"
            self._console.print(line, highlight=False, soft_wrap=True)
            self._written = now

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Leave the bar as it stands."""
        self._progress.stop()


Watched = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Images, `(N, H, W, C)` 0–255, and targets, `(N, labels)`, of the validation part."""


def finish(model: keras.Model, recipe: Recipe) -> keras.Model:
    """Turn learnt weights into the network that is served: averaged, looking twice, as asked.

    Trainings that began with the same weights end in one valley: what chance put into each, their
    mean leaves out.

    Source: Wortsman et al. 2022, "Model soups".
    """
    if recipe.network.twins:
        learnt = [model.get_weights()]
        for path in recipe.network.twins:
            twin = build(recipe)
            copy_weights(load_keras(Path(path)), twin)
            learnt.append(twin.get_weights())
        model.set_weights([np.mean(layer, axis=0) for layer in zip(*learnt, strict=True)])
    return look_twice(model) if recipe.network.mirror else model


def calibrate(model: keras.Model, watched: Watched, *, balance: float = 0.0) -> dict[str, Any]:
    """Set the model's temperature and offsets, and choose its threshold, on its validation part.

    `balance` says how far its labels weigh alike in the calibration, see `weigh_labels`.
    A network without a layer for them, as the original's, keeps its probabilities.
    """
    images, targets = watched
    weights = weigh_labels(targets, balance)
    temperature, offsets = 1.0, (0.0,) * targets.shape[1]
    probabilities = model.predict(images, batch_size=256, verbose=0)
    if TEMPERATURE in [layer.name for layer in model.layers]:
        temperature, offsets = fit_calibration(probabilities, targets, weights=weights)
        layer = model.get_layer(TEMPERATURE)
        layer.scale, layer.offset = 1 / temperature, list(offsets)
        # Keras would answer with the former temperature, which is compiled in.
        model.make_predict_function(force=True)
        probabilities = model.predict(images, batch_size=256, verbose=0)
    threshold = choose_threshold(probabilities, targets)
    return {"temperature": temperature, "offsets": list(offsets), "threshold": threshold}


_log = logging.getLogger(__name__)

_PARITY_PHOTOS = 64

OnEpoch = Callable[[int, int, Mapping[str, float]], None]
"""Told after each epoch: which it was, counted from 1, of how many, and its figures by name."""


def train(
    recipe: Recipe,
    split: Split,
    *,
    run: Path,
    data: DataSet | None = None,
    on_epoch: OnEpoch | None = None,
) -> Path:
    """Train a recipe on a split and leave everything about it in the run folder.

    The folder then holds recipe.toml, split.json, data.json, environment.json, history.csv,
    network.json, model.keras, model.h5, label_encoder.npy, model.onnx and model.tflite. An
    interrupted training of the same recipe and split goes on from its latest state. The test part
    is not looked at, unless the split itself makes it the validation part, as the original did.

    Args:
        recipe: everything that decides the training.
        split: the samples to learn from, to watch and to leave alone.
        run: the folder, made if missing.
        data: what the split was made of; the run remembers where it lies.
        on_epoch: shows the training's progress, instead of a bar on stderr.

    Returns:
        The model file, `run/model.onnx`.

    Raises:
        DataError: the folder holds another or a finished run, or the samples cannot be learnt from.
        ModelError: the exported files do not answer as the Keras model does.
    """
    parts = (
        relabel(part, recipe.labels, tinted=True)
        for part in (split.train, split.validation, split.test)
    )
    split = Split(split.name, *parts)
    check_trainable(split.train)
    sha256 = open_run(recipe, split, run=run, data=data)
    learnt = read_data(recipe, split)
    model, seconds = fit(recipe, learnt, run=run, on_epoch=on_epoch)
    model = finish(model, recipe)
    facts = _describe(recipe, split, sha256=sha256)
    if learnt.watched is not None and not split.watches_test:
        facts |= calibrate(model, learnt.watched, balance=recipe.optimization.balance_validation)
    write_layers(model, run / "network.json")
    write_environment(run, recipe, seconds=round(seconds, 1))
    chosen = np.random.default_rng(recipe.seed).permutation(len(learnt.images))[:_PARITY_PHOTOS]
    photos = cut_size(learnt.images[chosen], recipe.input)
    export_model(model, run, metadata=facts, photos=photos)
    remove_states(run)
    return run / "model.onnx"


@dataclasses.dataclass(frozen=True, slots=True)
class TrainingData:
    """Arrays in memory.

    Attributes:
        images: `(N, H, W, C)` 0–255, as the network sees them; crops of faces have a margin.
        targets: `(N, labels)`.
        watched: images without a margin and targets of the validation part, or None.
        weights: how often each image is drawn, `(N,)`; None shows all of them in every epoch.
    """

    images: NDArray[np.uint8]
    targets: NDArray[np.float32]
    watched: Watched | None
    weights: NDArray[np.float64] | None = None


def read_data(recipe: Recipe, split: Split) -> TrainingData:
    """Read what a training learns from and watches; the split bears the recipe's own labels.

    Photos in which a recipe of faces finds none are left out.

    Raises:
        DataError: too few photos with a face are left.
        ImageError: a photo cannot be read.
    """
    watched = None
    if split.validation:
        seen = read_inputs(split.validation, recipe.input)
        shown = cut_size(seen.images, recipe.input).astype(np.float32)
        watched = (shown, read_targets(seen.samples, recipe.labels)) if seen.samples else None
    inputs = read_inputs(split.train, recipe.input)
    check_trainable(inputs.samples)
    if recipe.augmentation.shaded:
        inputs = shade(inputs, recipe.augmentation.shaded, seed=recipe.seed)
    images, samples = inputs.images, inputs.samples
    targets = read_targets(samples, recipe.labels)
    if recipe.augmentation.rendered:
        plan, labels = recipe.augmentation, recipe.labels
        drawn, soft = render(inputs, plan, labels=labels, seed=recipe.seed)
        images = np.concatenate([images, drawn.images])
        samples, targets = samples + drawn.samples, np.concatenate([targets, soft])
    return TrainingData(images, targets, watched, weigh(samples, recipe.optimization))


def fit(
    recipe: Recipe, data: TrainingData, *, run: Path, on_epoch: OnEpoch | None = None
) -> tuple[keras.Model, float]:
    """Learn the weights, going on from the run's latest state if there is one.

    Args:
        recipe: everything that decides the training.
        data: what is learnt from and watched.
        run: the folder that holds history and states.
        on_epoch: shows the training's progress, instead of a bar on stderr.

    Returns:
        The model with the weights that the recipe keeps, and the seconds that training took,
        those before an interruption included.
    """
    keras.utils.clear_session()
    keras.utils.set_random_seed(recipe.seed)
    tf.config.experimental.enable_op_determinism()
    recipe = stretch_epochs(recipe, len(data.images))
    model = build(recipe)
    if recipe.network.weights == BUNDLED_WEIGHTS:
        begin_with_bundled(model)
    elif recipe.network.weights:
        copy_weights(load_keras(Path(recipe.network.weights)), model)
    steps = count_steps(recipe, len(data.images))
    smoothing = recipe.optimization.label_smoothing
    model.compile(
        optimizer=_make_optimizer(recipe.optimization, steps),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=smoothing),
        metrics=["accuracy"],
        jit_compile=False,  # XLA takes a third longer on a CPU
    )
    keeper = Keeper(run, recipe.optimization)
    keeper.set_model(model)
    done = keeper.resume()
    if not keeper.is_over():
        model.fit(
            make_batches(
                recipe,
                data.images,
                targets=data.targets,
                weights=data.weights,
                first_epoch=done,
            ),
            initial_epoch=done,
            epochs=recipe.optimization.epochs,
            steps_per_epoch=steps,
            shuffle=False,  # the batches come shuffled
            validation_data=data.watched,
            validation_batch_size=256,
            callbacks=[keeper, _make_shower(recipe.optimization.epochs, done, on_epoch)],
            verbose=0,
        )
    epoch, seconds = keeper.finish()
    _log.info("Kept the weights of epoch %d; training took %.0f s.", epoch, seconds)
    return model, seconds


def _make_shower(epochs: int, done: int, on_epoch: OnEpoch | None) -> keras.callbacks.Callback:
    if on_epoch is None:
        return Bar(epochs, done=done)
    return keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: on_epoch(epoch + 1, epochs, dict(logs or {}))
    )


def _make_optimizer(plan: Optimization, steps: int) -> keras.optimizers.Optimizer:
    rate: Any = plan.learning_rate
    if plan.schedule == "cosine":
        warmup = plan.warmup_epochs * steps
        rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0 if warmup else plan.learning_rate,
            decay_steps=max(1, plan.epochs * steps - warmup),
            warmup_target=plan.learning_rate if warmup else None,
            warmup_steps=warmup,
        )
    if plan.optimizer == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=plan.weight_decay)
    return keras.optimizers.Adam(rate)


def _describe(recipe: Recipe, split: Split, *, sha256: str) -> dict[str, Any]:
    counts = {"train": len(split.train), "validation": len(split.validation)}
    return {
        "labels": list(recipe.labels),
        "view": recipe.input.view,
        "width": recipe.input.width,
        "height": recipe.input.height,
        "colour": recipe.input.colour,
        "recipe": recipe.name,
        "recipe_sha256": hash_recipe(recipe),
        "data": {
            "split": split.name,
            "cmu": recipe.split.cmu,
            **counts,
            "sha256": sha256,
        },
    } | ({"crop": dataclasses.asdict(CropGeometry())} if recipe.input.view == "face" else {})
