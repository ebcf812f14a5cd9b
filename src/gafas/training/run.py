"""The run folder: begun once, gone on with only by the very same training, and read again later."""

import csv
import dataclasses
import hashlib
import json
import logging
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gafas.datasets import cmu
from gafas.datasets.dataset import DataSet, read_data_set
from gafas.datasets.eyewear import read_withdrawn
from gafas.datasets.leaks import LeakReport, audit
from gafas.datasets.samples import Sample, relabel
from gafas.datasets.splits import Split, read_split, write_split
from gafas.errors import DataError
from gafas.files import read_json, write_text
from gafas.recognizer import BUNDLED, count_cores
from gafas.training.recipe import Recipe, read_recipe, write_recipe
from gafas.weights import PINNED

History = list[dict[str, float]]

COLUMNS = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")


def read_history(path: Path) -> History:
    """Read `history.csv`: one row per epoch, in order; cells without a value are left out."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]


def write_history(history: History, path: Path) -> None:
    """Write `history.csv` whole."""

    def row(epoch: dict[str, float]) -> str:
        """Return an epoch's line."""
        return ",".join(f"{epoch[c]:.10g}" if c in epoch else "" for c in COLUMNS)

    text = "\n".join([",".join(COLUMNS), *map(row, history)]) + "\n"
    write_text(path, text)


DATA_FILE = "data.json"
"""What a run, or a study, remembers of its data: which they are, where they lay, their SHA-256."""

_BEGUN = frozenset({"recipe.toml", "environment.json", DATA_FILE})
"""What lies in the folder of a run that was interrupted before its split was written."""

_PACKAGES = ("gafas", "keras", "tensorflow", "numpy", "pillow", "onnxruntime")

_log = logging.getLogger(__name__)


def open_run(recipe: Recipe, split: Split, *, run: Path, data: DataSet | None = None) -> str:
    """Begin a run folder with its recipe, split and leak audit, or accept an interrupted one.

    Args:
        recipe: what is to be trained.
        split: what on.
        run: the folder, made if missing.
        data: what the split was made of, for the run to remember where it lies.

    Returns:
        The SHA-256 of the data, see `hash_data`.

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
    write_environment(run, {"recipe_sha256": hash_recipe(recipe)})
    write_data(run, data, sha256=sha256)
    write_split(split, run / "split.json", leaks=leaks.to_dict())
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


def is_evaluated(run: Path) -> bool:
    """Tell whether a folder holds a finished training that was measured, too."""
    return is_finished(run) and (run / "evaluation.json").exists()


def read_run_recipe(run: Path) -> Recipe:
    """Read the recipe of a run.

    Raises:
        DataError: the folder is no run.
    """
    path = run / "recipe.toml"
    if not path.is_file():
        raise DataError(f"{str(run)!r} is no run: expected a folder that `gafas train` left.")
    return read_recipe(path)


@dataclasses.dataclass(frozen=True, slots=True)
class _Audited:
    leaks: LeakReport | None = None


def read_run_split(run: Path, samples: Sequence[Sample]) -> tuple[Split, LeakReport | None]:
    """Read the split of a run, with the samples it names, and the audit of its leaks.

    Photos of the eyewear sets that a correction has marked unclear since are left out.

    Raises:
        DataError: the file is no split, or does not fit the samples.
    """
    path = run / "split.json"
    split = read_split(path, samples, withdrawn=read_withdrawn())
    return split, read_json(path, _Audited).leaks


def write_data(folder: Path, data: DataSet | None, *, sha256: str) -> None:
    """Write what a run or a study is to remember of its data."""
    facts = {
        "kind": data.kind if data else "own",
        "path": str(data.path) if data else None,
        "samples": len(data.samples) if data else None,
        "sha256": sha256,
    }
    write_text(folder / DATA_FILE, json.dumps(facts, indent=1) + "\n")


def read_run_data(run: Path, path: Path | None = None, *, recipe: Recipe | None = None) -> DataSet:
    """Read the data that a run, or a study, was begun with.

    Args:
        run: its folder.
        path: where the data lie now; where they lay then if left out.
        recipe: what the data are read for; the run's own if left out.

    Raises:
        DataError: the folder does not say where its data lay, or they are not there any more.
    """
    recipe = recipe or read_run_recipe(run)
    facts = read_facts(run / DATA_FILE)
    held = facts.get("path")
    found = path or (Path(held) if isinstance(held, str) else None)
    faces = facts.get("kind") == "eyewear"
    if faces and path is None:
        return read_data_set(faces=True, scales=recipe.input.scales, plan=recipe.split)
    if found is None or not found.exists():
        where = f"lay in {str(found)!r}, and are not there" if found else "are not named in it"
        if facts.get("kind") != "cmu" or path is not None:
            raise DataError(
                f"The photos of {str(run)!r} {where}. Say where they are now: --data PATH."
            )
        found = cmu.find()
    return read_data_set(found, scales=recipe.input.scales)


def check_same(recipe: Recipe, split: Split, *, run: Path, sha256: str | None = None) -> None:
    """Make sure that a run folder holds this training and no other.

    Args:
        recipe: of the training.
        split: of the training.
        run: the folder.
        sha256: what `hash_data` gives for the split, where it is known already.

    Raises:
        DataError: its recipe, the weights that it begins with, its split or the content of a file
            differs, or a file of the folder is damaged.
    """
    begun_with = read_facts(run / "environment.json").get("recipe_sha256")
    held_recipe = hash_recipe(read_run_recipe(run))
    if hash_recipe(recipe) != held_recipe or begun_with not in (None, held_recipe):
        raise DataError(
            f"The run {str(run)!r} was begun with another recipe, or with other weights to begin "
            "with. Choose another folder, or go on with the recipe that it holds (recipe.toml)."
        )
    path = run / "split.json"
    held = read_facts(path)
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    if not set(parts) <= set(held):
        raise DataError(f"{path} is not a split. Choose another folder, or restore the file.")
    same = all(held[part] == [s.name for s in samples] for part, samples in parts.items())
    known = read_facts(run / DATA_FILE).get("sha256")
    if not same or known not in (None, sha256 or hash_data(split, recipe.labels)):
        raise DataError(
            f"The run {str(run)!r} was begun with other data. Choose another folder, or bring the "
            "data back to what it was."
        )


def find_changes(run: Path, split: Split) -> str | None:
    """Return a sentence if the files of a run's split are not what they were; None if they are."""
    known = read_facts(run / DATA_FILE).get("sha256")
    if known in (None, hash_data(split, read_run_recipe(run).labels)):
        return None
    return "The photos, or their labels, are not what they were when the run was trained."


