"""A Keras network written down as an ONNX graph, layer by layer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from gafas.errors import ModelError
from gafas.training.backend import keras, tf

_OPSET: Final = 17
_IR_VERSION: Final = 8  # what onnxruntime has read for years, that of browsers too

_PADDINGS: Final = {"same": "SAME_UPPER", "valid": "VALID"}

_AFTER_TRAINING: Final = (
    *("ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise"),
    *("RandomBrightness", "RandomContrast", "RandomFlip", "RandomRotation", "RandomTranslation"),
    *("RandomZoom", "SpatialDropout2D"),
)
"""Layers that change nothing once a network is trained."""

_COMBINATIONS: Final = {
    **{"Add": "Add", "Average": "Add", "Divide": "Div", "Maximum": "Max", "Minimum": "Min"},
    **{"Multiply": "Mul", "Subtract": "Sub", "TrueDivide": "Div"},
}
"""Layers, and operators of Keras, that combine several tensors or numbers."""

_ACTIVATIONS: Final[Mapping[str, tuple[str, dict[str, float]]]] = {
    "elu": ("Elu", {}),
    "exponential": ("Exp", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "hard_silu": ("HardSwish", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
    "relu": ("Relu", {}),
    "selu": ("Selu", {}),
    "sigmoid": ("Sigmoid", {}),
    "softmax": ("Softmax", {"axis": -1}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "tanh": ("Tanh", {}),
}


def make_onnx(model: keras.Model) -> onnx.ModelProto:
    """Return the graph of a network: `image`, uint8 `(N, H, W, C)`, to `probabilities`, `(N, K)`.

    Raises:
        ModelError: the network has a layer, or a setting of one, that cannot be written.
    """
    graph = _Graph()
    pixels = graph.add("Cast", "image", to=onnx.TensorProto.FLOAT)
    answer = _write_model(graph, model, [pixels])
    graph.nodes.append(onnx.helper.make_node("Identity", [answer], ["probabilities"]))
    needed, nodes = {"probabilities"}, list[onnx.NodeProto]()
    for node in reversed(graph.nodes):  # convolutions that took in what follows are left behind
        if node.output[0] in needed:
            needed.update(node.input)
            nodes.insert(0, node)
    describe, types = onnx.helper.make_tensor_value_info, onnx.TensorProto
    weights = graph.weights.items()
    made = onnx.helper.make_model(
        onnx.helper.make_graph(
            nodes,
            "network",
            [describe("image", types.UINT8, ["N", *model.input_shape[1:]])],
            [describe("probabilities", types.FLOAT, ["N", model.output_shape[1]])],
            [onnx.numpy_helper.from_array(w, name) for name, w in weights if name in needed],
        ),
        opset_imports=[onnx.helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )
    onnx.checker.check_model(made)
    return made


class _Graph:
    """The nodes and weights written so far; tensors are known by their names."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, NDArray[Any]] = {}
        self.convolutions: dict[str, onnx.NodeProto] = {}
        self.place = ""

    def add(self, kind: str, *given: Any, **settings: Any) -> str:
        """Write a node of named inputs, or arrays that become weights; return its output."""
        names = [each if isinstance(each, str) else self._keep(each) for each in given]
        name = f"{self.place}/{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(kind, names, [name], name=name, **settings))
        return name

    def _keep(self, weight: Any) -> str:
        array = np.asarray(weight)
        array = array.astype(np.int64 if array.dtype.kind == "i" else np.float32)
        for name, held in self.weights.items():  # a network within may be called twice
            if held.dtype == array.dtype and np.array_equal(held, array):
                return name
        name = f"{self.place}/weight_{len(self.weights)}"
        self.weights[name] = array
        return name

    def add_turned(self, kind: str, *given: Any, **settings: Any) -> str:
        """Write a node that wants channels first, as Keras has them last.

        ONNX Runtime takes out what cancels out.
        """
        x = self.add("Transpose", given[0], perm=(0, 3, 1, 2))
        made = self.add(kind, x, *given[1:], **settings)
        result = self.add("Transpose", made, perm=(0, 2, 3, 1))
        if kind == "Conv":
            self.convolutions[result] = self.nodes[-2]
        return result


