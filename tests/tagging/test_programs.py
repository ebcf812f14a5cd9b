"""ExifTool and Exiv2 read what is written, and what they wrote survives."""

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gafas.tagging.journal import Options, Style
from gafas.tagging.undo import undo_all
from tagged_photos import OPTIONS, make_photos, read_all, tag

ALL = dataclasses.replace(OPTIONS, regions=True)
EMBED = dataclasses.replace(ALL, embed=True)
FORMS = [ALL, EMBED, dataclasses.replace(ALL, style=Style.lightroom)]

# What differs between any two moments, or tells of the file and not of the photo.
_PASSING = ("SourceFile", "System:", "ExifTool:", "XMP-x:XMPToolkit", "File:CurrentIPTCDigest")
_RICH = (
    *("-XMP-dc:Subject=beach", "-XMP-dc:Subject=José & co", "-XMP-dc:Title-es=Año <1>"),
    *("-XMP-lr:HierarchicalSubject=places|beach", "-XMP-digiKam:TagsList=places/beach"),
    *("-IPTC:Keywords=beach", "-EXIF:Artist=Ann", "-EXIF:GPSLatitude=40.4", "-Orientation#=6"),
    *("-XMP-xmp:Rating=4", "-XMP-photoshop:City=Cádiz", "-XMP-crs:Exposure2012=+0.35"),
    "-XMP-xmpMM:History=[{Action=saved,When=2020:01:01,SoftwareAgent=x}]",
    "-XMP-mwg-rs:RegionInfo={AppliedToDimensions={W=60,H=40,Unit=pixel},RegionList=[{Area={X=0.9,"
    "Y=0.9,W=0.1,H=0.1,Unit=normalized},Name=Ann,Type=Face}]}",
)


def _find(program: str, package: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed: apt-get install {package}")
    return found


@pytest.fixture(scope="module")
def exiftool() -> str:
    return _find("exiftool", "libimage-exiftool-perl")


@pytest.fixture(scope="module")
def exiv2() -> str:
    return _find("exiv2", "exiv2")


def run(*words: object) -> str:
    """Run a program that must say nothing but what it is asked."""
    told = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, ""), told
    return told.stdout


def write(exiftool: str, path: Path, *tags: str) -> None:
    run(exiftool, "-q", "-overwrite_original", *tags, path)


def read(exiftool: str, path: Path) -> dict[str, Any]:
    """Return all that ExifTool finds in a file, its warnings included."""
    (found,) = json.loads(run(exiftool, "-j", "-G1", "-a", "-struct", "-all", "-Validate", path))
    return {key: value for key, value in found.items() if not key.startswith(_PASSING)}


def take_back(folder: Path) -> None:
    assert [one.problem for one in undo_all(folder.glob(".gafas-*"))] == [None]


@pytest.mark.parametrize("options", FORMS)
def test_both_read_what_is_written_without_a_warning(
    tmp_path: Path, exiftool: str, exiv2: str, options: Options
) -> None:
    photo = Path(make_photos(tmp_path, ["none+sunglasses 1.jpg"])[0])
    clean = run(exiftool, "-validate", "-a", "-warning", "-error", photo)
    (told,) = tag(tmp_path, [str(photo)], options)
    target = told.target
    assert target is not None
    found = read(exiftool, target)
    assert found["XMP-dc:Subject"] == ["no glasses", "sunglasses"]
    assert found["XMP-lr:HierarchicalSubject"] == ["eyewear|no glasses", "eyewear|sunglasses"]
    regions = found["XMP-mwg-rs:RegionInfo"]
    assert regions["AppliedToDimensions"] == {"W": 60, "H": 40, "Unit": "pixel"}
    areas = [region["Area"] for region in regions["RegionList"]]
    assert areas[0] == {"X": 0.083333, "Y": 0.35, "W": 0.166667, "H": 0.3, "Unit": "normalized"}
    assert [region["Description"] for region in regions["RegionList"]] == found["XMP-dc:Subject"]
    wanted = clean if options.embed else "Validate                        : OK\n"
    assert run(exiftool, "-validate", "-a", "-warning", "-error", target) == wanted
    lines = [line.split(maxsplit=3) for line in run(exiv2, "-px", "pr", target).splitlines()]
    values = {line[0]: line[3] for line in lines if len(line) == 4}
    assert values["Xmp.dc.subject"] == "no glasses, sunglasses"
    assert values["Xmp.lr.hierarchicalSubject"] == "eyewear|no glasses, eyewear|sunglasses"
    place = "Xmp.mwg-rs.Regions/mwg-rs:RegionList[2]/mwg-rs:Area/stArea:y"
    assert values[place] == "0.350000"


