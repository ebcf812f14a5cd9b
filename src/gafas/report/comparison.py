"""Claimed, rerun with its leak, and honest: the same measure side by side."""

import dataclasses
import hashlib
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from gafas.errors import DataError
from gafas.report.runfolder import Run, read_json
from gafas.report.signs import CLAIMED_VAL_ACCURACY, Leak, judge_leak, pick_interval

Kind = Literal["claimed", "leak", "people", "unaudited", "strangers", "honest"]

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


_BY_LEAK: Mapping[Leak, Kind] = {
    "unaudited": "unaudited",
    "photo": "leak",
    "subject": "people",
    "near": "honest",
    "near_unknown": "strangers",
    "clean": "honest",
    "clean_photos": "strangers",
}
"""What a run's figure is worth, by what its audit found."""

CMU = "cmu"
"""The data of the claim, and of the benchmark of the experiment."""


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """One figure of the comparison.

    Attributes:
        recipe, protocol: what was trained, and how samples were parted; the claim has neither.
        kind: claimed; leak (test photos seen at another size); people (other photos of people
            seen); unaudited (nobody looked); strangers (photos of whom is not known); honest
            (people never seen).
        accuracy, low, high: shares 0–1; the interval is by subjects where there is one, else
            Wilson's.
        full_size: accuracy on photos at full size alone, or None.
        last_ten_epochs: mean of the last ten epochs on the part that was watched, or None.
        correct, total: counts behind the accuracy, or None for the claim.
        trainings, seconds, parameters: how many trainings, time of one, weights; None if unknown.
        data: what tells the data from others.
        settings: what tells two recipes of one name apart; their split does not count.
        drawn: whether it was measured on drawn people, not on photographs.
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
    data: str = CMU
    settings: str = ""
    drawn: bool = False

    @property
    def group(self) -> tuple[str, str, str]:
        """What may be compared: figures of equal group differ in nothing but the exam."""
        return self.data, self.recipe, self.settings


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
            "Run `make benchmark` to write it anew."
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


def measure_run(run: Run) -> Measured:
    """Return a run's own figure; what its audit found decides its kind."""
    accuracy = run.evaluation["accuracy"]
    low, high = pick_interval(accuracy)
    full = run.evaluation.get("per_photo_full_size")
    seconds = run.environment.get("seconds")
    return Measured(
        recipe=run.recipe["name"],
        protocol=run.protocol,
        kind=_BY_LEAK[judge_leak(run)],
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
        data=run.data.identity or f"unknown:{run.folder}",
        settings=_hash_settings(run.recipe),
        drawn=run.is_drawn,
    )


def _hash_settings(recipe: Mapping[str, Any]) -> str:
    chosen = {key: value for key, value in recipe.items() if key not in ("name", "split")}
    return hashlib.sha256(json.dumps(chosen, sort_keys=True, default=str).encode()).hexdigest()


def _average_last_ten(run: Run) -> float | None:
    values = [e.val_accuracy for e in run.history[-10:] if e.val_accuracy is not None]
    return statistics.fmean(values) if values else None


def find_measured(rows: Sequence[Measured], kind: Kind) -> Measured | None:
    """Return the last row of a kind, which is the strictest one, or None."""
    return next((row for row in reversed(rows) if row.kind == kind), None)


def group_measured(rows: Sequence[Measured]) -> list[tuple[Measured, ...]]:
    """Put together, in the order of the rows, those that may be compared; the claim aside."""
    groups: dict[tuple[str, str, str], list[Measured]] = {}
    for row in rows:
        if row.kind != "claimed":
            groups.setdefault(row.group, []).append(row)
    return [tuple(group) for group in groups.values()]
