"""Where a model is better and where worse: slices, groups of people, the price of answering."""

import dataclasses
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from gafas.datasets.samples import EYEWEAR_LABELS
from gafas.evaluation.metrics import (
    MINIMUM_SUBJECTS,
    Interval,
    Scores,
    draw_units,
    find_interval,
    score_labels,
    wilson,
)
from gafas.evaluation.predictions import QUALITY_VALUES, Row
from gafas.labels import UNSURE, Eyewear

SLICE_VALUES: Final = (2, 50)
"""A fact slices an evaluation when it takes at least and at most so many values."""

SMALLEST_GROUP: Final = 50
"""A group of fewer faces is shown but never named the worst: its share says too little."""

GROUPINGS: Final = (("race",), ("gender",), ("age",), ("race", "gender"))
"""The facts, or pairs of facts, that make groups."""

COVERAGES: Final = (1.0, 0.995, 0.99, 0.98, 0.97, 0.96, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)
"""The shares of answers given at which the risk curve is taken."""

EXTREME: Final = 0.95
"""A probability above this is called a confident extreme."""

_SEED: Final = 22


@dataclasses.dataclass(frozen=True, slots=True)
class Slice:
    """The accuracy of those samples of which a fact has a value."""

    fact: str
    value: str
    samples: int
    accuracy: float
    wilson: Interval


def slice_rows(rows: Sequence[Row]) -> tuple[Slice, ...]:
    """Measure accuracy for each value of each fact that varies.

    Facts are the samples' own, then how each face was seen, then the subject.
    """
    names = dict.fromkeys(fact for row in rows for fact in row.sample.facts)
    tables = [(fact, [row.sample.facts.get(fact) for row in rows]) for fact in names]
    seen = [row.quality.facts if row.quality else {} for row in rows]
    tables += [(fact, [facts.get(fact) for facts in seen]) for fact in QUALITY_VALUES]
    tables.append(("subject", [row.sample.subject for row in rows]))
    slices = []
    for fact, values in tables:
        parts = _part(rows, values)
        if SLICE_VALUES[0] <= len(parts) <= SLICE_VALUES[1]:
            order = QUALITY_VALUES.get(fact, ())
            ranked = [value for value in order if value in parts]
            for value in (*ranked, *(value for value in parts if value not in ranked)):
                right, total = sum(row.right for row in parts[value]), len(parts[value])
                slices.append(Slice(fact, value, total, right / total, wilson(right, total)))
    return tuple(slices)


def _part(rows: Sequence[Row], values: Sequence[str | None]) -> dict[str, list[Row]]:
    """Return the rows of each value that is known, numbers before words."""
    parts: dict[str, list[Row]] = {}
    for row, value in zip(rows, values, strict=True):
        if value is not None:
            parts.setdefault(value, []).append(row)
    return dict(sorted(parts.items(), key=lambda part: rank_value(part[0])))


def rank_value(value: str) -> tuple[int, str]:
    """Return what to sort values of a fact by: numbers and decades by size, then words.

    >>> sorted(["other", "100-109", "20-29", "Asian"], key=rank_value)
    ['20-29', '100-109', 'Asian', 'other']
    """
    first = value.split("-")[0]
    return (int(first), "") if first.isdecimal() else (sys.maxsize, value)


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """How many faces of a group were judged wrongly; `told` of these reach the threshold.

    A group is a value, or pair of values, of `facts`; all faces together have neither.
    """

    faces: int
    wrong: int
    share: float
    wilson: Interval
    told: int
    facts: tuple[str, ...] = ()
    value: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class GroupMistakes:
    """The mistakes on all faces, on each group, and on the worst large group, if there is any."""

    overall: Group
    groups: tuple[Group, ...]
    worst: Group | None


@dataclasses.dataclass(frozen=True, slots=True)
class Groups:
    """False alarms on bare faces and misses of eyewear, by who the people are.

    A false alarm is a bare face whose most probable label is eyewear; a miss is worn eyewear, of
    either kind, whose most probable label is `none`. Either is None where there is no such face.
    """

    smallest: int
    false_alarms: GroupMistakes | None
    misses: GroupMistakes | None


