"""A model file with own labels at every door that takes a model."""

import json
from pathlib import Path

import pytest

from command_line import Call
from gafas.datasets.folders import read_labelled
from gafas.recognizer import Recognizer
from gafas.training.adapt import adapt, write_adapted
from own_labels import EACH, make_moments
from service_client import Door


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a folder for each label."""
    folder = tmp_path_factory.mktemp("moments")
    for name, content in make_moments().items():
        (folder / name.split()[0]).mkdir(exist_ok=True)
        (folder / name.split()[0] / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def model(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("model") / "own.onnx"
    write_adapted(adapt(read_labelled(photos), model="free"), target, model="free")
    return target


def test_evaluate_knows_the_own_labels(gafas: Call, photos: Path, model: Path) -> None:
    told = gafas("evaluate", model, photos)
    assert (told.code, f"({2 * EACH} of {2 * EACH})" in told.out) == (0, True)
    assert "shaded" in told.out


def test_photos_are_drawn_on_and_explained(
    gafas: Call, photos: Path, model: Path, tmp_path: Path
) -> None:
    photo = photos / "shaded" / "shaded 0.jpg"
    assert gafas("annotate", photo, tmp_path / "drawn.jpg", "--model", model).code == 0
    assert gafas("explain", photo, tmp_path / "why.jpg", "--model", model).code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"drawn.jpg", "why.jpg"}


def test_photos_are_sorted_into_folders_of_the_own_labels(
    gafas: Call, photos: Path, model: Path, tmp_path: Path
) -> None:
    assert gafas("sort", photos, tmp_path / "sorted", "--model", model).code == 0
    sorted_ = tmp_path / "sorted"
    found = {path.name: path.relative_to(sorted_).parts[0] for path in sorted_.rglob("*.jpg")}
    assert found == {name: name.split()[0] for name in make_moments()}


def test_own_labels_are_learnt_from_folders_with_a_warning_and_tagged(
    gafas: Call, photos: Path, model: Path, tmp_path: Path
) -> None:
    told = gafas("adapt", photos, tmp_path / "own.onnx", "--model", "free")
    assert (
        "nothing tells whom the photos show: where people repeat, the figure flatters" in told.err
    )
    told = gafas("tag", photos, "--model", model, "--dry-run")
    assert (told.code, told.out.count(".xmp: shaded")) == (0, EACH)


def test_batch_keeps_the_own_labels(gafas: Call, photos: Path, model: Path, tmp_path: Path) -> None:
    assert gafas("batch", photos, tmp_path / "out", "--model", model).code == 0
    told = gafas("predict", photos, "--answers", tmp_path / "out", "--model", model, "--json")
    labels = [json.loads(line)["faces"][0]["label"] for line in told.out.splitlines()]
    assert sorted(labels) == ["office"] * EACH + ["shaded"] * EACH


def test_what_knows_only_eyewear_refuses_the_file_with_a_sentence(
    gafas: Call, photos: Path, model: Path
) -> None:
    told = gafas("check", photos, "--require", "bare", "--model", model)
    assert told.code == 1
    assert told.err.count("gafas: ") == 1


def test_the_service_answers_with_the_own_labels(photos: Path, model: Path) -> None:
    door = Door(Recognizer(model))
    content = (photos / "shaded" / "shaded 1.jpg").read_bytes()
    (face,) = door.post("/v1/recognize", content).json()["faces"]
    assert face["label"] == "shaded"
    assert door.get("/v1/model").json()["labels"] == ["office", "shaded"]


def test_an_adapted_file_is_adapted_again_to_the_same_labels_and_to_others(
    photos: Path, model: Path, tmp_path: Path
) -> None:
    again = adapt(read_labelled(photos), model=model)
    assert again.shipped is not None  # it knows them now
    write_adapted(again, tmp_path / "again.onnx", model=model)
    samples = read_labelled(photos)
    write_adapted(
        adapt(samples, model=tmp_path / "again.onnx"),
        tmp_path / "third.onnx",
        model=tmp_path / "again.onnx",
    )
    (face,) = Recognizer(tmp_path / "third.onnx").recognize(samples[-1].path)
    assert face.label == samples[-1].label
    (tmp_path / "words.csv").write_text(
        "file,label\n" + "".join(f"{one.path},{one.label.upper()}\n" for one in samples),
        "utf-8",
    )
    renamed = adapt(read_labelled(tmp_path / "words.csv"), model=tmp_path / "third.onnx")
    assert renamed.labels == ("OFFICE", "SHADED")
    write_adapted(renamed, tmp_path / "renamed.onnx", model=tmp_path / "third.onnx")
    (face,) = Recognizer(tmp_path / "renamed.onnx").recognize(samples[-1].path)
    assert face.label == "SHADED"
