import json
import re
import shutil
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brightness_model import METADATA, brightness_model, grey_photo
from gafas.classifier import EyewearClassifier
from gafas.cli import main
from gafas.training.recipe import write_recipe
from tiny_data import make_faces, tiny_recipe


class Told:
    """What a command left: its exit code, its standard output and its standard error."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Call = Callable[..., Told]


@pytest.fixture
def gafas(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Return a function that runs the command line in this process, as `gafas …` would."""
    monkeypatch.setenv("COLUMNS", "400")

    def call(*arguments: object) -> Told:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["gafas", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
        out, err = capfd.readouterr()
        return Told(code, out, err)

    return call


def refused(told: Told, message: str, *, code: int) -> None:
    """Check for one clear sentence on stderr, nothing on stdout and no traceback."""
    assert re.search(message, told.err), told.err
    assert "Traceback" not in told.err
    assert told.out == ""
    assert told.code == code
    ours = [line for line in told.err.splitlines() if line.startswith("gafas: ")]
    assert len(ours) == (1 if "Usage:" not in told.err else 0)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with CMU-like photos, a recipe, and the run that the command makes of it."""
    home = tmp_path_factory.mktemp("home")
    make_faces(home / "cmu")
    recipe = tiny_recipe(optimization={"epochs": 2})
    (home / "tiny.toml").write_text(write_recipe(recipe), encoding="utf-8")
    return home


@pytest.fixture
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GAFAS_CMU", str(home / "cmu"))
    monkeypatch.chdir(home)
    return home


@pytest.fixture(scope="module")
def run(home: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAFAS_CMU", str(home / "cmu"))
        patch.setattr(sys, "argv", ["gafas", "train", f"{home}/tiny.toml", f"{home}/run"])
        with pytest.raises(SystemExit) as stop:
            main()
    assert stop.value.code == 0
    return home / "run"


def snapshot(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def labelled(folder: Path, **counts: int) -> Path:
    """Write photos of a brightness of their own into one folder per label."""
    for label, count in counts.items():
        for number in range(count):
            grey_photo(folder / label / f"{number}.png", 20 * number + len(label))
    return folder


def test_train_leaves_a_whole_run_with_its_evaluation(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert {"model.keras", "model.h5", "model.onnx", "model.tflite"} <= names
    assert {"recipe.toml", "split.json", "history.csv", "evaluation.json"} <= names
    assert json.loads((run / "evaluation.json").read_text())["accuracy"]["total"] == 16


def test_evaluate_repeats_the_evaluation_of_a_run(
    gafas: Call, run: Path, at_home: Path, tmp_path: Path
) -> None:
    told = gafas("evaluate", run, "--out", tmp_path / "again")
    assert told.code == 0
    assert re.match(r"accuracy \d\.\d{4} \(\d+ of 16\), 95 % interval", told.out)
    for name in ("evaluation.json", "predictions.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (run / name).read_bytes()


def test_evaluate_measures_labelled_photos_and_lists_others(
    gafas: Call, run: Path, at_home: Path, tmp_path: Path
) -> None:
    folder = labelled(tmp_path / "mine", none=2, sunglasses=2)
    told = gafas("evaluate", run / "model.onnx", folder)
    assert (told.code, told.out.startswith("accuracy ")) == (0, True)
    (folder / "none" / "broken.png").write_bytes(b"no photo")
    told = gafas("evaluate", run, folder / "none", "--out", tmp_path / "out")
    assert told.code == 1
    assert [line.split("\t")[0] for line in told.out.splitlines()] == [
        "0.png",
        "1.png",
        "broken.png",
    ]
    assert "Cannot read the image" in told.out.splitlines()[2]
    assert (tmp_path / "out" / "predictions.csv").exists()


def test_export_makes_a_model_file_and_replaces_none_unasked(
    gafas: Call, run: Path, tmp_path: Path
) -> None:
    for name in ("model.keras", "label_encoder.npy"):
        shutil.copy(run / name, tmp_path / name)
    arguments = ("export", tmp_path / "model.keras", "--labels", tmp_path / "label_encoder.npy")
    told = gafas(*arguments)
    assert (told.code, told.out.strip()) == (0, str(tmp_path / "model.onnx"))
    photos = np.arange(480, dtype=np.uint16).reshape(2, 15, 16, 1).astype(np.uint8)
    ours = EyewearClassifier(run / "model.onnx").predict(photos)
    theirs = EyewearClassifier(tmp_path / "model.onnx").predict(photos)
    assert theirs == pytest.approx(ours, abs=1e-4)
    refused(gafas(*arguments), "is there already; name it with --out", code=2)
    assert gafas(*arguments, "--out", tmp_path / "model.onnx").code == 0


def test_tune_writes_a_recipe(gafas: Call, at_home: Path, tmp_path: Path) -> None:
    settings = ("--trials", 1, "--set", "optimization.epochs=1")
    told = gafas("tune", "tiny.toml", tmp_path / "out", *settings)
    assert (told.code, told.out.strip()) == (0, str(tmp_path / "out" / "tiny-tuned.toml"))
    assert Path(told.out.strip()).exists()


def test_benchmark_writes_its_results(gafas: Call, at_home: Path, tmp_path: Path) -> None:
    quick = tiny_recipe(name="quick", optimization={"epochs": 1})
    (tmp_path / "quick.toml").write_text(write_recipe(quick), encoding="utf-8")
    out = tmp_path / "cmu.json"
    told = gafas(
        *("benchmark", "cmu", "--recipe", tmp_path / "quick.toml", "--protocol", "by_photo"),
        *("--runs", tmp_path / "runs", "--out", out),
    )
    assert told.code == 0
    assert re.fullmatch(r"quick by_photo: \d+ of 16 right", told.out.strip())
    assert json.loads(out.read_text())["entries"][0]["protocol"] == "by_photo"


def test_report_writes_one_page(gafas: Call, run: Path, at_home: Path, tmp_path: Path) -> None:
    told = gafas("report", run, tmp_path / "page.html", "--language", "en")
    assert (told.code, told.out.strip()) == (0, str(tmp_path / "page.html"))
    assert "<html" in (tmp_path / "page.html").read_text(encoding="utf-8")
    refused(gafas("report", run), "name one run or more, and last the HTML file", code=2)


def test_fetch_refuses_photos_that_are_not_the_cmus(
    gafas: Call, at_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAFAS_HOME", str(tmp_path / "home"))
    refused(gafas("fetch", "cmu", "--from", at_home / "cmu"), "^gafas: ", code=1)
    assert not (tmp_path / "home" / "cmu_faces").exists()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("optimization.epocs=3", "unknown key 'optimization.epocs'. Did you mean 'epochs'?"),
        ("optimization.epochs=many", "'optimization.epochs' is of type int. Received: 'many'"),
        ("network.dropout=1.5", "'network.dropout' is a share from 0 to below 1"),
        ("optimization.keep=best", "choose by the validation part, and there is none"),
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
    refused(gafas("evaluate", run, tmp_path / "empty"), "No photo in .*empty", code=1)
    assert not (tmp_path / "run").exists()


def test_a_label_with_one_sample_is_refused(gafas: Call, at_home: Path, tmp_path: Path) -> None:
    folder = labelled(tmp_path / "mine", none=9, sunglasses=1)
    settings = ("--set", "split.protocol=by_file", "--set", "split.validation_share=0.0")
    told = gafas("train", "tiny.toml", tmp_path / "run", "--data", folder, *settings)
    refused(
        told, r"^gafas: Training needs .*photos of .*Received: .*\d no_glasses\. Add photos", code=1
    )
    assert not (tmp_path / "run").exists()


def test_photos_without_subjects_cannot_be_split_by_subject(
    gafas: Call, at_home: Path, tmp_path: Path
) -> None:
    folder = labelled(tmp_path / "mine", none=4, sunglasses=4)
    told = gafas("train", "tiny.toml", tmp_path / "run", "--data", folder)
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
    import keras

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
        (["benchmark", "lfw"], "Invalid value"),
        (["tune", "tiny.toml", "out", "--trials", "0"], "Invalid value"),
        (["train", "nowhere.toml", "out"], "Cannot read the recipe 'nowhere.toml'"),
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

    monkeypatch.setattr("gafas.data.splits.make_split", interrupt)
    told = gafas("train", "tiny.toml", tmp_path / "run")
    assert told.code == 130
    assert "Traceback" not in told.err
