"""A last layer for own labels, on features whose answer is known."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from gafas.training.heads import (
    STRENGTHS,
    Examples,
    Floats,
    fit_head,
    fit_parts,
    part_groups,
    predict_outside,
)

GENERATOR = np.random.default_rng(3)
TRUTH = np.repeat(np.arange(3), 20)
MIDDLES = 3 * np.eye(3, 5)
VALUES = (MIDDLES[TRUTH] + GENERATOR.normal(size=(60, 5)))[:, np.newaxis].astype(np.float32)
GROUPS = np.arange(60) // 2
EXAMPLES = Examples(VALUES, TRUTH, GROUPS)


def predict(examples: Examples) -> Floats:
    """Return probabilities by heads that have not learnt from what they are asked."""
    return predict_outside(examples, fit_parts(examples))


def test_a_head_answers_rightly_and_with_probabilities_that_sum_to_one() -> None:
    head = fit_head(EXAMPLES)
    answers = head.predict(EXAMPLES)
    assert (answers.argmax(axis=1) == TRUTH).mean() > 0.9
    assert answers.sum(axis=1) == pytest.approx(1)
    assert 0 <= head.threshold <= 1


def test_a_head_answers_as_scikit_learn_does_where_the_model_knows_nothing() -> None:
    some = np.flatnonzero((TRUTH < 2) | (np.arange(60) % 3 == 0))  # the third label is rarer
    model = LogisticRegression(C=0.1, class_weight="balanced")
    examples = EXAMPLES.take(some)
    flat = examples.values[:, 0]
    flat = (flat - flat.mean(axis=0)) / (flat.std(axis=0) + 1e-6)
    wanted = model.fit(flat, TRUTH[some]).predict_proba(flat)
    found = fit_head(examples, strength=0.1).predict(examples)
    assert found == pytest.approx(wanted, abs=1e-3)


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
    honest = predict(Examples(values, truth, groups))
    flattered = predict(Examples(values, truth, np.arange(80)))
    assert (flattered.argmax(axis=1) == truth).mean() > 0.95
    assert (honest.argmax(axis=1) == truth).mean() < 0.7


def test_changed_crops_are_learnt_from_and_only_the_served_one_is_asked() -> None:
    changed = np.concatenate([VALUES, np.zeros_like(VALUES)], axis=1)
    found = predict(Examples(changed, TRUTH, GROUPS))
    alone = predict(EXAMPLES)
    assert found.shape == alone.shape == (60, 3)
    assert (found.argmax(axis=1) == TRUTH).mean() > 0.85
    assert np.abs(found - alone).max() > 0.01


def test_what_a_model_knows_stays_where_few_examples_tell_nothing_else() -> None:
    known = np.log(np.full((60, 1, 3), 0.02) + 0.94 * np.eye(3)[TRUTH][:, np.newaxis])
    noise = np.random.default_rng(4).normal(size=(60, 1, 40)).astype(np.float32)
    head = fit_head(Examples(noise, TRUTH, GROUPS, known))
    assert head.strength == STRENGTHS[0]
    fresh = np.random.default_rng(5).normal(size=(60, 1, 40)).astype(np.float32)
    answers = head.predict(Examples(fresh, TRUTH, GROUPS, known))
    assert (answers.argmax(axis=1) == TRUTH).all()
    assert answers.max(axis=1).min() > 0.8
    untold = predict(Examples(noise, TRUTH, GROUPS))
    assert (untold.argmax(axis=1) == TRUTH).mean() < 0.6


def test_what_a_model_knows_is_corrected_where_the_examples_contradict_it() -> None:
    wrong = np.roll(np.eye(3), 1, axis=0)[TRUTH][:, np.newaxis]
    known = np.log(0.2 + 0.4 * wrong)
    answers = predict(Examples(VALUES, TRUTH, GROUPS, known))
    assert (answers.argmax(axis=1) == TRUTH).mean() > 0.75  # which it would answer wrongly all
