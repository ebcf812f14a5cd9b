import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest

import gafas.training
from gafas.errors import RecipeError
from gafas.recognizer import BUNDLED, Recognizer
from gafas.training.architectures import (
    TEMPERATURE,
    begin_with_bundled,
    build,
    finish,
    write_layers,
)
from gafas.training.recipe import Recipe, read_recipe
from gafas.weights import read_bundled
from tiny_data import tiny_recipe

RECIPES = Path(gafas.training.__file__).parent / "recipes"


def named(name: str) -> Recipe:
    return read_recipe(RECIPES / f"{name}.toml")


def test_the_seed_network_is_the_original_layer_by_layer() -> None:
    model = build(named("seed"))
    rows = [(type(x).__name__, x.output.shape[1:], x.count_params()) for x in model.layers[1:]]
    assert rows == [
        ("Conv2D", (58, 62, 64), 640),
        ("MaxPooling2D", (29, 31, 64), 0),
        ("Conv2D", (27, 29, 128), 73_856),
        ("MaxPooling2D", (13, 14, 128), 0),
        ("Flatten", (23_296,), 0),
        ("Dense", (256,), 5_964_032),
        ("Dropout", (256,), 0),
        ("Dense", (2,), 514),
    ]
    assert model.count_params() == 6_039_042


def test_the_seed_network_has_the_originals_settings() -> None:
    layers = build(named("seed")).layers
    convolutions = [x for x in layers if isinstance(x, keras.layers.Conv2D)]
    assert [(x.kernel_size, x.padding, x.activation.__name__) for x in convolutions] == [
        ((3, 3), "valid", "relu"),
        ((3, 3), "valid", "relu"),
    ]
    dense = [x for x in layers if isinstance(x, keras.layers.Dense)]
    assert [x.activation.__name__ for x in dense] == ["relu", "softmax"]
    assert [x.rate for x in layers if isinstance(x, keras.layers.Dropout)] == [0.7]


def test_the_compact_network_takes_the_same_photo_with_at_most_200000_parameters() -> None:
    model = build(named("compact"))
    assert model.input_shape == (None, 60, 64, 1)
    assert model.output_shape == (None, 2)
    assert model.count_params() <= 200_000


@pytest.mark.parametrize("architecture", ["seed", "compact", "residual"])
def test_sizes_come_from_the_recipe_and_probabilities_sum_to_one(architecture: str) -> None:
    recipe = tiny_recipe(
        labels=["none", "eyeglasses", "sunglasses"],
        input={"width": 24, "height": 20, "colour": "rgb"},
        network={"architecture": architecture, "filters": [3, 5], "dense": 7},
    )
    model = build(recipe)
    assert model.input_shape == (None, 20, 24, 3)
    kernels = [x.filters for x in model.layers if isinstance(x, keras.layers.Conv2D)]
    expected = {
        "seed": [3, 5],
        "compact": [3, 5, 5],
        "residual": [3, 5, 5, 5],
    }  # two, and a shortcut
    assert kernels == expected[architecture]
    photos = np.random.default_rng(0).integers(0, 256, (4, 20, 24, 3)).astype(np.float32)
    answers = np.asarray(model(photos))
    assert answers.shape == (4, 3)
    assert answers.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_a_residual_network_of_half_a_million_parameters_halves_at_every_block() -> None:
    recipe = tiny_recipe(
        labels=["none", "eyeglasses", "sunglasses"],
        input={"view": "face", "width": 64, "height": 64, "colour": "rgb"},
        network={"architecture": "residual", "filters": [24, 32, 64, 96, 112]},
    )
    model = build(recipe)
    sums = [x.output.shape[1:] for x in model.layers if isinstance(x, keras.layers.Add)]
    assert sums == [(32, 32, 32), (16, 16, 64), (8, 8, 96), (4, 4, 112)]
    assert 400_000 < model.count_params() < 500_000
    assert TEMPERATURE in [layer.name for layer in model.layers]


def test_the_compact_network_can_be_calibrated_and_the_original_is_left_as_it_is() -> None:
    assert TEMPERATURE in [layer.name for layer in build(named("compact")).layers]
    assert TEMPERATURE not in [layer.name for layer in build(named("seed")).layers]


def test_the_table_of_layers_counts_every_parameter(tmp_path: Path) -> None:
    model = build(tiny_recipe())
    write_layers(model, tmp_path / "network.json")
    rows = json.loads((tmp_path / "network.json").read_text())
    assert sum(row["parameters"] for row in rows) == model.count_params()
    assert rows[0] == {
        "name": "photo",
        "type": "InputLayer",
        "shape": [15, 16, 1],
        "parameters": 0,
    }
    assert rows[-1]["shape"] == [2]
    assert [p.name for p in tmp_path.iterdir()] == ["network.json"]


def test_the_table_of_a_mirrored_network_shows_the_layers_within(
    tmp_path: Path,
) -> None:
    once = build(tiny_recipe())
    twice = finish(once, mirrored=True)
    write_layers(twice, tmp_path / "network.json")
    rows = json.loads((tmp_path / "network.json").read_text())
    assert sum(row["parameters"] for row in rows) == twice.count_params()
    convolutions = [layer.name for layer in once.layers if isinstance(layer, keras.layers.Conv2D)]
    assert convolutions
    assert [row["name"] for row in rows if row["type"] == "Conv2D"] == convolutions


