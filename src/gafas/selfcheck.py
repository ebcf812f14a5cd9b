"""Prove an installation: the bundled pictures must get the answers that were stored with them.

The pictures are drawings, made by `tools/selfcheck_pictures.py`, in several formats. The stored
answers, `answers.json`, were given by the model that ships, so the check says whether this
installation answers as the released one did; how good the model is, the model card says.
"""

import dataclasses
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from gafas.errors import ImageError, ModelError
from gafas.images import load_photo
from gafas.recognizer import Recognizer
from gafas.weights import FOLDER

PICTURES: Final = FOLDER / "selfcheck"
"""Where the bundled pictures and `answers.json` lie."""

ANSWERS: Final = "answers.json"

_PROBABILITY: Final = 0.02
_BOX: Final = 0.03  # how far a side of a box may be off, as a share of the longer side
_COLOUR: Final = 1.0  # how far a channel's mean may be off, of 255; decoders round differently

_PARTS: Final = ("gafas", "onnxruntime", "Pillow", "numpy")


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """What one picture gave.

    Attributes:
        picture: the file's name.
        answer: what was found now, in a few words.
        problems: how it differs from what was stored, a sentence each; empty where it does not.
    """

    picture: str
    answer: str
    problems: tuple[str, ...]


def run_selfcheck(
    recognizer: Recognizer | None = None, *, folder: Path = PICTURES
) -> Iterator[Check]:
    """Recognize every bundled picture and compare with the stored answers, in their order.

    Args:
        recognizer: the one that is checked; one with the model that ships if left out.
        folder: with the pictures and the answers.

    Raises:
        ModelError: the answers are missing, damaged or of another model, or no model is bundled.
    """
    recognizer = Recognizer() if recognizer is None else recognizer
    for name, expected in _read_answers(folder, model=recognizer.classifier.sha256).items():
        try:
            received = _observe(recognizer, folder / name)
        except ImageError as error:
            yield Check(name, "unreadable", (str(error),))
            continue
        faces = received["faces"]
        words = (f"{face['label']} {max(face['probabilities'].values()):.3f}" for face in faces)
        yield Check(name, ", ".join(words) or "no face", tuple(_compare(expected, received)))


def describe_answers(recognizer: Recognizer, folder: Path, *, names: Sequence[str]) -> str:
    """Return the text of `answers.json` for a model and the named pictures of a folder."""
    pictures = {name: _observe(recognizer, folder / name) for name in names}
    answers = {"model": recognizer.classifier.sha256, "pictures": pictures}
    return json.dumps(answers, indent=1, ensure_ascii=False) + "\n"


def list_versions() -> dict[str, str]:
    """Return the versions of all that an answer depends on, by name.

    >>> list(list_versions())
    ['gafas', 'onnxruntime', 'Pillow', 'numpy', 'Python']
    """
    versions = {part: importlib.metadata.version(part) for part in _PARTS}
    return {**versions, "Python": platform.python_version()}


def _read_answers(folder: Path, *, model: str) -> dict[str, Any]:
    path = folder / ANSWERS
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        expected, pictures = stored["model"], dict(stored["pictures"])
        if not pictures:
            raise ValueError("they name no picture")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"Cannot read the selfcheck's stored answers: {error!r}. Received: '{path}'. Install "
            "gafas again."
        ) from error
    if expected != model:
        raise ModelError(
            "The selfcheck's stored answers were given by another model file: expected SHA-256 "
            f"{expected}. Received: {model}. Install gafas again; in the sources, run "
            "make selfcheck-answers."
        )
    return pictures


def _observe(recognizer: Recognizer, path: Path) -> dict[str, Any]:
    """Return all that is stored of a picture and compared: its bytes, its pixels, its faces.

    Raises:
        ImageError: the picture cannot be read.
    """
    photo = load_photo(path)
    content = path.read_bytes()
    return {
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": [photo.width, photo.height],
        "colour": [round(float(level), 2) for level in photo.image.mean(axis=(0, 1))],
        "faces": sorted(recognizer.recognize(content).to_dict()["faces"], key=lambda x: x["box"]),
    }


def _compare(expected: Mapping[str, Any], received: Mapping[str, Any]) -> Iterator[str]:
    """Give the first stage that differs, or else every face that does: the rest follows from it."""
    wanted, found = expected["faces"], received["faces"]
    if expected["sha256"] != received["sha256"]:
        yield "the file is not the one that was released: it was altered or cut short"
    elif expected["size"] != received["size"]:
        sizes = "expected {}×{}. Received: {}×{}".format(*expected["size"], *received["size"])
        yield f"it is decoded to another size: {sizes}. Pillow differs"
    elif _distance(expected["colour"], received["colour"]) > _COLOUR:
        yield (
            f"it is decoded to other colours: expected the mean {expected['colour']}. "
            f"Received: {received['colour']}. Pillow differs"
        )
    elif len(wanted) != len(found):
        counts = f"expected {len(wanted)}. Received: {len(found)}"
        yield f"faces: {counts}. The face detector differs"
    else:
        for one, other in zip(wanted, found, strict=True):
            yield from _compare_faces(one, other)


def _compare_faces(expected: Mapping[str, Any], received: Mapping[str, Any]) -> Iterator[str]:
    x1, y1, x2, y2 = expected["box"]
    if _distance(expected["box"], received["box"]) > _BOX * max(x2 - x1, y2 - y1):
        yield f"box: expected {expected['box']}. Received: {received['box']}"
    if expected["label"] != received["label"]:
        yield f"label: expected {expected['label']!r}. Received: {received['label']!r}"
    wanted, found = expected["probabilities"], received["probabilities"]
    if list(wanted) != list(found) or _distance(wanted.values(), found.values()) > _PROBABILITY:
        yield f"probabilities: expected {wanted}. Received: {found}"


def _distance(expected: Iterable[float], received: Iterable[float]) -> float:
    """Return the largest difference between two rows of numbers."""
    return max(abs(one - other) for one, other in zip(expected, received, strict=True))
