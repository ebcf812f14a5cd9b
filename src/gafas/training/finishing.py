"""From learnt weights to the network that is served: mixed, looking twice, calibrated."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from gafas.training.architectures import TEMPERATURE, build, copy_weights, look_twice
from gafas.training.balance import weigh_labels
from gafas.training.calibrate import choose_threshold, fit_calibration
from gafas.training.foreign import load_keras
from gafas.training.recipe import Recipe

Watched = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Images, `(N, H, W, C)` 0–255, and targets, `(N, labels)`, of the validation part."""


def finish(model: keras.Model, recipe: Recipe) -> keras.Model:
    """Turn learnt weights into the network that is served: mixed, looking twice, as asked.

    What a training gains on its own photos it may lose on others; between the weights it began
    with and those it ended with, much of both is kept. And two trainings that began with the same
    weights end in one valley: what chance put into each, their mean leaves out.

    Source: Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"; the same, "Model soups".
    """
    plan = recipe.network
    if plan.anchor and plan.weights:
        _mix(model, plan.weights, share=plan.anchor, recipe=recipe)
    if plan.twin:
        _mix(model, plan.twin, share=0.5, recipe=recipe)
    return look_twice(model) if plan.mirror else model


def _mix(model: keras.Model, path: str, *, share: float, recipe: Recipe) -> None:
    """Move a model's weights towards those of another one of the same recipe."""
    other = build(recipe)
    copy_weights(load_keras(Path(path)), other)
    pairs = zip(other.get_weights(), model.get_weights(), strict=True)
    model.set_weights([share * theirs + (1 - share) * ours for theirs, ours in pairs])


def calibrate(model: keras.Model, watched: Watched, *, balance: float = 0.0) -> dict[str, Any]:
    """Set the model's temperature and offsets, and choose its threshold, on its validation part.

    `balance` says how far its labels weigh alike in the calibration, see `weigh_labels`.
    A network without a layer for them, as the original's, keeps its probabilities.
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
