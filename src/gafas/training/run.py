"""The run folder: begun once, gone on with only by the very same training, and read again later."""

import contextlib
import csv
import dataclasses
import functools
import hashlib
import json
import logging
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from gafas.datasets import cmu
from gafas.datasets.dataset import DataSet, Kind, read_data_set
from gafas.datasets.eyewear import read_withdrawn
from gafas.datasets.leaks import LeakReport, audit
from gafas.datasets.samples import ORIGINAL_LABELS, Sample, relabel
from gafas.datasets.splits import Split, read_split, write_split
from gafas.errors import DataError
from gafas.files import read_json, write_json, write_text
from gafas.recognizer import BUNDLED, count_cores
from gafas.training.recipe import Recipe, read_recipe, write_recipe
from gafas.weights import PINNED

MODEL_FILES = ("model.keras", "model.h5", "label_encoder.npy", "model.onnx", "model.tflite")
"""The files in which a training leaves its model, in the order of the report."""

DATA_FILE = "data.json"
"""What a run, or a study, remembers of its data."""

_BEGUN = frozenset({"recipe.toml", "environment.json", DATA_FILE})
"""What lies in the folder of a run that was interrupted before its split was written."""

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One line of `history.csv`; where nothing was watched it is None, a loss gone astray NaN.

    Attributes:
        epoch: counted from 1.
        seconds: since training began.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float | None = None
    val_accuracy: float | None = None
    learning_rate: float
    seconds: float


History = tuple[Epoch, ...]

COLUMNS = tuple(field.name for field in dataclasses.fields(Epoch))

Environment = dict[str, str | float | None]
"""What a training ran on, with which versions, and the `seconds` it took once it is over."""


@dataclasses.dataclass(frozen=True, slots=True)
class Data:
    """What `data.json` says of the data of a run, as they were when it began.

    Attributes:
        kind: the CMU Face Images, people drawn in their layout, the eyewear sets, or photos that
            a user labelled; a run that does not say counts as the last.
        path: where they lay.
        samples: how many files they are.
        sha256: see `hash_data`.
    """

    kind: Kind = "own"
    path: Path | None = None
    samples: int | None = None
    sha256: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the network, with its output's shape but for the batch."""

    name: str
    type: str
    shape: tuple[int | None, ...]
    parameters: int


@dataclasses.dataclass(frozen=True, slots=True)
class Parts:
    """The names of a split's samples, and what the audit found, None where there was none."""

    name: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    leaks: LeakReport | None = None

    @property
    def watches_test(self) -> bool:
        """Whether the part watched during training is the very test part."""
        return bool(self.test) and set(self.validation) == set(self.test)


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """What a training that came to its end left in its folder, model files aside."""

    folder: Path
    recipe: Recipe
    data: Data
    parts: Parts
    history: History
    network: tuple[Layer, ...]
    environment: Environment

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def parameters(self) -> int:
        """How many weights the network has."""
        return sum(layer.parameters for layer in self.network)

    @property
    def sizes(self) -> dict[str, int]:
        """Octets of each of `MODEL_FILES` that is there."""
        paths = [self.folder / name for name in MODEL_FILES]
        return {path.name: path.stat().st_size for path in paths if path.is_file()}

    @property
    def is_drawn(self) -> bool:
        """Whether the run rests on drawn people, not on photographs."""
        return self.data.kind == "drawn"

    @property
    def is_original(self) -> bool:
        """Whether the run answers the original's question on its data, so that claims compare."""
        return self.data.kind == "cmu" and set(self.recipe.labels) == set(ORIGINAL_LABELS)


def read_run(folder: Path) -> Run:
    """Read all that a finished training wrote down.

    Raises:
        DataError: the folder, or one of its files, is missing or is not what it should be.
        RecipeError: the recipe is damaged.
    """
    run = Run(
        folder=folder,
        recipe=read_run_recipe(folder),
        data=read_data(folder),
        parts=read_json(folder / "split.json", Parts),
        history=read_history(folder / "history.csv"),
        network=read_json(folder / "network.json", tuple[Layer, ...]),
        environment=read_json(folder / "environment.json", Environment),
    )
    if not run.history:
        raise DataError(
            f"{folder / 'history.csv'} is missing or holds no epoch. Let the training finish: run "
            "`gafas train` with this folder again."
        )
    return run


