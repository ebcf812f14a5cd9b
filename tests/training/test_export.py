import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import matplotlib
import numpy as np
import onnx
import pytest
import tensorflow as tf
from numpy.typing import NDArray

import gafas.training
from gafas.classifier import EyewearClassifier
from gafas.crops import squeeze
from gafas.datasets.cmu import read_samples
from gafas.datasets.samples import Sample
from gafas.errors import ModelError
from gafas.images import load_image
from gafas.training import export
from gafas.training.architectures import build
from gafas.training.batches import Watched, read_inputs
from gafas.training.calibrate import calibrate
from gafas.training.export import check_parity, export_model, publish_onnx, write_onnx
from gafas.training.recipe import Recipe, read_recipe
from tiny_data import tiny_recipe

RECIPES = Path(gafas.training.__file__).parent / "recipes"
FACTS = {"labels": ["a", "b"], "view": "photo", "width": 16, "height": 15, "colour": "grey"}
FILES = ["label_encoder.npy", "model.h5", "model.keras", "model.onnx", "model.tflite"]

Photos = NDArray[np.uint8]


def photos_of(recipe: Recipe, count: int = 12) -> Photos:
    """Cut a real photo into views of many sizes."""
    image = load_image(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg")
    size = (recipe.input.width, recipe.input.height)
    corners = range(0, 20 * count, 20)
    views = [image[at : 600 - at, at : 500 - at] for at in corners]
    return np.stack([squeeze(v, size=size, colour=recipe.input.colour) for v in views])


@pytest.fixture(scope="module")
def photos() -> Photos:
    return photos_of(tiny_recipe())


@pytest.fixture(scope="module")
def calibrated(photos: Photos) -> tuple[keras.Model, dict[str, float], NDArray[np.float32]]:
    """Return a calibrated model, its facts, and what it should answer: softmax(logits / T)."""
    keras.utils.set_random_seed(5)
    model = build(tiny_recipe())
    images = photos.astype(np.float32)
    plain = model.predict(images, verbose=0)
    targets = np.eye(2, dtype=np.float32)[np.arange(len(images)) % 2]
    shown = tuple(Sample(Path("a"), str(at), "x", str(at)) for at in range(len(images)))
    facts = calibrate(model, Watched(images, targets, shown))
    raised = plain ** (1 / facts["temperature"])
    return model, facts, raised / raised.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def exported(
    tmp_path_factory: pytest.TempPathFactory,
    calibrated: tuple[keras.Model, dict[str, float], NDArray[np.float32]],
    photos: Photos,
) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "new"
    model, facts, _ = calibrated
    export_model(model, folder, metadata=FACTS | facts, photos=photos)
    return folder


def run_litert(path: Path, photos: Photos) -> NDArray[np.float32]:
    interpreter = tf.lite.Interpreter(str(path))
    place = interpreter.get_input_details()[0]["index"]
    answer = interpreter.get_output_details()[0]["index"]
    interpreter.allocate_tensors()
    rows = []
    for photo in photos:
        interpreter.set_tensor(place, photo[None].astype(np.float32))
        interpreter.invoke()
        rows.append(interpreter.get_tensor(answer)[0].copy())
    return np.stack(rows)


def run_keras(path: Path, photos: Photos) -> NDArray[np.float32]:
    model = keras.models.load_model(path, compile=False)
    return np.asarray(model.predict(photos.astype(np.float32), verbose=0))


def run_onnx(path: Path, photos: Photos) -> NDArray[np.float32]:
    return np.asarray(EyewearClassifier(path).predict(photos))


READERS: dict[str, Callable[[Path, Photos], NDArray[np.float32]]] = {
    "model.keras": run_keras,
    "model.h5": run_keras,
    "model.onnx": run_onnx,
    "model.tflite": run_litert,
}


def test_an_export_leaves_five_files_and_nothing_else(exported: Path) -> None:
    assert sorted(path.name for path in exported.iterdir()) == FILES


@pytest.mark.filterwarnings("ignore::UserWarning:tensorflow")  # the interpreter moves house
@pytest.mark.parametrize("name", READERS)
def test_the_temperature_is_inside_every_format(
    exported: Path,
    calibrated: tuple[keras.Model, dict[str, float], NDArray[np.float32]],
    photos: Photos,
    name: str,
) -> None:
    _, facts, expected = calibrated
    assert abs(facts["temperature"] - 1) > 0.05, "the test needs a temperature that shows"
    assert READERS[name](exported / name, photos) == pytest.approx(expected, abs=1e-4)


def test_the_labels_are_words_in_the_order_of_the_outputs(exported: Path) -> None:
    labels = np.load(exported / "label_encoder.npy", allow_pickle=False)
    assert labels.dtype.kind == "U"
    assert labels.tolist() == ["a", "b"]


def test_the_model_file_takes_bytes_and_says_everything_of_itself(
    exported: Path, calibrated: tuple[keras.Model, dict[str, float], NDArray[np.float32]]
) -> None:
    model, facts, _ = calibrated
    graph = onnx.load(exported / "model.onnx").graph
    assert [(port.name, port.type.tensor_type.elem_type) for port in graph.input] == [
        ("image", onnx.TensorProto.UINT8)
    ]
    assert [port.name for port in graph.output] == ["probabilities"]
    classifier = EyewearClassifier(exported / "model.onnx")
    assert classifier.labels == ("a", "b")
    assert (classifier.size, classifier.colour) == ((16, 15), "grey")
    assert classifier.threshold == facts["threshold"]
    assert classifier.metadata["temperature"] == facts["temperature"]
    assert classifier.metadata["parameters"] == model.count_params()
    assert classifier.metadata["created_by"].startswith("gafas ")


@pytest.mark.parametrize("name", ["seed", "compact"])
def test_both_networks_answer_alike_in_every_format_on_a_real_photo(
    tmp_path: Path, name: str
) -> None:
    recipe = read_recipe(RECIPES / f"{name}.toml")
    model, photos = build(recipe), photos_of(recipe)
    facts = FACTS | {"width": 64, "height": 60}
    export_model(model, tmp_path, metadata=facts, photos=photos)
    expected = model.predict(photos.astype(np.float32), verbose=0)
    assert np.ptp(expected) > 1e-3, "the test needs answers that differ"
    assert np.abs(run_onnx(tmp_path / "model.onnx", photos) - expected).max() <= 1e-4
    assert check_parity(model, tmp_path, photos=photos) <= 1e-4


def test_the_formats_answer_alike_on_photos_of_people(tmp_path: Path, drawn_people: Path) -> None:
    recipe = read_recipe(RECIPES / "compact.toml")
    photos, *_ = read_inputs(read_samples(drawn_people)[::30], recipe.input)
    assert len(photos) > 60
    facts = FACTS | {"width": 64, "height": 60}
    export_model(build(recipe), tmp_path, metadata=facts, photos=photos)
    assert (tmp_path / "model.onnx").exists()


def _convert_another(model: keras.Model) -> keras.Model:
    other = keras.models.clone_model(model)
    other.set_weights([weight + 0.05 for weight in model.get_weights()])
    return other


@pytest.mark.parametrize("writer", ["write_onnx", "_write_litert"])
def test_a_conversion_that_answers_otherwise_leaves_nothing(
    tmp_path: Path,
    calibrated: tuple[keras.Model, dict[str, float], NDArray[np.float32]],
    photos: Photos,
    writer: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sound = getattr(export, writer)

    def broken(model: keras.Model, path: Path, **facts: Any) -> None:
        sound(_convert_another(model), path, **facts)

    monkeypatch.setattr(export, writer, broken)
    (tmp_path / "model.onnx").write_bytes(b"an older one")
    with pytest.raises(ModelError, match=r"differs from the Keras model by .*nothing was exported"):
        export_model(calibrated[0], tmp_path, metadata=FACTS, photos=photos)
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]
    assert (tmp_path / "model.onnx").read_bytes() == b"an older one"


def test_a_network_that_h5_cannot_hold_is_not_exported(tmp_path: Path, photos: Photos) -> None:
    inputs = keras.Input((15, 16, 1))
    # Keras saves these axes in H5 and reads them as the last one alone.
    x = keras.layers.LayerNormalization(axis=[1, 2, 3], center=False, scale=False)(inputs)
    x = keras.layers.GlobalMaxPooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))
    with pytest.raises(ModelError, match=r"^model\.h5 differs from the Keras model"):
        export_model(model, tmp_path, metadata=FACTS, photos=photos)
    assert list(tmp_path.iterdir()) == []


