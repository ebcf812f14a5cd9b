"""Claimed, rerun with its leak, and honest: the same measure side by side."""

import dataclasses
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from gafas.evaluation.evaluate import Evaluation
from gafas.evaluation.metrics import Accuracy, Interval
from gafas.files import read_json
from gafas.report.figures import Bar, draw_bars
from gafas.report.findings import CLAIMED_VAL_ACCURACY, Finding, judge_leak
from gafas.report.wording import Wording
from gafas.training.recipe import Recipe
from gafas.training.run import Run

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
        accuracy: the share of right answers, 0–1.
        counted: what stands behind it, or None for the claim.
        full_size: accuracy on photos at full size alone, or None.
        last_ten_epochs: mean of the last ten epochs on the part that was watched, or None.
        trainings, seconds, parameters: how many trainings, time of one, weights; None if unknown.
        data: what tells the data from others.
        settings: the recipe but for its split, where known: of other data or other settings,
            figures do not compare.
        drawn: whether it was measured on drawn people, not on photographs.
    """

    recipe: str
    protocol: str
    kind: Kind
    accuracy: float
    counted: Accuracy | None = None
    full_size: float | None = None
    last_ten_epochs: float | None = None
    trainings: int | None = None
    seconds: float | None = None
    parameters: int | None = None
    data: str = CMU
    settings: Recipe | None = None
    drawn: bool = False

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval, by subjects where there is one, else Wilson's; None for the claim."""
        return self.counted.interval if self.counted else None


CLAIM = Measured(recipe="", protocol="", kind="claimed", accuracy=CLAIMED_VAL_ACCURACY)


@dataclasses.dataclass(frozen=True, slots=True)
class _Entry:
    """What is read of an entry of `benchmarks/cmu.json`."""

    recipe: str
    protocol: str
    accuracy: Accuracy
    full_size: Accuracy | None = None
    last_ten_epochs: float | None = None
    trainings: int | None = None
    seconds_per_training: float | None = None
    parameters: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class _Benchmark:
    entries: tuple[_Entry, ...]


def read_benchmark(path: Path) -> tuple[Measured, ...]:
    """Read the figures of the benchmark of the experiment, in the order of its file.

    Raises:
        DataError: it is missing, or does not hold what `make benchmark` writes.
    """
    return tuple(
        Measured(
            recipe=entry.recipe,
            protocol=entry.protocol,
            kind=_KINDS.get(entry.protocol, "unaudited"),
            accuracy=entry.accuracy.value,
            counted=entry.accuracy,
            full_size=entry.full_size.value if entry.full_size else None,
            last_ten_epochs=entry.last_ten_epochs,
            trainings=entry.trainings,
            seconds=entry.seconds_per_training,
            parameters=entry.parameters,
        )
        for entry in read_json(path, _Benchmark).entries
    )


def measure_run(run: Run, evaluation: Evaluation) -> Measured:
    """Return a run's own figure; what its audit found decides its kind."""
    full, data = evaluation.per_photo_full_size, run.data
    seconds = run.environment.get("seconds")
    own = f"{data.kind}:{data.path or run.folder}"
    return Measured(
        recipe=run.recipe.name,
        protocol=run.parts.name,
        kind=_judge_kind(run),
        accuracy=evaluation.accuracy.value,
        counted=evaluation.accuracy,
        full_size=full.value if full else None,
        last_ten_epochs=_average_last_ten(run) if run.parts.watches_test else None,
        trainings=1,
        seconds=None if isinstance(seconds, str) else seconds,
        parameters=run.parameters,
        data=data.kind if data.kind in (CMU, "eyewear") else own,
        settings=dataclasses.replace(run.recipe, split=Recipe().split),
        drawn=run.is_drawn,
    )


def _judge_kind(run: Run) -> Kind:
    found, leaks = judge_leak(run.parts.leaks), run.parts.leaks
    clean: Kind = "honest" if leaks and leaks.subjects_known else "strangers"
    grave: Mapping[str, Kind] = {"unaudited": "unaudited", "photo": "leak", "subject": "people"}
    return grave.get(found, clean)


def _average_last_ten(run: Run) -> float | None:
    values = [e.val_accuracy for e in run.history[-10:] if e.val_accuracy is not None]
    return statistics.fmean(values) if values else None


def compare_exams(measured: Sequence[Measured]) -> Iterator[Finding]:
    """Yield a sentence for all that may be compared and has a leaking and an honest figure.

    Of several of a kind the last, which is the strictest, counts.
    """
    groups: dict[object, dict[Kind, Measured]] = {}
    for row in measured:
        groups.setdefault((row.data, row.recipe, row.settings), {})[row.kind] = row
    for kinds in groups.values():
        leak, honest = kinds.get("leak"), kinds.get("honest")
        if leak and honest:
            values = {
                "recipe": leak.recipe,
                "leak": leak.accuracy,
                "honest": honest.accuracy,
                "interval": honest.interval,
            }
            yield Finding("comparison.exams_drawn" if leak.drawn else "comparison.exams", values)


def draw_measured(measured: Sequence[Measured], words: Wording) -> str:
    """Draw every figure of the comparison as a bar."""
    bars = [
        Bar(
            name_measured(m, words, brief=True),
            m.accuracy,
            words.percent(m.accuracy),
            interval=m.interval,
            kind=m.kind,
        )
        for m in measured
    ]
    return draw_bars(bars, share=words.whole, label=words.plain("words.accuracy"))


def name_measured(measured: Measured, words: Wording, *, brief: bool = False) -> str:
    """Say in a few words where a figure of the comparison comes from; `brief` for a bar's name."""
    if measured.kind == "claimed":
        return words.plain("comparison.claim_row")
    name = f"{measured.recipe}, {words.name('protocols', measured.protocol)}"
    mark = words.plain("words.drawn_brief" if brief else "words.drawn")
    return f"{name} ({mark})" if measured.drawn else name
