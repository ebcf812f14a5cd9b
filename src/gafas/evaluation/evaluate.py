"""Evaluate a model file on labelled photos: the figures, their doubts, and the mistakes."""

import dataclasses
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gafas.classifier import EyewearClassifier
from gafas.datasets.samples import TINTED, Sample, relabel
from gafas.errors import DataError
from gafas.evaluation.breakdowns import (
    describe_answers,
    measure_accuracy,
    measure_any,
    measure_f1_intervals,
    measure_groups,
    slice_rows,
    speaks_of_eyewear,
    trace_risk,
)
from gafas.evaluation.metrics import round_floats, summarise
from gafas.evaluation.predictions import Row, describe_model, predict_rows, write_predictions
from gafas.files import write_text

SCHEMA = 1
"""The layout of `evaluation.json`."""

MISTAKES = 48
"""At most so many mistakes are listed, the most confident ones."""

EXAMPLES = 24
"""So many samples are drawn for the grid of predictions."""

_SEED = 24

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Evaluation:
    """How good a model is on some data.

    Attributes:
        report: what `evaluation.json` holds, ready for JSON; floats have 6 digits, a figure that
            cannot be known is None, and no absolute path occurs.
        rows: one for each photo that could be read, in the order of the samples.
    """

    report: dict[str, Any]
    rows: tuple[Row, ...]


def evaluate(
    classifier: EyewearClassifier,
    samples: Sequence[Sample],
    *,
    name: str,
    leaks: Mapping[str, Any] | None = None,
) -> Evaluation:
    """Evaluate a model on labelled samples.

    Labels are brought to the model's. A photo that cannot be read is listed under `unreadable`, one
    in which a model of faces finds none under `faces_missed`; they count nowhere else. Photos
    labelled `TINTED`, where the model knows no such label, are not scored but described under
    `tinted`. The same file and samples give the same report.

    Args:
        classifier: an opened model file.
        samples: labelled files.
        name: what the report calls this evaluation.
        leaks: what an audit of the split found, passed on as it is.

    Raises:
        DataError: no sample, no readable photo, or a label that the model cannot say.
        ModelError: the model looks at faces but does not say how to crop them.
    """
    _refuse_none(samples)
    tinted = [s for s in samples if _is_tinted(s, classifier)]
    scored = [s for s in samples if not _is_tinted(s, classifier)]
    every = tuple(predict_rows(classifier, relabel(scored, classifier.labels)))
    return evaluate_rows(classifier, every, name=name, leaks=leaks, tinted=tinted)


def evaluate_rows(
    classifier: EyewearClassifier,
    every: Sequence[Row],
    *,
    name: str,
    leaks: Mapping[str, Any] | None = None,
    tinted: Sequence[Sample] = (),
) -> Evaluation:
    """Evaluate answers that are there already: those of several models may be pooled.

    Args:
        classifier: whose labels and threshold are judged by, and which the report describes.
        every: the answers, with those photos that could not be used.
        name: what the report calls this evaluation.
        leaks: what an audit of the split found, passed on as it is.
        tinted: photos to be described by the classifier's own answers, and not scored.

    Raises:
        DataError: none of the photos could be used.
    """
    rows = tuple(row for row in every if not row.error)
    failed = [row for row in every if row.error]
    if not rows:
        raise DataError(
            f"None of the photos can be read or used. Received: {len(every)} files to be scored; "
            f"of the first: {failed[0].error if failed else 'nothing.'} Check the folder."
        )
    for row in failed:
        _log.warning("%s is left out: %s", row.sample.name, row.error)
    report = {
        "schema": SCHEMA,
        "name": name,
        "model": describe_model(classifier),
        "data": {**_data(rows), **_left_out(failed)},
        **_figures(classifier, rows),
        "slices": slice_rows(rows),
        **_eyewear(classifier, rows),
        "tinted": _describe_tinted(classifier, tinted),
        "mistakes": _mistakes(rows),
        "examples": _examples(rows),
        "leaks": None if leaks is None else dict(leaks),
    }
    return Evaluation(round_floats(report), rows)


