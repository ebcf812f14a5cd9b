"""Probabilities that mean what they say, and the threshold under which a model says `unsure`."""

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from gafas.classifier import FaceCheck, find_log_odds
from gafas.datasets.samples import NOT_A_FACE, Sample
from gafas.detection.detector import CONFIDENT
from gafas.training.faces import PROPOSED

if TYPE_CHECKING:  # what is calibrated without Keras, as own labels are, must not load it
    from gafas.training.backend import keras
    from gafas.training.batches import Watched

Array = NDArray[np.floating]

MANY, MANY_EACH = 500, 50
"""From so many validation samples on, and so many of each label, offsets are fitted beside the
temperature."""

TOLERATED_ERRORS = 0.003
"""Largest share of wrong answers among those that a model gives on its validation part."""

TOLERATED_IN_MIX = 0.005
"""The same where samples are weighed as photos come, not taken as they are."""

# From these confidences on, too, candidates may be worth a look, if a check can tell them.
_DOUBTFUL = (0.3, 0.2, PROPOSED)

LOST = 4
"""So many things that are taken for a face are as bad as one face that is lost: an answer to what
is no face is mostly `unsure`, and one that is lost gets none."""


def calibrate(
    model: "keras.Model", watched: "Watched", *, mix: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """Set a model's temperature and offsets, and choose its threshold.

    A network without a layer for them, as the original's, keeps its probabilities. What is no face
    does not count, but for a model that doubts: of this the weights by which detector and model
    together tell faces, and the confidence from which both take something for one.

    Args:
        model: what is calibrated, as it is served.
        watched: the validation part.
        mix: the share that each source (the fact `source`) has in photos as they come, which has
            the others' share under ""; None takes samples as they are.

    Returns:
        What the model file says of it: `temperature`, `offsets`, `threshold` and, of a model that
        doubts, `face_check`.
    """
    from gafas.training.architectures import TEMPERATURE

    labels = model.outputs[0].shape[1]
    weights = weigh_sources(watched.samples, mix) if mix else np.ones(len(watched.samples))
    face = np.array([sample.label != NOT_A_FACE for sample in watched.samples])
    answers, facts = predict(model, watched.images), dict[str, Any]()
    # Who validates on faces alone cannot say how sure is sure enough.
    if len(answers) == 3 and watched.confidences is not None and not face.all():
        doubts = answers[1][:, 0]
        check = fit_face_check(watched.confidences, doubts, face, weights=weights)
        facts["face_check"] = dataclasses.asdict(check)
        face &= watched.confidences >= check.least  # others are dropped
        face &= check.calibrate(watched.confidences, doubts) >= check.cut
    targets, weights = watched.targets[face, :labels], weights[face] / weights[face].mean()
    temperature, offsets = 1.0, (0.0,) * labels
    if TEMPERATURE in [layer.name for layer in model.layers]:
        temperature, offsets = fit_calibration(answers[0][face], targets, weights=weights)
        layer = model.get_layer(TEMPERATURE)
        layer.scale, layer.offset = 1 / temperature, list(offsets)
        # Keras would answer with the former temperature, which is compiled in.
        model.make_predict_function(force=True)
        answers = predict(model, watched.images)
    tolerated = TOLERATED_IN_MIX if mix else TOLERATED_ERRORS
    threshold = choose_threshold(answers[0][face], targets, tolerated=tolerated, weights=weights)
    return facts | {"temperature": temperature, "offsets": list(offsets), "threshold": threshold}


def predict(model: "keras.Model", images: Array) -> list[Array]:
    """Return everything that a model answers, its probabilities first."""
    answers = model.predict(images, batch_size=256, verbose=0)
    return answers if isinstance(answers, list) else [answers]


def fit_face_check(
    confidences: Array,
    doubts: Array,
    face: NDArray[np.bool_],
    *,
    weights: Array | None = None,
) -> FaceCheck:
    """Fit how detector and classifier together tell faces from what is none.

    A logistic regression (Platt 1999) of two log-odds: of the detector's confidence, and of the
    classifier's probability that the crop is no face. Neither may count the wrong way round. Their
    weights are held near zero as by one observation of a normal distribution of variance 10. The
    cut, and the detector's confidence from which a candidate is looked at, are where least is
    misjudged: a face that is lost counts as `LOST` others taken for one. Of two that do as well the
    one that has to look at less is taken.

    Where nothing that is no face looks to the detector like one, as beside the faces of portraits,
    the check is not proven on such, and doubtful candidates are not asked for.

    Args:
        confidences: `(N,)`, the detector's.
        doubts: `(N,)`, the classifier's.
        face: `(N,)`, whether there is one.
        weights: `(N,)`, what each counts, mean 1; None counts all alike.
    """
    weights = np.ones(len(face)) if weights is None else weights
    odds = np.column_stack([find_log_odds(confidences), -find_log_odds(doubts)])
    sign = np.where(face, 1.0, -1.0)

    def cost(values: NDArray[np.float64]) -> float:
        """Return the sum of the cross-entropies, and of what holds the weights."""
        likely = odds @ values[:2] + values[2]
        losses = np.logaddexp(0, -sign * likely)
        return float(weights @ losses + (values[:2] ** 2).sum() / 20)

    bounds = [(0.0, None), (0.0, None), (None, None)]
    detector, doubt, offset = minimize(cost, np.zeros(3), bounds=bounds, method="L-BFGS-B").x
    check = FaceCheck(CONFIDENT, float(detector), float(doubt), float(offset), cut=0.0)
    sure = check.calibrate(confidences, doubts)
    proven = confidences[~face].max() >= CONFIDENT

    def misjudge(check: FaceCheck) -> float:
        """Return what the lost and the false faces of a check count."""
        taken = (confidences >= check.least) & (sure >= check.cut)
        return float(LOST * weights[face & ~taken].sum() + weights[~face & taken].sum())

    checks = (
        dataclasses.replace(check, least=least, cut=float(cut))
        for least in ((CONFIDENT, *_DOUBTFUL) if proven else (PROPOSED,))
        for cut in np.linspace(0.05, 0.95, 91)
    )
    best = min(checks, key=misjudge)
    return best if proven else dataclasses.replace(best, least=CONFIDENT)


def weigh_sources(samples: Sequence[Sample], mix: Mapping[str, float]) -> NDArray[np.float64]:
    """Return what each sample counts, `(N,)`, mean 1, so that sources have the shares of the mix.

    Sources that the mix does not name share what stands under "".
    """
    names = [name if (name := s.facts.get("source", "")) in mix else "" for s in samples]
    sizes = collections.Counter(names)
    weights = np.array([mix[name] / sizes[name] for name in names])
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
    probabilities: Array,
    targets: Array,
    *,
    tolerated: float = TOLERATED_ERRORS,
    weights: Array | None = None,
) -> float:
    """Return the lowest threshold whose answers are wrong in at most the tolerated share.

    An answer is given where the highest probability reaches the threshold. Returns 0 where even
    answering always is good enough. `weights`, `(N,)`, are what each sample counts; None counts all
    alike.

    >>> sure = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    >>> truth = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> choose_threshold(sure, truth)
    0.8
    """
    top = probabilities.max(axis=1)
    wrong = probabilities.argmax(axis=1) != targets.argmax(axis=1)
    order = np.argsort(-top, kind="stable")
    counts = np.ones(len(top)) if weights is None else weights[order]
    errors = np.cumsum(wrong[order] * counts)
    good = errors <= tolerated * np.cumsum(counts)
    # Equal probabilities are answered together or not at all.
    ends = np.append(np.diff(top[order]) < 0, True)
    usable = np.flatnonzero(good & ends)
    if usable.size == 0:
        return 1.0
    last = int(usable[-1])
    return 0.0 if last == len(top) - 1 else float(top[order][last])
