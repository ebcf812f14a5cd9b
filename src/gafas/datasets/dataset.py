"""A data set: its samples, which of those that gafas knows it is, and where it lies."""

import dataclasses
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from gafas.datasets import cmu, drawn, eyewear
from gafas.datasets.folders import read_labelled
from gafas.datasets.samples import EYEWEAR_LABELS, Sample
from gafas.datasets.splits import Split, SplitPlan, make_split
from gafas.errors import DataError
from gafas.files import find_home

Kind = Literal["cmu", "drawn", "eyewear", "own"]
"""The CMU Face Images, drawn people in their stead, the eyewear sets, a user's labelled photos."""

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class DataSet:
    """Labelled samples and where they come from.

    Attributes:
        kind: which data set it is.
        path: the folder or CSV file that holds it, absolute.
        samples: all that is read of it, sorted by name.
    """

    kind: Kind
    path: Path
    samples: tuple[Sample, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels that occur: eyewear's in their order, others by name."""
        found = {sample.label for sample in self.samples}
        known = tuple(label for label in EYEWEAR_LABELS if label in found)
        return known + tuple(sorted(found - set(known)))

    @property
    def knows_subjects(self) -> bool:
        """Return whether it is said of any sample whom it shows."""
        return any(sample.subject is not None for sample in self.samples)

    def part(self, plan: SplitPlan) -> Split:
        """Part the samples as a plan says; the eyewear sets have parts of their own.

        Raises:
            DataError: the samples cannot be parted so.
        """
        if self.kind == "eyewear":
            return eyewear.part(self.samples, plan)
        return make_split(self.samples, plan)


def read_data_set(
    path: Path | None = None,
    *,
    faces: bool = False,
    scales: Sequence[str] = cmu.SCALES,
    plan: SplitPlan | None = None,
) -> DataSet:
    """Read a data set: the one at a path, or else the one that a training is for.

    Without a path that is the eyewear sets for a training on faces, and for others the CMU Face
    Images; where these are not at hand, drawn people take their place, and a warning says so.

    Args:
        path: labelled photos, see `read_labelled`; or a folder in the layout of the CMU photos.
        faces: whether faces are cropped to learn from.
        scales: of CMU photos, and drawn ones, the sizes to read.
        plan: says whether CMU photos belong to the eyewear sets' material.

    Raises:
        DataError: nothing is there, or it is not what it should be.
    """
    if path is None and faces:
        samples = eyewear.read_material(plan or SplitPlan(), scales=scales)
        return DataSet("eyewear", eyewear.find().resolve(), samples)
    if path is not None and not (drawn.is_drawn(path) or cmu.is_layout(path)):
        return DataSet("own", path.resolve(), read_labelled(path))
    folder = (_find_or_draw() if path is None else path).resolve()
    is_drawn = drawn.is_drawn(folder)
    if is_drawn:
        _log.warning("These are %s.", drawn.DRAWN_NOTE)
    return DataSet("drawn" if is_drawn else "cmu", folder, cmu.read_samples(folder, scales=scales))


def _find_or_draw() -> Path:
    try:
        return cmu.find()
    except DataError:
        if os.environ.get("GAFAS_CMU"):  # somebody means a certain folder
            raise
    _log.warning(
        "The CMU Face Images are not here (`gafas fetch cmu` gets them): drawn people take their "
        "place."
    )
    return drawn.draw_people(find_home() / "drawn_people")
