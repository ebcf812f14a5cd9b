import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gafas.evaluation.metrics import (
    CALIBRATION_BINS,
    Answered,
    Interval,
    Scores,
    bootstrap,
    count_confusions,
    measure_accuracy,
    measure_answered,
    measure_calibration,
    measure_log_loss,
    measure_roc_auc,
    score_labels,
    wilson,
)

LABELS = ("none", "eyeglasses", "sunglasses")


def certain(*predicted: int, labels: int = 2) -> np.ndarray:
    """Return probabilities that are 1 for each of these predictions."""
    return np.eye(labels)[list(predicted)]


def test_wilsons_interval_is_the_one_computed_by_hand() -> None:
    # 8 of 10: the centre (0.8 + z²/20) / (1 + z²/10) is 0.71674, the half width 0.22658.
    assert wilson(8, 10) == pytest.approx((0.490162, 0.943318), abs=1e-6)
    assert wilson(0, 10) == pytest.approx((0.0, 0.277533), abs=1e-6)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilsons_interval_holds_the_share_and_stays_between_0_and_1(case: tuple[int, int]) -> None:
    low, high = wilson(*case)
    assert 0 <= low <= case[0] / case[1] + 1e-12
    assert case[0] / case[1] - 1e-12 <= high <= 1


def test_accuracy_counts_and_knows_no_subjects_by_itself() -> None:
    figures = measure_accuracy([True, True, False, True])
    assert (figures.value, figures.correct, figures.total) == (0.75, 3, 4)
    assert figures.bootstrap_subjects is None
    assert figures.interval == figures.wilson


def test_one_unknown_subject_forbids_an_interval_over_subjects() -> None:
    right = np.array([True, False, True, True])
    known = measure_accuracy(right, subjects=["a", "b", "c", "d"])
    assert known.interval == known.bootstrap_subjects != known.wilson
    assert measure_accuracy(right, subjects=["a", "b", "c", None]).bootstrap_subjects is None


def test_two_subjects_are_too_few_for_an_interval() -> None:
    assert bootstrap(np.array([True, False, True]), ["a", "b", "b"]) is None


def test_the_bootstrap_gives_the_same_interval_twice() -> None:
    right = np.array([True, False] * 10 + [True] * 10)
    people = [f"p{index % 6}" for index in range(30)]
    assert bootstrap(right, people) == bootstrap(right, people)


def test_the_bootstrap_is_a_point_when_all_subjects_are_alike() -> None:
    right = np.array([True, False] * 8)
    people = [f"p{index // 2}" for index in range(16)]
    assert bootstrap(right, people) == (0.5, 0.5)
    alike = measure_accuracy(right, subjects=people)
    assert alike.interval == alike.wilson


def test_the_bootstrap_is_wider_than_wilsons_when_one_subject_makes_all_the_mistakes() -> None:
    people = np.repeat([f"p{index}" for index in range(10)], 30)
    right = people != "p3"
    low, high = bootstrap(right, people.tolist()) or Interval(math.nan, math.nan)
    assert low < wilson(270, 300)[0]
    assert high == 1.0


def test_the_bootstrap_agrees_with_drawing_subjects_one_by_one() -> None:
    generator = np.random.default_rng(1)
    people = np.repeat([f"p{index:02}" for index in range(20)], generator.integers(5, 40, 20))
    right = generator.random(len(people)) < 0.8
    names = np.unique(people)
    drawn = []
    for _ in range(2000):
        chosen = generator.choice(names, len(names))
        drawn.append(np.concatenate([right[people == name] for name in chosen]).mean())
    expected = np.quantile(drawn, [0.025, 0.975]).tolist()
    assert bootstrap(right, people.tolist()) == pytest.approx(expected, abs=0.01)


def test_precision_recall_and_f1_are_those_counted_by_hand() -> None:
    table = score_labels(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), labels=LABELS[:2])
    assert table["none"] == Scores(1.0, 2 / 3, 0.8, 3)
    assert table["eyeglasses"] == Scores(0.5, 1.0, 2 / 3, 1)


