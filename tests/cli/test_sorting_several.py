"""Sorting several folders and photos with one command: once each, resumable, undoable."""

import os
from pathlib import Path

import pytest

from command_line import Call, interrupt, refused
from eyewear_model import eyewear_model, scene
from sorted_photos import names, snapshot


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(eyewear_model())
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a folder with two folders, in which photos have the same names."""
    for name, exposure in (("a/x", 2.0), ("a/deep/y", 0.3), ("b/x", 2.0), ("b/y", 1.0)):
        path = tmp_path / "photos" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        scene(len(name), exposure=exposure).save(path)
    return tmp_path / "photos"


def journals(out: Path) -> list[Path]:
    return sorted(out.glob(".gafas-sort-*.jsonl"))


def count(told_out: str) -> int:
    return sum(int(line.split()[1]) for line in told_out.splitlines() if "->" not in line)


SORTED = ["eyeglasses/y.png", "none/x-2.png", "none/x.png", "sunglasses/deep/y.png"]


@pytest.mark.parametrize("action", ["--copy", "--move", "--link"])
def test_several_folders_are_sorted_and_all_comes_back(
    gafas: Call, model: Path, photos: Path, tmp_path: Path, action: str
) -> None:
    out, before = tmp_path / "out", snapshot(photos)
    words = ("sort", photos / "a", photos / "b", out, action, "--model", model)
    planned = gafas(*words, "--dry-run")
    targets = [line.partition(" -> ")[2] for line in planned.out.splitlines() if "->" in line]
    assert sorted(targets) == [str(out / name) for name in SORTED]
    assert not out.exists()
    told = gafas(*words)
    assert (told.code, names(out), count(told.out)) == (0, SORTED, 4)
    again = gafas(*words)
    assert (again.out, names(out)) == (told.out, SORTED)
    assert "4 of them by earlier runs" in again.err
    undo = told.err.rpartition("gafas sort --undo ")[2].split()
    assert undo == [str(path) for path in journals(out)]
    back = gafas("sort", "--undo", *undo)
    assert (back.code, back.out) == (0, "taken back         4\nleft               0\n")
    assert not out.exists()
    assert snapshot(photos) == before


def test_one_more_folder_is_added_to_what_was_sorted(
    gafas: Call, model: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    gafas("sort", photos / "b", out, "--model", model)
    assert count(gafas("sort", photos / "a", photos / "b", out, "--model", model).out) == 4
    assert len(names(out)) == 4


def test_what_overlaps_is_sorted_once(
    gafas: Call, model: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    scene(9, exposure=2.0).save(photos / "a" / "scan", "PNG")  # found only where it is named
    (photos / "a" / ".hidden").mkdir()
    scene(8, exposure=2.0).save(photos / "a" / ".hidden" / "h.png")
    named = ["a/deep/y.png", "a/deep", "a", "a/../a/", "a/scan", "a/.hidden", "a/x.png"]
    told = gafas("sort", *(f"{photos}/{name}" for name in named), out, "--model", model)
    expected = ["none/scan", "none/x.png", "sunglasses/deep/y.png"]
    assert (told.code, names(out)) == (0, expected)
    assert (out / "none/.hidden/h.png").exists()
    assert len(journals(out)) == 1
    assert gafas("sort", "--undo", journals(out)[0]).code == 0
    assert not out.exists()


def test_photos_that_are_named_share_the_journal_of_their_folder(
    gafas: Call, model: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    before = snapshot(photos)
    words = ("sort", photos / "b/x.png", photos / "b/y.png", out, "--move", "--model", model)
    told = gafas(*words)
    assert (told.code, names(out)) == (0, ["eyeglasses/y.png", "none/x.png"])
    assert gafas(*words).code == 0  # both are gone, but were sorted
    typo = gafas("sort", photos / "b/typo.png", out, "--move", "--model", model)
    refused(typo, "nothing to sort.*typo.png", code=1)
    scene(7, exposure=2.0).save(photos / "b/z.png")
    assert count(gafas("sort", photos / "b", out, "--move", "--model", model).out) == 3
    assert len(journals(out)) == 1
    assert gafas("sort", "--undo", journals(out)[0]).code == 0
    (photos / "b/z.png").unlink()
    assert snapshot(photos) == before


def test_nothing_is_begun_where_one_of_several_cannot_be_sorted(
    gafas: Call, model: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    gafas("sort", photos / "b", out, "--model", model)
    before = snapshot(tmp_path)
    told = gafas("sort", photos / "a", photos / "b", out, "--move", "--model", model)
    refused(told, "--copy .* is what it holds, --move", code=1)
    told = gafas("sort", photos / "a", photos / "no", out, "--model", model)
    refused(told, "nothing to sort. Received: '.*/no'", code=1)
    told = gafas("sort", photos / "a", photos / "a/typo.png", out, "--model", model)
    refused(told, "nothing to sort. Received: '.*/typo.png'", code=1)
    told = gafas("sort", photos / "a", "https://example.org/b.jpg", out, "--model", model)
    refused(told, "'https://example.org/b.jpg'", code=1)
    told = gafas("sort", photos / "a", out / "none", out, "--model", model)
    refused(told, "it lies in the folder none there", code=1)
    assert snapshot(tmp_path) == before


def test_nothing_is_undone_where_one_of_several_is_no_journal(
    gafas: Call, model: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    gafas("sort", photos / "a", photos / "b", out, "--move", "--model", model)
    before = snapshot(tmp_path)
    told = gafas("sort", "--undo", *journals(out), photos / "b")
    refused(told, "Is a directory", code=1)
    refused(gafas("sort", "--undo", *journals(out), model), "no journal", code=1)
    assert snapshot(tmp_path) == before


def test_an_interrupt_says_how_many_are_done_and_the_same_command_goes_on(
    gafas: Call, model: Path, photos: Path, tmp_path: Path
) -> None:
    for number in range(150):
        os.link(photos / "a/x.png", photos / f"a/{number:03}.png")
    before = snapshot(photos)
    out = tmp_path / "out"
    words = ("sort", photos / "a", photos / "b", out, "--model", model)
    line = interrupt(*words, when=lambda: len(names(out)) >= 10)
    assert line.startswith("gafas: Interrupted: ")
    assert line.endswith("photos are done. To go on, give the same command again.")
    rest = gafas(*words)
    assert (rest.code, count(rest.out)) == (0, 154)
    assert gafas("sort", "--undo", *journals(out)).code == 0
    assert snapshot(photos) == before
