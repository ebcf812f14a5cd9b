"""Models as other people make them with plain Keras, and the files that they leave."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

CLASSES = ("glasses", "no_glasses")


def functional(
    *, rescale: bool = True, units: int = 2, activation: str | None = "softmax"
) -> keras.Model:
    inputs = keras.Input((20, 24, 1))
    x = keras.layers.Rescaling(1 / 255)(inputs) if rescale else inputs
    x = keras.layers.Conv2D(4, 3, activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(units, activation=activation)(x))


def sequential() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((20, 24, 3)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


def unscaled() -> keras.Model:
    return functional(rescale=False)


def one_unit() -> keras.Model:
    return functional(units=1, activation="sigmoid")


def save(model: keras.Model, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras calls H5 legacy
        model.save(path)
    return path


def encoder(folder: Path, classes: Sequence[str] = CLASSES) -> Path:
    path = folder / "label_encoder.npy"
    np.save(path, np.array(classes))
    return path
