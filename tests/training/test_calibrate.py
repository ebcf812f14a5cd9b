import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gafas.training.calibrate import choose_threshold, fit_calibration


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def honest_answers(labels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw logits, and truths that are right exactly as often as their probabilities say."""
    generator = np.random.default_rng(2)
    logits = generator.normal(0, 2, (20_000, labels))
    sums = softmax(logits).cumsum(axis=1)
    truth = (generator.random((len(logits), 1)) > sums).sum(axis=1).clip(max=labels - 1)
    return logits, np.eye(labels)[truth]


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize("exaggeration", [0.5, 1.0, 3.0])
def test_the_temperature_is_the_factor_by_which_a_model_exaggerates(
    labels: int, exaggeration: float
) -> None:
    logits, targets = honest_answers(labels)
    found, offsets = fit_calibration(softmax(logits * exaggeration), targets)
    assert found == pytest.approx(exaggeration, rel=0.05)
    assert offsets == pytest.approx([0] * labels, abs=0.1)


def test_the_offsets_take_back_what_a_model_expects_too_often() -> None:
    logits, targets = honest_answers(3)
    found, offsets = fit_calibration(softmax(logits + np.array([0, 0.5, 1.5])), targets)
    assert found == pytest.approx(1, rel=0.05)
    assert offsets == pytest.approx([0, -0.5, -1.5], abs=0.1)


def test_of_few_samples_no_offset_is_believed() -> None:
    logits, targets = honest_answers(3)
    few = softmax(logits[:150] + np.array([0, 0.5, 1.5]))
    assert fit_calibration(few, targets[:150])[1] == (0.0, 0.0, 0.0)


def test_of_many_samples_with_mistakes_the_mean_confidence_is_the_accuracy() -> None:
    logits, targets = honest_answers(3)
    shown = softmax(logits[:2000] * 2)
    temperature, offsets = fit_calibration(shown, targets[:2000])
    calibrated = softmax(np.log(shown) / temperature + offsets)
    right = calibrated.argmax(axis=1) == targets[:2000].argmax(axis=1)
    assert calibrated.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.02)


def test_float32_certainty_does_not_break_the_fit() -> None:
    logits, targets = honest_answers(2)
    certain = softmax(logits * 40).astype(np.float32)
    assert certain.max() == 1.0
    assert fit_calibration(certain, targets)[0] == pytest.approx(10, rel=0.01)


@pytest.mark.parametrize("each", [2, 10, 100])
def test_a_small_set_without_mistakes_never_gives_certainty(each: int) -> None:
    targets = np.repeat(np.eye(2), each, axis=0)
    probabilities = np.where(targets > 0, 0.999, 0.001)
    temperature, offsets = fit_calibration(probabilities, targets)
    confidence = softmax(np.log(probabilities) / temperature + offsets).max()
    # One imagined mistake among each label's samples: the rule of succession.
    assert confidence == pytest.approx((each + 1) / (each + 2), abs=0.002)


answers = st.lists(st.tuples(st.integers(50, 99), st.booleans()), min_size=1, max_size=40)


def _arrays(
    drawn: list[tuple[int, bool]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    sure = np.array([percent for percent, _ in drawn]) / 100
    right = np.array([is_right for _, is_right in drawn])
    # Exactly 0.5 would be a tie, whose answer is the first label.
    probabilities = np.stack([sure + 1e-6, 1 - sure - 1e-6], axis=1)
    return probabilities, np.eye(2)[np.where(right, 0, 1)]


def _share_wrong(
    probabilities: NDArray[np.float64], targets: NDArray[np.float64], at: float
) -> float:
    given_at = probabilities.max(axis=1) >= at
    wrong = probabilities.argmax(axis=1) != targets.argmax(axis=1)
    return float(wrong[given_at].mean()) if given_at.any() else 0.0


@settings(deadline=None)
@given(drawn=answers, tolerated=st.sampled_from([0.0, 0.003, 0.1, 0.5]))
def test_at_the_threshold_no_more_answers_are_wrong_than_tolerated(
    drawn: list[tuple[int, bool]], tolerated: float
) -> None:
    probabilities, targets = _arrays(drawn)
    threshold = choose_threshold(probabilities, targets, tolerated=tolerated)
    assert 0 <= threshold <= 1
    assert _share_wrong(probabilities, targets, threshold) <= tolerated


@settings(deadline=None)
@given(drawn=answers, tolerated=st.sampled_from([0.0, 0.003, 0.1, 0.5]))
def test_no_lower_threshold_would_do(drawn: list[tuple[int, bool]], tolerated: float) -> None:
    probabilities, targets = _arrays(drawn)
    threshold = choose_threshold(probabilities, targets, tolerated=tolerated)
    tops = probabilities.max(axis=1)
    lower = [top for top in tops if top < threshold]
    assert all(_share_wrong(probabilities, targets, top) > tolerated for top in lower)


def test_a_model_without_mistakes_always_answers() -> None:
    assert choose_threshold(np.array([[0.6, 0.4], [0.3, 0.7]]), np.eye(2)) == 0.0


def test_a_model_that_is_always_wrong_never_answers() -> None:
    assert choose_threshold(np.array([[0.6, 0.4], [0.9, 0.1]]), np.eye(2)[[1, 1]]) == 1.0


def test_equally_sure_answers_are_given_together_or_not_at_all() -> None:
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.7, 0.3], [0.7, 0.3]])
    targets = np.eye(2)[[0, 0, 0, 1]]
    assert choose_threshold(probabilities, targets) == 0.9


def test_samples_that_count_twice_are_as_good_as_two() -> None:
    logits, targets = honest_answers(3)
    shown, truth = softmax(logits[:2000] * 2), targets[:2000]
    weights = 1.0 + (np.arange(2000) % 2)
    twice = np.repeat(np.arange(2000), weights.astype(int))
    found, offsets = fit_calibration(shown, truth, weights=weights / weights.mean())
    expected, expected_offsets = fit_calibration(shown[twice], truth[twice])
    assert found == pytest.approx(expected, rel=0.01)
    assert offsets == pytest.approx(expected_offsets, abs=0.02)
