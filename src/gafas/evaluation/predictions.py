"""One row per photo: what it is said to show, what the model answers, and how sure it is."""

import csv
import dataclasses
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import rich.console
import rich.progress

from gafas.classifier import EyewearClassifier
from gafas.data.samples import Sample
from gafas.data.writing import write_text
from gafas.errors import ImageError
from gafas.images import MAX_BYTES
from gafas.types import UNSURE, ImageArray
from gafas.views import Viewer, measure_eccentricity

NO_FACE = "No face was found in the photo."
"""The error of a photo that can be read, but in which a face model finds nothing to look at."""

_CHUNK = 256  # so many prepared photos are held in memory at once


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One sample and the model's answer to it.

    Attributes:
        sample: the file; its label is the truth, empty where nobody labelled it.
        probabilities: every label of the model, in its order; empty where there is an error.
        threshold: the probability under which the answer is `unsure`.
        sha256: of the file's bytes, in hexadecimal; empty where they could not be read.
        error: why the photo could not be read, or `NO_FACE`; empty for all others.
    """

    sample: Sample
    probabilities: Mapping[str, float]
    threshold: float = 0.0
    sha256: str = ""
    error: str = ""

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
    sha256: str
    patches: ImageArray | None
    error: str


def patches(viewer: Viewer, content: bytes) -> ImageArray:
    """Cut from a photo's bytes what the classifier looks at, as in every other door.

    For a model of whole frames it is the squeezed photo; for a model of faces it is the crop of the
    face nearest to the photo's centre, for a label of a photo speaks of one person.

    Returns:
        `(1, height, width, C)` uint8, or `(0, height, width, C)` where no face was found.

    Raises:
        ImageError: the bytes are no readable photo.
    """
    view = viewer.view(content)
    off = [measure_eccentricity(f, width=view.width, height=view.height) for f in view.faces]
    nearest = sorted(range(len(off)), key=off.__getitem__)
    return view.patches[nearest[:1]]


def predict_rows(classifier: EyewearClassifier, samples: Sequence[Sample]) -> Iterator[Row]:
    """Predict sample by sample, in their order; an unreadable photo becomes a row with an error.

    Photos are read in chunks, so that memory does not grow with the folder. A progress bar is shown
    on stderr when that is a terminal.

    Raises:
        ModelError: the model looks at faces but does not say how to crop them.
    """
    viewer = Viewer(classifier)
    console = rich.console.Console(stderr=True)
    with rich.progress.Progress(
        console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("Predicting", total=len(samples))
        for start in range(0, len(samples), _CHUNK):
            chunk = samples[start : start + _CHUNK]
            yield from _predict_chunk(classifier, chunk, viewer=viewer)
            progress.advance(task, len(chunk))


def write_predictions(rows: Sequence[Row], path: Path) -> None:
    """Write rows as CSV, whole or not at all.

    The columns are `file,truth,predicted,answer`, one probability per label, `subject,photo`, one
    per fact, and `error` where some photo could not be read.

    Raises:
        OSError: the folder cannot be written to; a file that was there is then as it was.
    """
    labels = _names(row.probabilities for row in rows)
    facts = _names(row.sample.facts for row in rows)
    failed = any(row.error for row in rows)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["file", "truth", "predicted", "answer", *labels, "subject", "photo", *facts]
        + ["error"] * failed
    )
    for row in rows:
        sample = row.sample
        writer.writerow(
            [sample.name, sample.label, row.predicted, row.answer]
            + [round(row.probabilities[x], 6) if x in row.probabilities else "" for x in labels]
            + [sample.subject or "", sample.photo]
            + [sample.facts.get(fact, "") for fact in facts]
            + [row.error] * failed
        )
    write_text(path, text.getvalue())


def _predict_chunk(
    classifier: EyewearClassifier, samples: Sequence[Sample], *, viewer: Viewer
) -> list[Row]:
    views = [_see(viewer, sample) for sample in samples]
    found = [view.patches for view in views if view.patches is not None]
    answers = iter(classifier.predict(np.concatenate(found)) if found else ())
    rows = []
    for sample, view in zip(samples, views, strict=True):
        probabilities: dict[str, float] = {}
        if view.patches is not None:
            probabilities = dict(zip(classifier.labels, next(answers).tolist(), strict=True))
        rows.append(Row(sample, probabilities, classifier.threshold, view.sha256, view.error))
    return rows


def _see(viewer: Viewer, sample: Sample) -> _Seen:
    try:
        with sample.path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)  # one more than allowed, for load_image to refuse
    except OSError as error:
        # Neither the error's text nor ours may carry the machine's folders into a report.
        return _Seen("", None, f"Cannot open the photo: {error.strerror}.")
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        found = patches(viewer, content)
    except ImageError as error:
        return _Seen(sha256, None, str(error))
    return _Seen(sha256, found, "") if len(found) else _Seen(sha256, None, NO_FACE)


def _names(mappings: Iterable[Mapping[str, object]]) -> list[str]:
    """Return every key once, in order of appearance."""
    return list(dict.fromkeys(key for mapping in mappings for key in mapping))
