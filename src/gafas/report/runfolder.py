"""What a run folder and a benchmark file hold, read once for the report."""

import csv
import dataclasses
import json
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from gafas.datasets.dataset import Kind
from gafas.datasets.samples import ORIGINAL_LABELS
from gafas.errors import DataError
from gafas.training.run import DATA_FILE

MODEL_FILES = ("model.keras", "model.h5", "label_encoder.npy", "model.onnx", "model.tflite")
"""The files in which a training leaves its model, in the order of the report."""

BENCHMARK_FILE = "eyewear.json"
"""What `make benchmark-eyewear` measured of a run's model, where it was told to write it there."""

EYEWEAR_PARTS = "eyewear"
"""The name of the split that `gafas.datasets.eyewear` makes."""


@dataclasses.dataclass(frozen=True, slots=True)
class Data:
    """The data that a run is of, as they were when it was trained.

    Attributes:
        kind: the CMU Face Images, people drawn in their layout, the eyewear sets, or photos that
            a user labelled.
        path: where they lay, or None where that is not known.
        sha256: of their content, in hexadecimal; empty where nobody wrote it down.
        samples: how many files they are; 0 where nobody counted them.
    """

    kind: Kind = "own"
    path: Path | None = None
    sha256: str = ""
    samples: int = 0

    @property
    def has_sizes(self) -> bool:
        """Whether one photo may lie there at several sizes, each in a file of its own."""
        return self.kind in ("cmu", "drawn")

    @property
    def identity(self) -> str | None:
        """What tells these data from others; None where that cannot be told."""
        if self.kind in ("cmu", "eyewear"):
            return self.kind
        return f"{self.kind}:{self.path}" if self.path else None


@dataclasses.dataclass(frozen=True, slots=True)
class Epoch:
    """One line of `history.csv`; the validation values are None where nothing was measured.

    Where a training went astray, values may be no numbers (NaN).
    """

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
        folder: the folder, as it was named.
        data: which data the run is of.
        recipe, split, network, environment, evaluation: the files as they were read.
        history: one entry an epoch.
        sizes: octets of each model file that is there.
        benchmark: the parts of `eyewear.json`, which `make benchmark-eyewear` may have put there,
            or None.
    """

    name: str
    folder: Path
    data: Data
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
        return self.leaks[kind] / self.leaks["test"] if self.leaks and self.leaks["test"] else 0.0

    @property
    def subjects_known(self) -> bool:
        """Whether every sample says whom it shows; without it no split can be called honest."""
        return bool(self.leaks and self.leaks["subjects_known"])

    @property
    def is_drawn(self) -> bool:
        """Whether the run rests on drawn people, not on photographs."""
        return self.data.kind == "drawn"

    @property
    def is_original(self) -> bool:
        """Whether the run answers the original's question on its data, so that claims compare."""
        return self.data.kind == "cmu" and set(self.labels) == set(ORIGINAL_LABELS)

    @property
    def sizes_used(self) -> int:
        """At how many sizes the run's data hold each photo."""
        return len(self.recipe["input"].get("scales", ())) if self.data.has_sizes else 1

    @property
    def is_averaged(self) -> bool:
        """Whether the model's weights are a mean of several trainings', and no epoch's own."""
        return bool(self.recipe["network"].get("twins"))

    @property
    def is_chosen(self) -> bool:
        """Whether the model is that of the epoch with the lowest validation loss."""
        return self.recipe["optimization"].get("keep") == "best" and bool(self.validation_losses)

    @property
    def kept_epoch(self) -> int:
        """The epoch whose weights the model has, counted from 1."""
        return min(self.validation_losses)[1] if self.is_chosen else len(self.history)

    @property
    def validation_losses(self) -> list[tuple[float, int]]:
        """Every validation loss that is a number, with its epoch from 1."""
        losses = enumerate((epoch.val_loss for epoch in self.history), 1)
        return [(loss, n) for n, loss in losses if loss is not None and math.isfinite(loss)]


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
        folder=folder,
        data=read_data(folder),
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


def read_data(folder: Path) -> Data:
    """Read which data a run is of; a run that does not say counts as a user's own.

    Raises:
        DataError: the record is there but damaged.
    """
    path = folder / DATA_FILE
    if not path.is_file():
        return Data()
    content = read_json(path)
    if not _is_data(content):
        raise _damaged(path, ValueError(f"expected one of the kinds {', '.join(get_args(Kind))}"))
    place = content.get("path")
    return Data(
        kind=content["kind"],
        path=Path(place) if place else None,
        sha256=str(content.get("sha256") or ""),
        samples=int(content.get("samples") or 0),
    )


def _is_data(content: object) -> bool:
    """Tell whether JSON is a record of data, as far as it is read."""
    if not isinstance(content, dict) or content.get("kind") not in get_args(Kind):
        return False
    return isinstance(content.get("path"), str | None) and isinstance(
        content.get("samples"), int | None
    )


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
            f"make benchmark-eyewear --model {folder / 'model.onnx'} --out {path}"
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
