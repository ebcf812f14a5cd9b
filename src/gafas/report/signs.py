"""The original's claims, and the signs in a run's numbers that conclusions rest on."""

import math
import statistics
from collections.abc import Mapping
from typing import Any, Literal

from gafas.report.runfolder import Run

CLAIMED_EPOCHS = 100
CLAIMED_LOSS, CLAIMED_ACCURACY = 0.3614, 0.8323
CLAIMED_VAL_LOSS, CLAIMED_VAL_ACCURACY = 0.2152, 0.9013
CLAIMED_CONFUSION = ((0.82, 0.18), (0.0, 1.0))
"""What the original reports after its last epoch; confusion by row: glasses, no_glasses."""

FEW_PHOTOS = 100
"""Of fewer test photos the interval is so wide that no grade means anything."""

GOOD_FIT = 0.85
"""A training accuracy from which on a network knows its training part."""

Leak = Literal["unaudited", "photo", "subject", "near", "near_unknown", "clean", "clean_photos"]
"""What an audit of the split found, the gravest thing alone."""

Trend = Literal["diverged", "single", "falling", "no_wiser", "early", "steady", "not_learning"]
"""How the training loss went from the first epoch to the last."""

End = Literal["short", "unfinished", "memorising", "flat", "rising"]
"""How the training loss went in the last epochs."""

Gap = Literal["unjudged", "one_label", "unclear", "none", "mild", "strong", "masked", "inverted"]
"""How the test part compares with the training part."""

_SMALL_GAP, _LARGE_GAP = 0.03, 0.10
_LEAST_FALL = 0.01  # a loss that fell by a smaller share from first to last has not fallen
_STILL_MOVING = 0.03  # by such a share, from one tenth of the epochs to the next
_RESTLESS = 0.25  # deviation of the last validation losses, as a share of their mean
_RESTLESS_LEAST = 0.02  # and of nothing smaller: near zero every loss swings by a share
_SMALLEST_SLICE = 10


def judge_leak(run: Run) -> Leak:
    """Say what may have been learnt of the test part, as far as the audit can tell."""
    if run.leaks is None:
        return "unaudited"
    if run.leak_share("same_photo"):
        return "photo"
    if run.leak_share("same_subject"):
        return "subject"
    if run.leak_share("near_duplicate"):
        return "near" if run.subjects_known else "near_unknown"
    return "clean" if run.subjects_known else "clean_photos"


def is_few(run: Run) -> bool:
    """Tell whether the test part holds too few photos to say much."""
    return int(run.evaluation["data"]["photos"]) < FEW_PHOTOS


def find_commonest(run: Run) -> tuple[str, float]:
    """Return the label that the test part holds most of, and its share, 0–1."""
    support = {name: row["support"] for name, row in run.evaluation["labels"].items()}
    label = max(support, key=lambda name: support[name])
    return label, support[label] / max(1, sum(support.values()))


def has_one_label(run: Run) -> bool:
    """Tell whether the test part holds samples of one label alone, so that it proves little."""
    return find_commonest(run)[1] == 1


def pick_interval(accuracy: Mapping[str, Any]) -> tuple[float, float]:
    """Return the interval by subjects where there is one, else Wilson's, which is narrower.

    Where everybody was answered alike, subjects drawn anew tell nothing, and Wilson's counts.
    """
    low, high = accuracy.get("bootstrap_subjects") or accuracy["wilson"]
    if low == high:
        low, high = accuracy["wilson"]
    return float(low), float(high)


def find_weakest_slice(run: Run) -> Mapping[str, Any] | None:
    """Return the slice with the lowest accuracy, of those large enough to mean something."""
    overall = run.evaluation["accuracy"]["value"]
    slices = [
        s
        for s in run.evaluation["slices"]
        if s["samples"] >= _SMALLEST_SLICE and s["accuracy"] < overall
    ]
    return min(slices, key=lambda s: (s["accuracy"], -s["samples"]), default=None)


