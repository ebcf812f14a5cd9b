"""Part samples into training, validation and test, honestly or exactly as others did."""

import dataclasses
import json
import logging
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from gafas.datasets import fetching
from gafas.datasets.samples import Sample
from gafas.errors import DataError
from gafas.files import write_text

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


Protocol = Literal["by_file", "by_photo", "by_subject", "all", "straightrnd"]

_PARTS = ("train", "validation", "test")

_log = logging.getLogger(__name__)

_PROMISES: Mapping[str, Fact] = {
    "by_file": "name",
    "by_photo": "photo",
    "all": "photo",
    "straightrnd": "photo",
}
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
        metadata={"decides": "`by_subject` only: into how many groups the people are parted"},
    )
    fold: int = dataclasses.field(
        default=0, metadata={"decides": "`by_subject` only: which group is the test, from 0"}
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
            "`fold` leaves the people of `split.fold`, one of `split.folds`, out and makes them "
            "the test part"
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

    Raises:
        DataError: the samples cannot be parted so; the message says why.
    """
    seed, share = plan.seed, plan.validation_share
    match plan.protocol:
        case "by_file":
            return by_file(samples, seed=seed, validation_share=share)
        case "by_photo":
            return by_photo(samples, seed=seed, validation_share=share)
        case "by_subject":
            return by_subject(
                samples, folds=plan.folds, fold=plan.fold, seed=seed, validation_share=share
            )
        case "all" | "straightrnd":
            return official(samples, plan.protocol, seed=seed, validation_share=share)


def by_file(
    samples: Sequence[Sample], *, seed: int, test_share: float = 0.2, validation_share: float = 0.0
) -> Split:
    """Part at random by file, as the original does, flaws included.

    Where a photo lies in several files, nearly every test file has a twin in training; and with
    `validation_share` 0 the validation part is the test part itself, so an epoch chosen on it
    has seen the exam. Use it to repeat the original, not to learn how good a network is.
    """
    train, test = set_aside(samples, "name", share=test_share, seed=seed)
    train, validation = set_aside(train, "name", share=validation_share, seed=seed)
    return _checked(Split("by_file", train, validation if validation_share else test, test))


def by_photo(
    samples: Sequence[Sample], *, seed: int, test_share: float = 0.2, validation_share: float = 0.0
) -> Split:
    """Part at random by photo: all files of one photo stay together; people are on both sides."""
    train, test = set_aside(samples, "photo", share=test_share, seed=seed)
    train, validation = set_aside(train, "photo", share=validation_share, seed=seed)
    return _checked(Split("by_photo", train, validation, test))


def by_subject(
    samples: Sequence[Sample], *, folds: int, fold: int, seed: int, validation_share: float = 0.0
) -> Split:
    """Part by person: the test part holds nobody that training or validation has seen.

    `folds` as large as the number of subjects leaves one out at a time. `validation_share` is a
    share of the training subjects, rounded up.

    Raises:
        DataError: a sample has no subject, or there are fewer subjects than folds.
    """
    train, test = take_fold(samples, folds=folds, fold=fold, seed=seed)
    train, validation = set_aside(train, "subject", share=validation_share, seed=seed)
    return _checked(Split("by_subject", train, validation, test))


def official(
    samples: Sequence[Sample],
    name: Literal["all", "straightrnd"],
    *,
    seed: int = 0,
    validation_share: float = 0.0,
) -> Split:
    """Part the CMU photos as Tom Mitchell's lists do: `<name>_train`, `_test1` and `_test2`.

    The lists name quarter-size files; other sizes follow their photo. Test samples bear the fact
    `list`, `test1` or `test2`. People are on both sides. Validation photos come from training.

    Raises:
        DataError: a listed photo is not among the samples.
    """
    lists = fetching.read_manifest().lists[name]
    missing = sorted(lists.keys() - {s.photo for s in samples})
    if missing:
        raise DataError(
            f"The official lists {name}_* need {len(lists)} photos of CMU Face Images; received "
            f"samples without {len(missing)} of them, such as {missing[0]}. Give them all."
        )
    train = tuple(s for s in samples if lists.get(s.photo) == "train")
    train, validation = set_aside(train, "photo", share=validation_share, seed=seed)
    test = tuple(s for s in samples if lists.get(s.photo) in ("test1", "test2"))
    return _checked(Split(name, train, validation, _marked(test, lists)))


def check(split: Split) -> None:
    """Refuse a split that does not keep apart what it promises.

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


def write_split(split: Split, path: Path, *, leaks: Mapping[str, Any] | None = None) -> None:
    """Write as JSON the names of a split's samples and what an audit found; all or nothing."""
    parts = {p: [s.name for s in getattr(split, p)] for p in _PARTS}
    content = {"name": split.name, **parts, "leaks": leaks}
    write_text(path, json.dumps(content, indent=1) + "\n")


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
    content = _read_json(path)
    by_name = {s.name: s for s in samples}
    absent = dict.fromkeys(n for p in _PARTS for n in content[p] if n not in by_name)
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
    name = content["name"]
    train, validation, test = (
        tuple(by_name[n] for n in content[p] if n not in absent) for p in _PARTS
    )
    if name in ("all", "straightrnd"):
        lists = fetching.read_manifest().lists[name]
        test = _marked(test, lists)
    return _checked(Split(name, train, validation, test))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"Cannot read the split {path}: {error}. Give a JSON file.") from error
    if not _is_split(content):
        raise DataError(
            f"{path} is not a split: expected a JSON object with a 'name' and the lists of names "
            "'train', 'validation' and 'test'. Let `write_split` make it."
        )
    return dict(content)


def _is_split(content: object) -> bool:
    if not isinstance(content, dict) or not isinstance(content.get("name"), str):
        return False
    parts = [content.get(part) for part in _PARTS]
    return all(isinstance(p, list) and all(isinstance(n, str) for n in p) for p in parts)


def _checked(split: Split) -> Split:
    check(split)
    return split


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


def _marked(test: Part, lists: Mapping[str, str]) -> Part:
    return tuple(dataclasses.replace(s, facts={**s.facts, "list": lists[s.photo]}) for s in test)
