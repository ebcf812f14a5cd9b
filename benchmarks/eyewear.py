"""Measure a model of eyewear on every set that it has not learnt from, and write it all down."""

import datetime
import functools
import json
import logging
import platform
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.robustness import choose_samples, measure_lenses, measure_robustness
from gafas.classifier import EyewearClassifier
from gafas.datasets import cmu, eyewear
from gafas.datasets.samples import EYEWEAR_LABELS, TINTED, Sample
from gafas.datasets.splits import Split
from gafas.errors import DataError
from gafas.evaluation.breakdowns import describe_answers, speaks_of_eyewear
from gafas.evaluation.evaluate import Evaluation, evaluate, evaluate_rows, predict_unlabelled
from gafas.evaluation.metrics import accuracy, round_floats, wilson
from gafas.evaluation.predictions import Row, describe_model, predict_rows
from gafas.files import read_json, write_text
from gafas.labels import Eyewear
from gafas.recognizer import count_cores
from gafas.training.run import read_run_recipe, read_run_split


def answer_folds(runs: Sequence[Path]) -> tuple[list[Row], list[dict[str, Any]]]:
    """Let every run answer for the people whom it has not met.

    Args:
        runs: of recipes of faces with `split.cmu = "fold"`, one for each fold.

    Returns:
        The answers, and of every run the model's hash, whom it was measured on, and its epochs.

    Raises:
        DataError: a folder is no run, photos are missing, or two runs leave out the same person.
    """
    rows: list[Row] = []
    models: list[dict[str, Any]] = []
    everybody: list[str] = []
    for run in runs:
        classifier = EyewearClassifier(run / "model.onnx")
        recipe = read_run_recipe(run)
        # What a run learnt from may have been declared unclear since.
        labels = (*eyewear.LEARNT, eyewear.UNCLEAR)
        material = eyewear.read_material(recipe.split, scales=recipe.input.scales, labels=labels)
        split, _ = read_run_split(run, material)
        rows += predict_rows(classifier, split.test)
        people = sorted({s.subject for s in split.test if s.subject})
        everybody += people
        models.append(
            {"sha256": classifier.sha256, "people": people, "epochs": recipe.optimization.epochs}
        )
    if len(set(everybody)) < len(everybody) or not everybody:
        raise DataError(
            "Runs that leave CMU people out must each leave out others. Received runs that were "
            f"measured on {', '.join(everybody) or 'nobody'}. Name one run for each fold."
        )
    return rows, models


def begin_opening(path: Path, name: str, *, classifier: EyewearClassifier) -> int:
    """Write down that a model opens a test set, and return the opening's number, from 1.

    It is written before the set is read: an opening that fails halfway has still been one.

    Args:
        path: the record, made if it is not there.
        name: of the test set.
        classifier: the model that opens it.

    Raises:
        DataError: the record cannot be read, so that nothing may be added to it.
        OSError: it cannot be written.
    """
    openings = read_openings(path)
    number = 1 + len([opening for opening in openings if opening["set"] == name])
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    about = {"set": name, "number": number, "date": today, "model_sha256": classifier.sha256}
    _write(path, [*openings, {**about, "results": None}])
    return number


def finish_opening(path: Path, name: str, *, number: int, results: Mapping[str, Any]) -> None:
    """Write down what an opening gave."""
    openings = read_openings(path)
    for opening in openings:
        if (opening["set"], opening["number"]) == (name, number):
            opening["results"] = dict(results)
    _write(path, openings)


def read_openings(path: Path) -> list[dict[str, Any]]:
    """Read the record; there is none before the first opening.

    Returns:
        For each opening `set`, `number`, `date`, `model_sha256` and `results`, which are None if
        it did not come to its end.

    Raises:
        DataError: the file is no such record.
    """
    if not path.exists():
        return []
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("openings"), list):
        raise DataError(
            f"{path} is no record of openings: expected a JSON object with 'openings'. Restore it: "
            "it must never be begun anew."
        )
    return list(content["openings"])


def _write(path: Path, openings: list[dict[str, Any]]) -> None:
    content = {"schema": 1, "openings": openings}
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


PARTS: Final = ("utkface", "web", "cmu", "tinted", "robustness", "lenses")
"""What is measured unless somebody says otherwise, in the order in which it is shown."""

OPENINGS: Final = "lfw_openings.json"
"""The record of openings of the test sets, beside the results."""

_DROPPED = ("schema", "model", "mistakes", "examples", "leaks", "per_photo_full_size", "tinted")

_log = logging.getLogger(__name__)


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