@pytest.mark.parametrize("options", FORMS)
def test_what_exiftool_wrote_survives_and_comes_back_to_the_last_byte(
    tmp_path: Path, exiftool: str, options: Options
) -> None:
    photo = Path(make_photos(tmp_path, ["sunglasses 1.jpg"])[0])
    write(exiftool, photo, *_RICH)
    before, files = read(exiftool, photo), read_all(tmp_path)
    (told,) = tag(tmp_path, [str(photo)], options)
    assert told.target is not None
    after = read(exiftool, told.target)
    new = {key for key, value in after.items() if before.get(key) != value}
    ours = {"XMP-dc:Subject", "XMP-lr:HierarchicalSubject", "XMP-digiKam:TagsList"}
    assert new - {"File:FileType", "File:FileTypeExtension", "File:MIMEType"} == {
        *ours,
        "XMP-mwg-rs:RegionInfo",
    }
    lost = set(before) - set(after)
    assert all(not key.startswith("XMP") for key in lost)
    assert not lost or not options.embed
    assert after["XMP-dc:Subject"] == ["beach", "José & co", "sunglasses"]
    assert after["XMP-digiKam:TagsList"] == ["places/beach", "eyewear/sunglasses"]
    names = [one.get("Name") for one in after["XMP-mwg-rs:RegionInfo"]["RegionList"]]
    assert names == ["Ann", None]
    take_back(tmp_path)
    assert read_all(tmp_path) == files


def test_a_file_beside_a_photo_that_exiftool_wrote_survives(tmp_path: Path, exiftool: str) -> None:
    photo = Path(make_photos(tmp_path, ["sunglasses 1.jpg"])[0])
    rich = tmp_path / "rich.jpg"
    shutil.copy(photo, rich)
    write(exiftool, rich, *_RICH)
    beside = Path(f"{photo}.xmp")
    run(exiftool, "-q", "-tagsfromfile", rich, "-all:all", "-o", beside)
    rich.unlink()
    before, files = read(exiftool, beside), read_all(tmp_path)
    tag(tmp_path, [str(photo)])
    after = read(exiftool, beside)
    assert {key for key in after if before.get(key) != after[key]} == {
        *("XMP-dc:Subject", "XMP-lr:HierarchicalSubject", "XMP-digiKam:TagsList")
    }
    assert set(before) == set(after)
    take_back(tmp_path)
    assert read_all(tmp_path) == files


@pytest.mark.parametrize("options", [OPTIONS, EMBED])
def test_what_exiv2_wrote_survives(
    tmp_path: Path, exiftool: str, exiv2: str, options: Options
) -> None:
    photo = Path(make_photos(tmp_path, ["sunglasses 1.jpg"])[0])
    words = ("set Xmp.dc.subject XmpBag sea", "set Xmp.xmp.Rating 3", "set Exif.Image.Artist Ann")
    run(exiv2, *(part for word in words for part in ("-M", word)), photo)
    if not options.embed:
        run(exiv2, "-eX", photo)
        photo.with_suffix(".xmp").rename(f"{photo}.xmp")
    files = read_all(tmp_path)
    (told,) = tag(tmp_path, [str(photo)], options)
    assert told.target is not None
    found = read(exiftool, told.target)
    assert found["XMP-dc:Subject"] == ["sea", "sunglasses"]
    assert found["XMP-xmp:Rating"] == 3
    assert run(exiv2, "-px", "pr", told.target)
    take_back(tmp_path)
    assert read_all(tmp_path) == files


@pytest.mark.parametrize("options", [ALL, EMBED])
def test_what_they_change_later_stays_when_ours_is_taken_back(
    tmp_path: Path, exiftool: str, exiv2: str, options: Options
) -> None:
    photo = Path(make_photos(tmp_path, ["sunglasses 1.jpg"])[0])
    write(exiftool, photo, *_RICH)
    (told,) = tag(tmp_path, [str(photo)], options)
    assert told.target is not None
    write(exiftool, told.target, "-XMP-dc:Subject+=later", "-XMP-xmp:Label=Red")
    run(exiv2, "-M", "set Xmp.photoshop.Country Spain", told.target)
    take_back(tmp_path)
    found = read(exiftool, told.target)
    assert found["XMP-dc:Subject"] == ["beach", "José & co", "later"]
    assert found["XMP-lr:HierarchicalSubject"] == ["places|beach"]
    assert found["XMP-digiKam:TagsList"] == ["places/beach"]
    assert found["XMP-xmp:Label"] == "Red"
    assert found["XMP-photoshop:Country"] == "Spain"
    assert [one["Name"] for one in found["XMP-mwg-rs:RegionInfo"]["RegionList"]] == ["Ann"]


def test_extended_xmp_stays_with_the_photo(tmp_path: Path, exiftool: str) -> None:
    photo = Path(make_photos(tmp_path, ["sunglasses 1.jpg"])[0])
    (tmp_path / "long.txt").write_text("many words " * 8000)
    write(exiftool, photo, *_RICH, f"-XMP-dc:Description<={tmp_path / 'long.txt'}")
    assert photo.read_bytes().count(b"http://ns.adobe.com/xmp/extension/\0") > 1
    before, files = read(exiftool, photo), read_all(tmp_path)
    clean = run(exiftool, "-validate", "-a", "-warning", "-error", photo)
    tag(tmp_path, [str(photo)], EMBED)
    after = read(exiftool, photo)
    assert run(exiftool, "-validate", "-a", "-warning", "-error", photo) == clean
    assert after["XMP-dc:Description"] == before["XMP-dc:Description"]
    assert len(after["XMP-dc:Description"]) > 80_000
    assert after["XMP-dc:Subject"] == [*before["XMP-dc:Subject"], "sunglasses"]
    take_back(tmp_path)
    assert read_all(tmp_path) == files
