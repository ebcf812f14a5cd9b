"""The networks that recipes name, built with Keras.

Every network takes pixels as they are, 0–255, and does its own rescaling, so that the saved file
needs no recipe to be used.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx

from gafas.errors import RecipeError
from gafas.files import write_text
from gafas.recognizer import BUNDLED
from gafas.training.backend import keras
from gafas.training.recipe import Network, Recipe
from gafas.weights import read_bundled

TEMPERATURE = "temperature"
"""Name of the layer that divides the logits by the calibrated temperature, and adds offsets."""

FEATURES = "features"
"""Name of the layer that tells what a crop is like, before anything is answered."""

DOUBT = "doubt"
"""Name of the layer whose output's sigmoid is the probability that a crop is no face."""


def build(recipe: Recipe) -> keras.Model:
    """Build the recipe's network with fresh weights, as it is trained.

    The output is one probability per label, `(N, K)`, and where the recipe wants it, in a column
    of its own, the one that the crop is no face; the input `(N, height, width, channels)`.
    """
    channels = 1 if recipe.input.colour == "grey" else 3
    inputs = keras.Input((recipe.input.height, recipe.input.width, channels), name="photo")
    architectures = {"seed": _seed, "compact": _compact, "residual": _residual}
    architecture = architectures[recipe.network.architecture]
    return keras.Model(inputs, architecture(inputs, recipe.network, classes=len(recipe.labels)))


def _seed(x: keras.KerasTensor, network: Network, *, classes: int) -> keras.KerasTensor:
    """Stack the original's layers: no rescaling, no padding, a softmax in the last dense layer."""
    for filters in network.filters:
        x = keras.layers.Conv2D(filters, 3, activation="relu")(x)
        x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(network.dense, activation="relu")(x)
    x = keras.layers.Dropout(network.dropout)(x)
    return keras.layers.Dense(classes, activation="softmax")(x)


def _compact(x: keras.KerasTensor, network: Network, *, classes: int) -> keras.KerasTensor:
    """One convolution, then pairs; the maximum over places asks "anywhere?", not "here?".

    Every photo is first brought to mean 0 and deviation 1, so that the light it was taken in, and
    a decoder that does not stretch dark PGM files to 0–255, make no difference. At full size there
    is only one convolution without normalisation: there a second one costs as much as all others.
    """
    first, *others = network.filters
    # One group is the whole photo. LayerNormalization over several axes would be the same, but
    # Keras forgets these axes in H5 files.
    x = keras.layers.GroupNormalization(groups=1, center=False, scale=False)(x)
    x = keras.layers.Conv2D(first, 3, padding="same", activation="relu")(x)
    for filters in others:
        x = keras.layers.MaxPooling2D()(x)
        for _ in range(2):
            x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            # A training has some hundred steps: the default 0.99 would still remember the first.
            x = keras.layers.BatchNormalization(momentum=0.9)(x)
            x = keras.layers.ReLU()(x)
    x = keras.layers.GlobalMaxPooling2D()(x)
    x = keras.layers.Dropout(network.dropout)(x)
    x = keras.layers.Dense(classes)(x)
    x = keras.layers.Rescaling(1.0, name=TEMPERATURE)(x)
    return keras.layers.Softmax()(x)


def _residual(x: keras.KerasTensor, network: Network, *, classes: int) -> keras.KerasTensor:
    """One residual block for each filter but the first, each at half the size of the one before.

    The mean over places tells what the crop is like, the maximum whether something is anywhere.
    A stem of 2 halves the crop in its first convolution, which then sees 5 pixels, not 3: large
    crops cost most in their first layers.
    """
    first, *others = network.filters
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(x)
    x = _convolve(x, first, size=2 * network.stem + 1, strides=network.stem)
    for filters in others:
        inside = _convolve(x, filters, strides=2)
        inside = _convolve(inside, filters, activation=None)
        # Averaged first, or a convolution with strides would never look at three pixels of four.
        outside = keras.layers.AveragePooling2D(2, padding="same")(x)
        outside = _convolve(outside, filters, size=1, activation=None)
        x = keras.layers.ReLU()(keras.layers.Add()([inside, outside]))
    mean, most = keras.layers.GlobalAveragePooling2D()(x), keras.layers.GlobalMaxPooling2D()(x)
    features = keras.layers.Concatenate(name=FEATURES)([mean, most])
    x = keras.layers.Dropout(network.dropout)(features)
    answers = keras.layers.Dense(classes)(x)
    answers = keras.layers.Rescaling(1.0, name=TEMPERATURE)(answers)
    answers = keras.layers.Softmax()(answers)
    if not network.not_a_face:
        return answers
    doubt = keras.layers.Dense(1, name=DOUBT)(x)
    return keras.layers.Concatenate()([answers, keras.layers.Activation("sigmoid")(doubt)])


