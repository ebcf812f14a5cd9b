"""Undoing brings back exactly what was, and never touches what somebody has changed."""

import os
from pathlib import Path

import pytest

from gafas.errors import DataError
from gafas.sorting.journal import Action, open_journal
from gafas.sorting.plan import Plan
from gafas.sorting.sort import sort_photos
from gafas.sorting.undo import undo
from sorted_photos import (
    journal_of,
    list_photos,
    make_photos,
    make_plan,
    recognize,
    run,
    snapshot,
)


def sort(tmp_path: Path, action: Action, **contents: str) -> Plan:
    source = make_photos(tmp_path / "in", {f"{name}.jpg": text for name, text in contents.items()})
    plan = make_plan(source, tmp_path / "out", action)
    run(plan)
    return plan


def take_back(plan: Plan) -> list[str]:
    """Undo, and return the problems, the first photo's first."""
    problems = [done.problem for done in undo(journal_of(plan))]
    return [problem or "" for problem in reversed(problems)]


def change(path: Path, text: str) -> None:
    path.chmod(0o644)
    path.write_text(text)


@pytest.mark.parametrize("action", Action)
def test_everything_is_as_it_was_and_what_the_run_made_is_gone(
    action: Action, tmp_path: Path
) -> None:
    make_photos(tmp_path / "in", {"b/c.jpg": "none sunglasses"})
    before = snapshot(tmp_path / "in")
    plan = sort(tmp_path, action, a="none")
    for name in ("none/a.jpg", "mixed/b/c.jpg"):
        assert os.path.lexists(plan.dest / name)
    assert take_back(plan) == ["", ""]
    after = snapshot(plan.source)
    assert {name: after[name] for name in before} == before
    assert not plan.dest.exists()


@pytest.mark.parametrize("action", Action)
def test_what_was_changed_since_stays_and_the_journal_with_it(
    action: Action, tmp_path: Path
) -> None:
    plan = sort(tmp_path, action, a="none", b="none", c="sunglasses")
    changed = plan.dest / "none/b.jpg"
    changed.unlink()
    changed.write_text("edited")
    problems = take_back(plan)
    assert [bool(problem) for problem in problems] == [False, True, False]
    assert "since, so it stays where it is" in problems[1]
    assert changed.read_text() == "edited"
    assert not (plan.dest / "sunglasses").exists()
    changed.unlink()
    if action is Action.move:
        changed.write_text("none")  # restored by hand
    assert take_back(plan) == [""]
    assert not plan.dest.exists()
    assert len(list_photos(plan.source)) == 3


def test_a_time_that_changed_is_no_change_and_the_old_one_comes_back(tmp_path: Path) -> None:
    make_photos(tmp_path / "in", {"a.jpg": "none"})
    before = snapshot(tmp_path / "in")
    plan = sort(tmp_path, Action.move)
    os.utime(plan.dest / "none/a.jpg")
    (plan.dest / "none/a.jpg").chmod(0o600)
    assert take_back(plan) == [""]
    assert snapshot(plan.source) == before


def test_a_copy_whose_original_is_gone_or_changed_is_kept(tmp_path: Path) -> None:
    plan = sort(tmp_path, Action.copy, a="none", b="none", c="none", d="none")
    (plan.source / "a.jpg").unlink()
    change(plan.source / "b.jpg", "other")
    (plan.source / "c.jpg").unlink()
    (plan.source / "c.jpg").symlink_to(plan.dest / "none/c.jpg")
    os.utime(plan.source / "d.jpg")  # its content is the same
    problems = take_back(plan)
    assert ["the copy stays" in problem for problem in problems] == [True, True, True, False]
    assert sorted(path.name for path in (plan.dest / "none").iterdir()) == [
        "a.jpg",
        "b.jpg",
        "c.jpg",
    ]


def test_a_place_that_is_taken_is_not_overwritten(tmp_path: Path) -> None:
    plan = sort(tmp_path, Action.move, a="none")
    (plan.source / "a.jpg").write_text("a new one")
    assert "Something else has its old place" in take_back(plan)[0]
    assert (plan.source / "a.jpg").read_text() == "a new one"
    assert (plan.dest / "none/a.jpg").read_text() == "none"
    (plan.source / "a.jpg").unlink()
    assert take_back(plan) == [""]


