"""Measure how often each verdict of `gafas check` is wrong: benchmarks/check.json.

Run it by `make benchmark-check`; it needs GAFAS_EYEWEAR. The rules' numbers were chosen on the
validation part, so the test part tells how good they are; both are written down.
"""

import dataclasses
import logging
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.eyewear import Part, Photos
from benchmarks.life import SMALLEST, Counted, count, measure_side
from gafas.check import Checked, Requirement, Rules, Verdict, check
from gafas.datasets.samples import EYEWEAR_LABELS, NOT_A_FACE, Sample
from gafas.datasets.scenes import Scene
from gafas.errors import GafasError
from gafas.files import write_json
from gafas.recognizer import Recognizer
from gafas.results import Recognition

TARGET: Final = Path(__file__).with_suffix(".json")

PARTS: Final[tuple[Part, ...]] = ("validation", "test")

UNFIT: Final = ("several-faces", "perhaps-several-faces", "small", "tilted", "turned")
"""The reasons that no label can call wrong: they tell of the photo, not of what is worn."""

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """A photo of one person: the set it is of, what is worn, and what was recognized."""

    source: str
    label: str
    found: Recognition


@dataclasses.dataclass(frozen=True, slots=True)
class Judged:
    """How photos of one person each were decided by one requirement.

    Attributes:
        photos: how many.
        unfit: those that broke a rule about the photo, by reason.
        failed: of the others, those that may pass by their label, and failed.
        passed: of the others, those that may not, and passed.
        look: of the others, those that a person should look at.
        reasons: of all, the number by label and reason.
    """

    photos: int
    unfit: Mapping[str, int]
    failed: Counted
    passed: Counted
    look: Counted
    reasons: Mapping[str, Mapping[str, int]]


@dataclasses.dataclass(frozen=True, slots=True)
class Crowds:
    """How whole photos, in which every face is listed, were decided by their number of faces.

    Attributes:
        one_told_several: of those with one face, those that failed for several.
        several_passed: of those with several of at least `SMALLEST` pixels, those that passed.
        none_passed: of those without any, those that passed.
    """

    one_told_several: Counted
    several_passed: Counted
    none_passed: Counted


@dataclasses.dataclass(frozen=True, slots=True)
class PartFigures:
    """The figures of a part: by requirement, by set and requirement, and of numbers of faces."""

    all: Mapping[str, Judged]
    sets: Mapping[str, Mapping[str, Judged]]
    crowds: Crowds


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """What `benchmarks/check.json` holds.

    Attributes:
        model: the SHA-256 of the model that answered.
        rules: the numbers that were used.
        parts: the figures by part.
        tinted: the verdicts on lightly tinted lenses by `clear-eyes`, which nobody can call wrong.
    """

    model: str
    rules: Mapping[str, float]
    parts: Mapping[Part, PartFigures]
    tinted: Mapping[str, int]


def main() -> int:
    """Check the photos of every part by every requirement, and write down how that went."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    _log.setLevel(logging.INFO)
    photos, recognizer = Photos(), Recognizer()
    try:
        parts = {part: measure_part(recognizer, photos, part=part) for part in PARTS}
        tinted = list(show(recognizer, photos.tinted))
    except GafasError as error:
        _log.error("%s", error)
        return 1
    rules = Rules(Requirement.clear_eyes)
    verdicts = Counter(str(check(one.found, rules).verdict) for one in tinted)
    numbers = {
        name: value for name, value in dataclasses.asdict(rules).items() if type(value) is float
    }
    write_json(TARGET, Figures(recognizer.classifier.sha256, numbers, parts, dict(verdicts)))
    return 0


def measure_part(recognizer: Recognizer, photos: Photos, *, part: Part) -> PartFigures:
    """Check the photos of one person each, and whole photos by their number of faces."""
    _log.info("Checking the %s part.", part)
    shown = list(show(recognizer, photos.list_portraits(part)))
    scenes = photos.list_scenes(part)
    found = list(recognizer.recognize_many(scene.path for scene in scenes))
    worn = [list_worn(scene) for scene in scenes]
    large = [len(list_worn(scene, least=SMALLEST)) for scene in scenes]
    shown += [
        Shown(scene.source, labels[0], seen)
        for scene, labels, seen in zip(scenes, worn, found, strict=True)
        if len(labels) == 1 and labels[0] in EYEWEAR_LABELS
    ]
    sets = sorted({one.source for one in shown})
    return PartFigures(
        all=judge_all(shown),
        sets={name: judge_all([one for one in shown if one.source == name]) for name in sets},
        crowds=judge_crowds(list(zip(map(len, worn), large, strict=True)), found),
    )


def show(recognizer: Recognizer, samples: Sequence[Sample]) -> Iterator[Shown]:
    """Recognize samples, in their order."""
    answers = recognizer.recognize_many(sample.path for sample in samples)
    for sample, found in zip(samples, answers, strict=True):
        yield Shown(sample.facts["source"], sample.label, found)


def list_worn(scene: Scene, *, least: float = 0.0) -> list[str]:
    """Return the label of every face whose longer side has at least so many pixels."""
    faces = (face for face in scene.faces if face.label != NOT_A_FACE)
    return [face.label for face in faces if measure_side(face.box) >= least]


def judge_all(shown: Sequence[Shown]) -> dict[str, Judged]:
    """Judge photos by every requirement, at the rules' defaults."""
    return {str(require): judge(shown, require) for require in Requirement}


def judge(shown: Sequence[Shown], require: Requirement) -> Judged:
    """Count how photos of one person each were decided."""
    rules = Rules(require)
    decided = [(one.label, check(one.found, rules)) for one in shown]
    fit = [(label, checked) for label, checked in decided if checked.reason not in UNFIT]
    allowed = [checked for label, checked in fit if label in require.allowed]
    forbidden = [checked for label, checked in fit if label not in require.allowed]
    reasons: dict[str, Counter[str]] = {label: Counter() for label in EYEWEAR_LABELS}
    for label, checked in decided:
        reasons[label][checked.reason] += 1
    return Judged(
        len(decided),
        {reason: sum(told[reason] for told in reasons.values()) for reason in UNFIT},
        failed=_count(allowed, Verdict.failed),
        passed=_count(forbidden, Verdict.passed),
        look=_count([checked for _, checked in fit], Verdict.look),
        reasons={label: dict(told.most_common()) for label, told in reasons.items()},
    )


def judge_crowds(counts: Sequence[tuple[int, int]], found: Sequence[Recognition]) -> Crowds:
    """Count how photos with so many faces, and so many large ones, were decided."""
    rules = Rules(Requirement.no_sunglasses)
    decided = list(zip(counts, (check(one, rules) for one in found), strict=True))
    one, none = ([told for (every, _), told in decided if every == n] for n in (1, 0))
    several = [told for (_, large), told in decided if large > 1]
    return Crowds(
        one_told_several=count(told.reason == "several-faces" for told in one),
        several_passed=_count(several, Verdict.passed),
        none_passed=_count(none, Verdict.passed),
    )


def _count(decided: Sequence[Checked], verdict: Verdict) -> Counted:
    return count(checked.verdict is verdict for checked in decided)


if __name__ == "__main__":
    sys.exit(main())
