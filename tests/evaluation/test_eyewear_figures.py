import dataclasses
from pathlib import Path

import numpy as np
import pytest

from gafas.datasets.samples import EYEWEAR_LABELS, Sample
from gafas.evaluation.breakdowns import (
    COVERAGES,
    describe_answers,
    measure_any,
    measure_f1_intervals,
    speaks_of_eyewear,
    trace_risk,
)
from gafas.evaluation.predictions import NO_FACE, Row

NONE, CLEAR, DARK = EYEWEAR_LABELS


def row(truth: str, *probabilities: float, subject: str | None = None, at: float = 0.6) -> Row:
    sample = Sample(Path("a.png"), "a.png", truth, "a", subject)
    return Row(sample, dict(zip(EYEWEAR_LABELS, probabilities, strict=True)), at)


ROWS = (
    row(NONE, 0.9, 0.1, 0.0),
    row(NONE, 0.4, 0.5, 0.1),
    row(CLEAR, 0.1, 0.8, 0.1),
    row(CLEAR, 0.7, 0.2, 0.1),
    row(DARK, 0.0, 0.55, 0.45),
    row(DARK, 0.0, 0.03, 0.97),
)


def test_eyewear_of_the_other_kind_is_eyewear_all_the_same() -> None:
    found = measure_any(ROWS)
    assert found == {"precision": 3 / 4, "recall": 3 / 4, "f1": 3 / 4, "support": 4}


def test_what_cannot_be_known_of_any_eyewear_is_none() -> None:
    assert measure_any([ROWS[0]])["f1"] is None
    missed = measure_any([ROWS[3]])
    assert (missed["precision"], missed["recall"], missed["f1"]) == (None, 0.0, 0.0)


def test_intervals_hold_the_figure_and_narrow_with_more_photos() -> None:
    few = measure_f1_intervals(ROWS, labels=EYEWEAR_LABELS)
    many = measure_f1_intervals(ROWS * 50, labels=EYEWEAR_LABELS)
    assert few["drawn"] == "photos"
    assert many["any_eyewear"][0] < 3 / 4 < many["any_eyewear"][1]
    assert many["labels"][DARK][0] < 2 / 3 < many["labels"][DARK][1]
    widths = [found["macro_f1"][1] - found["macro_f1"][0] for found in (few, many)]
    assert widths[1] < widths[0] / 3
    assert measure_f1_intervals(ROWS, labels=EYEWEAR_LABELS) == few


def test_photos_of_few_people_give_wider_intervals_than_as_many_strangers() -> None:
    rows = [
        dataclasses.replace(one, sample=dataclasses.replace(one.sample, subject=f"p{at}"))
        for at, one in enumerate(ROWS)
        for _ in range(30)
    ]
    people = measure_f1_intervals(rows, labels=EYEWEAR_LABELS)
    strangers = measure_f1_intervals(ROWS * 30, labels=EYEWEAR_LABELS)
    assert people["drawn"] == "subjects"
    widths = [found["macro_f1"][1] - found["macro_f1"][0] for found in (people, strangers)]
    assert widths[0] > 2 * widths[1]


def test_a_label_without_samples_has_no_interval() -> None:
    found = measure_f1_intervals(ROWS[:4] * 9, labels=EYEWEAR_LABELS)
    assert found["labels"][DARK] is None
    assert measure_f1_intervals(ROWS[:1] * 9, labels=EYEWEAR_LABELS)["any_eyewear"] is None


def test_the_risk_curve_goes_from_all_answers_to_the_surest() -> None:
    curve = trace_risk(ROWS)
    assert curve[0] == {
        "threshold": 0.5,
        "answered": 1.0,
        "wrong": 3,
        "accuracy": pytest.approx(0.5),
    }
    assert [point["answered"] for point in curve] == sorted(
        {point["answered"] for point in curve}, reverse=True
    )
    assert len(curve) <= len(COVERAGES)
    assert curve[-1] == {
        "threshold": 0.8,
        "answered": 0.5,
        "wrong": 0,
        "accuracy": 1.0,
    }


def test_equal_probabilities_are_answered_together() -> None:
    same = [row(NONE, 0.9, 0.1, 0.0)] * 5
    assert [point["answered"] for point in trace_risk(same)] == [1.0]


def test_arguable_photos_are_described_and_not_scored() -> None:
    missed = Row(ROWS[0].sample, {}, 0.6, error=NO_FACE)
    found = describe_answers([*ROWS, missed], labels=EYEWEAR_LABELS)
    assert (found["photos"], found["missed"]) == (7, 1)
    assert found["answers"] == {NONE: 2, CLEAR: 1, DARK: 1, "unsure": 2}
    assert found["unsure"]["share"] == pytest.approx(2 / 6)
    assert found["mean_probabilities"][DARK] == pytest.approx(
        np.mean([0, 0.1, 0.1, 0.1, 0.45, 0.97])
    )
    assert found["extremes"] == {NONE: 0.0, CLEAR: 0.0, DARK: 1 / 6, "any": 1 / 6}
    assert "accuracy" not in found


def test_without_a_face_nothing_is_described_but_the_miss() -> None:
    missed = Row(ROWS[0].sample, {}, 0.6, error=NO_FACE)
    assert describe_answers([missed], labels=EYEWEAR_LABELS) == {
        "photos": 1,
        "missed": 1,
        "answers": {NONE: 0, CLEAR: 0, DARK: 0, "unsure": 0},
    }


def test_only_the_three_labels_speak_of_eyewear() -> None:
    assert speaks_of_eyewear(EYEWEAR_LABELS[::-1])
    assert not speaks_of_eyewear(("glasses", "no_glasses"))
