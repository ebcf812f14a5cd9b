"""Whatever happens at whichever step, every file is whole, and all of it can be taken back."""

import dataclasses
import itertools
import os
from pathlib import Path

import pytest

from disks import small_disk
from dying import Fate, KilledError, fated
from gafas.errors import DataError
from gafas.tagging.journal import Options, open_journal
from gafas.tagging.tag import tag_photos
from gafas.tagging.undo import undo
from gafas.tagging.xmp import Tags, merge
from tagged_photos import OPTIONS, make_photos, read_all, recognize, tag

FORMS = [OPTIONS, dataclasses.replace(OPTIONS, embed=True, regions=True)]
JOURNAL = ".gafas-tag-1.jsonl"


def prepare(folder: Path) -> list[str]:
    """Write three photos, one of which has a file beside it."""
    photos = make_photos(folder, ["sunglasses 1.jpg", "none 2.jpg", "eyeglasses 3.jpg"])
    Path(f"{photos[1]}.xmp").write_bytes(merge(None, Tags(("beach",)))[0])
    return photos


def visible(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if not Path(name).name.startswith(".")}


@pytest.mark.parametrize("options", FORMS)
@pytest.mark.parametrize("kind", ["half", "full"])
def test_a_death_or_a_full_disk_at_any_step_damages_nothing(
    tmp_path: Path, options: Options, kind: str
) -> None:
    whole = tmp_path / "whole"
    photos = prepare(whole)
    before = read_all(whole)
    tag(whole, photos, options)
    after = visible(read_all(whole))
    reached = 0
    for step in itertools.count():
        folder = tmp_path / str(step)
        photos = prepare(folder)
        fate = Fate(step, kind)
        try:
            with fated(fate):
                tag(folder, photos, options)
        except (KilledError, DataError, OSError):
            reached += 1
        files = visible(read_all(folder))
        for name, data in files.items():
            assert data in (before.get(name), after.get(name)), (step, name)
        assert set(before) <= set(files)
        if fate.steps <= step:
            break
        told = tag(folder, photos, options)
        assert [one.problem for one in told] == [None] * 3, step
        assert visible(read_all(folder)) == after, step
        assert not list(folder.glob("*.part")), step
        list(undo(folder / JOURNAL))
        assert read_all(folder) == before, step
    assert reached > (6 if kind == "full" else 20)


@pytest.mark.parametrize("options", FORMS)
def test_a_death_at_any_step_of_an_undoing_can_be_repeated(
    tmp_path: Path, options: Options
) -> None:
    for step in itertools.count():
        folder = tmp_path / str(step)
        photos = prepare(folder)
        before = read_all(folder)
        tag(folder, photos, options)
        after = read_all(folder)
        fate = Fate(step)
        try:
            with fated(fate):
                list(undo(folder / JOURNAL))
        except KilledError:
            pass
        files = visible(read_all(folder))
        for name, data in files.items():
            assert data in (before.get(name), after.get(name)), (step, name)
        if fate.steps <= step:
            assert files == before
            break
        if (folder / JOURNAL).exists():
            list(undo(folder / JOURNAL))
        assert read_all(folder) == before, step
    assert step > 6


def test_a_file_that_changes_amid_is_left_to_who_changed_it(tmp_path: Path) -> None:
    photos = prepare(tmp_path)
    beside = Path(f"{photos[1]}.xmp")
    theirs = merge(beside.read_bytes(), Tags(("theirs",)))[0]
    real = os.fsync

    def change(handle: int) -> None:
        beside.write_bytes(theirs)
        real(handle)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", change)
        told = tag(tmp_path, photos[1:2])
    assert "changed meanwhile" in str(told[0].problem)
    assert beside.read_bytes() == theirs
    assert not list(tmp_path.glob("*.part"))


def test_a_full_disk_stops_the_run_which_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size="64k") as disk:
        photos = make_photos(disk, [f"none {number}.jpg" for number in range(4)])
        before = read_all(disk)
        filling = disk / "filling"
        filling.write_bytes(bytes(64 * 1024 - sum(map(_round_up, before.values())) - 4096))
        with pytest.raises(DataError, match="same command again"):
            tag(disk, photos, FORMS[1])
        files = visible(read_all(disk))
        assert not list(disk.glob("*.part"))
        assert sum(files[name] != before[name] for name in before) < 4
        filling.unlink()
        assert [one.problem for one in tag(disk, photos, FORMS[1])] == [None] * 4
        list(undo(disk / JOURNAL))
        assert read_all(disk) == before


def _round_up(content: bytes) -> int:
    return -(-len(content) // 4096) * 4096


def test_two_taggings_of_one_folder_are_kept_apart(tmp_path: Path) -> None:
    photos = prepare(tmp_path)
    tag(tmp_path, photos[:1])
    with (
        open_journal(tmp_path / JOURNAL),
        pytest.raises(DataError, match="Another gafas is at work"),
    ):
        list(tag_photos(photos, recognize, folder=tmp_path, options=OPTIONS))


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("the superuser may write everywhere")
    photos = prepare(tmp_path / "in") + make_photos(tmp_path, ["none 4.jpg"])
    (tmp_path / "in").chmod(0o555)
    told = tag(tmp_path, photos)
    (tmp_path / "in").chmod(0o755)
    assert [one.problem is None for one in told] == [False, False, False, True]
    assert "read-only" in str(told[0].problem)
