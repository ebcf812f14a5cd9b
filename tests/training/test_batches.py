import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from face_photos import faceless, portrait
from gafas.datasets.samples import NOT_A_FACE, OTHER, TINTED, Sample
from gafas.datasets.splits import Split
from gafas.errors import DataError
from gafas.training.batches import (
    TrainingData,
    count_steps,
    draw,
    make_batches,
    read_data,
    read_inputs,
    read_targets,
    stretch_epochs,
    weigh,
)
from gafas.training.recipe import Input, Optimization, Recipe
from tiny_data import tiny_recipe

Batches = list[tuple[NDArray[np.float32], NDArray[np.float32]]]

COUNT = 11
NUMBERED = np.arange(COUNT, dtype=np.uint8)[:, None, None, None] * np.ones((1, 15, 16, 1), np.uint8)
TARGETS = np.eye(COUNT, dtype=np.float32)
FORMER = "94d71a88128291b30ad9414d42f75800d8d09499f178cc906ffedc8f19681bda"
"""SHA-256 of one epoch's pixels, written down before there were weights and margins."""

STILL: dict[str, Any] = {"shift": 0.0, "flip": False, "brightness": 0.0, "noise": 0.0}


def recipe_of(epochs: int = 3, *, still: bool = True, seed: int = 3) -> Recipe:
    plan = {"epochs": epochs, "batch_size": 4}
    return tiny_recipe(seed=seed, optimization=plan, augmentation=STILL if still else {})


def batches(
    recipe: Recipe, *, first_epoch: int = 0, weights: NDArray[np.float64] | None = None
) -> Batches:
    data = TrainingData(NUMBERED, TARGETS, None, weights)
    made = make_batches(recipe, data, first_epoch=first_epoch)
    return [(np.asarray(images), np.asarray(targets)) for images, targets in made]


def numbers(batch: tuple[NDArray[np.float32], NDArray[np.float32]]) -> list[int]:
    return [int(value) for value in batch[0][:, 0, 0, 0]]


def test_every_epoch_holds_every_sample_once_and_keeps_the_small_last_batch() -> None:
    made = batches(recipe_of())
    assert [len(images) for images, _ in made] == [4, 4, 3] * 3
    assert count_steps(recipe_of(), COUNT) == 3
    for epoch in range(3):
        seen = [n for batch in made[3 * epoch : 3 * epoch + 3] for n in numbers(batch)]
        assert sorted(seen) == list(range(COUNT))


def test_every_image_keeps_its_own_target() -> None:
    made = batches(recipe_of())
    pairs = [(n, int(t.argmax())) for b in made for n, t in zip(numbers(b), b[1], strict=True)]
    assert len(pairs) == 3 * COUNT
    assert all(number == target for number, target in pairs)


def test_every_epoch_and_every_seed_has_its_own_order() -> None:
    made = batches(recipe_of(4)) + batches(recipe_of(4, seed=4))
    epochs = [made[start : start + 3] for start in range(0, 24, 3)]
    orders = {tuple(n for batch in epoch for n in numbers(batch)) for epoch in epochs}
    assert len(orders) == 8


def test_every_epoch_changes_images_anew() -> None:
    recipe = recipe_of(2, still=False)
    first, second = (np.concatenate([b for b, _ in part]) for part in _halves(batches(recipe)))
    assert not np.allclose(np.sort(first.ravel()), np.sort(second.ravel()), atol=0.1)


