"""What a network answers as an ONNX graph is what it answers in Keras, layer by layer."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import onnxruntime
import pytest
from keras import layers
from numpy.typing import NDArray

from gafas.errors import ModelError
from gafas.training.architectures import build, finish
from gafas.training.onnx_graph import make_onnx, name_outputs
from tiny_data import tiny_recipe

SHAPE = (13, 10, 4)


def ending(x: Any, *, inputs: Any) -> keras.Model:
    """End a network in three numbers, with weights that chance draws."""
    x = x if len(x.shape) == 2 else layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(3)(x))
    generator = np.random.default_rng(3)
    model.set_weights([generator.uniform(0.1, 0.9, w.shape) for w in model.get_weights()])
    return model


def difference(model: keras.Model) -> float:
    """Return by how much the answers to waves of all widths differ, as a share of the largest."""
    n, y, x, channel = np.ogrid[1:6, : SHAPE[0], : SHAPE[1], : SHAPE[2]]
    photos = (40 * n + 50 * np.sin(x / n + y * channel / 3)).astype(np.uint8)
    options = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(make_onnx(model).SerializeToString(), providers=options)
    found: NDArray[np.float32] = session.run(None, {"image": photos})[0]
    expected = model.predict(photos.astype(np.float32), verbose=0)
    largest = np.abs(expected).max()
    assert np.ptp(expected, axis=0).max() > 1e-3 * largest, "the test needs answers that differ"
    return float(np.abs(found - expected).max() / largest)


ONE_BY_ONE: dict[str, Callable[[], Any]] = {
    "conv": lambda: layers.Conv2D(5, 3, strides=2, padding="same", activation="relu"),
    "dilated, no bias": lambda: layers.Conv2D(4, 3, dilation_rate=2, use_bias=False),
    "in groups": lambda: layers.Conv2D(6, (3, 2), groups=2, activation="silu"),
    "depthwise": lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"),
    "separable": lambda: layers.SeparableConv2D(6, 3, strides=2, depth_multiplier=2),
    "largest": lambda: layers.MaxPooling2D(3, strides=2, padding="same"),
    "mean": lambda: layers.AveragePooling2D((2, 3), padding="same"),
    "largest of all": lambda: layers.GlobalMaxPooling2D(),
    "mean of all": lambda: layers.GlobalAveragePooling2D(keepdims=True),
    "batches": lambda: layers.BatchNormalization(),
    "batches, plain": lambda: layers.BatchNormalization(center=False, scale=False),
    "groups": lambda: layers.GroupNormalization(groups=1),
    "layers": lambda: layers.LayerNormalization(),
    "given": lambda: layers.Normalization(mean=[9, 1, 5, 7], variance=[4, 9, 1, 2]),
    "rescaled": lambda: layers.Rescaling(1 / 100, offset=[0.5, 1, 2, 0]),
    "padded": lambda: layers.ZeroPadding2D(((1, 2), (0, 3))),
    "permuted": lambda: layers.Permute((2, 1, 3)),
    "reshaped": lambda: layers.Reshape((-1, 5, 4)),
    "flat": lambda: layers.Flatten(),
    "dense on places": lambda: layers.Dense(6, activation="tanh"),
    "capped": lambda: layers.ReLU(max_value=90.0),
    "leaky": lambda: layers.LeakyReLU(negative_slope=0.3),
    "softmax": lambda: layers.Softmax(),
    "dropout": lambda: layers.Dropout(0.5),
    "turned in training": lambda: layers.RandomRotation(0.2),
}


@pytest.mark.parametrize("make", ONE_BY_ONE.values(), ids=ONE_BY_ONE.keys())
def test_each_layer_is_written_as_keras_computes_it(make: Callable[[], Any]) -> None:
    inputs = keras.Input(SHAPE)
    scaled = layers.Rescaling(1 / 64, offset=-2.0)(inputs)
    assert difference(ending(make()(scaled), inputs=inputs)) < 1e-5


@pytest.mark.parametrize(
    "name",
    [
        *("elu", "exponential", "hard_sigmoid", "hard_silu", "leaky_relu", "relu6", "selu"),
        *("sigmoid", "softplus", "softsign"),
    ],
)
def test_each_activation_is_written_as_keras_computes_it(name: str) -> None:
    inputs = keras.Input(SHAPE)
    scaled = layers.Rescaling(1 / 64, offset=-2.0)(inputs)
    assert difference(ending(layers.Activation(name)(scaled), inputs=inputs)) < 1e-5


def test_branches_meet_again_and_networks_may_lie_within_networks() -> None:
    within = keras.Sequential(
        [keras.Input(SHAPE), layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization()]
    )
    inputs = keras.Input(SHAPE)
    x = (inputs - 128.0) / 64.0
    once, again = within(x), within(layers.ReLU()(x))
    gate = layers.GlobalAveragePooling2D(keepdims=True)(once)
    sums = [layers.Add()([x, once, again]), layers.Multiply()([once, gate])]
    sums += [layers.Average()([x, again]), layers.Subtract()([x, once])]
    sums += [layers.Maximum()([x, once]), layers.Minimum()([x, again])]
    assert difference(ending(layers.Concatenate()(sums), inputs=inputs)) < 1e-5


def test_a_convolution_takes_in_the_normalization_after_it_unless_another_wants_it_bare() -> None:
    inputs = keras.Input(SHAPE)
    bare = layers.Conv2D(4, 3)(inputs)
    both = layers.Add()([bare, layers.BatchNormalization()(bare)])
    assert difference(ending(both, inputs=inputs)) < 1e-5
    kinds = [node.op_type for node in make_onnx(build(tiny_recipe())).graph.node]
    assert kinds.count("Conv") == 3
    assert "BatchNormalization" not in kinds


def test_a_mirrored_network_holds_its_weights_once() -> None:
    model = build(tiny_recipe(network={"architecture": "residual", "filters": [6, 8]}))
    once, twice = (
        len(make_onnx(each).SerializeToString()) for each in (model, finish(model, mirrored=True))
    )
    assert twice < 1.6 * once


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("doubts", [False, True])
def test_whatever_a_served_network_gives_is_written_under_its_name(
    *, mirrored: bool, doubts: bool
) -> None:
    recipe = tiny_recipe(
        labels=["none", "eyeglasses", "sunglasses"],
        input={"view": "face", "width": 16, "height": 16, "colour": "rgb"},
        network={"architecture": "residual", "filters": [6, 8], "not_a_face": doubts},
    )
    model = finish(build(recipe), mirrored=mirrored)
    graph = make_onnx(model)
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    shapes = {output.name: output.shape for output in session.get_outputs()}
    middle = {"not_a_face": ["N", 1]} if doubts else {}
    assert shapes == {"probabilities": ["N", 3], **middle, "features": ["N", 16]}
    assert name_outputs(model) == tuple(shapes)
    photos = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), np.uint8)
    found = session.run(None, {"image": photos})
    expected = model.predict(photos.astype(np.float32), verbose=0)
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert np.ptp(theirs, axis=0).max() > 1e-3
        assert ours == pytest.approx(theirs, abs=1e-4)


class Unheard(layers.Layer):  # type: ignore[misc]
    """A layer of somebody's own."""

    def call(self, x: Any) -> Any:
        """Change nothing."""
        return x


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        (Unheard(name="own"), r"the layer 'own' as ONNX\. Received: Unheard\. Replace it"),
        (layers.Activation("gelu", name="soft"), "'soft'.* Activation with the activation 'gelu'"),
        (layers.GroupNormalization(2, name="two"), "'two'.* GroupNormalization in 2 groups"),
        (layers.ReLU(threshold=1.0, name="late"), "'late'.* ReLU with a threshold"),
        (
            layers.MaxPooling2D(data_format="channels_first", name="first"),
            "'first'.* with channels first",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else value.name,
)
def test_what_cannot_be_written_is_refused_by_its_name(layer: Any, told: str) -> None:
    inputs = keras.Input(SHAPE)
    with pytest.raises(ModelError, match=told):
        make_onnx(ending(layer(inputs), inputs=inputs))
