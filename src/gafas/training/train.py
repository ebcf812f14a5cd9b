"""One training: a recipe and a split go in, a run folder with everything about it comes out."""

import dataclasses
import logging
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from gafas.crops import CropGeometry
from gafas.datasets.dataset import DataSet
from gafas.datasets.eyewear import LICENCES, MIX
from gafas.datasets.folders import check_trainable
from gafas.datasets.samples import relabel
from gafas.datasets.splits import Split
from gafas.progress import open_progress
from gafas.training.architectures import (
    begin_with_bundled,
    build,
    finish,
    write_layers,
)
from gafas.training.backend import keras, tf
from gafas.training.batches import (
    TrainingData,
    count_steps,
    cut_size,
    make_batches,
    read_data,
    stretch_epochs,
)
from gafas.training.calibrate import calibrate
from gafas.training.export import export_model
from gafas.training.recipe import Optimization, Recipe
from gafas.training.run import (
    Epoch,
    History,
    hash_recipe,
    open_run,
    read_history,
    write_environment,
    write_history,
)

SECONDS_BETWEEN_STATES = 30.0
"""How much of a training an interruption may cost, at most, in seconds of work."""

_PARITY_PHOTOS: Final = 64

OnEpoch = Callable[[int, int, Mapping[str, float]], None]
"""Told after each epoch: which it was, counted from 1, of how many, and its figures by name."""

_log = logging.getLogger(__name__)


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
        relabel(part, recipe.labels, learnt=True)
        for part in (split.train, split.validation, split.test)
    )
    split = Split(split.name, *parts)
    check_trainable(split.train)
    sha256 = open_run(recipe, split, run=run, data=data)
    learnt = read_data(recipe, split)
    model, seconds = fit(recipe, learnt, run=run, on_epoch=on_epoch)
    model = finish(model, mirrored=recipe.network.mirror)
    facts = _describe(recipe, split, sha256=sha256)
    if (watched := learnt.watched) is not None and not split.watches_test:
        # What the file says of itself comes of photos, too, as its weights do.
        watched = watched.select_free() if recipe.split.sets == "free" else watched
        mix = MIX if split.name == "eyewear" else None
        facts |= calibrate(model, watched, mix=mix)
    write_layers(model, run / "network.json")
    write_environment(run, recipe, seconds=round(seconds, 1))
    chosen = np.random.default_rng(recipe.seed).permutation(len(learnt.images))[:_PARITY_PHOTOS]
    photos = cut_size(learnt.images[chosen], recipe.input)
    export_model(model, run, metadata=facts, photos=photos)
    for left in (*_list_states(run), *run.glob("partial.*")):
        left.unlink()
    return run / "model.onnx"


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
        The model, and the seconds that training took, those before an interruption included.
    """
    keras.utils.clear_session()
    keras.utils.set_random_seed(recipe.seed)
    tf.config.experimental.enable_op_determinism()
    recipe = stretch_epochs(recipe, len(data.images))
    epochs, steps = recipe.optimization.epochs, count_steps(recipe, len(data.images))
    model = build(recipe)
    if recipe.network.weights:
        begin_with_bundled(model)
    smoothing = recipe.optimization.label_smoothing
    model.compile(
        optimizer=_make_optimizer(recipe.optimization, steps),
        loss=_Loss(len(recipe.labels), label_smoothing=smoothing),
        metrics=[_Accuracy(len(recipe.labels))],
        jit_compile=False,  # XLA takes a third longer on a CPU
    )
    states = _States(run)
    states.set_model(model)
    done = states.resume()
    watched = data.watched
    if done < epochs:
        with open_progress("Training") as show:
            tell = on_epoch or (lambda *epoch: show(_describe_epoch(*epoch), *epoch[:2]))
            teller = keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: tell(epoch + 1, epochs, dict(logs or {}))
            )
            model.fit(
                make_batches(recipe, data, first_epoch=done),
                initial_epoch=done,
                epochs=epochs,
                steps_per_epoch=steps,
                shuffle=False,  # the batches come shuffled
                validation_data=(watched.images, watched.targets) if watched else None,
                validation_batch_size=256,
                callbacks=[states, teller],
                verbose=0,
            )
    seconds = states.history[-1].seconds
    _log.info("Training took %.0f s.", seconds)
    return model, seconds


class _Loss(keras.losses.Loss):
    """The cross-entropy of the labels and, where targets have a column more, of `not a face`."""

    def __init__(self, labels: int, *, label_smoothing: float) -> None:
        super().__init__(name="loss")
        self._labels = labels
        self._smoothing = label_smoothing

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Return one number per image."""
        cut = self._labels
        loss = keras.losses.categorical_crossentropy(
            y_true[:, :cut], y_pred[:, :cut], label_smoothing=self._smoothing
        )
        if y_pred.shape[1] == cut:
            return loss
        return loss + keras.losses.binary_crossentropy(
            y_true[:, cut:], y_pred[:, cut:], label_smoothing=self._smoothing
        )


