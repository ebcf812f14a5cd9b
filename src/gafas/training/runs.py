"""The run folder: begun once, gone on with only by the very same training, and read again later."""

import dataclasses
import hashlib
import json
import logging
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gafas.data.leaks import audit
from gafas.data.samples import Sample, relabel
from gafas.data.splits import Split, read_split, write_split
from gafas.data.writing import write_text
from gafas.errors import DataError
from gafas.training.recipe import Recipe, read_recipe, write_recipe

_BEGUN = frozenset({"recipe.toml", "environment.json"})
"""What lies in the folder of a run that was interrupted before its split was written."""

_PACKAGES = ("gafas", "keras", "tensorflow", "numpy", "pillow", "onnxruntime")

_log = logging.getLogger(__name__)


def open_run(recipe: Recipe, split: Split, *, run: Path) -> None:
    """Begin a run folder with its recipe, split and leak audit, or accept an interrupted one.

    Raises:
        DataError: the folder holds a finished run, another training, or something else.
    """
    if is_finished(run):
        raise DataError(f"The run {str(run)!r} is finished already. Choose another folder.")
    if (run / "split.json").exists():
        check_same(recipe, split, run=run)
        return
    if run.exists() and (not run.is_dir() or {p.name for p in run.iterdir()} - _BEGUN):
        raise DataError(
            f"{str(run)!r} exists and is no run of gafas; nothing in it was touched. "
            "Choose another folder."
        )
    leaks = audit(split)
    _log.warning("%s", leaks.sentence())
    run.mkdir(parents=True, exist_ok=True)
    write_text(run / "recipe.toml", write_recipe(recipe))
    write_environment(run, {"data_sha256": hash_data(split, recipe.labels)})
    write_split(split, run / "split.json", leaks=leaks.to_dict())


def is_finished(run: Path) -> bool:
    """Tell whether a folder holds a training that came to its end."""
    return (run / "model.onnx").exists()


def read_run_recipe(run: Path) -> Recipe:
    """Read the recipe of a run.

    Raises:
        DataError: the folder is no run.
    """
    path = run / "recipe.toml"
    if not path.is_file():
        raise DataError(f"{str(run)!r} is no run: expected a folder that `gafas train` left.")
    return read_recipe(path)


def read_run_split(run: Path, samples: Sequence[Sample]) -> tuple[Split, dict[str, Any]]:
    """Read the split of a run, with the samples it names, and the audit of its leaks."""
    split = read_split(run / "split.json", samples)
    return split, json.loads((run / "split.json").read_text(encoding="utf-8"))["leaks"]


def check_same(recipe: Recipe, split: Split, *, run: Path) -> None:
    """Make sure that a run folder holds this training and no other.

    Raises:
        DataError: its recipe, its split or the content of a file differs.
    """
    if hash_recipe(read_run_recipe(run)) != hash_recipe(recipe):
        raise DataError(
            f"The run {str(run)!r} was begun with another recipe. Choose another folder, or go on "
            "with the recipe that it holds (recipe.toml)."
        )
    held = json.loads((run / "split.json").read_text(encoding="utf-8"))
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    same = all(held[part] == [s.name for s in samples] for part, samples in parts.items())
    if not same or _read_data_hash(run) not in (None, hash_data(split, recipe.labels)):
        raise DataError(
            f"The run {str(run)!r} was begun with other data. Choose another folder, or bring the "
            "data back to what it was."
        )


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


def _read_data_hash(run: Path) -> str | None:
    path = run / "environment.json"
    if not path.is_file():
        return None
    found: str | None = json.loads(path.read_text(encoding="utf-8")).get("data_sha256")
    return found


def write_environment(run: Path, more: Mapping[str, Any]) -> None:
    """Write what a training runs on and with which versions; `more` joins what is written there."""
    path = run / "environment.json"
    held = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    facts = {
        **held,
        "python": platform.python_version(),
        **{name: _find_version(name) for name in _PACKAGES},
        "machine": platform.machine(),
        "system": platform.system(),
        "cpu_count": os.cpu_count(),
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

    Values that are the defaults do not count: a key that a later version adds changes no hash.
    """
    chosen = _leave_defaults(dataclasses.asdict(dataclasses.replace(recipe, name="recipe")))
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()


def _leave_defaults(table: dict[str, Any]) -> dict[str, Any]:
    defaults = dataclasses.asdict(Recipe())
    return {
        f"{key}.{inner}" if inner else key: value
        for key, found in table.items()
        for inner, value in (found.items() if isinstance(found, dict) else [("", found)])
        if value != (defaults[key][inner] if inner else defaults[key])
    }
