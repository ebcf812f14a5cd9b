"""A last layer for own labels: multinomial logistic regression on a model's features."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from gafas.training.calibrate import choose_threshold, fit_calibration

FOLDS: Final = 5
"""Parts of a cross-validation, where there are groups enough."""

STRENGTHS: Final = (1e-5, 1e-3, 0.003, 0.01, 0.03, 0.1)
"""What is tried as `C`, the inverse strength of the penalty on weights of standardized features."""

_HELD = 16.0  # a bias beside what a model says already is held as by so many samples without it

Floats = npt.NDArray[np.floating]
Numbers = npt.NDArray[np.intp]


@dataclasses.dataclass(frozen=True, slots=True)
class Examples:
    """What a head learns from.

    Attributes:
        values: `(N, A, F)`, the features of A crops of each face, as they are served first.
        truth: `(N,)`, the number of each face's label; every number to the greatest is there.
        groups: `(N,)`, what may not be parted.
        known: `(N, A, K)`, log-probabilities of these labels by the model that gives the features;
            None where it knows other labels.
    """

    values: Floats
    truth: Numbers
    groups: Numbers
    known: Floats | None = None

    def take(self, places: Numbers, *, crops: int | None = None) -> "Examples":
        """Return some of them, with so many crops of each; all crops if left out."""
        known = None if self.known is None else self.known[places, :crops]
        return Examples(self.values[places, :crops], self.truth[places], self.groups[places], known)


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """A last layer: features → logits, whose softmax is calibrated.

    Attributes:
        weights: `(F, K)`.
        bias: `(K,)`.
        trust: how often the log-probabilities are added that the model gives already.
        threshold: the probability, 0–1, under which the answer is `unsure`.
        strength: which `C` was chosen.
    """

    weights: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    trust: float
    threshold: float
    strength: float

    def predict(self, examples: Examples) -> Floats:
        """Return the probability of each label, `(N, K)`, of the crops that are served."""
        logits = examples.values[:, 0] @ self.weights + self.bias
        if examples.known is not None:
            logits = logits + self.trust * examples.known[:, 0]
        return _softmax(logits)


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One part of a cross-validation: the places of samples, and what the others teach.

    Attributes:
        others: which samples were learnt from.
        asked: which samples belong to the part.
        head: the layer that has learnt from the others alone.
    """

    others: Numbers
    asked: Numbers
    head: Head


def fit_head(examples: Examples, *, strength: float | None = None) -> Head:
    """Fit a head; its strength, temperature and threshold are chosen by cross-validation.

    Where the model knows the labels, the head learns what to add to what it says, and the strongest
    penalty is chosen whose loss is not clearly above the least: of few photos it learns little,
    rather than unlearn what thousands taught.

    Args:
        examples: what is learnt from.
        strength: what was chosen elsewhere. The head is not calibrated then: its most probable
            label alone is of use.

    Source: the rule of one standard error, Breiman et al. 1984, "Classification and regression
    trees".
    """
    if strength is not None:
        return _fit(examples, strength)
    outside = {c: np.zeros((len(examples.truth), examples.truth.max() + 1)) for c in STRENGTHS}
    for others, asked in part_groups(examples.truth, examples.groups):
        # Changed crops as well would take longer, and choose alike.
        learnt, part = examples.take(others, crops=1), examples.take(asked, crops=1)
        for c, found in outside.items():
            found[asked] = _fit(learnt, c).predict(part)
    chosen = _choose(outside, examples)
    targets = np.eye(examples.truth.max() + 1)[examples.truth]
    temperature, offsets = fit_calibration(outside[chosen], targets)
    logits = np.log(np.maximum(outside[chosen], 1e-12)) / temperature + np.array(offsets)
    head = _fit(examples, chosen)
    return dataclasses.replace(
        head,
        weights=(head.weights / temperature).astype(np.float32),
        bias=(head.bias / temperature + np.array(offsets)).astype(np.float32),
        trust=head.trust / temperature,
        threshold=choose_threshold(_softmax(logits), targets),
    )


