"""Crops or squeezed photos → probabilities, by one ONNX file that is the whole model."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gafas.crops import CropGeometry
from gafas.errors import ModelError
from gafas.weights import open_session, read_model

METADATA_KEY = "gafas"
"""The key of the ONNX `metadata_props` under which gafas keeps its JSON object."""

METADATA_SCHEMA = 2
"""The layout of that object that this version writes; it reads 1, too."""

_CHANNELS = {"grey": 1, "rgb": 3}
_BATCH = 32  # bounds the memory of one run; larger batches are not faster on a CPU
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
_FURTHER: Final = ("not_a_face", "features")  # outputs that a file may have or not
_LEAST_ODDS: Final = 1e-6  # of a probability and of its complement: no logit is endless


class Look(NamedTuple):
    """What the model says of a batch.

    Attributes:
        probabilities: `(N, K)` float32, one column per label; rows sum to 1.
        not_a_face: `(N,)` float32, the probability that the crop shows no face, from the crop
            alone; None where the model does not say.
        features: `(N, F)` float32, what the last layer is told; None where the model keeps it.
    """

    probabilities: NDArray[np.float32]
    not_a_face: NDArray[np.float32] | None = None
    features: NDArray[np.float32] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class FaceCheck:
    """How sure two networks together are that something is a face.

    The log-odds that it is one are `offset`, plus `detector` times those of the detector's
    confidence, less `not_a_face` times those of the classifier's `not_a_face`: a logistic
    regression, and so calibrated where it was fitted.

    Attributes:
        least: candidates of less confidence, by the detector alone, are not looked at.
        detector: the weight of the detector's log-odds, 0 or more.
        not_a_face: the weight of the classifier's, 0 or more.
        offset: the log-odds where both are at one half.
        cut: what is a face with less probability than this, by both, is dropped.
    """

    least: float
    detector: float
    not_a_face: float
    offset: float
    cut: float

    @classmethod
    def from_dict(cls, stored: object) -> Self:
        """Read what `dataclasses.asdict` wrote into a model file.

        Raises:
            ModelError: an entry is missing, unknown or no finite number, `least` or `cut` is
                outside 0–1, or a weight is negative.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        found = stored if isinstance(stored, dict) else {}
        numbers = set(found) == names and all(
            type(value) in (int, float) and math.isfinite(value) for value in found.values()
        )
        if not numbers or not (
            0 <= found["least"] <= 1
            and 0 <= found["cut"] <= 1
            and min(found["detector"], found["not_a_face"]) >= 0
        ):
            raise ModelError(
                "The model does not say how it tells a face from what is none: expected the "
                f"numbers {', '.join(sorted(names))}, probabilities least and cut, no weight "
                f"below 0. Received: face_check {stored!r}. Use a model exported by this version "
                "of gafas."
            )
        return cls(**{name: float(value) for name, value in found.items()})

    def calibrate(self, confidences: ArrayLike, not_a_face: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each candidate, 0–1, that it is a face.

        Args:
            confidences: `(N,)`, the detector's.
            not_a_face: `(N,)`, the classifier's.

        >>> check = FaceCheck(least=0.1, detector=1, not_a_face=1, offset=0, cut=0.5)
        >>> check.calibrate([0.5, 0.9], [0.1, 0.5]).round(3).tolist()
        [0.9, 0.9]
        """
        logits = (
            self.offset
            + self.detector * find_log_odds(confidences)
            - self.not_a_face * find_log_odds(not_a_face)
        )
        return np.asarray(np.exp(-np.logaddexp(0, -logits)))


def find_log_odds(probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return log-odds, finite ones where a network of float32 is certain."""
    clipped = np.clip(np.asarray(probabilities, np.float64), _LEAST_ODDS, 1 - _LEAST_ODDS)
    return np.asarray(np.log(clipped / (1 - clipped)))


class EyewearClassifier:
    """Answer with one probability per label for each squeezed photo or crop.

    Everything that must be known is read from the file: labels, size, colour, what the model looks
    at, the threshold under which an answer is `unsure`, and how a face is told from what is none.

    Args:
        source: a `.onnx` file made by gafas, its bytes, or the name of a bundled model.
        threads: how many threads one prediction may use; 0 lets onnxruntime decide.
        providers: what runs the model, the first choice first: `cpu`, `cuda` and so on, or
            onnxruntime's own names; the processor if left out.

    Raises:
        ModelError: the file is missing, is no ONNX model, was not made by gafas, its metadata
            contradict its graph, it looks at faces but does not say how to crop them, or it has a
            `face_check` that is unsound or lacks its output; or a provider is not to be had.
    """

    def __init__(
        self,
        source: Path | str | bytes,
        *,
        threads: int = 0,
        providers: Sequence[str] | None = None,
    ) -> None:
        content = source if isinstance(source, bytes) else read_model(source)
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
        # What the file calls its probabilities does not matter.
        self._outputs = {
            port.name if port.name in _FURTHER else "probabilities": port
            for port in self._session.get_outputs()
        }
        self._face_check = self._read_face_check()

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
    def face_check(self) -> FaceCheck | None:
        """Return how faces are told from what is none; None where the detector's word is taken."""
        return self._face_check

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
        return self.look(batch).probabilities

    def look(self, batch: NDArray[np.uint8]) -> Look:
        """Return all that the model says of a batch, as `predict` takes it, in one run.

        Raises:
            ValueError: the batch has another shape or type.
        """
        shape = (self.size[1], self.size[0], _CHANNELS[self.colour])
        if batch.ndim != 4 or batch.shape[1:] != shape or batch.dtype != np.uint8:
            raise ValueError(
                f"Cannot predict: expected a uint8 batch of shape (N, {', '.join(map(str, shape))})"
                f". Received: {batch.dtype} {batch.shape}. `prepare` makes one image of a batch."
            )
        ports, name = self._outputs.values(), self._session.get_inputs()[0].name
        runs = [[np.empty((0, port.shape[1]), np.float32) for port in ports]]
        for start in range(0, len(batch), _BATCH):
            part = {name: batch[start : start + _BATCH]}
            runs.append(self._session.run([port.name for port in ports], part))
        joined = map(np.concatenate, zip(*runs, strict=True))
        found = dict(zip(self._outputs, joined, strict=True))
        doubt = found.pop("not_a_face", None)
        return Look(**found, not_a_face=None if doubt is None else doubt[:, 0])

    def _read_face_check(self) -> FaceCheck | None:
        stored = self._metadata.get("face_check")
        if stored is None:
            return None
        if self._geometry is None or "not_a_face" not in self._outputs:
            raise _damaged(
                "promise a 'face_check', for which a model of faces needs the output not_a_face",
                received=", ".join(port.name for port in self._outputs.values()),
                origin=self._origin,
            )
        return FaceCheck.from_dict(stored)


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
    outputs = session.get_outputs()
    further = [port for port in outputs if port.name in _FURTHER]
    ports = [*session.get_inputs(), *(p for p in outputs if p not in further), *further]
    expected = [
        ("tensor(uint8)", [metadata["height"], metadata["width"], channels]),
        ("tensor(float)", [len(metadata["labels"])]),
    ]
    for port in further:  # there may be any number of features, but it must be known
        known = port.shape[1:2] if port.name == "features" else [1]
        expected.append(("tensor(float)", [size for size in known if isinstance(size, int)]))
    # The first axis is the batch and must be free; a free axis has a name or None.
    found = [(port.type, port.shape[1:]) for port in ports]
    if found != expected or any(isinstance(port.shape[0], int) for port in ports):
        received = [f"{port.type} {port.shape}" for port in ports]
        raise _damaged(
            f"contradict the graph: one uint8 input (N, {metadata['height']}, {metadata['width']}, "
            f"{channels}) and one float output (N, {len(metadata['labels'])}) were promised; "
            "beside it there may be not_a_face (N, 1) and features (N, F)",
            received="; ".join(received),
            origin=origin,
        )


def _damaged(problem: str, *, received: str, origin: str) -> ModelError:
    return ModelError(
        f"The metadata of the model {origin} {problem}. Received: {received}. "
        "Export the model again with `gafas export`."
    )
