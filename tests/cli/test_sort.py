"""The door for sorting: what it prints where, with which exit code; and the real thing, killed."""

import csv
import os
import shutil
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from command_line import Call, refused, start
from eyewear_model import eyewear_model, scene
from face_photos import crowd, encode, faceless, portrait
from gafas.recognizer import Recognizer
from gafas.weights import PINNED
from sorted_photos import snapshot

shipped = pytest.mark.skipif("eyewear.onnx" not in PINNED, reason="no eyewear model is bundled")

FOLDERS = ("sunglasses", "eyeglasses", "none", "mixed", "unsure", "no-face", "unreadable")


def counts(*numbers: int) -> str:
    """Return what is printed, of the numbers of photos in the folders' order."""
    rows = zip(FOLDERS, numbers, strict=True)
    return "".join(f"{folder:12} {number:7}\n" for folder, number in rows)


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write(tmp_path / "model.onnx", eyewear_model())


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a folder with a photo for each of five answers of the model."""
    folder = tmp_path / "in"
    for name, exposure in (("bare", 2.0), ("holiday/dark", 0.3), ("holiday/año", 1.0)):
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        scene(1, exposure=exposure).save(path)
    write(folder / "hills.jpg", encode(faceless()))
    write(folder / "broken.jpg", encode(portrait())[:2000])
    write(folder / "notes.txt", b"no photo")
    return folder


def label_by_predict(gafas: Call, folder: Path, model: Path) -> dict[str, str]:
    """Return every photo's one label, as `predict` prints it as CSV."""
    told = gafas("predict", folder, "--csv", "--model", model)
    rows = csv.DictReader(told.out.splitlines())
    return {
        os.path.relpath(row["photo"], folder): row["label"]
        or ("unreadable" if row["error"] else "no-face")
        for row in rows
    }


def test_photos_go_where_predict_says_and_the_counts_are_printed(
    gafas: Call, photos: Path, model: Path, tmp_path: Path
) -> None:
    labels = label_by_predict(gafas, photos, model)
    assert len(set(labels.values())) == 5
    before = snapshot(photos)
    told = gafas("sort", photos, tmp_path / "out", "--model", model)
    assert told.out == counts(1, 1, 1, 0, 0, 1, 1)
    assert told.code == 1
    for name, label in labels.items():
        assert (tmp_path / "out" / label / name).read_bytes() == (photos / name).read_bytes()
    assert snapshot(photos) == before
    assert f"gafas: {photos}/broken.jpg: Cannot decode the image" in told.err
    assert f"5 photos copied into {tmp_path}/out. To take it back: gafas sort --undo" in told.err
    again = gafas("sort", photos, tmp_path / "out", "--model", model)
    assert (again.out, again.code) == (told.out, 1)
    assert "5 photos copied into" in again.err
    assert "5 of them by earlier runs" in again.err
    back = gafas("sort", "--undo", tmp_path / "out/.gafas-sort-1.jsonl")
    assert (back.code, back.out) == (0, "taken back         5\nleft               0\n")
    assert not (tmp_path / "out").exists()


def test_a_dry_run_tells_and_writes_nothing(
    gafas: Call, photos: Path, model: Path, tmp_path: Path
) -> None:
    before = snapshot(tmp_path)
    told = gafas("sort", photos, tmp_path / "out", "--move", "--dry-run", "--model", model)
    assert snapshot(tmp_path) == before
    lines = told.out.splitlines()
    assert lines[0] == f"{photos}/bare.png -> {tmp_path}/out/none/bare.png"
    assert lines[3] == f"{photos}/holiday/año.png -> {tmp_path}/out/eyeglasses/holiday/año.png"
    assert "\n".join(lines[5:]) + "\n" == counts(1, 1, 1, 0, 0, 1, 1)
    assert "5 photos would be moved into" in told.err
    assert told.code == 1