def _convolve(
    x: keras.KerasTensor,
    filters: int,
    *,
    size: int = 3,
    strides: int = 1,
    activation: str | None = "relu",
) -> keras.KerasTensor:
    x = keras.layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    return x if activation is None else keras.layers.Activation(activation)(x)


def finish(model: keras.Model, *, mirrored: bool) -> keras.Model:
    """Return a trained network as it is served, which shares its weights with the given one.

    Its outputs are the probabilities, `(N, K)`; where it was trained to doubt, the probability that
    the crop is no face, `(N, 1)`; and of a residual network the features, `(N, F)`.

    Args:
        model: as it was trained; to be mirrored it needs a layer for the temperature.
        mirrored: whether it is to see each crop and its mirror image, and to average the logits of
            both. That takes twice the time; where both differ, the answer is less sure, as it
            should be.
    """
    names = [layer.name for layer in model.layers]
    more = [model.get_layer(name).output for name in (DOUBT, FEATURES) if name in names]
    if not mirrored and not more:
        return model
    wanted = [model.get_layer(TEMPERATURE).input, *more]
    inputs = keras.Input(model.input_shape[1:], name="photo")
    once = keras.Model(model.input, wanted, name="once")
    found = keras.tree.flatten(once(inputs))
    if mirrored:
        other = keras.tree.flatten(once(_flip(inputs)))
        found = [keras.layers.Average()(pair) for pair in zip(found, other, strict=True)]
    logits, *more = found
    answers = keras.layers.Rescaling(1.0, name=TEMPERATURE)(logits)
    answers = keras.layers.Softmax()(answers)
    if DOUBT in names:
        more[0] = keras.layers.Activation("sigmoid")(more[0])
    return keras.Model(inputs, [answers, *more] if more else answers)


def _flip(inputs: keras.KerasTensor) -> keras.KerasTensor:
    width = inputs.shape[2]
    # H5 files know layers alone, and no layer mirrors: columns are swapped by a product.
    columns_last = keras.layers.Permute((1, 3, 2))(inputs)
    swap = keras.layers.Dense(width, use_bias=False, trainable=False, name="swap")
    mirrored = keras.layers.Permute((1, 3, 2))(swap(columns_last))
    swap.set_weights([np.eye(width, dtype=np.float32)[::-1]])
    return mirrored


def begin_with_bundled(model: keras.Model) -> None:
    """Give a network the weights of the bundled eyewear model; its last layer alone will learn.

    In the model file each convolution holds its normalization, too, so here the normalizations
    become plain offsets, and nothing before the last layer may learn.

    Raises:
        RecipeError: the network has other convolutions than the bundled model.
    """
    graph = onnx.load_from_string(read_bundled(BUNDLED)).graph
    held = {part.name: onnx.numpy_helper.to_array(part) for part in graph.initializer}
    # Each stands twice, for the crop and its mirror image, and no two others are of one shape.
    pairs = {node.input[1]: node.input[2] for node in graph.node if node.op_type == "Conv"}
    given = {held[kernel].shape: (held[kernel], held[bias]) for kernel, bias in pairs.items()}
    layers = [layer for layer in model.layers if layer.weights]
    wanted = [layer.kernel.shape for layer in layers if isinstance(layer, keras.layers.Conv2D)]
    if sorted((o, i, y, x) for y, x, i, o in wanted) != sorted(given):
        raise RecipeError(
            "network.weights = 'eyewear' belong to another network: expected the "
            f"convolutions {sorted(given)}. Received others. Take architecture, filters, stem and "
            "colour from the recipe 'faces'."
        )
    biases = {}
    for layer in layers:
        layer.trainable = isinstance(layer, keras.layers.Dense)
        if isinstance(layer, keras.layers.Conv2D):
            y, x, i, o = layer.kernel.shape
            kernel, biases[id(layer.output)] = given[o, i, y, x]
            layer.set_weights([kernel.transpose(2, 3, 1, 0)])
        elif isinstance(layer, keras.layers.BatchNormalization):
            bias = biases[id(layer.input)]
            ones, zeros = np.ones_like(bias), np.zeros_like(bias)
            layer.set_weights([ones, bias, zeros, ones - layer.epsilon])


def write_layers(model: keras.Model, path: Path) -> None:
    """Write one row per layer: name, type, output shape without the batch, parameters.

    Of a network within the network, its layers stand in its place.
    """
    rows = [
        {
            "name": layer.name,
            "type": type(layer).__name__,
            "shape": list(layer.output.shape[1:]),
            "parameters": layer.count_params(),
        }
        for layer in _list_layers(model)
    ]
    write_text(path, json.dumps(rows, indent=1) + "\n")


def _list_layers(model: keras.Model) -> Iterator[keras.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _list_layers(layer)
        else:
            yield layer