def predict_unlabelled(classifier: EyewearClassifier, samples: Sequence[Sample]) -> tuple[Row, ...]:
    """Predict photos that nobody labelled; one that cannot be read is a row with an `error`.

    Raises:
        DataError: no sample.
        ModelError: the model looks at faces but does not say how to crop them.
    """
    _refuse_none(samples)
    return tuple(predict_rows(classifier, samples))


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write `predictions.csv`, then `evaluation.json`, into a folder; each whole or not at all.

    Raises:
        OSError: the folder cannot be written to.
    """
    write_predictions(evaluation.rows, folder / "predictions.csv")
    text = json.dumps(evaluation.report, ensure_ascii=False, allow_nan=False, indent=1)
    write_text(folder / "evaluation.json", text + "\n")


def _left_out(failed: Sequence[Row]) -> dict[str, list[dict[str, str]]]:
    """Part what could not be read from photos in which no face was found."""
    return {
        "unreadable": [{"name": r.sample.name, "error": r.error} for r in failed if not r.missed],
        "faces_missed": [
            {"name": r.sample.name, "label": r.sample.label} for r in failed if r.missed
        ],
    }


def _refuse_none(samples: Sequence[Sample]) -> None:
    if not samples:
        raise DataError(
            "There is no photo to look at. Received: an empty list of samples. "
            "Name a folder that holds photos."
        )


def _data(rows: Sequence[Row]) -> dict[str, Any]:
    people = {row.sample.subject for row in rows} - {None}
    content = sorted((row.sample.name, row.sample.label, row.sha256) for row in rows)
    return {
        "samples": len(rows),
        "photos": len({row.sample.photo for row in rows}),
        "subjects": len(people) or None,
        "sha256": hashlib.sha256(json.dumps(content).encode()).hexdigest(),
    }


def _figures(classifier: EyewearClassifier, rows: Sequence[Row]) -> dict[str, Any]:
    labels = classifier.labels
    figures = summarise(
        np.array([labels.index(row.sample.label) for row in rows]),
        np.array([list(row.probabilities.values()) for row in rows]),
        labels=labels,
        subjects=[row.sample.subject for row in rows],
        threshold=classifier.threshold,
    )
    full = [row for row in rows if row.sample.facts.get("scale") == "full"]
    return {
        "accuracy": figures.pop("accuracy"),
        "per_photo_full_size": measure_accuracy(full) if full else None,
        **figures,
    }


def _is_tinted(sample: Sample, classifier: EyewearClassifier) -> bool:
    return sample.label == TINTED and TINTED not in classifier.labels


def _eyewear(classifier: EyewearClassifier, rows: Sequence[Row]) -> dict[str, Any]:
    """Give what only models of eyewear are asked: None for all others."""
    asked = speaks_of_eyewear(classifier.labels)
    return {
        "f1_intervals": measure_f1_intervals(rows, labels=classifier.labels),
        "any_eyewear": measure_any(rows) if asked else None,
        "groups": measure_groups(rows) if asked else None,
        "risk": trace_risk(rows),
    }


def _describe_tinted(
    classifier: EyewearClassifier, samples: Sequence[Sample]
) -> dict[str, Any] | None:
    if not samples:
        return None
    return describe_answers(tuple(predict_rows(classifier, samples)), labels=classifier.labels)


def _mistakes(rows: Sequence[Row]) -> list[dict[str, Any]]:
    wrong = [row for row in rows if not row.right]
    wrong.sort(key=lambda row: (-row.confidence, row.sample.name))
    return [_shown(row) for row in wrong[:MISTAKES]]


def _examples(rows: Sequence[Row]) -> list[dict[str, Any]]:
    generator = np.random.default_rng(_SEED)
    chosen = generator.choice(len(rows), min(EXAMPLES, len(rows)), replace=False)
    return [_shown(rows[index]) for index in chosen]


def _shown(row: Row) -> dict[str, Any]:
    return {
        "name": row.sample.name,
        "truth": row.sample.label,
        "predicted": row.predicted,
        "probabilities": dict(row.probabilities),
        "sha256": row.sha256,
    }
