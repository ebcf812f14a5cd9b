"""Measure a model of eyewear on every set that it has not learnt from, and write it all down."""

import dataclasses
import functools
import logging
import platform
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

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
from gafas.datasets.splits import Split
from gafas.errors import DataError
from gafas.evaluation.breakdowns import Unscored, describe_answers, speaks_of_eyewear
from gafas.evaluation.evaluate import Evaluation, Figures, ModelFacts, describe_model, evaluate
from gafas.evaluation.metrics import Accuracy, Interval, measure_accuracy, wilson
from gafas.evaluation.predictions import Row, predict_rows
from gafas.files import read_json, write_json
from gafas.labels import Eyewear
from gafas.recognizer import count_cores
from gafas.training.run import read_run_recipe, read_run_split

PARTS: Final = ("utkface", "web", "cmu", "tinted", "robustness", "lenses")
"""What is measured unless somebody says otherwise, in the order in which it is shown."""

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


@dataclasses.dataclass(frozen=True, slots=True)
class FoldModel:
    """A model that answers for the people whom it has not met, and its epochs."""

    sha256: str
    people: tuple[str, ...]
    epochs: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CmuFigures(SetFigures):
    """The figures of the CMU photos, and of the experiment's question: sunglasses or not.

    `models` answer for one that has learnt from these photos; without them it answers itself.
    """

    sunglasses_against_rest: Accuracy
    models: tuple[FoldModel, ...] = ()


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
    utkface: SetFigures | None = None
    web: SetFigures | None = None
    cmu: CmuFigures | None = None
    tinted: Tinted | None = None
    robustness: Robustness | None = None
    lenses: Lenses | None = None

    @property
    def tests(self) -> dict[str, SetFigures]:
        """The sets with figures, by name, in the order of the tables."""
        sets = {"lfw": self.lfw, "web": self.web, "utkface": self.utkface, "cmu": self.cmu}
        return {name: part for name, part in sets.items() if part is not None}


@dataclasses.dataclass(frozen=True, slots=True)
class Learnt:
    """What a model file says of the data it learnt from; numbers are of photos."""

    sha256: str | None = None
    split: str | None = None
    cmu: str | None = None
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
    """The photos to measure on; each is read when it is first asked for.

    `cmu_runs` are runs that each left the people of one fold out (`split.cmu = "fold"`): where the
    model has learnt from the CMU photos, these answer for it, each of its own fold.
    """

    def __init__(self, *, cmu_runs: Sequence[Path] = ()) -> None:
        self.cmu_runs = tuple(cmu_runs)

    @functools.cached_property
    def split(self) -> Split:
        """The parts of the sets that may be learnt from, as training parts them."""
        return eyewear.part(eyewear.read_samples(labels=eyewear.LEARNT))

    @functools.cached_property
    def wild(self) -> tuple[Sample, ...]:
        """Uncropped photos that no weight was learnt from; the threshold was chosen on them too."""
        return tuple(s for s in self.split.validation if s.facts["source"] == eyewear.WILD)

    @functools.cached_property
    def unseen(self) -> tuple[Sample, ...]:
        """All that no weight was learnt from; on the validation part a threshold was chosen."""
        return (*self.split.test, *self.split.validation)

    @functools.cached_property
    def tinted(self) -> tuple[Sample, ...]:
        """Lightly tinted lenses that were not learnt from."""
        learnt = {sample.photo for sample in self.split.train}
        every = eyewear.read_samples(labels=(TINTED,))
        return tuple(sample for sample in every if sample.photo not in learnt)


def _check(classifier: EyewearClassifier, parts: Sequence[str]) -> None:
    known = (*PARTS, *eyewear.TEST_SETS)
    unknown = [part for part in parts if part not in known]
    if unknown:
        raise DataError(f"Unknown part {unknown[0]!r}: expected one of {', '.join(known)}.")
    if not speaks_of_eyewear(classifier.labels) or classifier.view != "face":
        raise DataError(
            f"This benchmark is for models of faces that answer {', '.join(EYEWEAR_LABELS)}. "
            f"Received: {classifier!r}. Measure others with `gafas evaluate`."
        )


def _measure_held_out(classifier: EyewearClassifier, photos: Photos) -> SetFigures:
    rows = predict_rows(classifier, photos.split.test)
    return SetFigures(**_condense(evaluate(classifier, rows, name="utkface, held-out fifth")))


def _measure_wild(classifier: EyewearClassifier, photos: Photos) -> SetFigures:
    rows = predict_rows(classifier, photos.wild)
    return SetFigures(**_condense(evaluate(classifier, rows, name="web, validation part")))


def _measure_cmu(classifier: EyewearClassifier, photos: Photos) -> CmuFigures:
    """Measure all photos at full size, by the three labels and by the experiment's question."""
    models: tuple[FoldModel, ...] = ()
    if photos.cmu_runs:
        rows, models = answer_folds(photos.cmu_runs)
    elif (classifier.metadata.get("data") or {}).get("cmu", "none") != "none":
        raise DataError(
            "The model has learnt from CMU's photos, so they cannot say what it knows. Received: "
            f"{classifier!r} and no run. Name a run for each fold: --cmu-run RUN; or leave cmu "
            "out."
        )
    else:
        rows = predict_rows(classifier, cmu.read_samples(scales=("full",)))
    left_out = ", people left out" if models else ""
    evaluation = evaluate(classifier, rows, name=f"cmu, full size{left_out}")
    used = [row for row in rows if not row.error]
    dark = Eyewear.SUNGLASSES
    against_rest = measure_accuracy(
        [(row.sample.label == dark) == (row.predicted == dark) for row in used],
        subjects=[row.sample.subject for row in used],
    )
    return CmuFigures(**_condense(evaluation), sunglasses_against_rest=against_rest, models=models)


def answer_folds(runs: Sequence[Path]) -> tuple[tuple[Row, ...], tuple[FoldModel, ...]]:
    """Let every run answer for the people whom it has not met.

    Args:
        runs: of recipes of faces with `split.cmu = "fold"`, one for each fold.

    Raises:
        DataError: a folder is no run, photos are missing, or two runs leave out the same person.
    """
    rows: list[Row] = []
    models: list[FoldModel] = []
    for run in runs:
        classifier = EyewearClassifier(run / "model.onnx")
        recipe = read_run_recipe(run)
        # What a run learnt from may have been declared unclear since.
        labels = (*eyewear.LEARNT, eyewear.UNCLEAR)
        material = eyewear.read_material(recipe.split, scales=recipe.input.scales, labels=labels)
        split, _ = read_run_split(run, material)
        rows += predict_rows(classifier, split.test)
        people = tuple(sorted({s.subject for s in split.test if s.subject}))
        models.append(FoldModel(classifier.sha256, people, recipe.optimization.epochs))
    everybody = [person for model in models for person in model.people]
    if len(set(everybody)) < len(everybody) or not everybody:
        raise DataError(
            "Runs that leave CMU people out must each leave out others. Received runs that were "
            f"measured on {', '.join(everybody) or 'nobody'}. Name one run for each fold."
        )
    return tuple(rows), tuple(models)


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
    bare = [sample for sample in photos.split.test if sample.label == Eyewear.NONE]
    return measure_lenses(classifier, choose_samples(bare))


_MEASURES: Final[Mapping[str, Callable[[EyewearClassifier, Photos], object]]] = {
    "utkface": _measure_held_out,
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