def test_a_mirrored_network_answers_a_photo_and_its_mirror_image_alike(
    tmp_path: Path,
) -> None:
    recipe = tiny_recipe(network={"architecture": "residual", "filters": [3, 5]})
    once = build(recipe)
    twice = finish(once, mirrored=True)
    photos = np.random.default_rng(0).uniform(0, 255, (3, *once.input_shape[1:])).astype("float32")
    mirrored = np.ascontiguousarray(photos[:, :, ::-1])
    answers, _ = twice.predict(photos, verbose=0)
    assert answers == pytest.approx(twice.predict(mirrored, verbose=0)[0], abs=1e-6)
    logits = [np.log(once.predict(x, verbose=0)) for x in (photos, mirrored)]
    assert np.abs(logits[0] - logits[1]).max() > 1e-3
    mean = np.exp((logits[0] + logits[1]) / 2)
    assert answers == pytest.approx(mean / mean.sum(axis=1, keepdims=True), abs=1e-5)


def test_the_weights_of_the_bundled_model_are_what_it_answers_by() -> None:
    recipe = named("faces")
    model = build(recipe)
    begin_with_bundled(model)
    (dense,) = (layer for layer in model.layers if layer.trainable and layer.weights)
    assert isinstance(dense, keras.layers.Dense)
    graph = onnx.load_from_string(read_bundled(BUNDLED)).graph
    held = {part.name: onnx.numpy_helper.to_array(part) for part in graph.initializer}
    # The last layer's kernel is the one matrix with a column for each label, its bias what follows.
    (kernel,) = (n for n, array in held.items() if array.ndim == 2 and array.shape[1] == 3)
    product = next(node for node in graph.node if kernel in node.input).output[0]
    bias = next(node for node in graph.node if product in node.input).input[1]
    dense.set_weights([held[kernel], held[bias]])
    bundled = Recognizer().classifier
    images = np.random.default_rng(0).integers(0, 256, (4, 96, 96, 3), np.uint8)
    plain, _ = finish(model, mirrored=True).predict(images.astype(np.float32), verbose=0)
    logits = np.log(plain) / bundled.metadata["temperature"] + bundled.metadata["offsets"]
    calibrated = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert calibrated == pytest.approx(bundled.predict(images), abs=1e-5)


def test_the_bundled_weights_fit_no_other_network() -> None:
    recipe = tiny_recipe(network={"architecture": "residual", "weights": "eyewear"})
    with pytest.raises(RecipeError, match="belong to another network"):
        begin_with_bundled(build(recipe))


def doubting(**network: Any) -> keras.Model:
    recipe = tiny_recipe(
        labels=["none", "eyeglasses", "sunglasses"],
        input={"view": "face", "width": 16, "height": 16, "colour": "rgb"},
        network={"architecture": "residual", "filters": [4, 6], "not_a_face": True, **network},
    )
    return build(recipe)


def test_a_network_that_doubts_is_trained_with_a_column_more_and_served_with_an_output_more() -> (
    None
):
    trained = doubting()
    assert trained.output_shape == (None, 4)
    served = finish(trained, mirrored=False)
    assert [output.shape for output in served.outputs] == [(None, 3), (None, 1), (None, 12)]
    photos = np.random.default_rng(0).uniform(0, 255, (5, 16, 16, 3)).astype(np.float32)
    answers, doubts, features = served.predict(photos, verbose=0)
    once = trained.predict(photos, verbose=0)
    assert np.concatenate([answers, doubts], axis=1) == pytest.approx(once, abs=1e-6)
    assert answers.sum(axis=1) == pytest.approx(1)
    assert np.ptp(doubts) > 1e-3
    # Of the places of a crop the mean, and the maximum, which is never below it.
    assert (features[:, 6:] >= features[:, :6]).all()


def test_a_mirrored_network_doubts_and_describes_a_crop_and_its_mirror_image_alike() -> None:
    trained = doubting()
    served = finish(trained, mirrored=True)
    photos = np.random.default_rng(0).uniform(0, 255, (3, 16, 16, 3)).astype(np.float32)
    other = np.ascontiguousarray(photos[:, :, ::-1])
    found, again = served.predict(photos, verbose=0), served.predict(other, verbose=0)
    assert len(found) == 3
    for one, two in zip(found, again, strict=True):
        assert one == pytest.approx(two, abs=1e-5)
    doubts = [trained.predict(x, verbose=0)[:, 3:] for x in (photos, other)]
    logits = [np.log(x / (1 - x)) for x in doubts]
    assert np.abs(logits[0] - logits[1]).max() > 1e-3
    assert found[1] == pytest.approx(1 / (1 + np.exp(-sum(logits) / 2)), abs=1e-5)
    features = [finish(trained, mirrored=False).predict(x, verbose=0)[2] for x in (photos, other)]
    assert found[2] == pytest.approx((features[0] + features[1]) / 2, abs=1e-5)


def test_a_network_without_features_is_served_as_it_is() -> None:
    model = build(tiny_recipe())
    assert finish(model, mirrored=False) is model