def measure_parts(
    classifier: EyewearClassifier, parts: Sequence[str], *, out: Path, photos: Photos | None = None
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
            result = _open_test_set(classifier, part, record=out.parent / OPENINGS)
        else:
            result = _MEASURES[part](classifier, photos)
        merge_part(out, part, classifier=classifier, result=result)


def merge_part(
    path: Path, part: str, *, classifier: EyewearClassifier, result: Mapping[str, Any]
) -> None:
    """Write a part's result into a file of results, in place of the one of before."""
    held = read_json(path) if path.exists() else {}
    same = held.get("model", {}).get("sha256") == classifier.sha256
    parts = {**(held["parts"] if same else {}), part: round_floats(result)}
    order = (*eyewear.TEST_SETS, *PARTS)
    content = {
        "schema": 1,
        "model": {**describe_model(classifier), "data": classifier.metadata.get("data")},
        "machine": {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "cpu_count": count_cores(),
        },
        "parts": {name: parts[name] for name in order if name in parts},
    }
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


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


def _measure_held_out(classifier: EyewearClassifier, photos: Photos) -> dict[str, Any]:
    return _condense(evaluate(classifier, photos.split.test, name="utkface, held-out fifth"))


def _measure_wild(classifier: EyewearClassifier, photos: Photos) -> dict[str, Any]:
    return _condense(evaluate(classifier, photos.wild, name="web, validation part"))


def _measure_cmu(classifier: EyewearClassifier, photos: Photos) -> dict[str, Any]:
    """Measure all photos at full size, by the three labels and by the experiment's question."""
    models: list[dict[str, Any]] = []
    if photos.cmu_runs:
        rows, models = answer_folds(photos.cmu_runs)
        evaluation = evaluate_rows(classifier, rows, name="cmu, full size, people left out")
    else:
        evaluation = evaluate(classifier, cmu.read_samples(scales=("full",)), name="cmu, full size")
    dark = np.array([row.sample.label == Eyewear.SUNGLASSES for row in evaluation.rows])
    told = np.array([row.predicted == Eyewear.SUNGLASSES for row in evaluation.rows])
    people = [row.sample.subject for row in evaluation.rows]
    against_rest = accuracy(dark == told, subjects=people)
    return {**_condense(evaluation), "sunglasses_against_rest": against_rest, "models": models}


def _measure_tinted(classifier: EyewearClassifier, photos: Photos) -> dict[str, Any]:
    return _describe_tinted(predict_unlabelled(classifier, photos.tinted), classifier)


def _measure_worse(classifier: EyewearClassifier, photos: Photos) -> dict[str, Any]:
    return measure_robustness(classifier, choose_samples(photos.unseen))


def _measure_lenses(classifier: EyewearClassifier, photos: Photos) -> dict[str, Any]:
    bare = [sample for sample in photos.split.test if sample.label == Eyewear.NONE]
    return measure_lenses(classifier, choose_samples(bare))


_MEASURES: Final[Mapping[str, Callable[[EyewearClassifier, Photos], dict[str, Any]]]] = {
    "utkface": _measure_held_out,
    "web": _measure_wild,
    "cmu": _measure_cmu,
    "tinted": _measure_tinted,
    "robustness": _measure_worse,
    "lenses": _measure_lenses,
}


def _open_test_set(classifier: EyewearClassifier, name: str, *, record: Path) -> dict[str, Any]:
    """Open a test set, once and for all to see: the record comes before the reading."""
    number = begin_opening(record, name, classifier=classifier)
    samples = eyewear.read_samples(
        sets=(name,), labels=(*EYEWEAR_LABELS, TINTED), for_evaluation=True
    )
    evaluation = evaluate(classifier, samples, name=name)
    result = {"opening": number, **_condense(evaluation)}
    if evaluation.report["tinted"]:
        result["tinted"] = evaluation.report["tinted"]
    finish_opening(record, name, number=number, results=_summarise(result))
    return result


def _summarise(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of an opening that bars are set on."""
    f1 = {label: scores["f1"] for label, scores in result["labels"].items()}
    return {
        "accuracy": result["accuracy"]["value"],
        "macro_f1": result["macro_f1"],
        "f1": {**f1, "any_eyewear": result["any_eyewear"]["f1"]},
        "answered": result["unsure"]["answered"],
        "accuracy_among_given": result["unsure"]["accuracy"],
        "ece": result["calibration"]["ece"],
        "faces_missed": sum(result["faces"]["missed"].values()),
    }


def _condense(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation without what names single photos, and with the share of faces found."""
    report = evaluation.report
    data = dict(report["data"])
    missed = Counter(photo["label"] for photo in data.pop("faces_missed"))
    unreadable = len(data.pop("unreadable"))
    found, photos = len(evaluation.rows), len(evaluation.rows) + missed.total()
    faces = {
        "photos": photos,
        "found": found / photos,
        "wilson": wilson(found, photos),
        "missed": dict(sorted(missed.items())),
    }
    kept = {key: value for key, value in report.items() if key not in _DROPPED}
    return {**kept, "data": {**data, "unreadable": unreadable}, "faces": faces}


def _describe_tinted(rows: Sequence[Row], classifier: EyewearClassifier) -> dict[str, Any]:
    labels = classifier.labels
    sources = sorted({row.sample.facts["source"] for row in rows})
    by_source = {
        source: describe_answers(
            [row for row in rows if row.sample.facts["source"] == source], labels=labels
        )
        for source in sources
    }
    return {**describe_answers(rows, labels=labels), "sources": by_source}
