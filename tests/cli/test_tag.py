"""`gafas tag`: keywords beside photos or in them, written once, whole, and taken back."""

import os
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from tools.photos import write_photos

from command_line import Call, interrupt, refused, start
from face_photos import crowd, encode, face_model
from gafas.tagging.jpeg import read_packet
from gafas.tagging.packets import parse
from tagged_photos import read_all


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Return a folder with a person in eyeglasses, another bare and in sunglasses, and a cat."""
    write_photos(tmp_path / "people")
    return tmp_path / "people"


def words(path: Path) -> list[str]:
    packet = path.read_bytes() if path.suffix == ".xmp" else read_packet(path.read_bytes())
    assert packet is not None
    return [node.text for node in parse(packet).walk() if node.name[1] == "li"]


def test_photos_are_tagged_once_and_taken_back(gafas: Call, people: Path) -> None:
    before = read_all(people)
    told = gafas("tag", people)
    assert told.code == 0
    assert [line.split() for line in told.out.splitlines()] == [
        ["no", "glasses", "1"],
        ["sunglasses", "1"],
        ["eyeglasses", "1"],
    ]
    journal = people / ".gafas-tag-1.jsonl"
    assert f"3 files written; of 1 there is nothing to say. To take it back: gafas tag --undo "\
        f"{journal}" in told.err  # fmt: skip
    assert words(people / "grace_hopper.jpg.xmp") == ["eyeglasses", "eyewear|eyeglasses"]
    after = read_all(people)
    again = gafas("tag", people)
    assert "0 files written; 3 photos say so already" in again.err
    assert read_all(people) == after
    undone = gafas("tag", "--undo", journal)
    assert undone.out.split() == ["taken", "back", "3", "left", "0"]
    assert read_all(people) == before


def test_a_dry_run_says_what_would_be_written(gafas: Call, people: Path) -> None:
    before = read_all(people)
    told = gafas("tag", people, "--dry-run", "--embed")
    assert f"{people / 'grace_hopper.jpg'}: eyeglasses" in told.out
    assert "astronaut.png: It is no JPEG" in told.err
    assert "1 files would be written; of 1 there is nothing to say; 2 stay as they are." in told.err
    assert told.code == 1
    assert read_all(people) == before


def test_faces_are_marked_where_that_is_asked_for(gafas: Call, tmp_path: Path) -> None:
    group = crowd([(20, 30), (330, 60)], size=(640, 420), tall=330)
    (tmp_path / "group.jpg").write_bytes(encode(group))
    gafas("tag", tmp_path / "group.jpg", "--regions", "--embed")
    content = (tmp_path / "group.jpg").read_bytes()
    assert content.count(b"<mwg-rs:Area ") == 2
    assert b'stDim:w="640" stDim:h="420"' in content
    gafas("tag", tmp_path / "group.jpg", "--regions", "--largest")  # beside it, as it holds
    assert (tmp_path / "group.jpg.xmp").exists() is False, "the photo says so already"


def test_lightroom_has_its_own_name_and_the_unsure_are_tagged_on_request(
    gafas: Call, people: Path
) -> None:
    told = gafas(
        *("tag", people / "grace_hopper.jpg", "--sidecar-style", "lightroom"),
        *("--threshold", "1", "--unsure", "keyword"),
    )
    assert told.code == 0
    assert words(people / "grace_hopper.xmp") == ["unsure", "eyewear|unsure"]


def test_the_journal_lies_in_the_folder_that_all_have_in_common(
    gafas: Call, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (people / "in").mkdir()
    shutil.copy(people / "grace_hopper.jpg", people / "in/a.jpg")
    monkeypatch.chdir(people)
    before = read_all(people)
    gafas("tag", "in", "astronaut.png")
    assert (people / ".gafas-tag-1.jsonl").exists()
    assert (people / "in/a.jpg.xmp").exists()
    assert gafas("tag", "--undo", ".gafas-tag-1.jsonl").code == 0
    assert read_all(people) == before


def test_what_was_changed_since_is_said(gafas: Call, people: Path) -> None:
    gafas("tag", people / "grace_hopper.jpg")
    beside = people / "grace_hopper.jpg.xmp"
    beside.write_bytes(beside.read_bytes().replace(b"<dc:subject>", b"<dc:subject><!-- mine -->"))
    told = gafas("tag", "--undo", people / ".gafas-tag-1.jsonl")
    assert "1 files had been changed since" in told.err
    assert told.code == 0


def test_a_photo_that_cannot_be_read_stops_no_other(gafas: Call, people: Path) -> None:
    (people / "a.jpg").write_bytes(b"Hello")
    told = gafas("tag", people)
    assert "a.jpg: Cannot read the image" in told.err
    assert "1 stay as they are" in told.err
    assert told.code == 1
    assert len(list(people.glob("*.xmp"))) == 3


def test_what_cannot_be_done_is_refused(gafas: Call, people: Path) -> None:
    photo = people / "grace_hopper.jpg"
    refused(gafas("tag"), "name photos", code=2)
    refused(gafas("tag", "-"), "stdin lies in no folder", code=2)
    refused(gafas("tag", "--undo", "x", "--embed"), "goes alone", code=2)
    told = gafas("tag", photo, "--embed", "--sidecar-style", "lightroom")
    refused(told, "choose one of", code=2)
    refused(gafas("tag", "--undo", photo), "no journal of `gafas tag`", code=1)
    gafas("tag", photo)
    told = gafas("tag", photo, "--threshold", "0.5")
    refused(told, "were tagged with other answers", code=1)
    (people / "own.onnx").write_bytes(face_model(labels=["a|b", "c"]))
    refused(gafas("tag", photo, "--model", people / "own.onnx"), "become keywords", code=1)


def test_an_interrupt_says_how_to_go_on(people: Path) -> None:
    for number in range(60):
        shutil.copy(people / "grace_hopper.jpg", people / f"{number}.jpg")
    line = interrupt("tag", people, when=lambda: any(people.glob("*.xmp")))
    assert "To go on, give the same command again." in line


def test_a_killed_run_leaves_every_photo_whole_and_can_be_gone_on_with(
    gafas: Call, people: Path
) -> None:
    photos = [people / f"{number}.jpg" for number in range(24)]
    for photo in photos:
        shutil.copy(people / "grace_hopper.jpg", photo)
    before = read_all(people)
    (whole,) = {photo.read_bytes() for photo in photos}
    done: set[bytes] = set()
    for moment in range(10):
        with start("tag", *photos, "--embed") as process:
            _wait_for(photos, len(whole), more_than=2 * moment)
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
        done |= {photo.read_bytes() for photo in photos} - {whole}
        assert len(done) == 1, "a photo is as it was, or tagged"
    assert words(photos[0]) == ["eyeglasses", "eyewear|eyeglasses"]
    told = gafas("tag", *photos, "--embed")
    assert told.code == 0
    assert {photo.read_bytes() for photo in photos} == done
    assert not list(people.glob(".*.part"))
    gafas("tag", "--undo", people / ".gafas-tag-1.jsonl")
    assert read_all(people) == before


def _wait_for(photos: Sequence[Path], size: int, *, more_than: int) -> None:
    """Wait until more photos than so many have another size than they had."""
    ends = time.monotonic() + 60
    while sum(one.stat().st_size != size for one in photos) <= more_than:
        assert time.monotonic() < ends
        time.sleep(0.002)
