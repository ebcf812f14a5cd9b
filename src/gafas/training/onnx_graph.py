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

Array = NDArray[Any]


def make_onnx(model: keras.Model) -> onnx.ModelProto:
    """Return the graph of a network: from `image`, uint8 `(N, H, W, C)`, to its outputs.

    Raises:
        ModelError: the network has a layer, or a setting of one, that cannot be written.
    """
    writer = _Writer()
    pixels = writer.add("Cast", "image", to=onnx.TensorProto.FLOAT)
    made = writer.write_model(model, [pixels])
    names = name_outputs(model)
    for name, answer in zip(names, made, strict=True):
        writer.nodes.append(onnx.helper.make_node("Identity", [answer], [name]))
    needed, nodes = set(names), list[onnx.NodeProto]()
    for node in reversed(writer.nodes):  # convolutions that took in what follows are left behind
        if node.output[0] in needed:
            needed.update(node.input)
            nodes.insert(0, node)
    describe, types = onnx.helper.make_tensor_value_info, onnx.TensorProto
    weights = writer.weights.items()
    widths = [output.shape[1] for output in model.outputs]
    graph = onnx.helper.make_model(
        onnx.helper.make_graph(
            nodes,
            "network",
            [describe("image", types.UINT8, ["N", *model.input_shape[1:]])],
            [
                describe(name, types.FLOAT, ["N", width])
                for name, width in zip(names, widths, strict=True)
            ],
            [onnx.numpy_helper.from_array(w, name) for name, w in weights if name in needed],
        ),
        opset_imports=[onnx.helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )
    onnx.checker.check_model(graph)
    return graph


def name_outputs(model: keras.Model) -> tuple[str, ...]:
    """Return what the outputs of a network are called in the model file, in their order."""
    middle = ("not_a_face",) if len(model.outputs) == 3 else ()
    return ("probabilities", *middle, "features")[: len(model.outputs)]


class _Writer:
    """The nodes and weights written so far; tensors are known by their names."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, Array] = {}
        self._convolutions: dict[str, onnx.NodeProto] = {}
        self._place = ""

    def add(self, kind: str, *given: Any, **settings: Any) -> str:
        """Write a node of named inputs, or numbers that become weights; return its output."""
        names = [each if isinstance(each, str) else self._keep(each) for each in given]
        name = f"{self._place}/{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(kind, names, [name], name=name, **settings))
        return name

    def _keep(self, weight: Any) -> str:
        array = np.asarray(weight)
        array = array.astype(np.int64 if array.dtype.kind == "i" else np.float32)
        for name, held in self.weights.items():  # a network within may be called twice
            if held.dtype == array.dtype and np.array_equal(held, array):
                return name
        name = f"{self._place}/weight_{len(self.weights)}"
        self.weights[name] = array
        return name

    def _add_channels_first(self, kind: str, *given: Any, **settings: Any) -> str:
        """Write a node that wants channels first; ONNX Runtime takes out what cancels out."""
        x = self.add("Transpose", given[0], perm=(0, 3, 1, 2))
        made = self.add(kind, x, *given[1:], **settings)
        result = self.add("Transpose", made, perm=(0, 2, 3, 1))
        if kind == "Conv":
            self._convolutions[result] = self.nodes[-2]
        return result

    def write_model(self, model: keras.Model, given: Sequence[str]) -> list[str]:
        """Write what a network makes of its inputs; return its outputs."""
        functional = keras.Model(model.inputs, model.outputs)  # of what is a Sequential, too
        layers = {layer.name: layer for layer in functional.layers}
        inputs = [keras.Input(each.shape[1:]) for each in functional.inputs]
        known = dict(zip(map(id, inputs), given, strict=True))
        made: list[Any] = []  # a tensor that is forgotten would leave its id to another one

        def write(operation: Any, *args: Any, **more: Any) -> Any:
            """Write an operation while Keras calls its copy, which has no weights worth having."""
            made.append(operation(*args, **more))
            layer, flat = layers.get(operation.name, operation), keras.tree.flatten(args)
            if len({len(each.shape) for each in flat if id(each) in known}) > 1:
                raise _refuse(layer, "of inputs with different numbers of dimensions")
            found = self._write(layer, [known.get(id(each), each) for each in flat])
            known.update(zip(map(id, keras.tree.flatten(made[-1])), found, strict=True))
            return made[-1]

        copy = keras.models.clone_model(
            functional,
            input_tensors=keras.tree.pack_sequence_as(functional.input, inputs),
            call_function=write,
        )
        return [known[id(output)] for output in copy.outputs]

    def _write(self, layer: Any, given: list[Any]) -> list[str]:
        if isinstance(layer, keras.Model):
            return self.write_model(layer, given)
        return [self._write_layer(layer, given)]

    def _write_layer(self, layer: Any, given: list[Any]) -> str:
        kind = type(layer).__name__
        self._place = layer.name
        if getattr(layer, "data_format", "channels_last") == "channels_first":
            raise _refuse(layer, "with channels first")
        if kind in _AFTER_TRAINING:
            return str(given[0])
        if kind == "Concatenate":
            return self.add("Concat", *given, axis=layer.axis)
        if kind in _COMBINATIONS:
            result = given[0]
            for other in given[1:]:
                result = self.add(_COMBINATIONS[kind], result, other)
            return self.add("Mul", result, 1 / len(given)) if kind == "Average" else str(result)
        if kind not in _WRITERS:
            raise _refuse(layer)
        return self._activate(layer, _WRITERS[kind](self, layer, given[0]))

    def _activate(self, layer: Any, x: str) -> str:
        function = getattr(layer, "activation", None)
        name = getattr(function, "__name__", type(function).__name__)
        if function is None or name == "linear":
            return x
        if name == "silu":
            return self.add("Mul", x, self.add("Sigmoid", x))
        if name == "relu6":
            return self.add("Clip", x, 0.0, 6.0)
        if name not in _ACTIVATIONS:
            raise _refuse(layer, f"with the activation {name!r}")
        kind, settings = _ACTIVATIONS[name]
        return self.add(kind, x, **settings)

    def scale(self, x: str, *, factor: Any, offset: Any) -> str:
        """Write `x * factor + offset`, by channel or all alike; a convolution takes it in."""
        if x not in self._convolutions:
            return self.add("Add", self.add("Mul", x, factor), offset)
        node = self._convolutions[x]
        kernel, bias = (self.weights[name] for name in node.input[1:])
        factor = np.broadcast_to(np.asarray(factor, np.float32), bias.shape)
        settings = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
        kernel, bias = kernel * factor[:, None, None, None], bias * factor + offset
        made = self.add("Conv", node.input[0], kernel, bias, **settings)
        return self.add("Transpose", made, perm=(0, 2, 3, 1))

    def convolve(self, layer: Any, x: str) -> str:
        """Write a convolution: a plain one, one by depth, or a separable one, which is both."""
        kind, group = type(layer).__name__, getattr(layer, "groups", 1)
        kernel = _read(layer.depthwise_kernel if kind == "SeparableConv2D" else layer.kernel)
        if kind != "Conv2D":
            height, width, group, _ = kernel.shape
            kernel = kernel.reshape(height, width, 1, -1)
        settings = {"strides": layer.strides, "dilations": layer.dilation_rate, "group": group}
        settings |= {"auto_pad": _PADDINGS[layer.padding]}
        bias = 0.0 if layer.bias is None else _read(layer.bias)
        if kind == "SeparableConv2D":
            x = self._convolve(x, kernel, bias=0.0, **settings)
            kernel, settings = _read(layer.pointwise_kernel), {}
        return self._convolve(x, kernel, bias=bias, **settings)

    def _convolve(self, x: str, kernel: Array, *, bias: Any, **settings: Any) -> str:
        kernel = kernel.transpose(3, 2, 0, 1)
        bias = np.broadcast_to(bias, len(kernel))
        return self._add_channels_first("Conv", x, kernel, bias, **settings)

    def connect(self, layer: Any, x: str) -> str:
        """Write a dense layer."""
        x = self.add("MatMul", x, _read(layer.kernel))
        return x if layer.bias is None else self.add("Add", x, _read(layer.bias))

    def pool(self, layer: Any, x: str) -> str:
        """Write a pooling of neighbours."""
        kind = "MaxPool" if type(layer).__name__ == "MaxPooling2D" else "AveragePool"
        settings = {"strides": layer.strides, "auto_pad": _PADDINGS[layer.padding]}
        return self._add_channels_first(kind, x, kernel_shape=layer.pool_size, **settings)

    def pool_all(self, layer: Any, x: str) -> str:
        """Write a pooling over all places."""
        kind = "ReduceMax" if type(layer).__name__ == "GlobalMaxPooling2D" else "ReduceMean"
        return self.add(kind, x, axes=(1, 2), keepdims=int(layer.keepdims))

    def normalize_batch(self, layer: Any, x: str) -> str:
        """Write a batch normalization with the means and variances that training left."""
        if layer.axis not in (-1, 3):
            raise _refuse(layer, f"along axis {layer.axis}")
        deviation = np.sqrt(_read(layer.moving_variance) + layer.epsilon)
        factor = (_read(layer.gamma) if layer.scale else 1.0) / deviation
        offset = _read(layer.beta) if layer.center else 0.0
        return self.scale(x, factor=factor, offset=offset - _read(layer.moving_mean) * factor)

    def normalize(self, layer: Any, x: str) -> str:
        """Write a normalization by what the image, or the place, itself holds."""
        whole = type(layer).__name__ == "GroupNormalization"
        if whole and layer.groups != 1:
            raise _refuse(layer, f"in {layer.groups} groups")
        axes = (1, 2, 3) if whole else np.atleast_1d(layer.axis).tolist()
        away = self.add("Sub", x, self.add("ReduceMean", x, axes=axes))
        variance = self.add("ReduceMean", self.add("Mul", away, away), axes=axes)
        deviation = self.add("Sqrt", self.add("Add", variance, layer.epsilon))
        factor = _read(layer.gamma) if layer.scale else 1.0
        offset = _read(layer.beta) if layer.center else 0.0
        return self.scale(self.add("Div", away, deviation), factor=factor, offset=offset)

    def standardize(self, layer: Any, x: str) -> str:
        """Write a normalization by means and variances that were given or adapted to."""
        mean, deviation = _read(layer.mean).squeeze(), np.sqrt(_read(layer.variance).squeeze())
        factor = 1 / np.maximum(deviation, keras.backend.epsilon())
        return self.scale(x, factor=factor, offset=-mean * factor)

    def pad(self, layer: Any, x: str) -> str:
        """Write a padding with zeros."""
        (top, bottom), (left, right) = layer.padding
        return self.add("Pad", x, np.array([0, top, left, 0, 0, bottom, right, 0]))

    def rectify(self, layer: Any, x: str) -> str:
        """Write a rectifier: plain, leaky or with a largest value."""
        slope, most = layer.negative_slope, getattr(layer, "max_value", None)
        if getattr(layer, "threshold", 0.0) or (slope and most is not None):
            raise _refuse(layer, "with a threshold, or a slope and a largest value")
        if most is not None:
            return self.add("Clip", x, 0.0, float(most))
        return self.add("LeakyRelu", x, alpha=float(slope)) if slope else self.add("Relu", x)


def _read(variable: Any) -> Array:
    return np.asarray(tf.convert_to_tensor(variable).numpy())


def _refuse(layer: Any, how: str = "") -> ModelError:
    known = ", ".join(sorted([*_WRITERS, *_COMBINATIONS, *_AFTER_TRAINING, "Concatenate"]))
    found = f"{type(layer).__name__} {how}".rstrip()
    return ModelError(
        f"Cannot write the layer {layer.name!r} as ONNX. Received: {found}. Replace it, and save "
        f"the model again; known are {known}."
    )


_WRITERS: Final[Mapping[str, Callable[[_Writer, Any, str], str]]] = {
    "Activation": lambda _, layer, x: x,
    "AveragePooling2D": _Writer.pool,
    "BatchNormalization": _Writer.normalize_batch,
    "Conv2D": _Writer.convolve,
    "Dense": _Writer.connect,
    "DepthwiseConv2D": _Writer.convolve,
    "Flatten": lambda writer, layer, x: writer.add("Flatten", x),
    "GlobalAveragePooling2D": _Writer.pool_all,
    "GlobalMaxPooling2D": _Writer.pool_all,
    "GroupNormalization": _Writer.normalize,
    "LayerNormalization": _Writer.normalize,
    "LeakyReLU": _Writer.rectify,
    "MaxPooling2D": _Writer.pool,
    "Normalization": _Writer.standardize,
    "Permute": lambda writer, layer, x: writer.add("Transpose", x, perm=(0, *layer.dims)),
    "ReLU": _Writer.rectify,
    "Rescaling": lambda writer, layer, x: writer.scale(x, factor=layer.scale, offset=layer.offset),
    "Reshape": lambda writer, layer, x: writer.add(
        "Reshape", x, np.array([0, *layer.target_shape])
    ),
    "SeparableConv2D": _Writer.convolve,
    "Softmax": lambda writer, layer, x: writer.add("Softmax", x, axis=-1),
    "ZeroPadding2D": _Writer.pad,
}
"""What writes each kind of layer, up to its own activation."""
