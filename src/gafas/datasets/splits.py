"""Part samples into training, validation and test, honestly or exactly as others did."""

import dataclasses
import logging
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from gafas.datasets import cmu
from gafas.datasets.samples import Sample
from gafas.errors import DataError
from gafas.files import read_json, write_json

Fact = Literal["name", "photo", "subject"]
"""What may tie files together, from the finest to the coarsest."""

Part = tuple[Sample, ...]

TEST_SHARE: Final = 0.2
"""Share of the files or photos that is tested on, where no folds or lists decide."""


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


Protocol = Literal["by_file", "by_photo", "by_subject", "all", "straightrnd"]

_PARTS = ("train", "validation", "test")

_log = logging.getLogger(__name__)

_PROMISES: Mapping[str, Fact] = {
    "by_file": "name", "by_photo": "photo", "all": "photo", "straightrnd": "photo",
}  # fmt: skip
"""What a split of this name keeps apart. Any other, a user's own among them, must keep subjects."""


@dataclasses.dataclass(frozen=True, slots=True)
class SplitPlan:
    """How samples are parted. What a key decides stands at its field, as in all of a recipe."""

    protocol: Protocol = dataclasses.field(
        default="by_subject",
        metadata={"decides": "what is kept apart: files, photos, people; or an official list"},
    )
    folds: int = dataclasses.field(
        default=5,
        metadata={"decides": "`by_subject`, or `split.cmu = fold`: into how many groups people go"},
    )
    fold: int = dataclasses.field(
        default=0, metadata={"decides": "of these, which group is the test, from 0"}
    )
    validation_share: float = dataclasses.field(
        default=0.125,
        metadata={
            "decides": "the share of training files, photos or people (as the protocol parts them) "
            "kept for validation; 0 keeps none, and under `by_file` makes the test part be "
            "watched, as the original did: nothing may be chosen on it then",
            "limits": "a share from 0 to below 1",
        },
    )
    seed: int = dataclasses.field(default=0, metadata={"decides": "the draw"})
    cmu: Literal["none", "all", "fold"] = dataclasses.field(
        default="none",
        metadata={
            "decides": "of faces on the eyewear sets only: `all` learns from the CMU photos too; "
            "`fold` leaves the people of `split.fold`, one of `split.folds`, out for the test"
        },
    )
    sets: Literal["all", "free"] = dataclasses.field(
        default="all",
        metadata={
            "decides": "of faces on the eyewear sets only: `free` learns from those photos alone "
            "that anybody may use, and is calibrated on such; the test is the same"
        },
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Split:
    """Samples in three parts, each in the order in which the samples were given.

    Attributes:
        name: the protocol that made it, or a user's own word.
        train: what weights are learnt from.
        validation: what an epoch may be chosen on; may be empty.
        test: what is measured, once.
    """

    name: str
    train: Part
    validation: Part
    test: Part

    @property
    def watches_test(self) -> bool:
        """Whether validation is the very test part: the original's practice."""
        return bool(self.test) and self.validation == self.test


def make_split(samples: Sequence[Sample], plan: SplitPlan) -> Split:
    """Part samples as a plan says.

    `by_subject` tests on one of `folds` parts of the people, whom nothing else has seen; as many
    folds as people leave one out at a time. `by_photo` keeps all files of a photo together, with
    people on both sides. `by_file` parts as the original does, flaws included: where a photo lies
    in several files, nearly every test file has a twin in training.

    `all` and `straightrnd` are Tom Mitchell's lists of CMU photos. They name quarter-size files;
    other sizes follow their photo. Test samples bear the fact `list`, `test1` or `test2`.

    Raises:
        DataError: the samples cannot be parted so; the message says why.
    """
    fact = _PROMISES.get(plan.protocol, "subject")
    if plan.protocol == "by_subject":
        train, test = take_fold(samples, folds=plan.folds, fold=plan.fold, seed=plan.seed)
    elif plan.protocol in ("all", "straightrnd"):
        train, test = _follow_lists(samples, plan.protocol)
    else:
        train, test = set_aside(samples, fact, share=TEST_SHARE, seed=plan.seed)
    train, validation = set_aside(train, fact, share=plan.validation_share, seed=plan.seed)
    if plan.protocol == "by_file" and not plan.validation_share:
        validation = test
    return check(Split(plan.protocol, train, validation, test))


def _follow_lists(samples: Sequence[Sample], name: str) -> tuple[Part, Part]:
    lists = cmu.read_lists(name)
    missing = sorted(lists.keys() - {s.photo for s in samples})
    if missing:
        raise DataError(
            f"The official lists {name}_* need {len(lists)} photos of CMU Face Images; received "
            f"samples without {len(missing)} of them, such as {missing[0]}. Give them all."
        )
    train = tuple(s for s in samples if lists.get(s.photo) == "train")
    test = tuple(s for s in samples if lists.get(s.photo) in ("test1", "test2"))
    return train, _mark_lists(test, name)


def check(split: Split) -> Split:
    """Return a split that keeps apart what it promises; refuse any other.

    `by_file` keeps files apart, `by_photo` and the official lists photos; every other split,
    one of the user's own too, must keep subjects (and with them photos and files) apart.

    Raises:
        DataError: train or test is empty, or two parts share a file, a photo or a subject.
    """
    if not split.train or not split.test:
        raise DataError(
            f"Split {split.name!r} needs samples to train on and to test on; received "
            f"{len(split.train)} and {len(split.test)}. Give more samples or another share."
        )
    watching = split.name == "by_file" and split.watches_test
    validation = () if watching else split.validation
    parts = dict(zip(_PARTS, (split.train, validation, split.test), strict=True))
    finest_first: tuple[Fact, ...] = ("name", "photo", "subject")
    kept = finest_first.index(_PROMISES.get(split.name, "subject"))
    for fact in finest_first[: kept + 1]:
        _refuse_shared(split.name, parts, fact=fact)
    return split


def write_split(split: Split, path: Path, *, leaks: object = None) -> None:
    """Write as JSON the names of a split's samples and what an audit found; all or nothing."""
    parts = {p: [s.name for s in getattr(split, p)] for p in _PARTS}
    write_json(path, {"name": split.name, **parts, "leaks": leaks})


@dataclasses.dataclass(frozen=True, slots=True)
class _Names:
    name: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def read_split(path: Path, samples: Sequence[Sample], *, withdrawn: Collection[str] = ()) -> Split:
    """Read a split that `write_split`, or a user, wrote, and check it.

    Args:
        path: the JSON file.
        samples: the data that it was made from.
        withdrawn: names that the split may still hold although the data no longer do, because
            somebody found them to be no use; they are named in a warning and left out.

    Raises:
        DataError: the file is not such JSON, names a sample that is not there, or fails `check`.
    """
    held = read_json(path, _Names)
    parts = (held.train, held.validation, held.test)
    by_name = {s.name: s for s in samples}
    absent = dict.fromkeys(n for names in parts for n in names if n not in by_name)
    unknown = [name for name in absent if name not in withdrawn]
    if unknown:
        raise DataError(
            f"Split {path} names {len(unknown)} samples that are not in the data, such as "
            f"{unknown[0]!r}. Give the data that it was made from."
        )
    if absent:
        _log.warning(
            "Withdrawn since the split %s was made, and left out: %s.", path, ", ".join(absent)
        )
    train, validation, test = (tuple(by_name[n] for n in names if n in by_name) for names in parts)
    if held.name in ("all", "straightrnd"):
        test = _mark_lists(test, held.name)
    return check(Split(held.name, train, validation, test))


def _refuse_shared(name: str, parts: Mapping[str, Part], *, fact: Fact) -> None:
    seen: dict[str, str] = {}
    for part, samples in parts.items():
        for value in sorted({getattr(s, fact) for s in samples} - {None}):
            if value in seen:
                what = "file" if fact == "name" else fact
                raise DataError(
                    f"Split {name!r} has the {what} {value!r} in {seen[value]} and in {part}: what "
                    "is measured would have been learnt by heart. Keep it in one part."
                )
            seen[value] = part


def _mark_lists(test: Part, name: str) -> Part:
    lists = cmu.read_lists(name)
    return tuple(dataclasses.replace(s, facts={**s.facts, "list": lists[s.photo]}) for s in test)
