"""The labelled eyewear sets: photos of strangers' faces, one folder per set and label.

They are research-only or of unknown rights, so gafas neither holds nor fetches them.
"""

import csv
import dataclasses
import functools
import hashlib
import io
import itertools
import os
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np

from gafas.datasets import cmu
from gafas.datasets.leaks import list_near
from gafas.datasets.samples import EYEWEAR_LABELS, NOT_A_FACE, OTHER, TINTED, Sample
from gafas.datasets.scenes import FREE, list_samples, read_scenes
from gafas.datasets.splits import Split, SplitPlan, check, take_fold
from gafas.errors import DataError
from gafas.files import find_photos

SETS: Final = (
    *("celeba", "utkface", "portraits", "selfies", "tinyimagenet", "web", "fairface", "gov18f"),
    *("glint", "meglass", "onhead", "speakers", "athletes", "selfies2"),
)
"""The sets that may be learnt from: photos of one person each, in a folder for each label."""

SCENES: Final = ("multi", "life")
"""Those of whole photos, with boxes."""

FREE_SETS: Final = ("fairface", "gov18f")
"""Those whose photos anybody may use, as their makers state; so are CMU's and some of `life`."""

CMU: Final = "cmu"
"""The fact `source` of the CMU photos, where these are learnt from too."""

WILD: Final = "web"
"""The one of them whose photos are uncropped: they show how the whole pipeline does."""

LICENCES: Final[Mapping[str, str]] = {
    "all": "research and other non-commercial use only: LicenseRef-gafas-research-weights",
    "free": "MIT; learnt from FairFace (K. Kärkkäinen and J. Joo, WACV 2021, CC BY 4.0), CMU Face "
    "Images (Tom Mitchell, UCI Machine Learning Repository, CC BY 4.0) and public-domain photos",
}
"""What a model file says of its own licence, by the sets that it learnt from."""

MIX: Final[Mapping[str, float]] = {"life": 0.25, "fairface": 0.15, WILD: 0.25, "": 0.35}
"""The shares that sources are given where temperature and threshold are chosen.

Photos as they come are portraits mostly. Those of `life` and `fairface` were gathered for being
hard, and so stand for more than their share of everyday photos; under "" are all other sets.
"""

TEST_SETS: Final = ("lfw",)
"""The sets of published figures: nothing is learnt from them, nothing chosen on them."""

LEARNT: Final = (*EYEWEAR_LABELS, TINTED, OTHER, NOT_A_FACE)
"""The labels that a training reads."""

UNCLEAR: Final = "unclear"
"""What the corrections call a photo that nobody should learn from."""

# A fifth of two sets is never learnt from, and of the scenes those of a fifth of the repositories.
# Of the others of every set some are kept on which epochs, temperature and threshold are chosen: a
# tenth, of `WILD` and the scenes more, for they are few, and the likest to those that people have.
_TESTED: Final = ("utkface", "fairface", "life")
_TEST_SHARE: Final = 0.2
_VALIDATION_SHARES: Final = {WILD: 0.3, "life": 0.125}
_VALIDATION_SHARE: Final = 0.1

# Two repositories hold nearly all masks, and one of them most of the free photos; each would be
# a part by itself.
_ALWAYS_LEARNT: Final = ("life/chandrikadeb7/Face-Mask-Detection", "life/marellanoc/MaskON")

# Beside the one face in such a photo the detector proposes some things that are none.
_BESIDE: Final = "fairface"
_BESIDE_SHARE: Final = 0.3

_PEOPLE: Final = {"glint": r"(.+)_\d+\.jpg", "meglass": r"(\d+_N\d+_identity_\d+)_.*"}
"""In the names of which sets the person stands."""

_GENDERS: Final = ("male", "female")
_RACES: Final = ("White", "Black", "Asian", "Indian", "other")
_PERSON: Final = re.compile(r"(?P<age>\d{1,3})_(?P<gender>[01])_(?:(?P<race>[0-4])_)?\d{6,}")


def find() -> Path:
    """Return the folder of the sets, which `GAFAS_EYEWEAR` names.

    Raises:
        DataError: the variable is not set, or names no folder.
    """
    value = os.environ.get("GAFAS_EYEWEAR", "")
    if not value or not Path(value).is_dir():
        raise DataError(
            "The eyewear sets are not there: expected GAFAS_EYEWEAR to name a folder that holds "
            f"<set>/<label>/<photo>. Received: {value!r}. Set it, or train on your own photos "
            "with --data."
        )
    return Path(value)