def test_a_folder_that_was_removed_since_is_made_again(tmp_path: Path) -> None:
    make_photos(tmp_path / "in", {"b/c/d.jpg": "none"})
    plan = sort(tmp_path, Action.move)
    (plan.source / "b/c").rmdir()
    (plan.source / "b").rmdir()
    assert take_back(plan) == [""]
    assert (plan.source / "b/c/d.jpg").read_text() == "none"


def test_only_empty_folders_that_the_run_made_are_removed(tmp_path: Path) -> None:
    (tmp_path / "out/none").mkdir(parents=True)
    plan = sort(tmp_path, Action.copy, a="none", b="sunglasses", c="eyeglasses")
    (plan.dest / "sunglasses/notes.txt").write_text("mine")
    assert take_back(plan) == ["", "", ""]
    assert sorted(path.name for path in plan.dest.rglob("*")) == [
        "none",
        "notes.txt",
        "sunglasses",
    ]


def test_a_photo_that_somebody_put_back_by_hand_is_back(tmp_path: Path) -> None:
    plan = sort(tmp_path, Action.move, a="none")
    (plan.dest / "none/a.jpg").rename(plan.source / "a.jpg")
    assert take_back(plan) == [""]
    assert (plan.source / "a.jpg").read_text() == "none"


def test_an_undoing_that_was_cut_off_is_finished_before_the_next_sorting(tmp_path: Path) -> None:
    plan = sort(tmp_path, Action.move, a="none")
    path = journal_of(plan)
    with open_journal(path) as journal:
        journal.write({"undo": 1, "file": (plan.dest / "none/a.jpg").stat().st_ino})
    with pytest.raises(DataError, match="an undoing was interrupted there"):
        list(sort_photos([], recognize, plan=plan))
    assert take_back(plan) == [""]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"hello\n", "no journal of `gafas sort`"),
        (b'{"gafas": "sort"}\n', "no journal of `gafas sort`"),
        (b"", "no journal of `gafas sort`"),
    ],
)
def test_what_is_no_journal_is_refused(line: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(line)
    with pytest.raises(DataError, match=message):
        list(undo(tmp_path / "x"))
    assert (tmp_path / "x").read_bytes() == line


@pytest.mark.parametrize(
    "line",
    [
        b"hello\n",
        b'{"done": 7}\n',
        b'{"nonsense": 1}\n',
        b'{"folder": "../elsewhere"}\n',
        b'{"do": 2, "photo": "/etc/x", "target": "none/x", "size": 1, "mtime_ns": 1, "mode": 1, '
        b'"sha256": ""}\n',
    ],
)
def test_a_damaged_journal_is_refused_whole(line: bytes, tmp_path: Path) -> None:
    plan = sort(tmp_path, Action.move, a="none")
    path = journal_of(plan)
    path.write_bytes(path.read_bytes() + line)
    before = snapshot(tmp_path)
    with pytest.raises(DataError, match="The journal is damaged"):
        list(undo(path))
    assert snapshot(tmp_path) == before


def test_a_line_that_was_cut_short_is_passed_over(tmp_path: Path) -> None:
    plan = sort(tmp_path, Action.move, a="none")
    path = journal_of(plan)
    path.write_bytes(path.read_bytes() + b'{"do": 2, "pho')
    assert take_back(plan) == [""]


def test_a_journal_of_the_version_before_is_undone(tmp_path: Path) -> None:
    plan = sort(tmp_path, Action.move, a="none")
    path = journal_of(plan)
    old = b'"version": 1, "base": "%s"' % bytes(plan.source)
    path.write_bytes(path.read_bytes().replace(b'"version": 2', old, 1))
    assert take_back(plan) == [""]
    assert (plan.source / "a.jpg").read_text() == "none"


def test_a_newer_journal_is_refused(tmp_path: Path) -> None:
    plan = sort(tmp_path, Action.move, a="none")
    path = journal_of(plan)
    path.write_bytes(path.read_bytes().replace(b'"version": 2', b'"version": 3', 1))
    with pytest.raises(DataError, match="newer than this gafas"):
        list(undo(path))


def test_two_processes_cannot_work_with_one_journal(tmp_path: Path) -> None:
    plan = sort(tmp_path, Action.move, a="none")
    path = journal_of(plan)
    with open_journal(path), pytest.raises(DataError, match="Another gafas is at work"):
        list(undo(path))
    assert take_back(plan) == [""]
