"""The original's claims, and the signs in a run's numbers that conclusions rest on."""

import statistics
from collections.abc import Mapping
from typing import Any

from gafas.evaluation.runfolder import Run

CLAIMED_EPOCHS = 100
CLAIMED_LOSS, CLAIMED_ACCURACY = 0.3614, 0.8323
CLAIMED_VAL_LOSS, CLAIMED_VAL_ACCURACY = 0.2152, 0.9013
CLAIMED_CONFUSION = ((0.82, 0.18), (0.0, 1.0))
"""What the original reports after its last epoch; confusion by row: glasses, no_glasses."""

_STILL_FALLING = 0.03  # by such a share, from one tenth of the epochs to the next
_RESTLESS = 0.25  # deviation of the last validation losses, as a share of their mean
_SMALLEST_SLICE = 10


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


def is_still_falling(run: Run) -> bool:
    """Tell whether the training loss was still going down when training ended."""
    losses = [epoch.loss for epoch in run.history]
    tenth = max(3, len(losses) // 10)
    if len(losses) < 2 * tenth:
        return True
    before, after = losses[-2 * tenth : -tenth], losses[-tenth:]
    return statistics.fmean(after) < (1 - _STILL_FALLING) * statistics.fmean(before)


def is_restless(run: Run) -> bool:
    """Tell whether the validation loss jumped about in the last epochs, ten at most."""
    # Of a short training only the last third: before that the loss is still falling, not jumping.
    window = min(10, len(run.history) // 3)
    losses = [e.val_loss for e in run.history[-window:] if e.val_loss is not None]
    if len(losses) < 5:
        return False
    return statistics.stdev(losses) > _RESTLESS * statistics.fmean(losses)