class _Accuracy(keras.metrics.MeanMetricWrapper):
    """The share of images whose likeliest label is the true one; of no face, what is doubted."""

    def __init__(self, labels: int) -> None:
        def judge(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
            """Return 1 for each image that is answered rightly, 0 for others."""
            right = keras.metrics.categorical_accuracy(y_true[:, :labels], y_pred[:, :labels])
            if y_pred.shape[1] == labels:
                return right
            doubted = tf.cast(y_pred[:, labels] > 0.5, right.dtype)
            return tf.where(y_true[:, labels] > 0.5, doubted, right)

        super().__init__(judge, name="accuracy")


def _describe_epoch(epoch: int, epochs: int, figures: Mapping[str, float]) -> str:
    shown = "  ".join(f"{name} {value:.3f}" for name, value in figures.items())
    return f"epoch {epoch} of {epochs}  {shown}"


class _States(keras.callbacks.Callback):
    """Writes history after every epoch, and weights and optimizer often enough to go on from.

    A state file `state-<epochs done>.weights.h5` is complete as soon as it bears that name.
    """

    def __init__(self, run: Path) -> None:
        super().__init__()
        self.history: History = ()
        self._run = run
        self._began = self._saved = time.monotonic()

    def resume(self) -> int:
        """Load the latest state into the model, which must be compiled; return the epochs done."""
        states = _list_states(self._run)
        if states:
            done = _count_epochs(states[-1])
            self.model.optimizer.build(self.model.trainable_variables)
            self.model.load_weights(states[-1])
            self._restore_dropout()
            self.history = read_history(self._run / "history.csv")[:done]
            self._began -= self.history[-1].seconds
        return len(self.history)

    def _restore_dropout(self) -> None:
        """Bring dropout's random numbers to where they stood: Keras saves no generator's state.

        A state is a seed, which the recipe fixes, and a counter, which each step raises by one.
        """
        steps = int(self.model.optimizer.iterations)
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:
                state = layer.seed_generator.state
                state.assign([int(state.value[0]), steps])

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add a row, and now and then a state."""
        now = time.monotonic()
        rate = float(self.model.optimizer.learning_rate)
        seconds = now - self._began
        row = Epoch(epoch=epoch + 1, **(logs or {}), learning_rate=rate, seconds=seconds)
        self.history = (*self.history, row)
        write_history(self.history, self._run / "history.csv")
        if now - self._saved > SECONDS_BETWEEN_STATES:
            self._save()
            self._saved = now

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Save the last state, too: what interrupts the export must not cost the training."""
        self._save()

    def _save(self) -> None:
        partial = self._run / "partial.weights.h5"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras reads its variables in NumPy 1's manner
            self.model.save_weights(partial)
        partial.replace(self._run / f"state-{len(self.history)}.weights.h5")
        for old in _list_states(self._run)[:-1]:
            old.unlink()


def _list_states(run: Path) -> Sequence[Path]:
    return sorted(run.glob("state-*.weights.h5"), key=_count_epochs)


def _count_epochs(state: Path) -> int:
    return int(state.name.removeprefix("state-").partition(".")[0])


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
    parts = {"train": split.train, "validation": split.validation}
    counts = {name: len({sample.photo for sample in part}) for name, part in parts.items()}
    licence = LICENCES[recipe.split.sets] if split.name == "eyewear" else None
    return {
        "labels": list(recipe.labels),
        "view": recipe.input.view,
        "width": recipe.input.width,
        "height": recipe.input.height,
        "colour": recipe.input.colour,
        "licence": licence,
        "recipe": recipe.name,
        "recipe_sha256": hash_recipe(recipe),
        "data": {
            "split": split.name,
            "cmu": recipe.split.cmu,
            "sets": recipe.split.sets,
            **counts,
            "sha256": sha256,
        },
    } | ({"crop": dataclasses.asdict(CropGeometry())} if recipe.input.view == "face" else {})
