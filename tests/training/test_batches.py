import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gafas.datasets.samples import TINTED, Sample
from gafas.training.batches import (
    count_steps,
    make_batches,
    read_inputs,
    read_targets,
    stretch_epochs,
)
from gafas.training.recipe import Input, Recipe
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


def batches(recipe: Recipe, *, first_epoch: int = 0) -> Batches:
    made = make_batches(recipe, NUMBERED, targets=TARGETS, first_epoch=first_epoch)
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
    inputs, seen, _ = read_inputs(samples, Input(width=8, height=6, colour=colour))
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
    made = _weighted(recipe, weights)
    seen = [n for batch in made for n in numbers(batch)]
    assert len(seen) == 6 * COUNT
    assert seen.count(4) == pytest.approx(6 * COUNT * 12 / 22, abs=6)
    tail = _weighted(recipe, weights, first_epoch=4)
    assert [numbers(b) for b in tail] == [numbers(b) for b in made[12:]]
    assert all(n == t.argmax() for b in made for n, t in zip(numbers(b), b[1], strict=True))


def _weighted(recipe: Recipe, weights: NDArray[np.float64], *, first_epoch: int = 0) -> Batches:
    made = make_batches(recipe, NUMBERED, targets=TARGETS, weights=weights, first_epoch=first_epoch)
    return [(np.asarray(images), np.asarray(targets)) for images, targets in made]


def test_batches_of_a_training_without_weights_are_the_ones_of_former_versions() -> None:
    images = np.random.default_rng(0).integers(0, 256, (COUNT, 15, 16, 1), np.uint8)
    recipe = recipe_of(1, still=False)
    made = [np.asarray(b) for b, _ in make_batches(recipe, images, targets=TARGETS)]
    digest = hashlib.sha256(np.round(np.concatenate(made)).astype(np.uint8).tobytes())
    assert digest.hexdigest() == FORMER


def test_tinted_lenses_are_half_eyeglasses_and_half_sunglasses() -> None:
    labels = ("none", "eyeglasses", "sunglasses")
    samples = [Sample(Path(word), word, word, word) for word in (*labels, TINTED)]
    assert read_targets(samples, labels).tolist() == [*np.eye(3).tolist(), [0, 0.5, 0.5]]
