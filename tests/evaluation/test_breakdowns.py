import dataclasses
from pathlib import Path

import numpy as np
import pytest

from gafas.datasets.samples import EYEWEAR_LABELS, Sample
from gafas.evaluation.breakdowns import (
    COVERAGES,
    RiskPoint,
    Unscored,
    describe_answers,
    measure_f1_intervals,
    measure_groups,
    score_any,
    speaks_of_eyewear,
    trace_risk,
)
from gafas.evaluation.metrics import Scores, wilson
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
    assert score_any(ROWS) == Scores(precision=3 / 4, recall=3 / 4, f1=3 / 4, support=4)


def test_what_cannot_be_known_of_any_eyewear_is_none() -> None:
    assert score_any([ROWS[0]]).f1 is None
    assert score_any([ROWS[3]]) == Scores(precision=None, recall=0.0, f1=0.0, support=1)


def test_intervals_hold_the_figure_and_narrow_with_more_photos() -> None:
    few = measure_f1_intervals(ROWS, labels=EYEWEAR_LABELS)
    many = measure_f1_intervals(ROWS * 50, labels=EYEWEAR_LABELS)
    assert few.drawn == "photos"
    some, dark = many.any_eyewear, many.labels[DARK]
    assert some is not None and some.low < 3 / 4 < some.high
    assert dark is not None and dark.low < 2 / 3 < dark.high
    widths = [found.macro_f1.high - found.macro_f1.low for found in (few, many)]
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
    assert people.drawn == "subjects"
    widths = [found.macro_f1.high - found.macro_f1.low for found in (people, strangers)]
    assert widths[0] > 2 * widths[1]


def test_a_label_without_samples_has_no_interval() -> None:
    found = measure_f1_intervals(ROWS[:4] * 9, labels=EYEWEAR_LABELS)
    assert found.labels[DARK] is None
    assert measure_f1_intervals(ROWS[:1] * 9, labels=EYEWEAR_LABELS).any_eyewear is None


def test_the_risk_curve_goes_from_all_answers_to_the_surest() -> None:
    curve = trace_risk(ROWS)
    assert curve[0] == RiskPoint(0.5, answered=1.0, wrong=3, accuracy=0.5)
    assert [point.answered for point in curve] == sorted(
        {point.answered for point in curve}, reverse=True
    )
    assert len(curve) <= len(COVERAGES)
    assert curve[-1] == RiskPoint(0.8, answered=0.5, wrong=0, accuracy=1.0)


def test_equal_probabilities_are_answered_together() -> None:
    same = [row(NONE, 0.9, 0.1, 0.0)] * 5
    assert [point.answered for point in trace_risk(same)] == [1.0]


def test_arguable_photos_are_described_and_not_scored() -> None:
    missed = Row(ROWS[0].sample, {}, 0.6, error=NO_FACE)
    found = describe_answers([*ROWS, missed], labels=EYEWEAR_LABELS)
    assert (found.photos, found.missed) == (7, 1)
    assert found.answers == {NONE: 2, CLEAR: 1, DARK: 1, "unsure": 2}
    assert found.unsure is not None
    assert found.unsure.share == pytest.approx(2 / 6)
    assert found.mean_probabilities is not None
    mean = np.mean([0, 0.1, 0.1, 0.1, 0.45, 0.97])
    assert found.mean_probabilities[DARK] == pytest.approx(mean)
    assert found.extremes == {NONE: 0.0, CLEAR: 0.0, DARK: 1 / 6, "any": 1 / 6}


def test_without_a_face_nothing_is_described_but_the_miss() -> None:
    missed = Row(ROWS[0].sample, {}, 0.6, error=NO_FACE)
    answers = {NONE: 0, CLEAR: 0, DARK: 0, "unsure": 0}
    found = describe_answers([missed], labels=EYEWEAR_LABELS)
    assert found == Unscored(photos=1, missed=1, answers=answers)


def test_only_the_three_labels_speak_of_eyewear() -> None:
    assert speaks_of_eyewear(EYEWEAR_LABELS[::-1])
    assert not speaks_of_eyewear(("glasses", "no_glasses"))


def group(number: int, truth: str, sure: float = 0.9, *, wrong: int = 0, **facts: str) -> list[Row]:
    """Return rows of one group, of which the first `wrong` say the opposite, so sure."""
    made = []
    for at in range(number):
        sample = Sample(Path(f"{at}.png"), f"{at}.png", truth, f"{at}", facts=facts)
        worn = (truth != "none") != (at < wrong)
        eyeglasses = sure if worn else 1 - sure
        probabilities = {"none": 1 - eyeglasses, "eyeglasses": eyeglasses, "sunglasses": 0.0}
        made.append(Row(sample, probabilities, 0.8))
    return made


def test_false_alarms_are_counted_for_each_group_and_the_worst_large_one_is_named() -> None:
    every = [
        *group(100, "none", wrong=2, race="White", gender="male", age="20-29"),
        *group(50, "none", wrong=3, race="Black", gender="female", age="70-79"),
        *group(10, "none", wrong=5, race="Asian", gender="female", age="5-9"),
    ]
    found = measure_groups(every)
    assert found is not None
    alarms = found.false_alarms
    assert alarms is not None
    assert (alarms.overall.faces, alarms.overall.wrong) == (160, 10)
    assert alarms.overall.wilson == wilson(10, 160)
    shares = {(*group.facts, group.value): group.share for group in alarms.groups}
    assert shares["race", "White"] == 0.02
    assert shares["gender", "female"] == pytest.approx(8 / 60)
    assert shares["race", "gender", "Black, female"] == 0.06
    ages = [group.value for group in alarms.groups if group.facts == ("age",)]
    assert ages == ["5-9", "20-29", "70-79"]
    # Asian faces are ten: their share, a half, is shown but names nobody the worst.
    assert shares["race", "Asian"] == 0.5
    assert alarms.worst is not None
    assert (alarms.worst.facts, alarms.worst.value) == (("gender",), "female")
    assert found.misses is None


def test_misses_are_eyewear_of_which_none_was_said() -> None:
    every = [
        *group(60, "eyeglasses", wrong=6, race="White"),
        *group(60, "sunglasses", 0.7, wrong=3, race="Black"),
    ]
    found = measure_groups(every)
    assert found is not None
    assert found.false_alarms is None
    misses = found.misses
    assert misses is not None and misses.worst is not None
    assert (misses.overall.wrong, misses.worst.value) == (9, "White")
    # At 0.7, below the threshold, nobody would have been told.
    told = {group.value: group.told for group in misses.groups}
    assert told == {"White": 6, "Black": 0}


def test_whose_face_is_not_known_belongs_to_no_group() -> None:
    assert measure_groups(group(3, "none", source="web")) is None
    found = measure_groups([*group(3, "none", source="web"), *group(2, "none", gender="male")])
    assert found is not None and found.false_alarms is not None
    assert found.false_alarms.overall.faces == 5
    assert [group.faces for group in found.false_alarms.groups] == [2]


def test_small_groups_alone_have_no_worst() -> None:
    found = measure_groups(group(49, "none", wrong=9, race="Asian"))
    assert found is not None and found.false_alarms is not None
    assert found.false_alarms.worst is None