def test_a_label_without_samples_has_no_figures() -> None:
    table = score_labels(np.array([0, 1]), np.array([0, 2]), labels=LABELS)
    assert table["sunglasses"] == Scores(None, None, None, 0)


def test_a_label_that_is_never_predicted_has_no_precision_but_recall_0() -> None:
    table = score_labels(np.array([0, 1]), np.array([0, 0]), labels=LABELS[:2])
    assert table["eyeglasses"] == Scores(None, 0.0, 0.0, 1)


def test_roc_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    second = np.array([0.1, 0.4, 0.35, 0.8])
    probabilities = np.stack([1 - second, second], axis=1)
    areas = measure_roc_auc(np.array([0, 0, 1, 1]), probabilities, labels=LABELS[:2])
    assert areas == {"none": 0.75, "eyeglasses": 0.75}


def test_roc_auc_is_unknown_for_an_absent_label_and_for_the_only_label() -> None:
    areas = measure_roc_auc(np.array([0, 0]), certain(0, 1), labels=LABELS[:2])
    assert areas == {"none": None, "eyeglasses": None}


def test_log_loss_is_the_mean_surprise_and_finite_for_a_certain_mistake() -> None:
    probabilities = np.array([[0.5, 0.5], [0.75, 0.25]])
    assert measure_log_loss(np.array([0, 1]), probabilities) == pytest.approx(math.log(8) / 2)
    assert measure_log_loss(np.array([1]), certain(0)) == pytest.approx(34.538776)


def test_confusion_has_truths_in_rows_and_unknown_shares_for_an_absent_label() -> None:
    predicted = np.array([0, 0, 0, 2, 1])
    table = count_confusions(np.array([0, 0, 0, 0, 2]), predicted, labels=LABELS)
    assert table.labels == LABELS
    assert table.counts == ((3, 0, 1), (0, 0, 0), (0, 1, 0))
    assert table.shares == ((0.75, 0.0, 0.25), (None, None, None), (0.0, 1.0, 0.0))


def test_calibration_bins_hold_their_upper_edge_and_cover_0_to_1() -> None:
    top = np.array([0.6, 0.61, 1.0, 1.0])
    table = measure_calibration(np.array([0, 1, 0, 0]), np.stack([top, 1 - top], axis=1))
    bins = table.bins
    assert len(bins) == CALIBRATION_BINS == 15
    assert (bins[0].low, bins[14].high) == (0, 1)
    assert [b.count for b in bins] == [0] * 8 + [1, 1, 0, 0, 0, 0, 2]
    assert (bins[8].confidence, bins[8].accuracy) == (0.6, 1.0)
    assert (bins[9].confidence, bins[9].accuracy) == (0.61, 0.0)
    assert (bins[0].confidence, bins[0].accuracy) == (None, None)
    assert table.ece == pytest.approx((0.4 + 0.61 + 0 + 0) / 4)


def test_a_model_that_is_right_as_often_as_it_says_has_no_calibration_error() -> None:
    probabilities = np.tile([0.75, 0.25], (4, 1))
    assert measure_calibration(np.array([0, 0, 0, 1]), probabilities).ece == pytest.approx(0)


def test_an_answer_at_the_threshold_counts_as_answered() -> None:
    probabilities = np.array([[0.75, 0.25], [0.25, 0.75], [0.625, 0.375], [0.5, 0.5]])
    truth = np.array([0, 0, 0, 0])
    assert measure_answered(truth, probabilities, threshold=0.75) == Answered(
        threshold=0.75,
        answered=0.5,
        answered_wilson=wilson(2, 4),
        given=2,
        wrong=1,
        accuracy=0.5,
        accuracy_wilson=wilson(1, 2),
    )


def test_nobody_knows_how_right_a_model_is_that_never_answers() -> None:
    figures = measure_answered(np.array([0]), np.array([[0.75, 0.25]]), threshold=0.9)
    assert (figures.answered, figures.accuracy, figures.accuracy_wilson) == (0.0, None, None)