def read_facts(path: Path) -> dict[str, Any]:
    """Read a JSON object of a run folder; an absent file says nothing.

    Raises:
        DataError: the file is no JSON object.
    """
    if not path.is_file():
        return {}
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is damaged: {error}. Restore it, or train anew.") from error
    if not isinstance(facts, dict):
        raise DataError(f"{path} is damaged: expected a JSON object. Restore it, or train anew.")
    return facts


def hash_data(split: Split, labels: Sequence[str]) -> str:
    """Return the SHA-256 of what a split holds: every file's part, name, label and content.

    Raises:
        DataError: a file cannot be read, or bears a label that `labels` do not know.
    """
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    content = [
        (part, sample.name, sample.label, _hash_file(sample.path))
        for part, samples in parts.items()
        for sample in relabel(samples, labels, tinted=True)
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _hash_file(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"Cannot read the photo {str(path)!r}: {error.strerror}.") from error


def write_environment(run: Path, more: Mapping[str, Any]) -> None:
    """Write what a training runs on and with which versions; `more` joins what is written there."""
    path = run / "environment.json"
    facts = {
        **read_facts(path),
        "python": platform.python_version(),
        **{name: _find_version(name) for name in _PACKAGES},
        "machine": platform.machine(),
        "system": platform.system(),
        "cpu_count": count_cores(),
        **more,
    }
    write_text(path, json.dumps(facts, indent=1) + "\n")


def _find_version(name: str) -> str:
    for distribution in (name, f"{name}-cpu"):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return "unknown"


def hash_recipe(recipe: Recipe) -> str:
    """Return the SHA-256 of everything that the recipe decides, its name aside.

    Values that are the defaults do not count: a key that a later version adds changes no hash. Of
    the bundled weights the content counts.
    """
    chosen = _leave_defaults(dataclasses.asdict(dataclasses.replace(recipe, name="recipe")))
    if recipe.network.weights:
        chosen["network.weights"] = PINNED[BUNDLED]
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()


def _leave_defaults(table: dict[str, Any]) -> dict[str, Any]:
    defaults = dataclasses.asdict(Recipe())
    return {
        f"{key}.{inner}" if inner else key: value
        for key, found in table.items()
        for inner, value in (found.items() if isinstance(found, dict) else [("", found)])
        if value != (defaults[key][inner] if inner else defaults[key])
    }