def measure_groups(rows: Sequence[Row]) -> Groups | None:
    """Count false alarms and misses by groups; None where no sample says who is seen."""
    if not any(_name_group(row, facts) for row in rows for facts in GROUPINGS):
        return None
    bare = [row for row in rows if row.sample.label == Eyewear.NONE]
    worn = [row for row in rows if row.sample.label != Eyewear.NONE]
    return Groups(
        SMALLEST_GROUP,
        false_alarms=_measure(bare, lambda row: row.predicted != Eyewear.NONE),
        misses=_measure(worn, lambda row: row.predicted == Eyewear.NONE),
    )


def _measure(rows: Sequence[Row], is_wrong: Callable[[Row], bool]) -> GroupMistakes | None:
    if not rows:
        return None
    groups = tuple(
        dataclasses.replace(_count(members, is_wrong), facts=facts, value=value)
        for facts in GROUPINGS
        for value, members in _part(rows, [_name_group(row, facts) for row in rows]).items()
    )
    large = [group for group in groups if group.faces >= SMALLEST_GROUP]
    worst = max(large, key=lambda group: (group.share, group.faces), default=None)
    return GroupMistakes(_count(rows, is_wrong), groups, worst)


def _name_group(row: Row, facts: Sequence[str]) -> str | None:
    """Name the group that a row belongs to; of pairs only where both are known."""
    known = [row.sample.facts[fact] for fact in facts if fact in row.sample.facts]
    return ", ".join(known) if len(known) == len(facts) else None


def _count(rows: Sequence[Row], is_wrong: Callable[[Row], bool]) -> Group:
    wrong = [row for row in rows if is_wrong(row)]
    told = sum(row.confidence >= row.threshold for row in wrong)
    count, total = len(wrong), len(rows)
    return Group(total, count, count / total, wilson(count, total), told)


def speaks_of_eyewear(labels: Sequence[str]) -> bool:
    """Tell whether a model answers with the three labels of eyewear."""
    return set(labels) == set(EYEWEAR_LABELS)


def score_any(rows: Sequence[Row]) -> Scores:
    """Give precision, recall and F1 of any eyewear against none, by the most probable label."""
    wears = np.array([int(row.sample.label != Eyewear.NONE) for row in rows])
    found = np.array([int(row.predicted != Eyewear.NONE) for row in rows])
    return score_labels(wears, found, labels=("none", "any"))["any"]


@dataclasses.dataclass(frozen=True, slots=True)
class F1Intervals:
    """The interval of every F1; None where there is no sample, or no such question.

    Whole subjects are drawn where all are known and enough, photos otherwise.
    """

    drawn: Literal["subjects", "photos"]
    macro_f1: Interval
    labels: Mapping[str, Interval | None]
    any_eyewear: Interval | None = None


def measure_f1_intervals(rows: Sequence[Row], *, labels: Sequence[str]) -> F1Intervals:
    """Give the 95 % percentile bootstrap interval of every F1; draws are seeded."""
    drawn, counts = _draw_counts(rows, labels)
    hits = counts.diagonal(axis1=1, axis2=2)
    f1 = _f1(hits, counts.sum(axis=2) + counts.sum(axis=1))
    borne = {row.sample.label for row in rows}
    there = [label in borne for label in labels]
    some = None
    if speaks_of_eyewear(labels) and borne - {Eyewear.NONE}:
        worn = [at for at, label in enumerate(labels) if label != Eyewear.NONE]
        told = counts[:, :, worn].sum(axis=(1, 2)) + counts[:, worn].sum(axis=(1, 2))
        some = find_interval(_f1(counts[:, worn][:, :, worn].sum(axis=(1, 2)), told))
    return F1Intervals(
        drawn,
        macro_f1=find_interval(np.nanmean(f1[:, there], axis=1)),
        labels={
            label: find_interval(f1[:, at]) if there[at] else None
            for at, label in enumerate(labels)
        },
        any_eyewear=some,
    )


