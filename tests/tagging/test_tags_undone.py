"""What was tagged can be taken back: all as it was, or of what changed since, what is ours."""

import dataclasses
from pathlib import Path

import pytest

from gafas.errors import DataError
from gafas.tagging.journal import Options, read_journal
from gafas.tagging.jpeg import read_packet, replace_packet
from gafas.tagging.undo import Undone, undo, undo_all
from gafas.tagging.xmp import Tags, merge
from tagged_photos import OPTIONS, make_photos, read_all, tag

EMBED = dataclasses.replace(OPTIONS, embed=True)
REGIONS = dataclasses.replace(OPTIONS, regions=True)
NAMES = ["sunglasses 1.jpg", "in/none 2.jpg", "none+eyeglasses 3.jpg", "nobody 4.jpg"]


def take_back(folder: Path) -> list[Undone]:
    return list(undo_all(folder.glob(".gafas-tag-*.jsonl")))


def add_by_hand(packet: bytes | None, word: str) -> bytes:
    """Return a packet as another program leaves it: one more keyword, and other spaces."""
    added = merge(packet, Tags((word,)))[0]
    return added.replace(b"\n", b"\n\n").replace(b"<rdf:li>", b"<rdf:li> ")


@pytest.mark.parametrize("options", [OPTIONS, EMBED, REGIONS])
def test_what_nobody_changed_becomes_what_it_was_to_the_last_byte(
    tmp_path: Path, options: Options
) -> None:
    photos = make_photos(tmp_path, NAMES)
    Path(f"{photos[1]}.xmp").write_bytes(merge(None, Tags(("beach",)))[0])
    held = merge(None, Tags(("sea",)))[0]
    Path(photos[2]).write_bytes(replace_packet(Path(photos[2]).read_bytes(), held))
    before = read_all(tmp_path)
    times = {photo: Path(photo).stat().st_mtime_ns for photo in photos}
    tag(tmp_path, photos, options)
    tag(tmp_path, photos, options)
    assert read_all(tmp_path) != before
    undone = take_back(tmp_path)
    assert [one.problem for one in undone] == [None] * 3
    assert read_all(tmp_path) == before
    assert {photo: Path(photo).stat().st_mtime_ns for photo in photos} == times


def test_several_journals_are_taken_back_together(tmp_path: Path) -> None:
    photos = make_photos(tmp_path, NAMES)
    before = read_all(tmp_path)
    for options in (OPTIONS, REGIONS, EMBED):
        tag(tmp_path, photos, options)
    assert len(list(tmp_path.glob(".gafas-tag-*.jsonl"))) == 3
    take_back(tmp_path)
    assert read_all(tmp_path) == before


def test_of_a_file_beside_that_was_changed_since_only_what_is_ours_goes(tmp_path: Path) -> None:
    photos = make_photos(tmp_path, NAMES[:1])
    tag(tmp_path, photos, REGIONS)
    beside = Path(f"{photos[0]}.xmp")
    beside.write_bytes(add_by_hand(beside.read_bytes(), "beach"))
    (undone,) = take_back(tmp_path)
    assert (undone.changed, undone.problem) == (True, None)
    left = beside.read_bytes()
    assert b"beach" in left
    assert b"eyewear|beach" in left
    assert b"sunglasses" not in left
    assert b"mwg-rs:" not in left.replace(b"xmlns:mwg-rs", b"")
    assert list(tmp_path.glob(".gafas-*")) == []


def test_of_a_photo_that_was_changed_since_only_what_is_ours_goes(tmp_path: Path) -> None:
    photo = Path(make_photos(tmp_path, NAMES[:1])[0])
    tag(tmp_path, [str(photo)], EMBED)
    changed = add_by_hand(read_packet(photo.read_bytes()), "beach")
    photo.write_bytes(replace_packet(photo.read_bytes(), changed) + b"a trailer")
    (undone,) = take_back(tmp_path)
    assert undone.changed
    packet = read_packet(photo.read_bytes())
    assert packet is not None
    assert b"beach" in packet
    assert b"sunglasses" not in packet
    assert photo.read_bytes().endswith(b"a trailer")


def test_a_file_of_ours_in_which_nothing_is_left_is_removed(tmp_path: Path) -> None:
    photos = make_photos(tmp_path, NAMES[:1])
    before = read_all(tmp_path)
    tag(tmp_path, photos)
    beside = Path(f"{photos[0]}.xmp")
    beside.write_bytes(beside.read_bytes().replace(b"\n", b"\r\n"))
    take_back(tmp_path)
    assert read_all(tmp_path) == before


def test_what_is_gone_or_has_lost_our_keywords_is_no_problem(tmp_path: Path) -> None:
    photos = make_photos(tmp_path, NAMES[:3])
    tag(tmp_path, photos)
    Path(f"{photos[0]}.xmp").unlink()
    Path(f"{photos[1]}.xmp").write_bytes(merge(None, Tags(("beach",)))[0])
    undone = take_back(tmp_path)
    assert [one.problem for one in undone] == [None] * 3
    assert b"beach" in Path(f"{photos[1]}.xmp").read_bytes()
    assert list(tmp_path.glob(".gafas-*")) == []


def test_what_cannot_be_read_keeps_its_journal_for_another_try(tmp_path: Path) -> None:
    photos = make_photos(tmp_path, NAMES[:2])
    before = read_all(tmp_path)
    tag(tmp_path, photos)
    beside = Path(f"{photos[0]}.xmp")
    good = beside.read_bytes()
    beside.write_bytes(b"<broken")
    undone = take_back(tmp_path)
    assert [one.problem is None for one in undone] == [True, False]
    assert beside.read_bytes() == b"<broken"
    journal = tmp_path / ".gafas-tag-1.jsonl"
    assert len(read_journal(journal).select("done")) == 1
    beside.write_bytes(good)
    take_back(tmp_path)
    assert read_all(tmp_path) == before


def test_only_journals_of_a_tagging_are_taken_back(tmp_path: Path) -> None:
    journal = tmp_path / ".gafas-tag-1.jsonl"
    journal.write_text('{"gafas": "sort", "version": 2}\n')
    with pytest.raises(DataError, match="no journal of `gafas tag`"):
        list(undo(journal))
    tag(tmp_path / "in", make_photos(tmp_path / "in", NAMES[:1]))
    real = tmp_path / "in/.gafas-tag-1.jsonl"
    text = real.read_text()
    for wrong, problem in [
        (text.replace('"version": 1', '"version": 9'), "newer than this gafas"),
        (text.replace("sunglasses 1", "../../sunglasses 1"), "damaged"),
        (text.replace('"done"', '"eaten"'), "damaged"),
        (text.replace('"added"', '"addled"'), "damaged"),
    ]:
        assert wrong != text
        real.write_text(wrong)
        with pytest.raises(DataError, match=problem):
            list(undo(real))
    assert (tmp_path / "in/sunglasses 1.jpg.xmp").exists()
