"""Which labels of photos are likely wrong, and what else makes labelled photos hard to trust."""

import dataclasses
import enum
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from gafas.classifier import EyewearClassifier
from gafas.datasets.leaks import find_near, hash_photo, list_near
from gafas.datasets.samples import Sample
from gafas.errors import ImageError
from gafas.evaluation.predictions import Row, predict_photos
from gafas.training.adapt import make_examples
from gafas.training.features import group, read_features
from gafas.training.heads import fit_parts, predict_outside

Floats = npt.NDArray[np.floating]
Numbers = npt.NDArray[np.intp]


class Finding(enum.StrEnum):
    """What may be wrong with a labelled photo, what matters most first."""

    suspect = "suspect"  # another label is as probable as it mostly is where it is borne
    conflict = "conflict"  # a photo that hardly differs bears another label
    leak = "leak"  # the other part holds a photo that hardly differs
    unreadable = "unreadable"
    no_face = "no-face"
    several_faces = "several-faces"  # the label belongs to the one nearest to the middle
    small = "small"
    dark = "dark"


_SMALL: Final = 32  # pixels of the face's longer side; crops have 96: two thirds are made up
_DARK: Final = 0.12  # mean of the crop: 30 of 255, darker than dark skin in poor light


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """One finding about one photo.

    Attributes:
        finding: what it is.
        sample: the photo and its label.
        suspected: of a suspect the label that may be right, of a conflict the other photo's; else
            empty.
        probability: of a suspect, of that label, 0–1; else None.
        other: the name of the photo that hardly differs, or why a photo cannot be read.
    """

    finding: Finding
    sample: Sample
    suspected: str = ""
    probability: float | None = None
    other: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Audit:
    """What was found in labelled photos.

    Attributes:
        photos: how many were looked at.
        by_model: whether the model knows the labels, and so judged; else heads did that have learnt
            the labels of the other parts of a cross-validation.
        labels: what a photo's label may be.
        found: by finding, in the order of `Finding`; suspects with the likeliest mistake first.
    """

    photos: int
    by_model: bool
    labels: tuple[str, ...]
    found: tuple[Found, ...]

    def list(self, finding: Finding) -> tuple[Found, ...]:
        """Return what was found of one kind."""
        return tuple(one for one in self.found if one.finding == finding)


def audit(
    samples: Sequence[Sample], classifier: EyewearClassifier, *, against: Sequence[Sample] = ()
) -> Audit:
    """Look for wrong labels, and for photos that labels cannot be trusted of.

    Args:
        samples: labelled photos.
        classifier: a model of faces, which judges where it knows the labels. Where it does not, its
            features are what own labels are learnt from.
        against: the photos of another part, such as those of a training, which should hold none
            that hardly differs from these.

    Raises:
        DataError: own labels have too few photos.
        ModelError: the model does not look at faces, or gives no features.
    """
    rows = predict_photos(classifier, samples)
    usable = [row for row in rows if not row.error]
    labels = {row.sample.label for row in usable}
    by_model = labels <= set(classifier.labels)
    judged = _judge(usable, classifier) if by_model else _judge_outside(usable, classifier)
    readable = [row.sample for row in rows if not row.error or row.missed]
    found = [
        *judged,
        *_list_conflicts(readable),
        *_list_leaks(readable, against),
        *(one for row in rows for one in _look_at(row)),
    ]
    order = list(Finding)
    found.sort(key=lambda one: order.index(one.finding))
    choices = classifier.labels if by_model else sorted(labels)
    return Audit(len(rows), by_model, tuple(choices), tuple(found))


