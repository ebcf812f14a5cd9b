"""A teacher's path: an own folder, trained, measured, told of and used; where is said once."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from command_line import Call, refused
from gafas.datasets.dataset import read_data_set
from gafas.errors import DataError
from gafas.training.recipe import read_recipe
from tiny_data import draw_face, make_faces

QUICK = (
    *("--set", "optimization.epochs=2", "--set", "optimization.minimum_steps=1"),
    *("--set", "network.filters=[4, 8]"),
)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write ten photos each of two labels that no recipe names, and of no known person."""
    folder = tmp_path_factory.mktemp("mine") / "our class"
    generator = np.random.default_rng(2)
    for label in ("bare", "shades"):
        (folder / label).mkdir(parents=True)
        for number in range(10):
            face = draw_face(generator, sunglasses=label == "shades")
            face.resize((64, 60), Image.Resampling.BICUBIC).save(folder / label / f"{number}.png")
    return folder


def test_each_command_works_without_repeating_where_the_photos_lie(
    gafas: Call,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.delenv("GAFAS_CMU", raising=False)
    monkeypatch.setenv("GAFAS_HOME", str(tmp_path / "home"))
    run = tmp_path / "run"
    told = gafas("train", "compact", run, "--data", photos, *QUICK)
    assert told.code == 0
    adapted = [line for line in caplog.messages if line.startswith("Of your own photos")]
    assert adapted == [
        "Of your own photos the labels are bare, shades; they are parted by photo, since nothing "
        "says whom they show."
    ]
    assert f"gafas report {run}" in told.err
    recipe = read_recipe(run / "recipe.toml")
    assert (recipe.labels, recipe.split.protocol) == (("bare", "shades"), "by_photo")
    data = json.loads((run / "data.json").read_text())
    assert (data["kind"], data["path"], data["samples"]) == ("own", str(photos), 20)
    before = (run / "evaluation.json").read_bytes()
    told = gafas("evaluate", run)
    assert told.code == 0
    assert "not what they were" not in told.err
    assert (run / "evaluation.json").read_bytes() == before
    told = gafas("predict", photos / "bare" / "0.png", "--model", run / "model.onnx")
    assert told.code == 0
    assert "bare" in told.out or "shades" in told.out or "unsure" in told.out
    told = gafas("train", run, tmp_path / "again")  # a run can be repeated by its folder
    assert told.code == 0
    assert (tmp_path / "again" / "evaluation.json").exists()
    assert json.loads((tmp_path / "again" / "data.json").read_text()) == data
    told = gafas("tune", run, tmp_path / "study", "--trials", 1)
    assert told.code == 0
    assert f"gafas train {tmp_path / 'study' / 'compact-tuned.toml'} RUN --data '{photos}'" in (
        told.err
    )
    assert gafas("tune", run / "recipe.toml", tmp_path / "study", "--trials", 1).code == 0


def test_only_a_run_beside_its_recipe_says_where_the_photos_lie(
    gafas: Call, photos: Path, at_home: Path, tmp_path: Path
) -> None:
    for name in ("tiny.toml", "recipe.toml"):
        (tmp_path / name).write_text((at_home / "tiny.toml").read_text())
    (tmp_path / "data.json").write_text(json.dumps({"kind": "own", "path": str(photos)}))
    for name in ("tiny.toml", "recipe.toml"):
        told = gafas("train", tmp_path / name, tmp_path / f"run of {name}", *QUICK)
        assert told.code == 0
        assert json.loads((tmp_path / f"run of {name}/data.json").read_text())["kind"] == "cmu"


def test_photos_that_moved_or_changed_are_told(
    gafas: Call, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    shutil.copytree(photos, here)
    assert gafas("train", "compact", tmp_path / "run", "--data", here, *QUICK).code == 0
    here.rename(there)
    refused(
        gafas("evaluate", tmp_path / "run"), "lay in '.*here', and are not there.*--data", code=1
    )
    Image.new("L", (64, 60), 9).save(there / "bare" / "0.png")
    told = gafas("evaluate", tmp_path / "run", "--data", there)
    assert told.code == 0
    assert "The photos, or their labels, are not what they were" in told.err


def test_labels_and_protocol_that_are_asked_for_stay(
    gafas: Call, photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = ("--set", 'labels=["shades", "bare"]', "--set", "split.protocol=by_file")
    told = gafas("train", "compact", tmp_path / "run", "--data", photos, *settings, *QUICK)
    assert told.code == 0
    assert "Of your own photos" not in caplog.text
    recipe = read_recipe(tmp_path / "run" / "recipe.toml")
    assert (recipe.labels, recipe.split.protocol) == (("shades", "bare"), "by_file")


def test_a_training_killed_before_its_evaluation_is_finished_by_the_same_command(
    gafas: Call, run: Path, at_home: Path, tmp_path: Path
) -> None:
    shutil.copytree(run, tmp_path / "run")
    held = (run / "evaluation.json").read_bytes()
    (tmp_path / "run" / "evaluation.json").unlink()
    model = (tmp_path / "run" / "model.onnx").stat().st_mtime_ns
    refused(
        gafas("train", "tiny.toml", tmp_path / "run", "--set", "seed=4"),
        "was begun with another recipe",
        code=1,
    )
    assert gafas("train", "tiny.toml", tmp_path / "run").code == 0
    assert (tmp_path / "run" / "evaluation.json").read_bytes() == held
    assert (tmp_path / "run" / "model.onnx").stat().st_mtime_ns == model


@pytest.mark.parametrize("content", ["", '{"name": "by_ph', "[]", '{"name": "mine"}'])
def test_a_damaged_split_is_one_sentence(
    gafas: Call, run: Path, at_home: Path, tmp_path: Path, content: str
) -> None:
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "split.json").write_text(content)
    refused(gafas("evaluate", tmp_path / "run"), "split", code=1)
    for name in ("evaluation.json", "model.onnx"):
        (tmp_path / "run" / name).unlink()
    refused(gafas("train", "tiny.toml", tmp_path / "run"), "split", code=1)


def test_a_bad_argument_is_told_before_tensorflow_is_loaded(run: Path, at_home: Path) -> None:
    ask = (
        "import sys; from gafas.cli import main\n"
        "try: main()\n"
        "except SystemExit as stop: print(stop.code, 'tensorflow' in sys.modules)"
    )
    for arguments in (
        ["tiny.toml", str(run)],
        ["compcat", "new"],
        ["tiny.toml", "new", "--set=x=1"],
    ):
        told = subprocess.run(
            [sys.executable, "-c", ask, "train", *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout.split() in (["1", "False"], ["2", "False"])


def test_a_training_says_nothing_of_tensorflow(at_home: Path, tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "gafas.cli", "train", "tiny.toml", str(tmp_path / "run")],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = told.stderr.splitlines()
    assert lines[0] == "None of 16 test files shares a photo, nor a person, with training."
    assert lines[-2].startswith("gafas: next: gafas report")
    assert all(line.startswith("epoch ") for line in lines[1:-2])


def test_what_rests_on_drawn_people_says_so(
    gafas: Call, at_home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_faces(tmp_path / "people")
    (tmp_path / "people" / "drawn.json").write_text('{"seed": 0, "version": 1}')
    told = gafas("train", "tiny.toml", tmp_path / "run", "--data", tmp_path / "people", *QUICK)
    assert told.code == 0
    assert "These are drawn people, no photographs." in caplog.messages
    assert told.out.splitlines()[0].endswith("(drawn people, no photographs)")
    assert json.loads((tmp_path / "run" / "data.json").read_text())["kind"] == "drawn"
    told = gafas("evaluate", tmp_path / "run")
    assert told.out.splitlines()[0].endswith("(drawn people, no photographs)")


def test_without_the_photos_of_the_experiment_drawn_people_take_their_place(
    drawn_people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GAFAS_CMU", raising=False)
    monkeypatch.setenv("GAFAS_HOME", str(tmp_path))
    (tmp_path / "drawn_people").symlink_to(drawn_people)  # drawn already, to be quick
    data = read_data_set(scales=("quarter",))
    assert (data.kind, len(data.samples)) == ("drawn", 640)
    monkeypatch.setenv("GAFAS_CMU", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="GAFAS_CMU points to"):
        read_data_set()
