"""Copies that are drawn on: where they go, what they never write over, a disk that is full."""

import os
from pathlib import Path

import pytest

from brightness_model import METADATA, brightness_model, grey_photo
from command_line import Call, interrupt, refused
from disks import small_disk


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(brightness_model(metadata=METADATA))
    return path


def names(folder: Path) -> list[str]:
    return sorted(os.path.relpath(path, folder) for path in folder.rglob("*") if path.is_file())


def test_copies_lie_as_the_photos_do(gafas: Call, model: Path, tmp_path: Path) -> None:
    for name in ("a/x.png", "a/b/x.png", "a/b/c/y.png", "z/x.png", "alone/w.png"):
        grey_photo(tmp_path / name, 90)
    out = tmp_path / "out"
    told = gafas(
        "annotate",
        f"{tmp_path}/a/",
        tmp_path / "z",
        tmp_path / "alone/w.png",
        out,
        "--model",
        model,
    )
    expected = [
        "b/c/y-annotated.jpg",
        "b/x-annotated.jpg",
        "w-annotated.jpg",
        "x-annotated-2.jpg",
        "x-annotated.jpg",
    ]
    assert (told.code, names(out)) == (0, expected)
    assert sorted(told.out.splitlines()) == [str(out / name) for name in expected]


def test_overwrite_writes_over_copies_but_never_over_photos(
    gafas: Call, model: Path, tmp_path: Path
) -> None:
    for name in ("in/x.png", "in/x.jpg", "in/b/x.png"):
        grey_photo(tmp_path / name, 90)
    words = ("annotate", tmp_path / "in", tmp_path / "out", "--model", model)
    first = gafas(*words)
    copies = names(tmp_path / "out")
    assert len(copies) == 3
    (tmp_path / "out" / copies[0]).write_text("stale")
    again = gafas(*words, "--overwrite")
    assert (again.code, again.out, names(tmp_path / "out")) == (0, first.out, copies)
    assert (tmp_path / "out" / copies[0]).read_bytes()[:2] == b"\xff\xd8"
    # What is read in a run is a photo to it, whatever it is called.
    inside = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.jpg")}
    assert (
        gafas("annotate", tmp_path / "out", tmp_path / "out", "--overwrite", "--model", model).code
        == 0
    )
    assert {path: path.read_bytes() for path in inside} == inside


def test_one_named_copy_may_be_overwritten_but_not_the_photo(
    gafas: Call, model: Path, tmp_path: Path
) -> None:
    photo, copy = grey_photo(tmp_path / "a.png", 90), tmp_path / "b.png"
    before = photo.read_bytes()
    for _ in range(2):
        assert gafas("annotate", photo, copy, "--overwrite", "--model", model).code == 0
    refused(gafas("annotate", photo, photo, "--overwrite"), "is the photo itself", code=2)
    (tmp_path / "link.png").symlink_to(photo)
    told = gafas("annotate", photo, tmp_path / "link.png", "--overwrite")
    refused(told, "is the photo itself", code=2)
    told = gafas("annotate", photo, model, "--overwrite")
    refused(told, "copies are written as .jpg", code=2)
    told = gafas("annotate", photo, copy, copy, "--overwrite")
    refused(told, "is the photo itself", code=2)
    assert photo.read_bytes() == before


def test_a_full_disk_is_told_of_the_copy_and_leaves_nothing_half(
    gafas: Call, model: Path, tmp_path: Path
) -> None:
    grey_photo(tmp_path / "in/a.png", 90)
    with small_disk(tmp_path / "small", size="16k") as small:
        (small / "filler").write_bytes(bytes(14_000))
        told = gafas("annotate", tmp_path / "in", small, "--model", model)
        refused(told, f"Cannot read or write '{small}/a-annotated.jpg': No space left", code=1)
        assert "Free some space" in told.err
        assert names(small) == ["filler"]
        table = small / "table.csv"
        told = gafas("predict", *[tmp_path / "in"] * 200, "-o", table, "--model", model)
        refused(told, f"Cannot read or write '{table}': No space left", code=1)
        assert names(small) == ["filler"]


def test_an_interrupt_says_how_many_copies_there_are(model: Path, tmp_path: Path) -> None:
    photo = grey_photo(tmp_path / "in" / "0000.png", 255)
    for number in range(1, 3000):
        os.link(photo, photo.parent / f"{number:04}.png")
    out = tmp_path / "out"
    words = ("annotate", photo.parent, out, "--model", model)
    line = interrupt(*words, when=lambda: len(names(out)) >= 10)
    done = int(line.removeprefix("gafas: Interrupted: ").partition(" of 3,000 photos are done.")[0])
    assert len(names(out)) - done in (0, 1)
    assert "give the same command with --overwrite" in line
