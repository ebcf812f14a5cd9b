"""No run, however odd, may be told two things that cannot both be so."""

import dataclasses
import math
import random
import re
from collections.abc import Callable
from typing import Any

import pytest

from gafas.evaluation.metrics import wilson
from gafas.report.findings import TOPICS, conclude
from gafas.report.runfolder import Data, Epoch, Run, read_run
from gafas.report.signs import FEW_PHOTOS
from gafas.report.wording import LANGUAGES, Wording, read_catalogue
from run_folders import leaks, make_photos, make_run

RUNS = 6000
GRADES = {"excellent", "good", "fair", "weak"}
CLAIMS = {"above_claim", "at_claim", "below_claim"}
LEAKS = {"leak", "same_people", "near", "near_unknown", "honest", "unknown_people", "unaudited"} | {
    "honest_drawn"
}
CALIBRATIONS = {
    *("calibrated", "uneven", "somewhat_bold", "too_bold", "somewhat_shy", "too_shy"),
    "calibration_unknown",
}
TRENDS = {"diverged", "single", "falling", "no_wiser", "early", "steady", "not_learning"}
ENDS = {"short", "unfinished", "memorising", "flat", "rising"}
GAPS = {
    *("unjudged", "one_label", "unclear", "none", "mild", "strong", "masked", "inverted"),
    "inverted_running",
}
RATES = {
    *("rate_lower", "rate_scheduled", "rate_higher", "rate_decay", "rate_rising", "rate_same"),
    *("rate_diverged", "rate_other", "epochs", "keep_best"),
}
ALTERNATIVES = {
    "performance": (GRADES | {"measured", "one_label", "no_better", "unproven"}, LEAKS, CLAIMS),
    "confusion": (
        CALIBRATIONS,
        {"none", "one_kind", "all_one_way", "one_way", "tied", "both_ways"},
    ),
    "trend": (TRENDS, ENDS),
    "overfitting": (GAPS, {"watched_test", "no_validation", "optimistic_validation"}),
    "next": (
        RATES | {"nothing"},
        {"dropout_more", "dropout_less", "dropout_same", "nothing"},
        {"size_smaller", "size_smaller_dense", "size_larger", "size_same", "nothing"},
    ),
}
"""In each topic, what excludes each other."""

