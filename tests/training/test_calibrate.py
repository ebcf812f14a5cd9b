import dataclasses
import itertools
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gafas.classifier import FaceCheck
from gafas.datasets.samples import NOT_A_FACE, Sample
from gafas.detection.detector import CONFIDENT
from gafas.training.architectures import build, finish
from gafas.training.batches import Watched, read_targets
from gafas.training.calibrate import (
    LOST,
    TOLERATED_IN_MIX,
    calibrate,
    choose_threshold,
    fit_calibration,
    fit_face_check,
    predict,
    weigh_sources,
)
from gafas.training.faces import PROPOSED
from tiny_data import tiny_recipe


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


def test_the_threshold_counts_each_answer_as_much_as_it_weighs() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    targets = np.eye(2)[[0, 1, 0, 0]]  # the second answer is wrong
    assert choose_threshold(probabilities, targets, tolerated=0.1) == 0.9
    light, heavy = np.array([1, 0.1, 1, 1.9]), np.array([1, 2, 0.5, 0.5])
    assert choose_threshold(probabilities, targets, tolerated=0.1, weights=light) == 0.0
    assert choose_threshold(probabilities, targets, tolerated=0.4, weights=heavy) == 0.9
    assert choose_threshold(probabilities, targets, tolerated=0.5, weights=heavy) == 0.0


def from_source(name: str, label: str = "none") -> Sample:
    return Sample(Path("a"), "a", label, "a", facts={"source": name} if name else {})


def test_sources_weigh_what_the_mix_says_however_many_samples_they_have() -> None:
    counts = {"life": 40, "web": 10, "celeba": 30, "glint": 10, "": 10}
    samples = [from_source(name) for name, count in counts.items() for _ in range(count)]
    weights = weigh_sources(samples, {"life": 0.2, "web": 0.3, "": 0.5})
    assert weights.mean() == pytest.approx(1)
    names = np.repeat(list(counts), list(counts.values()))
    shares = {name: weights[names == name].sum() / len(samples) for name in counts}
    others = {"celeba": 0.3, "glint": 0.1, "": 0.1}
    assert shares == pytest.approx({"life": 0.2, "web": 0.3, **others})


def test_a_source_that_is_missing_leaves_the_shares_of_the_others_to_each_other() -> None:
    samples = [from_source("life")] * 3 + [from_source("web")] * 5
    weights = weigh_sources(samples, {"life": 0.2, "web": 0.3, "": 0.5})
    assert weights[:3].sum() / weights[3:].sum() == pytest.approx(2 / 3)