def _halves(made: Batches) -> tuple[Batches, Batches]:
    return made[: len(made) // 2], made[len(made) // 2 :]


@pytest.mark.parametrize("first_epoch", [1, 2])
def test_beginning_in_the_middle_gives_what_a_whole_run_has_there(first_epoch: int) -> None:
    recipe = recipe_of(3, still=False)
    tail, rest = batches(recipe)[3 * first_epoch :], batches(recipe, first_epoch=first_epoch)
    assert len(rest) == len(tail) == 3 * (3 - first_epoch)
    for ours, theirs in zip(rest, tail, strict=True):
        assert np.array_equal(ours[0], theirs[0])
        assert np.array_equal(ours[1], theirs[1])


@pytest.mark.parametrize(("colour", "channels"), [("grey", 1), ("rgb", 3)])
def test_photos_are_read_as_the_network_sees_them(
    tmp_path: Path, colour: Any, channels: int
) -> None:
    Image.new("RGB", (40, 20), (200, 100, 0)).save(tmp_path / "a.png")
    Image.new("RGB", (10, 30), (0, 0, 0)).save(tmp_path / "b.png")
    samples = [Sample(tmp_path / n, n, "x", n) for n in ("a.png", "b.png")]
    inputs, seen, *_ = read_inputs(samples, Input(width=8, height=6, colour=colour))
    assert seen == tuple(samples)
    assert inputs.shape == (2, 6, 8, channels)
    assert inputs[0, 3, 4].tolist() == ([118] if colour == "grey" else [200, 100, 0])
    assert not inputs[1].any()


def test_targets_follow_the_order_of_the_labels() -> None:
    samples = [Sample(Path(n), n, n, n) for n in ("b", "a", "c", "b")]
    targets = read_targets(samples, ("a", "b", "c"))
    assert targets.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize(("minimum", "epochs"), [(0, 3), (9, 3), (10, 4), (30, 10)])
def test_few_photos_are_shown_in_more_epochs_until_there_are_steps_enough(
    minimum: int, epochs: int
) -> None:
    plan = {"epochs": 3, "batch_size": 4, "minimum_steps": minimum}
    stretched = stretch_epochs(tiny_recipe(optimization=plan), COUNT)
    assert stretched.optimization.epochs == epochs


def test_weights_draw_images_as_often_as_they_say_and_depend_on_the_step_alone() -> None:
    weights = np.ones(COUNT)
    weights[4] = 12
    recipe = recipe_of(6)
    made = batches(recipe, weights=weights)
    seen = [n for batch in made for n in numbers(batch)]
    assert len(seen) == 6 * COUNT
    assert seen.count(4) == pytest.approx(6 * COUNT * 12 / 22, abs=6)
    tail = batches(recipe, weights=weights, first_epoch=4)
    assert [numbers(b) for b in tail] == [numbers(b) for b in made[12:]]
    assert all(n == t.argmax() for b in made for n, t in zip(numbers(b), b[1], strict=True))


def test_batches_of_a_training_without_weights_are_the_ones_of_former_versions() -> None:
    images = np.random.default_rng(0).integers(0, 256, (COUNT, 15, 16, 1), np.uint8)
    recipe = recipe_of(1, still=False)
    data = TrainingData(images, TARGETS, None)
    made = [np.asarray(b) for b, _ in make_batches(recipe, data)]
    digest = hashlib.sha256(np.round(np.concatenate(made)).astype(np.uint8).tobytes())
    assert digest.hexdigest() == FORMER


def test_tinted_lenses_are_half_eyeglasses_and_half_sunglasses() -> None:
    labels = ("none", "eyeglasses", "sunglasses")
    samples = [Sample(Path(word), word, word, word) for word in (*labels, TINTED)]
    assert read_targets(samples, labels).tolist() == [*np.eye(3).tolist(), [0, 0.5, 0.5]]


def test_goggles_and_what_is_no_face_are_as_likely_each_label() -> None:
    labels = ("none", "eyeglasses", "sunglasses")
    samples = [Sample(Path(word), word, word, word) for word in ("none", TINTED, OTHER, NOT_A_FACE)]
    third = pytest.approx([1 / 3] * 3)
    plain = read_targets(samples, labels)
    assert plain.shape == (4, 3)
    assert plain[2].tolist() == plain[3].tolist() == third
    doubting = read_targets(samples, labels, not_a_face=True)
    assert doubting.dtype == np.float32
    assert doubting[:, 3].tolist() == [0, 0, 0, 1]
    assert np.array_equal(doubting[:, :3], plain)


def samples_of(**groups: int) -> list[Sample]:
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


MADE = samples_of(none_a=60, none_b=20, sun_a=4, sun_c=16)


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
    ends = tf.constant(np.cumsum(weights) / weights.sum(), tf.float32)
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


OF_FACES = tiny_recipe(
    labels=["none", "eyeglasses"],
    input={"view": "face", "width": 16, "height": 16, "colour": "rgb"},
    network={"architecture": "residual"},
    optimization={"balance_labels": 1.0},
)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    monkeypatch.setenv("GAFAS_HOME", str(tmp_path / "home"))
    paths = {name: tmp_path / f"{name}.png" for name in ("dark", "bright", "empty")}
    Image.fromarray(portrait() // 2).save(paths["dark"])
    Image.fromarray(portrait()).save(paths["bright"])
    Image.fromarray(faceless()).save(paths["empty"])
    return paths


def sample(photos: dict[str, Path], photo: str, *, label: str, name: str) -> Sample:
    return Sample(photos[photo], name, label, name)


def test_photos_without_a_face_are_left_out_together_with_their_targets(
    photos: dict[str, Path],
) -> None:
    train = [("empty", "none"), ("dark", "none"), ("dark", "none"), ("empty", "eyeglasses")]
    train += [("dark", "none"), ("bright", "eyeglasses"), ("bright", "eyeglasses")]
    made = [sample(photos, p, label=x, name=f"{i}.png") for i, (p, x) in enumerate(train)]
    watched = (
        sample(photos, "empty", label="none", name="v.png"),
        sample(photos, "bright", label="eyeglasses", name="w.png"),
    )
    data = read_data(OF_FACES, Split("mine", tuple(made), watched, ()))
    assert data.images.shape == (5, 20, 20, 3)
    bright = data.images.mean(axis=(1, 2, 3)) > data.images.mean()
    assert np.array_equal(bright, data.targets[:, 1] == 1)
    assert data.targets[:, 1].tolist() == [0, 0, 0, 1, 1]
    assert data.weights == pytest.approx([5 / 6] * 3 + [5 / 4] * 2)
    assert data.watched is not None
    seen, targets = data.watched.images, data.watched.targets
    assert [s.name for s in data.watched.samples] == ["w.png"]
    assert seen.shape == (1, 16, 16, 3)
    assert np.array_equal(seen[0], data.images[3, 2:18, 2:18])
    assert targets.tolist() == [[0, 1]]


def test_labels_whose_faces_are_not_found_cannot_be_learnt(photos: dict[str, Path]) -> None:
    made = tuple(
        sample(photos, p, label=x, name=f"{i}.png")
        for i, (p, x) in enumerate([("dark", "none")] * 2 + [("empty", "eyeglasses")] * 2)
    )
    with pytest.raises(DataError, match=r"at least two labels.* Received: 2 none"):
        read_data(OF_FACES, Split("mine", made, (), ()))


DOUBTING = tiny_recipe(
    labels=["none", "eyeglasses", "sunglasses"],
    input={"view": "face", "width": 16, "height": 16, "colour": "rgb"},
    network={"architecture": "residual", "not_a_face": True},
    augmentation={"rendered": 3.0, "covered": 1.0},
    optimization={"balance_labels": 1.0},
)


def test_a_network_that_doubts_learns_from_what_is_no_face_and_is_watched_on_it(
    photos: dict[str, Path],
) -> None:
    faces = [
        sample(photos, "bright", label=label, name=f"{number}{label}.png")
        for label in ("none", "eyeglasses", "sunglasses")
        for number in range(2)
    ]
    Image.fromarray(skimage.data.chelsea()).save(photos["empty"])
    cat = dataclasses.replace(sample(photos, "empty", label=NOT_A_FACE, name="cat.png"), apart=())
    data = read_data(DOUBTING, Split("mine", (*faces, cat), (faces[0], cat), ()))
    doubts = data.targets[:, 3]
    cats = int(doubts.sum())
    assert cats > 1
    assert doubts[: len(faces) + cats].tolist() == [0] * len(faces) + [1] * cats
    assert len(doubts) > len(faces) + cats  # glasses are drawn on bare faces
    assert not doubts[len(faces) + cats :].any()
    assert data.targets[:, :3].sum(axis=1) == pytest.approx(1)
    assert data.watched is not None
    served = len(data.watched.samples) - 1  # what the recogniser would look at
    assert 0 < served < cats
    assert [s.label for s in data.watched.samples] == ["none", *[NOT_A_FACE] * served]
    assert data.watched.targets[:, 3].tolist() == [0] + [1] * served
    assert data.watched.confidences is not None
    assert (data.watched.confidences >= 0.1).all()
    # The watched are shown as they are; those that are learnt from are covered.
    assert not np.array_equal(data.images[0, 2:18, 2:18], data.watched.images[0])
