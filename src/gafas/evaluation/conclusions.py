"""What follows from a run's numbers, as the names of sentences and the values that fill them.

Nothing here is worded: a `Finding` names a sentence of the catalogues. The thresholds that choose
between sentences stand at the top, because they are opinions.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from gafas.evaluation.runfolder import Run
from gafas.evaluation.signs import (
    CLAIMED_CONFUSION,
    CLAIMED_VAL_ACCURACY,
    count_confusions,
    find_generalisation_gap,
    find_weakest_slice,
    is_restless,
    is_still_falling,
)

Topic = Literal["performance", "confusion", "trend", "overfitting", "next"]
TOPICS: tuple[Topic, ...] = ("performance", "confusion", "trend", "overfitting", "next")

_EXCELLENT, _GOOD, _FAIR = 0.99, 0.95, 0.85
_SMALL_GAP, _LARGE_GAP = 0.03, 0.10
_CALIBRATED, _MISCALIBRATED = 0.03, 0.08
_ONE_WAY = 0.75
_FEW_PEOPLE = 4
_HEAVY_DROPOUT = 0.5
_LARGE_NETWORK, _SMALL_NETWORK = 1_000_000, 50_000


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One sentence that the numbers support: `conclusions.<topic>.<choice>` and its values."""

    topic: Topic
    choice: str
    values: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The sentence's key in the catalogues."""
        return f"conclusions.{self.topic}.{self.choice}"


def conclude(run: Run) -> tuple[Finding, ...]:
    """Choose the sentences that a run's numbers support, in the order in which they read well."""
    return (
        *_judge_performance(run),
        *_judge_confusion(run),
        *_judge_trend(run),
        *_judge_overfitting(run),
        *_advise(run),
    )


def _judge_performance(run: Run) -> Iterator[Finding]:
    accuracy = run.evaluation["accuracy"]
    value = accuracy["value"]
    grade = (
        "excellent"
        if value >= _EXCELLENT
        else "good"
        if value >= _GOOD
        else "fair"
        if value >= _FAIR
        else "weak"
    )
    yield Finding("performance", grade, accuracy)
    support = {k: v["support"] for k, v in run.evaluation["labels"].items()}
    label = max(support, key=lambda name: support[name])
    share = support[label] / max(1, sum(support.values()))
    yield Finding("performance", "baseline", {"label": label, "share": share})
    if run.is_original:
        yield _compare_with_claim(run)
    leak = run.leak_share("same_photo")
    if leak:
        yield Finding("performance", "leak", {"share": leak})
    elif run.leak_share("same_subject"):
        share = run.leak_share("same_subject")
        yield Finding("performance", "same_people", {"share": share})
    elif run.leaks is not None:
        choice = "honest" if run.subjects_known else "unknown_people"
        yield Finding("performance", choice, {})
    people = run.evaluation["data"]["subjects"]
    if people and people <= _FEW_PEOPLE:
        yield Finding("performance", "few_people", {"people": people})
    weakest = find_weakest_slice(run)
    if weakest:
        clear = weakest["wilson"][1] < accuracy["wilson"][0]
        choice = "weakest" if clear else "weakest_unclear"
        yield Finding("performance", choice, {**weakest, "slice": weakest})


def _compare_with_claim(run: Run) -> Finding:
    low, high = run.evaluation["accuracy"]["wilson"]
    choice = "at_claim"
    if low > CLAIMED_VAL_ACCURACY:
        choice = "above_claim"
    elif high < CLAIMED_VAL_ACCURACY:
        choice = "below_claim"
    values = {"claimed": CLAIMED_VAL_ACCURACY, "interval": (low, high)}
    return Finding("performance", choice, values)


def _judge_confusion(run: Run) -> Iterator[Finding]:
    made = count_confusions(run)
    if not made:
        yield Finding("confusion", "none", {"total": run.evaluation["accuracy"]["total"]})
    else:
        number, truth, predicted = made[0]
        support = run.evaluation["labels"][truth]["support"]
        mistakes = sum(count for count, _, _ in made)
        values = {
            "number": number,
            "truth": truth,
            "predicted": predicted,
            "support": support,
            "share": number / max(1, support),
            "mistakes": mistakes,
        }
        yield Finding("confusion", _judge_direction(number / mistakes), values)
    if run.is_original:
        missed = CLAIMED_CONFUSION[0][1]
        yield Finding("confusion", "claimed", {"missed": missed})
    yield _judge_calibration(run)


