"""One row per photo: what it is said to show, what the model answers, and how sure it is."""

import concurrent.futures
import dataclasses
import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from gafas.classifier import EyewearClassifier
from gafas.crops import measure_pose
from gafas.datasets.samples import TINTED, Sample, relabel
from gafas.detection.candidates import SAME, measure_overlap
from gafas.errors import ImageError
from gafas.files import make_csv, write_text
from gafas.images import MAX_BYTES, ImageSource
from gafas.labels import UNSURE
from gafas.progress import show_progress
from gafas.recognizer import Recognizer, count_cores, find_central
from gafas.results import Box, Face, ImageArray, Prediction

_SIDE: Final = 64  # crops of larger models are shrunk, so that their figures compare

# Edges of the classes: a value belongs to the class whose name stands after the last edge that it
# reaches. Turn and nod: on the CMU photos, straight faces stay within 0.06, profiles within
# 0.27–0.45, and chins held up below 0.41.
_TURN: Final = (0.12, 0.28)
_EDGES: Final[Mapping[str, tuple[float, ...]]] = {
    "face_size": (32, 64, 128, 256),
    "chin": (0.4, 0.68),
    "light": (0.3, 0.6),
    "sharpness": (0.1, 0.25),
}

QUALITY_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "face_size": ("under 32", "32-63", "64-127", "128-255", "256 or more"),
    "yaw": ("profile left", "turned left", "frontal", "turned right", "profile right"),
    "chin": ("up", "level", "down"),
    "light": ("dark", "medium", "bright"),
    "sharpness": ("blurred", "soft", "sharp"),
}
"""Every fact that `FaceQuality` tells, and its values in the order in which they are shown."""

NO_FACE: Final = "No face was found in the photo."
"""The error of a photo that can be read, but in which a face model finds nothing to look at, or
nothing where the face lies that is spoken of."""

_CHUNK: Final = 256  # so many photos at most still have to be done where Ctrl-C ends it


@dataclasses.dataclass(frozen=True, slots=True)
class FaceQuality:
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
        """Return the class of each measure, as `QUALITY_VALUES` names them."""
        side, away = ("left" if self.turn < 0 else "right"), np.digitize(abs(self.turn), _TURN)
        return {
            "face_size": _classify("face_size", self.face_pixels),
            "yaw": ("frontal", f"turned {side}", f"profile {side}")[int(away)],
            "chin": _classify("chin", self.nod),
            "light": _classify("light", self.brightness),
            "sharpness": _classify("sharpness", self.sharpness),
        }


def _classify(fact: str, value: float) -> str:
    return QUALITY_VALUES[fact][int(np.digitize(value, _EDGES[fact]))]


def measure_quality(face: Face, patch: ImageArray) -> FaceQuality:
    """Measure how a face was seen, from its box, its five landmarks and its crop.

    Args:
        face: with landmarks, in the photo's pixels.
        patch: `(height, width, C)` uint8, grey or RGB: what the classifier was shown.
    """
    turn, nod = measure_pose(face)
    grey = _shrink(patch)
    inner = grey[1:-1, 1:-1]
    sides = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    laplacian = sides - 4 * inner
    # An even crop has no edges at all; a grey level of variance keeps noise from counting as some.
    sharpness = laplacian.var() / max(float(grey.var()), 1.0)
    return FaceQuality(face.side, turn, nod, float(grey.mean() / 255), float(sharpness))


