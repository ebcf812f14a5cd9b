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
from gafas.data.samples import Sample, relabel
from gafas.data.writing import write_text
from gafas.errors import DataError
from gafas.evaluation.metrics import accuracy, summarise
from gafas.evaluation.predictions import Row, predict_rows, write_predictions

SCHEMA = 1
"""The layout of `evaluation.json`."""

MISTAKES = 48
"""At most so many mistakes are listed, the most confident ones."""

EXAMPLES = 24
"""So many samples are drawn for the grid of predictions."""

SLICE_VALUES = (2, 50)
"""A fact slices an evaluation when it takes at least and at most so many values."""

_SEED = 24
_DIGITS = 6
_MODEL_KEYS = ("threshold", "recipe", "recipe_sha256", "parameters", "temperature")

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

    Labels are brought to the model's. A photo that cannot be read is listed under `unreadable` and
    counts nowhere else. The same file and samples give the same report.

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
    every = tuple(predict_rows(classifier, relabel(samples, classifier.labels)))
    rows = tuple(row for row in every if not row.error)
    failed = [row for row in every if row.error]
    if not rows:
        raise DataError(
            f"None of the photos can be read or used. Received: {len(every)} files; of the first: "
            f"{failed[0].error} Check the folder."
        )
    for row in failed:
        _log.warning("%s is left out: %s", row.sample.name, row.error)
    report = {
        "schema": SCHEMA,
        "name": name,
        "model": _model(classifier),
        "data": {**_data(rows), **_left_out(failed)},
        **_figures(classifier, rows),
        "slices": _slices(rows),
        "mistakes": _mistakes(rows),
        "examples": _examples(rows),
        "leaks": None if leaks is None else dict(leaks),
    }
    return Evaluation(_rounded(report), rows)


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


def _model(classifier: EyewearClassifier) -> dict[str, Any]:
    width, height = classifier.size
    return {
        "sha256": classifier.sha256,
        "labels": list(classifier.labels),
        "frame": classifier.frame,
        "width": width,
        "height": height,
        "colour": classifier.colour,
        **{key: classifier.metadata.get(key) for key in _MODEL_KEYS},
    }


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
        "per_photo_full_size": _accuracy(full) if full else None,
        **figures,
    }


def _accuracy(rows: Sequence[Row]) -> dict[str, Any]:
    right = np.array([row.right for row in rows])
    return accuracy(right, subjects=[row.sample.subject for row in rows])


def _slices(rows: Sequence[Row]) -> list[dict[str, Any]]:
    facts = dict.fromkeys(fact for row in rows for fact in row.sample.facts)
    tables = [(fact, [row.sample.facts.get(fact) for row in rows]) for fact in facts]
    tables.append(("subject", [row.sample.subject for row in rows]))
    return [part for fact, values in tables for part in _slice(fact, values, rows=rows)]


def _slice(fact: str, values: Sequence[str | None], *, rows: Sequence[Row]) -> list[dict[str, Any]]:
    known = sorted({value for value in values if value is not None})
    if not SLICE_VALUES[0] <= len(known) <= SLICE_VALUES[1]:
        return []
    parts = []
    for value in known:
        inside = _accuracy([row for row, own in zip(rows, values, strict=True) if own == value])
        parts.append(
            {
                "fact": fact,
                "value": value,
                "samples": inside["total"],
                "accuracy": inside["value"],
                "wilson": inside["wilson"],
            }
        )
    return parts


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
    }


def _rounded(value: Any) -> Any:
    """Round every float inside plain lists and mappings."""
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, Mapping):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return value
