"""Figures of merit: pure functions of what is true and what was predicted.

In every function `truth` is `(N,)`, the index of each sample's label, `predicted` likewise, and
`probabilities` is `(N, K)` float64, rows that sum to 1; N is at least 1. A figure that cannot be
known is None, never a made-up 0.
"""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import scipy.stats
import sklearn.metrics
from numpy.typing import NDArray

CALIBRATION_BINS: Final = 15
"""How many bins of equal width the reliability diagram has."""

RESAMPLES: Final = 2000
"""How often the bootstrap draws subjects anew."""

MINIMUM_SUBJECTS: Final = 3
"""Under so many subjects no interval over subjects is given."""

_SEED = 20
_TINY = 1e-15  # a certain mistake costs 34.5, not infinity


class Interval(NamedTuple):
    """The ends of a 95 % interval."""

    low: float
    high: float


@dataclasses.dataclass(frozen=True, slots=True)
class Accuracy:
    """The share of right answers, 0–1, with two intervals.

    Wilson's takes samples as independent; the bootstrap over subjects knows that photos of one
    person resemble each other, and is None where a subject is unknown or there are too few.
    """

    value: float
    correct: int
    total: int
    wilson: Interval
    bootstrap_subjects: Interval | None = None

    @property
    def interval(self) -> Interval:
        """The interval by subjects where there is one, else Wilson's, which is narrower.

        Where everybody was answered alike, subjects drawn anew tell nothing, and Wilson's counts.
        """
        ends = self.bootstrap_subjects
        return self.wilson if ends is None or ends.low == ends.high else ends


@dataclasses.dataclass(frozen=True, slots=True)
class Scores:
    """Precision, recall and F1 of a label that `support` samples bear."""

    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclasses.dataclass(frozen=True, slots=True)
class Confusion:
    """Numbers of predictions (columns) of each true label (rows), and each row's shares."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    shares: tuple[tuple[float | None, ...], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Bin:
    """The answers whose probability lies above `low` up to and including `high`.

    `confidence` is their mean probability, `accuracy` the share of them that is right.
    """

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Calibration:
    """How sure answers were against how often they were right, in bins of equal width.

    `ece`, the expected calibration error, is the mean distance of confidence and accuracy, weighted
    by count.
    """

    ece: float
    bins: tuple[Bin, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Answered:
    """What is answered at a threshold, under which the answer is `unsure`.

    `answered` is the share of samples that get an answer, `given` the number of answers, of which
    so many are `wrong`; `accuracy` is the share of the others.
    """

    threshold: float
    answered: float
    answered_wilson: Interval
    given: int
    wrong: int
    accuracy: float | None
    accuracy_wilson: Interval | None


def measure_accuracy(
    right: NDArray[np.bool_] | Sequence[bool], *, subjects: Sequence[str | None] = ()
) -> Accuracy:
    """Give the share of right answers.

    Args:
        right: whether each answer was right.
        subjects: the person of each sample, if known.
    """
    right = np.asarray(right)
    correct, total = int(right.sum()), len(right)
    known = [s for s in subjects if s is not None]
    ends = bootstrap(right, known) if len(known) == total else None
    return Accuracy(correct / total, correct, total, wilson(correct, total), ends)


def wilson(correct: int, total: int) -> Interval:
    """Give Wilson's 95 % score interval of a share, without continuity correction.

    >>> [round(x, 4) for x in wilson(90, 100)]
    [0.8256, 0.9448]
    """
    low, high = scipy.stats.binomtest(correct, total).proportion_ci(method="wilson")
    return Interval(float(low), float(high))


def bootstrap(right: NDArray[np.bool_], subjects: Sequence[str]) -> Interval | None:
    """Give the 95 % percentile interval of accuracy when subjects are drawn with replacement.

    The draws are seeded: the same input gives the same interval. None under `MINIMUM_SUBJECTS`.
    """
    people, owner = np.unique(np.asarray(subjects), return_inverse=True)
    if len(people) < MINIMUM_SUBJECTS:
        return None
    draws = draw_units(np.full(len(people), 1 / len(people)), draws=len(people), seed=_SEED)
    hits, totals = np.bincount(owner, weights=right), np.bincount(owner)
    return find_interval(draws @ hits / (draws @ totals))


def draw_units(shares: NDArray[np.float64], *, draws: int, seed: int) -> NDArray[np.int64]:
    """Say how often each unit, drawn with such probabilities, comes: `(RESAMPLES, U)`."""
    return np.random.default_rng(seed).multinomial(draws, shares, RESAMPLES)


def find_interval(values: NDArray[np.float64]) -> Interval:
    """Return the middle 95 % of what resampling gave; draws without a value (NaN) do not count."""
    low, high = np.nanquantile(values, [0.025, 0.975])
    return Interval(float(low), float(high))


def score_labels(
    truth: NDArray[np.intp], predicted: NDArray[np.intp], *, labels: Sequence[str]
) -> dict[str, Scores]:
    """Give precision, recall, F1 and support of each label.

    All but support are None for a label without samples; precision for one never predicted, too.
    """
    columns = sklearn.metrics.precision_recall_fscore_support(
        truth, predicted, labels=np.arange(len(labels)), zero_division=np.nan
    )
    table = {}
    for label, *figures, support in zip(labels, *columns, strict=True):
        precision, recall, f1 = (
            None if math.isnan(x) or not support else float(x) for x in figures
        )
        table[label] = Scores(precision, recall, f1, int(support))
    return table


def measure_roc_auc(
    truth: NDArray[np.intp], probabilities: NDArray[np.float64], *, labels: Sequence[str]
) -> Mapping[str, float | None]:
    """Give, for each label against all others, the area under the ROC curve.

    None where every sample bears the label, or none does.
    """
    bears = {label: truth == index for index, label in enumerate(labels)}
    return {
        label: float(sklearn.metrics.roc_auc_score(mine, column))
        if 0 < mine.sum() < len(mine)
        else None
        for (label, mine), column in zip(bears.items(), probabilities.T, strict=True)
    }


def measure_log_loss(truth: NDArray[np.intp], probabilities: NDArray[np.float64]) -> float:
    """Give the mean negative natural logarithm of the true label's probability."""
    chosen = probabilities[np.arange(len(truth)), truth]
    return float(-np.log(np.clip(chosen, _TINY, 1.0)).mean())


