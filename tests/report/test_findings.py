"""Which sentences follow from which numbers."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from gafas.datasets.samples import Sample
from gafas.labels import LANGUAGES, Language
from gafas.report.findings import conclude
from gafas.report.runfolder import Epoch, Run, read_run
from gafas.report.signs import pick_interval
from gafas.report.wording import Wording, read_catalogue
from run_folders import falling, leaks, make_photos, make_run


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return make_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory, samples: list[Sample]) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "seed"
    audit = leaks(len(samples))
    make_run(folder, samples, protocol="by_subject", audit=audit, history=falling(best=0.95))
    run = read_run(folder)
    return with_evaluation(run, {"data": {**run.evaluation["data"], "photos": 400}})


def choices(run: Run) -> set[str]:
    return {f"{finding.topic}.{finding.choice}" for finding in conclude(run)}


def with_accuracy(run: Run, value: float, *, wilson: tuple[float, float]) -> Run:
    total = run.evaluation["accuracy"]["total"]
    accuracy = {"value": value, "correct": round(value * total), "total": total, "wilson": wilson}
    return with_evaluation(run, {"accuracy": accuracy})


def with_evaluation(run: Run, changes: Mapping[str, Any]) -> Run:
    return dataclasses.replace(run, evaluation={**run.evaluation, **changes})


def unlearnt(run: Run) -> Run:
    """Return a run that does no better than guessing."""
    return with_accuracy(run, 0.5, wilson=(0.36, 0.64))


def with_history(
    run: Run, losses: list[float], *, val_losses: list[float], accuracy: float = 0.95
) -> Run:
    epochs = [Epoch(a, accuracy, b, 0.94, 1e-4) for a, b in zip(losses, val_losses, strict=True)]
    return dataclasses.replace(run, history=tuple(epochs))


@pytest.mark.parametrize(
    ("value", "grade"), [(0.995, "excellent"), (0.96, "good"), (0.9, "fair"), (0.7, "weak")]
)
def test_performance_is_graded_by_accuracy(honest: Run, value: float, grade: str) -> None:
    found = choices(with_accuracy(honest, value, wilson=(value - 0.02, value)))
    grades = {"performance." + g for g in ("excellent", "good", "fair", "weak")}
    assert found & grades == {f"performance.{grade}"}


@pytest.mark.parametrize(
    ("wilson", "choice"),
    [((0.91, 0.95), "above_claim"), ((0.88, 0.92), "at_claim"), ((0.8, 0.89), "below_claim")],
)
def test_the_claim_is_beaten_only_where_the_whole_interval_lies_beyond_it(
    honest: Run, wilson: tuple[float, float], choice: str
) -> None:
    found = choices(with_accuracy(honest, sum(wilson) / 2, wilson=wilson))
    assert {c for c in found if c.endswith("_claim")} == {f"performance.{choice}"}


def test_a_leak_is_told_before_anything_is_advised(honest: Run) -> None:
    leaking = with_evaluation(honest, {"leaks": leaks(48, photo=0.95, subject=1.0)})
    assert {"performance.leak", "next.split"} <= choices(leaking)
    assert "performance.honest" not in choices(leaking)
    assert next(f.choice for f in conclude(leaking) if f.topic == "next") == "split"


def test_known_people_without_known_photos_are_told_apart_from_a_leak(honest: Run) -> None:
    run = with_evaluation(honest, {"leaks": leaks(48, subject=1.0)})
    assert "performance.same_people" in choices(run)
    assert not {"performance.leak", "performance.honest", "next.split"} & choices(run)


def test_a_split_is_called_honest_only_where_everybody_is_known(honest: Run) -> None:
    assert "performance.honest" in choices(honest)
    unknown = with_evaluation(honest, {"leaks": {**leaks(48), "subjects_known": False}})
    assert "performance.unknown_people" in choices(unknown)
    assert "performance.honest" not in choices(unknown)


def test_the_weakest_slice_is_the_one_with_the_lowest_accuracy(honest: Run) -> None:
    weakest = next(f for f in conclude(honest) if f.choice.startswith("weakest"))
    assert (weakest.values["fact"], weakest.values["value"]) == ("subject", "ann")


def test_slices_too_small_to_mean_anything_are_passed_over(honest: Run) -> None:
    tiny = {"fact": "pose", "value": "up", "samples": 3, "accuracy": 0.0, "wilson": [0.0, 0.5]}
    assert not any("weakest" in c for c in choices(with_evaluation(honest, {"slices": [tiny]})))


def test_the_commonest_confusion_is_named_with_its_direction(honest: Run) -> None:
    finding = next(f for f in conclude(honest) if f.choice == "all_one_way")
    assert (finding.values["truth"], finding.values["predicted"]) == ("glasses", "no_glasses")
    assert (finding.values["number"], finding.values["support"]) == (3, 24)


def test_mistakes_in_both_directions_are_told_apart_from_those_in_one(honest: Run) -> None:
    for counts, choice in (
        ([[20, 4], [1, 23]], "one_way"),
        ([[20, 4], [3, 21]], "both_ways"),
        ([[20, 4], [4, 20]], "tied"),
        ([[23, 1], [0, 24]], "one_kind"),
    ):
        matrix = {"labels": list(honest.labels), "counts": counts}
        assert f"confusion.{choice}" in choices(with_evaluation(honest, {"confusion": matrix}))


def test_a_test_part_of_few_people_is_told(honest: Run) -> None:
    assert "performance.few_people" in choices(honest)
    many = {**honest.evaluation["data"], "subjects": 20}
    assert "performance.few_people" not in choices(with_evaluation(honest, {"data": many}))


def test_a_slice_is_called_weak_only_where_its_interval_lies_below_that_of_all(honest: Run) -> None:
    part = {"fact": "pose", "value": "up", "samples": 20, "accuracy": 0.5, "wilson": [0.3, 0.7]}
    weak = with_accuracy(with_evaluation(honest, {"slices": [part]}), 0.9, wilson=(0.8, 0.95))
    assert "performance.weakest" in choices(weak)
    unclear = with_accuracy(weak, 0.9, wilson=(0.65, 0.95))
    assert "performance.weakest_unclear" in choices(unclear)


def test_a_short_training_that_still_falls_is_not_called_restless(honest: Run) -> None:
    losses = [1 / (n + 1) for n in range(12)]
    assert "trend.restless" not in choices(with_history(honest, losses, val_losses=losses))


def test_everybody_answered_alike_leaves_wilsons_interval_and_not_an_empty_one() -> None:
    accuracy = {"wilson": [0.56, 1.0], "bootstrap_subjects": [1.0, 1.0]}
    assert pick_interval(accuracy) == (0.56, 1.0)
    assert pick_interval({**accuracy, "bootstrap_subjects": [0.4, 1.0]}) == (0.4, 1.0)


def test_a_faultless_test_says_so(honest: Run) -> None:
    counts = {"labels": list(honest.labels), "counts": [[24, 0], [0, 24]]}
    assert "confusion.none" in choices(with_evaluation(honest, {"confusion": counts}))


@pytest.mark.parametrize(
    ("confidence", "ece", "choice"),
    [
        (0.94, 0.01, "calibrated"),
        (0.99, 0.05, "somewhat_bold"),
        (0.99, 0.2, "too_bold"),
        (0.8, 0.05, "somewhat_shy"),
        (0.7, 0.2, "too_shy"),
        (0.94, 0.06, "uneven"),
    ],
)
def test_calibration_is_judged_by_size_and_side(
    honest: Run, confidence: float, ece: float, choice: str
) -> None:
    bins = [{"low": 0.5, "high": 1.0, "count": 48, "confidence": confidence, "accuracy": 0.94}]
    run = with_evaluation(honest, {"calibration": {"ece": ece, "bins": bins}})
    assert f"confusion.{choice}" in choices(run)


@pytest.mark.parametrize(
    ("accuracy", "choice"), [(0.7, "strong"), (0.88, "mild"), (0.94, "none"), (0.99, "inverted")]
)
def test_overfitting_is_the_gap_between_training_and_test(
    honest: Run, accuracy: float, choice: str
) -> None:
    run = with_accuracy(honest, accuracy, wilson=(accuracy, accuracy))
    assert f"overfitting.{choice}" in choices(run)
    assert ("next.dropout_more" in choices(run)) == (choice == "strong")
    assert ("next.dropout_less" in choices(run)) == (choice == "inverted")


def test_a_small_gap_under_a_leak_is_no_acquittal(honest: Run) -> None:
    run = with_evaluation(honest, {"leaks": leaks(48, photo=0.95, subject=1.0)})
    assert "overfitting.masked" in choices(run)
    assert "overfitting.none" not in choices(run)


def test_a_watched_test_part_is_told(honest: Run) -> None:
    split = {**honest.split, "validation": honest.split["test"]}
    run = dataclasses.replace(honest, split=split)
    assert "overfitting.watched_test" in choices(run)
    assert "overfitting.watched_test" not in choices(honest)


def test_the_trend_is_read_from_the_losses(honest: Run) -> None:
    steady, better = [0.2] * 30, [1 / (n + 1) for n in range(30)]
    still = with_history(honest, better, val_losses=better)
    overdone = with_history(honest, better, val_losses=[0.2 + n / 500 for n in range(30)])
    spoilt = with_history(honest, [*better[:27], *[0.3] * 3], val_losses=steady)
    flat = with_history(honest, [1.0, *[0.2] * 29], val_losses=steady)
    stuck = with_history(unlearnt(honest), [0.7] * 30, val_losses=steady, accuracy=0.5)
    began_well = with_history(honest, [0.1] * 30, val_losses=steady)
    assert {"trend.falling", "trend.unfinished", "next.rate_higher"} <= choices(still)
    assert {"trend.falling", "trend.flat", "next.rate_decay"} <= choices(flat)
    assert {"trend.memorising", "next.keep_best"} <= choices(overdone)
    assert {"trend.rising", "next.rate_rising"} <= choices(spoilt)
    assert {"trend.not_learning", "next.rate_other"} <= choices(stuck)
    assert {"trend.steady", "next.rate_same"} <= choices(began_well)


def test_a_restless_validation_asks_for_a_lower_rate(honest: Run) -> None:
    jumping = [0.2 if n % 2 else 0.6 for n in range(30)]
    run = with_history(honest, [0.2] * 30, val_losses=jumping)
    assert {"trend.restless", "next.rate_lower"} <= choices(run)


def test_the_size_of_the_network_is_judged_by_its_parameters(honest: Run) -> None:
    assert "next.size_smaller_dense" in choices(honest)
    other = dataclasses.replace(honest, network=({"name": "a", "parameters": 2_000_000},))
    assert "next.size_smaller" in choices(other)
    much = {**other.split, "train": ["a.jpg"] * 30_000}
    assert "next.size_same" in choices(dataclasses.replace(other, split=much))
    small = dataclasses.replace(honest, network=({"name": "a", "parameters": 122_000},))
    assert "next.size_same" in choices(small)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_can_be_said(honest: Run, language: Language) -> None:
    words, found = Wording(language), conclude(honest)
    assert len(found) > 8
    for finding in found:
        assert "{" not in words.say(finding.key, finding.values)


def test_every_sentence_of_the_conclusions_is_one_that_the_code_can_choose() -> None:
    """A sentence that nothing chooses would be a dead one."""
    from importlib import resources

    folder = resources.files("gafas.report")
    modules = ("findings.py", "signs.py")
    source = "".join(folder.joinpath(name).read_text("utf-8") for name in modules)
    keys = [k.split(".") for k in read_catalogue("en") if k.startswith("conclusions.")]
    chosen = [k[2] for k in keys if len(k) == 3 and k[1] != "topics"]
    assert len(chosen) > 30
    built = {"somewhat_bold", "somewhat_shy", "too_bold", "too_shy"}
    built |= {"dropout_more", "dropout_less", "dropout_same"}
    assert [c for c in chosen if f'"{c}"' not in source and c not in built] == []