def read_samples(
    folder: Path | None = None,
    *,
    sets: Sequence[str] = SETS,
    labels: Sequence[str] = EYEWEAR_LABELS,
    for_evaluation: bool = False,
) -> tuple[Sample, ...]:
    """Read the photos of the sets, sorted by name, `<set>/<label>/<file>`.

    The folder says the label, save for those of the training sets in `eyewear_corrections.csv`,
    which are wrong or unclear there; nothing of the test part or a test set is in that list.
    `facts` hold the source, that is the set; those of `utkface` also hold age (a decade, as
    `30-39`), gender and race, as far as the file's name says them.

    Args:
        folder: holds one folder per set; None finds it.
        sets: which to read.
        labels: which folders of each set to read; where a set lacks one, nothing is read there.
        for_evaluation: say True to open a test set.

    Raises:
        DataError: no data, a set that is not there, or a test set that is not to be evaluated on.
    """
    folder = folder or find()
    for name in sets:
        _check_set(folder, name, for_evaluation=for_evaluation)
    every = (Path(path) for name in sets for path in find_photos(folder / name))
    found = (_sample(path, folder) for path in every if len(path.relative_to(folder).parts) == 3)
    samples = [sample for sample in found if sample.label in labels]
    if not samples:
        raise DataError(
            f"No photo in {folder}: expected <set>/<label>/<photo> with the sets {', '.join(sets)} "
            f"and the labels {', '.join(labels)}. Name others, or set GAFAS_EYEWEAR."
        )
    return tuple(sorted(samples, key=lambda sample: sample.name))


def read_material(
    plan: SplitPlan, *, scales: Sequence[str], labels: Sequence[str] = LEARNT
) -> tuple[Sample, ...]:
    """Read all that may be learnt from: the sets, the scenes and, where the plan says so, CMU's.

    Raises:
        DataError: the sets, or the CMU photos, are not there.
    """
    folder = find()
    samples = list(read_samples(folder, labels=labels))
    if NOT_A_FACE in labels:
        samples += [_look_beside(sample) for sample in samples if _has_beside(sample)]
    for name in SCENES:
        _check_set(folder, name, for_evaluation=False)
        told = itertools.chain.from_iterable(map(list_samples, read_scenes(folder, name)))
        samples += [sample for sample in map(_correct, told) if sample.label in labels]
    for photo in cmu.read_samples(scales=scales) if plan.cmu != "none" else ():
        facts = {**photo.facts, "source": CMU, "rights": FREE}
        samples.append(dataclasses.replace(photo, facts=facts))
    return tuple(sorted(samples, key=lambda sample: sample.name))


def _has_beside(sample: Sample) -> bool:
    return sample.facts["source"] == _BESIDE and _draw(sample.photo, "beside") < _BESIDE_SHARE


def _look_beside(sample: Sample) -> Sample:
    return dataclasses.replace(sample, name=f"{sample.name}#beside", label=NOT_A_FACE)


def _correct(sample: Sample) -> Sample:
    label = read_corrections().get(sample.name, sample.label)
    return dataclasses.replace(sample, label=label)


def part(samples: Sequence[Sample], plan: SplitPlan | None = None) -> Split:
    """Part the samples of the sets and scenes.

    A fifth of the photos of `utkface` and of `fairface`, and of the repositories of `life`, is for
    the test; of the rest a tenth for validation, of `WILD` three. CMU photos join the training
    part; where the plan says `fold`, the people of one fold stay out of it, and join the test.

    The part of a photo follows from a hash of its name alone, or of its person's or repository's:
    photos that are added or taken away move no other. Photos that repeat each other, as far as a
    perceptual hash tells, stay together. What nobody could answer rightly is learnt from only:
    lightly tinted lenses (`TINTED`) and goggles (`OTHER`). Where the plan's sets are `free`, other
    photos stay out of the training part; validation and test are the same.

    Raises:
        DataError: training or test would be empty, or there is no such fold.
        ImageError: a photo cannot be read.
    """
    plan = plan or SplitPlan()
    parts: dict[str, list[Sample]] = {"train": [], "validation": [], "test": []}
    sets = [s for s in samples if s.facts.get("source") != CMU]
    merged = merge_repeats(sets)
    groups = _join_groups(sets, merged)
    for sample in merged:
        chosen = _choose_part(groups[sample.photo])
        if chosen == "train" or sample.label not in (TINTED, OTHER):
            parts[chosen].append(sample)
    train, validation, test = (tuple(parts[p]) for p in ("train", "validation", "test"))
    photos = tuple(s for s in samples if s.facts.get("source") == CMU)
    if photos and plan.cmu == "fold":
        photos, held_out = take_fold(photos, folds=plan.folds, fold=plan.fold, seed=plan.seed)
        test += held_out
    train += photos
    if plan.sets == "free":
        train = tuple(sample for sample in train if sample.facts.get("rights") == FREE)
    return check(Split("eyewear", train, validation, test))


