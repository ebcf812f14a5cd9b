"""The record of openings of the test sets: whoever looks at one after every change has none."""

import dataclasses
import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gafas.classifier import EyewearClassifier
from gafas.errors import DataError
from gafas.evaluation.evaluate import Evaluation
from gafas.files import read_json, write_json

OPENINGS: Final = "lfw_openings.json"
"""The record's name, beside the results."""


@dataclasses.dataclass(frozen=True, slots=True)
class OpeningResults:
    """The figures of an opening that bars are set on."""

    accuracy: float
    macro_f1: float
    f1: Mapping[str, float | None]
    answered: float
    accuracy_among_given: float | None
    ece: float
    faces_missed: int


@dataclasses.dataclass(frozen=True, slots=True)
class Opening:
    """One opening of a test set; without results where it did not come to its end."""

    set: str
    number: int
    date: str
    model_sha256: str
    results: OpeningResults | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Openings:
    """What the record holds."""

    openings: tuple[Opening, ...]
    schema: int = 1


def read_openings(path: Path) -> tuple[Opening, ...]:
    """Read the record; there is none before the first opening.

    Raises:
        DataError: the file is no such record.
    """
    if not path.exists():
        return ()
    try:
        return read_json(path, Openings).openings
    except DataError as error:
        raise DataError(f"{error} This record must never be begun anew.") from error


def begin_opening(path: Path, name: str, *, classifier: EyewearClassifier) -> int:
    """Write down that a model opens a test set, and return the opening's number, from 1.

    It is written before the set is read: an opening that fails halfway has still been one.

    Raises:
        DataError: the record cannot be read, so that nothing may be added to it.
    """
    before = read_openings(path)
    number = 1 + len([opening for opening in before if opening.set == name])
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    opening = Opening(name, number, today, classifier.sha256)
    write_json(path, Openings((*before, opening)))
    return number


def finish_opening(path: Path, evaluation: Evaluation, *, number: int) -> None:
    """Write down what an opening of the set that an evaluation is called by gave."""
    f1 = {label: scores.f1 for label, scores in evaluation.labels.items()}
    results = OpeningResults(
        accuracy=evaluation.accuracy.value,
        macro_f1=evaluation.macro_f1,
        f1={**f1, "any_eyewear": evaluation.any_eyewear.f1 if evaluation.any_eyewear else None},
        answered=evaluation.unsure.answered,
        accuracy_among_given=evaluation.unsure.accuracy,
        ece=evaluation.calibration.ece,
        faces_missed=len(evaluation.data.faces_missed),
    )
    opened = tuple(
        dataclasses.replace(opening, results=results)
        if (opening.set, opening.number) == (evaluation.name, number)
        else opening
        for opening in read_openings(path)
    )
    write_json(path, Openings(opened))
