"""Part samples so that what belongs together stays together."""

import math
from collections.abc import Sequence
from typing import Any, Literal

from gafas.data.samples import Sample
from gafas.errors import DataError

Fact = Literal["name", "photo", "subject"]
"""What may tie files together, from the finest to the coarsest."""

Part = tuple[Sample, ...]


def set_aside(
    samples: Sequence[Sample], fact: Fact, *, share: float, seed: int
) -> tuple[Part, Part]:
    """Part whole groups at random: (the rest, `share` of the groups rounded up), in given order.

    Raises:
        DataError: the share is not in [0, 1), or there is only one group.
    """
    from sklearn.model_selection import GroupShuffleSplit

    if share == 0:
        return tuple(samples), ()
    groups = _values(samples, fact)
    count = len(set(groups))
    if not 0 < share < 1 or count < 2:
        what = "file" if fact == "name" else fact
        raise DataError(
            f"Cannot set aside a share of {share} of {count} {what}s: the share must lie between "
            "0 and 1, and at least 2 are needed. Give more samples or another share."
        )
    # Rounded first, or 0.1 × 30 would be a hair more than 3 and set 4 aside.
    aside = min(math.ceil(round(share * count, 9)), count - 1)
    splitter = GroupShuffleSplit(1, test_size=aside, random_state=seed)
    return _pick(samples, next(splitter.split(groups, groups=groups)))


def take_fold(samples: Sequence[Sample], *, folds: int, fold: int, seed: int) -> tuple[Part, Part]:
    """Part subjects into `folds` of nearly equal numbers: (the others, fold number `fold`).

    Raises:
        DataError: a sample without a subject, fewer subjects than folds, or no such fold.
    """
    from sklearn.model_selection import GroupKFold

    groups = _values(samples, "subject")
    subjects = len(set(groups))
    if not 2 <= folds <= subjects or not 0 <= fold < folds:
        raise DataError(
            f"Cannot make fold {fold} of {folds} from {subjects} subjects: folds must lie between "
            "2 and the number of subjects, and fold between 0 and folds - 1. Change them, or split "
            "by_photo."
        )
    splitter = GroupKFold(folds, shuffle=True, random_state=seed)
    return _pick(samples, list(splitter.split(groups, groups=groups))[fold])


def _values(samples: Sequence[Sample], fact: Fact) -> list[str]:
    values: list[str | None] = [getattr(s, fact) for s in samples]
    known = [v for v in values if v is not None]
    if len(known) < len(samples):
        raise DataError(
            f"Cannot split by subject: {len(samples) - len(known)} of {len(samples)} samples have "
            "no subject. Split by_photo, or give a CSV with the columns file,label,subject."
        )
    return known


def _pick(samples: Sequence[Sample], parts: Any) -> tuple[Part, Part]:
    rest, aside = (tuple(samples[i] for i in part) for part in parts)
    return rest, aside
