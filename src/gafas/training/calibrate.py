"""Probabilities that mean what they say, and the threshold under which a model says `unsure`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from gafas.training.architectures import TEMPERATURE
from gafas.training.backend import keras

Array = NDArray[np.floating]

MANY, MANY_EACH = 500, 50
"""From so many validation samples on, and so many of each label, offsets are fitted beside the
temperature."""

TOLERATED_ERRORS = 0.003
"""Largest share of wrong answers among those that a model gives on its validation part."""


def calibrate(
    model: keras.Model, watched: tuple[Array, Array], *, balance: float = 0.0
) -> dict[str, Any]:
    """Set a model's temperature and offsets, and choose its threshold.

    A network without a layer for them, as the original's, keeps its probabilities.

    Args:
        model: what is calibrated.
        watched: images and targets of the validation part.
        balance: how far its labels weigh alike: 0 as often as they come, 1 quite.

    Returns:
        What the model file says of it: `temperature`, `offsets` and `threshold`.
    """
    images, targets = watched
    weights = weigh_labels(targets, balance)
    temperature, offsets = 1.0, (0.0,) * targets.shape[1]
    probabilities = model.predict(images, batch_size=256, verbose=0)
    if TEMPERATURE in [layer.name for layer in model.layers]:
        temperature, offsets = fit_calibration(probabilities, targets, weights=weights)
        layer = model.get_layer(TEMPERATURE)
        layer.scale, layer.offset = 1 / temperature, list(offsets)
        # Keras would answer with the former temperature, which is compiled in.
        model.make_predict_function(force=True)
        probabilities = model.predict(images, batch_size=256, verbose=0)
    threshold = choose_threshold(probabilities, targets)
    return {"temperature": temperature, "offsets": list(offsets), "threshold": threshold}


def weigh_labels(targets: Array, balance: float) -> NDArray[np.float64]:
    """Return what each sample counts, `(N,)`, mean 1: n of a label as much as `n ** (1 - balance)`.

    `targets` are `(N, K)`, a 1 in the true label's column.
    """
    sizes = targets.sum(axis=0)
    weights = targets @ np.where(sizes > 0, sizes, 1.0) ** -balance
    return np.asarray(weights / weights.mean(), np.float64)


def fit_calibration(
    probabilities: Array, targets: Array, *, weights: Array | None = None
) -> tuple[float, tuple[float, ...]]:
    """Return the temperature and the labels' offsets that make the probabilities likeliest.

    Calibrated logits are `logits / temperature + offsets`. A training that draws rare labels more
    often than they come learns to expect them, which the offsets take back; the first label's is
    0, and so are all where samples are fewer than `MANY` or `MANY_EACH`. Offsets are held near zero
    as by one observation of a normal distribution of deviation 1.

    A small validation part without a single mistake would ask for a temperature of zero, that is
    for certainty. Platt's smoothing of the targets, one imagined case for every label, forbids it.
    Of many samples the mistakes themselves tell how sure is too sure, and it fades.

    Args:
        probabilities: `(N, K)`, at temperature 1 and without offsets.
        targets: `(N, K)`, a 1 in the true label's column.
        weights: what each sample counts, `(N,)`, mean 1; None counts all alike.

    Source: Guo et al. 2017, "On calibration of modern neural networks"; Platt 1999.
    """
    logits = np.log(np.clip(probabilities, 1e-12, 1.0)).astype(np.float64)
    labels = targets.shape[1]
    many = len(targets) >= MANY and bool(targets.sum(axis=0).min() >= MANY_EACH)
    mistakes = int((probabilities.argmax(axis=1) != targets.argmax(axis=1)).sum())
    smooth = _smooth(targets, imagined=1 / (1 + mistakes) if many else 1.0)
    if weights is not None:
        smooth = smooth * weights[:, np.newaxis]

    def cost(values: NDArray[np.float64]) -> float:
        """Return the sum of the cross-entropies, and of what holds the offsets."""
        scaled = logits / np.exp(values[0]) + np.append(0.0, values[1:])
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        normal = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return float(-(smooth * normal).sum() + (values[1:] ** 2).sum() / 2)

    farthest = 5.0 if many else 0.0
    bounds = [(float(np.log(0.2)), float(np.log(10.0))), *[(-farthest, farthest)] * (labels - 1)]
    found = minimize(cost, np.zeros(labels), bounds=bounds, method="L-BFGS-B").x
    return float(np.exp(found[0])), (0.0, *(float(value) for value in found[1:]))


def _smooth(targets: Array, *, imagined: float) -> Array:
    """Spread the targets as if every label had so many samples more, all labels seen alike."""
    counts = targets.sum(axis=0)
    labels = targets.shape[1]
    right = (counts + imagined) / (counts + labels * imagined)
    row_right = (targets * right).sum(axis=1, keepdims=True)
    return np.asarray(np.where(targets > 0, row_right, (1 - row_right) / (labels - 1)))


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
