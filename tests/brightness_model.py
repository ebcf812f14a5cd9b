"""A real ONNX model whose answers can be computed by heart, and photos for it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper
from PIL import Image

from gafas.datasets.samples import Sample

METADATA: dict[str, Any] = {
    "schema": 2,
    "labels": ["dark", "bright"],
    "view": "photo",
    "width": 8,
    "height": 6,
    "colour": "grey",
    "threshold": 0.0,
    "recipe": "by hand",
    "recipe_sha256": "0" * 64,
    "parameters": 0,
    "temperature": 1.0,
    "evaluation": None,
    "created_by": "gafas 0.1.0",
    "crop": None,
}


NOTHING_FURTHER: Mapping[str, int] = {}


def measure_brightness() -> tuple[list[onnx.TensorProto], list[onnx.NodeProto]]:
    """Return the constants and the nodes that turn `image` into `bright` and `dark`, `(N, 1)`."""
    constants = [
        helper.make_tensor("white", TensorProto.FLOAT, [], [255.0]),
        helper.make_tensor("one", TensorProto.FLOAT, [], [1.0]),
        helper.make_tensor("axes", TensorProto.INT64, [3], [1, 2, 3]),
        helper.make_tensor("last", TensorProto.INT64, [1], [1]),
    ]
    nodes = [
        helper.make_node("Cast", ["image"], ["values"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["values", "axes"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "white"], ["share"]),
        helper.make_node("Unsqueeze", ["share", "last"], ["bright"]),
        helper.make_node("Sub", ["one", "bright"], ["dark"]),
    ]
    return constants, nodes


def brightness_model(
    shape: Sequence[int | str] = ("N", 6, 8, 1),
    *,
    metadata: Mapping[str, Any] | str | None = METADATA,
    kind: int = TensorProto.UINT8,
    further: Mapping[str, int] = NOTHING_FURTHER,
) -> bytes:
    """Return an ONNX file: mean brightness b of 0–1 → probabilities (1 - b, b).

    `metadata` may be a text, to break it, or None, to leave it out. `further` are more outputs, of
    so many columns, each of which holds 1 - b.
    """
    ends, nodes = measure_brightness()
    nodes.append(helper.make_node("Concat", ["dark", "bright"], ["probabilities"], axis=1))
    image = helper.make_tensor_value_info("image", kind, shape)
    widths = {**further, "probabilities": 2}  # not first: outputs go by their names
    nodes += [helper.make_node("Concat", ["dark"] * k, [n], axis=1) for n, k in further.items()]
    answers = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [shape[0], width])
        for name, width in widths.items()
    ]
    graph = helper.make_graph(nodes, "brightness", [image], answers, initializer=ends)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    if metadata is not None:
        text = metadata if isinstance(metadata, str) else json.dumps(dict(metadata))
        helper.set_model_props(model, {"gafas": text})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def grey_photo(path: Path, brightness: int) -> Path:
    """Write a PNG of one brightness, 0–255."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (32, 30), brightness).save(path, "PNG")
    return path


def grey_sample(path: Path, brightness: int, label: str, **about: Any) -> Sample:
    """Write such a photo and return its sample, named by its file."""
    grey_photo(path, brightness)
    return Sample(path, path.name, label, about.pop("photo", path.stem), **about)