def test_a_network_whose_weights_are_no_numbers_is_not_exported(
    tmp_path: Path, photos: Photos
) -> None:
    model = build(tiny_recipe())
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    with pytest.raises(ModelError, match="differs from the Keras model by nan"):
        publish_onnx(model, tmp_path / "model.onnx", metadata=FACTS, photos=photos)
    assert list(tmp_path.iterdir()) == []


def test_what_the_metadata_leave_out_is_written_as_unknown(
    tmp_path: Path, calibrated: tuple[keras.Model, dict[str, float], NDArray[np.float32]]
) -> None:
    write_onnx(calibrated[0], tmp_path / "m.onnx", metadata=FACTS)
    text = onnx.load(tmp_path / "m.onnx").metadata_props[0].value
    facts = json.loads(text)
    assert (facts["schema"], facts["threshold"], facts["recipe"]) == (2, 0.0, None)


@pytest.mark.parametrize(
    ("errors", "difference"),
    [((2e-5, 0, 0), 2e-5), ((0, 3e-5, 0), 3e-5), ((0, 0, 2e-3), 4e-5), ((0, 0, 2e-2), None)],
    ids=["probabilities", "not a face", "features", "features, too much"],
)
def test_all_outputs_must_agree_and_features_by_a_share_of_the_largest(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    errors: tuple[float, float, float],
    difference: float | None,
) -> None:
    photo = keras.Input((4, 4, 3))
    mean = keras.layers.GlobalAveragePooling2D()(photo)
    scaled = keras.layers.Rescaling(1 / 255)(mean)
    doubt = keras.layers.Dense(1, activation="sigmoid")(scaled)
    large = keras.layers.Rescaling(50 / 255)(mean)
    model = keras.Model(photo, [keras.layers.Softmax()(scaled), doubt, large])
    photos = np.full((2, 4, 4, 3), 255, np.uint8)
    answers = [np.asarray(answer) for answer in model(photos.astype(np.float32))]
    assert answers[2].max() == pytest.approx(50)
    shifted = [answer + error for answer, error in zip(answers, errors, strict=True)]
    monkeypatch.setattr(export, "_run_onnx", lambda path, photos: shifted)
    (tmp_path / "model.onnx").touch()
    if difference is None:
        with pytest.raises(ModelError, match=r"model\.onnx differs .* by 4\.0e-04"):
            check_parity(model, tmp_path, photos=photos)
    else:
        assert check_parity(model, tmp_path, photos=photos) == pytest.approx(difference, rel=0.1)
