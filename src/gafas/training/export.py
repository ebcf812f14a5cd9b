"""From a Keras model to the files that leave a training; nothing leaves without parity."""

import json
import logging
import tempfile
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from gafas.errors import ModelError
from gafas.training.backend import keras, silence, tf

TOLERANCE = 1e-4
"""Largest difference between two formats' probabilities for the same photo."""

Array = NDArray[Any]

_log = logging.getLogger(__name__)


def export_model(
    model: keras.Model, folder: Path, *, metadata: Mapping[str, Any], photos: NDArray[np.uint8]
) -> None:
    """Write model.keras, model.h5, label_encoder.npy, model.onnx and model.tflite.

    All are written aside and moved into the folder together, once the formats agree on the photos.

    Args:
        model: takes pixels 0–255 and gives probabilities.
        folder: where the files go; made if missing.
        metadata: what the model file says of itself (labels, frame, size, colour, threshold …).
        photos: `(N, height, width, channels)`, real ones.

    Raises:
        ModelError: a format differs from Keras by more than `TOLERANCE`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as room:
        aside = Path(room)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras calls H5 legacy; the original's users need it
            model.save(aside / "model.keras")
            model.save(aside / "model.h5")
        np.save(aside / "label_encoder.npy", np.array(metadata["labels"]))
        write_onnx(model, aside / "model.onnx", metadata=metadata)
        _write_litert(model, aside / "model.tflite")
        check_parity(model, aside, photos=photos)
        # model.onnx last: its presence means that the run is whole.
        for name in ("model.keras", "model.h5", "label_encoder.npy", "model.tflite", "model.onnx"):
            (aside / name).replace(folder / name)


def publish_onnx(
    model: keras.Model, target: Path, *, metadata: Mapping[str, Any], photos: NDArray[np.uint8]
) -> None:
    """Write one model file, in place only when it agrees with Keras on the photos.

    Raises:
        ModelError: see `export_model`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=target.parent) as room:
        aside = Path(room)
        write_onnx(model, aside / "model.onnx", metadata=metadata)
        check_parity(model, aside, photos=photos)
        (aside / "model.onnx").replace(target)


def write_onnx(model: keras.Model, path: Path, *, metadata: Mapping[str, Any]) -> None:
    """Write the one-file form: uint8 input, probabilities as output, facts in the metadata."""
    served = _take_bytes(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tf2onnx asks numpy for names that it no longer has
        served.export(path, format="onnx", verbose=False)
    graph = onnx.load(path)
    _rename(graph, graph.graph.input[0].name, new="image")
    _rename(graph, graph.graph.output[0].name, new="probabilities")
    parameters = int(model.count_params())
    facts = {
        "schema": 1,
        "temperature": 1.0,
        "threshold": 0.0,
        "recipe": None,
        "recipe_sha256": None,
        "data": {},
        "evaluation": None,
        "crop": None,
        **metadata,
        "parameters": parameters,
        "created_by": f"gafas {version('gafas')}",
    }
    onnx.helper.set_model_props(graph, {"gafas": json.dumps(facts, sort_keys=True)})
    onnx.checker.check_model(graph)
    onnx.save(graph, path)


def _take_bytes(model: keras.Model) -> keras.Model:
    pixels = keras.Input(model.input_shape[1:], dtype="uint8", name="image")
    served = keras.Model(pixels, model(keras.ops.cast(pixels, "float32")))
    served(np.zeros((1, *model.input_shape[1:]), np.uint8))  # Keras exports what was called once
    return served


def _rename(model: onnx.ModelProto, old: str, *, new: str) -> None:
    graph = model.graph
    for value in [*graph.input, *graph.output]:
        if value.name == old:
            value.name = new
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]


def _write_litert(model: keras.Model, path: Path) -> None:
    with warnings.catch_warnings(), silence():
        warnings.simplefilter("ignore")
        model.export(path, format="litert", verbose=False)


def check_parity(model: keras.Model, folder: Path, *, photos: NDArray[np.uint8]) -> float:
    """Compare the formats in a folder on real photos; return the largest difference found.

    Raises:
        ModelError: it is above `TOLERANCE`.
    """
    expected = model.predict(photos.astype(np.float32), batch_size=256, verbose=0)
    answers = {"model.onnx": _run_onnx(folder / "model.onnx", photos)}
    if (folder / "model.tflite").exists():
        answers["model.tflite"] = _run_litert(folder / "model.tflite", photos)
    for name in ("model.keras", "model.h5"):
        if (folder / name).exists():
            answers[name] = _run_keras(folder / name, photos)
    differences = {name: float(np.abs(got - expected).max()) for name, got in answers.items()}
    for name, difference in differences.items():
        _log.info("Parity of %s with Keras on %d photos: %.1e.", name, len(photos), difference)
        if not difference <= TOLERANCE:
            raise ModelError(
                f"{name} differs from the Keras model by {difference:.1e} on {len(photos)} photos; "
                f"at most {TOLERANCE:.0e} is allowed, so nothing was exported. A layer may not be "
                "convertible: try another one, or newer versions of tf2onnx and TensorFlow."
            )
    return max(differences.values())


def _run_keras(path: Path, photos: NDArray[np.uint8]) -> Array:
    # What was saved is not always what is loaded again, least of all by way of H5.
    model = keras.models.load_model(path, compile=False)
    return np.asarray(model(photos.astype(np.float32), training=False))


def _run_onnx(path: Path, photos: NDArray[np.uint8]) -> Array:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"image": photos})[0])


def _run_litert(path: Path, photos: NDArray[np.uint8]) -> Array:
    with warnings.catch_warnings(), silence():
        warnings.simplefilter("ignore")  # TensorFlow's own note that LiteRT moves house
        interpreter = tf.lite.Interpreter(str(path))
        interpreter.allocate_tensors()
    place, answer = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    rows = []
    for photo in photos:
        interpreter.set_tensor(place["index"], photo[None].astype(np.float32))
        interpreter.invoke()
        rows.append(interpreter.get_tensor(answer["index"])[0].copy())
    return np.stack(rows)
