"""A Keras model as a gafas model file and in other formats, refused where these disagree."""

import json
import logging
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from gafas.classifier import METADATA_KEY, METADATA_SCHEMA
from gafas.crops import squeeze
from gafas.errors import ModelError
from gafas.images import load_image
from gafas.selfcheck import PICTURES
from gafas.training.backend import keras, silence, tf
from gafas.training.onnx_graph import make_onnx

TOLERANCE = 1e-4
"""Largest difference between two formats' answers for the same photo: of probabilities, and of
features as a share of the largest, where that is above 1."""

Array = NDArray[Any]

_log = logging.getLogger(__name__)


def export_model(
    model: keras.Model, folder: Path, *, metadata: Mapping[str, Any], photos: NDArray[np.uint8]
) -> None:
    """Write model.keras, model.h5, label_encoder.npy, model.onnx and model.tflite.

    All are written aside and moved into the folder together, once the formats agree on the photos.
    Only model.onnx has what the network gives besides probabilities.

    Args:
        model: takes pixels 0–255 and gives probabilities, and maybe more.
        folder: where the files go; made if missing.
        metadata: what the model file says of itself (labels, view, size, colour, threshold …).
        photos: `(N, height, width, channels)`, real ones.

    Raises:
        ModelError: a format differs from Keras by more than `TOLERANCE`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plain = keras.Model(model.input, model.outputs[0])
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as room:
        aside = Path(room)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras calls H5 legacy; the original's users need it
            plain.save(aside / "model.keras")
            plain.save(aside / "model.h5")
        np.save(aside / "label_encoder.npy", np.array(metadata["labels"]))
        write_onnx(model, aside / "model.onnx", metadata=metadata)
        _write_litert(plain, aside / "model.tflite")
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
    graph = make_onnx(model)
    facts = {
        "schema": METADATA_SCHEMA,
        "temperature": 1.0,
        "threshold": 0.0,
        "recipe": None,
        "recipe_sha256": None,
        "data": {},
        "evaluation": None,
        "crop": None,
        **metadata,
        "parameters": int(model.count_params()),
        "created_by": f"gafas {version('gafas')}",
    }
    onnx.helper.set_model_props(graph, {METADATA_KEY: json.dumps(facts, sort_keys=True)})
    onnx.save(graph, path)


def _write_litert(model: keras.Model, path: Path) -> None:
    with warnings.catch_warnings(), silence():
        warnings.simplefilter("ignore")
        model.export(path, format="litert", verbose=False)


def check_parity(model: keras.Model, folder: Path, *, photos: NDArray[np.uint8]) -> float:
    """Compare the formats in a folder on real photos; return the largest difference found.

    Raises:
        ModelError: it is above `TOLERANCE`.
    """
    found = model.predict(photos.astype(np.float32), batch_size=256, verbose=0)
    expected = found if isinstance(found, list) else [found]
    runners = {"model.onnx": _run_onnx, "model.tflite": _run_litert}
    runners |= {"model.keras": _run_keras, "model.h5": _run_keras}
    differences = {
        name: _differ(
            run(folder / name, photos), expected if name == "model.onnx" else expected[:1]
        )
        for name, run in runners.items()
        if (folder / name).exists()
    }
    for name, difference in differences.items():
        _log.info("Parity of %s with Keras on %d photos: %.1e.", name, len(photos), difference)
        if not difference <= TOLERANCE:
            raise ModelError(
                f"{name} differs from the Keras model by {difference:.1e} on {len(photos)} photos; "
                f"at most {TOLERANCE:.0e} is allowed, so nothing was exported. A layer may not be "
                "convertible: try another one, or a newer version of TensorFlow."
            )
    return max(differences.values())


def _differ(found: list[Array], expected: list[Array]) -> float:
    pairs = zip(found, expected, strict=True)
    return max(float(np.abs(a - b).max() / max(1.0, np.abs(b).max())) for a, b in pairs)


def _run_keras(path: Path, photos: NDArray[np.uint8]) -> list[Array]:
    # What was saved is not always what is loaded again, least of all by way of H5.
    model = keras.models.load_model(path, compile=False)
    return [np.asarray(model(photos.astype(np.float32), training=False))]


def _run_onnx(path: Path, photos: NDArray[np.uint8]) -> list[Array]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return [np.asarray(answer) for answer in session.run(None, {"image": photos})]


def _run_litert(path: Path, photos: NDArray[np.uint8]) -> list[Array]:
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
    return [np.stack(rows)]


_COLOURS = {1: "grey", 3: "rgb"}

_PARITY_PHOTOS = 32

# What Keras, zipfile and h5py are known to raise on files that are foreign or damaged.
_BROKEN = (
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


def export_foreign(source: Path, target: Path, *, labels: Path) -> Path:
    """Turn a `.keras` or `.h5` classifier and its label encoder into a gafas model file.

    The model must take whole photos, `(N, height, width, 1 or 3)` with pixels 0–255, and give one
    probability per label; a single sigmoid unit counts as the second of two labels.

    Args:
        source: the Keras model; it may not ask for code execution.
        target: the `.onnx` file to write; an existing one is replaced when all went well.
        labels: `label_encoder.npy`, the classes in the order of the model's outputs.

    Raises:
        ModelError: a file is missing, unsafe or foreign, the two do not fit each other, or the
            exported file does not answer as the Keras model does.
    """
    names = read_labels(labels)
    model = _with_all_labels(load_keras(source), names)
    height, width, channels = _check_input(model)
    metadata = {
        "labels": names,
        "view": "photo",
        "width": width,
        "height": height,
        "colour": _COLOURS[channels],
        "recipe": source.stem,
    }
    photos = _make_photos((width, height), _COLOURS[channels])
    _check_output(model, photos, names=names)
    publish_onnx(model, target, metadata=metadata, photos=photos)
    return target


def load_keras(path: Path) -> keras.Model:
    """Load a `.keras` or `.h5` model without letting it run code.

    Raises:
        ModelError: the file is missing, is no Keras model, or asks for code execution.
    """
    if not path.is_file():
        raise ModelError(f"There is no model at {str(path)!r}. Check the path.")
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except _BROKEN as error:
        first = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error)
        if "unsafe" in str(error) or "safe_mode" in str(error) or "Lambda" in str(error):
            raise ModelError(
                f"{path.name!r} holds code (a Lambda layer or the like), which gafas never runs. "
                "Replace that layer by a built-in one, and save the model again."
            ) from error
        raise ModelError(
            f"{path.name!r} is not a Keras model that can be loaded: expected a .keras or .h5 "
            f"file. Keras says: {first}"
        ) from error


def read_labels(path: Path) -> list[str]:
    """Read `label_encoder.npy`: one word per output of the model, in order.

    Raises:
        ModelError: the file is missing, a pickle, or holds anything but words.
    """
    try:
        names = np.load(path, allow_pickle=False)
    except OSError as error:
        raise ModelError(f"Cannot read the labels {str(path)!r}: {error.strerror}.") from error
    except (ValueError, EOFError) as error:
        raise ModelError(
            f"{path.name!r} is not a plain NumPy file of words; pickles are never opened, because "
            "they can run code. Save it again: np.save(file, np.array(classes, dtype=str))."
        ) from error
    if not isinstance(names, np.ndarray) or names.ndim != 1 or names.dtype.kind != "U":
        found = getattr(names, "dtype", type(names).__name__)
        raise ModelError(f"{path.name!r} should hold a list of words. Received: {found}.")
    if len(set(names)) != len(names) or len(names) < 2 or not all(names):
        raise ModelError(
            f"{path.name!r} should hold two or more words, all different. Received: "
            f"{', '.join(map(repr, names.tolist()))}."
        )
    return [str(name) for name in names]


def _with_all_labels(model: keras.Model, names: list[str]) -> keras.Model:
    shapes = model.output_shape
    if isinstance(shapes, tuple) and shapes == (None, 1) and len(names) == 2:
        second = model.outputs[0]
        both = keras.layers.Concatenate()([1.0 - second, second])
        return keras.Model(model.inputs, both)
    if shapes != (None, len(names)):
        raise ModelError(
            f"The labels do not fit the model: {len(names)} labels ({', '.join(names)}), but the "
            f"model's output has the shape {shapes}. Give the label_encoder.npy saved with it."
        )
    return model


def _check_input(model: keras.Model) -> tuple[int, int, int]:
    match model.input_shape:
        case (None, int(height), int(width), 1 | 3 as channels):
            return height, width, channels
    raise ModelError(
        "The model's input should be one photo of a fixed size, (None, height, width, 1 or 3). "
        f"Received: {model.input_shape}."
    )


def _check_output(model: keras.Model, photos: NDArray[np.uint8], *, names: list[str]) -> None:
    answers = model.predict(photos.astype(np.float32), verbose=0)
    # Written so that a value that is not a number fails too.
    if not (answers.min() >= -1e-4 and np.abs(answers.sum(axis=1) - 1).max() <= 1e-3):
        raise ModelError(
            "The model's outputs are no probabilities (not between 0 and 1, or not summing to 1): "
            f"received {dict(zip(names, answers[0].round(3).tolist(), strict=True))} for a photo. "
            "End the model with a softmax."
        )


def _make_photos(size: tuple[int, int], colour: str) -> NDArray[np.uint8]:
    """Cut many different photos out of a picture that every installation has."""
    image = load_image(PICTURES / "two.jpg")
    height, width = image.shape[:2]
    generator = np.random.default_rng(0)
    photos = []
    for share in generator.uniform(0.2, 1.0, _PARITY_PHOTOS):
        tall, wide = int(height * share), int(width * share)
        top = int(generator.integers(0, height - tall + 1))
        left = int(generator.integers(0, width - wide + 1))
        part = image[top : top + tall, left : left + wide]
        photos.append(squeeze(part, size=size, colour=colour))
    return np.stack(photos)
