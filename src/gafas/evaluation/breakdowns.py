"""Figures of models of eyewear: any eyewear against none, F1 intervals, the price of answering."""

import itertools
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gafas.datasets.samples import EYEWEAR_LABELS
from gafas.evaluation.metrics import MINIMUM_SUBJECTS, RESAMPLES, accuracy, wilson
from gafas.evaluation.predictions import VALUES, Row
from gafas.results import UNSURE, Eyewear

SLICE_VALUES = (2, 50)
"""A fact slices an evaluation when it takes at least and at most so many values."""


def slice_rows(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Measure accuracy for each value of each fact that varies.

    Facts are the samples' own, then the conditions under which faces were seen, then the subject.
    A photo without a face has no conditions and is not among the rows.
    """
    facts = dict.fromkeys(fact for row in rows for fact in row.sample.facts)
    tables = [(fact, [row.sample.facts.get(fact) for row in rows]) for fact in facts]
    seen = [row.conditions.facts if row.conditions else {} for row in rows]
    tables += [(fact, [facts.get(fact) for facts in seen]) for fact in VALUES]
    tables.append(("subject", [row.sample.subject for row in rows]))
    return [part for fact, values in tables for part in _slice(fact, values, rows=rows)]


def measure_accuracy(rows: Sequence[Row]) -> dict[str, Any]:
    """Give the accuracy of rows with its intervals."""
    right = np.array([row.right for row in rows])
    return accuracy(right, subjects=[row.sample.subject for row in rows])


def rank_value(value: str) -> tuple[int, str]:
    """Return what to sort values of a fact by: numbers and decades by size, then words.

    >>> sorted(["other", "100-109", "20-29", "Asian"], key=rank_value)
    ['20-29', '100-109', 'Asian', 'other']
    """
    first = value.split("-")[0]
    return (int(first), "") if first.isdecimal() else (sys.maxsize, value)


def _slice(fact: str, values: Sequence[str | None], *, rows: Sequence[Row]) -> list[dict[str, Any]]:
    known = sorted({value for value in values if value is not None}, key=rank_value)
    if not SLICE_VALUES[0] <= len(known) <= SLICE_VALUES[1]:
        return []
    if fact in VALUES and set(known) <= set(VALUES[fact]):
        known.sort(key=VALUES[fact].index)
    parts = []
    for value in known:
        inside = measure_accuracy(
            [row for row, own in zip(rows, values, strict=True) if own == value]
        )
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


SMALLEST_GROUP: Final = 50
"""A group of fewer faces is shown but never named the worst: its share says too little."""

GROUPINGS: Final = (("race",), ("gender",), ("age",), ("race", "gender"))
"""The facts, or pairs of facts, that make groups."""

_Judge = Callable[[Row], bool]


def measure_groups(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Count false alarms on bare faces and misses of eyewear, by who the people are.

    A false alarm is a bare face whose most probable label is eyewear; a miss is worn eyewear, of
    either kind, whose most probable label is `none`. `told` are those of them that
    a user would be told, because they reach the threshold.

    Returns:
        `false_alarms` and `misses`, each with `overall`, `groups` and `worst`, the group of at
        least `SMALLEST_GROUP` faces with the largest share, or None; None where no sample says who
        is seen.
    """
    if not any(_find_group(row, facts) for row in rows for facts in GROUPINGS):
        return None
    bare = [row for row in rows if row.sample.label == Eyewear.NONE]
    worn = [row for row in rows if row.sample.label != Eyewear.NONE]
    return {
        "smallest": SMALLEST_GROUP,
        "false_alarms": _measure(bare, lambda row: row.predicted != Eyewear.NONE),
        "misses": _measure(worn, lambda row: row.predicted == Eyewear.NONE),
    }


def _measure(rows: Sequence[Row], is_wrong: _Judge) -> dict[str, Any] | None:
    if not rows:
        return None
    groups = [
        {"facts": list(facts), "value": value, **_count(members, is_wrong)}
        for facts in GROUPINGS
        for value, members in _part(rows, facts).items()
    ]
    large = [group for group in groups if group["faces"] >= SMALLEST_GROUP]
    worst = max(large, key=lambda group: (group["share"], group["faces"]), default=None)
    return {"overall": _count(rows, is_wrong), "groups": groups, "worst": worst}


def _part(rows: Sequence[Row], facts: Sequence[str]) -> Mapping[str, list[Row]]:
    """Return the rows of each group, by name; of pairs only where both are known."""
    named = [(group, row) for row in rows if (group := _find_group(row, facts)) is not None]
    named.sort(key=lambda pair: rank_value(pair[0]))
    parts = itertools.groupby(named, key=lambda pair: pair[0])
    return {name: [row for _, row in members] for name, members in parts}


def _find_group(row: Row, facts: Sequence[str]) -> str | None:
    values = [row.sample.facts.get(fact) for fact in facts]
    known = [value for value in values if value is not None]
    return ", ".join(known) if len(known) == len(values) else None


def _count(rows: Sequence[Row], is_wrong: _Judge) -> dict[str, Any]:
    wrong = [row for row in rows if is_wrong(row)]
    told = sum(row.confidence >= row.threshold for row in wrong)
    return {
        "faces": len(rows),
        "wrong": len(wrong),
        "share": len(wrong) / len(rows),
        "wilson": wilson(len(wrong), len(rows)),
        "told": told,
    }


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
