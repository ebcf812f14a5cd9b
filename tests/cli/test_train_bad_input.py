import json
import re
import shutil
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brightness_model import METADATA, brightness_model
from command_line import Call, labelled, refused, snapshot
from gafas.training.backend import keras


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("optimization.epocs=3", "unknown key 'optimization.epocs'. Did you mean 'epochs'?"),
        ("optimization.epochs=many", "'optimization.epochs' is of type int. Received: 'many'"),
        ("network.dropout=1.5", "'network.dropout' must be a share from 0 to below 1"),
    ],
)
def test_a_faulty_recipe_is_a_usage_error(
    gafas: Call, at_home: Path, tmp_path: Path, setting: str, message: str
) -> None:
    base = ("--set", "split.validation_share=0.0")
    told = gafas("train", "tiny.toml", tmp_path / "run", *base, "--set", setting)
    refused(told, re.escape(message), code=2)
    assert not (tmp_path / "run").exists()


def test_a_run_folder_that_exists_is_refused_and_left_as_it_is(
    gafas: Call, run: Path, at_home: Path, tmp_path: Path
) -> None:
    before = snapshot(run)
    refused(gafas("train", "tiny.toml", run), "is finished already. Choose another", code=1)
    assert snapshot(run) == before
    (tmp_path / "thesis.txt").write_text("years of work")
    told = gafas("train", "tiny.toml", tmp_path)
    refused(told, "is no run of gafas; nothing in it was touched", code=1)
    assert snapshot(tmp_path) == {"thesis.txt": b"years of work"}


def test_an_empty_folder_is_refused(gafas: Call, run: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    told = gafas("train", run / "recipe.toml", tmp_path / "run", "--data", tmp_path / "empty")
    refused(told, "No labelled photos in .*empty", code=1)
    refused(gafas("evaluate", run, tmp_path / "empty"), "No labelled photos in .*empty", code=1)
    assert not (tmp_path / "run").exists()


def test_a_label_with_one_sample_is_refused(gafas: Call, at_home: Path, tmp_path: Path) -> None:
    folder = labelled(tmp_path / "mine", none=9, sunglasses=1)
    settings = ("--set", "split.protocol=by_file", "--set", "split.validation_share=0.0")
    told = gafas("train", "tiny.toml", tmp_path / "run", "--data", folder, *settings)
    refused(
        told,
        r"gafas: Training needs .*photos of .*Received: .*\d none, 1 sunglasses\. Add photos",
        code=1,
    )
    assert not (tmp_path / "run").exists()


def test_photos_without_subjects_cannot_be_split_by_subject(
    gafas: Call, at_home: Path, tmp_path: Path
) -> None:
    folder = labelled(tmp_path / "mine", none=4, sunglasses=4)
    settings = ("--set", "split.protocol=by_subject")
    told = gafas("train", "tiny.toml", tmp_path / "run", "--data", folder, *settings)
    refused(told, "have no subject. Split by_photo, or give a CSV", code=1)


def test_a_subject_on_both_sides_of_a_run_is_refused(
    gafas: Call, run: Path, at_home: Path, tmp_path: Path
) -> None:
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run" / "split.json"
    split = json.loads(path.read_text())
    split["train"].append(split["test"].pop())
    path.write_text(json.dumps(split))
    before = snapshot(tmp_path / "run")
    told = gafas("evaluate", tmp_path / "run")
    refused(told, "has the (photo|subject) '.*' in train and in test", code=1)
    assert snapshot(tmp_path / "run") == before


def test_a_model_that_asks_for_code_execution_is_refused(
    gafas: Call, run: Path, tmp_path: Path
) -> None:
    inputs = keras.Input((15, 16, 1))
    x = keras.layers.Lambda(lambda x: x * 1.0)(inputs)
    x = keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(x))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keras.Model(inputs, x).save(tmp_path / "theirs.keras")
    told = gafas("export", tmp_path / "theirs.keras", "--labels", run / "label_encoder.npy")
    refused(told, "holds code .*which gafas never runs", code=1)
    assert not (tmp_path / "theirs.onnx").exists()


def test_labels_that_are_a_pickle_are_refused(gafas: Call, run: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "labels.npy", np.array(["a", None]), allow_pickle=True)
    out = tmp_path / "new.onnx"
    told = gafas("export", run / "model.keras", "--labels", tmp_path / "labels.npy", "--out", out)
    refused(told, "pickles are never opened", code=1)
    assert not out.exists()


def test_a_model_with_another_input_size_than_it_says_is_refused(
    gafas: Call, tmp_path: Path
) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(brightness_model(("N", 9, 9, 1), metadata=METADATA))
    folder = labelled(tmp_path / "mine", dark=2, bright=2)
    refused(gafas("evaluate", model, folder), "one uint8 input .*were promised", code=1)


def test_a_model_that_is_no_model_is_refused(gafas: Call, run: Path, tmp_path: Path) -> None:
    folder = labelled(tmp_path / "mine", none=2, sunglasses=2)
    (tmp_path / "text.onnx").write_text("this is not a model")
    refused(gafas("evaluate", tmp_path / "text.onnx", folder), "is not an ONNX file", code=1)
    refused(gafas("evaluate", tmp_path / "nowhere.onnx", folder), "No such file", code=1)
    with zipfile.ZipFile(tmp_path / "theirs.keras", "w") as archive:
        archive.writestr("notes.txt", "this is not a model")
    told = gafas("export", tmp_path / "theirs.keras", "--labels", run / "label_encoder.npy")
    refused(told, "is not a Keras model that can be loaded", code=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "No such command"),
        (["train"], "Missing argument"),
        (["benchmark"], "No such command"),
        (["tune", "tiny.toml", "out", "--trials", "0"], "Invalid value"),
        (["train", "nowhere.toml", "out"], "Cannot read the recipe 'nowhere.toml'"),
        (["train", "compcat", "out"], "No recipe is called 'compcat'"),
        (["export", "m.keras", "--labels", "l.npy", "--out", "m.tflite"], "ends in .onnx"),
    ],
)
def test_usage_errors_exit_with_2(
    gafas: Call, at_home: Path, arguments: list[Any], message: str
) -> None:
    told = gafas(*arguments)
    assert told.code == 2
    assert message in told.err
    assert told.out == ""


def test_missing_data_say_how_to_get_them(
    gafas: Call, at_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAFAS_CMU", str(tmp_path / "nowhere"))
    told = gafas("train", "tiny.toml", tmp_path / "run")
    refused(told, "GAFAS_CMU points to '.*nowhere'", code=1)


def test_an_interruption_exits_with_130_and_no_traceback(
    gafas: Call, at_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*args: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gafas.datasets.dataset.make_split", interrupt)
    told = gafas("train", "tiny.toml", tmp_path / "run")
    assert told.code == 130
    assert "Traceback" not in told.err
