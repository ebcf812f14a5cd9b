"""What a run folder and a benchmark file hold, read once for the report."""

import csv
import dataclasses
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gafas.data.samples import ORIGINAL_LABELS
from gafas.errors import DataError

MODEL_FILES = ("model.keras", "model.h5", "label_encoder.npy", "model.onnx", "model.tflite")
"""The files in which a training leaves its model, in the order of the report."""

BENCHMARK_FILE = "eyewear.json"
"""What `gafas benchmark eyewear` measured of a run's model, where it was told to write it there."""

EYEWEAR_PARTS = "eyewear"
"""The name of the split that `gafas.data.eyewear` makes."""

_CMU_NAME = re.compile(r"\w+/\w+_(left|right|straight|up)_\w+_(open|sunglasses)(_[24])?\.pgm")


@dataclasses.dataclass(frozen=True, slots=True)
class Epoch:
    """One line of `history.csv`; the validation values are None where nothing was measured."""

    loss: float
    accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    learning_rate: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """One finished training with its evaluation.

    Attributes:
        name: the folder's name.
        recipe, split, network, environment, evaluation: the files as they were read.
        history: one entry an epoch.
        sizes: octets of each model file that is there.
        benchmark: the parts of `eyewear.json`, which `gafas benchmark eyewear` may have put there,
            or None.
    """

    name: str
    recipe: Mapping[str, Any]
    split: Mapping[str, Any]
    history: tuple[Epoch, ...]
    network: tuple[Mapping[str, Any], ...]
    environment: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    sizes: Mapping[str, int]
    benchmark: Mapping[str, Any] | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """What the model can answer."""
        return tuple(self.evaluation["confusion"]["labels"])

    @property
    def protocol(self) -> str:
        """How the samples were parted; the eyewear sets have parts of their own."""
        own = self.split.get("name") == EYEWEAR_PARTS
        return EYEWEAR_PARTS if own else str(self.recipe["split"]["protocol"])

    @property
    def parameters(self) -> int:
        """How many weights the network has."""
        return sum(int(layer["parameters"]) for layer in self.network)

    @property
    def watches_test(self) -> bool:
        """Whether the part watched during training is the very test part."""
        return bool(self.split["test"]) and set(self.split["validation"]) == set(self.split["test"])

    @property
    def leaks(self) -> Mapping[str, Any] | None:
        """The audit of the split, or None where nobody audited it."""
        found = self.evaluation.get("leaks") or self.split.get("leaks")
        return found if isinstance(found, Mapping) else None

    def leak_share(self, kind: str) -> float:
        """Return the share of test samples that leak in one way; 0 where nothing is known."""
        return float(self.leaks["shares"][kind]) if self.leaks else 0.0

    @property
    def subjects_known(self) -> bool:
        """Whether every sample says whom it shows; without it no split can be called honest."""
        return bool(self.leaks and self.leaks["subjects_known"])

    @property
    def is_cmu(self) -> bool:
        """Whether the run was tested on the CMU Face Images, by the names of its files."""
        names = self.split["test"]
        return bool(names) and all(_CMU_NAME.fullmatch(name) for name in names)

    @property
    def is_original(self) -> bool:
        """Whether the run answers the original's question on its data, so that claims compare."""
        return self.is_cmu and set(self.labels) == set(ORIGINAL_LABELS)

    @property
    def kept_epoch(self) -> int:
        """The epoch whose weights the model has, counted from 1."""
        losses = [e.val_loss for e in self.history]
        measured = [loss for loss in losses if loss is not None]
        if self.recipe["optimization"].get("keep") != "best" or not measured:
            return len(self.history)
        return losses.index(min(measured)) + 1


def read_run(folder: Path) -> Run:
    """Read everything that the report shows of a run.

    Raises:
        DataError: the folder, or one of its files, is missing or is not what it should be.
    """
    recipe_path = folder / "recipe.toml"
    try:
        recipe = tomllib.loads(_read_text(recipe_path))
    except tomllib.TOMLDecodeError as error:
        raise _damaged(recipe_path, error) from error
    run = Run(
        name=folder.resolve().name,
        recipe=recipe,
        split=read_json(folder / "split.json"),
        history=_read_history(folder / "history.csv"),
        network=tuple(read_json(folder / "network.json")),
        environment=read_json(folder / "environment.json"),
        evaluation=read_json(folder / "evaluation.json"),
        benchmark=_read_benchmark(folder),
        sizes={n: (folder / n).stat().st_size for n in MODEL_FILES if (folder / n).is_file()},
    )
    if not run.history:
        raise DataError(
            f"{folder / 'history.csv'} holds no epoch. Let the training finish: run `gafas train` "
            "with this folder again, then the report."
        )
    return run


def _read_benchmark(folder: Path) -> Mapping[str, Any] | None:
    path = folder / BENCHMARK_FILE
    if not path.is_file():
        return None
    content = read_json(path)
    measured = read_json(folder / "evaluation.json")["model"]["sha256"]
    if content["model"]["sha256"] != measured:
        raise DataError(
            f"{path} is about another model than the run: received the SHA-256 "
            f"{content['model']['sha256']} instead of {measured}. Measure the run's own model: "
            f"gafas benchmark eyewear --model {folder / 'model.onnx'} --out {path}"
        )
    parts: Mapping[str, Any] = content["parts"]
    return parts


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        DataError: it is missing or is not JSON.
    """
    try:
        return json.loads(_read_text(path))
    except json.JSONDecodeError as error:
        raise _damaged(path, error) from error


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(
            f"{path} is missing: expected a run folder that `gafas train` finished. "
            f"Received: {path.parent}. Train the run again, or give another folder."
        ) from error
    except UnicodeDecodeError as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"{path} cannot be read: {error}. Train the run again, or restore the file.")


def _read_history(path: Path) -> tuple[Epoch, ...]:
    try:
        rows = list(csv.DictReader(_read_text(path).splitlines()))
        return tuple(
            Epoch(
                loss=float(row["loss"]),
                accuracy=float(row["accuracy"]),
                val_loss=_number(row["val_loss"]),
                val_accuracy=_number(row["val_accuracy"]),
                learning_rate=_number(row.get("learning_rate")),
            )
            for row in rows
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error


def _number(text: str | None) -> float | None:
    return float(text) if text else None
