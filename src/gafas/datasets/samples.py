"""Labelled files and the facts that are known about them."""

import dataclasses
import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from gafas.errors import DataError
from gafas.labels import Eyewear
from gafas.results import Box

EYEWEAR_LABELS = tuple(str(label) for label in Eyewear)
"""The three labels of gafas, in the order in which its models answer."""

TINTED = "tinted_ambiguous"
"""The label of lightly tinted lenses, which people would argue about: learnt from as half
eyeglasses, half sunglasses, and never measured on."""

OTHER = "other_eyewear"
"""The label of goggles, visors and headsets, which are none of the three: learnt from as equally
likely each, so that the answer is `unsure`."""

NOT_A_FACE = "not_a_face"
"""The label of what a detector may take for a face: an animal, a statue, a hand, food."""

ORIGINAL_LABELS = ("glasses", "no_glasses")
"""The two classes of the original experiment: `glasses` means sunglasses."""

_TO_ORIGINAL = {"none": "no_glasses", "eyeglasses": "no_glasses", "sunglasses": "glasses"}


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """One labelled file.

    Attributes:
        path: where the file lies.
        name: the path relative to its data set, with `/`; unique there, the same on all machines.
        label: what a person said of it; empty where nobody did.
        photo: which press of the shutter it shows; files that share it show the same moment.
        subject: the person, or None where unknown.
        facts: anything else that slices an evaluation, such as pose or scale.
        box: of the face that is spoken of, in pixels; None means the one nearest to the middle.
        apart: of a sample that is `NOT_A_FACE`: the boxes of all that is, or may be, a face. It
            speaks of whatever else the detector proposes. None means that nobody has listed them.
    """

    path: Path
    name: str
    label: str
    photo: str
    subject: str | None = None
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    box: Box | None = None
    apart: tuple[Box, ...] | None = None

    @property
    def places(self) -> tuple[object, ...]:
        """Return what is said of places in the photo; most samples speak of none."""
        return tuple(place for place in (self.box, self.apart) if place is not None)


def relabel(
    samples: Iterable[Sample], labels: Sequence[str], *, learnt: bool = False
) -> tuple[Sample, ...]:
    """Express every sample's label in the words of a model.

    Labels that the model knows stay; the three eyewear labels become the original's two where the
    model speaks those. With `learnt` the labels that are learnt from though no model answers them
    (`TINTED`, `OTHER`, `NOT_A_FACE`) stay, where the model knows eyewear.

    Raises:
        DataError: a sample bears a label that the model cannot say.
    """
    soft = {TINTED, OTHER, NOT_A_FACE}
    kept = soft if learnt and set(labels) >= set(EYEWEAR_LABELS) else set()
    return tuple(
        s if s.label in kept else dataclasses.replace(s, label=_translate(s, labels))
        for s in samples
    )


def list_scored(samples: Iterable[Sample], labels: Sequence[str]) -> tuple[Sample, ...]:
    """Leave out what is only learnt from, as no model has an answer to it: goggles, and no face.

    What `labels` name stays: a user's own model may know such a label.
    """
    unknown = {OTHER, NOT_A_FACE} - set(labels)
    return tuple(sample for sample in samples if sample.label not in unknown)


def _translate(sample: Sample, labels: Sequence[str]) -> str:
    if sample.label in labels:
        return sample.label
    if set(labels) == set(ORIGINAL_LABELS) and sample.label in _TO_ORIGINAL:
        return _TO_ORIGINAL[sample.label]
    near = difflib.get_close_matches(sample.label, labels, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise DataError(
        f"Label {sample.label!r} of {sample.name} is unknown: expected one of "
        f"{', '.join(labels)}.{hint} Rename the folder or the label column, or choose other labels."
    )
