"""Measure a model of eyewear on every set that it has not learnt from, and write it all down."""

import dataclasses
import functools
import logging
import platform
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from benchmarks.life import SceneFigures, describe_scenes, judge_scenes, list_rows
from benchmarks.openings import OPENINGS, begin_opening, finish_opening
from benchmarks.robustness import (
    Lenses,
    Robustness,
    choose_samples,
    measure_lenses,
    measure_robustness,
)
from gafas.classifier import EyewearClassifier
from gafas.datasets import cmu, eyewear
from gafas.datasets.samples import EYEWEAR_LABELS, TINTED, Sample
from gafas.datasets.scenes import COMPLETE, Scene, read_scenes
from gafas.datasets.splits import Split, SplitPlan, take_fold
from gafas.errors import DataError
from gafas.evaluation.breakdowns import Unscored, describe_answers, speaks_of_eyewear
from gafas.evaluation.evaluate import Evaluation, Figures, ModelFacts, describe_model, evaluate
from gafas.evaluation.metrics import Accuracy, Interval, measure_accuracy, wilson
from gafas.evaluation.predictions import Row, predict_rows
from gafas.files import read_json, write_json
from gafas.labels import Eyewear
from gafas.recognizer import Recognizer, count_cores

PARTS: Final = ("life", "fairface", "utkface", "web", "cmu", "tinted", "robustness", "lenses")
"""What is measured unless somebody says otherwise, in the order in which it is shown."""

Part = Literal["validation", "test"]
"""A part of the sets that no weight was learnt from."""

VALIDATED: Final = "life_validation"
"""The part of `life` on which something may be chosen: measured where somebody names it."""

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class FacesFound:
    """The share of photos in which a face is found, and the others' number by label."""

    photos: int
    found: float
    wilson: Interval
    missed: Mapping[str, int]


@dataclasses.dataclass(frozen=True, slots=True)
class DataCounts:
    """The photos that count, by number and hash, and the number of unreadable files."""

    samples: int
    photos: int
    subjects: int | None
    sha256: str
    unreadable: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SetFigures(Figures):
    """The figures of a set, none of whose photos is named."""

    data: DataCounts
    faces: FacesFound


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LifeFigures(SetFigures):
    """The figures of the faces in whole photos, of which `faces` counts all that are listed."""

    scenes: SceneFigures


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CmuFigures(SetFigures):
    """The figures of the CMU photos, and of the experiment's question: sunglasses or not."""

    sunglasses_against_rest: Accuracy


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFigures(SetFigures):
    """The figures of a test set, opened for the so many-th time."""

    opening: int
    tinted: Unscored | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tinted(Unscored):
    """What is answered to lightly tinted lenses, of all and of each source."""

    sources: Mapping[str, Unscored]


@dataclasses.dataclass(frozen=True, slots=True)
class Parts:
    """The results of each part that has been measured."""

    lfw: OpenedFigures | None = None
    life: LifeFigures | None = None
    life_validation: LifeFigures | None = None
    fairface: SetFigures | None = None
    utkface: SetFigures | None = None
    web: SetFigures | None = None
    cmu: CmuFigures | None = None
    tinted: Tinted | None = None
    robustness: Robustness | None = None
    lenses: Lenses | None = None

    @property
    def tests(self) -> dict[str, SetFigures]:
        """The sets with figures, by name, in the order of the tables."""
        names = ("lfw", "life", "fairface", "utkface", "web", "cmu")
        sets = {name: getattr(self, name) for name in names}
        return {name: part for name, part in sets.items() if part is not None}


@dataclasses.dataclass(frozen=True, slots=True)
class Learnt:
    """What a model file says of the data it learnt from; numbers are of photos."""

    sha256: str | None = None
    split: str | None = None
    cmu: str | None = None
    sets: str | None = None
    train: int | None = None
    validation: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Measured(ModelFacts):
    """The model that was measured, and the data it learnt from, as far as it says."""

    data: Learnt | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured."""

    python: str = platform.python_version()
    machine: str = platform.machine()
    cpu_count: int = dataclasses.field(default_factory=count_cores)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What `benchmarks/eyewear.json` holds."""

    schema: int = 1
    model: Measured
    machine: Machine
    parts: Parts


