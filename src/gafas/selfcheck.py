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
from gafas.installing import advise_reinstall
from gafas.recognizer import Recognizer
from gafas.weights import FOLDER

PICTURES: Final = FOLDER / "selfcheck"
"""Where the bundled pictures and `answers.json` lie."""

ANSWERS: Final = "answers.json"

_PROBABILITY: Final = 0.02
_BOX: Final = 0.03
"""How far a side of a box may be off, as a share of the longer side."""
_COLOUR: Final = 1.0
"""How far a channel's mean over a picture may be off, of 255; decoders round differently."""

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
    stored = _read_answers(folder)
    _check_weights(stored["model"], recognizer.classifier.sha256)
    for name, expected in stored["pictures"].items():
        yield _check_picture(recognizer, folder / name, expected=expected)


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


def _read_answers(folder: Path) -> dict[str, Any]:
    path = folder / ANSWERS
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(stored["model"], str) and stored["pictures"].items():
            return dict(stored)
        problem = "it names no model or no pictures"
    except OSError as error:
        problem = error.strerror or str(error)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"damaged ({error})"
    raise ModelError(
        f"Cannot read the selfcheck's stored answers: {problem}. Received: '{path}'. "
        f"Install gafas again: {advise_reinstall()}"
    )


def _check_weights(expected: str, received: str) -> None:
    if expected != received:
        raise ModelError(
            "The selfcheck's stored answers were given by another model file: expected SHA-256 "
            f"{expected}. Received: {received}. Install gafas again: "
            f"{advise_reinstall()}; in the sources, run make selfcheck-answers."
        )


def _observe(recognizer: Recognizer, path: Path) -> dict[str, Any]:
    """Return all that is stored of a picture and compared: its bytes, its pixels, its faces.

    Raises:
        ImageError: the picture cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImageError(
            f"Cannot read the picture: {error.strerror or error}. Received: '{path}'. "
            f"Install gafas again: {advise_reinstall()}"
        ) from error
    photo = load_photo(content)
    found = [face.to_dict() for face in recognizer.recognize(content)]
    return {
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": [photo.width, photo.height],
        "colour": [round(float(level), 2) for level in photo.image.mean(axis=(0, 1))],
        "faces": sorted(found, key=lambda face: face["box"][0]),
    }


def _check_picture(recognizer: Recognizer, path: Path, *, expected: Mapping[str, Any]) -> Check:
    try:
        received = _observe(recognizer, path)
    except ImageError as error:
        return Check(path.name, "unreadable", (str(error),))
    problems = tuple(_compare(expected, received))
    return Check(path.name, _summarize(received["faces"]), problems)


def _summarize(faces: Sequence[Mapping[str, Any]]) -> str:
    words = (f"{face['label']} {max(face['probabilities'].values()):.3f}" for face in faces)
    return ", ".join(words) or "no face"


def _compare(expected: Mapping[str, Any], received: Mapping[str, Any]) -> Iterator[str]:
    """Give the first stage that differs, or else every face that does: the rest follows from it."""
    if expected["sha256"] != received["sha256"]:
        yield "the file is not the one that was released: it was altered or cut short"
    elif expected["size"] != received["size"]:
        yield (
            "it is decoded to another size: expected {}×{}. Received: {}×{}. Pillow differs".format(
                *expected["size"], *received["size"]
            )
        )
    elif _distance(expected["colour"], received["colour"]) > _COLOUR:
        yield (
            f"it is decoded to other colours: expected the mean {expected['colour']}. "
            f"Received: {received['colour']}. Pillow differs"
        )
    elif len(expected["faces"]) != len(received["faces"]):
        wanted, found = len(expected["faces"]), len(received["faces"])
        yield f"faces: expected {wanted}. Received: {found}. The face detector differs"
    else:
        for wanted, found in zip(expected["faces"], received["faces"], strict=True):
            yield from _compare_faces(wanted, found)


def _compare_faces(expected: Mapping[str, Any], received: Mapping[str, Any]) -> Iterator[str]:
    x1, y1, x2, y2 = expected["box"]
    reach = _BOX * max(x2 - x1, y2 - y1)
    if _distance(expected["box"], received["box"]) > reach:
        yield f"box: expected {expected['box']}. Received: {received['box']}"
    if expected["label"] != received["label"]:
        yield f"label: expected {expected['label']!r}. Received: {received['label']!r}"
    wanted, found = expected["probabilities"], received["probabilities"]
    if list(wanted) != list(found) or _distance(wanted.values(), found.values()) > _PROBABILITY:
        yield f"probabilities: expected {wanted}. Received: {found}"


def _distance(expected: Iterable[float], received: Iterable[float]) -> float:
    """Return the largest difference between two rows of numbers."""
    return max(abs(one - other) for one, other in zip(expected, received, strict=True))
