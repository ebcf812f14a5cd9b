"""The eyewear sets, and the CMU Face Images beside them, as one material to learn faces from."""

import dataclasses
from collections.abc import Sequence
from typing import Final

from gafas.data import cmu, eyewear
from gafas.data.groups import take_fold
from gafas.data.samples import Sample
from gafas.data.splits import Split, SplitPlan, check

SOURCE: Final = "cmu"
"""The fact `source` of the CMU photos."""


def read_material(
    plan: SplitPlan, *, scales: Sequence[str], labels: Sequence[str] = eyewear.LEARNT
) -> tuple[Sample, ...]:
    """Read the sets that may be learnt from and, where the plan says so, the CMU photos.

    `labels` says which photos of the sets.

    Raises:
        DataError: the sets, or the CMU photos, are not there.
    """
    samples = eyewear.read_samples(labels=labels)
    if plan.cmu == "none":
        return samples
    photos = cmu.read_samples(scales=scales)
    return samples + tuple(
        dataclasses.replace(photo, facts={**photo.facts, "source": SOURCE}) for photo in photos
    )


def part_material(samples: Sequence[Sample], plan: SplitPlan) -> Split:
    """Part the sets as `eyewear.part` does; the CMU photos join the training part.

    With `cmu = "fold"` the people of one fold stay out of it, and are the test part.

    Raises:
        DataError: a part would be empty, or there is no such fold.
        ImageError: a photo cannot be read.
    """
    photos = [s for s in samples if s.facts.get("source") == SOURCE]
    split = eyewear.part([s for s in samples if s.facts.get("source") != SOURCE])
    if not photos:
        return split
    learnt, test = tuple(photos), split.test
    if plan.cmu == "fold":
        learnt, test = take_fold(photos, folds=plan.folds, fold=plan.fold, seed=plan.seed)
    joined = Split(split.name, split.train + learnt, split.validation, test)
    check(joined)
    return joined
