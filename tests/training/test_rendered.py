import numpy as np
import pytest

from gafas.datasets.samples import EYEWEAR_LABELS
from gafas.training.batches import SOURCE, Inputs, render
from gafas.training.recipe import Augmentation
from portrait_inputs import cut_portraits

SIDE = 96


@pytest.fixture(scope="module")
def faces() -> Inputs:
    """Give four crops of one face, called bare, and one that wears something already."""
    return cut_portraits(["none"] * 4 + ["eyeglasses"], side=SIDE)


def test_as_many_pairs_are_drawn_on_bare_faces_as_the_share_says(faces: Inputs) -> None:
    drawn, targets = render(faces, Augmentation(rendered=10.0), labels=EYEWEAR_LABELS, seed=1)
    assert 25 < len(drawn.images) == len(drawn.samples) == len(targets) <= 40
    assert {s.photo for s in drawn.samples} == {"0", "1", "2", "3"}
    assert {s.facts["source"] for s in drawn.samples} == {SOURCE}


def test_targets_say_eyewear_and_slide_from_eyeglasses_to_sunglasses(faces: Inputs) -> None:
    drawn, targets = render(faces, Augmentation(rendered=20.0), labels=EYEWEAR_LABELS, seed=2)
    assert targets.sum(axis=1) == pytest.approx(1)
    assert (targets[:, 0] == 0).all()
    shares = targets[:, 2]
    assert (shares == 0).sum() > 10
    assert (shares == 1).sum() > 10
    assert ((shares > 0) & (shares < 1)).any()
    said = ["sunglasses" if share >= 0.5 else "eyeglasses" for share in shares]
    assert said == [s.label for s in drawn.samples]


def test_sunglasses_are_drawn_darker_than_eyeglasses(faces: Inputs) -> None:
    drawn, targets = render(faces, Augmentation(rendered=20.0), labels=EYEWEAR_LABELS, seed=3)
    assert faces.points is not None
    y = round(float(faces.points[0, :2, 1].mean()))
    eyes = drawn.images[:, y - 4 : y + 5].mean(axis=(1, 2, 3))
    assert eyes[targets[:, 2] == 1].mean() < eyes[targets[:, 2] == 0].mean() - 10


def test_every_drawn_pair_can_be_seen(faces: Inputs) -> None:
    drawn, _ = render(faces, Augmentation(rendered=20.0), labels=EYEWEAR_LABELS, seed=4)
    changed = np.abs(drawn.images.astype(int) - faces.images[0]).max(axis=3) > 24
    assert changed.mean(axis=(1, 2)).min() > 0.01


def test_the_same_seed_draws_the_same(faces: Inputs) -> None:
    first, second = (
        render(faces, Augmentation(rendered=2.0), labels=EYEWEAR_LABELS, seed=5)[0].images
        for _ in "ab"
    )
    assert np.array_equal(first, second)
    other = render(faces, Augmentation(rendered=2.0), labels=EYEWEAR_LABELS, seed=6)[0].images
    assert first.shape != other.shape or not np.array_equal(first, other)