def _shrink(patch: ImageArray) -> npt.NDArray[np.float64]:
    grey = Image.fromarray(patch if patch.shape[2] == 3 else patch[:, :, 0]).convert("L")
    return np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float64)


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One sample and the model's answer to it.

    Attributes:
        sample: the file; its label is the truth.
        probabilities: every label of the model, in its order; empty where there is an error.
        threshold: the probability under which the answer is `unsure`.
        sha256: of the file's bytes, in hexadecimal; empty where they could not be read.
        error: why the photo could not be read, or `NO_FACE`; empty for all others.
        quality: how the face was seen; None where no face was looked for or found.
        faces: how many faces were found in the photo.
    """

    sample: Sample
    probabilities: Mapping[str, float]
    threshold: float = 0.0
    sha256: str = ""
    error: str = ""
    quality: FaceQuality | None = None
    faces: int = 0

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


class Nearest(NamedTuple):
    """The answer to one face, its crop, and how many faces were found in the photo."""

    prediction: Prediction
    crop: ImageArray
    faces: int


def recognize_nearest(
    recognizer: Recognizer, source: ImageSource, *, box: Box | None = None
) -> Nearest | None:
    """Answer for the one face that a label speaks of.

    That is the face that overlaps the `box` most, in pixels of the photo. Without one the label
    speaks of the person whose face is nearest to the photo's centre. A model of whole photos has
    but one. None where no face is found, or none in this place.

    Raises:
        ImageError: the source is no readable photo.
    """
    found, crops = recognizer.recognize_with_crops(source)
    if not found.faces:
        return None
    faces = [one.face for one in found]
    if box is None:
        chosen = find_central(faces, width=found.width or 0, height=found.height or 0)
    else:
        shared = [measure_overlap(face.box, box) for face in faces]
        chosen = int(np.argmax(shared))
        if shared[chosen] <= SAME:
            return None
    return Nearest(found[chosen], crops[chosen], len(faces))


def predict_rows(classifier: EyewearClassifier, samples: Sequence[Sample]) -> tuple[Row, ...]:
    """Predict samples, in their order, with their labels brought to the model's but for `TINTED`.

    Raises:
        DataError: a sample bears a label that the model cannot say.
        ModelError: the model looks at faces but does not say how to crop them.
    """
    spoken = [s if s.label == TINTED else relabel([s], classifier.labels)[0] for s in samples]
    return predict_photos(classifier, spoken)


def predict_photos(classifier: EyewearClassifier, samples: Sequence[Sample]) -> tuple[Row, ...]:
    """Predict samples, in their order, whatever their labels.

    An unreadable photo becomes a row with an error. Photos are read in chunks, so that memory does
    not grow with the folder. Progress is shown on stderr.

    Raises:
        ModelError: the model looks at faces but does not say how to crop them.
    """
    chunks = (samples[start : start + _CHUNK] for start in range(0, len(samples), _CHUNK))
    predict = functools.partial(_predict, Recognizer(classifier))
    with concurrent.futures.ThreadPoolExecutor(count_cores()) as pool:
        rows = (row for chunk in chunks for row in pool.map(predict, chunk))
        return tuple(show_progress(rows, doing="Predicting", total=len(samples)))


def _predict(recognizer: Recognizer, sample: Sample) -> Row:
    row = Row(sample, {}, recognizer.threshold)
    try:
        with sample.path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)  # one more than allowed, for load_image to refuse
    except OSError as error:
        # Neither the error's text nor ours may carry the machine's folders into a report.
        return dataclasses.replace(row, error=f"Cannot open the photo: {error.strerror}.")
    row = dataclasses.replace(row, sha256=hashlib.sha256(content).hexdigest())
    try:
        nearest = recognize_nearest(recognizer, content, box=sample.box)
    except ImageError as error:
        return dataclasses.replace(row, error=str(error))
    if nearest is None:
        return dataclasses.replace(row, error=NO_FACE)
    prediction, crop, faces = nearest
    # Without landmarks the face was only declared: a model of whole photos looks for none.
    quality = measure_quality(prediction.face, crop) if prediction.landmarks else None
    found = prediction.probabilities
    return dataclasses.replace(row, probabilities=found, quality=quality, faces=faces)


def write_predictions(rows: Sequence[Row], path: Path) -> None:
    """Write rows as CSV, whole or not at all.

    The columns are `file,truth,predicted,answer`, one probability per label, `subject,photo`, one
    per fact, one per measure of `FaceQuality` where some face was found, and `error` where some
    photo could not be read. A word that a spreadsheet would take for a formula has an apostrophe
    before it.

    Raises:
        OSError: the folder cannot be written to; a file that was there is then as it was.
    """
    labels = _names(row.probabilities for row in rows)
    facts = _names(row.sample.facts for row in rows)
    errors = ["error"] * any(row.error for row in rows)
    fields = [field.name for field in dataclasses.fields(FaceQuality)]
    measures = fields if any(row.quality for row in rows) else []
    header = ["file", "truth", "predicted", "answer", *labels, "subject", "photo", *facts]
    table: list[Sequence[object]] = [[*header, *measures, *errors]]
    for row in rows:
        sample, quality = row.sample, row.quality
        table.append(
            [sample.name, sample.label, row.predicted, row.answer]
            + [round(row.probabilities[x], 6) if x in row.probabilities else "" for x in labels]
            + [sample.subject or "", sample.photo]
            + [sample.facts.get(fact, "") for fact in facts]
            + [round(float(getattr(quality, x)), 4) if quality else "" for x in measures]
            + [row.error for _ in errors]
        )
    write_text(path, make_csv(table))


def _names(mappings: Iterable[Mapping[str, object]]) -> list[str]:
    """Return every key once, in order of appearance."""
    return list(dict.fromkeys(key for mapping in mappings for key in mapping))
