import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from gafas.datasets.dataset import DataSet
from gafas.datasets.eyewear import UNCLEAR, read_corrections
from gafas.datasets.samples import Sample
from gafas.datasets.splits import Split, make_split
from gafas.errors import DataError
from gafas.training.recipe import Recipe
from gafas.training.run import (
    Data,
    check_same,
    hash_data,
    is_finished,
    open_run,
    read_data,
    read_run,
    read_run_recipe,
    read_run_split,
    write_data,
    write_environment,
)
from tiny_data import rename, tiny_recipe


@pytest.fixture
def recipe() -> Recipe:
    return tiny_recipe()


@pytest.fixture
def split(faces: tuple[Sample, ...], recipe: Recipe) -> Split:
    return make_split(faces, recipe.split)


@pytest.fixture
def begun(tmp_path: Path, recipe: Recipe, split: Split) -> Path:
    open_run(recipe, split, run=tmp_path / "run")
    return tmp_path / "run"


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()}


def test_a_run_begins_with_recipe_split_and_environment(
    begun: Path, recipe: Recipe, split: Split, faces: tuple[Sample, ...]
) -> None:
    assert sorted(p.name for p in begun.iterdir()) == [
        "data.json",
        "environment.json",
        "recipe.toml",
        "split.json",
    ]
    assert read_run_recipe(begun) == recipe
    read, leaks = read_run_split(begun, faces)
    assert read == split
    assert leaks is not None
    assert (leaks.test, leaks.any) == (len(split.test), 0)
    assert not is_finished(begun)


def test_a_run_is_read_although_one_of_its_photos_was_found_unclear_since(
    begun: Path, split: Split, faces: tuple[Sample, ...], caplog: pytest.LogCaptureFixture
) -> None:
    unclear = next(name for name, label in read_corrections().items() if label == UNCLEAR)
    content = json.loads((begun / "split.json").read_text())
    content["train"].append(unclear)
    (begun / "split.json").write_text(json.dumps(content))
    caplog.clear()
    assert read_run_split(begun, faces)[0] == split
    assert caplog.text.count(unclear) == 1


def test_the_leak_alarm_sounds_when_a_run_begins(
    tmp_path: Path, faces: tuple[Sample, ...], caplog: pytest.LogCaptureFixture
) -> None:
    recipe = tiny_recipe(split={"protocol": "by_file", "validation_share": 0.0})
    open_run(recipe, make_split(faces, recipe.split), run=tmp_path / "run")
    leaks = json.loads((tmp_path / "run" / "split.json").read_text())["leaks"]
    assert leaks["any"] == leaks["test"] == 16
    assert any("16" in message for message in caplog.messages)


def test_an_interrupted_run_is_gone_on_with_under_any_name(
    begun: Path, recipe: Recipe, split: Split
) -> None:
    before = snapshot(begun)
    open_run(rename(recipe, "other"), split, run=begun)
    assert snapshot(begun) == before


def test_an_empty_folder_and_one_barely_begun_are_accepted(
    tmp_path: Path, recipe: Recipe, split: Split
) -> None:
    for name in ("empty", "barely"):
        (tmp_path / name).mkdir()
    (tmp_path / "barely" / "recipe.toml").write_text("name = 'half'")
    for name in ("empty", "barely"):
        open_run(recipe, split, run=tmp_path / name)
        assert read_run_recipe(tmp_path / name) == recipe


def test_a_run_of_another_recipe_is_refused_and_left_as_it_is(begun: Path, split: Split) -> None:
    before = snapshot(begun)
    with pytest.raises(DataError, match="was begun with another recipe"):
        open_run(tiny_recipe(seed=4), split, run=begun)
    assert snapshot(begun) == before


def _shorter(split: Split) -> Split:
    return dataclasses.replace(split, train=split.train[1:])


def _relabelled(split: Split) -> Split:
    turned = {"none": "sunglasses", "sunglasses": "none"}[split.train[0].label]
    first = dataclasses.replace(split.train[0], label=turned)
    return dataclasses.replace(split, train=(first, *split.train[1:]))