def count_confusions(
    truth: NDArray[np.intp], predicted: NDArray[np.intp], *, labels: Sequence[str]
) -> Confusion:
    """Count what was taken for what; the shares of a label without samples are None."""
    counts = sklearn.metrics.confusion_matrix(truth, predicted, labels=np.arange(len(labels)))
    rows = tuple(tuple(int(x) for x in row) for row in counts)
    shares = tuple(tuple(x / sum(row) if sum(row) else None for x in row) for row in rows)
    return Confusion(tuple(labels), rows, shares)


def measure_calibration(truth: NDArray[np.intp], probabilities: NDArray[np.float64]) -> Calibration:
    """Compare how sure the answers were with how often they were right."""
    top, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
    owner = np.digitize(top, edges[1:-1], right=True)
    bins, gap = [], 0.0
    for index, (low, high) in enumerate(itertools.pairwise(edges)):
        inside = owner == index
        count, known = int(inside.sum()), bool(inside.any())
        confidence = float(top[inside].mean()) if known else None
        accuracy = float(right[inside].mean()) if known else None
        bins.append(Bin(float(low), float(high), count, confidence, accuracy))
        gap += count * abs((confidence or 0.0) - (accuracy or 0.0))
    return Calibration(gap / len(truth), tuple(bins))


def measure_answered(
    truth: NDArray[np.intp], probabilities: NDArray[np.float64], *, threshold: float
) -> Answered:
    """Give the share of samples answered at a threshold, and the accuracy among them."""
    answered = probabilities.max(axis=1) >= threshold
    right = (probabilities.argmax(axis=1) == truth)[answered]
    given, correct = len(right), int(right.sum())
    return Answered(
        threshold=threshold,
        answered=float(answered.mean()),
        answered_wilson=wilson(given, len(truth)),
        given=given,
        wrong=given - correct,
        accuracy=correct / given if given else None,
        accuracy_wilson=wilson(correct, given) if given else None,
    )
