"""A last layer for own labels, on features whose answer is known."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from gafas.training.heads import fit_head, part_groups, predict_outside

GENERATOR = np.random.default_rng(3)
TRUTH = np.repeat(np.arange(3), 20)
MIDDLES = 3 * np.eye(3, 5)
VALUES = (MIDDLES[TRUTH] + GENERATOR.normal(size=(60, 5)))[:, np.newaxis].astype(np.float32)
GROUPS = np.arange(60) // 2


def test_a_head_answers_rightly_and_with_probabilities_that_sum_to_one() -> None:
    head = fit_head(VALUES, TRUTH, GROUPS)
    answers = head.predict(VALUES[:, 0])
    assert (answers.argmax(axis=1) == TRUTH).mean() > 0.9
    assert answers.sum(axis=1) == pytest.approx(1)
    assert 0 <= head.threshold <= 1


def test_a_head_of_two_labels_answers_as_scikit_learn_does() -> None:
    values, truth = VALUES[:40], TRUTH[:40]
    apart = values[:, 0] - values[:, 0].mean(axis=0)
    model = LogisticRegression(C=0.1, class_weight="balanced").fit(
        apart / (values[:, 0].std(axis=0) + 1e-6), truth
    )
    parts = [(np.arange(40), np.arange(40))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gafas.training.heads.part_groups", lambda *_: parts)
        found = predict_outside(values, truth, GROUPS[:40], strength=0.1)
    wanted = model.predict_proba(apart / (values[:, 0].std(axis=0) + 1e-6))
    assert found == pytest.approx(wanted, abs=0.01)


def test_what_belongs_together_is_never_parted_and_all_is_predicted_once() -> None:
    parts = part_groups(TRUTH, GROUPS)
    assert len(parts) == 5
    for others, part in parts:
        assert not set(GROUPS[others]) & set(GROUPS[part])
        assert set(TRUTH[others]) == {0, 1, 2}
    assert sorted(np.concatenate([part for _, part in parts])) == list(range(60))


def test_what_only_repeats_within_a_group_is_not_taken_for_knowledge() -> None:
    # Every group has a feature of its own that tells its label, and nothing else is to be known.
    truth = np.repeat(GENERATOR.permutation(np.arange(20) % 2), 4)
    groups = np.repeat(np.arange(20), 4)
    values = np.eye(20, dtype=np.float32)[groups][:, np.newaxis] * 5
    honest = predict_outside(values, truth, groups)
    flattered = predict_outside(values, truth, np.arange(80))
    assert (flattered.argmax(axis=1) == truth).mean() > 0.95
    assert (honest.argmax(axis=1) == truth).mean() < 0.7


def test_changed_crops_are_learnt_from_and_only_the_served_one_is_asked() -> None:
    changed = np.concatenate([VALUES, np.zeros_like(VALUES)], axis=1)
    found = predict_outside(changed, TRUTH, GROUPS, strength=0.1)
    alone = predict_outside(VALUES, TRUTH, GROUPS, strength=0.1)
    assert found.shape == alone.shape == (60, 3)
    assert (found.argmax(axis=1) == TRUTH).mean() > 0.85
    assert np.abs(found - alone).max() > 0.01