@pytest.mark.parametrize("change", [_shorter, _relabelled])
def test_a_run_of_other_data_is_refused_and_left_as_it_is(
    begun: Path, recipe: Recipe, split: Split, change: Callable[[Split], Split]
) -> None:
    before = snapshot(begun)
    with pytest.raises(DataError, match="was begun with other data"):
        open_run(recipe, change(split), run=begun)
    assert snapshot(begun) == before


def test_a_photo_that_was_altered_meanwhile_is_noticed(
    begun: Path, recipe: Recipe, split: Split, tmp_path: Path
) -> None:
    Image.new("L", (32, 30), 7).save(tmp_path / "altered.pgm")
    first = dataclasses.replace(split.train[0], path=tmp_path / "altered.pgm")
    altered = dataclasses.replace(split, train=(first, *split.train[1:]))
    with pytest.raises(DataError, match="was begun with other data"):
        check_same(recipe, altered, run=begun)


def test_the_data_hash_is_the_same_in_both_vocabularies(split: Split, recipe: Recipe) -> None:
    from gafas.datasets.samples import relabel

    parts = [relabel(p, recipe.labels) for p in (split.train, split.validation, split.test)]
    assert hash_data(split, recipe.labels) == hash_data(Split("x", *parts), recipe.labels)


def test_a_photo_that_vanished_is_named(split: Split, recipe: Recipe) -> None:
    gone = dataclasses.replace(split.train[0], path=Path("nowhere.pgm"))
    with pytest.raises(DataError, match=r"Cannot read the photo 'nowhere\.pgm': No such file"):
        hash_data(dataclasses.replace(split, train=(gone,)), recipe.labels)


def test_a_folder_that_is_no_run_is_refused_and_left_as_it_is(
    tmp_path: Path, recipe: Recipe, split: Split
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    before = snapshot(tmp_path / "mine")
    with pytest.raises(DataError, match="exists and is no run of gafas; nothing in it was touched"):
        open_run(recipe, split, run=tmp_path / "mine")
    assert snapshot(tmp_path / "mine") == before


def test_a_file_in_the_place_of_a_run_is_refused(
    tmp_path: Path, recipe: Recipe, split: Split
) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(DataError, match="exists and is no run"):
        open_run(recipe, split, run=tmp_path / "run")
    assert (tmp_path / "run").read_text() == "a file"


def test_a_folder_without_a_recipe_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no run: expected a folder that `gafas train` left"):
        read_run_recipe(tmp_path)


def test_the_environment_holds_versions_and_at_last_the_seconds(
    begun: Path, recipe: Recipe
) -> None:
    before = json.loads((begun / "environment.json").read_text())
    write_environment(begun, recipe, seconds=3.5)
    after = json.loads((begun / "environment.json").read_text())
    assert after == {**before, "seconds": 3.5}
    assert all(after[name] != "unknown" for name in ("gafas", "keras", "tensorflow", "numpy"))


def test_the_record_says_which_data_a_run_is_of(tmp_path: Path) -> None:
    assert read_data(tmp_path) == Data()
    write_data(tmp_path, DataSet("drawn", tmp_path, ()), sha256="0" * 64)
    assert read_data(tmp_path) == Data("drawn", tmp_path, 0, "0" * 64)


@pytest.mark.parametrize("content", ["{", "[]", '{"kind": "lfw"}', '{"kind": "own", "path": 1}'])
def test_a_damaged_record_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "data.json").write_text(content)
    with pytest.raises(DataError, match=r"data\.json cannot be read"):
        read_data(tmp_path)


def test_a_training_that_is_not_over_cannot_be_read_as_a_run(begun: Path) -> None:
    with pytest.raises(DataError, match=r"network\.json is missing"):
        read_run(begun)
    (begun / "network.json").write_text("[]")
    with pytest.raises(DataError, match=r"history\.csv is missing or holds no epoch"):
        read_run(begun)
