from pathlib import Path

import pytest

from gafas.datasets import fetching
from gafas.errors import DataError


def test_the_manifest_knows_every_image_and_both_sets_of_lists() -> None:
    known = fetching.read_manifest()
    assert len([n for n in known.digests if n.endswith(".pgm")]) == 1872
    assert len([n for n in known.digests if n.endswith(".bad")]) == 16
    assert all(len(value) == 43 for value in known.digests.values())
    assert {name: len(photos) for name, photos in known.lists.items()} == {
        "all": 277 + 139 + 208,
        "straightrnd": 70 + 34 + 52,
    }


@pytest.mark.cmu
def test_the_manifest_is_the_one_that_its_function_writes(cmu: Path, tmp_path: Path) -> None:
    fetching.write_manifest(cmu, tmp_path / "manifest.txt")
    shipped = Path(fetching.__file__).with_name("cmu_manifest.txt")
    assert (tmp_path / "manifest.txt").read_bytes() == shipped.read_bytes()


def test_a_copy_without_lists_gives_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"list all_train in .*trainset"):
        fetching.write_manifest(tmp_path, tmp_path / "manifest.txt")
    assert not (tmp_path / "manifest.txt").exists()


@pytest.mark.cmu
def test_the_published_images_have_no_fault(cmu: Path) -> None:
    assert fetching.find_faults(cmu / "faces") == []


def test_an_altered_image_and_the_missing_ones_are_named(tmp_path: Path) -> None:
    name = "an2i/an2i_left_angry_open.pgm"
    (tmp_path / "an2i").mkdir()
    (tmp_path / name).write_bytes(b"P5 1 1 255 x")
    faults = fetching.find_faults(tmp_path)
    assert len(faults) == 1872
    assert faults[0].startswith(f"{name} is altered")
    assert faults[1] == "an2i/an2i_left_angry_open_2.pgm is missing"
