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
"""Claimed; test photos seen at another size; other photos of people seen; nobody looked; photos of
whom is not known; people never seen."""

_KINDS: Mapping[str, Kind] = {
    "by_file": "leak",
    "by_photo": "people",
    "all": "people",
    "straightrnd": "people",
    "by_subject_5": "honest",
    "leave_one_subject_out": "honest",
}
"""What the protocols of the benchmark measure."""

CMU = "cmu"
"""The data of the claim, and of the benchmark of the experiment."""


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """One figure of the comparison, as `benchmarks/cmu.json` holds those of the benchmark.

    Attributes:
        recipe, protocol: what was trained, and how samples were parted; the claim has neither.
        accuracy: None for the claim, of which the share alone is known.
        full_size: the same on photos at full size alone.
        last_ten_epochs: mean of the last ten epochs on the part that was watched.
        trainings, seconds_per_training, parameters: None if unknown.
        kind: what is measured.
        data: what tells the data from others.
        settings: the recipe but for its split, where known: of other data or other settings,
            figures do not compare.
        drawn: whether it was measured on drawn people, not on photographs.
    """

    recipe: str
    protocol: str
    accuracy: Accuracy | None
    full_size: Accuracy | None = None
    last_ten_epochs: float | None = None
    trainings: int | None = None
    seconds_per_training: float | None = None
    parameters: int | None = None
    kind: Kind = "claimed"
    data: str = CMU
    settings: Recipe | None = None
    drawn: bool = False

    @property
    def value(self) -> float:
        """The share of right answers, 0–1."""
        return self.accuracy.value if self.accuracy else CLAIMED_VAL_ACCURACY

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval, by subjects where there is one, else Wilson's; None for the claim."""
        return self.accuracy.interval if self.accuracy else None


CLAIM = Measured(recipe="", protocol="", accuracy=None)


@dataclasses.dataclass(frozen=True, slots=True)
class _Benchmark:
    entries: tuple[Measured, ...]


def read_benchmark(path: Path) -> tuple[Measured, ...]:
    """Read the figures of the benchmark of the experiment, in the order of its file.

    Raises:
        DataError: it is missing, or does not hold what `make benchmark` writes.
    """
    entries = read_json(path, _Benchmark).entries
    return tuple(
        dataclasses.replace(entry, kind=_KINDS.get(entry.protocol, "unaudited"))
        for entry in entries
    )


def measure_run(run: Run, evaluation: Evaluation) -> Measured:
    """Return a run's own figure; what its audit found decides its kind."""
    data, seconds = run.data, run.environment.get("seconds")
    own = f"{data.kind}:{data.path or run.folder}"
    return Measured(
        recipe=run.recipe.name,
        protocol=run.parts.name,
        accuracy=evaluation.accuracy,
        full_size=evaluation.per_photo_full_size,
        last_ten_epochs=_average_last_ten(run) if run.parts.watches_test else None,
        trainings=1,
        seconds_per_training=None if isinstance(seconds, str) else seconds,
        parameters=run.parameters,
        kind=_judge_kind(run),
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


def compare_splits(measured: Sequence[Measured]) -> Iterator[Finding]:
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
                "leak": leak.value,
                "honest": honest.value,
                "interval": honest.interval,
            }
            yield Finding("comparison.splits_drawn" if leak.drawn else "comparison.splits", values)


def draw_measured(measured: Sequence[Measured], words: Wording) -> str:
    """Draw every figure of the comparison as a bar."""
    bars = [
        Bar(
            name_measured(m, words, brief=True),
            m.value,
            words.percent(m.value),
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