def _write_model(graph: _Graph, model: keras.Model, given: Sequence[str]) -> str:
    """Write what a network makes of its inputs; return its output."""
    functional = keras.Model(model.inputs, model.outputs)  # of what is a Sequential, too
    layers = {layer.name: layer for layer in functional.layers}
    inputs = [keras.Input(each.shape[1:]) for each in functional.inputs]
    known = dict(zip(map(id, inputs), given, strict=True))
    made: list[Any] = []  # a tensor that is forgotten would leave its id to another one

    def write(operation: Any, *args: Any, **more: Any) -> Any:
        """Write an operation while Keras calls its copy, which has no weights worth having."""
        made.append(operation(*args, **more))
        flat = keras.tree.flatten(args)
        layer = layers.get(operation.name, operation)
        if len({len(each.shape) for each in flat if id(each) in known}) > 1:
            raise _refuse(layer, "of inputs with different numbers of dimensions")
        known[id(made[-1])] = _write(graph, layer, [known.get(id(each), each) for each in flat])
        return made[-1]

    copy = keras.models.clone_model(
        functional,
        input_tensors=keras.tree.pack_sequence_as(functional.input, inputs),
        call_function=write,
    )
    return known[id(copy.outputs[0])]


def _write(graph: _Graph, layer: Any, given: list[Any]) -> str:
    kind = type(layer).__name__
    if isinstance(layer, keras.Model):
        return _write_model(graph, layer, given)
    graph.place = layer.name
    if getattr(layer, "data_format", "channels_last") == "channels_first":
        raise _refuse(layer, "with channels first")
    if kind in _AFTER_TRAINING:
        return str(given[0])
    if kind == "Concatenate":
        return graph.add("Concat", *given, axis=layer.axis)
    if kind in _COMBINATIONS:
        result = given[0]
        for other in given[1:]:
            result = graph.add(_COMBINATIONS[kind], result, other)
        return graph.add("Mul", result, 1 / len(given)) if kind == "Average" else str(result)
    if kind not in _WRITERS:
        raise _refuse(layer)
    return _activate(graph, layer, _WRITERS[kind](graph, layer, given[0]))


def _refuse(layer: Any, how: str = "") -> ModelError:
    known = ", ".join(sorted([*_WRITERS, *_COMBINATIONS, *_AFTER_TRAINING, "Concatenate"]))
    found = f"{type(layer).__name__} {how}".rstrip()
    return ModelError(
        f"Cannot write the layer {layer.name!r} as ONNX. Received: {found}. Replace it, and save "
        f"the model again; known are {known}."
    )


def _activate(graph: _Graph, layer: Any, x: str) -> str:
    function = getattr(layer, "activation", None)
    name = getattr(function, "__name__", type(function).__name__)
    if function is None or name == "linear":
        return x
    if name == "silu":
        return graph.add("Mul", x, graph.add("Sigmoid", x))
    if name == "relu6":
        return graph.add("Clip", x, 0.0, 6.0)
    if name not in _ACTIVATIONS:
        raise _refuse(layer, f"with the activation {name!r}")
    kind, settings = _ACTIVATIONS[name]
    return graph.add(kind, x, **settings)


def _read(variable: Any) -> NDArray[Any]:
    return np.asarray(tf.convert_to_tensor(variable).numpy())


def _scale(graph: _Graph, x: str, factor: Any, offset: Any) -> str:
    """Write `x * factor + offset`, by channel or all alike; a convolution before takes it in."""
    factor, offset = np.asarray(factor, np.float32), np.asarray(offset, np.float32)
    if x not in graph.convolutions:
        return graph.add("Add", graph.add("Mul", x, factor), offset)
    node = graph.convolutions[x]
    kernel, bias = (graph.weights[name] for name in node.input[1:])
    factor = np.broadcast_to(factor, bias.shape)
    settings = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    kernel, bias = kernel * factor[:, None, None, None], bias * factor + offset
    made = graph.add("Conv", node.input[0], kernel, bias, **settings)
    return graph.add("Transpose", made, perm=(0, 2, 3, 1))


def _convolve(graph: _Graph, layer: Any, x: str) -> str:
    kind, group = type(layer).__name__, getattr(layer, "groups", 1)
    kernel = _read(layer.depthwise_kernel if kind == "SeparableConv2D" else layer.kernel)
    if kind != "Conv2D":
        height, width, group, _ = kernel.shape
        kernel = kernel.reshape(height, width, 1, -1)
    bias = np.zeros(1) if layer.bias is None else _read(layer.bias)
    settings = {
        "strides": layer.strides,
        "dilations": layer.dilation_rate,
        "group": group,
        "auto_pad": _PADDINGS[layer.padding],
    }
    if kind == "SeparableConv2D":
        x = _add_convolution(graph, x, kernel, np.zeros(1), **settings)
        kernel, settings = _read(layer.pointwise_kernel), {}
    return _add_convolution(graph, x, kernel, bias, **settings)


def _add_convolution(
    graph: _Graph, x: str, kernel: NDArray[Any], bias: NDArray[Any], **settings: Any
) -> str:
    kernel = kernel.transpose(3, 2, 0, 1)
    bias = np.broadcast_to(bias, len(kernel))
    return graph.add_turned("Conv", x, kernel, bias, **settings)