def read_history(path: Path) -> History:
    """Read `history.csv`; a training that was not begun has none.

    Raises:
        DataError: the file is damaged.
    """
    if not path.exists():
        return ()
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    known = [{key: cell for key, cell in row.items() if cell} for row in rows]
    try:
        return msgspec.convert(known, History, strict=False)
    except msgspec.ValidationError as error:
        raise DataError(f"{path} cannot be read: {error}. Restore it, or train anew.") from error


def write_history(history: History, path: Path) -> None:
    """Write `history.csv` whole."""
    rows = (dataclasses.astuple(epoch) for epoch in history)
    lines = [",".join("" if v is None else f"{v:.10g}" for v in row) for row in rows]
    write_text(path, "\n".join([",".join(COLUMNS), *lines]) + "\n")


def open_run(recipe: Recipe, split: Split, *, run: Path, data: DataSet | None = None) -> str:
    """Begin a run folder with recipe, split and leak audit, or accept an interrupted one.

    `data` is what the split was made of; the run remembers where it lies. Returns `hash_data`.

    Raises:
        DataError: the folder holds a finished run, another training, or something else.
    """
    check_free(run)
    sha256 = hash_data(split, recipe.labels)
    if (run / "split.json").exists():
        check_same(recipe, split, run=run, sha256=sha256)
        return sha256
    leaks = audit(split)
    _log.warning("%s", leaks.sentence())
    run.mkdir(parents=True, exist_ok=True)
    write_text(run / "recipe.toml", write_recipe(recipe))
    write_environment(run, recipe)
    write_data(run, data, sha256=sha256)
    write_split(split, run / "split.json", leaks=leaks)
    return sha256


def check_free(run: Path) -> None:
    """Make sure that a folder is free for a run, or holds one that was interrupted.

    Raises:
        DataError: it holds a finished run or something else.
    """
    if is_finished(run):
        raise DataError(f"The run {str(run)!r} is finished already. Choose another folder.")
    begun = (run / "split.json").exists() and (run / "recipe.toml").exists()
    foreign = run.exists() and (not run.is_dir() or {p.name for p in run.iterdir()} - _BEGUN)
    if foreign and not begun:
        raise DataError(
            f"{str(run)!r} exists and is no run of gafas; nothing in it was touched. "
            "Choose another folder."
        )


def is_finished(run: Path) -> bool:
    """Tell whether a folder holds a training that came to its end, and left its model."""
    return (run / "model.onnx").exists()


def check_same(recipe: Recipe, split: Split, *, run: Path, sha256: str | None = None) -> None:
    """Make sure that a run folder holds this training and no other.

    `sha256` is what `hash_data` gives for the split, where that is known already.

    Raises:
        DataError: recipe, weights to begin with, split or a file's content differ, or are damaged.
    """
    if hash_recipe(recipe) != read_json(run / "environment.json", Environment).get("recipe_sha256"):
        raise DataError(
            f"The run {str(run)!r} was begun with another recipe, or with other weights to begin "
            "with. Choose another folder, or go on with the recipe that it holds (recipe.toml)."
        )
    if read_data(run).sha256 != (sha256 or hash_data(split, recipe.labels)):
        raise DataError(
            f"The run {str(run)!r} was begun with other data. Choose another folder, or bring the "
            "data back to what it was."
        )


def find_changes(run: Path, split: Split) -> str | None:
    """Return a sentence if the files of a run's split are not what they were; None if they are."""
    if read_data(run).sha256 in (None, hash_data(split, read_run_recipe(run).labels)):
        return None
    return "The photos, or their labels, are not what they were when the run was trained."


def read_run_recipe(run: Path) -> Recipe:
    """Read the recipe of a run.

    Raises:
        DataError: the folder is no run.
        RecipeError: the recipe is damaged.
    """
    path = run / "recipe.toml"
    if not path.is_file():
        raise DataError(
            f"{str(run)!r} is no run: expected a folder that `gafas train` left, with recipe.toml."
        )
    return read_recipe(path)


