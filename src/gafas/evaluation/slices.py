"""Parts of an evaluation: how good the answers are for each value of each fact."""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from gafas.evaluation.conditions import VALUES
from gafas.evaluation.metrics import accuracy
from gafas.evaluation.predictions import Row

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
