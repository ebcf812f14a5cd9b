"""Disks that are full, read-only, other disks, and too small for a file."""

import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from disks import small_disk
from gafas.errors import DataError
from gafas.sorting.journal import Action
from gafas.sorting.sort import sort_photos
from gafas.sorting.undo import undo
from sorted_photos import (
    journal_of,
    list_photos,
    make_photos,
    make_plan,
    names,
    recognize,
    run,
    snapshot,
)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "small", size="64k") as folder:
        yield folder


@pytest.mark.parametrize("action", [Action.copy, Action.move])
def test_a_full_disk_stops_the_run_which_goes_on_when_there_is_room(
    action: Action, small: Path, tmp_path: Path
) -> None:
    contents = {f"{name}.jpg": "none #" + name * 20_000 for name in "abc"}
    source = make_photos(tmp_path / "in", contents)
    before = snapshot(source)
    filler = small / "filler"
    filler.write_bytes(bytes(8_000))
    plan = make_plan(source, small / "out", action)
    with pytest.raises(DataError, match=r"disk is full.*same command again"):
        list(sort_photos(list_photos(source), recognize, plan=plan))
    assert names(plan.dest) == ["none/a.jpg", "none/b.jpg"]
    assert list(plan.dest.rglob("*.part")) == []
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=128k", str(small)], check=True)
    run(plan)
    assert names(plan.dest) == ["none/a.jpg", "none/b.jpg", "none/c.jpg"]
    assert [one.problem for one in undo(journal_of(plan))] == [None] * 3
    assert snapshot(source) == before


def test_a_disk_that_is_full_from_the_start_is_said_and_can_be_gone_on_with(
    small: Path, tmp_path: Path
) -> None:
    source = make_photos(tmp_path / "in", {"a.jpg": "none"})
    filler = small / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(4096))
    plan = make_plan(source, small / "out", Action.copy)
    with pytest.raises(DataError, match=r"^Cannot write the journal: No space left.*same command"):
        run(plan)
    filler.unlink()
    assert [one.folder for one in run(plan)] == ["none"]
    assert names(plan.dest) == ["none/a.jpg"]


def test_a_file_that_is_too_large_for_the_file_system_stops_only_itself(tmp_path: Path) -> None:
    contents = {"a.jpg": "none #" + "a" * 90_000, "b.jpg": "none"}
    source = make_photos(tmp_path / "in", contents)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        filed = run(plan := make_plan(source, tmp_path / "out"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [one.folder for one in filed] == [None, "none"]
    assert "File too large" in str(filed[0].problem)
    assert names(plan.dest) == ["none/b.jpg"]
    assert list(plan.dest.rglob("*.part")) == []


def test_photos_that_cannot_be_removed_are_not_moved(small: Path, tmp_path: Path) -> None:
    source = make_photos(small / "in", {"a.jpg": "none", "b.jpg": "none"})
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    before = snapshot(source)
    filed = run(plan := make_plan(source, tmp_path / "out", Action.move))
    assert ["read-only" in str(one.problem) for one in filed] == [True, True]
    assert names(plan.dest) == []
    assert snapshot(source) == before
    copied = run(make_plan(source, tmp_path / "copies"))
    assert [one.folder for one in copied] == ["none", "none"]


def test_photos_go_to_another_file_system_and_come_back(small: Path, tmp_path: Path) -> None:
    source = make_photos(tmp_path / "in", {"a.jpg": "none", "b/c.jpg": "sunglasses"})
    before = snapshot(source)
    run(plan := make_plan(source, small / "out", Action.move))
    assert (names(source), names(plan.dest)) == ([], ["none/a.jpg", "sunglasses/b/c.jpg"])
    assert [one.problem for one in undo(journal_of(plan))] == [None, None]
    assert snapshot(source) == before
