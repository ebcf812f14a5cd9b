"""A real model of faces with the three labels, and small sets of labelled photos for it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from PIL import Image

from brightness_model import METADATA, measure_brightness
from face_photos import BOX, GEOMETRY, portrait
from gafas.datasets.samples import EYEWEAR_LABELS
from gafas.results import Box, ImageArray
from scenes import Row, make_rooms, write_scenes

SIDE = 64


def eyewear_model(**metadata: Any) -> bytes:
    """Return a model of faces: brightness b of the crop → none b², eyeglasses 2b(1 - b), rest."""
    ends, nodes = measure_brightness()
    ends.append(helper.make_tensor("two", TensorProto.FLOAT, [], [2.0]))
    nodes += [
        helper.make_node("Mul", ["bright", "bright"], ["none"]),
        helper.make_node("Mul", ["bright", "dark"], ["product"]),
        helper.make_node("Mul", ["two", "product"], ["eyeglasses"]),
        helper.make_node("Mul", ["dark", "dark"], ["sunglasses"]),
        helper.make_node("Concat", [*EYEWEAR_LABELS], ["probabilities"], axis=1),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", SIDE, SIDE, 3])
    answer = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 3])
    graph = helper.make_graph(nodes, "eyewear", [image], [answer], initializer=ends)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    shown = {"view": "face", "width": SIDE, "height": SIDE, "colour": "rgb", "crop": GEOMETRY}
    about = {**METADATA, **shown, "labels": list(EYEWEAR_LABELS), "threshold": 0.4, **metadata}
    helper.set_model_props(model, {"gafas": json.dumps(about)})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def scene(number: int, *, exposure: float = 1.0) -> Image.Image:
    """Return the portrait at another place before another ground for every number."""
    ground, place = _furnish(number)
    picture = Image.fromarray(ground).resize((320, 320), Image.Resampling.BICUBIC)
    person = Image.fromarray(portrait()).resize((180, 211), Image.Resampling.LANCZOS)
    picture.paste(person, place)
    return Image.fromarray((np.asarray(picture) * exposure).clip(0, 255).astype(np.uint8))


def find_box(number: int) -> Box:
    """Return where the face of a scene is."""
    left, top = _furnish(number)[1]
    x1, y1, x2, y2 = (value * 180 / 512 for value in BOX)
    return left + x1, top + y1, left + x2, top + y2


def _furnish(number: int) -> tuple[ImageArray, tuple[int, int]]:
    generator = np.random.default_rng(number)
    ground = generator.integers(0, 255, (5, 5, 3), np.uint8)
    left, top = generator.integers(10, 100, 2).tolist()
    return ground, (left, top)


EXPOSURES = {"none": 2.0, "eyeglasses": 1.0, "sunglasses": 0.3, "tinted_ambiguous": 0.6}
"""How bright a face is that the model of brightness says so of."""


def make_sets(folder: Path, sets: Mapping[str, Sequence[str]]) -> Path:
    """Write `<set>/<label>/<file>.png`, a scene each: bright for none, dark for sunglasses."""
    number = 0
    for name, files in sets.items():
        for file in files:
            label = file.split("/")[0]
            path = folder / name / f"{file}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            scene(number, exposure=EXPOSURES[label]).save(path)
            number += 1
    return folder


def make_scenes(folder: Path, faces: Sequence[str]) -> Path:
    """Write the sets of whole photos, and folders for all other sets.

    In `life` each photo has a repository of its own, one face with its label and tags, as in
    "none hat", and in a corner what is no face; `multi` holds nothing.
    """
    make_rooms(folder)
    rows: list[Row] = []
    for at, described in enumerate(faces):
        label, _, tags = described.partition(" ")
        scene(500 + at, exposure=EXPOSURES[label]).save(folder / "life" / f"{at}.png")
        rows.append((f"{at}.png", find_box(500 + at), label, tags))
        rows.append((f"{at}.png", (0, 0, 25, 25), "not_a_face", "hand"))
    sources = {f"{at}.png": (f"owner/{at}", "unknown") for at in range(len(faces))}
    write_scenes(folder, "life", rows=rows, sources=sources)
    return folder