def measure_parts(
    classifier: EyewearClassifier,
    parts: Sequence[str],
    *,
    out: Path,
    photos: "Photos | None" = None,
) -> None:
    """Measure a model part by part, and write each result down as soon as it is there.

    What `out` already holds of the same model stays; what it holds of another model does not.

    Args:
        classifier: a model of faces with the three labels of eyewear.
        parts: of `PARTS`, or a test set of `gafas.datasets.eyewear`, whose opening is recorded in
            the file `OPENINGS` beside `out`.
        out: the file of the results.
        photos: those of the sets, if they were read before.

    Raises:
        DataError: a part is unknown, photos are missing, or the model says other labels.
    """
    _check(classifier, parts)
    photos = photos or Photos()
    for part in parts:
        _log.info("Measuring %s.", part)
        if part in eyewear.TEST_SETS:
            result: object = _open_test_set(classifier, part, record=out.parent / OPENINGS)
        else:
            result = _MEASURES[part](classifier, photos)
        merge_part(out, part, classifier=classifier, result=result)


def merge_part(path: Path, part: str, *, classifier: EyewearClassifier, result: Any) -> None:
    """Write a part's result into a file of results, in place of the one of before."""
    model = describe_model(classifier)
    held = read_json(path, Results) if path.exists() else None
    parts = held.parts if held and held.model.sha256 == model.sha256 else Parts()
    learnt = msgspec.convert(classifier.metadata.get("data"), Learnt | None)
    measured = Measured(**_take(model, ModelFacts), data=learnt)
    parts = dataclasses.replace(parts, **{part: result})
    write_json(path, Results(model=measured, machine=Machine(), parts=parts))


class Photos:
    """The photos to measure on; each is read when it is first asked for."""

    @functools.cached_property
    def split(self) -> Split:
        """The parts of the sets that may be learnt from, as training parts them."""
        plan = SplitPlan()
        return eyewear.part(eyewear.read_material(plan, scales=("full",)), plan)

    @functools.cached_property
    def wild(self) -> tuple[Sample, ...]:
        """Uncropped photos that no weight was learnt from; the threshold was chosen on them too."""
        return _list_portraits(self.split.validation, source=eyewear.WILD)

    @functools.cached_property
    def unseen(self) -> tuple[Sample, ...]:
        """Photos of one person each that no weight was learnt from."""
        return _list_portraits((*self.split.test, *self.split.validation))

    @functools.cached_property
    def tinted(self) -> tuple[Sample, ...]:
        """Lightly tinted lenses that were not learnt from."""
        learnt = {sample.path for sample in self.split.train}
        every = eyewear.read_samples(labels=(TINTED,))
        return tuple(sample for sample in every if sample.path not in learnt)

    def hold_out(self, source: str) -> tuple[Sample, ...]:
        """Return the held-out photos of a set of photos of one person each."""
        return _list_portraits(self.split.test, source=source)

    def list_portraits(self, part: Part) -> tuple[Sample, ...]:
        """Return the photos of one person each of a part."""
        return _list_portraits(getattr(self.split, part))

    def list_scenes(self, part: Part) -> tuple[Scene, ...]:
        """Return the whole photos of a part."""
        paths = {sample.path for sample in getattr(self.split, part)}
        scenes = read_scenes(eyewear.find(), COMPLETE)
        return tuple(scene for scene in scenes if scene.path in paths)


def _list_portraits(samples: Sequence[Sample], *, source: str | None = None) -> tuple[Sample, ...]:
    return tuple(
        sample
        for sample in samples
        if sample.box is None
        and sample.label in EYEWEAR_LABELS
        and source in (None, sample.facts["source"])
    )


def _check(classifier: EyewearClassifier, parts: Sequence[str]) -> None:
    known = (*PARTS, VALIDATED, *eyewear.TEST_SETS)
    unknown = [part for part in parts if part not in known]
    if unknown:
        raise DataError(f"Unknown part {unknown[0]!r}: expected one of {', '.join(known)}.")
    if not speaks_of_eyewear(classifier.labels) or classifier.view != "face":
        raise DataError(
            f"This benchmark is for models of faces that answer {', '.join(EYEWEAR_LABELS)}. "
            f"Received: {classifier!r}. Measure others with `gafas evaluate`."
        )


def _measure_life(classifier: EyewearClassifier, photos: Photos, *, part: Part) -> LifeFigures:
    answers = judge_scenes(Recognizer(classifier), photos.list_scenes(part))
    evaluation = evaluate(classifier, list_rows(answers), name=f"life, {part} part")
    return LifeFigures(**_condense(evaluation), scenes=describe_scenes(answers))


