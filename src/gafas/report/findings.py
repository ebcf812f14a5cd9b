"""What follows from a run's numbers, as the names of sentences and the values that fill them.

Nothing here is worded: a `Finding` names a sentence of the catalogues. No sentence grades or
advises; where chance explains a difference as well, the sentence says so.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Literal

from gafas.datasets.leaks import LeakReport
from gafas.evaluation.breakdowns import Slice
from gafas.evaluation.evaluate import Evaluation
from gafas.training.run import Run

CLAIMED_EPOCHS = 100
CLAIMED_LOSS, CLAIMED_ACCURACY = 0.3614, 0.8323
CLAIMED_VAL_LOSS, CLAIMED_VAL_ACCURACY = 0.2152, 0.9013
CLAIMED_CONFUSION = ((0.82, 0.18), (0.0, 1.0))
"""What the original reports after its last epoch; confusion by row: glasses, no_glasses."""

LeakKind = Literal["same_photo", "same_subject", "near_duplicate", "any"]
"""In which way a test sample leaks, as `LeakReport` counts it."""

Leak = Literal["unaudited", "photo", "subject", "near", "clean"]
"""What an audit of the split found, the gravest thing alone."""

_SMALLEST_SLICE = 10  # samples; of fewer the lowest share is chance's


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One sentence that the numbers support: its key in the catalogues, and its values."""

    key: str
    values: Mapping[str, object]


def conclude(run: Run, evaluation: Evaluation) -> tuple[Finding, ...]:
    """Choose the sentences that a run's numbers support, in the order in which they read well."""
    found = (
        *_tell_accuracy(run, evaluation),
        *_find_lowest(evaluation),
        _tell_calibration(evaluation),
        *_tell_trend(run),
        *_tell_gap(run, evaluation),
    )
    return tuple(Finding(f"conclusions.{one.key}", one.values) for one in found)


def tell_leak(run: Run, evaluation: Evaluation) -> Finding:
    """Choose the sentence on what may have been learnt of a run's test part."""
    found, leaks = judge_leak(run.parts.leaks), run.parts.leaks
    kinds: Mapping[Leak, LeakKind] = {
        "photo": "same_photo",
        "subject": "same_subject",
        "near": "near_duplicate",
    }
    values: dict[str, object] = {"name": run.name, "people": evaluation.data.subjects}
    if leaks and found in kinds:
        values["share"] = share_leaks(leaks, kinds[found])
    named = found == "clean" and leaks and leaks.subjects_known and evaluation.data.subjects
    return Finding(f"leaks.{'clean_people' if named else found}", values)


def judge_leak(leaks: LeakReport | None) -> Leak:
    """Say what may have been learnt of the test part, as far as the audit can tell."""
    if leaks is None:
        return "unaudited"
    if leaks.same_photo:
        return "photo"
    if leaks.same_subject:
        return "subject"
    return "near" if leaks.near_duplicate else "clean"


def share_leaks(leaks: LeakReport, kind: LeakKind) -> float:
    """Return the share of test samples that leak in one way, 0–1."""
    count: int = getattr(leaks, kind)
    return count / leaks.test if leaks.test else 0.0


def has_diverged(run: Run) -> bool:
    """Tell whether the training loss stopped being a number."""
    return not all(math.isfinite(epoch.loss) for epoch in run.history)


def _has_one_label(evaluation: Evaluation) -> bool:
    return sum(1 for scores in evaluation.labels.values() if scores.support) == 1


def _tell_accuracy(run: Run, evaluation: Evaluation) -> Iterator[Finding]:
    accuracy = evaluation.accuracy
    support = {label: scores.support for label, scores in evaluation.labels.items()}
    commonest = max(support, key=lambda label: support[label])
    share = support[commonest] / max(1, accuracy.total)
    values = {
        "value": accuracy.value,
        "correct": accuracy.correct,
        "total": accuracy.total,
        "interval": accuracy.interval,
        "label": commonest,
        "share": share,
    }
    if _has_one_label(evaluation):
        yield Finding("one_label", values)
        return
    yield Finding("accuracy" if accuracy.interval.low > share else "unproven", values)
    if run.is_original:
        yield Finding("claim", {"claimed": CLAIMED_VAL_ACCURACY})


def _find_lowest(evaluation: Evaluation) -> Iterator[Finding]:
    low = [
        part
        for part in evaluation.slices
        if part.samples >= _SMALLEST_SLICE and part.accuracy < evaluation.accuracy.value
    ]
    if low:
        lowest: Slice = min(low, key=lambda part: (part.accuracy, -part.samples))
        yield Finding("lowest", {"slice": lowest, **dataclasses.asdict(lowest)})


def _tell_calibration(evaluation: Evaluation) -> Finding:
    calibration = evaluation.calibration
    total = sum(b.count for b in calibration.bins)
    stated = sum(b.count * b.confidence for b in calibration.bins if b.confidence is not None)
    right = evaluation.accuracy.value
    values = {"ece": calibration.ece, "confidence": stated / max(1, total), "accuracy": right}
    return Finding("calibration", values)


def _tell_trend(run: Run) -> Iterator[Finding]:
    first, last, epochs = run.history[0], run.history[-1], len(run.history)
    if has_diverged(run):
        yield Finding("diverged", {"epochs": epochs})
    elif epochs > 1:
        values = {
            "epochs": epochs,
            "first_loss": first.loss,
            "last_loss": last.loss,
            "first_accuracy": first.accuracy,
            "last_accuracy": last.accuracy,
        }
        yield Finding("trend", values)


def _tell_gap(run: Run, evaluation: Evaluation) -> Iterator[Finding]:
    """Compare the test with the training part, whose accuracy augmentation and dropout lower."""
    if has_diverged(run) or _has_one_label(evaluation):
        return
    training, accuracy = run.history[-1].accuracy, evaluation.accuracy
    leaks, (low, high) = run.parts.leaks, accuracy.interval
    values = {
        "training": training,
        "test": accuracy.value,
        "interval": accuracy.interval,
        "gap": training - accuracy.value,
    }
    if low <= training <= high:
        yield Finding("gap_within", values)
    else:
        yield Finding("gap_below" if training > high else "gap_above", values)
    if leaks and leaks.same_photo:
        yield Finding("gap_masked", {"share": share_leaks(leaks, "same_photo")})
