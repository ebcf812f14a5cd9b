"""Wrong labels found among right ones, and photos that labels cannot be trusted of."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from audited_photos import WRONG, write_audited
from gafas.classifier import EyewearClassifier
from gafas.datasets.folders import read_labelled
from gafas.evaluation.audit import Audit, Finding, audit, rank_suspects
from gafas.weights import read_model
from own_labels import write_own_labels

GENERATOR = np.random.default_rng(7)


@pytest.fixture(scope="module")
def classifier() -> EyewearClassifier:
    return EyewearClassifier(read_model("free"))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_audited(tmp_path_factory.mktemp("audited"))


@pytest.fixture(scope="module")
def found(photos: Path, classifier: EyewearClassifier) -> Audit:
    return audit(read_labelled(photos), classifier)


def list_names(found: Audit, finding: Finding) -> list[str]:
    return [one.sample.name for one in found.list(finding)]


def test_a_wrong_label_is_the_first_suspect_where_the_model_knows_the_labels(found: Audit) -> None:
    assert found.by_model
    first = found.list(Finding.suspect)[0]
    assert (first.sample.name, first.suspected) == (WRONG, "eyeglasses")
    assert first.probability is not None
    assert first.probability > 0.9


def test_what_else_is_wrong_with_photos_is_named_once_each(found: Audit) -> None:
    assert found.photos == 21
    assert list_names(found, Finding.no_face) == ["eyeglasses/sky.jpg"]
    assert list_names(found, Finding.several_faces) == ["eyeglasses/pair.jpg"]
    assert list_names(found, Finding.small) == ["eyeglasses/far.png"]
    assert list_names(found, Finding.dark) == ["eyeglasses/night.jpg"]
    (broken,) = found.list(Finding.unreadable)
    assert broken.sample.name == "eyeglasses/broken.jpg"
    assert "Cannot read the image" in broken.other
    assert [one.finding for one in found.found] == sorted(
        (one.finding for one in found.found), key=list(Finding).index
    )


def test_nearly_the_same_photo_with_two_labels_is_a_conflict_on_both_sides(found: Audit) -> None:
    pairs = {(one.sample.name, one.other) for one in found.list(Finding.conflict)}
    partners = {other for name, other in pairs if name == WRONG}
    assert partners
    assert all(name.startswith("eyeglasses/office") for name in partners)
    assert {(name, WRONG) for name in partners} <= pairs
    assert all(one.suspected != one.sample.label for one in found.list(Finding.conflict))


def test_photos_of_another_part_are_leaks(photos: Path, classifier: EyewearClassifier) -> None:
    samples = [one for one in read_labelled(photos) if "broken" not in one.name]
    shaded = [one for one in samples if "shaded" in one.name]
    found = audit(shaded[:1], classifier, against=shaded[1:])
    (leak,) = found.list(Finding.leak)
    assert (leak.sample, leak.other in {one.name for one in shaded[1:]}) == (shaded[0], True)
    # One that cannot be read is named, and stops nothing.
    broken = audit(shaded[:1], classifier, against=read_labelled(photos))
    assert "eyeglasses/broken.jpg" in list_names(broken, Finding.unreadable)
    sky = [one for one in samples if "sky" in one.name]
    assert audit(sky, classifier, against=shaded).list(Finding.leak) == ()


def test_own_labels_are_judged_by_those_of_the_other_photos(
    tmp_path: Path, classifier: EyewearClassifier
) -> None:
    samples = list(read_labelled(write_own_labels(tmp_path)))
    at = next(n for n, one in enumerate(samples) if one.name == "shaded 5.jpg")
    samples[at] = dataclasses.replace(samples[at], label="office")
    found = audit(samples, classifier)
    assert not found.by_model
    assert found.labels == ("office", "shaded")  # all of which may be right
    first = found.list(Finding.suspect)[0]
    assert (first.sample.name, first.suspected) == ("shaded 5.jpg", "shaded")


def test_planted_labels_are_ranked_before_all_others() -> None:
    truth = GENERATOR.integers(0, 3, 200)
    sure = 0.02 + 0.94 * np.eye(3)[truth]
    planted = truth.copy()
    planted[:10] = (planted[:10] + 1) % 3
    order, suspected = rank_suspects(sure, planted)
    assert sorted(order[:10].tolist()) == list(range(10))
    assert sorted(np.flatnonzero(suspected >= 0)) == list(range(10))
    assert suspected[:10].tolist() == truth[:10].tolist()
    assert sorted(order.tolist()) == list(range(200))


def test_a_label_that_is_often_doubted_is_no_suspect_where_no_other_is_sure() -> None:
    # Of the second label the model is never sure; only where it is surer of the first than it
    # mostly is where that is right, is a mistake likely.
    truth = np.array([0] * 10 + [1] * 10)
    second = np.array([0.05] * 10 + [0.45] * 9 + [0.01])
    order, suspected = rank_suspects(np.stack([1 - second, second], axis=1), truth)
    assert np.flatnonzero(suspected >= 0).tolist() == [19]
    assert order[0] == 19


def test_a_label_that_nobody_bears_is_suspected_of_nothing() -> None:
    probabilities = np.array([[0.2, 0.1, 0.7], [0.9, 0.05, 0.05], [0.1, 0.8, 0.1]])
    _, suspected = rank_suspects(probabilities, np.array([0, 0, 1]))
    assert suspected.tolist() == [-1, -1, -1]
