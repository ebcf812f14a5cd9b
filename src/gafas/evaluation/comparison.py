"""Claimed, rerun with its leak, and honest: the same measure side by side."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from gafas.errors import DataError
from gafas.evaluation.runfolder import EYEWEAR_PARTS, Run, read_json
from gafas.evaluation.signs import CLAIMED_VAL_ACCURACY

Kind = Literal["claimed", "leak", "people", "strangers", "honest"]

_KINDS: Mapping[str, Kind] = {
    "by_file": "leak",
    "by_photo": "people",
    "all": "people",
    "straightrnd": "people",
    "eyewear": "strangers",
    "by_subject": "honest",
    "by_subject_5": "honest",
    "leave_one_subject_out": "honest",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """One figure of the comparison.

    Attributes:
        recipe, protocol: what was trained, and how samples were parted; the claim has neither.
        kind: claimed; leak (test photos seen at another size); people (other photos of people
            seen); strangers (other photos, of whom is not known); honest (people never seen).
        accuracy, low, high: shares 0–1; the interval is by subjects where there is one, else
            Wilson's.
        full_size: accuracy on photos at full size alone, or None.
        last_ten_epochs: mean of the last ten epochs on the part that was watched, or None.
        correct, total: counts behind the accuracy, or None for the claim.
        trainings, seconds, parameters: how many trainings, time of one, weights; None if unknown.
    """

    recipe: str
    protocol: str
    kind: Kind
    accuracy: float
    low: float | None = None
    high: float | None = None
    full_size: float | None = None
    last_ten_epochs: float | None = None
    correct: int | None = None
    total: int | None = None
    trainings: int | None = None
    seconds: float | None = None
    parameters: int | None = None


CLAIM = Measured(recipe="", protocol="", kind="claimed", accuracy=CLAIMED_VAL_ACCURACY)


def read_benchmark(path: Path) -> tuple[Measured, ...]:
    """Read the figures of a benchmark file, in its order.

    Raises:
        DataError: it is missing, or does not hold what `gafas benchmark` writes.
    """
    try:
        return tuple(_read_entry(entry) for entry in read_json(path)["entries"])
    except (KeyError, TypeError, IndexError) as error:
        raise DataError(
            f"{path} is not a benchmark: {error!r} is missing or of the wrong kind. "
            "Run `gafas benchmark cmu` to write it anew."
        ) from error


def _read_entry(entry: Mapping[str, Any]) -> Measured:
    protocol = str(entry["protocol"])
    low, high = pick_interval(entry["accuracy"])
    full = entry.get("full_size")
    return Measured(
        recipe=entry["recipe"],
        protocol=protocol,
        kind=_KINDS[protocol],
        accuracy=entry["accuracy"]["value"],
        low=low,
        high=high,
        full_size=full["value"] if full else None,
        last_ten_epochs=entry.get("last_ten_epochs"),
        correct=entry["accuracy"]["correct"],
        total=entry["accuracy"]["total"],
        trainings=entry.get("trainings"),
        seconds=entry.get("seconds_per_training"),
        parameters=entry.get("parameters"),
    )


def pick_interval(accuracy: Mapping[str, Any]) -> tuple[float, float]:
    """Return the interval by subjects where there is one, else Wilson's, which is narrower."""
    low, high = accuracy.get("bootstrap_subjects") or accuracy["wilson"]
    return float(low), float(high)


def measure_run(run: Run) -> Measured:
    """Return a run's own figure; what its audit found decides its kind, else its protocol."""
    accuracy = run.evaluation["accuracy"]
    low, high = pick_interval(accuracy)
    full = run.evaluation.get("per_photo_full_size")
    seconds = run.environment.get("seconds")
    return Measured(
        recipe=run.recipe["name"],
        protocol=run.protocol,
        kind=_judge_kind(run),
        accuracy=accuracy["value"],
        low=low,
        high=high,
        full_size=full["value"] if full else None,
        last_ten_epochs=_average_last_ten(run) if run.watches_test else None,
        correct=accuracy["correct"],
        total=accuracy["total"],
        trainings=1,
        seconds=None if seconds is None else float(seconds),
        parameters=run.parameters,
    )


def _judge_kind(run: Run) -> Kind:
    if run.leaks is None:
        return _KINDS.get(run.protocol, "people")
    if run.leak_share("same_photo"):
        return "leak"
    if run.protocol == EYEWEAR_PARTS:
        return "strangers"
    strangers = run.subjects_known and not run.leak_share("same_subject")
    return "honest" if strangers else "people"


def _average_last_ten(run: Run) -> float | None:
    values = [e.val_accuracy for e in run.history[-10:] if e.val_accuracy is not None]
    return statistics.fmean(values) if values else None


def find_measured(
    rows: Sequence[Measured], kind: Kind, *, recipe: str | None = None
) -> Measured | None:
    """Return the last row of a kind (of a recipe), which is the strictest one, or None."""
    found = [r for r in rows if r.kind == kind and recipe in (None, r.recipe)]
    return found[-1] if found else None
