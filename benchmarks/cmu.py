"""Train recipes under every protocol, and pool what each protocol's trainings answered."""

import dataclasses
import json
import logging
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gafas.report.signs import CLAIMED_VAL_ACCURACY

from gafas.classifier import EyewearClassifier
from gafas.datasets.dataset import DataSet
from gafas.datasets.drawn import DRAWN_NOTE
from gafas.datasets.splits import SplitPlan, make_split
from gafas.errors import DataError
from gafas.evaluation.breakdowns import measure_accuracy
from gafas.evaluation.evaluate import evaluate, write_evaluation
from gafas.evaluation.metrics import round_floats
from gafas.evaluation.predictions import Row
from gafas.files import read_json, write_text
from gafas.recognizer import count_cores

if TYPE_CHECKING:
    from gafas.training.recipe import Recipe
    from gafas.training.run import History

_LAST = 10

_log = logging.getLogger(__name__)


def _plan_folds(folds: int) -> tuple[SplitPlan, ...]:
    # One person of the training part is kept for calibration; the others are needed to learn from.
    share = 1 / 20
    return tuple(
        SplitPlan("by_subject", folds=folds, fold=fold, validation_share=share)
        for fold in range(folds)
    )


PROTOCOLS: Mapping[str, tuple[SplitPlan, ...]] = {
    "by_file": (SplitPlan("by_file", validation_share=0.0),),
    "by_photo": (SplitPlan("by_photo", validation_share=0.1),),
    "by_subject_5": _plan_folds(5),
    "leave_one_subject_out": _plan_folds(20),
    "all": (SplitPlan("all", validation_share=0.0),),
    "straightrnd": (SplitPlan("straightrnd", validation_share=0.0),),
}
"""Every protocol and the split of each of its trainings."""


def choose_protocols(recipe: str) -> tuple[str, ...]:
    """Return the protocols that a recipe is measured under if nobody says otherwise.

    The original's recipe takes ten minutes a training, so it is spared the longest ones.
    """
    return ("by_file", "by_photo", "by_subject_5") if recipe == "seed" else tuple(PROTOCOLS)


@dataclasses.dataclass(frozen=True, slots=True)
class _Fold:
    name: str
    report: Mapping[str, Any]
    rows: tuple[Row, ...]
    seconds: float
    history: "History"
    leaks: Mapping[str, Any]


def run_protocol(recipe: "Recipe", protocol: str, *, data: DataSet, runs: Path) -> dict[str, Any]:
    """Train a recipe under a protocol and return its entry of the benchmark file.

    Each training leaves its run folder; one that is finished is not trained again, one that was
    interrupted goes on.

    Args:
        recipe: its own split plan is replaced by the protocol's.
        protocol: a key of `PROTOCOLS`.
        data: the CMU Face Images.
        runs: the folder of the run folders.

    Raises:
        DataError: the protocol is unknown, a run folder holds another training, or the data are
            others: what is published is measured on photographs.
    """
    if protocol not in PROTOCOLS:
        known = ", ".join(PROTOCOLS)
        raise DataError(f"Unknown protocol {protocol!r}: expected one of {known}.")
    if data.kind != "cmu":
        raise DataError(
            "The benchmark is of the CMU photos. Received: "
            f"{DRAWN_NOTE if data.kind == 'drawn' else 'other data'}. Run `gafas fetch cmu`, or "
            "let GAFAS_CMU point to an unpacked copy."
        )
    folds = []
    for number, plan in enumerate(PROTOCOLS[protocol]):
        run = runs / f"{recipe.name}-{protocol}-{number}"
        planned = dataclasses.replace(recipe, split=plan)
        folds.append(_run_fold(planned, data=data, run=run))
    return _pool(recipe, folds, protocol=protocol)


