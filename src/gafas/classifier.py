"""Crops or squeezed photos → probabilities, by one ONNX file that is the whole model."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gafas.crops import CropGeometry
from gafas.errors import ModelError
from gafas.weights import open_session

METADATA_KEY = "gafas"
"""The key of the ONNX `metadata_props` under which gafas keeps its JSON object."""

METADATA_SCHEMA = 2
"""The layout of that object that this version writes; it reads 1, too."""

_CHANNELS = {"grey": 1, "rgb": 3}
_BATCH = 256  # bounds the memory of one run; larger batches are not faster on a CPU
_SOUND: Final[Mapping[str, Callable[[Any], bool]]] = {
    "labels": lambda value: (
        isinstance(value, list)
        and len({name for name in value if isinstance(name, str) and name}) == len(value) >= 2
    ),
    "view": lambda value: value in ("photo", "face"),
    "width": lambda value: type(value) is int,
    "height": lambda value: type(value) is int,
    "colour": lambda value: value in ("grey", "rgb"),
    "threshold": lambda value: type(value) in (int, float) and 0 <= value <= 1,
}


class EyewearClassifier:
    """Answer with one probability per label for each squeezed photo or crop.

    Everything that must be known is read from the file: labels, size, colour, what the model looks
    at and the threshold under which an answer is `unsure`.

    Args:
        source: a `.onnx` file made by gafas, or its bytes.
        threads: how many threads one prediction may use; 0 lets onnxruntime decide.
        providers: what runs the model, the first choice first: `cpu`, `cuda` and so on, or
            onnxruntime's own names; the processor if left out.

    Raises:
        ModelError: the file is missing, is no ONNX model, was not made by gafas, its metadata
            contradict its graph, or it looks at faces but does not say how to crop them; or a
            provider is not to be had.
    """

    def __init__(
        self,
        source: Path | str | bytes,
        *,
        threads: int = 0,
        providers: Sequence[str] | None = None,
    ) -> None:
        content = source if isinstance(source, bytes) else _read(Path(source))
        self._origin = "bytes" if isinstance(source, bytes) else repr(Path(source).name)
        self._sha256 = hashlib.sha256(content).hexdigest()
        self._session = open_session(
            content, origin=self._origin, threads=threads, providers=providers
        )
        self._metadata = _read_metadata(self._session, origin=self._origin)
        _check_graph(self._session, self._metadata, origin=self._origin)
        looks_at_faces = self._metadata["view"] == "face"
        crop = self._metadata.get("crop")
        self._geometry = CropGeometry.from_dict(crop) if looks_at_faces else None

    def __repr__(self) -> str:
        width, height = self.size
        return f"EyewearClassifier({self._origin}, {'/'.join(self.labels)}, {width}×{height})"

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels, in the order of the probabilities."""
        return tuple(self._metadata["labels"])

    @property
    def view(self) -> str:
        """Return what the model looks at: `photo` (the whole, squeezed) or `face` (a crop)."""
        return str(self._metadata["view"])

    @property
    def size(self) -> tuple[int, int]:
        """Return `(width, height)` of the input, in pixels."""
        return self._metadata["width"], self._metadata["height"]

    @property
    def colour(self) -> str:
        """Return `grey` or `rgb`."""
        return str(self._metadata["colour"])

    @property
    def geometry(self) -> CropGeometry | None:
        """Return how the faces that it looks at are cropped; None for a model of whole photos."""
        return self._geometry

    @property
    def threshold(self) -> float:
        """Return the probability, 0–1, under which the answer is `unsure`; 0 always answers."""
        return float(self._metadata["threshold"])

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Return, read-only, everything that the file says of itself."""
        return MappingProxyType(self._metadata)

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the file's bytes, as 64 hexadecimal digits."""
        return self._sha256

    def predict(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Predict the probability of each label.

        Args:
            batch: `(N, height, width, C)` uint8, 0–255; N may be 0 or as large as memory allows.

        Returns:
            `(N, K)` float32, one column per label in the order of `labels`; rows sum to 1.

        Raises:
            ValueError: the batch has another shape or type.
        """
        shape = (self.size[1], self.size[0], _CHANNELS[self.colour])
        if batch.ndim != 4 or batch.shape[1:] != shape or batch.dtype != np.uint8:
            raise ValueError(
                f"Cannot predict: expected a uint8 batch of shape (N, {', '.join(map(str, shape))})"
                f". Received: {batch.dtype} {batch.shape}. `prepare` makes one image of a batch."
            )
        answers = [np.empty((0, len(self.labels)), np.float32)]
        name = self._session.get_inputs()[0].name
        for start in range(0, len(batch), _BATCH):
            answers += self._session.run(None, {name: batch[start : start + _BATCH]})
        return np.concatenate(answers)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"Cannot read the model: {error.strerror}. Received: {str(path)!r}. "
            "Give the path of a .onnx file that gafas made."
        ) from error


def _read_metadata(session: Any, *, origin: str) -> dict[str, Any]:
    text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if text is None:
        raise ModelError(
            f"The ONNX model was not made by gafas: it carries no {METADATA_KEY!r} metadata. "
            f"Received: {origin}. `gafas export` makes such a file from a Keras model."
        )
    try:
        metadata = json.loads(text)
    except ValueError:
        metadata = None
    if not isinstance(metadata, dict):
        raise _damaged("are not a JSON object", received=repr(text[:40]), origin=origin)
    schema = metadata.get("schema")
    if schema == 1 and "frame" in metadata:  # what a view was called before
        frame = metadata.pop("frame")
        metadata["view"] = "photo" if frame == "frame" else frame
    if schema not in (1, METADATA_SCHEMA):
        raise ModelError(
            f"The model speaks another language than this version of gafas: expected metadata of "
            f"schema {METADATA_SCHEMA} or 1. Received: {origin}, schema {schema!r}. Upgrade "
            "gafas, or export the model again."
        )
    for key, is_sound in _SOUND.items():
        if not is_sound(value := metadata.get(key)):
            raise _damaged(f"lack a sound {key!r}", received=repr(value), origin=origin)
    return metadata


def _check_graph(session: Any, metadata: Mapping[str, Any], *, origin: str) -> None:
    channels = _CHANNELS[metadata["colour"]]
    expected = [
        ("tensor(uint8)", [metadata["height"], metadata["width"], channels]),
        ("tensor(float)", [len(metadata["labels"])]),
    ]
    ports = [*session.get_inputs(), *session.get_outputs()]
    # The first axis is the batch and must be free; a free axis has a name or None.
    found = [(port.type, port.shape[1:]) for port in ports]
    if found != expected or any(isinstance(port.shape[0], int) for port in ports):
        received = [f"{port.type} {port.shape}" for port in ports]
        raise _damaged(
            f"contradict the graph: one uint8 input (N, {metadata['height']}, {metadata['width']}, "
            f"{channels}) and one float output (N, {len(metadata['labels'])}) were promised",
            received="; ".join(received),
            origin=origin,
        )


def _damaged(problem: str, *, received: str, origin: str) -> ModelError:
    return ModelError(
        f"The metadata of the model {origin} {problem}. Received: {received}. "
        "Export the model again with `gafas export`."
    )