def count_confusions(run: Run) -> list[tuple[int, str, str]]:
    """Return (how many, truth, predicted) for every kind of mistake made, the commonest first."""
    labels, counts = run.labels, run.evaluation["confusion"]["counts"]
    made = [
        (int(counts[row][column]), truth, predicted)
        for row, truth in enumerate(labels)
        for column, predicted in enumerate(labels)
        if row != column and counts[row][column]
    ]
    return sorted(made, key=lambda mistake: -mistake[0])


def find_generalisation_gap(run: Run) -> float:
    """Return how much worse than the training part the test part is; negative if better.

    Measured on the kept epoch's training accuracy, which augmentation and dropout push down.
    """
    kept = run.history[run.kept_epoch - 1]
    return float(kept.accuracy - run.evaluation["accuracy"]["value"])


def judge_gap(run: Run) -> Gap:
    """Judge the gap between training and test; chance is held against every difference."""
    if judge_trend(run) == "diverged" and not run.is_chosen:
        return "unjudged"
    if has_one_label(run):
        return "one_label"
    gap = find_generalisation_gap(run)
    low, high = pick_interval(run.evaluation["accuracy"])
    # The interval's end may be the measured value itself, but for a rounding.
    chance = low < run.history[run.kept_epoch - 1].accuracy < high
    if judge_leak(run) == "photo" and (gap <= _SMALL_GAP or chance):
        return "masked"
    if abs(gap) <= _SMALL_GAP:
        return "none"
    if chance:
        return "unclear"
    if gap < 0:
        return "inverted"
    return "strong" if gap > _LARGE_GAP else "mild"


def judge_trend(run: Run) -> Trend:
    """Judge whether the network learnt its training part."""
    first, last = run.history[0], run.history[-1]
    if not all(math.isfinite(epoch.loss) for epoch in run.history):
        return "diverged"
    if len(run.history) == 1:
        return "single"
    if last.loss < (1 - _LEAST_FALL) * first.loss:
        learnt = last.accuracy > first.accuracy or last.accuracy >= GOOD_FIT
        return "falling" if learnt else "no_wiser"
    # Who begins with weights that know the answer has nothing left to learn.
    if last.accuracy >= GOOD_FIT or _beats_guessing(run):
        return "steady"
    return "early" if len(run.history) < 2 * _count_tenth(run) else "not_learning"


def judge_end(run: Run) -> End | None:
    """Judge the last epochs of a training whose loss fell; None for any other."""
    if judge_trend(run) not in ("falling", "no_wiser"):
        return None
    losses = [epoch.loss for epoch in run.history]
    tenth = _count_tenth(run)
    if len(losses) < 2 * tenth:
        return "short"
    before = statistics.fmean(losses[-2 * tenth : -tenth])
    after = statistics.fmean(losses[-tenth:])
    if after > (1 + _STILL_MOVING) * before:
        return "rising"
    if after >= (1 - _STILL_MOVING) * before:
        return "flat"
    stale = find_best_epoch(run) <= len(losses) - tenth
    return "memorising" if stale or judge_gap(run) == "strong" else "unfinished"


def find_best_epoch(run: Run) -> int:
    """Return the epoch with the lowest validation loss, from 1; the last if none was measured."""
    return min(run.validation_losses)[1] if run.validation_losses else len(run.history)


def is_restless(run: Run) -> bool:
    """Tell whether the validation loss jumped about in the last epochs, ten at most."""
    # Of a short training only the last third: before that the loss is still falling, not jumping.
    window = min(10, len(run.history) // 3)
    losses = [e.val_loss for e in run.history[-window:] if e.val_loss is not None]
    if len(losses) < 5 or not all(map(math.isfinite, losses)):
        return False
    swing = statistics.stdev(losses)
    return swing > _RESTLESS_LEAST and swing > _RESTLESS * statistics.fmean(losses)


def _count_tenth(run: Run) -> int:
    return max(3, len(run.history) // 10)


def _beats_guessing(run: Run) -> bool:
    """Tell whether the test is passed better than by one and the same answer, chance aside."""
    return pick_interval(run.evaluation["accuracy"])[0] > find_commonest(run)[1]