def seen_by_both(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Draw log-odds of faces and others by two judges, of whom the second sees more clearly."""
    generator = np.random.default_rng(8)
    face = np.arange(count) % 2 == 0
    side = np.where(face, 1.0, -1.0)
    first, second = side + generator.normal(0, 1, count), 2 * side + generator.normal(0, 1, count)
    return 1 / (1 + np.exp(-first)), 1 / (1 + np.exp(second)), face


def test_a_face_is_told_by_both_and_more_by_the_one_that_sees_more() -> None:
    confidences, doubts, face = seen_by_both(20_000)
    check = fit_face_check(confidences, doubts, face)
    # Of two normal clouds of deviation 1 the log-odds are twice their distance from the middle.
    assert check.detector == pytest.approx(2, rel=0.1)
    assert check.not_a_face == pytest.approx(4, rel=0.1)
    assert check.offset == pytest.approx(0, abs=0.15)
    assert check.cut == pytest.approx(1 / (1 + LOST), abs=0.15)
    assert check.least == 0.1


def test_confidences_are_as_often_right_as_they_say() -> None:
    confidences, doubts, face = seen_by_both(60_000)
    some = ~face | (np.arange(60_000) % 3 == 0)  # one in four is a face
    check = fit_face_check(confidences[some], doubts[some], face[some])
    sure, true = check.calibrate(confidences[some], doubts[some]), face[some]
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        alike = (sure >= low) & (sure < low + 0.2)
        assert sure[alike].mean() == pytest.approx(true[alike].mean(), abs=0.05)


def test_where_both_are_certain_faces_are_kept_and_all_else_is_dropped() -> None:
    face = np.repeat([True, False], [300, 100])
    generator = np.random.default_rng(1)
    confidences = np.where(face, generator.uniform(0.5, 1, 400), generator.uniform(0.1, 0.5, 400))
    # In float32 a sigmoid soon is 0 or 1.
    doubts = np.where(face, generator.uniform(0, 0.3, 400), generator.uniform(0.7, 1, 400))
    doubts[[0, -1]] = 0, 1
    check = fit_face_check(confidences, doubts.astype(np.float32), face)
    assert all(np.isfinite(dataclasses.astuple(check)))
    sure = check.calibrate(confidences, doubts)
    assert sure[face].min() > check.cut > sure[~face].max()
    assert sure[face].min() > 0.9 > 0.1 > sure[~face].max()


def test_doubtful_candidates_are_asked_for_where_the_check_is_proven_on_sure_ones() -> None:
    confidences, doubts, face = seen_by_both(2000)
    easy = face | (confidences < CONFIDENT)
    assert fit_face_check(confidences[easy], doubts[easy], face[easy]).least == CONFIDENT
    assert fit_face_check(confidences, doubts, face).least == PROPOSED


def test_neither_counts_the_wrong_way_round() -> None:
    confidences, doubts, face = seen_by_both(2000)
    check = fit_face_check(1 - confidences, doubts, face)
    assert check.detector == 0
    assert check.not_a_face > 3
    assert fit_face_check(confidences, 1 - doubts, face).not_a_face == 0


def test_the_cut_loses_few_faces_where_few_others_come() -> None:
    confidences, doubts, face = seen_by_both(20_000)
    rare = face | (np.arange(20_000) % 20 == 1)  # one in eleven is none
    check = fit_face_check(confidences[rare], doubts[rare], face[rare])
    sure = check.calibrate(confidences[rare], doubts[rare])
    assert (sure[face[rare]] >= check.cut).mean() > 0.985
    even = fit_face_check(confidences, doubts, face)
    assert check.offset == pytest.approx(even.offset + np.log(10), abs=0.3)


LABELS = ("none", "eyeglasses", "sunglasses")
DOUBTING = tiny_recipe(
    labels=list(LABELS),
    input={"view": "face", "width": 16, "height": 16, "colour": "rgb"},
    network={"architecture": "residual", "filters": [4, 6], "not_a_face": True},
)


@pytest.fixture(scope="module")
def watched() -> Watched:
    """Give noise in place of faces and of what is none, from two sources."""
    generator = np.random.default_rng(6)
    words = [*LABELS, NOT_A_FACE] * 12
    samples = tuple(from_source(("life", "web")[at % 3 == 0], x) for at, x in enumerate(words))
    images = generator.uniform(0, 255, (len(words), 16, 16, 3)).astype(np.float32)
    targets = read_targets(samples, LABELS, not_a_face=True)
    return Watched(images, targets, samples, generator.uniform(0.1, 1, len(words)))


def doubting() -> keras.Model:
    keras.utils.set_random_seed(5)
    return finish(build(DOUBTING), mirrored=False)


def without(watched: Watched, label: str) -> Watched:
    """Leave out what bears a label."""
    kept = np.array([sample.label != label for sample in watched.samples])
    assert watched.confidences is not None
    samples = tuple(s for s in watched.samples if s.label != label)
    confidences = watched.confidences[kept]
    return Watched(watched.images[kept], watched.targets[kept], samples, confidences)


@pytest.mark.parametrize("mix", [None, {"life": 0.9, "web": 0.1}])
def test_what_is_no_face_calibrates_no_label(
    watched: Watched, mix: dict[str, float] | None
) -> None:
    every = calibrate(doubting(), watched, mix=mix)
    check = FaceCheck.from_dict(every.pop("face_check"))
    assert watched.confidences is not None
    doubts = predict(doubting(), watched.images)[1][:, 0]
    passed = check.calibrate(watched.confidences, doubts) >= check.cut
    kept = passed & np.array([sample.label != NOT_A_FACE for sample in watched.samples])
    assert 0 < kept.sum() < len(kept)
    served = dataclasses.replace(
        watched,
        images=watched.images[kept],
        targets=watched.targets[kept],
        samples=tuple(itertools.compress(watched.samples, kept)),
        confidences=None,
    )
    if mix is None:
        assert every == calibrate(doubting(), served)
    assert calibrate(doubting(), without(watched, NOT_A_FACE)).keys() == every.keys()


def test_the_check_is_of_the_served_answers_in_the_given_order(watched: Watched) -> None:
    model = doubting()
    found = calibrate(model, watched)["face_check"]
    face = np.array([sample.label != NOT_A_FACE for sample in watched.samples])
    assert watched.confidences is not None
    doubts = predict(model, watched.images)[1][:, 0]
    assert found == dataclasses.asdict(fit_face_check(watched.confidences, doubts, face))
    nobody = dataclasses.replace(watched, confidences=None)
    assert "face_check" not in calibrate(doubting(), nobody)


def test_free_weights_are_calibrated_on_free_photos(watched: Watched) -> None:
    samples = tuple(
        dataclasses.replace(s, facts={**s.facts, "rights": "free"}) if at % 4 == 1 else s
        for at, s in enumerate(watched.samples)
    )
    free = dataclasses.replace(watched, samples=samples).select_free()
    assert free.samples == samples[1::4]
    assert np.array_equal(free.images, watched.images[1::4])
    assert np.array_equal(free.targets, watched.targets[1::4])
    assert free.confidences is not None
    assert watched.confidences is not None
    assert np.array_equal(free.confidences, watched.confidences[1::4])


def test_a_mix_has_a_tolerance_and_weights_of_its_own() -> None:
    generator = np.random.default_rng(7)
    images = generator.uniform(0, 255, (300, 16, 16, 3)) * generator.random((300, 1, 1, 3))
    shown = images.astype(np.float32)
    likely = softmax(2 * np.log(predict(doubting(), shown)[0]))  # twice as sure as it says
    said = (generator.random((300, 1)) > likely.cumsum(axis=1)).sum(axis=1).clip(max=2)
    said[::3] = generator.integers(0, 3, 100)  # of the web it knows nothing
    names = [("web", "life", "life")[at % 3] for at in range(300)]
    samples = tuple(from_source(name, LABELS[x]) for name, x in zip(names, said, strict=True))
    watched = Watched(shown, read_targets(samples, LABELS, not_a_face=True), samples)
    mixes = ({"life": 0.9, "web": 0.1}, {"life": 0.1, "web": 0.9})
    found = []
    for mix in mixes:
        model = doubting()
        found.append(calibrate(model, watched, mix=mix))
        weights = weigh_sources(samples, mix)
        answers, targets = predict(model, shown)[0], watched.targets[:, :3]
        threshold = choose_threshold(answers, targets, tolerated=TOLERATED_IN_MIX, weights=weights)
        assert found[-1]["threshold"] == threshold
    # The more comes from the web, the less sure it may be.
    assert 0.2 < found[0]["temperature"] < found[1]["temperature"] / 1.5
