import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from foreign_models import encoder, functional, one_unit, save
from gafas.errors import ModelError
from gafas.training.export import export_foreign, load_keras, read_labels


def refuse(source: Path, labels: Path, message: str, *, existing: bytes = b"an older one") -> None:
    """Check that an export is refused in one sentence or two, and changes nothing."""
    target = source.parent / "out.onnx"
    target.write_bytes(existing)
    before = sorted(p.name for p in source.parent.iterdir())
    with pytest.raises(ModelError, match=message) as caught:
        export_foreign(source, target, labels=labels)
    assert "\n" not in str(caught.value)
    assert target.read_bytes() == existing
    assert sorted(p.name for p in source.parent.iterdir()) == before


def malicious() -> keras.Model:
    """Return a model with a layer that leaves a file wherever it is rebuilt or called."""
    inputs = keras.Input((20, 24, 1))
    x = keras.layers.Lambda(
        lambda x: (__import__("pathlib").Path(__import__("os").environ["MARK"]).touch(), x)[1]
    )(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_lambda_layer_is_refused_and_its_code_never_runs(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "mark"
    monkeypatch.setenv("MARK", str(mark))
    source = save(malicious(), tmp_path / f"theirs.{ending}")
    mark.unlink()
    keras.models.load_model(source, compile=False, safe_mode=False)
    assert mark.exists(), "the test needs a layer whose code would run"
    mark.unlink()
    refuse(source, encoder(tmp_path), "holds code .*which gafas never runs")
    assert not mark.exists()


class Payload:
    """A pickle of this leaves a file when it is opened."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.mark,)


def _as_array(payload: Payload, path: Path) -> None:
    np.save(path, np.array([payload, "no_glasses"], dtype=object), allow_pickle=True)


def _as_pickle(payload: Payload, path: Path) -> None:
    path.write_bytes(pickle.dumps(payload))


@pytest.mark.parametrize("write", [_as_array, _as_pickle])
def test_labels_that_are_a_pickle_are_never_opened(
    tmp_path: Path, write: Callable[[Payload, Path], None]
) -> None:
    mark, labels = tmp_path / "mark", tmp_path / "label_encoder.npy"
    write(Payload(mark), labels)
    np.load(labels, allow_pickle=True)
    assert mark.exists(), "the test needs a payload that would run"
    mark.unlink()
    source = save(functional(), tmp_path / "theirs.keras")
    refuse(source, labels, "pickles are never opened")
    assert not mark.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.array([0, 1]), "should hold a list of words. Received: int64"),
        (np.array([["a", "b"]]), "should hold a list of words"),
        (np.array(["same", "same"]), "all different. Received: 'same', 'same'"),
        (np.array(["", "b"]), "all different. Received: '', 'b'"),
        (np.array(["only"]), "two or more words"),
    ],
)
def test_labels_that_no_model_can_speak_are_refused(
    tmp_path: Path, content: NDArray[Any], message: str
) -> None:
    np.save(tmp_path / "label_encoder.npy", content)
    with pytest.raises(ModelError, match=message):
        read_labels(tmp_path / "label_encoder.npy")


def test_labels_in_another_container_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npy").write_text("glasses, no_glasses")
    (tmp_path / "empty.npy").touch()
    with (tmp_path / "many.npy").open("wb") as file:
        np.savez(file, a=np.array(["a", "b"]))
    for name in ("text.npy", "empty.npy", "many.npy"):
        with pytest.raises(ModelError, match=f"'{name}'"):
            read_labels(tmp_path / name)
    with pytest.raises(ModelError, match=r"Cannot read the labels '.*nowhere\.npy': No such file"):
        read_labels(tmp_path / "nowhere.npy")


@pytest.mark.parametrize("make", [functional, one_unit])
def test_labels_of_another_number_than_the_outputs_are_refused(
    tmp_path: Path, make: Callable[[], keras.Model]
) -> None:
    source = save(make(), tmp_path / "theirs.keras")
    refuse(
        source, encoder(tmp_path, ("a", "b", "c")), r"do not fit the model: 3 labels \(a, b, c\)"
    )


def bare_logits() -> keras.Model:
    return functional(activation=None)


def two_sigmoids() -> keras.Model:
    return functional(activation="sigmoid")


def not_numbers() -> keras.Model:
    model = functional()
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    return model


@pytest.mark.parametrize("make", [bare_logits, two_sigmoids, not_numbers])
def test_outputs_that_are_no_probabilities_are_refused(
    tmp_path: Path, make: Callable[[], keras.Model]
) -> None:
    source = save(make(), tmp_path / "theirs.keras")
    refuse(source, encoder(tmp_path), "are no probabilities .*End the model with a softmax")


def flat() -> keras.Model:
    inputs = keras.Input((480,))
    return keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(inputs))


def any_size() -> keras.Model:
    inputs = keras.Input((None, None, 1))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    return keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))


def four_channels() -> keras.Model:
    inputs = keras.Input((20, 24, 4))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    return keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))


def two_photos() -> keras.Model:
    inputs = [keras.Input((20, 24, 1)), keras.Input((20, 24, 1))]
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Add()(inputs))
    return keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))


@pytest.mark.parametrize("make", [flat, any_size, four_channels, two_photos])
def test_other_inputs_than_one_photo_of_a_fixed_size_are_refused(
    tmp_path: Path, make: Callable[[], keras.Model]
) -> None:
    source = save(make(), tmp_path / "theirs.keras")
    refuse(source, encoder(tmp_path), "input should be one photo of a fixed size")


def _text(path: Path) -> None:
    path.write_text("this is not a model")


def _empty(path: Path) -> None:
    path.touch()


def _half(path: Path) -> None:
    save(functional(), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _foreign_container(path: Path) -> None:
    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["numbers"] = [1, 2, 3]
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", json.dumps({"class_name": "Functional"}))


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("write", [_text, _empty, _half, _foreign_container])
def test_a_file_that_is_no_whole_keras_model_is_refused(
    tmp_path: Path, write: Callable[[Path], None], ending: str
) -> None:
    source = tmp_path / f"theirs.{ending}"
    write(source)
    refuse(source, encoder(tmp_path), "is not a Keras model that can be loaded")


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_damage_anywhere_in_a_model_gives_a_model_or_one_sentence(
    tmp_path: Path, share: float
) -> None:
    source = save(functional(), tmp_path / "theirs.keras")
    content = bytearray(source.read_bytes())
    at = int(len(content) * share)
    content[at : at + 40] = bytes(255 - byte for byte in content[at : at + 40])
    source.write_bytes(content)
    with pytest.raises(ModelError, match="is not a Keras model that can be loaded"):
        load_keras(source)


def test_a_model_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"There is no model at '.*nowhere\.keras'"):
        load_keras(tmp_path / "nowhere.keras")
    with pytest.raises(ModelError, match="There is no model at"):
        load_keras(tmp_path)


def test_a_file_under_another_name_is_refused(tmp_path: Path) -> None:
    source = save(functional(), tmp_path / "theirs.keras").rename(tmp_path / "theirs.bin")
    refuse(source, encoder(tmp_path), "expected a .keras or .h5 file")