def _draw_counts(
    rows: Sequence[Row], labels: Sequence[str]
) -> tuple[Literal["subjects", "photos"], NDArray[np.float64]]:
    """Return what is drawn, and each draw's confusion matrix, `(RESAMPLES, K, K)`.

    A photo is known by its cell of the confusion matrix, so that cells are the units there.
    """
    places, size = list(labels), len(labels)
    truth = [places.index(row.sample.label) for row in rows]
    told = [places.index(row.predicted) for row in rows]
    people = [row.sample.subject or "" for row in rows]
    names = {name: at for at, name in enumerate(sorted(set(people)))}
    if "" in names or len(names) < MINIMUM_SUBJECTS:
        cells = np.bincount(np.array(truth) * size + told, minlength=size**2)
        often = draw_units(cells / len(rows), draws=len(rows), seed=_SEED)
        return "photos", often.reshape(-1, size, size).astype(np.float64)
    units = np.zeros((len(names), size, size))
    np.add.at(units, ([names[x] for x in people], truth, told), 1)
    even = np.full(len(names), 1 / len(names))
    often = draw_units(even, draws=len(names), seed=_SEED)
    return "subjects", np.tensordot(often, units, axes=1)


def _f1(hits: NDArray[np.float64], total: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return F1 of hits and the sum of what was borne and what was told; NaN where that is 0."""
    f1 = np.full(total.shape, np.nan)
    np.divide(2.0 * hits, total, out=f1, where=total > 0)
    return f1


@dataclasses.dataclass(frozen=True, slots=True)
class RiskPoint:
    """Answers with at least a probability: their share, the number of wrong ones, the accuracy."""

    threshold: float
    answered: float
    wrong: int
    accuracy: float


def trace_risk(rows: Sequence[Row]) -> tuple[RiskPoint, ...]:
    """Give how often answers are wrong when only the surest share of them is given.

    There is a point for each of `COVERAGES` that rows allow: equal probabilities are answered
    together.
    """
    sure = np.array([row.confidence for row in rows])
    right = np.array([row.right for row in rows])
    ordered = np.sort(sure)[::-1]
    places = [max(0, int(np.ceil(share * len(rows))) - 1) for share in COVERAGES]
    points = []
    for threshold in dict.fromkeys(float(ordered[place]) for place in places):
        given = sure >= threshold
        wrong = int((~right[given]).sum())
        points.append(RiskPoint(threshold, float(given.mean()), wrong, float(right[given].mean())))
    return tuple(points)


@dataclasses.dataclass(frozen=True, slots=True)
class Share:
    """A share, 0–1, with its interval."""

    share: float
    wilson: Interval


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Unscored:
    """What is answered to photos whose label people would argue about.

    Those without a face, or that cannot be read, are `missed`; where all are, the rest is None.
    `extremes` holds the share of each label's probabilities above `EXTREME`, and of `any` label's.
    """

    photos: int
    missed: int
    answers: Mapping[str, int]
    unsure: Share | None = None
    mean_probabilities: Mapping[str, float] | None = None
    extremes: Mapping[str, float] | None = None


def describe_answers(rows: Sequence[Row], *, labels: Sequence[str]) -> Unscored:
    """Describe what is answered, without scoring it; rows with an error count as missed."""
    seen = [row for row in rows if not row.error]
    told = Counter(row.answer for row in seen)
    answers = {label: told[label] for label in (*labels, UNSURE)}
    missed, unsure = len(rows) - len(seen), told[UNSURE]
    if not seen:
        return Unscored(photos=len(rows), missed=missed, answers=answers)
    table = np.array([list(row.probabilities.values()) for row in seen])
    extreme = dict(zip(labels, (table > EXTREME).mean(axis=0).tolist(), strict=True))
    return Unscored(
        photos=len(rows),
        missed=missed,
        answers=answers,
        unsure=Share(unsure / len(seen), wilson(unsure, len(seen))),
        mean_probabilities=dict(zip(labels, table.mean(axis=0).tolist(), strict=True)),
        extremes={**extreme, "any": float((table > EXTREME).any(axis=1).mean())},
    )