def rank_suspects(probabilities: Floats, truth: Numbers) -> tuple[Numbers, Numbers]:
    """Return the places of samples, `(N,)`, the likeliest mistake first, and of suspects the label.

    That is for each place, `(N,)`, the number of the label that may be right, -1 where the given
    one stands.

    Confident learning: a label's threshold is the mean of its probability over the samples that
    bear it. A suspect is a sample of which another label reaches its threshold, and is likelier
    than all others that do. Suspects, and after them all others, are ordered by how much likelier
    the other label is than the given one.

    Args:
        probabilities: `(N, K)`, by a model that has not learnt these samples.
        truth: `(N,)`, the numbers of the given labels.

    Source: Northcutt, Jiang and Chuang 2021, "Confident learning: estimating uncertainty in dataset
    labels", Journal of Artificial Intelligence Research 70.
    """
    rows = np.arange(len(truth))
    labels = probabilities.shape[1]
    given = probabilities[rows, truth]
    # A label that nobody bears has no threshold, and is suspected of nothing.
    means = [
        given[truth == label].mean() if (truth == label).any() else 2 for label in range(labels)
    ]
    confident = np.where(probabilities >= np.array(means), probabilities, -1.0)
    best = confident.argmax(axis=1)
    suspect = (confident[rows, best] >= 0) & (best != truth)
    others = probabilities.copy()
    others[rows, truth] = -1.0
    margins = others.max(axis=1) - given
    return np.lexsort((-margins, ~suspect)), np.where(suspect, best, -1)


def _judge(rows: Sequence[Row], classifier: EyewearClassifier) -> Iterator[Found]:
    """Yield the suspects among photos whose labels the model knows."""
    borne = {row.sample.label for row in rows}
    labels = [label for label in classifier.labels if label in borne]
    if len(labels) < 2:  # where all bear one label, any of the model's may be right
        labels = list(classifier.labels)
    if not rows:
        return iter(())
    probabilities = np.array([[row.probabilities[label] for label in labels] for row in rows])
    return _list_suspects([row.sample for row in rows], probabilities, labels)


def _judge_outside(rows: Sequence[Row], classifier: EyewearClassifier) -> Iterator[Found]:
    """Yield the suspects among photos with own labels, by heads that have not learnt them."""
    features = read_features([row.sample for row in rows], classifier)
    labels, examples = make_examples(features, group(features.samples))
    outside = predict_outside(examples, fit_parts(examples))
    return _list_suspects(features.samples, outside, labels)


def _list_suspects(
    samples: Sequence[Sample], probabilities: Floats, labels: Sequence[str]
) -> Iterator[Found]:
    truth = np.array([labels.index(sample.label) for sample in samples], np.intp)
    order, suspected = rank_suspects(probabilities, truth)
    for at in order[suspected[order] >= 0].tolist():
        label = int(suspected[at])
        yield Found(Finding.suspect, samples[at], labels[label], float(probabilities[at, label]))


def _list_conflicts(samples: Sequence[Sample]) -> Iterator[Found]:
    """Yield both photos of each pair that hardly differs and bears two labels."""
    for pair in list_near(samples):
        one, other = (samples[at] for at in pair)
        if one.label != other.label:
            yield Found(Finding.conflict, one, other.label, other=other.name)
            yield Found(Finding.conflict, other, one.label, other=one.name)


def _list_leaks(samples: Sequence[Sample], against: Sequence[Sample]) -> Iterator[Found]:
    readable = list[Sample]()
    for other in against:
        try:
            hash_photo(other.path)
            readable.append(other)
        except ImageError as error:
            yield Found(Finding.unreadable, other, other=str(error))
    for sample, name in zip(samples, find_near(samples, readable), strict=True):
        if name is not None:
            yield Found(Finding.leak, sample, other=name)


def _look_at(row: Row) -> Iterator[Found]:
    """Yield what is to be said of one photo, whatever its label."""
    if row.error:
        kind = Finding.no_face if row.missed else Finding.unreadable
        yield Found(kind, row.sample, other="" if row.missed else row.error)
    if row.faces > 1:
        yield Found(Finding.several_faces, row.sample)
    if row.quality and row.quality.face_pixels < _SMALL:
        yield Found(Finding.small, row.sample)
    if row.quality and row.quality.brightness < _DARK:
        yield Found(Finding.dark, row.sample)
