import html
import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from command_line import Call, labelled, refused
from eyewear_model import make_scenes, make_sets
from gafas.classifier import EyewearClassifier
from gafas.datasets.eyewear import part, read_material
from gafas.datasets.splits import SplitPlan, write_split
from run_folders import make_face_run, write_data


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


def test_a_run_on_whole_photos_is_measured_face_by_face_and_reported(
    gafas: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_face_run(tmp_path / "faces", tmp_path / "photos")
    three = ["none/a", "eyeglasses/b", "sunglasses/c"]
    sets = make_sets(tmp_path / "sets", dict.fromkeys(("celeba", "web"), three))
    faces = [("none hat", "eyeglasses", "sunglasses")[at % 3] for at in range(30)]
    monkeypatch.setenv("GAFAS_EYEWEAR", str(make_scenes(sets, faces)))
    split = part(read_material(SplitPlan(), scales=("full",)))
    assert {"life"} == {sample.facts["source"] for sample in split.test}
    write_split(split, run / "split.json")
    told = gafas("evaluate", run)
    photos = len({sample.photo for sample in split.test})
    assert (told.code, told.err.count("not_a_face")) == (0, 0), told.err
    assert told.out.startswith(f"accuracy 1.0000 ({photos} of {photos})")
    assert gafas("report", run).code == 0


def test_evaluate_measures_labelled_photos_and_says_what_is_for_others(
    gafas: Call, run: Path, tmp_path: Path
) -> None:
    folder = labelled(tmp_path / "mine", none=2, sunglasses=2)
    told = gafas("evaluate", run / "model.onnx", folder, "--out", tmp_path / "out")
    assert (told.code, told.out.startswith("accuracy ")) == (0, True)
    told = gafas("evaluate", run, folder / "none")
    refused(told, "No labelled photos in .*`gafas predict` tells", code=1)


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


@pytest.fixture
def told(run: Path, at_home: Path, tmp_path: Path) -> Path:
    """Return a copy of a run, in a folder whose name a shell would take apart."""
    return Path(shutil.copytree(run, tmp_path / "a run"))


def test_report_writes_one_page_into_the_run_folder_or_where_it_is_told(
    gafas: Call, told: Path, tmp_path: Path
) -> None:
    done = gafas("report", told)
    assert (done.code, done.out.strip()) == (0, str(told / "report.html"))
    assert "<img" in (told / "report.html").read_text(encoding="utf-8")
    done = gafas("report", told, told, "--out", tmp_path / "page.html")
    assert (done.code, done.out.strip()) == (0, str(tmp_path / "page.html"))
    refused(gafas("report", told, told), "needs a name: --out FILE.html", code=2)


def test_report_writes_over_no_file_that_is_not_a_report(
    gafas: Call, told: Path, tmp_path: Path
) -> None:
    """The file named last was the page once: a forgotten name cost a model."""
    model = told / "model.onnx"
    before = model.read_bytes()
    assert gafas("report", told, model).code == 2
    refused(gafas("report", told, "--out", model), "is no report of gafas", code=1)
    assert model.read_bytes() == before
    page = tmp_path / "page.html"
    refused(gafas("report", told, page), "is no run folder; to write it, say --out", code=2)
    assert not page.exists()
    assert gafas("report", told).code == 0
    assert gafas("report", told).code == 0


@pytest.mark.parametrize(("locale", "word"), [("es_ES.UTF-8", "Objetivo"), ("C", "Objective")])
def test_report_speaks_the_language_of_the_locale(
    gafas: Call, told: Path, monkeypatch: pytest.MonkeyPatch, locale: str, word: str
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    assert gafas("report", told).code == 0
    assert f"<h2>{word}</h2>" in (told / "report.html").read_text(encoding="utf-8")
    assert gafas("report", told, "--language", "es").code == 0
    assert "<h2>Objetivo</h2>" in (told / "report.html").read_text(encoding="utf-8")


def test_report_goes_without_photos_that_are_not_there_and_says_so(
    gafas: Call, told: Path, at_home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_data(told, kind="drawn", path=tmp_path / "gone")
    assert gafas("report", told, "--language", "en").code == 0
    assert re.search(r"report on .* goes without photos\. .*gone", caplog.text)
    page = (told / "report.html").read_text(encoding="utf-8")
    assert "are not where they were looked for" in page and "<img" not in page
    assert gafas("report", told, "--data", at_home / "cmu").code == 0
    assert "<img" in (told / "report.html").read_text(encoding="utf-8")


def test_what_a_report_says_to_type_repeats_the_training(
    gafas: Call, told: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    gafas("report", told, "--language", "en")
    page = html.unescape((told / "report.html").read_text(encoding="utf-8"))
    first, second = re.findall(r"<pre><code>(.*?)</code></pre>", page, re.DOTALL)[0].splitlines()
    assert gafas(*shlex.split(first)[1:]).code == 0
    again = told.with_name("a run-2")
    for file in ("evaluation.json", "split.json"):
        ours, theirs = (
            json.loads((folder / file).read_text().replace(folder.name, ""))
            for folder in (told, again)
        )
        for record in (ours, theirs):
            record.pop("name"), record.pop("model", None)
        assert ours == theirs
    assert gafas(*shlex.split(second)[1:]).code == 0


def test_fetch_refuses_photos_that_are_not_the_cmus(
    gafas: Call, at_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAFAS_HOME", str(tmp_path / "home"))
    refused(gafas("fetch", "cmu", "--from", at_home / "cmu"), "^gafas: ", code=1)
    assert not (tmp_path / "home" / "cmu_faces").exists()