FOES: tuple[tuple[set[str], set[str]], ...] = (
    # few photos, or a test that proves nothing, earn no grade and no judgement
    ({"performance.few_photos", "next.more_photos"}, {f"performance.{g}" for g in GRADES}),
    (
        {"performance.few_photos"},
        {f"confusion.{c}" for c in CALIBRATIONS - {"calibration_unknown"}},
    ),
    (
        {"performance.one_label", "performance.no_better", "performance.unproven"},
        {"performance.baseline", *(f"performance.{c}" for c in CLAIMS)},
    ),
    (
        {"performance.one_label"},
        {"confusion.all_one_way", "confusion.claimed", "next.nothing", "overfitting.none"},
    ),
    ({"performance.leak"}, {"performance.few_people", "overfitting.none", "next.nothing"}),
    ({"performance.same_people", "performance.unknown_people"}, {"performance.few_people"}),
    ({"performance.honest", "performance.near"}, {"next.split", "next.split_photo"}),
    # who does not learn, or has hardly begun, has no curve that ends in some way
    (
        {f"trend.{t}" for t in ("not_learning", "early", "steady", "diverged", "single")},
        {f"trend.{e}" for e in ENDS} | {"next.rate_higher", "next.rate_decay", "next.keep_best"},
    ),
    (
        {"trend.not_learning"},
        {*(f"performance.{g}" for g in GRADES), "next.nothing", "next.size_larger"},
    ),
    ({"trend.diverged"}, {"next.nothing", "next.rate_same"}),
    ({"trend.single", "trend.early", "trend.short"}, {f"next.{r}" for r in RATES - {"epochs"}}),
    ({"next.epochs"}, {"trend.flat", "trend.unfinished", "trend.memorising", "next.size_larger"}),
    ({"next.epochs"}, {"next.dropout_less"}),
    # more epochs are asked for, or they are not
    ({"trend.unfinished"}, {"overfitting.strong", "next.keep_best", "next.rate_decay"}),
    ({"trend.unfinished"}, {"next.dropout_more", "next.size_larger", "next.rate_same"}),
    ({"trend.memorising", "trend.flat", "trend.rising"}, {"next.rate_higher"}),
    ({"trend.kept_best"}, {"next.keep_best"}),
    # what holds more back and what lets go
    ({"next.dropout_more"}, {f"overfitting.{g}" for g in GAPS - {"strong"}} | {"next.size_larger"}),
    ({"next.dropout_less"}, {f"overfitting.{g}" for g in GAPS - {"inverted"}}),
    ({"overfitting.strong"}, {"next.dropout_same", "next.size_larger"}),
    ({"next.nothing"}, {f"next.{r}" for r in RATES} | {"next.faces", "next.more_photos"}),
    ({"next.nothing"}, {"trend.restless"}),
)
"""Findings that cannot stand together, whichever of the one side with whichever of the other."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("run")
    samples = make_photos(folder / "photos")
    return read_run(make_run(folder / "seed", samples, audit=leaks(len(samples))))


def make_history(dice: random.Random) -> tuple[Epoch, ...]:
    """Make a history: of one epoch or many; falling, flat, jumping, rising or gone astray."""
    length = dice.choice([1, 2, 4, 5, 6, 7, 15, 30, 60])
    shapes: dict[str, Callable[[int], float]] = {
        "falling": lambda n: 0.7 / (1 + n),
        "crawling": lambda n: 0.69 - 0.0001 * n,
        "flat": lambda n: 0.69,
        "late": lambda n: 0.7 / (1 + min(n, 5)),
        "rising": lambda n: 0.2 + 0.02 * n,
        "spoilt": lambda n: 0.7 / (1 + n) if n < 0.7 * length else 0.5,
        "jumping": lambda n: 0.3 if n % 2 else 0.9,
        "lost": lambda n: 0.7 if n < length - 1 else math.nan,
        "zero": lambda n: 0.0,
    }
    train = shapes[dice.choice(sorted(shapes))]
    watched = shapes.get(dice.choice(["none", *sorted(shapes)]))
    first, last, right = (dice.choice([0.3, 0.5, 0.8, 0.9, 0.99, 1.0]) for _ in range(3))
    return tuple(
        Epoch(
            loss=train(n),
            accuracy=first + (last - first) * n / max(1, length - 1),
            val_loss=watched(n) if watched else None,
            val_accuracy=right if watched else None,
            learning_rate=1e-3,
        )
        for n in range(length)
    )


def make_evaluation(base: Run, dice: random.Random) -> dict[str, Any]:
    """Make a test: of a handful of photos or many, of one label or more, right or wrong."""
    total = dice.choice([1, 2, 5, 24, 99, 100, 400, 3000])
    first = min(total, dice.choice([0, 1, total // 10, total // 3, total // 2, total]))
    names = ["glasses", "no_glasses", "other"][: dice.choice([2, 2, 3])]
    supports = [first, total - first, 0]
    counts = [[0] * len(names) for _ in names]
    for row in range(len(names)):
        wrong = dice.choice([0, 0, 1, 2, supports[row] // 20, supports[row] // 2, supports[row]])
        wrong = min(wrong, supports[row])
        counts[row][row] = supports[row] - wrong
        split = dice.choice([0, wrong, wrong // 3]) if len(names) == 3 else 0
        counts[row][(row + 1) % len(names)] += wrong - split
        counts[row][(row + 2) % len(names)] += split
    correct = sum(counts[row][row] for row in range(len(names)))
    row = next(iter(base.evaluation["labels"].values()))
    labels = {name: {**row, "support": n} for name, n in zip(names, supports, strict=False)}
    bins = [{"count": total, "confidence": dice.uniform(0.5, 1), "accuracy": correct / total}]
    if dice.random() < 0.3:
        bins[0]["confidence"] = correct / total
    return {
        **base.evaluation,
        "accuracy": {
            "value": correct / total,
            "correct": correct,
            "total": total,
            "wilson": wilson(correct, total),
            "bootstrap_subjects": dice.choice([None, [correct / total] * 2, [0.2, 1.0]]),
        },
        "labels": labels,
        "confusion": {"labels": names, "counts": counts},
        "calibration": {"ece": dice.choice([0.0, 0.05, 0.3]), "bins": bins},
        "data": {
            **base.evaluation["data"],
            "photos": total,
            "subjects": dice.choice([None, 1, 4, 20]),
        },
        "slices": dice.choice([[], base.evaluation["slices"]]),
        "leaks": None,
    }


def make_audit(dice: random.Random) -> dict[str, Any] | None:
    if dice.random() < 0.1:
        return None
    photo, subject, near = (dice.choice([0.0, 0.0, 0.5]) for _ in range(3))
    found = leaks(40, photo=photo, subject=subject)
    found["near_duplicate"] = round(40 * near)
    return {**found, "subjects_known": dice.random() < 0.5}


def make_odd_run(base: Run, seed: int) -> Run:
    """Make up a run; the same seed makes the same."""
    dice = random.Random(seed)
    recipe = {key: dict(v) if isinstance(v, dict) else v for key, v in base.recipe.items()}
    recipe["optimization"]["keep"] = dice.choice(["last", "best"])
    recipe["optimization"]["schedule"] = dice.choice(["constant", "cosine"])
    recipe["network"]["dropout"] = dice.choice([0.0, 0.3, 0.7])
    recipe["network"]["twins"] = dice.choice([[], [], ["other/model.keras"]])
    recipe["augmentation"] = dice.choice([recipe["augmentation"], {}])
    test = base.split["test"]
    validation = dice.choice([[], test, ["yan/yan_up_sad_open.pgm"]])
    train = [f"{n}.pgm" for n in range(dice.choice([8, 2000]))]
    layer = {"name": "one", "type": dice.choice(["Dense", "Conv2D"])}
    layer["parameters"] = dice.choice([10_000, 200_000, 6_000_000])
    return dataclasses.replace(
        base,
        data=Data(kind=dice.choice(["cmu", "drawn", "eyewear", "own"])),
        recipe=recipe,
        split={"train": train, "validation": validation, "test": test, "leaks": make_audit(dice)},
        history=make_history(dice),
        evaluation=make_evaluation(base, dice),
        network=(layer,),
    )


def name_findings(run: Run) -> list[str]:
    return [f"{finding.topic}.{finding.choice}" for finding in conclude(run)]


def test_no_two_findings_of_a_run_contradict_each_other(base: Run) -> None:
    for seed in range(RUNS):
        found = name_findings(make_odd_run(base, seed))
        assert len(found) == len(set(found)), seed
        for topic in TOPICS:
            said = {name.partition(".")[2] for name in found if name.startswith(f"{topic}.")}
            assert said, (seed, topic)
            for choices in ALTERNATIVES[topic]:
                assert len(said & choices) <= 1, (seed, said & choices)
        for ones, others in FOES:
            both = bool(ones & set(found) and others & set(found))
            assert not both, (seed, (ones | others) & set(found))


def test_what_is_said_of_a_run_is_so(base: Run) -> None:
    for seed in range(RUNS):
        run = make_odd_run(base, seed)
        found = set(name_findings(run))
        correct, total = (run.evaluation["accuracy"][key] for key in ("correct", "total"))
        assert ("confusion.none" in found) == (correct == total), seed
        assert ("performance.few_photos" in found) == (total < FEW_PHOTOS), seed
        if not run.is_original:
            assert not found & {"confusion.claimed", *(f"performance.{c}" for c in CLAIMS)}, seed
        if not run.subjects_known:
            assert not found & {"performance.honest", "performance.near", "next.split"}, seed
        if run.is_drawn or not run.subjects_known:
            assert "performance.honest" not in found, seed
        if len(run.history) == 1:
            assert not found & {"trend.not_learning", "trend.falling"}, seed
        if not run.validation_losses or run.watches_test:
            assert "next.keep_best" not in found, seed
        if run.history[-1].val_accuracy is None or run.watches_test:
            assert "overfitting.optimistic_validation" not in found, seed
        if run.data.kind != "own":
            assert "next.faces" not in found, seed


def test_every_sentence_is_reached_by_some_run_and_can_be_said(base: Run) -> None:
    """Without it the tests above would prove nothing of a sentence."""
    keys = {key for key in read_catalogue("en") if re.match(r"conclusions\.(?!topics)\w+\.", key)}
    found = {f.key: f for seed in range(RUNS) for f in conclude(make_odd_run(base, seed))}
    assert keys - set(found) == set()
    for language in LANGUAGES:
        for finding in found.values():
            assert "{" not in Wording(language).say(finding.key, finding.values)


def test_a_loss_that_is_no_number_is_not_written_as_one(base: Run) -> None:
    for seed in range(300):
        for finding in conclude(make_odd_run(base, seed)):
            assert "nan" not in re.findall(r"\w+", Wording("en").say(finding.key, finding.values))
