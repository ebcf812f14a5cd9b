"""One row per photo: what it is said to show, what the model answers, and how sure it is."""

import concurrent.futures
import dataclasses
import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from gafas.classifier import EyewearClassifier
from gafas.crops import squeeze
from gafas.datasets.samples import Sample
from gafas.errors import ImageError
from gafas.files import make_csv, write_text
from gafas.images import MAX_BYTES, ImageSource
from gafas.progress import show_progress
from gafas.recognizer import Recognizer, count_cores, measure_eccentricity
from gafas.results import UNSURE, Face, ImageArray, Prediction

_SIDE: Final = 64  # crops of larger models are shrunk, so that their figures compare

# Edges of the classes: a value belongs to the class whose name stands after the last edge that it
# reaches. Turn and nod: on the CMU photos, straight faces stay within 0.06, profiles within
# 0.27–0.45, and chins held up below 0.41.
_TURN: Final = (0.12, 0.28)
_CLASSES: Final[Mapping[str, tuple[tuple[float, ...], tuple[str, ...]]]] = {
    "face_size": (
        (32, 64, 128, 256),
        ("under 32", "32-63", "64-127", "128-255", "256 or more"),
    ),
    "chin": ((0.4, 0.68), ("up", "level", "down")),
    "light": ((0.3, 0.6), ("dark", "medium", "bright")),
    "sharpness": ((0.1, 0.25), ("blurred", "soft", "sharp")),
}

VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "face_size": _CLASSES["face_size"][1],
    "yaw": ("profile left", "turned left", "frontal", "turned right", "profile right"),
    **{fact: names for fact, (_, names) in _CLASSES.items() if fact != "face_size"},
}
"""Every fact that conditions tell, and its values in the order in which they are shown."""


@dataclasses.dataclass(frozen=True, slots=True)
class Conditions:
    """How a face was seen.

    Attributes:
        face_pixels: the longer side of the face's box, in pixels of the photo.
        turn: how far the tip of the nose lies beside the middle of eyes and mouth, in distances
            from the eyes to the mouth; negative towards the picture's left.
        nod: how far down from the eyes (0) to the mouth (1) the tip of the nose lies.
        brightness: mean of the crop, 0–1.
        sharpness: variance of the grey crop's Laplacian, at 64 pixels, over its own variance, so
            that contrast does not count.
    """

    face_pixels: float
    turn: float
    nod: float
    brightness: float
    sharpness: float

    @property
    def facts(self) -> dict[str, str]:
        """Return the class of each condition, as `VALUES` names them."""
        values = {
            "face_size": self.face_pixels,
            "chin": self.nod,
            "light": self.brightness,
            "sharpness": self.sharpness,
        }
        found = {fact: _classify(fact, value) for fact, value in values.items()}
        return {fact: self._yaw() if fact == "yaw" else found[fact] for fact in VALUES}

    def _yaw(self) -> str:
        side = "left" if self.turn < 0 else "right"
        step = int(np.digitize(abs(self.turn), _TURN))
        return ("frontal", f"turned {side}", f"profile {side}")[step]


def measure_conditions(face: Face, patch: ImageArray) -> Conditions:
    """Measure how a face was seen, from its box, its five landmarks and its crop.

    Args:
        face: with landmarks, in the photo's pixels.
        patch: `(height, width, C)` uint8, grey or RGB: what the classifier was shown.
    """
    turn, nod = _measure_pose(np.array(face.landmarks, np.float64))
    grey = _shrink(patch)
    inner = grey[1:-1, 1:-1]
    sides = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    laplacian = sides - 4 * inner
    # An even crop has no edges at all; a grey level of variance keeps noise from counting as some.
    sharpness = laplacian.var() / max(float(grey.var()), 1.0)
    return Conditions(face.side, turn, nod, float(grey.mean() / 255), float(sharpness))


def _measure_pose(landmarks: npt.NDArray[np.float64]) -> tuple[float, float]:
    left, right, nose, mouth_left, mouth_right = landmarks
    eyes, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    height = float(np.hypot(*(mouth - eyes))) or 1.0
    down = (mouth - eyes) / height
    across = np.array([down[1], -down[0]])  # the picture's right, where the face is upright
    turn = float((nose - (eyes + mouth) / 2) @ across) / height
    return turn, float((nose - eyes) @ down) / height


def _shrink(patch: ImageArray) -> npt.NDArray[np.float64]:
    colour = patch if patch.shape[2] == 3 else np.repeat(patch, 3, axis=2)
    grey = Image.fromarray(squeeze(colour, size=patch.shape[1::-1], colour="grey")[:, :, 0])
    return np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float64)


def _classify(fact: str, value: float) -> str:
    edges, names = _CLASSES[fact]
    return names[int(np.digitize(value, edges))]


NO_FACE = "No face was found in the photo."
"""The error of a photo that can be read, but in which a face model finds nothing to look at."""

_CHUNK = 256  # so many prepared photos are held in memory at once