def _run_fold(recipe: "Recipe", *, data: DataSet, run: Path) -> _Fold:
    # Imported here: all but this function works without Keras.
    from gafas.training.run import check_same, is_finished, read_history
    from gafas.training.train import train

    wanted = tuple(s for s in data.samples if s.facts["scale"] in recipe.input.scales)
    split = make_split(wanted, recipe.split)
    if is_finished(run):
        check_same(recipe, split, run=run)
    else:
        train(recipe, split, run=run, data=dataclasses.replace(data, samples=wanted))
    leaks = read_json(run / "split.json")["leaks"]
    classifier = EyewearClassifier(run / "model.onnx")
    result = evaluate(classifier, split.test, name=run.name, leaks=leaks)
    write_evaluation(result, run)
    seconds = read_json(run / "environment.json")["seconds"]
    history = read_history(run / "history.csv")
    _log.info("%s: accuracy %.4f", run.name, result.report["accuracy"]["value"])
    return _Fold(run.name, result.report, result.rows, seconds, history, leaks)


def _pool(recipe: "Recipe", folds: Sequence[_Fold], *, protocol: str) -> dict[str, Any]:
    """Count every test sample of every fold once, as one test."""
    from gafas.training.run import hash_recipe

    rows = [row for fold in folds for row in fold.rows]
    full = [row for row in rows if row.sample.facts.get("scale") == "full"]
    leaking = sum(fold.leaks["any"] for fold in folds)
    return {
        "recipe": recipe.name,
        "recipe_sha256": hash_recipe(recipe),
        "protocol": protocol,
        "trainings": len(folds),
        "parameters": folds[0].report["model"]["parameters"],
        "seconds_per_training": round(statistics.fmean(fold.seconds for fold in folds), 1),
        "accuracy": _measure(rows),
        "full_size": _measure(full) if full else None,
        "lists": _measure_lists(rows),
        "last_ten_epochs": _average_last(folds[0].history) if protocol == "by_file" else None,
        "seconds_to_claimed": _find_passing(folds[0].history) if protocol == "by_file" else None,
        "leaks": {"any": leaking, "share": round(leaking / len(rows), 6)},
        "folds": [_describe_fold(fold) for fold in folds],
        "wrong_full_size": [row.sample.name for row in full if not row.right],
    }


def _measure(rows: Sequence[Row]) -> dict[str, Any]:
    measured: dict[str, Any] = round_floats(measure_accuracy(rows))
    return measured


def _measure_lists(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Measure each official test list at each size; the lists themselves name quarter size."""
    keys = sorted({(r.sample.facts["list"], r.sample.facts["scale"]) for r in rows if _listed(r)})
    found: dict[str, Any] = {}
    for name, scale in keys:
        chosen = [r for r in rows if _listed(r) == name and r.sample.facts["scale"] == scale]
        found.setdefault(name, {})[scale] = _measure(chosen)
    return found or None


def _listed(row: Row) -> str | None:
    return row.sample.facts.get("list")


def _average_last(history: "History") -> float:
    return round(statistics.fmean(row.val_accuracy or 0.0 for row in history[-_LAST:]), 6)


def _find_passing(history: "History") -> float | None:
    """Return the seconds of training until the watched accuracy first passed the claimed one."""
    passed = (e.seconds for e in history if (e.val_accuracy or 0.0) > CLAIMED_VAL_ACCURACY)
    return next((round(seconds, 1) for seconds in passed), None)


def _describe_fold(fold: _Fold) -> dict[str, Any]:
    return {
        "name": fold.name,
        "accuracy": fold.report["accuracy"]["value"],
        "test": fold.report["accuracy"]["total"],
        "subjects": sorted({row.sample.subject or "" for row in fold.rows})
        if fold.leaks["same_subject"] == 0
        else None,
        "seconds": fold.seconds,
        "model_sha256": fold.report["model"]["sha256"],
    }


def merge_entries(path: Path, entries: Sequence[Mapping[str, Any]]) -> None:
    """Write entries into a benchmark file, in place of those of the same recipe and protocol."""
    held = read_json(path)["entries"] if path.exists() else []
    every = {(entry["recipe"], entry["protocol"]): entry for entry in [*held, *entries]}
    names = list(dict.fromkeys(entry["recipe"] for entry in every.values()))
    ranks = list(PROTOCOLS)
    ordered = sorted(
        every.values(), key=lambda e: (names.index(e["recipe"]), ranks.index(e["protocol"]))
    )
    machine = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpu_count": count_cores(),
    }
    content = {"schema": 1, "claimed": CLAIMED_VAL_ACCURACY, "machine": machine, "entries": ordered}
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
