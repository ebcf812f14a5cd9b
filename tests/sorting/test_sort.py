"""Sorting decides by the answers, keeps names and structure, and says what it cannot do."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gafas.errors import DataError, ModelError
from gafas.sorting.files import Identity
from gafas.sorting.journal import Action, Entry, Journal, Rule
from gafas.sorting.plan import choose_folder, make_plans
from gafas.sorting.sort import preview_photos, sort_photos
from gafas.sorting.undo import undo
from sorted_photos import (
    LABELS,
    OPTIONS,
    answer,
    journal_of,
    list_photos,
    make_photos,
    make_plan,
    names,
    recognize,
    run,
    snapshot,
)


@pytest.mark.parametrize(
    ("labels", "by_label", "by_any"),
    [
        (["sunglasses"], "sunglasses", "sunglasses"),
        (["none", "none"], "none", "none"),
        (["none", "sunglasses"], "mixed", "sunglasses"),
        (["eyeglasses", "none", "unsure"], "mixed", "eyeglasses"),
        (["none", "unsure"], "unsure", "unsure"),
        (["sunglasses", "unsure"], "unsure", "sunglasses"),
        (["unsure"], "unsure", "unsure"),
        ([], "no-face", "no-face"),
    ],
)
def test_several_faces_choose_one_folder(
    labels: list[str], by_label: str, by_any: str, tmp_path: Path
) -> None:
    found = answer("a.jpg", *labels)
    assert choose_folder(found, make_plan(tmp_path, tmp_path)) == by_label
    assert choose_folder(found, make_plan(tmp_path, tmp_path, by=Rule.any)) == by_any
    broken = answer("a.jpg", error="broken")
    assert choose_folder(broken, make_plan(tmp_path, tmp_path)) == "unreadable"


def test_copies_keep_structure_names_times_and_permissions(tmp_path: Path) -> None:
    source = make_photos(
        tmp_path / "in", {"a.jpg": "none", "b/c/ñ.jpg": "sunglasses", "d.png": "!"}
    )
    before = snapshot(source)
    filed = run(plan := make_plan(source, tmp_path / "out"))
    assert names(plan.dest) == ["none/a.jpg", "sunglasses/b/c/ñ.jpg", "unreadable/d.png"]
    after = snapshot(plan.dest)
    assert [after[f"none/{name}"] for name in ["a.jpg"]] == [before["a.jpg"]]
    assert after["sunglasses/b/c/ñ.jpg"] == before["b/c/ñ.jpg"]
    assert snapshot(source) == before
    assert [one.problem for one in filed] == [None, None, "broken"]


def test_links_are_symbolic_and_lead_to_the_photo_wherever_the_folder_goes(tmp_path: Path) -> None:
    source = make_photos(tmp_path / "in", {"a.jpg": "none"})
    run(plan := make_plan(source, tmp_path / "out", Action.link))
    moved = plan.dest.rename(tmp_path / "elsewhere")
    assert (moved / "none/a.jpg").readlink() == source / "a.jpg"
    assert (moved / "none/a.jpg").read_text() == "none"
    (source / "a.jpg").unlink()
    assert [one.problem for one in undo(moved / ".gafas-sort-1.jsonl")] == [None]
    assert not moved.exists()


@pytest.mark.parametrize("action", Action)
def test_names_that_are_taken_get_a_number_and_nothing_is_overwritten(
    action: Action, tmp_path: Path
) -> None:
    source = make_photos(tmp_path / "in", {"a.b.jpg": "none"})
    dest = make_photos(tmp_path / "out", {"none/a.b.jpg": "mine", "none/a.b-2.jpg": "mine, too"})
    before = snapshot(dest)
    (filed,) = run(plan := make_plan(source, dest, action))
    assert filed.target == dest / "none/a.b-3.jpg"
    assert filed.target.read_text() == "none"
    assert {name: facts for name, facts in snapshot(dest).items() if name in before} == before
    assert [one.problem for one in undo(journal_of(plan))] == [None]
    assert snapshot(dest) == before


def test_a_name_that_is_taken_at_the_last_moment_gets_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_photos(tmp_path / "in", {"a.jpg": "none"})
    plan = make_plan(source, tmp_path / "out", Action.move)
    begin = Journal.begin

    def intrude(journal: Journal, photo: str, target: str, *, identity: Identity) -> Entry:
        (plan.dest / "none/a.jpg").write_text("quick")
        return begin(journal, photo, target, identity=identity)

    monkeypatch.setattr(Journal, "begin", intrude)
    (filed,) = run(plan)
    assert filed.target == plan.dest / "none/a-2.jpg"
    assert (plan.dest / "none/a.jpg").read_text() == "quick"
    assert [one.problem for one in undo(journal_of(plan))] == [None]
    assert (plan.dest / "none/a.jpg").read_text() == "quick"
    assert names(source) == ["a.jpg"]


def test_the_same_command_again_sorts_only_what_is_new_or_changed(tmp_path: Path) -> None:
    source = make_photos(tmp_path / "in", {"a.jpg": "none", "b.jpg": "none"})
    run(plan := make_plan(source, tmp_path / "out"))
    (plan.dest / "none/b.jpg").unlink()  # thrown away: it does not come back by itself
    make_photos(source, {"new/c.jpg": "eyeglasses"})
    (source / "a.jpg").chmod(0o644)
    (source / "a.jpg").write_text("sunglasses")
    asked: list[str] = []

    def listen(photos: Iterator[str]) -> Iterator[object]:
        return recognize(asked.append(photo) or photo for photo in photos)  # type: ignore[func-returns-value]

    again = list(sort_photos(list_photos(source), listen, plan=plan))  # type: ignore[arg-type]
    assert asked == [str(source / "a.jpg"), str(source / "new/c.jpg")]
    assert [one.before for one in again] == [True, True, False, False]
    expected = ["eyeglasses/new/c.jpg", "none/a.jpg", "sunglasses/a.jpg"]
    assert names(plan.dest) == expected


def test_an_unlike_order_for_the_same_photos_is_refused_and_names_the_journal(
    tmp_path: Path,
) -> None:
    source = make_photos(tmp_path / "in", {"a.jpg": "none"})
    run(plan := make_plan(source, tmp_path / "out"))
    before = snapshot(tmp_path)
    with pytest.raises(DataError, match=r"--copy .* is what it holds, --move .*\.gafas-sort-1\.js"):
        run(make_plan(source, plan.dest, Action.move))
    assert snapshot(tmp_path) == before
    other = make_photos(tmp_path / "other", {"a.jpg": "none"})
    run(make_plan(other, plan.dest, Action.move))
    assert names(plan.dest) == ["none/a-2.jpg", "none/a.jpg"]
    # All that was moved is gone from the source, so new photos may come by other options.
    make_photos(other, {"b.jpg": "none sunglasses"})
    run(make_plan(other, plan.dest, Action.copy, by=Rule.any))
    assert names(plan.dest) == ["none/a-2.jpg", "none/a.jpg", "sunglasses/b.jpg"]


@pytest.mark.parametrize("place", ["in/out", "in"])
@pytest.mark.parametrize("action", Action)
def test_a_folder_in_the_source_or_the_source_itself_may_be_sorted_into(
    action: Action, place: str, tmp_path: Path
) -> None:
    source = make_photos(tmp_path / "in", {"a.jpg": "none", "z/b.jpg": "mixed none"})
    plan = make_plan(source, tmp_path / place, action)
    before = snapshot(source)
    for _ in range(2):
        assert {one.folder for one in run(plan)} == {"none", "mixed"}
        found = [name for name in names(plan.dest) if name.split("/")[0] in ("none", "mixed")]
        assert found == ["mixed/z/b.jpg", "none/a.jpg"]
    assert [one.problem for one in undo(journal_of(plan))] == [None, None]
    assert snapshot(source) == before


def test_a_source_inside_the_folder_may_be_sorted_but_not_what_was_sorted(tmp_path: Path) -> None:
    source = make_photos(tmp_path / "out/new", {"a.jpg": "none"})
    run(make_plan(source, tmp_path / "out", Action.move))
    assert names(tmp_path / "out") == ["none/a.jpg"]
    for again in (tmp_path / "out/none", tmp_path / "out/unsure/deep"):
        with pytest.raises(DataError, match=r"it lies in the folder (none|unsure) there"):
            make_plans([str(again)], tmp_path / "out", labels=LABELS, options=OPTIONS)


def test_labels_that_cannot_be_folders_are_refused(tmp_path: Path) -> None:
    for labels in (("none", "../x"), ("none", "None"), ("a", "mixed"), ("a", ".b"), ("a", "b\n")):
        with pytest.raises(ModelError, match="its labels become folders"):
            make_plans([str(tmp_path)], tmp_path, labels=labels, options=OPTIONS)


def test_only_photos_themselves_are_moved_not_links_to_them(tmp_path: Path) -> None:
    source = make_photos(tmp_path / "in", {"a.jpg": "none"})
    (source / "link.jpg").symlink_to("a.jpg")
    filed = run(plan := make_plan(source, tmp_path / "out", Action.move))
    assert [one.folder for one in filed] == ["none", None]
    assert "It is a link" in str(filed[1].problem)
    assert names(plan.dest) == ["none/a.jpg"]
    assert (source / "link.jpg").readlink() == Path("a.jpg")


def test_a_copy_of_a_link_is_a_file_of_its_own(tmp_path: Path) -> None:
    make_photos(tmp_path / "far", {"a.jpg": "none"})
    source = make_photos(tmp_path / "in", {})
    source.mkdir()
    (source / "link.jpg").symlink_to(tmp_path / "far/a.jpg")
    run(plan := make_plan(source, tmp_path / "out"))
    copy = plan.dest / "none/link.jpg"
    assert (copy.is_symlink(), copy.read_text()) == (False, "none")
    assert [one.problem for one in undo(journal_of(plan))] == [None]


def test_names_that_are_no_text_are_sorted_and_come_back(tmp_path: Path) -> None:
    odd = os.fsdecode(b"\xe9\n\\.jpg")
    source = make_photos(tmp_path / "in", {odd: "none"})
    before = snapshot(source)
    run(plan := make_plan(source, tmp_path / "out", Action.move))
    assert names(plan.dest) == [f"none/{odd}"]
    assert [one.problem for one in undo(journal_of(plan))] == [None]
    assert snapshot(source) == before


def test_what_is_no_ordinary_file_or_is_gone_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    source = make_photos(tmp_path / "in", {"a.jpg": "none"})
    os.mkfifo(source / "pipe.jpg")  # reading it would never end
    (source / "lost.jpg").symlink_to("nowhere")
    plan = make_plan(source, tmp_path / "out")
    photos = [str(source / name) for name in ("pipe.jpg", "a.jpg", "lost.jpg")]
    filed = list(sort_photos(photos, recognize, plan=plan))
    assert [one.folder for one in filed] == [None, "none", None]
    assert "no ordinary file" in str(filed[0].problem)
    assert "No such file" in str(filed[2].problem)


def test_a_photo_that_changes_while_it_is_looked_at_stays(tmp_path: Path) -> None:
    source = make_photos(tmp_path / "in", {"b.jpg": "none"})

    def meddle(photos: Iterator[str]) -> Iterator[object]:
        for found in recognize(photos):
            (source / "b.jpg").unlink()
            (source / "b.jpg").write_text("other")
            yield found

    plan = make_plan(source, tmp_path / "out", Action.move)
    (filed,) = sort_photos([str(source / "b.jpg")], meddle, plan=plan)  # type: ignore[arg-type]
    assert "changed while" in str(filed.problem)
    assert (names(source), names(plan.dest)) == (["b.jpg"], [])


def test_a_file_in_the_place_of_a_folder_stops_only_its_photos(tmp_path: Path) -> None:
    source = make_photos(tmp_path / "in", {"a.jpg": "none", "b.jpg": "sunglasses"})
    dest = make_photos(tmp_path / "out", {"none": "a file of mine"})
    filed = run(make_plan(source, dest))
    assert [one.folder for one in filed] == [None, "sunglasses"]
    assert "Not a directory" in str(filed[0].problem)
    assert (dest / "none").read_text() == "a file of mine"


def test_a_plan_writes_nothing_and_is_what_happens(tmp_path: Path) -> None:
    contents = {"a.jpg": "none", "b/a.jpg": "none", "c.jpg": "!", "a-2.jpg": "none"}
    source = make_photos(tmp_path / "in", contents)
    make_photos(tmp_path / "out", {"none/a.jpg": "mine"})
    before = snapshot(tmp_path)
    plan = make_plan(source, tmp_path / "out", Action.move)
    planned = list(preview_photos(list_photos(source), recognize, plan=plan))
    assert snapshot(tmp_path) == before
    assert len({one.target for one in planned}) == 4
    assert run(plan) == planned
    again = list(preview_photos(list_photos(source), recognize, plan=plan))
    assert [one.before for one in again] == [True] * 4


def test_no_photos_make_no_folder(tmp_path: Path) -> None:
    assert run(make_plan(make_photos(tmp_path, {}), tmp_path / "out")) == []
    assert not (tmp_path / "out").exists()


def test_photos_are_taken_and_sorted_one_by_one(tmp_path: Path) -> None:
    source = make_photos(tmp_path / "in", {f"{n}.jpg": "none" for n in range(9)})
    plan = make_plan(source, tmp_path / "out", Action.move)
    waiting = iter(list_photos(source))
    running = sort_photos(waiting, recognize, plan=plan)
    assert [next(running).folder for _ in range(3)] == ["none"] * 3
    running.close()  # type: ignore[attr-defined]
    assert len(names(plan.dest)) == 3
    assert list(waiting) == list_photos(source)
    assert len(run(plan)) == 9
