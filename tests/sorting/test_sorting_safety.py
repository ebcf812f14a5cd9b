"""Whatever happens in whatever order, no content is lost, and undoing brings everything back."""

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dying import Fate, KilledError, fated
from gafas.errors import DataError
from gafas.sorting.files import Identity
from gafas.sorting.journal import Action, Entry, Journal
from gafas.sorting.sort import sort_photos
from gafas.sorting.undo import undo
from sorted_photos import (
    count_contents,
    list_photos,
    make_photos,
    make_plan,
    recognize,
    snapshot,
)

SYSTEMS = ("ordinary", "across", "bare")
NAMES = ("a.jpg", "a-2.jpg", "b/a.jpg", "b/c/ñ.jpg", "z.jpg")
CONTENTS = (
    "sunglasses #1",
    "sunglasses #1 other",
    "none",
    "none unsure",
    "none sunglasses",
    "",
    "!",
)


@dataclasses.dataclass(frozen=True)
class Step:
    """One command: sort one of two folders, or undo one of the journals; and its fate."""

    what: str
    which: int
    action: Action
    kind: str
    at: int


STEPS = st.builds(
    Step,
    what=st.sampled_from(["sort", "sort", "undo"]),
    which=st.integers(0, 1),
    action=st.sampled_from(Action),
    kind=st.sampled_from(["never", "half", "half", "full"]),
    at=st.integers(0, 60),
)
FOLDERS = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(CONTENTS), max_size=5)


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Let pass what gafas says no to, and nothing else that goes wrong."""
    try:
        yield
    except KilledError:
        pass
    except DataError as error:
        expected = ("Cannot sort photos of", "The disk is full", "Cannot write the journal")
        if not str(error).startswith(expected):
            raise


def carry_out(step: Step, sources: list[Path], dest: Path, *, system: str) -> None:
    fate = Fate(step.at if step.kind != "never" else -1, step.kind, system)
    if step.what == "sort":
        plan = make_plan(sources[step.which], dest, step.action)
        with refusals(), fated(fate):
            list(sort_photos(list_photos(plan.source), recognize, plan=plan))
        return
    journals = list_journals(dest)
    if journals:
        with refusals(), fated(fate):
            list(undo(journals[step.which % len(journals)]))


def list_journals(dest: Path) -> list[Path]:
    """Return the journals that were begun; a crash may leave one without its first line."""
    return [path for path in sorted(dest.glob(".gafas-sort-*.jsonl")) if b"\n" in path.read_bytes()]


@settings(max_examples=60, deadline=None)
@given(
    one=FOLDERS,
    other=FOLDERS,
    steps=st.lists(STEPS, max_size=6),
    system=st.sampled_from(SYSTEMS),
    inside=st.booleans(),
)
def test_after_any_sequence_of_sort_kill_resume_and_undo_every_content_is_there(
    one: dict[str, str], other: dict[str, str], steps: list[Step], system: str, inside: bool
) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve()
        sources = [folder / "one", folder / "other"]
        for source, files in zip(sources, (one, other), strict=True):
            source.mkdir()
            make_photos(source, files)
        dest = sources[0] / "sorted" if inside else folder / "sorted"
        before = [snapshot(source) for source in sources]
        contents = count_contents(*sources)
        for step in steps:
            carry_out(step, sources, dest, system=system)
            left = count_contents(folder)
            assert left >= contents, step
            assert set(left) == set(contents), step
        for journal in list_journals(dest):
            with fated(Fate(system=system)):
                assert [done.problem for done in undo(journal) if done.problem] == []
        remains = {path.name for path in dest.rglob("*") if not path.is_dir()}
        assert all(name.startswith(".gafas-sort-") and name.endswith(".jsonl") for name in remains)
        after = [snapshot(source) for source in sources]
        if inside:
            after[0] = {name: facts for name, facts in after[0].items() if name[:6] != "sorted"}
        assert after == before


@pytest.mark.parametrize(
    ("action", "system"),
    [
        (Action.link, "ordinary"),
        *((action, system) for action in (Action.copy, Action.move) for system in SYSTEMS),
    ],
)
def test_a_run_killed_at_any_step_goes_on_to_what_an_unbroken_run_leaves(
    tmp_path: Path, action: Action, system: str
) -> None:
    contents = {"a.jpg": "sunglasses", "b/a.jpg": "none eyeglasses"}
    whole = make_plan(make_photos(tmp_path / "x" / "in", contents), tmp_path / "x" / "out", action)
    with fated(Fate(system=system)) as fate:
        assert len(list(sort_photos(list_photos(whole.source), recognize, plan=whole))) == 2
    steps = fate.steps
    assert steps > 8
    expected = {p: facts for p, facts in snapshot(whole.dest).items() if not p.startswith(".")}
    for at in range(steps):
        place = tmp_path / str(at)
        plan = make_plan(make_photos(place / "in", contents), place / "out", action)
        photos = list_photos(plan.source)
        before = snapshot(plan.source)
        with pytest.raises(KilledError), fated(Fate(at, system=system)):
            list(sort_photos(photos, recognize, plan=plan))
        with fated(Fate(system=system)):
            filed = list(sort_photos(list_photos(plan.source), recognize, plan=plan))
        assert sum(one.folder is not None for one in filed) == 2
        found = {p: facts for p, facts in snapshot(plan.dest).items() if not p.startswith(".")}
        if action is Action.link:
            found = {
                p: (str(f[0]).replace(str(place), str(tmp_path / "x")),) for p, f in found.items()
            }
        assert found == expected
        (journal,) = plan.dest.glob(".*")
        with contextlib.suppress(KilledError), fated(Fate(at // 2, system=system)):
            list(undo(journal))
        if journal.exists():
            with fated(Fate(system=system)):
                assert [done.problem for done in undo(journal) if done.problem] == []
        assert snapshot(plan.source) == before


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("action", [Action.copy, Action.move])
def test_an_equal_photo_from_elsewhere_is_not_taken_for_ours(
    tmp_path: Path, action: Action, system: str
) -> None:
    sources = [make_photos(tmp_path / name, {"a.jpg": "none"}) for name in ("one", "other")]
    before = snapshot(tmp_path)
    plan = make_plan(sources[0], tmp_path / "out", action)
    other = make_plan(sources[1], tmp_path / "out", Action.move)

    begin = Journal.begin

    def interfere(journal: Journal, photo: str, target: str, *, identity: Identity) -> Entry:
        begin(journal, photo, target, identity=identity)
        patch.undo()
        with fated(Fate(system=system)):
            list(sort_photos(list_photos(other.source), recognize, plan=other))
        raise KilledError

    # The other photo gets the name just when the first run has announced it, and dies.
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(Journal, "begin", interfere)
        list(sort_photos(list_photos(plan.source), recognize, plan=plan))
    with fated(Fate(system=system)):
        filed = list(sort_photos(list_photos(plan.source), recognize, plan=plan))
        assert [one.target for one in filed] == [plan.dest / "none/a-2.jpg"]
        for journal in list_journals(plan.dest):
            assert [done.problem for done in undo(journal)] == [None]
    remains = {name: facts for name, facts in snapshot(tmp_path).items() if name[:3] != "out"}
    assert remains == before


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("action", [Action.copy, Action.move])
def test_an_undoing_cut_off_anywhere_does_not_take_an_equal_photo_for_ours(
    tmp_path: Path, action: Action, system: str
) -> None:
    killed = 0
    for at in range(60):
        place = tmp_path / str(at)
        sources = [make_photos(place / name, {"a.jpg": "none"}) for name in ("one", "other")]
        before = snapshot(place)
        plan = make_plan(sources[0], place / "out", action)
        other = make_plan(sources[1], place / "out", Action.move)
        with fated(Fate(system=system)):
            list(sort_photos(list_photos(plan.source), recognize, plan=plan))
        (journal,) = list_journals(plan.dest)
        with contextlib.suppress(KilledError), fated(Fate(at, system=system)) as fate:
            list(undo(journal))
        if not fate.dead:
            break
        killed += 1
        with fated(Fate(system=system)):
            list(sort_photos(list_photos(other.source), recognize, plan=other))
            for path in list_journals(plan.dest):
                assert [done.problem for done in undo(path) if done.problem] == []
        remains = {name: facts for name, facts in snapshot(place).items() if name[:3] != "out"}
        assert remains == before, at
    assert 3 < killed < 60


@pytest.mark.parametrize("action", Action)
def test_what_is_going_to_be_done_is_on_the_disk_before_it_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: Action
) -> None:
    plan = make_plan(make_photos(tmp_path / "in", {"a.jpg": "none"}), tmp_path / "out", action)
    unsynced: dict[int, bytes] = {}
    touched: list[str] = []
    write, fsync = os.write, os.fsync

    def note(handle: int, content: bytes) -> int:
        unsynced[handle] = unsynced.get(handle, b"") + bytes(content)
        return write(handle, content)

    def sync(handle: int) -> None:
        fsync(handle)
        unsynced.pop(handle, None)

    def watch(name: str) -> Callable[..., None]:
        real = getattr(os, name)

        def step(path: Path, *more: Path, **options: bool) -> None:
            told = b"".join(unsynced.values())
            assert b'"do"' not in told, name
            assert b'"undo"' not in told, name
            touched.append(name)
            real(path, *more, **options)

        return step

    monkeypatch.setattr(os, "write", note)
    monkeypatch.setattr(os, "fsync", sync)
    for name in ("link", "symlink", "unlink", "rename"):
        monkeypatch.setattr(os, name, watch(name))
    list(sort_photos(list_photos(plan.source), recognize, plan=plan))
    assert {Action.link: "symlink"}.get(action, "link") in touched
    touched.clear()
    (journal,) = list_journals(plan.dest)
    assert [done.problem for done in undo(journal)] == [None]
    assert "unlink" in touched