def _measure_held_out(classifier: EyewearClassifier, photos: Photos, *, source: str) -> SetFigures:
    rows = predict_rows(classifier, photos.hold_out(source))
    return SetFigures(**_condense(evaluate(classifier, rows, name=f"{source}, held-out fifth")))


def _measure_wild(classifier: EyewearClassifier, photos: Photos) -> SetFigures:
    rows = predict_rows(classifier, photos.wild)
    return SetFigures(**_condense(evaluate(classifier, rows, name="web, validation part")))


def _measure_cmu(classifier: EyewearClassifier, photos: Photos) -> CmuFigures:
    """Measure photos at full size, by the three labels and by the experiment's question."""
    learnt = (classifier.metadata.get("data") or {}).get("cmu", "none")
    if learnt == "all":
        raise DataError(
            "The model has learnt from all of CMU's photos, so they cannot say what it knows. "
            f"Received: {classifier!r}. Measure one that left people out (split.cmu=fold), or "
            "leave the part cmu out."
        )
    samples = cmu.read_samples(scales=("full",))
    if learnt == "fold":
        plan = SplitPlan()
        _, samples = take_fold(samples, folds=plan.folds, fold=plan.fold, seed=plan.seed)
    rows = predict_rows(classifier, samples)
    left_out = ", people left out" if learnt == "fold" else ""
    evaluation = evaluate(classifier, rows, name=f"cmu, full size{left_out}")
    used = [row for row in rows if not row.error]
    dark = Eyewear.SUNGLASSES
    against_rest = measure_accuracy(
        [(row.sample.label == dark) == (row.predicted == dark) for row in used],
        subjects=[row.sample.subject for row in used],
    )
    return CmuFigures(**_condense(evaluation), sunglasses_against_rest=against_rest)


def _measure_tinted(classifier: EyewearClassifier, photos: Photos) -> Tinted:
    by_source: dict[str, list[Row]] = {}
    rows = predict_rows(classifier, photos.tinted)
    for row in rows:
        by_source.setdefault(row.sample.facts["source"], []).append(row)
    sources = {
        source: describe_answers(by_source[source], labels=classifier.labels)
        for source in sorted(by_source)
    }
    every = describe_answers(rows, labels=classifier.labels)
    return Tinted(**_take(every, Unscored), sources=sources)


def _measure_worse(classifier: EyewearClassifier, photos: Photos) -> Robustness:
    return measure_robustness(classifier, choose_samples(photos.unseen))


def _measure_lenses(classifier: EyewearClassifier, photos: Photos) -> Lenses:
    bare = [sample for sample in photos.hold_out("utkface") if sample.label == Eyewear.NONE]
    return measure_lenses(classifier, choose_samples(bare))


_MEASURES: Final[Mapping[str, Callable[[EyewearClassifier, Photos], object]]] = {
    "life": functools.partial(_measure_life, part="test"),
    VALIDATED: functools.partial(_measure_life, part="validation"),
    "fairface": functools.partial(_measure_held_out, source="fairface"),
    "utkface": functools.partial(_measure_held_out, source="utkface"),
    "web": _measure_wild,
    "cmu": _measure_cmu,
    "tinted": _measure_tinted,
    "robustness": _measure_worse,
    "lenses": _measure_lenses,
}


def _open_test_set(classifier: EyewearClassifier, name: str, *, record: Path) -> OpenedFigures:
    """Open a test set for all to see: an opening that fails halfway has still been one."""
    number = begin_opening(record, name, classifier=classifier)
    labels = (*EYEWEAR_LABELS, TINTED)
    samples = eyewear.read_samples(sets=(name,), labels=labels, for_evaluation=True)
    evaluation = evaluate(classifier, predict_rows(classifier, samples), name=name)
    finish_opening(record, evaluation, number=number)
    return OpenedFigures(**_condense(evaluation), opening=number, tinted=evaluation.tinted)


def _condense(evaluation: Evaluation) -> dict[str, Any]:
    """Return what `SetFigures` needs: an evaluation without what names single photos."""
    data = evaluation.data
    missed = Counter(sorted(photo.label for photo in data.faces_missed))
    photos = data.samples + missed.total()
    return {
        **_take(evaluation, Figures),
        "data": DataCounts(
            data.samples, data.photos, data.subjects, data.sha256, len(data.unreadable)
        ),
        "faces": FacesFound(
            photos, data.samples / photos, wilson(data.samples, photos), dict(missed)
        ),
    }


def _take(value: object, kind: type[Any]) -> dict[str, Any]:
    """Return the fields of a dataclass by name, for one that has more of them."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(kind)}
