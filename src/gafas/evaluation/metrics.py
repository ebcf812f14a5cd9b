"""Figures of merit: pure functions of what is true and what was predicted.

In every function `truth` is `(N,)`, the index of each sample's label, and `probabilities` is
`(N, K)`, rows that sum to 1; N is at least 1. A figure that cannot be known is None, never a
made-up 0.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import sklearn.metrics
from numpy.typing import NDArray

_DIGITS: Final = 6


def round_floats(value: Any) -> Any:
    """Round every float inside mappings, lists and tuples to 6 digits; tuples become lists.

    >>> round_floats({"share": 2 / 3, "ends": (0.5, 1)})
    {'share': 0.666667, 'ends': [0.5, 1]}
    """
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, Mapping):
        return {key: round_floats(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [round_floats(inner) for inner in value]
    return value


CALIBRATION_BINS = 15
"""How many bins of equal width the reliability diagram has."""

RESAMPLES = 2000
"""How often the bootstrap draws subjects anew."""

MINIMUM_SUBJECTS = 3
"""Under so many subjects no interval over subjects is given."""

_SEED = 20
_Z95 = 1.959963984540054  # the 97.5 % quantile of the normal distribution
_TINY = 1e-15  # keeps the logarithm of a certain mistake finite


def summarise(
    truth: NDArray[np.intp],
    probabilities: NDArray[np.floating[Any]],
    *,
    labels: Sequence[str],
    subjects: Sequence[str | None] | None = None,
    threshold: float = 0.0,
) -> dict[str, Any]:
    """Compute every figure that needs nothing but truths and probabilities.

    Args:
        truth: see the module.
        probabilities: see the module.
        labels: the K labels, in the order of the columns.
        subjects: the person of each sample; without them, or where one is None, no interval over
            subjects is given.
        threshold: the probability under which the answer is `unsure`.

    Returns:
        The keys `accuracy`, `labels`, `macro_f1`, `roc_auc`, `log_loss`, `confusion`,
        `calibration` and `unsure` of `evaluation.json`.

    Raises:
        ValueError: no sample, or shapes that do not fit each other.
    """
    if not len(truth) or probabilities.shape != (len(truth), len(labels)):
        raise ValueError(
            "Cannot summarise: expected N ≥ 1 truths and (N, K) probabilities for K labels. "
            f"Received: {len(truth)} truths, {probabilities.shape}, {len(labels)} labels."
        )
    exact = probabilities.astype(np.float64)  # sums over float32 would lose digits
    per_label = scores(truth, exact, labels=labels)
    return {
        "accuracy": accuracy(exact.argmax(axis=1) == truth, subjects=subjects),
        "labels": per_label,
        "macro_f1": float(np.mean([s["f1"] for s in per_label.values() if s["support"]])),
        "roc_auc": roc_auc(truth, exact, labels=labels),
        "log_loss": log_loss(truth, exact),
        "confusion": confusion(truth, exact, labels=labels),
        "calibration": calibration(truth, exact),
        "unsure": unsure(truth, exact, threshold=threshold),
    }


def accuracy(
    right: NDArray[np.bool_], *, subjects: Sequence[str | None] | None = None
) -> dict[str, Any]:
    """Give the share of right answers with its two 95 % intervals.

    Wilson's takes samples as independent; the bootstrap over subjects knows that photos of one
    person resemble each other, and is None where a subject is unknown or there are too few.

    Args:
        right: `(N,)`, whether each answer was right.
        subjects: the person of each sample.
    """
    correct, total = int(right.sum()), len(right)
    known = [s for s in subjects or () if s is not None]
    return {
        "value": correct / total,
        "correct": correct,
        "total": total,
        "wilson": wilson(correct, total),
        "bootstrap_subjects": bootstrap(right, known) if len(known) == total else None,
    }


def wilson(correct: int, total: int) -> list[float]:
    """Give Wilson's 95 % score interval of a share, without continuity correction.

    Source: E. B. Wilson (1927), Journal of the American Statistical Association 22, 209–212.

    >>> [round(x, 4) for x in wilson(90, 100)]
    [0.8256, 0.9448]
    """
    share, square = correct / total, _Z95**2
    middle = share + square / (2 * total)
    half = _Z95 * math.sqrt(share * (1 - share) / total + square / (4 * total**2))
    scale = 1 + square / total
    # An exact 0 or 1 may leave the unit interval by a rounding error.
    return [max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)]


def bootstrap(right: NDArray[np.bool_], subjects: Sequence[str]) -> list[float] | None:
    """Give the 95 % percentile interval of accuracy when subjects are drawn with replacement.

    The draws are seeded: the same input gives the same interval. None under 3 subjects.
    """
    people, owner = np.unique(np.asarray(subjects), return_inverse=True)
    if len(people) < MINIMUM_SUBJECTS:
        return None
    totals = np.bincount(owner)
    hits = np.bincount(owner, weights=right)
    # How often each subject is drawn, (RESAMPLES, people): the same as drawing one by one.
    generator = np.random.default_rng(_SEED)
    draws = generator.multinomial(len(people), np.full(len(people), 1 / len(people)), RESAMPLES)
    low, high = np.quantile(draws @ hits / (draws @ totals), [0.025, 0.975])
    return [float(low), float(high)]


def scores(
    truth: NDArray[np.intp], probabilities: NDArray[np.float64], *, labels: Sequence[str]
) -> dict[str, dict[str, float | int | None]]:
    """Give precision, recall, F1 and support of each label.

    All but support are None for a label without samples; precision alone is None for one that was
    never predicted.
    """
    columns = sklearn.metrics.precision_recall_fscore_support(
        truth,
        probabilities.argmax(axis=1),
        labels=np.arange(len(labels)),
        zero_division=np.nan,
    )
    table = {}
    for label, precision, recall, f1, support in zip(labels, *columns, strict=True):
        figures = [_known(x) if support else None for x in (precision, recall, f1)]
        table[label] = {
            **dict(zip(("precision", "recall", "f1"), figures, strict=True)),
            "support": int(support),
        }
    return table


def roc_auc(
    truth: NDArray[np.intp], probabilities: NDArray[np.float64], *, labels: Sequence[str]
) -> dict[str, float | None]:
    """Give, for each label against all others, the area under the ROC curve.

    None where every sample bears the label, or none does.
    """
    areas: dict[str, float | None] = {}
    for index, label in enumerate(labels):
        bears = truth == index
        mixed = bool(bears.any() and not bears.all())
        column = probabilities[:, index]
        areas[label] = float(sklearn.metrics.roc_auc_score(bears, column)) if mixed else None
    return areas


def log_loss(truth: NDArray[np.intp], probabilities: NDArray[np.float64]) -> float:
    """Give the mean negative natural logarithm of the true label's probability.

    Probabilities are raised to at least 1e-15, so that a certain mistake costs 34.5, not infinity.
    """
    chosen = probabilities[np.arange(len(truth)), truth]
    return float(-np.log(np.clip(chosen, _TINY, 1.0)).mean())


def confusion(
    truth: NDArray[np.intp], probabilities: NDArray[np.float64], *, labels: Sequence[str]
) -> dict[str, Any]:
    """Count predictions (columns) for each true label (rows), and give each row's shares.

    The shares of a label without samples are None.
    """
    counts = sklearn.metrics.confusion_matrix(
        truth, probabilities.argmax(axis=1), labels=np.arange(len(labels))
    )
    rows = [[int(x) for x in row] for row in counts]
    shares = [[x / sum(row) if sum(row) else None for x in row] for row in rows]
    return {"labels": list(labels), "counts": rows, "shares": shares}


def calibration(truth: NDArray[np.intp], probabilities: NDArray[np.float64]) -> dict[str, Any]:
    """Compare how sure the answers were with how often they were right.

    A bin holds top probabilities above `low` up to and including `high`. `ece`, the expected
    calibration error, is the mean distance of confidence and accuracy, weighted by count.
    """
    top, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
    owner = np.digitize(top, edges[1:-1], right=True)
    bins: list[dict[str, Any]] = []
    for index in range(CALIBRATION_BINS):
        inside = owner == index
        bins.append(
            {
                "low": float(edges[index]),
                "high": float(edges[index + 1]),
                "count": int(inside.sum()),
                "confidence": float(top[inside].mean()) if inside.any() else None,
                "accuracy": float(right[inside].mean()) if inside.any() else None,
            }
        )
    filled = [b for b in bins if b["count"]]
    gap = sum(b["count"] * abs(b["confidence"] - b["accuracy"]) for b in filled)
    return {"ece": gap / len(truth), "bins": bins}


def unsure(
    truth: NDArray[np.intp], probabilities: NDArray[np.float64], *, threshold: float
) -> dict[str, Any]:
    """Give the share of samples answered at a threshold, and the accuracy among them.

    `answered` is a share, 0–1, `given` and `wrong` are numbers; `accuracy` is None when nothing was
    answered. Each share has its Wilson interval.
    """
    answered = probabilities.max(axis=1) >= threshold
    right = (probabilities.argmax(axis=1) == truth)[answered]
    given, correct = len(right), int(right.sum())
    return {
        "threshold": threshold,
        "answered": float(answered.mean()),
        "answered_wilson": wilson(given, len(truth)),
        "given": given,
        "wrong": given - correct,
        "accuracy": correct / given if given else None,
        "accuracy_wilson": wilson(correct, given) if given else None,
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