def test_a_threshold_and_a_rule_decide_as_they_do_elsewhere(
    gafas: Call, model: Path, tmp_path: Path
) -> None:
    two = crowd([(0, 0), (520, 0)], size=(1040, 600), tall=600)
    two = np.concatenate([two[:, :520], two[:, 520:] // 4], axis=1)
    photo = write(tmp_path / "two.png", encode(two, "PNG"))
    mixed = gafas("sort", photo, tmp_path / "a", "--model", model)
    assert mixed.out == counts(0, 0, 0, 1, 0, 0, 0)
    hit = gafas("sort", photo, tmp_path / "b", "--by", "any", "--model", model)
    assert hit.out == counts(1, 0, 0, 0, 0, 0, 0)
    unsure = gafas("sort", photo, tmp_path / "c", "--threshold", "1", "--model", model)
    assert unsure.out == counts(0, 0, 0, 0, 1, 0, 0)
    assert (tmp_path / "c/unsure/two.png").read_bytes() == photo.read_bytes()


def test_faces_that_do_not_count_decide_nothing_and_the_journal_knows(
    gafas: Call, model: Path, tmp_path: Path
) -> None:
    two = crowd([(0, 0)], size=(1000, 600), tall=200).copy()
    two[:, 400:912] = portrait() // 4
    photo = write(tmp_path / "two.png", encode(two, "PNG"))
    words = ("sort", photo, tmp_path / "a", "--model", model)
    mixed = gafas(*words)
    assert mixed.out == counts(0, 0, 0, 1, 0, 0, 0)
    largest = gafas(*words[:2], tmp_path / "b", *words[3:], "--largest")
    assert largest.out == counts(1, 0, 0, 0, 0, 0, 0)
    near = gafas(*words[:2], tmp_path / "c", *words[3:], "--min-face", "100", "--device", "cpu")
    assert near.out == largest.out
    held = r"threshold 0\.\d+, model .* is what it holds, .*--largest, model .* is asked for"
    refused(gafas(*words, "--largest"), held, code=1)
    # A journal of the version before selects no faces, and is gone on with.
    journal = tmp_path / "a/.gafas-sort-1.jsonl"
    text = journal.read_text().replace('"min_face": 0.0, "largest": false, ', "")
    assert "largest" not in text
    journal.write_text(text)
    assert "1 of them by earlier runs" in gafas(*words).err
    refused(gafas(*words, "--min-face", "9"), "--min-face 9, model .* is asked for", code=1)


def test_one_photo_may_be_moved_and_the_command_repeated(
    gafas: Call, photos: Path, model: Path, tmp_path: Path
) -> None:
    words = ("sort", photos / "bare.png", tmp_path / "out", "--move", "--model", model)
    for _ in range(2):
        told = gafas(*words)
        assert (told.code, told.out) == (0, counts(0, 0, 1, 0, 0, 0, 0))
    assert not (photos / "bare.png").exists()
    assert gafas("sort", "--undo", tmp_path / "out/.gafas-sort-1.jsonl").code == 0
    assert (photos / "bare.png").exists()


def test_a_folder_from_which_all_was_moved_is_no_mistake(
    gafas: Call, photos: Path, model: Path, tmp_path: Path
) -> None:
    (photos / "broken.jpg").unlink()
    words = ("sort", photos, tmp_path / "out", "--move", "--model", model)
    first, second = gafas(*words), gafas(*words)
    assert (first.code, second.code) == (0, 0)
    assert first.out == second.out == counts(1, 1, 1, 0, 0, 1, 0)
    assert [path.name for path in photos.rglob("*") if path.is_file()] == ["notes.txt"]


def test_folders_that_are_links_are_followed_but_not_emptied(
    gafas: Call, photos: Path, model: Path, tmp_path: Path
) -> None:
    source = tmp_path / "linked"
    source.mkdir()
    (source / "album").symlink_to(photos / "holiday")
    moved = gafas("sort", source, tmp_path / "out", "--move", "--model", model)
    assert moved.code == 1
    assert f"gafas: {source}/album: It is a link to a folder" in moved.err
    assert not (tmp_path / "out").exists()
    linked = gafas("sort", source, tmp_path / "out", "--link", "--model", model)
    assert (linked.code, linked.out) == (0, counts(1, 1, 0, 0, 0, 0, 0))
    assert (tmp_path / "out/sunglasses/album/dark.png").readlink() == source / "album/dark.png"


def test_what_cannot_be_sorted_at_all_ends_with_one_sentence(
    gafas: Call, photos: Path, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    refused(gafas("sort", tmp_path / "no", out, "--model", model), "nothing to sort", code=1)
    refused(gafas("sort", photos, photos / "bare.png"), "which is a file", code=1)
    refused(gafas("sort", "--undo", photos / "notes.txt"), "no journal of", code=1)
    refused(gafas("sort", "--undo", tmp_path / "no"), "No such file", code=1)
    empty = tmp_path / "empty"
    empty.mkdir()
    told = gafas("sort", empty, out, "--model", model)
    assert (told.code, told.out) == (1, counts(0, 0, 0, 0, 0, 0, 0))
    assert "No photo in the folder" in told.err
    assert not out.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["sort"],
        ["sort", "in"],
        ["sort", "in", "out", "--move", "--link"],
        ["sort", "in", "out", "--by", "size"],
        ["sort", "in", "out", "--threshold", "2"],
        ["sort", "--undo", "journal", "--dry-run"],
        ["sort", "--undo", "journal", "--by", "any"],
        ["sort", "-", "out"],
    ],
)
def test_usage_errors_exit_with_2(gafas: Call, words: list[str]) -> None:
    refused(gafas(*words), "Usage:", code=2)


@shipped
def test_the_bundled_model_sorts_real_photos_end_to_end(gafas: Call, tmp_path: Path) -> None:
    photo = write(tmp_path / "in/turned.jpg", encode(portrait(), orientation=1))
    Image.open(photo).rotate(90, expand=True).save(tmp_path / "in/lying.png")
    write(tmp_path / "in/hills.webp", encode(faceless(), "WEBP"))
    (found,) = Recognizer().recognize(photo)
    told = gafas("sort", tmp_path / "in", tmp_path / "out", "--copy")
    assert told.code == 0
    assert (tmp_path / "out" / found.label / "turned.jpg").exists()
    assert (tmp_path / "out/no-face/hills.webp").exists()


def make_many(folder: Path, number: int) -> Path:
    """Write photos that are real and all differ, quickly."""
    folder.mkdir()
    for at in range(number):
        Image.new("RGB", (40, 30), (at % 256, at // 256, 90)).save(folder / f"{at:04}.png")
    return folder


def wait_for(paths: Iterable[Path] | Path, pattern: str, *, number: int) -> None:
    """Wait until so many files are there."""
    for _ in range(6000):
        if len(list(Path(str(paths)).rglob(pattern))) >= number:
            return
        time.sleep(0.005)
    raise AssertionError("nothing happens")


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_process_that_is_killed_goes_on_and_can_be_undone(
    gafas: Call, model: Path, tmp_path: Path, ending: signal.Signals
) -> None:
    source, out = make_many(tmp_path / "in", 120), tmp_path / "out"
    before = snapshot(source)
    words = ("sort", source, out, "--move", "--model", model)
    with start(*words) as process:
        wait_for(out, "*.png", number=20)
        process.send_signal(ending)
        _, talked = process.communicate(timeout=60)
    assert process.returncode == (130 if ending is signal.SIGINT else -signal.SIGKILL)
    assert b"Traceback" not in talked
    done = len(list(out.rglob("*.png")))
    assert 20 <= done < 120
    told = gafas(*words)
    assert (told.code, told.out) == (0, counts(0, 0, 0, 0, 0, 120, 0))
    assert list(source.iterdir()) == []
    journal = out / ".gafas-sort-1.jsonl"
    with start("sort", "--undo", journal) as process:
        wait_for(source, "*.png", number=20)
        process.send_signal(ending)
        process.communicate(timeout=60)
    assert gafas("sort", "--undo", journal).code == 0
    assert snapshot(source) == before
    assert not out.exists()
    shutil.rmtree(source)
