"""A last layer for own labels: multinomial logistic regression on a model's features."""

import dataclasses
from typing import Final

import numpy as np
import numpy.typing as npt

from gafas.training.calibrate import choose_threshold, fit_calibration

FOLDS: Final = 5
"""Parts of a cross-validation, where there are groups enough."""

STRENGTHS: Final = (0.003, 0.01, 0.03, 0.1)
"""What is tried as `C`, the inverse strength of the penalty on weights of standardized features."""

Floats = npt.NDArray[np.floating]
Numbers = npt.NDArray[np.intp]


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """A last layer: features → logits, whose softmax is calibrated.

    Attributes:
        weights: `(F, K)`.
        bias: `(K,)`.
        threshold: the probability, 0–1, under which the answer is `unsure`.
        strength: which `C` was chosen.
    """

    weights: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    threshold: float
    strength: float

    def predict(self, features: Floats) -> Floats:
        """Return the probability of each label, `(N, K)`, of features `(N, F)`."""
        return _softmax(features @ self.weights + self.bias)


def fit_head(values: Floats, truth: Numbers, groups: Numbers) -> Head:
    """Fit a head; its strength, temperature and threshold are chosen by cross-validation.

    Args:
        values: `(N, A, F)`, the features of A crops of each face, as they are served first.
        truth: `(N,)`, the number of each face's label; every number to the greatest is there.
        groups: `(N,)`, what may not be parted.
    """
    served = values[:, :1]  # changed crops as well would take four times as long, and choose alike
    outside = {c: predict_outside(served, truth, groups, strength=c) for c in STRENGTHS}
    rows = np.arange(len(truth))
    losses = {c: -np.log(np.maximum(p[rows, truth], 1e-9)).mean() for c, p in outside.items()}
    strength = min(losses, key=losses.__getitem__)
    targets = np.eye(truth.max() + 1)[truth]
    temperature, offsets = fit_calibration(outside[strength], targets)
    logits = np.log(np.maximum(outside[strength], 1e-12)) / temperature + np.array(offsets)
    threshold = choose_threshold(_softmax(logits), targets)
    weights, bias = _fit(values, truth, strength)
    return Head(
        weights=(weights / temperature).astype(np.float32),
        bias=(bias / temperature + np.array(offsets)).astype(np.float32),
        threshold=threshold,
        strength=strength,
    )


def predict_outside(
    values: Floats, truth: Numbers, groups: Numbers, *, strength: float | None = None
) -> Floats:
    """Return probabilities, `(N, K)`, each by a head that has not learnt from the sample's group.

    Args:
        values: as `fit_head` takes them.
        truth: as `fit_head` takes it.
        groups: as `fit_head` takes them.
        strength: of all heads, which then are not calibrated; chosen within the other parts, as all
            else is, if left out.
    """
    found = np.zeros((len(truth), truth.max() + 1))
    for others, part in part_groups(truth, groups):
        if strength is None:
            head = fit_head(values[others], truth[others], groups[others])
            found[part] = head.predict(values[part, 0])
        else:
            weights, bias = _fit(values[others], truth[others], strength)
            found[part] = _softmax(values[part, 0] @ weights + bias)
    return found


def part_groups(truth: Numbers, groups: Numbers) -> list[tuple[Numbers, Numbers]]:
    """Return the parts of a cross-validation, `(the others, the part)`, groups whole.

    There are `FOLDS`, or as many as the label with fewest groups has, so that, where it can be,
    every label is among the others.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    fewest = min(len(np.unique(groups[truth == label])) for label in np.unique(truth))
    splitter = StratifiedGroupKFold(max(2, min(FOLDS, fewest)), shuffle=True, random_state=0)
    return list(splitter.split(truth, truth, groups))


def _fit(values: Floats, truth: Numbers, strength: float) -> tuple[Floats, Floats]:
    """Fit weights, `(F, K)`, and biases, `(K,)`; every label counts as much, however rare."""
    from sklearn.linear_model import LogisticRegression

    count, crops, width = values.shape
    flat = values.reshape(count * crops, width).astype(np.float64)
    middle, spread = flat.mean(axis=0), flat.std(axis=0) + 1e-6
    model = LogisticRegression(C=strength, max_iter=300, tol=1e-3, class_weight="balanced")
    model.fit((flat - middle) / spread, np.repeat(truth, crops))
    slopes, starts = model.coef_.T, model.intercept_
    if slopes.shape[1] == 1:  # of two labels it fits the second alone
        slopes, starts = np.hstack([-slopes, slopes]) / 2, np.array([-starts[0], starts[0]]) / 2
    weights = slopes / spread[:, np.newaxis]
    return weights, starts - middle @ weights


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
