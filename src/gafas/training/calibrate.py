"""Probabilities that mean what they say, and the threshold under which a model says `unsure`."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

Array = NDArray[np.floating]

TOLERATED_ERRORS = 0.003
"""Largest share of wrong answers among those that a model gives on its validation part."""


def fit_temperature(probabilities: Array, targets: Array) -> float:
    """Return the temperature that makes the probabilities likeliest, between 0.2 and 10.

    A small validation part without a single mistake would ask for a temperature of zero, that is
    for certainty. Platt's smoothing of the targets, one imagined case for every label, forbids it.

    Args:
        probabilities: `(N, K)`, at temperature 1.
        targets: `(N, K)`, a 1 in the true label's column.

    Source: Guo et al. 2017, "On calibration of modern neural networks"; Platt 1999.
    """
    logits = np.log(np.clip(probabilities, 1e-12, 1.0))
    counts = targets.sum(axis=0)
    labels = targets.shape[1]
    right = (counts + 1) / (counts + labels)
    row_right = (targets * right).sum(axis=1, keepdims=True)
    smooth = np.where(targets > 0, row_right, (1 - row_right) / (labels - 1))

    def cross_entropy(log_temperature: float) -> float:
        """Return the mean cross-entropy of the smoothed targets."""
        scaled = logits / np.exp(log_temperature)
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        normal = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return float(-(smooth * normal).sum(axis=1).mean())

    bounds = (float(np.log(0.2)), float(np.log(10.0)))
    return float(np.exp(minimize_scalar(cross_entropy, bounds=bounds, method="bounded").x))


def choose_threshold(
    probabilities: Array, targets: Array, *, tolerated: float = TOLERATED_ERRORS
) -> float:
    """Return the lowest threshold whose answers are wrong in at most the tolerated share.

    An answer is given where the highest probability reaches the threshold. Returns 0 where even
    answering always is good enough.

    >>> sure = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    >>> truth = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> choose_threshold(sure, truth)
    0.8
    """
    top = probabilities.max(axis=1)
    wrong = probabilities.argmax(axis=1) != targets.argmax(axis=1)
    order = np.argsort(-top, kind="stable")
    errors = np.cumsum(wrong[order])
    good = errors <= tolerated * np.arange(1, len(top) + 1)
    # Equal probabilities are answered together or not at all.
    ends = np.append(np.diff(top[order]) < 0, True)
    usable = np.flatnonzero(good & ends)
    if usable.size == 0:
        return 1.0
    last = int(usable[-1])
    return 0.0 if last == len(top) - 1 else float(top[order][last])
