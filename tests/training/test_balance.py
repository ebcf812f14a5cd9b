from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from gafas.datasets.samples import Sample
from gafas.training.batches import accumulate, draw, weigh, weigh_labels
from gafas.training.recipe import Optimization


def samples(**groups: int) -> list[Sample]:
    """Make samples of label_source=count."""
    made = []
    for group, count in groups.items():
        label, source = group.split("_")
        made += [Sample(Path("x"), "x", label, "x", facts={"source": source})] * count
    return made


def shares(plan: Optimization, made: list[Sample]) -> dict[str, float]:
    weights = weigh(made, plan)
    assert weights is not None
    assert weights.mean() == pytest.approx(1)
    total: dict[str, float] = {}
    for sample, weight in zip(made, weights, strict=True):
        key = f"{sample.label}_{sample.facts['source']}"
        total[key] = total.get(key, 0.0) + weight / len(made)
    return total


MADE = samples(none_a=60, none_b=20, sun_a=4, sun_c=16)


@pytest.mark.parametrize(("balance", "expected"), [(0.0, [9, 4]), (0.5, [3, 2]), (1.0, [1, 1])])
def test_labels_weigh_as_they_come_alike_or_halfway(balance: float, expected: list[int]) -> None:
    targets = np.repeat(np.eye(3)[:2], [9, 4], axis=0)  # the third label never comes
    weights = weigh_labels(targets, balance)
    assert weights.mean() == pytest.approx(1)
    total = weights @ targets
    assert total[:2] / total[1] == pytest.approx(np.array(expected) / expected[1])


def test_without_a_balance_there_are_no_weights() -> None:
    assert weigh(MADE, Optimization()) is None


def test_balanced_labels_are_drawn_equally_often_and_keep_the_mixture_of_their_sources() -> None:
    found = shares(Optimization(balance_labels=1.0), MADE)
    assert found == pytest.approx({"none_a": 0.375, "none_b": 0.125, "sun_a": 0.1, "sun_c": 0.4})


def test_balanced_sources_are_drawn_equally_often_within_a_label_that_keeps_its_share() -> None:
    found = shares(Optimization(balance_sources=1.0), MADE)
    assert found == pytest.approx({"none_a": 0.4, "none_b": 0.4, "sun_a": 0.1, "sun_c": 0.1})


def test_half_a_balance_lies_between() -> None:
    found = shares(Optimization(balance_labels=0.5), MADE)
    none, sun = found["none_a"] + found["none_b"], found["sun_a"] + found["sun_c"]
    assert none / sun == pytest.approx(2)  # the root of four


def test_the_draw_follows_the_weights_nearly_exactly_and_the_seed_alone() -> None:
    weights = np.array([0.2, 0.2, 2.6, 1.0])
    ends = tf.constant(accumulate(weights), tf.float32)
    epochs = [draw(ends, seed=tf.constant([7, epoch])).numpy() for epoch in range(200)]
    counts = np.array([np.bincount(epoch, minlength=4) for epoch in epochs])
    assert counts.sum(axis=1).tolist() == [4] * 200
    assert counts.mean(axis=0) == pytest.approx(weights, abs=0.1)
    assert counts.min(axis=0).tolist() == [0, 0, 2, 1]
    assert counts.max(axis=0).tolist() == [1, 1, 3, 1]
    assert np.array_equal(epochs[5], draw(ends, seed=tf.constant([7, 5])).numpy())


def people(source: str, **groups: int) -> list[Sample]:
    """Make samples of gender_race=count."""
    made = []
    for group, count in groups.items():
        gender, race = group.split("_")
        facts = {"source": source, "gender": gender, "race": race}
        made += [Sample(Path("x"), "x", "none", "x", facts=facts)] * count
    return made


@pytest.mark.parametrize(("balance", "rare"), [(0.0, 10), (0.5, 25), (1.0, 50)])
def test_rare_people_are_drawn_more_often_and_each_source_keeps_its_share(
    balance: float, rare: float
) -> None:
    known = people("a", female_Black=90, male_Indian=10)
    other = [Sample(Path("x"), "x", "none", "x", facts={"source": source}) for source in "ab"] * 50
    weights = weigh(known + other, Optimization(balance_people=balance, balance_sources=1e-9))
    assert weights is not None
    assert weights[:100].sum() == pytest.approx(100)
    assert weights[90:100].sum() == pytest.approx(rare)
    assert weights[100:] == pytest.approx(np.ones(100))
