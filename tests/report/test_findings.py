"""Which sentences follow from which numbers."""

import dataclasses
import math
import re
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from gafas.datasets.leaks import LeakReport
from gafas.datasets.samples import Sample
from gafas.evaluation.breakdowns import Slice
from gafas.evaluation.evaluate import Evaluation, read_evaluation
from gafas.evaluation.metrics import Interval, wilson
from gafas.labels import LANGUAGES, Language
from gafas.report.findings import Finding, conclude, tell_leak
from gafas.report.wording import Wording, read_catalogue
from gafas.training.run import Data, Run, read_run
from run_folders import falling, leaks, make_epoch, make_photos, make_run

Told = tuple[Run, Evaluation]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return make_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory, samples: list[Sample]) -> Told:
    folder, audit = tmp_path_factory.mktemp("runs") / "seed", leaks(len(samples))
    make_run(folder, samples, protocol="by_subject", audit=audit, history=falling(best=0.95))
    return read_run(folder), read_evaluation(folder)


def choose(told: Told) -> dict[str, Finding]:
    """Return what is concluded, by its name."""
    found = conclude(*told)
    assert len({one.key for one in found}) == len(found)
    return {one.key.removeprefix("conclusions."): one for one in found}


def rate(told: Told, correct: int, total: int) -> Told:
    accuracy = dataclasses.replace(
        told[1].accuracy,
        value=correct / total,
        correct=correct,
        total=total,
        wilson=wilson(correct, total),
        bootstrap_subjects=None,
    )
    supports = (total // 2, total - total // 2)
    labels = {
        label: dataclasses.replace(scores, support=support)
        for (label, scores), support in zip(told[1].labels.items(), supports, strict=True)
    }
    return told[0], dataclasses.replace(told[1], accuracy=accuracy, labels=labels)


def learn(told: Told, losses: Sequence[float], *, accuracy: float = 0.95) -> Told:
    """Return a run with other training losses."""
    rows = [make_epoch(n, (loss, accuracy, None, None)) for n, loss in enumerate(losses, 1)]
    return dataclasses.replace(told[0], history=tuple(rows)), told[1]


def leak(told: Told, audit: dict[str, Any] | None) -> Told:
    found = None if audit is None else msgspec.convert(audit, LeakReport)
    parts = dataclasses.replace(told[0].parts, leaks=found)
    return dataclasses.replace(told[0], parts=parts), told[1]


def bear_one_label(told: Told) -> Told:
    (first, scores), (other, _) = told[1].labels.items()
    labels = {first: scores, other: dataclasses.replace(scores, support=0)}
    return told[0], dataclasses.replace(told[1], labels=labels)


def test_accuracy_is_told_with_its_interval_and_what_one_answer_to_all_would_score(
    honest: Told,
) -> None:
    found = choose(rate(honest, 190, 200))["accuracy"]
    assert found.values["interval"] == wilson(190, 200)
    assert (found.values["value"], found.values["share"]) == (0.95, 0.5)


@pytest.mark.parametrize("correct", [4, 12, 14])
def test_what_one_answer_to_all_may_score_as_well_is_called_unproven(
    honest: Told, correct: int
) -> None:
    found = choose(rate(honest, correct, 24))
    assert "unproven" in found and "accuracy" not in found


def test_a_test_part_of_one_label_is_compared_with_nothing(honest: Told) -> None:
    found = choose(bear_one_label(honest))
    assert "one_label" in found
    assert not {"accuracy", "unproven", "claim"} & set(found)
    assert not [name for name in found if name.startswith("gap")]


def test_the_claim_is_told_of_the_original_data_alone(honest: Told) -> None:
    assert choose(honest)["claim"].values == {"claimed": 0.9013}
    own = dataclasses.replace(honest[0], data=Data("own"))
    assert "claim" not in choose((own, honest[1]))


def test_the_lowest_slice_is_named_unless_it_is_tiny(honest: Told) -> None:
    lowest = choose(honest)["lowest"].values
    assert (lowest["fact"], lowest["value"]) == ("subject", "ann")
    tiny = Slice("pose", "up", 3, 0.0, Interval(0.0, 0.5))
    assert "lowest" not in choose((honest[0], dataclasses.replace(honest[1], slices=(tiny,))))


def test_a_loss_that_stopped_being_a_number_is_told_and_nothing_else_of_the_training(
    honest: Told,
) -> None:
    found = choose(learn(honest, [0.7, math.nan]))
    assert "diverged" in found
    assert not [name for name in found if name.startswith(("trend", "gap"))]


def test_one_epoch_is_no_trend(honest: Told) -> None:
    assert "trend" in choose(learn(honest, [0.7, 0.6]))
    assert "trend" not in choose(learn(honest, [0.7]))


@pytest.mark.parametrize(
    ("accuracy", "choice"), [(0.95, "gap_within"), (1.0, "gap_below"), (0.5, "gap_above")]
)
def test_training_and_test_differ_only_where_the_interval_leaves_no_doubt(
    honest: Told, accuracy: float, choice: str
) -> None:
    found = choose(learn(rate(honest, 190, 200), [0.7, 0.1], accuracy=accuracy))
    assert [name for name in found if name.startswith("gap")] == [choice]


def test_with_a_leak_of_photos_the_gap_is_said_to_prove_nothing(honest: Told) -> None:
    assert "gap_masked" in choose(leak(honest, leaks(48, photo=0.5)))
    assert "gap_masked" not in choose(leak(honest, leaks(48, subject=1.0)))


NEAR = {**leaks(48), "near_duplicate": 12, "any": 12}
UNKNOWN = {"subjects_known": False}


@pytest.mark.parametrize(
    ("audit", "choice", "share"),
    [
        (None, "unaudited", None),
        (leaks(48, photo=0.5, subject=1.0), "photo", 0.5),
        (leaks(48, subject=0.25), "subject", 0.25),
        (NEAR, "near", 0.25),
        (NEAR | UNKNOWN, "near", 0.25),
        (leaks(48), "clean_people", None),
        (leaks(48) | UNKNOWN, "clean", None),
    ],
)
def test_the_gravest_leak_is_told_with_its_share(
    honest: Told, audit: dict[str, Any] | None, choice: str, share: float | None
) -> None:
    found = tell_leak(*leak(honest, audit))
    assert (found.key, found.values.get("share")) == (f"leaks.{choice}", share)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_reached_by_some_run_and_can_be_said(
    honest: Told, language: Language
) -> None:
    many = rate(honest, 190, 200)
    told = [
        *(honest, rate(honest, 12, 24), bear_one_label(honest), learn(honest, [0.7, math.nan])),
        *(learn(many, [0.7, 0.1], accuracy=accuracy) for accuracy in (0.95, 1.0, 0.5)),
        *(leak(honest, audit) for audit in (None, leaks(48, photo=0.5), leaks(48, subject=1.0))),
        *(leak(honest, audit) for audit in (NEAR, leaks(48) | UNKNOWN)),
    ]
    found = {f.key: f for one in told for f in (*conclude(*one), tell_leak(*one))}
    other = {"conclusions.text", "leaks.text", "leaks.sizes", "leaks.table"}
    keys = {k for k in read_catalogue(language) if k.startswith(("conclusions.", "leaks."))}
    assert keys - other == set(found)
    for finding in found.values():
        sentence = Wording(language).say(finding.key, finding.values)
        assert "{" not in sentence and "nan" not in re.findall(r"\w+", sentence)
