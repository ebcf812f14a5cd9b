"""Evaluate a model file on labelled photos: the figures, their doubts, and the mistakes."""

import dataclasses
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from gafas.classifier import EyewearClassifier
from gafas.datasets.leaks import LeakReport
from gafas.datasets.samples import TINTED
from gafas.errors import DataError
from gafas.evaluation import breakdowns, metrics
from gafas.evaluation.predictions import Row, write_predictions
from gafas.files import read_json, write_json

SCHEMA: Final = 1
"""The layout of `evaluation.json`."""

MISTAKES: Final = 48
"""At most so many mistakes are listed, the most confident ones."""

EXAMPLES: Final = 24
"""So many samples are drawn for the grid of predictions."""

_SEED: Final = 24

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What an evaluation says of a model file; what the file does not say is None."""

    sha256: str
    labels: tuple[str, ...]
    view: str
    width: int
    height: int
    colour: str
    threshold: float | None = None
    recipe: str | None = None
    recipe_sha256: str | None = None
    parameters: int | None = None
    temperature: float | None = None


def describe_model(classifier: EyewearClassifier) -> ModelFacts:
    """Return what an evaluation says of a model."""
    optional = ("threshold", "recipe", "recipe_sha256", "parameters", "temperature")
    return ModelFacts(
        sha256=classifier.sha256,
        labels=tuple(classifier.labels),
        view=classifier.view,
        width=classifier.size[0],
        height=classifier.size[1],
        colour=classifier.colour,
        **{key: classifier.metadata.get(key) for key in optional},
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Unused:
    """A photo that does not count, its label, and why not."""

    name: str
    label: str = ""
    error: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """The photos that count, by number and hash, and those that do not.

    Attributes:
        photos: how many presses of the shutter the samples are.
        subjects: how many persons they show; None where no sample says it.
        sha256: of their names, labels and bytes.
        faces_missed: photos in which a model of faces found none.
    """

    samples: int
    photos: int
    subjects: int | None
    sha256: str
    unreadable: tuple[Unused, ...] = ()
    faces_missed: tuple[Unused, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """A sample with the answer to it, to be shown by its name or as a photo of that SHA-256."""

    name: str
    truth: str
    predicted: str
    probabilities: Mapping[str, float]
    sha256: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Every figure of a model on some photos, none of which is named; see `Evaluation`."""

    name: str
    accuracy: metrics.Accuracy
    labels: Mapping[str, metrics.Scores]
    macro_f1: float
    roc_auc: Mapping[str, float | None]
    log_loss: float
    confusion: metrics.Confusion
    calibration: metrics.Calibration
    unsure: metrics.Answered
    slices: tuple[breakdowns.Slice, ...]
    f1_intervals: breakdowns.F1Intervals
    any_eyewear: metrics.Scores | None
    groups: breakdowns.Groups | None
    risk: tuple[breakdowns.RiskPoint, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation(Figures):
    """How good a model is on some data: what `evaluation.json` holds.

    Attributes:
        name: what this evaluation is called.
        labels: the scores of each label; `macro_f1` is the mean over those that samples bear.
        unsure: what is answered at the model's own threshold.
        any_eyewear: any eyewear against none; like `groups` for models of eyewear alone.
        per_photo_full_size: the accuracy on photos at full size, where the data hold several.
        tinted: what is answered to photos labelled `TINTED`, where the model has no such label.
        mistakes: the most confident ones.
        examples: samples drawn at random.
        leaks: what an audit of the split found.
    """

    schema: int = SCHEMA
    model: ModelFacts
    data: DataFacts
    per_photo_full_size: metrics.Accuracy | None = None
    tinted: breakdowns.Unscored | None = None
    mistakes: tuple[Shown, ...] = ()
    examples: tuple[Shown, ...] = ()
    leaks: LeakReport | None = None


def evaluate(
    classifier: EyewearClassifier,
    rows: Sequence[Row],
    *,
    name: str,
    leaks: LeakReport | None = None,
) -> Evaluation:
    """Evaluate the answers that `predict_rows` gave; those of several models may be pooled.

    A photo that could not be read, or in which a model of faces found none, is listed and counts
    nowhere else. Photos labelled `TINTED`, where the model knows no such label, are not scored but
    described. The same answers give the same evaluation.

    Args:
        classifier: whose labels and threshold are judged by, and which is described.
        rows: the answers.
        name: what to call this evaluation.
        leaks: what an audit of the split found, passed on as it is.

    Raises:
        DataError: there is no photo, or none could be used.
    """
    tinted = [row for row in rows if _is_tinted(row, classifier)]
    scored = [row for row in rows if not _is_tinted(row, classifier)]
    used, failed = _part_failed(scored)
    labels, threshold = classifier.labels, classifier.threshold
    truth = np.array([labels.index(row.sample.label) for row in used])
    # Sums over float32 would lose digits.
    probabilities = np.array([list(row.probabilities.values()) for row in used], np.float64)
    predicted = probabilities.argmax(axis=1)
    scores = metrics.score_labels(truth, predicted, labels=labels)
    full = [row for row in used if row.sample.facts.get("scale") == "full"]
    asked = breakdowns.speaks_of_eyewear(labels)
    return Evaluation(
        name=name,
        model=describe_model(classifier),
        data=_describe_data(used, failed),
        accuracy=rate_rows(used),
        per_photo_full_size=rate_rows(full) if full else None,
        labels=scores,
        macro_f1=float(np.mean([s.f1 for s in scores.values() if s.f1 is not None])),
        roc_auc=metrics.measure_roc_auc(truth, probabilities, labels=labels),
        log_loss=metrics.measure_log_loss(truth, probabilities),
        confusion=metrics.count_confusions(truth, predicted, labels=labels),
        calibration=metrics.measure_calibration(truth, probabilities),
        unsure=metrics.measure_answered(truth, probabilities, threshold=threshold),
        slices=breakdowns.slice_rows(used),
        f1_intervals=breakdowns.measure_f1_intervals(used, labels=labels),
        any_eyewear=breakdowns.score_any(used) if asked else None,
        groups=breakdowns.measure_groups(used) if asked else None,
        risk=breakdowns.trace_risk(used),
        tinted=breakdowns.describe_answers(tinted, labels=labels) if tinted else None,
        mistakes=_list_mistakes(used),
        examples=_draw_examples(used),
        leaks=leaks,
    )


def rate_rows(rows: Sequence[Row]) -> metrics.Accuracy:
    """Give the accuracy of rows, with its interval over subjects where all are known."""
    subjects = [row.sample.subject for row in rows]
    return metrics.measure_accuracy([row.right for row in rows], subjects=subjects)


def write_evaluation(folder: Path, evaluation: Evaluation, *, rows: Sequence[Row]) -> None:
    """Write `predictions.csv`, then `evaluation.json`, into a folder; each whole or not at all.

    Floats are rounded to 6 digits; no absolute path occurs.

    Raises:
        OSError: the folder cannot be written to.
    """
    write_predictions(rows, folder / "predictions.csv")
    write_json(folder / "evaluation.json", evaluation)


def read_evaluation(folder: Path) -> Evaluation:
    """Read the `evaluation.json` of a folder.

    Raises:
        DataError: it is missing or damaged, or an older gafas wrote it.
    """
    return read_json(folder / "evaluation.json", Evaluation)


def _is_tinted(row: Row, classifier: EyewearClassifier) -> bool:
    return row.sample.label == TINTED and TINTED not in classifier.labels


def _part_failed(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    used = [row for row in rows if not row.error]
    failed = [row for row in rows if row.error]
    if not used:
        raise DataError(
            f"None of the photos can be read or used. Received: {len(rows)} files to be scored; "
            f"of the first: {failed[0].error if failed else 'nothing.'} Check the folder."
        )
    for row in failed:
        _log.warning("%s is left out: %s", row.sample.name, row.error)
    return used, failed


def _describe_data(used: Sequence[Row], failed: Sequence[Row]) -> DataFacts:
    people = {row.sample.subject for row in used} - {None}
    content = sorted((row.sample.name, row.sample.label, row.sha256) for row in used)
    return DataFacts(
        samples=len(used),
        photos=len({row.sample.photo for row in used}),
        subjects=len(people) or None,
        sha256=hashlib.sha256(json.dumps(content).encode()).hexdigest(),
        unreadable=tuple(_tell_unused(row) for row in failed if not row.missed),
        faces_missed=tuple(_tell_unused(row) for row in failed if row.missed),
    )


def _tell_unused(row: Row) -> Unused:
    return Unused(row.sample.name, row.sample.label, row.error)


def _list_mistakes(rows: Sequence[Row]) -> tuple[Shown, ...]:
    wrong = [row for row in rows if not row.right]
    wrong.sort(key=lambda row: (-row.confidence, row.sample.name))
    return tuple(_show(row) for row in wrong[:MISTAKES])


def _draw_examples(rows: Sequence[Row]) -> tuple[Shown, ...]:
    generator = np.random.default_rng(_SEED)
    chosen = generator.choice(len(rows), min(EXAMPLES, len(rows)), replace=False)
    return tuple(_show(rows[index]) for index in chosen)


def _show(row: Row) -> Shown:
    sample = row.sample
    return Shown(sample.name, sample.label, row.predicted, dict(row.probabilities), row.sha256)
