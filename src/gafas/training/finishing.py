"""From learnt weights to the network that is served: mixed, looking twice, calibrated."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gafas.training.architectures import TEMPERATURE, build, copy_weights, look_twice
from gafas.training.backend import keras
from gafas.training.balance import weigh_labels
from gafas.training.calibrate import choose_threshold, fit_calibration
from gafas.training.foreign import load_keras
from gafas.training.recipe import Recipe

Watched = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Images, `(N, H, W, C)` 0–255, and targets, `(N, labels)`, of the validation part."""


def finish(model: keras.Model, recipe: Recipe) -> keras.Model:
    """Turn learnt weights into the network that is served: averaged, looking twice, as asked.

    Trainings that began with the same weights end in one valley: what chance put into each, their
    mean leaves out.

    Source: Wortsman et al. 2022, "Model soups".
    """
    if recipe.network.twins:
        learnt = [model.get_weights()]
        for path in recipe.network.twins:
            twin = build(recipe)
            copy_weights(load_keras(Path(path)), twin)
            learnt.append(twin.get_weights())
        model.set_weights([np.mean(layer, axis=0) for layer in zip(*learnt, strict=True)])
    return look_twice(model) if recipe.network.mirror else model


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