_MODEL_KEYS = ("threshold", "recipe", "recipe_sha256", "parameters", "temperature")


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One sample and the model's answer to it.

    Attributes:
        sample: the file; its label is the truth, empty where nobody labelled it.
        probabilities: every label of the model, in its order; empty where there is an error.
        threshold: the probability under which the answer is `unsure`.
        sha256: of the file's bytes, in hexadecimal; empty where they could not be read.
        error: why the photo could not be read, or `NO_FACE`; empty for all others.
        conditions: how the face was seen; None where no face was looked for or found.
    """

    sample: Sample
    probabilities: Mapping[str, float]
    threshold: float = 0.0
    sha256: str = ""
    error: str = ""
    conditions: Conditions | None = None

    @property
    def predicted(self) -> str:
        """Return the most probable label; empty where there is an error."""
        return max(self.probabilities, key=self.probabilities.__getitem__, default="")

    @property
    def confidence(self) -> float:
        """Return the probability of the predicted label; 0 where there is an error."""
        return self.probabilities.get(self.predicted, 0.0)

    @property
    def answer(self) -> str:
        """Return the predicted label, or `unsure` where its probability is under the threshold."""
        return self.predicted if self.error or self.confidence >= self.threshold else UNSURE

    @property
    def missed(self) -> bool:
        """Return whether the photo can be read, but a face model found no face in it."""
        return self.error == NO_FACE

    @property
    def right(self) -> bool:
        """Return whether the predicted label is the sample's; `unsure` does not matter here."""
        return self.predicted == self.sample.label


def recognize_nearest(
    recognizer: Recognizer, source: ImageSource
) -> tuple[Prediction, ImageArray] | None:
    """Answer for the one face that a photo's label speaks of; return the answer and its crop.

    A label of a photo speaks of one person: whose face is nearest to the photo's centre. A model of
    whole photos has but one. None where no face is found.

    Raises:
        ImageError: the source is no readable photo.
    """
    found, crops = recognizer.recognize_with_crops(source)
    if not found.faces:
        return None
    size = {"width": found.width or 0, "height": found.height or 0}
    off = [measure_eccentricity(one.face, **size) for one in found]
    nearest = int(np.argmin(off))
    return found[nearest], crops[nearest]


def predict_rows(classifier: EyewearClassifier, samples: Sequence[Sample]) -> Iterator[Row]:
    """Predict sample by sample, in their order; an unreadable photo becomes a row with an error.

    Photos are read in chunks, so that memory does not grow with the folder. Progress is shown on
    stderr.

    Raises:
        ModelError: the model looks at faces but does not say how to crop them.
    """
    recognizer = Recognizer(classifier)
    chunks = (samples[start : start + _CHUNK] for start in range(0, len(samples), _CHUNK))
    rows = (row for chunk in chunks for row in _predict_chunk(recognizer, chunk))
    return show_progress(rows, doing="Predicting", total=len(samples))


def write_predictions(rows: Sequence[Row], path: Path) -> None:
    """Write rows as CSV, whole or not at all.

    The columns are `file,truth,predicted,answer`, one probability per label, `subject,photo`, one
    per fact, one per condition where some face was found, and `error` where some photo could not
    be read. A word that a spreadsheet would take for a formula has an apostrophe before it.

    Raises:
        OSError: the folder cannot be written to; a file that was there is then as it was.
    """
    labels = _names(row.probabilities for row in rows)
    facts = _names(row.sample.facts for row in rows)
    failed = any(row.error for row in rows)
    measured = [field.name for field in dataclasses.fields(Conditions)]
    conditions = measured if any(row.conditions for row in rows) else []
    header = ["file", "truth", "predicted", "answer", *labels, "subject", "photo", *facts]
    table: list[Sequence[object]] = [[*header, *conditions, *["error"] * failed]]
    for row in rows:
        sample = row.sample
        table.append(
            [sample.name, sample.label, row.predicted, row.answer]
            + [round(row.probabilities[x], 6) if x in row.probabilities else "" for x in labels]
            + [sample.subject or "", sample.photo]
            + [sample.facts.get(fact, "") for fact in facts]
            + [_write(row.conditions, name) for name in conditions]
            + [row.error] * failed
        )
    write_text(path, make_csv(table))


def _write(conditions: Conditions | None, name: str) -> float | str:
    return "" if conditions is None else round(float(getattr(conditions, name)), 4)


def _predict_chunk(recognizer: Recognizer, samples: Sequence[Sample]) -> list[Row]:
    with concurrent.futures.ThreadPoolExecutor(count_cores()) as pool:
        return list(pool.map(functools.partial(_predict, recognizer), samples))


def _predict(recognizer: Recognizer, sample: Sample) -> Row:
    threshold = recognizer.threshold
    try:
        with sample.path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)  # one more than allowed, for load_image to refuse
    except OSError as error:
        # Neither the error's text nor ours may carry the machine's folders into a report.
        problem = f"Cannot open the photo: {error.strerror}."
        return Row(sample, {}, threshold, error=problem)
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        nearest = recognize_nearest(recognizer, content)
    except ImageError as error:
        return Row(sample, {}, threshold, sha256, str(error))
    if nearest is None:
        return Row(sample, {}, threshold, sha256, NO_FACE)
    prediction, crop = nearest
    # Without landmarks the face was only declared: a model of whole photos looks for none.
    conditions = measure_conditions(prediction.face, crop) if prediction.landmarks else None
    return Row(sample, prediction.probabilities, threshold, sha256, conditions=conditions)


def _names(mappings: Iterable[Mapping[str, object]]) -> list[str]:
    """Return every key once, in order of appearance."""
    return list(dict.fromkeys(key for mapping in mappings for key in mapping))


def describe_model(classifier: EyewearClassifier) -> dict[str, Any]:
    """Return what a report says of a model: hash, labels, input, threshold, recipe, size."""
    width, height = classifier.size
    return {
        "sha256": classifier.sha256,
        "labels": list(classifier.labels),
        "view": classifier.view,
        "width": width,
        "height": height,
        "colour": classifier.colour,
        **{key: classifier.metadata.get(key) for key in _MODEL_KEYS},
    }
