"""Photos are tagged beside them or within, once, and only with what is sure."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from face_photos import encode
from gafas.errors import DataError, ModelError
from gafas.results import Face, Prediction, Recognition
from gafas.tagging.journal import Options, Style, Unsure, list_journals
from gafas.tagging.jpeg import read_packet, replace_packet
from gafas.tagging.packets import parse
from gafas.tagging.tag import check_labels, preview_photos, tag_photos
from gafas.tagging.xmp import Tags, merge
from tagged_photos import OPTIONS, make_photos, read_all, recognize, tag

EMBED = dataclasses.replace(OPTIONS, embed=True)
LIGHTROOM = dataclasses.replace(OPTIONS, style=Style.lightroom)


def words(path: Path) -> set[str]:
    """Return the flat and hierarchical keywords of a file beside a photo, or of a JPEG."""
    content = path.read_bytes()
    packet = content if path.suffix == ".xmp" else read_packet(content)
    assert packet is not None
    return {node.text for node in parse(packet).walk() if node.name[1] == "li"}


def test_answers_are_written_beside_photos_which_stay_as_they_are(tmp_path: Path) -> None:
    photos = make_photos(tmp_path, ["sunglasses 1.jpg", "in/none 2.png", "none+eyeglasses 3.jpg"])
    before = read_all(tmp_path)
    told = tag(tmp_path, photos)
    assert [one.target for one in told] == [Path(f"{photo}.xmp") for photo in photos]
    assert [one.keywords for one in told] == [
        ("sunglasses",),
        ("no glasses",),
        ("no glasses", "eyeglasses"),
    ]
    assert words(Path(f"{photos[0]}.xmp")) == {"sunglasses", "eyewear|sunglasses"}
    assert words(Path(f"{photos[2]}.xmp")) >= {"no glasses", "eyewear|eyeglasses"}
    after = read_all(tmp_path)
    assert {name: after[name] for name in before} == before
    new = {name for name in after if name not in before}
    assert new == {*(f"{name}.xmp" for name in before), ".gafas-tag-1.jsonl"}


def test_the_same_again_writes_nothing_and_begins_no_journal(tmp_path: Path) -> None:
    photos = make_photos(tmp_path, ["sunglasses 1.jpg", "nobody 2.jpg"])
    tag(tmp_path, photos)
    before = read_all(tmp_path)
    told = tag(tmp_path, photos)
    assert [one.target for one in told] == [None, None]
    assert read_all(tmp_path) == before
    empty = tmp_path / "empty"
    tag(empty, make_photos(empty, ["nobody.jpg"]))
    assert list(read_all(empty)) == ["nobody.jpg"]


def test_what_is_unsure_is_written_only_where_it_is_asked_for(tmp_path: Path) -> None:
    photos = make_photos(tmp_path, ["unsure 1.jpg", "none+unsure 2.jpg"])
    told = tag(tmp_path, photos)
    assert [one.keywords for one in told] == [(), ("no glasses",)]
    told = tag(tmp_path, photos, dataclasses.replace(OPTIONS, unsure=Unsure.keyword))
    assert [one.keywords for one in told] == [("unsure",), ("no glasses", "unsure")]
    assert words(Path(f"{photos[1]}.xmp")) >= {"no glasses", "unsure", "eyewear|unsure"}


def test_only_faces_that_count_are_written(tmp_path: Path) -> None:
    photos = make_photos(tmp_path, ["none.jpg"])
    assert tag(tmp_path, photos, dataclasses.replace(OPTIONS, min_face=11))[0].keywords == ()


def test_embedding_keeps_time_and_mode_and_the_picture(tmp_path: Path) -> None:
    (photo,) = map(Path, make_photos(tmp_path, ["sunglasses 1.jpg"]))
    photo.chmod(0o640)
    before, stood = Image.open(photo).tobytes(), photo.stat()
    (told,) = tag(tmp_path, [str(photo)], EMBED)
    assert told.target == photo
    assert words(photo) == {"sunglasses", "eyewear|sunglasses"}
    assert Image.open(photo).tobytes() == before
    stands = photo.stat()
    assert (stands.st_mtime_ns, stands.st_mode) == (stood.st_mtime_ns, stood.st_mode)
    assert list(read_all(tmp_path)) == [".gafas-tag-1.jsonl", photo.name]


def test_only_jpegs_are_written_into(tmp_path: Path) -> None:
    photos = make_photos(tmp_path, ["none 1.png", "none 2.jpg"])
    before = read_all(tmp_path)
    told = tag(tmp_path, photos, EMBED)
    assert "no JPEG" in str(told[0].problem)
    assert told[1].problem is None
    assert read_all(tmp_path)["none 1.png"] == before["none 1.png"]


def test_a_new_file_beside_a_photo_begins_with_what_the_photo_holds(tmp_path: Path) -> None:
    (photo,) = map(Path, make_photos(tmp_path, ["sunglasses 1.jpg"]))
    held, _ = merge(None, Tags(("beach",)))
    held = held.replace(
        b'rdf:about=""',
        b'rdf:about="" xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="0F"',
    )
    photo.write_bytes(replace_packet(photo.read_bytes(), held))
    tag(tmp_path, [str(photo)])
    beside = Path(f"{photo}.xmp")
    assert words(beside) >= {"beach", "eyewear|beach", "sunglasses"}
    assert b"HasExtendedXMP" not in beside.read_bytes(), "which is not beside it"


def test_a_file_beside_a_photo_is_added_to_and_gets_a_new_time(tmp_path: Path) -> None:
    (photo,) = map(Path, make_photos(tmp_path, ["sunglasses 1.jpg"]))
    beside = Path(f"{photo}.xmp")
    beside.write_bytes(merge(None, Tags(("beach",)))[0])
    beside.chmod(0o600)
    os.utime(beside, (0, 0))
    tag(tmp_path, [str(photo)])
    assert words(beside) >= {"beach", "sunglasses"}
    assert beside.stat().st_mtime > 1e9, "by which programs see that it changed"
    assert beside.stat().st_mode & 0o777 == 0o600


def test_lightroom_has_another_name_for_the_file_beside(tmp_path: Path) -> None:
    photos = make_photos(tmp_path, ["none 1.jpg", "none 2.jpg", "none 2.png"])
    told = tag(tmp_path, photos, LIGHTROOM)
    assert told[0].target == tmp_path / "none 1.xmp"
    assert all("would share 'none 2.xmp'" in str(one.problem) for one in told[1:])
    assert not (tmp_path / "none 2.xmp").exists()
    (tmp_path / "none 2.xmp").write_bytes(merge(None, Tags(("beach",)))[0])
    assert "would share" in str(tag(tmp_path, photos[1:2], LIGHTROOM)[0].problem)


def test_a_raw_photo_and_its_jpeg_share_what_lightroom_reads(tmp_path: Path) -> None:
    photos = make_photos(tmp_path, ["none 1.jpg"])
    (tmp_path / "none 1.cr2").write_bytes(b"raw")
    (told,) = tag(tmp_path, photos, LIGHTROOM)
    assert told.target == tmp_path / "none 1.xmp"


def test_a_photo_does_not_get_a_second_file_beside_it(tmp_path: Path) -> None:
    photos = make_photos(tmp_path, ["none [1].jpg"])
    tag(tmp_path, photos, LIGHTROOM)
    (told,) = tag(tmp_path, photos)
    assert "--sidecar-style lightroom" in str(told.problem)
    (tmp_path / "none [1].cr2").write_bytes(b"raw")  # then it is that one's
    (told,) = tag(tmp_path, photos)
    assert told.target == tmp_path / "none [1].jpg.xmp"


def test_links_and_what_cannot_be_read_are_named_and_stop_nothing(tmp_path: Path) -> None:
    (photo,) = make_photos(tmp_path / "in", ["none 1.jpg"])
    link = tmp_path / "in/none 2.jpg"
    link.symlink_to(photo)
    told = tag(tmp_path / "in", [str(link), photo], EMBED)
    assert "It is a link" in str(told[0].problem)
    assert told[1].target == Path(photo)
    assert link.is_symlink()
    broken = Path(f"{photo}.xmp")
    broken.write_bytes(b"<x:xmpmeta")
    (unread,) = tag(tmp_path / "in", [photo])
    assert "XMP is broken" in str(unread.problem)
    assert broken.read_bytes() == b"<x:xmpmeta"


def test_a_preview_writes_nothing_and_says_the_same(tmp_path: Path) -> None:
    photos = make_photos(tmp_path, ["sunglasses 1.jpg", "nobody.jpg", "none 3.png"])
    before = read_all(tmp_path)
    planned = list(preview_photos(photos, recognize, folder=tmp_path, options=EMBED))
    assert read_all(tmp_path) == before
    assert planned == tag(tmp_path, photos, EMBED)


def test_other_answers_are_refused_until_the_first_are_taken_back(tmp_path: Path) -> None:
    photos = make_photos(tmp_path, ["sunglasses 1.jpg"])
    tag(tmp_path, photos)
    other = dataclasses.replace(OPTIONS, threshold=0.9)
    for act in (tag_photos, preview_photos):
        with pytest.raises(DataError, match="gafas tag --undo"):
            list(act(photos, recognize, folder=tmp_path, options=other))
    tag(tmp_path, photos, dataclasses.replace(OPTIONS, regions=True))  # the same, told otherwise
    assert [one.options.regions for one in list_journals(tmp_path)] == [False, True]


# What the upper left quarter of an upright photo of 60 × 40 pixels is called in the stored one.
STORED = {
    1: (0.25, 0.25),
    2: (0.75, 0.25),
    3: (0.75, 0.75),
    4: (0.25, 0.75),
    5: (0.25, 0.25),
    6: (0.25, 0.75),
    7: (0.75, 0.75),
    8: (0.75, 0.25),
}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_regions_are_told_of_the_photo_as_it_is_stored(tmp_path: Path, orientation: int) -> None:
    width, height = (40, 60) if orientation >= 5 else (60, 40)
    stored = encode(np.full((height, width, 3), 90, np.uint8), orientation=orientation)
    (tmp_path / "a.jpg").write_bytes(stored)
    box = (0.0, 0.0, 30.0, 16.0)

    def answer(photos: list[str]) -> list[Recognition]:
        face = Prediction(Face(box), "none", {"none": 1.0})
        return [Recognition(photo, 60, 40, (face,)) for photo in photos]

    options = dataclasses.replace(OPTIONS, regions=True)
    photos = [str(tmp_path / "a.jpg")]
    (told,) = tag_photos(photos, answer, folder=tmp_path, options=options)  # type: ignore[arg-type]
    root = parse((tmp_path / "a.jpg.xmp").read_bytes())
    (area,) = [node for node in root.walk() if node.name[1] == "Area"]
    x, y, w, h = (float(area.attributes[area_name(key)]) for key in "xywh")
    assert (w, h) == ((0.4, 0.5) if orientation >= 5 else (0.5, 0.4))
    across, down = STORED[orientation]
    assert (x < 0.5, y < 0.5) == (across < 0.5, down < 0.5)
    (size,) = [node for node in root.walk() if node.name[1] == "AppliedToDimensions"]
    numbers = {name[1]: value for name, value in size.attributes.items()}
    assert (numbers["w"], numbers["h"]) == (str(width), str(height))
    assert told.target is not None


def area_name(key: str) -> tuple[str, str]:
    return ("http://ns.adobe.com/xmp/sType/Area#", key)


def test_a_box_that_reaches_past_the_border_is_told_up_to_it(tmp_path: Path) -> None:
    (photo,) = make_photos(tmp_path, ["none 1.jpg"])

    def answer(photos: list[str]) -> list[Recognition]:
        face = Prediction(Face((-30.0, 20.0, 30.0, 60.0)), "none", {"none": 1.0})
        return [Recognition(one, 60, 40, (face,)) for one in photos]

    options = dataclasses.replace(OPTIONS, regions=True)
    list(tag_photos([photo], answer, folder=tmp_path, options=options))  # type: ignore[arg-type]
    text = Path(f"{photo}.xmp").read_text()
    assert 'stArea:x="0.250000" stArea:y="0.750000" stArea:w="0.500000"' in text


def test_labels_that_would_be_several_keywords_are_refused() -> None:
    check_labels(["none", "ski goggles"])
    for label in ("a|b", "a/b", "a,b", " ", "a\n"):
        with pytest.raises(ModelError, match="cannot be one"):
            check_labels(["none", label])


def test_options_are_read_from_a_journal_as_they_were(tmp_path: Path) -> None:
    options = Options("0" * 64, 0.8, 3.0, True, True, Unsure.keyword, False, Style.lightroom)
    tag(tmp_path, make_photos(tmp_path, ["none 1.jpg"]), options)
    (journal,) = list_journals(tmp_path)
    assert journal.options == options
