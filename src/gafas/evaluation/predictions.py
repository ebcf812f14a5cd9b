"""One row per photo: what it is said to show, what the model answers, and how sure it is."""

import concurrent.futures
import dataclasses
import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gafas.classifier import EyewearClassifier
from gafas.data.samples import Sample
from gafas.data.writing import make_csv, write_text
from gafas.errors import ImageError
from gafas.evaluation.conditions import Conditions, measure_conditions
from gafas.images import MAX_BYTES, ImageSource
from gafas.progress import show_progress
from gafas.recognizer import count_cores
from gafas.types import UNSURE
from gafas.views import View, Viewer, measure_eccentricity

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


@dataclasses.dataclass(frozen=True, slots=True)
class _Seen:
    sha256: str = ""
    view: View | None = None
    error: str = ""

    @property
    def answer(self) -> list[float]:
        """The probability of each label; empty where there is an error."""
        return [] if self.error or self.view is None else self.view.probabilities[0].tolist()

    @property
    def conditions(self) -> Conditions | None:
        """How the face was seen; None where there is none, or where it was only declared."""
        if self.view is None or not self.view.faces or not self.view.faces[0].landmarks:
            return None
        return measure_conditions(self.view.faces[0], self.view.patches[0])


def view_nearest(viewer: Viewer, source: ImageSource) -> View:
    """Cut from a photo the one patch that its label speaks of, as in every other door.

    For a model of whole frames it is the squeezed photo; for a model of faces it is the crop of the
    face nearest to the photo's centre, for a label of a photo speaks of one person. Where no face
    is found, the view is empty.

    Raises:
        ImageError: the source is no readable photo.
    """
    view = viewer.view(source)
    size = {"width": view.width, "height": view.height}
    off = [measure_eccentricity(face, **size) for face in view.faces]
    nearest = int(np.argmin(off)) if off else 0
    at = slice(nearest, nearest + 1)
    return View(view.width, view.height, view.faces[at], view.patches[at], view.probabilities[at])


def predict_rows(classifier: EyewearClassifier, samples: Sequence[Sample]) -> Iterator[Row]:
    """Predict sample by sample, in their order; an unreadable photo becomes a row with an error.

    Photos are read in chunks, so that memory does not grow with the folder. Progress is shown on
    stderr.

    Raises:
        ModelError: the model looks at faces but does not say how to crop them.
    """
    viewer = Viewer(classifier)
    chunks = (samples[start : start + _CHUNK] for start in range(0, len(samples), _CHUNK))
    rows = (row for chunk in chunks for row in _predict_chunk(classifier, chunk, viewer=viewer))
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


def _predict_chunk(
    classifier: EyewearClassifier, samples: Sequence[Sample], *, viewer: Viewer
) -> list[Row]:
    with concurrent.futures.ThreadPoolExecutor(count_cores()) as pool:
        views = list(pool.map(functools.partial(_see, viewer), samples))
    rows = []
    for sample, view in zip(samples, views, strict=True):
        probabilities = dict(zip(classifier.labels, view.answer, strict=bool(view.answer)))
        told = (probabilities, classifier.threshold, view.sha256, view.error)
        rows.append(Row(sample, *told, view.conditions))
    return rows


def _see(viewer: Viewer, sample: Sample) -> _Seen:
    try:
        with sample.path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)  # one more than allowed, for load_image to refuse
    except OSError as error:
        # Neither the error's text nor ours may carry the machine's folders into a report.
        return _Seen(error=f"Cannot open the photo: {error.strerror}.")
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        view = view_nearest(viewer, content)
    except ImageError as error:
        return _Seen(sha256, error=str(error))
    return _Seen(sha256, view, "" if view.faces else NO_FACE)


def _names(mappings: Iterable[Mapping[str, object]]) -> list[str]:
    """Return every key once, in order of appearance."""
    return list(dict.fromkeys(key for mapping in mappings for key in mapping))


def describe_model(classifier: EyewearClassifier) -> dict[str, Any]:
    """Return what a report says of a model: hash, labels, input, threshold, recipe, size."""
    width, height = classifier.size
    return {
        "sha256": classifier.sha256,
        "labels": list(classifier.labels),
        "frame": classifier.frame,
        "width": width,
        "height": height,
        "colour": classifier.colour,
        **{key: classifier.metadata.get(key) for key in _MODEL_KEYS},
    }