def _join_groups(samples: Sequence[Sample], merged: Sequence[Sample]) -> Mapping[str, str]:
    """Return the group of each photo: its person or repository, or itself; repeats join groups."""
    groups = {sample.photo: sample.subject or sample.photo for sample in reversed(samples)}
    joined = dict[str, str]()

    def find(group: str) -> str:
        """Return what a group has become."""
        while group in joined:
            group = joined[group]
        return group

    for before, after in zip(samples, merged, strict=True):
        first, other = find(groups[after.photo]), find(groups[before.photo])
        if first != other:
            joined[other] = first
    return {photo: find(group) for photo, group in groups.items()}


def merge_repeats(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """Give files that show the same moment the same photo: the first one's, in the given order.

    The audit's perceptual hash decides, so that what it would call a leak cannot come about. A
    hash is computed once per file and process; the audit that follows finds it ready.

    Raises:
        ImageError: a photo cannot be read.
    """
    roots = np.arange(len(samples))
    for first, second in list_near(samples):
        low, high = sorted((roots[first], roots[second]))
        roots[roots == high] = low  # whole groups join: repeats are few
    return tuple(
        dataclasses.replace(sample, photo=samples[root].photo)
        for sample, root in zip(samples, roots.tolist(), strict=True)
    )


def _check_set(folder: Path, name: str, *, for_evaluation: bool) -> None:
    if name in TEST_SETS and not for_evaluation:
        raise DataError(
            f"The set {name!r} is test only: published figures are measured on it, so nothing may "
            "be learnt from it or chosen on it. Leave it out, or say for_evaluation=True."
        )
    if not (folder / name).is_dir():
        there = sorted(p.name for p in folder.iterdir() if p.is_dir())
        raise DataError(
            f"There is no set {name!r} in {folder}. Received a folder that holds "
            f"{', '.join(there) or 'none'}. Name one of these, or set GAFAS_EYEWEAR."
        )


def _sample(path: Path, folder: Path) -> Sample:
    name = path.relative_to(folder).as_posix()
    source, label, file = name.split("/")
    facts = {"source": source} | (_read_person(file) if source == "utkface" else {})
    facts |= {"rights": FREE} if source in FREE_SETS else {}
    person = re.fullmatch(_PEOPLE[source], file) if source in _PEOPLE else None
    subject = f"{source}/{person[1]}" if person else None
    # A file that is moved to another label is still the same photo.
    return _correct(Sample(path, name, label, f"{source}/{file}", subject, facts=facts))


@functools.cache
def read_corrections() -> Mapping[str, str]:
    """Read what the folders say otherwise than we who looked: name → label.

    `unclear` are photos that nobody should learn from: no face, no eyes, no way to tell. Of photos
    of several people it is the face nearest to the middle that was looked at.
    """
    text = (resources.files("gafas.datasets") / "eyewear_corrections.csv").read_text(
        encoding="utf-8"
    )
    return {row["file"]: row["label"] for row in csv.DictReader(io.StringIO(text))}


def read_withdrawn() -> frozenset[str]:
    """Return the names of the photos that are `unclear`, which no run should hold any more."""
    return frozenset(name for name, label in read_corrections().items() if label == UNCLEAR)


def _read_person(file: str) -> dict[str, str]:
    match = _PERSON.match(file)
    if match is None:
        return {}
    decade = int(match["age"]) // 10 * 10
    facts = {"age": f"{decade}-{decade + 9}", "gender": _GENDERS[int(match["gender"])]}
    return facts | ({"race": _RACES[int(match["race"])]} if match["race"] else {})


def _choose_part(group: str) -> str:
    """Say to which part a photo's group belongs: `<set>/` and its file, person or repository."""
    # Of a photo that lies in two sets, too, all files go the same way.
    source = group.partition("/")[0]
    if group in _ALWAYS_LEARNT:
        return "train"
    if source in _TESTED and _draw(group, "test") < _TEST_SHARE:
        return "test"
    share = _VALIDATION_SHARES.get(source, _VALIDATION_SHARE)
    return "validation" if _draw(group, "validation") < share else "train"


def _draw(photo: str, purpose: str) -> float:
    """Return a number from 0 to below 1 that the photo's name alone decides."""
    digest = hashlib.sha256(f"{purpose}:{photo}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
