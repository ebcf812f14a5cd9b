"""What follows from a run's numbers, as the names of sentences and the values that fill them.

Nothing here is worded: a `Finding` names a sentence of the catalogues. The thresholds that choose
between sentences stand at the top, and in `signs`, because they are opinions. No two findings of
one run may contradict each other: what several of them rest on is judged once, in `signs`.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from gafas.report import signs
from gafas.report.runfolder import Run
from gafas.report.signs import CLAIMED_CONFUSION, CLAIMED_VAL_ACCURACY

Topic = Literal["performance", "confusion", "trend", "overfitting", "next"]
TOPICS: tuple[Topic, ...] = ("performance", "confusion", "trend", "overfitting", "next")

_EXCELLENT, _GOOD, _FAIR = 0.99, 0.95, 0.85
_CALIBRATED, _MISCALIBRATED = 0.03, 0.08
_LEVEL = 0.01  # stated and reached accuracy are the same, as far as anybody cares
_ONE_WAY = 0.75
_FEW_PEOPLE = 4
_HEAVY_DROPOUT = 0.5
_LARGE_NETWORK, _SMALL_NETWORK = 1_000_000, 50_000
_MANY_WEIGHTS = 100  # for each sample that is learnt from


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
    label, share = signs.find_commonest(run)
    ends = signs.pick_interval(accuracy)
    values = {**accuracy, "label": label, "share": share, "interval": ends}
    grade = _grade(run, share=share)
    graded = grade not in ("one_label", "no_better", "unproven")
    yield Finding("performance", grade, values)
    if graded:
        yield Finding("performance", "baseline", values)
    if signs.is_few(run):
        photos = run.evaluation["data"]["photos"]
        yield Finding("performance", "few_photos", {"photos": photos, "interval": ends})
    if run.is_original and graded:
        yield _compare_with_claim(ends)
    yield from _judge_leak(run)
    weakest = signs.find_weakest_slice(run)
    if weakest:
        clear = weakest["wilson"][1] < accuracy["wilson"][0]
        choice = "weakest" if clear else "weakest_unclear"
        yield Finding("performance", choice, {**weakest, "slice": weakest})


def _grade(run: Run, *, share: float) -> str:
    """Grade a test; one that a single answer to everything passes as well earns no grade."""
    value = run.evaluation["accuracy"]["value"]
    if signs.has_one_label(run):
        return "one_label"
    if value <= share:
        return "no_better"
    if signs.pick_interval(run.evaluation["accuracy"])[0] <= share:
        return "unproven"
    if signs.is_few(run):
        return "measured"
    grades = {"excellent": _EXCELLENT, "good": _GOOD, "fair": _FAIR}
    return next((grade for grade, least in grades.items() if value >= least), "weak")


def _compare_with_claim(interval: tuple[float, float]) -> Finding:
    low, high = interval
    choice = "at_claim"
    if low > CLAIMED_VAL_ACCURACY:
        choice = "above_claim"
    elif high < CLAIMED_VAL_ACCURACY:
        choice = "below_claim"
    return Finding("performance", choice, {"claimed": CLAIMED_VAL_ACCURACY, "interval": interval})


_LEAKS: Mapping[signs.Leak, tuple[str, str]] = {
    "unaudited": ("unaudited", ""),
    "photo": ("leak", "same_photo"),
    "subject": ("same_people", "same_subject"),
    "near": ("near", "near_duplicate"),
    "near_unknown": ("near_unknown", "near_duplicate"),
    "clean": ("honest", ""),
    "clean_photos": ("unknown_people", ""),
}
"""What is said of each leak, and the share that it is said with."""


def _judge_leak(run: Run) -> Iterator[Finding]:
    found = signs.judge_leak(run)
    choice, kind = _LEAKS[found]
    if choice == "honest" and run.is_drawn:
        choice = "honest_drawn"
    yield Finding("performance", choice, {"share": run.leak_share(kind)} if kind else {})
    people = run.evaluation["data"]["subjects"]
    if found in ("clean", "near") and people and people <= _FEW_PEOPLE:
        yield Finding("performance", "few_people", {"people": people})


def _judge_confusion(run: Run) -> Iterator[Finding]:
    made = signs.count_confusions(run)
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
        yield Finding("confusion", _judge_direction(run, [count for count, _, _ in made]), values)
    if run.is_original and not signs.has_one_label(run):
        missed = CLAIMED_CONFUSION[0][1]
        yield Finding("confusion", "claimed", {"missed": missed})
    yield _judge_calibration(run)


def _judge_direction(run: Run, counts: list[int]) -> str:
    """Say how one-sided mistakes are, by how many there are of each kind, the commonest first."""
    if len(counts) == 1:
        trivial = counts[0] == 1 or signs.has_one_label(run)
        return "one_kind" if trivial else "all_one_way"
    if counts[0] == counts[1]:
        return "tied"
    return "one_way" if counts[0] / sum(counts) > _ONE_WAY else "both_ways"


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
    if signs.is_few(run):
        return Finding("confusion", "calibration_unknown", values)
    if ece < _CALIBRATED:
        return Finding("confusion", "calibrated", values)
    if abs(confidence - values["accuracy"]) < _LEVEL:
        return Finding("confusion", "uneven", values)
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
    yield Finding("trend", signs.judge_trend(run), values)
    end = signs.judge_end(run)
    if end:
        yield Finding("trend", end, values)
    if run.is_chosen and not run.is_averaged and run.kept_epoch < len(run.history):
        yield Finding("trend", "kept_best", values)
    if signs.is_restless(run):
        yield Finding("trend", "restless", {})


def _judge_overfitting(run: Run) -> Iterator[Finding]:
    kept, accuracy = run.history[run.kept_epoch - 1], run.evaluation["accuracy"]
    gap = signs.judge_gap(run)
    values = {
        "gap": signs.find_generalisation_gap(run),
        "training": kept.accuracy,
        "test": accuracy["value"],
        "interval": signs.pick_interval(accuracy),
        "share": run.leak_share("same_photo"),
    }
    eased = gap == "inverted" and (_is_brief(run) or not _is_hampered(run))
    yield Finding("overfitting", "inverted_running" if eased else gap, values)
    if gap in ("unjudged", "one_label"):
        return
    if run.watches_test:
        yield Finding("overfitting", "watched_test", {})
    elif kept.val_accuracy is None:
        yield Finding("overfitting", "no_validation", {})
    elif kept.val_accuracy > values["interval"][1]:
        ahead = kept.val_accuracy - accuracy["value"]
        found = {"validation": kept.val_accuracy, "gap": ahead}
        yield Finding("overfitting", "optimistic_validation", found)


def _is_brief(run: Run) -> bool:
    """Tell whether there were too few epochs to see where the training leads."""
    return signs.judge_trend(run) in ("single", "early") or signs.judge_end(run) == "short"


def _is_hampered(run: Run) -> bool:
    """Tell whether training images are altered, or neurons dropped, so that training is harder."""
    plan = run.recipe.get("augmentation", {})
    idle = ("clear", "dark")
    return bool(run.recipe["network"]["dropout"]) or any(
        value for name, value in plan.items() if name not in idle
    )


def _advise(run: Run) -> Iterator[Finding]:
    leak, few = signs.judge_leak(run), signs.is_few(run)
    value = run.evaluation["accuracy"]["value"]
    parts = {"learnt": len(run.split["train"]), "tested": len(run.split["test"])}
    if leak == "photo":
        yield Finding("next", "split" if run.subjects_known else "split_photo", {})
    if few:
        yield Finding("next", "more_photos", parts)
    whole = run.recipe["input"].get("view", "photo") == "photo"
    if run.data.kind == "own" and whole and (few or value < _GOOD):
        yield Finding("next", "faces", {})
    if value == 1 and not few and leak != "photo" and _is_settled(run):
        yield Finding("next", "nothing", {})
        return
    yield _advise_rate(run)
    yield _advise_dropout(run)
    yield _advise_size(run, learnt=parts["learnt"])


def _is_settled(run: Run) -> bool:
    """Tell whether the training itself gives no reason to change anything."""
    astray = signs.judge_trend(run) in ("diverged", "not_learning")
    return not astray and not signs.is_restless(run) and not signs.has_one_label(run)


def _advise_rate(run: Run) -> Finding:
    values = {
        "rate": run.recipe["optimization"]["learning_rate"],
        "epochs": len(run.history),
    }
    trend, end = signs.judge_trend(run), signs.judge_end(run)
    scheduled = run.recipe["optimization"].get("schedule") == "cosine"
    if trend == "diverged":
        return Finding("next", "rate_diverged", values)
    if _is_brief(run):
        return Finding("next", "epochs", values)
    if trend == "not_learning":
        return Finding("next", "rate_other", values)
    if signs.is_restless(run):
        return Finding("next", "rate_lower", values)
    if end == "rising":
        return Finding("next", "rate_rising", values)
    if end == "memorising" and run.validation_losses and not (run.is_chosen or run.watches_test):
        return Finding("next", "keep_best", values)
    if end == "memorising" or trend == "steady":
        return Finding("next", "rate_same", values)
    if scheduled:
        return Finding("next", "rate_scheduled", values)
    return Finding("next", "rate_higher" if end == "unfinished" else "rate_decay", values)


def _advise_dropout(run: Run) -> Finding:
    dropout, gap = run.recipe["network"]["dropout"], signs.judge_gap(run)
    values = {"dropout": dropout, "gap": signs.find_generalisation_gap(run)}
    if gap == "strong":
        return Finding("next", "dropout_more", values)
    held_back = gap == "inverted" and dropout >= _HEAVY_DROPOUT and not _is_brief(run)
    return Finding("next", "dropout_less" if held_back else "dropout_same", values)


def _advise_size(run: Run, *, learnt: int) -> Finding:
    values = {"parameters": run.parameters, "learnt": learnt}
    if run.parameters > max(_LARGE_NETWORK, _MANY_WEIGHTS * learnt):
        heaviest = max(run.network, key=lambda layer: layer["parameters"])
        dense = heaviest.get("type") == "Dense" and 2 * heaviest["parameters"] > run.parameters
        return Finding("next", "size_smaller_dense" if dense else "size_smaller", values)
    fits = run.history[-1].accuracy >= signs.GOOD_FIT
    settled = signs.judge_end(run) == "flat" and signs.judge_gap(run) != "strong"
    if run.parameters < _SMALL_NETWORK and not fits and settled:
        return Finding("next", "size_larger", values)
    return Finding("next", "size_same", values)