def fit_parts(examples: Examples) -> list[Part]:
    """Return the parts of a cross-validation, each with a head that has learnt from the others.

    All that is chosen of a head, as its strength, is chosen among the others.
    """
    return [
        Part(others, asked, fit_head(examples.take(others)))
        for others, asked in part_groups(examples.truth, examples.groups)
    ]


def predict_outside(examples: Examples, parts: Sequence[Part]) -> Floats:
    """Return probabilities, `(N, K)`, each by a head that has not learnt from the sample's group.

    Args:
        examples: what the parts were fitted to.
        parts: see `fit_parts`.
    """
    found = np.zeros((len(examples.truth), examples.truth.max() + 1))
    for part in parts:
        found[part.asked] = part.head.predict(examples.take(part.asked))
    return found


def part_groups(truth: Numbers, groups: Numbers) -> list[tuple[Numbers, Numbers]]:
    """Return the parts of a cross-validation, `(the others, the part)`, groups whole.

    There are `FOLDS`, or as many as the label with fewest groups has, so that, where it can be,
    every label is among the others.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    fewest = min(len(np.unique(groups[truth == label])) for label in np.unique(truth))
    alone = len(np.unique(groups)) == len(groups)  # as it mostly is; groups take far longer
    kind = StratifiedKFold if alone else StratifiedGroupKFold
    splitter = kind(max(2, min(FOLDS, fewest)), shuffle=True, random_state=0)
    return list(splitter.split(truth, truth, None if alone else groups))


def _choose(outside: Mapping[float, Floats], examples: Examples) -> float:
    """Return the strength whose probabilities, `(N, K)`, are likeliest, or nearly so."""
    rows = np.arange(len(examples.truth))
    losses = {c: -np.log(np.maximum(p[rows, examples.truth], 1e-9)) for c, p in outside.items()}
    best = min(losses, key=lambda c: float(losses[c].mean()))
    if examples.known is None:
        return best
    apart = {c: loss - losses[best] for c, loss in losses.items()}
    return min(c for c, more in apart.items() if more.mean() <= more.std() / np.sqrt(len(more)))


def _fit(examples: Examples, strength: float) -> Head:
    """Fit weights and biases to all crops, not calibrated.

    Where nothing is known beforehand, every label counts as much, however rare.
    """
    from scipy.optimize import minimize

    count, crops, width = examples.values.shape
    labels = examples.truth.max() + 1
    flat = examples.values.reshape(count * crops, width).astype(np.float64)
    middle, spread = flat.mean(axis=0), flat.std(axis=0) + 1e-6
    flat = (flat - middle) / spread
    truth = np.repeat(np.eye(labels)[examples.truth], crops, axis=0)
    known = 0.0 if examples.known is None else examples.known.reshape(count * crops, labels)
    counts = truth.sum(axis=0)
    each = np.ones(labels) if examples.known is not None else len(flat) / labels / counts
    heavy, held = truth @ each[:, np.newaxis], 0.0 if examples.known is None else _HELD

    def cost(free: Floats) -> tuple[float, Floats]:
        """Return the penalized cross-entropy and its slope."""
        weights, bias = free[:-labels].reshape(width, labels), free[-labels:]
        found = _softmax(flat @ weights + bias + known)
        error = (found - truth) * heavy
        slope = np.append(flat.T @ error + weights / strength, error.sum(axis=0) + held * bias)
        loss = -(heavy * truth * np.log(np.maximum(found, 1e-12))).sum()
        return loss + (weights**2).sum() / strength / 2 + held * (bias**2).sum() / 2, slope

    start = np.zeros((width + 1) * labels)
    stop = {"maxiter": 300, "gtol": 1e-3, "ftol": 1e-7}
    free = minimize(cost, start, jac=True, method="L-BFGS-B", options=stop).x
    weights = free[:-labels].reshape(width, labels) / spread[:, np.newaxis]
    return Head(
        weights=weights.astype(np.float32),
        bias=(free[-labels:] - middle @ weights).astype(np.float32),
        trust=float(examples.known is not None),
        threshold=0.0,
        strength=strength,
    )


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
