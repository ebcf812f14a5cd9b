"""The command `gafas batch`: what it writes, says, survives and goes on with."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from benchmarks.batch_failures import list_family
from benchmarks.object_store import ObjectStore
from tools.photos import WORN, write_photos

from batch.killing import deadly, is_running, list_children, start_batch
from batch.parts import list_parts, read_rows
from brightness_model import grey_photo
from command_line import Call, refused
from face_photos import encode, faceless
from gafas.batch import batch as BATCH
from gafas.batch.batch import Batch
from gafas.batch.engines import LocalEngine
from gafas.batch.shards import Shard
from gafas.errors import DataError
from gafas.recognizer import BUNDLED
from gafas.weights import read_bundled
from own_labels import EACH, make_moments

LONG = 200


@pytest.fixture
def many(tmp_path: Path) -> list[str]:
    """Write photos enough for a run that can be interrupted; return their paths, sorted."""
    names = [tmp_path / f"many/{number:03}.png" for number in range(LONG)]
    return [str(grey_photo(path, number)) for number, path in enumerate(names)]


def wait_for_parts(out: Path, count: int) -> None:
    until = time.monotonic() + 60
    while len(list_parts(out)) < count:
        assert time.monotonic() < until
        time.sleep(0.01)


def photos_in(out: Path) -> list[str]:
    return [row["photo"] for row in read_rows(out)]


def test_every_photo_has_one_row_equal_to_the_json_of_predict(gafas: Call, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "in")
    (tmp_path / "in/broken.jpg").write_bytes(photos[0].read_bytes()[:4000])
    told = gafas("batch", tmp_path / "in", tmp_path / "out", "--shard", 2, "--workers", 2)
    assert told.code == 1
    said = gafas("predict", tmp_path / "in", "--json")
    expected = [json.loads(line) for line in said.out.splitlines()]
    rows = read_rows(tmp_path / "out")
    assert [{key: row[key] for key in expected[0]} for row in rows] == expected
    assert len(list_parts(tmp_path / "out")) == 3
    assert {row["photo"] for row in rows} > {str(tmp_path / "in" / name) for name in WORN}


def test_the_summary_counts_what_the_parts_hold(gafas: Call, tmp_path: Path) -> None:
    write_photos(tmp_path / "in")
    (tmp_path / "in/broken.jpg").write_bytes(b"nothing")
    told = gafas("batch", tmp_path / "in", tmp_path / "out", "--workers", 1)
    summary = json.loads((tmp_path / "out/_summary.json").read_text())
    assert summary["faces"] == {"eyeglasses": 1, "none": 1, "sunglasses": 1}
    assert (summary["photos"], summary["without_face"], summary["complete"]) == (5, 1, True)
    assert sum(summary["errors"].values()) == 1
    lines = [line.split() for line in told.out.splitlines()]
    counts = [("sunglasses", 1), ("eyeglasses", 1), ("none", 1), ("unsure", 0), ("face", 1)]
    assert [(line[-2], int(line[-1])) for line in lines[:5]] == counts
    assert lines[5] == ["unreadable", "1"]
    assert "Cannot read the image: expected" in told.out


def test_the_same_command_again_looks_at_nothing_twice(
    gafas: Call, photos: list[str], model: Path, tmp_path: Path
) -> None:
    words = ("batch", tmp_path / "in", tmp_path / "out", "--model", model, "--shard", 4)
    assert gafas(*words).code == 0
    before = {path: path.stat().st_mtime_ns for path in list_parts(tmp_path / "out")}
    again = gafas(*words)
    assert (again.code, len(before)) == (0, 3)
    assert {path: path.stat().st_mtime_ns for path in list_parts(tmp_path / "out")} == before
    assert "10 of them by earlier runs" in again.err
    grey_photo(tmp_path / "in/new.png", 9)
    assert gafas(*words).code == 0
    assert photos_in(tmp_path / "out") == sorted([*photos, str(tmp_path / "in/new.png")])


def test_a_limit_leaves_the_rest_for_the_next_time(
    gafas: Call, photos: list[str], model: Path, tmp_path: Path
) -> None:
    words = ("batch", tmp_path / "in", tmp_path / "out", "--model", model, "--limit", 6)
    first, second, third = gafas(*words), gafas(*words), gafas(*words)
    assert (first.code, second.code, third.code) == (3, 0, 0)
    assert "Photos are left" in first.err
    assert photos_in(tmp_path / "out") == photos


def test_equal_files_are_looked_at_once_where_that_is_asked_for(
    gafas: Call, photos: list[str], model: Path, tmp_path: Path
) -> None:
    for number in range(5):
        copy = tmp_path / f"in/copies/{number}.png"
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(Path(photos[0]).read_bytes())
    words = ("batch", tmp_path / "in", tmp_path / "out", "--model", model, "--deduplicate")
    assert gafas(*words).code == 0
    rows = read_rows(tmp_path / "out")
    assert len(rows) == 15
    assert json.loads((tmp_path / "out/_summary.json").read_text())["copies"] == 5


def test_other_commands_take_kept_answers_and_no_model_looks_again(
    gafas: Call, photos: list[str], model: Path, tmp_path: Path
) -> None:
    folder, out, how = tmp_path / "in", tmp_path / "out", ("--model", model)
    assert gafas("batch", folder, out, *how).code == 0
    plain = gafas("predict", folder, "--json", *how)
    dry = gafas("sort", folder, tmp_path / "sorted", "--dry-run", *how)
    stat = Path(photos[0]).stat()
    Path(photos[0]).write_bytes(b"?" * stat.st_size)  # who looks again sees that it is broken
    os.utime(photos[0], ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert gafas("predict", folder, "--json", "--answers", out, *how).out == plain.out
    kept = gafas("sort", folder, tmp_path / "sorted", "--dry-run", "--answers", out, *how)
    assert kept.out == dry.out
    assert gafas("sort", folder, tmp_path / "sorted", "--answers", out, *how).code == 0
    assert len(list((tmp_path / "sorted").glob("*/*.png"))) == 10


def test_verdicts_and_keywords_come_of_kept_answers_as_of_the_photos(
    gafas: Call, tmp_path: Path
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name, content in make_moments().items():
        (folder / name).write_bytes(content)
    assert gafas("batch", folder, out).code == 0
    commands = (
        ("check", folder, "--require", "clear-eyes", "--json"),
        ("tag", folder, "--dry-run", "--regions"),
    )
    plain = [gafas(*words) for words in commands]
    sky = encode(faceless())
    for photo in folder.iterdir():
        stat = photo.stat()
        photo.write_bytes(sky.ljust(stat.st_size, b"?"))  # who looks again finds no face
        os.utime(photo, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    kept = [gafas(*words, "--answers", out) for words in commands]
    assert [(told.code, told.out) for told in kept] == [(told.code, told.out) for told in plain]
    assert plain[0].out.count('"fail"') == plain[1].out.count("sunglasses") - 1 == EACH


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nothing", "out"), "There are no photos of this name"),
        (("in", "in/0.png"), "which is a file"),
        (("in", "out", "--address", "auto"), "say --on ray"),
        (("in", "out", "--address", "auto", "--on", "ray", "--workers", "2"), "no --workers"),
        (("in", "out", "--model", "frei"), "Did you mean 'free'"),
        (("in", "s4://bucket/out"), "Cannot reach the store"),
        (("empty", "out"), "No photo is there"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    gafas: Call,
    photos: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    message: str,
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    refused(gafas("batch", *words), message, code=2 if "--address" in words else 1)


def test_photos_and_answers_may_lie_in_an_object_store(
    gafas: Call, store: ObjectStore, photos: list[str], model: Path
) -> None:
    names = [store.put(f"in/{Path(one).name}", Path(one).read_bytes()) for one in photos]
    store.denied.add("in/3.png")
    store.slow["in/4.png"] = 1.0
    listed = store.put("list.txt", "\n".join([*names, "s3://photos/in/gone.png"]).encode())
    words = ("batch", listed, "s3://photos/out", "--model", model, "--shard", 4, "--workers", 2)
    first, again = gafas(*words), gafas(*words)
    assert (first.code, again.code, first.out) == (1, 1, again.out)
    assert "11 of them by earlier runs" in again.err
    assert {"out/_run.json", "out/_summary.json"} < set(store.list_keys("out/"))
    parts = [key for key in store.list_keys("out/") if key.endswith(".parquet")]
    local = Path(model.parent / "local")
    local.mkdir()
    for key in parts:
        (local / Path(key).name).write_bytes(store.get(key))
    rows = read_rows(local)
    assert [row["photo"] for row in rows] == sorted([*names, "s3://photos/in/gone.png"])
    errors = {row["photo"][-8:]: row["error"] for row in rows if row["error"]}
    assert sorted(errors) == ["gone.png", "in/3.png"]
    assert "access is denied" in errors["in/3.png"]
    assert "it is not there" in errors["gone.png"]


def test_a_photo_that_ends_its_process_becomes_a_row_and_stops_nothing(
    many: list[str], model: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "many/100x.png"
    with deadly(bad) as killed:
        words = (tmp_path / "many", tmp_path / "out", "--model", model)
        with start_batch(*words, "--shard", 64, "--workers", 2) as process:
            _, told = process.communicate(timeout=120)
    rows = read_rows(tmp_path / "out")
    assert [row["photo"] for row in rows] == sorted([*many, str(bad)])
    assert [row["photo"] for row in rows if row["error"]] == [str(bad)]
    assert 3 < len(killed) < 20
    assert process.returncode == 1
    assert [line for line in told.splitlines() if "Looking" not in line] == [
        f"gafas: {LONG + 1} photos have answers in {tmp_path / 'out'}."
    ]


def test_a_process_that_somebody_else_ends_loses_no_photo(
    many: list[str], model: Path, tmp_path: Path
) -> None:
    good = tmp_path / "many/100x.png"
    content = Path(many[7]).read_bytes()
    with deadly(good, times=1, content=content) as killed:
        words = (tmp_path / "many", tmp_path / "out", "--model", model)
        with start_batch(*words, "--shard", 64, "--workers", 2) as process:
            process.communicate(timeout=120)
    rows = read_rows(tmp_path / "out")
    assert [row["photo"] for row in rows] == sorted([*many, str(good)])
    assert (len(killed), process.returncode) == (1, 0)


def test_processes_that_die_before_they_begin_hold_nothing_up(
    photos: list[str], tmp_path: Path
) -> None:
    batch = Batch(str(tmp_path / "out"), read_bundled(BUNDLED))  # more than pipes hold
    engine = LocalEngine(batch.job, 2)
    engine.submit(Shard(((photos[0],),)))
    while not (found := [one for one, line in list_family(os.getpid()) if "spawn_main" in line]):
        time.sleep(0.001)
    os.kill(found[0], signal.SIGKILL)
    try:
        assert engine.wait() == (Shard(((photos[0],),)), None)
        assert sum(tally.photos for tally in batch.run(photos, engine, size=3)) == 10
    finally:
        engine.stop()


def test_a_killed_run_leaves_no_process_and_goes_on_where_it_was(
    gafas: Call, many: list[str], model: Path, tmp_path: Path
) -> None:
    out, last = tmp_path / "out", tmp_path / "many/last.png"
    os.mkfifo(last)  # who reads it waits, so that the run cannot end before it is killed
    words = (tmp_path / "many", out, "--model", model, "--shard", 5, "--workers", 2)
    with start_batch(*words) as process:
        wait_for_parts(out, 3)
        children = list_children(process.pid)
        process.kill()
        _, told = process.communicate(timeout=60)
    until = time.monotonic() + 10
    while any(map(is_running, children)):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert (told, len(children) >= 2) == ("", True)
    done = photos_in(out)
    assert 0 < len(done) <= LONG
    last.unlink()
    many.append(str(grey_photo(last, 9)))
    assert gafas("batch", *words).code == 0
    assert photos_in(out) == many
    assert not list(out.glob(".part*"))


def test_after_ctrl_c_one_sentence_says_how_to_go_on(
    many: list[str], model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    os.mkfifo(tmp_path / "many/last.png")  # who reads it waits: the run cannot end before
    words = (tmp_path / "many", out, "--model", model, "--shard", 5, "--workers", 2)
    with start_batch(*words) as process:
        wait_for_parts(out, 1)
        for child in (process.pid, *list_children(process.pid)):  # as a terminal does
            os.kill(child, signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    (line,) = (line for line in told.splitlines() if "Looking" not in line)
    assert "photos are done. To go on, give the same command again." in line


def test_processes_that_all_end_at_once_are_not_blamed_on_the_photos(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BATCH, "_DEATHS", 2)
    batch = Batch(str(tmp_path / "out"), model.read_bytes())
    with deadly(tmp_path / "x.png"):
        engine = LocalEngine(batch.job, 1)
        try:
            with pytest.raises(DataError, match="end at once, 2 of them by now"):
                list(batch.run([str(tmp_path / "x.png")], engine, size=64))
        finally:
            engine.stop()
    assert list_parts(tmp_path / "out") == []


def test_a_part_that_cannot_be_written_ends_the_run(
    photos: list[str], model: Path, tmp_path: Path
) -> None:
    batch = Batch(str(tmp_path / "out"), model.read_bytes())
    (tmp_path / "out/_run.json").unlink()
    (tmp_path / "out").rmdir()
    (tmp_path / "out").write_text("a file where the folder was")
    engine = LocalEngine(batch.job, 1)
    try:
        with pytest.raises(DataError, match="which is a file"):
            list(batch.run(photos, engine, size=5))
    finally:
        engine.stop()


def test_two_runs_at_the_same_time_are_noticed(
    photos: list[str], model: Path, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    one, other = Batch(out, model.read_bytes()), Batch(out, model.read_bytes())
    for batch, size in ((one, 4), (other, 7)):
        engine = LocalEngine(batch.job, 1)
        assert sum(tally.photos for tally in batch.run(photos, engine, size=size)) == 10
        engine.stop()
    assert other.finish(complete=True)["complete"] is False
    healed = Batch(out, model.read_bytes())
    kept = photos_in(tmp_path / "out")
    assert len(kept) == len(set(kept)) == healed.earlier
    engine = LocalEngine(healed.job, 1)
    list(healed.run(healed.drop_done(photos), engine, size=5))
    engine.stop()
    assert healed.finish(complete=True)["complete"] is True
    assert photos_in(tmp_path / "out") == photos
