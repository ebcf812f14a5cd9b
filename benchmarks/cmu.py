"""Train recipes under every protocol, and pool what each protocol's trainings answered."""

import dataclasses
import logging
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.eyewear import Machine
from gafas.classifier import EyewearClassifier
from gafas.datasets.dataset import DataSet
from gafas.datasets.drawn import DRAWN_NOTE
from gafas.datasets.leaks import LeakReport
from gafas.datasets.splits import SplitPlan, make_split
from gafas.errors import DataError
from gafas.evaluation.evaluate import Evaluation, evaluate, rate_rows, write_evaluation
from gafas.evaluation.metrics import Accuracy
from gafas.evaluation.predictions import Row, predict_rows
from gafas.files import read_json, write_json
from gafas.report.findings import CLAIMED_VAL_ACCURACY

if TYPE_CHECKING:
    from gafas.training.recipe import Recipe
    from gafas.training.run import History

_LAST: Final = 10

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class FoldResult:
    """What one training of a protocol gave.

    Attributes:
        name: of its run.
        accuracy: 0–1, on `test` files.
        subjects: the people tested, where none of them was learnt from.
        seconds: of training.
        model_sha256: of its model file.
    """

    name: str
    accuracy: float
    test: int
    subjects: tuple[str, ...] | None
    seconds: float
    model_sha256: str


@dataclasses.dataclass(frozen=True, slots=True)
class Leaking:
    """The test files that leak in any way: their number, and their share."""

    any: int
    share: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A recipe under a protocol: every test sample of every fold counts once, as one test.

    Attributes:
        accuracy: of all test files; `full_size` of those at full size.
        last_ten_epochs: the mean accuracy on the watched part; by file alone.
        wrong_full_size: names of files.
    """

    recipe: str
    recipe_sha256: str
    protocol: str
    trainings: int
    parameters: int | None
    seconds_per_training: float
    accuracy: Accuracy
    full_size: Accuracy | None
    last_ten_epochs: float | None
    leaks: Leaking
    folds: tuple[FoldResult, ...]
    wrong_full_size: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Benchmark:
    """What `benchmarks/cmu.json` holds."""

    entries: tuple[Entry, ...]
    machine: Machine = dataclasses.field(default_factory=Machine)
    claimed: float = CLAIMED_VAL_ACCURACY
    schema: int = 1


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
    evaluation: Evaluation
    rows: tuple[Row, ...]
    seconds: float
    history: "History"
    leaks: LeakReport


def run_protocol(recipe: "Recipe", protocol: str, *, data: DataSet, runs: Path) -> Entry:
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
    from gafas.training.run import check_same, is_finished, read_run
    from gafas.training.train import train

    wanted = tuple(s for s in data.samples if s.facts["scale"] in recipe.input.scales)
    split = make_split(wanted, recipe.split)
    if is_finished(run):
        check_same(recipe, split, run=run)
    else:
        train(recipe, split, run=run, data=dataclasses.replace(data, samples=wanted))
    left = read_run(run)
    if left.parts.leaks is None:
        raise DataError(f"Nobody audited the split of {run}. Train it anew.")
    classifier = EyewearClassifier(run / "model.onnx")
    rows = predict_rows(classifier, split.test)
    evaluation = evaluate(classifier, rows, name=run.name, leaks=left.parts.leaks)
    write_evaluation(run, evaluation, rows=rows)
    _log.info("%s: accuracy %.4f", run.name, evaluation.accuracy.value)
    seconds = float(left.environment["seconds"] or 0)
    return _Fold(evaluation, rows, seconds, left.history, left.parts.leaks)


def _pool(recipe: "Recipe", folds: Sequence[_Fold], *, protocol: str) -> Entry:
    from gafas.training.run import hash_recipe

    rows = [row for fold in folds for row in fold.rows if not row.error]
    full = [row for row in rows if row.sample.facts.get("scale") == "full"]
    leaking = sum(fold.leaks.any for fold in folds)
    watched = folds[0].history if protocol == "by_file" else ()
    return Entry(
        recipe=recipe.name,
        recipe_sha256=hash_recipe(recipe),
        protocol=protocol,
        trainings=len(folds),
        parameters=folds[0].evaluation.model.parameters,
        seconds_per_training=round(statistics.fmean(fold.seconds for fold in folds), 1),
        accuracy=rate_rows(rows),
        full_size=rate_rows(full) if full else None,
        last_ten_epochs=_average_last(watched) if watched else None,
        leaks=Leaking(leaking, leaking / len(rows)),
        folds=tuple(map(_describe_fold, folds)),
        wrong_full_size=tuple(row.sample.name for row in full if not row.right),
    )


def _average_last(history: "History") -> float:
    return statistics.fmean(epoch.val_accuracy or 0.0 for epoch in history[-_LAST:])


def _describe_fold(fold: _Fold) -> FoldResult:
    people = sorted({row.sample.subject or "" for row in fold.rows})
    return FoldResult(
        name=fold.evaluation.name,
        accuracy=fold.evaluation.accuracy.value,
        test=fold.evaluation.accuracy.total,
        subjects=None if fold.leaks.same_subject else tuple(people),
        seconds=fold.seconds,
        model_sha256=fold.evaluation.model.sha256,
    )


def merge_entries(path: Path, entries: Sequence[Entry]) -> None:
    """Write entries into a benchmark file, in place of those of the same recipe and protocol.

    Raises:
        DataError: what is there is no benchmark; it stays as it is.
    """
    held = read_json(path, Benchmark).entries if path.exists() else ()
    every = {(entry.recipe, entry.protocol): entry for entry in [*held, *entries]}
    names = list(dict.fromkeys(entry.recipe for entry in every.values()))
    ranks = list(PROTOCOLS)
    ordered = sorted(every.values(), key=lambda e: (names.index(e.recipe), ranks.index(e.protocol)))
    write_json(path, Benchmark(tuple(ordered)))