def _connect(graph: _Graph, layer: Any, x: str) -> str:
    x = graph.add("MatMul", x, _read(layer.kernel))
    return x if layer.bias is None else graph.add("Add", x, _read(layer.bias))


def _pool(graph: _Graph, layer: Any, x: str) -> str:
    kind = "MaxPool" if type(layer).__name__ == "MaxPooling2D" else "AveragePool"
    padding, size = _PADDINGS[layer.padding], layer.pool_size
    return graph.add_turned(kind, x, kernel_shape=size, strides=layer.strides, auto_pad=padding)


def _pool_all(graph: _Graph, layer: Any, x: str) -> str:
    kind = "ReduceMax" if type(layer).__name__ == "GlobalMaxPooling2D" else "ReduceMean"
    return graph.add(kind, x, axes=(1, 2), keepdims=int(layer.keepdims))


def _normalize_batch(graph: _Graph, layer: Any, x: str) -> str:
    if layer.axis not in (-1, 3):
        raise _refuse(layer, f"along axis {layer.axis}")
    deviation = np.sqrt(_read(layer.moving_variance) + layer.epsilon)
    factor = (_read(layer.gamma) if layer.scale else 1.0) / deviation
    offset = _read(layer.beta) if layer.center else 0.0
    return _scale(graph, x, factor, offset - _read(layer.moving_mean) * factor)


def _normalize(graph: _Graph, layer: Any, x: str) -> str:
    if type(layer).__name__ == "GroupNormalization" and layer.groups != 1:
        raise _refuse(layer, f"in {layer.groups} groups")
    axes = (1, 2, 3) if type(layer).__name__ == "GroupNormalization" else layer.axis
    axes = axes if isinstance(axes, list | tuple) else (axes,)
    away = graph.add("Sub", x, graph.add("ReduceMean", x, axes=axes))
    variance = graph.add("ReduceMean", graph.add("Mul", away, away), axes=axes)
    deviation = graph.add("Sqrt", graph.add("Add", variance, layer.epsilon))
    factor = _read(layer.gamma) if layer.scale else 1.0
    offset = _read(layer.beta) if layer.center else 0.0
    return _scale(graph, graph.add("Div", away, deviation), factor, offset)


def _standardize(graph: _Graph, layer: Any, x: str) -> str:
    """Write `Normalization`, whose mean and variance were given or adapted to."""
    mean, deviation = _read(layer.mean).squeeze(), np.sqrt(_read(layer.variance).squeeze())
    factor = 1 / np.maximum(deviation, keras.backend.epsilon())
    return _scale(graph, x, factor, -mean * factor)


def _pad(graph: _Graph, layer: Any, x: str) -> str:
    (top, bottom), (left, right) = layer.padding
    return graph.add("Pad", x, np.array([0, top, left, 0, 0, bottom, right, 0]))


def _cut_below(graph: _Graph, layer: Any, x: str) -> str:
    slope, most = float(getattr(layer, "negative_slope", 0.0)), getattr(layer, "max_value", None)
    if getattr(layer, "threshold", 0.0) or (slope and most is not None):
        raise _refuse(layer, "with a threshold, or a slope and a largest value")
    if most is not None:
        return graph.add("Clip", x, 0.0, float(most))
    return graph.add("LeakyRelu", x, alpha=slope) if slope else graph.add("Relu", x)


_WRITERS: Final[Mapping[str, Callable[[_Graph, Any, str], str]]] = {
    "Activation": lambda graph, layer, x: x,
    "AveragePooling2D": _pool,
    "BatchNormalization": _normalize_batch,
    "Conv2D": _convolve,
    "Dense": _connect,
    "DepthwiseConv2D": _convolve,
    "Flatten": lambda graph, layer, x: graph.add("Flatten", x),
    "GlobalAveragePooling2D": _pool_all,
    "GlobalMaxPooling2D": _pool_all,
    "GroupNormalization": _normalize,
    "LayerNormalization": _normalize,
    "LeakyReLU": _cut_below,
    "MaxPooling2D": _pool,
    "Normalization": _standardize,
    "Permute": lambda graph, layer, x: graph.add("Transpose", x, perm=(0, *layer.dims)),
    "ReLU": _cut_below,
    "SeparableConv2D": _convolve,
    "Rescaling": lambda graph, layer, x: _scale(graph, x, layer.scale, layer.offset),
    "Reshape": lambda graph, layer, x: graph.add("Reshape", x, np.array([0, *layer.target_shape])),
    "Softmax": lambda graph, layer, x: graph.add("Softmax", x, axis=-1),
    "ZeroPadding2D": _pad,
}
"""What writes each kind of layer, up to its own activation."""
