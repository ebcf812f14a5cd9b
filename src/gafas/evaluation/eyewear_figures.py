"""Figures of models of eyewear: any eyewear against none, F1 intervals, the price of answering."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gafas.data.samples import EYEWEAR_LABELS
from gafas.evaluation.metrics import MINIMUM_SUBJECTS, RESAMPLES, wilson
from gafas.evaluation.predictions import Row
from gafas.types import UNSURE, Eyewear

COVERAGES: Final = (1.0, 0.995, 0.99, 0.98, 0.97, 0.96, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)
"""The shares of answers given at which the risk curve is taken."""

EXTREME: Final = 0.95
"""A probability above this is called a confident extreme."""

_SEED = 22


def speaks_of_eyewear(labels: Sequence[str]) -> bool:
    """Tell whether a model answers with the three labels of eyewear."""
    return set(labels) == set(EYEWEAR_LABELS)


def measure_any(rows: Sequence[Row]) -> dict[str, Any]:
    """Give precision, recall and F1 of any eyewear against none, by the most probable label.

    A figure that cannot be known, because nobody wears any or none was found, is None.
    """
    wears = np.array([row.sample.label != Eyewear.NONE for row in rows])
    found = np.array([row.predicted != Eyewear.NONE for row in rows])
    hits, claimed, support = int((wears & found).sum()), int(found.sum()), int(wears.sum())
    return {
        "precision": hits / claimed if claimed else None,
        "recall": hits / support if support else None,
        "f1": 2 * hits / (claimed + support) if support else None,
        "support": support,
    }


def measure_f1_intervals(rows: Sequence[Row], *, labels: Sequence[str]) -> dict[str, Any]:
    """Give the 95 % percentile bootstrap interval of every F1.

    Whole subjects are drawn where all are known and enough, photos otherwise; draws are seeded.

    Returns:
        `drawn` (`subjects` or `photos`), `macro_f1`, `labels` by label, None for one without
        samples, and, where the model speaks of eyewear, `any_eyewear`.
    """
    drawn, units, often = _draw(rows, labels)
    counts = np.tensordot(often, units, axes=1)  # (RESAMPLES, K, K), rows are the truth
    hits = counts.diagonal(axis1=1, axis2=2)
    f1 = _f1(hits, borne=counts.sum(axis=2), claimed=counts.sum(axis=1))
    borne = {row.sample.label for row in rows}
    there = [label in borne for label in labels]
    found: dict[str, Any] = {
        "drawn": drawn,
        "macro_f1": _interval(np.nanmean(f1[:, there], axis=1)),
        "labels": {
            label: _interval(f1[:, at]) if there[at] else None for at, label in enumerate(labels)
        },
    }
    if speaks_of_eyewear(labels):
        worn = [at for at, label in enumerate(labels) if label != Eyewear.NONE]
        some = _f1(
            counts[:, worn][:, :, worn].sum(axis=(1, 2)),
            borne=counts[:, worn].sum(axis=(1, 2)),
            claimed=counts[:, :, worn].sum(axis=(1, 2)),
        )
        found["any_eyewear"] = _interval(some) if borne - {Eyewear.NONE} else None
    return found


def trace_risk(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Give how often answers are wrong when only the surest share of them is given.

    Returns:
        For each of `COVERAGES` that rows allow: `threshold`, `answered` (a share; equal
        probabilities are answered together), `wrong` (a number) and `accuracy`.
    """
    sure = np.array([row.confidence for row in rows])
    right = np.array([row.right for row in rows])
    ordered = np.sort(sure)[::-1]
    points: dict[float, dict[str, Any]] = {}
    for share in COVERAGES:
        threshold = float(ordered[max(0, int(np.ceil(share * len(rows))) - 1)])
        given = sure >= threshold
        points[threshold] = {
            "threshold": threshold,
            "answered": float(given.mean()),
            "wrong": int((~right[given]).sum()),
            "accuracy": float(right[given].mean()),
        }
    return list(points.values())


def describe_answers(rows: Sequence[Row], *, labels: Sequence[str]) -> dict[str, Any]:
    """Describe what is answered to photos whose label people would argue about.

    Nothing is scored. Rows with an error count as `missed`.

    Returns:
        `photos`, `missed`, and of the others the number of each answer (`unsure` last), the share
        `unsure` with its interval, each label's mean probability, and `extremes`: the share of
        each label's probabilities above `EXTREME`, and of any.
    """
    seen = [row for row in rows if not row.error]
    told = Counter(row.answer for row in seen)
    answers = {label: told[label] for label in (*labels, UNSURE)}
    found: dict[str, Any] = {
        "photos": len(rows),
        "missed": len(rows) - len(seen),
        "answers": answers,
    }
    if not seen:
        return found
    table = np.array([list(row.probabilities.values()) for row in seen])
    extreme = dict(zip(labels, (table > EXTREME).mean(axis=0).tolist(), strict=True))
    return {
        **found,
        "unsure": {
            "share": answers[UNSURE] / len(seen),
            "wilson": wilson(answers[UNSURE], len(seen)),
        },
        "mean_probabilities": dict(zip(labels, table.mean(axis=0).tolist(), strict=True)),
        "extremes": {**extreme, "any": float((table > EXTREME).any(axis=1).mean())},
    }


def _draw(
    rows: Sequence[Row], labels: Sequence[str]
) -> tuple[str, NDArray[np.float64], NDArray[np.int64]]:
    """Return what is drawn, `(G, K, K)` counts of each unit, and how often each is drawn.

    A photo is known by its cell of the confusion matrix, so that cells are the units there.
    """
    places = list(labels)
    truth = [places.index(row.sample.label) for row in rows]
    told = [places.index(row.predicted) for row in rows]
    people = [row.sample.subject for row in rows]
    names = {name: at for at, name in enumerate(sorted({x for x in people if x is not None}))}
    generator, size = np.random.default_rng(_SEED), len(labels)
    if None in people or len(names) < MINIMUM_SUBJECTS:
        cells = np.bincount(np.array(truth) * size + told, minlength=size**2)
        often = generator.multinomial(len(rows), cells / len(rows), RESAMPLES)
        return "photos", np.eye(size**2).reshape(-1, size, size), often
    units = np.zeros((len(names), size, size))
    np.add.at(units, ([names[x or ""] for x in people], truth, told), 1)
    even = np.full(len(names), 1 / len(names))
    return "subjects", units, generator.multinomial(len(names), even, RESAMPLES)


def _f1(hits: Any, *, borne: Any, claimed: Any) -> NDArray[np.float64]:
    """Return F1; NaN where a draw holds neither a sample nor an answer of the label."""
    total = np.asarray(borne + claimed, np.float64)
    f1: NDArray[np.float64] = np.full(total.shape, np.nan)
    np.divide(2.0 * hits, total, out=f1, where=total > 0)
    return f1


def _interval(values: NDArray[np.float64]) -> list[float]:
    low, high = np.nanquantile(values, [0.025, 0.975])
    return [float(low), float(high)]