def read_run_split(run: Path, samples: Sequence[Sample]) -> tuple[Split, LeakReport | None]:
    """Read the split of a run, with the samples it names, and the audit of its leaks.

    Photos of the eyewear sets that a correction has marked unclear since are left out.

    Raises:
        DataError: the file is no split, or does not fit the samples.
    """
    path = run / "split.json"
    return read_split(path, samples, withdrawn=read_withdrawn()), read_json(path, Parts).leaks


def read_data(run: Path) -> Data:
    """Read what a run, or a study, remembers of its data.

    Raises:
        DataError: the record is there but damaged.
    """
    path = run / DATA_FILE
    return read_json(path, Data) if path.is_file() else Data()


def write_data(folder: Path, data: DataSet | None, *, sha256: str) -> None:
    """Write what a run or a study is to remember of its data."""
    found = Data(data.kind, data.path, len(data.samples)) if data else Data()
    write_json(folder / DATA_FILE, dataclasses.replace(found, sha256=sha256))


def read_run_data(run: Path, path: Path | None = None, *, recipe: Recipe | None = None) -> DataSet:
    """Read the data that a run, or a study, was begun with.

    `path` says where they lie now, if they were moved; `recipe` what they are read for, if not for
    the run's own.

    Raises:
        DataError: the folder does not say where its data lay, or they are not there any more.
    """
    recipe = recipe or read_run_recipe(run)
    data = read_data(run)
    if data.kind == "eyewear" and path is None:
        return read_data_set(faces=True, scales=recipe.input.scales, plan=recipe.split)
    found = path or data.path
    if found is None or not found.exists():
        if data.kind != "cmu" or path is not None:
            where = f"lay in {str(found)!r}, and are not there" if found else "are not named in it"
            raise DataError(
                f"The photos of {str(run)!r} {where}. Say where they are now: --data PATH."
            )
        found = cmu.find()
    return read_data_set(found, scales=recipe.input.scales)


def hash_data(split: Split, labels: Sequence[str]) -> str:
    """Return the SHA-256 of what a split holds: every file's part, name, label and content.

    Raises:
        DataError: a file cannot be read, or bears a label that `labels` do not know.
    """
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    hash_once = functools.cache(_hash_photo)  # a photo may show many faces
    content = [
        (part, sample.name, sample.label, hash_once(sample.path), *sample.places)
        for part, samples in parts.items()
        for sample in relabel(samples, labels, learnt=True)
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _hash_photo(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"Cannot read the photo {str(path)!r}: {error.strerror}.") from error


def hash_recipe(recipe: Recipe) -> str:
    """Return the SHA-256 of everything that the recipe decides, its name aside.

    Values that are the defaults do not count: a key that a later version adds changes no hash. Of
    the bundled model to begin with the content counts.
    """
    weights = PINNED[BUNDLED] if recipe.network.weights else ""
    defaults = _list_values(Recipe())
    values = _list_values(recipe) | {"network.weights": weights, "name": defaults["name"]}
    chosen = {key: value for key, value in values.items() if value != defaults[key]}
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()


def _list_values(recipe: Recipe) -> dict[str, Any]:
    return {
        f"{key}.{inner}" if inner else key: value
        for key, found in dataclasses.asdict(recipe).items()
        for inner, value in (found.items() if isinstance(found, dict) else [("", found)])
    }


def write_environment(run: Path, recipe: Recipe, *, seconds: float | None = None) -> None:
    """Write what a training runs on and with which versions, and what it took once it is over."""
    packages = ("gafas", "keras", "tensorflow", "numpy", "pillow", "onnxruntime")
    found: Environment = {
        "python": platform.python_version(),
        **{name: _find_version(name) for name in packages},
        "machine": platform.machine(),
        "system": platform.system(),
        "cpu_count": count_cores(),
        "recipe_sha256": hash_recipe(recipe),
        "seconds": seconds,
    }
    write_json(run / "environment.json", found)


def _find_version(name: str) -> str:
    for distribution in (name, f"{name}-cpu"):
        with contextlib.suppress(PackageNotFoundError):
            return version(distribution)
    return "unknown"