def _judge_direction(share: float) -> str:
    """Say how one-sided mistakes are, by the share of the commonest kind."""
    if share == 1:
        return "all_one_way"
    return "one_way" if share > _ONE_WAY else "both_ways"


def _judge_calibration(run: Run) -> Finding:
    bins = [b for b in run.evaluation["calibration"]["bins"] if b["count"]]
    total = sum(b["count"] for b in bins) or 1
    confidence = sum(b["count"] * b["confidence"] for b in bins) / total
    ece = run.evaluation["calibration"]["ece"]
    values = {
        "ece": ece,
        "confidence": confidence,
        "accuracy": run.evaluation["accuracy"]["value"],
    }
    if ece < _CALIBRATED:
        return Finding("confusion", "calibrated", values)
    side = "bold" if confidence > values["accuracy"] else "shy"
    return Finding("confusion", f"{'too' if ece > _MISCALIBRATED else 'somewhat'}_{side}", values)


def _judge_trend(run: Run) -> Iterator[Finding]:
    first, last = run.history[0], run.history[-1]
    values = {
        "epochs": len(run.history),
        "first_loss": first.loss,
        "last_loss": last.loss,
        "first_accuracy": first.accuracy,
        "last_accuracy": last.accuracy,
        "kept": run.kept_epoch,
    }
    yield Finding("trend", "falling" if last.loss < first.loss else "not_learning", values)
    yield Finding("trend", "unfinished" if is_still_falling(run) else "flat", values)
    if run.kept_epoch < len(run.history):
        yield Finding("trend", "kept_best", values)
    if is_restless(run):
        yield Finding("trend", "restless", {})


def _judge_overfitting(run: Run) -> Iterator[Finding]:
    kept, gap = run.history[run.kept_epoch - 1], find_generalisation_gap(run)
    values = {"gap": gap, "training": kept.accuracy, "test": run.evaluation["accuracy"]["value"]}
    if gap > _SMALL_GAP:
        yield Finding("overfitting", "strong" if gap > _LARGE_GAP else "mild", values)
    elif run.leak_share("same_photo"):
        yield Finding("overfitting", "masked", values | {"share": run.leak_share("same_photo")})
    elif gap < -_SMALL_GAP:
        yield Finding("overfitting", "inverted", values)
    else:
        yield Finding("overfitting", "none", values)
    if run.watches_test:
        yield Finding("overfitting", "watched_test", {})
    elif kept.val_accuracy is None:
        yield Finding("overfitting", "no_validation", {})
    elif kept.val_accuracy - values["test"] > _SMALL_GAP:
        gap = kept.val_accuracy - values["test"]
        yield Finding(
            "overfitting", "optimistic_validation", {"validation": kept.val_accuracy, "gap": gap}
        )


def _advise(run: Run) -> Iterator[Finding]:
    gap = find_generalisation_gap(run)
    if run.leak_share("same_photo"):
        yield Finding("next", "split", {})
    yield _advise_rate(run)
    dropout = run.recipe["network"]["dropout"]
    held_back = gap < -_SMALL_GAP and dropout >= _HEAVY_DROPOUT
    choice = "more" if gap > _LARGE_GAP else "less" if held_back else "same"
    yield Finding("next", f"dropout_{choice}", {"dropout": dropout, "gap": gap})
    size = {"parameters": run.parameters}
    if run.parameters > _LARGE_NETWORK:
        yield Finding("next", "size_smaller", size)
    elif run.parameters < _SMALL_NETWORK and run.history[-1].accuracy < _FAIR:
        yield Finding("next", "size_larger", size)
    else:
        yield Finding("next", "size_same", size)


def _advise_rate(run: Run) -> Finding:
    values = {"rate": run.recipe["optimization"]["learning_rate"]}
    if is_restless(run):
        return Finding("next", "rate_lower", values)
    if run.recipe["optimization"].get("schedule") == "cosine":
        return Finding("next", "rate_scheduled", values)
    return Finding("next", "rate_higher" if is_still_falling(run) else "rate_decay", values)
