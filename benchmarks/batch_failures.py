"""What `gafas batch` survives: processes and machines that die, broken photos, a store, no net."""

import contextlib
import dataclasses
import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from benchmarks.object_store import BUCKET, fill, serve_objects

LOG = logging.getLogger("batch")
BATCH = [sys.executable, "-m", "gafas.cli", "batch"]
SHARD = ["--shard", "25"]
BROKEN_SHARE = 0.01
SLOW = 5.0  # seconds that one object of the store takes
NAMESPACE = 'ip link set lo up && exec "$@"'

# How a photo's bytes are broken, by the name of the kind.
BREAKS: Mapping[str, Any] = {
    "empty": lambda data: b"",
    "cut in half": lambda data: data[: len(data) // 2],
    "header alone": lambda data: data[:24],
    "text": lambda data: b"<html>not found</html>",
    "zeros": lambda data: bytes(len(data)),
    "another format's start": lambda data: b"\x89PNG\r\n\x1a\n" + data,
    "random": lambda data: random.Random(1).randbytes(len(data)),
    "a size of nothing": lambda data: _claim(data, 0),
    "a size of billions": lambda data: b"BM" + bytes(16) + b"\xff\xff\xff\x7f" * 2 + bytes(30),
    "a video": lambda data: b"\0\0\0\x18ftypmp42" + data,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """Photos in a folder of their own, and where answers may go."""

    folder: Path
    photos: Sequence[Path]

    @property
    def place(self) -> str:
        """Return the folder of the photos."""
        return str(self.photos[0].parent)


@dataclasses.dataclass(frozen=True, slots=True)
class Deaths:
    """Runs in which something was killed, each at a random moment.

    Attributes:
        runs: how many.
        seconds: after how long it was killed, in each.
        rows_before: how many rows there were before the run went on, in each.
        damaged: how many parts could not be read then.
        equal: how many runs have, in the end, the very rows of a run that nothing happened to.
    """

    runs: int
    seconds: Sequence[float]
    rows_before: Sequence[int]
    damaged: int
    equal: int


@dataclasses.dataclass(frozen=True, slots=True)
class Stored:
    """Photos and answers in an object store.

    Attributes:
        photos: how many, one of which is missing, one denied and one slow.
        errors: what their rows say.
        right: how many rows are those of the same photos on a disk.
    """

    photos: int
    errors: Mapping[str, str]
    right: int


@dataclasses.dataclass(frozen=True, slots=True)
class Broken:
    """Broken files among photos: how many, of how many kinds, and how many rows say so."""

    photos: int
    broken: int
    kinds: int
    rows_with_errors: int


@dataclasses.dataclass(frozen=True, slots=True)
class Failures:
    """What was tried.

    Attributes:
        three_nodes: one of three Ray nodes is killed in mid-run, and nothing is begun again.
        offline: by engine, whether a run without a network and in an empty home has the same rows.
        stored: photos in a store.
        broken: broken files.
    """

    three_nodes: Deaths
    offline: Mapping[str, bool]
    stored: Stored
    broken: Broken


def _claim(data: bytes, side: int) -> bytes:
    """Return a JPEG that claims another height and width."""
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + side.to_bytes(2, "big") * 2 + data[at + 4 :]


def read_rows(out: Path) -> pa.Table:
    """Return all rows of a folder of answers, sorted by their photos."""
    parts = [pyarrow.parquet.read_table(part) for part in sorted(out.glob("*.parquet"))]
    return pa.concat_tables(parts).sort_by("photo") if parts else pa.table({"photo": []})


def run(words: Sequence[str], **more: Any) -> int:
    """Run a batch to its end, and return its exit code."""
    return subprocess.run(
        [*BATCH, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more
    ).returncode


def list_family(parent: int) -> Iterator[tuple[int, str]]:
    """Give the processes that a process has begun, and those that they have, with their names."""
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{parent}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                with contextlib.suppress(OSError):
                    line = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ")
                    yield child, line.decode("utf-8", "replace")
                yield from list_family(child)


# Whom to kill, by what is to die: a mark in the command line of one of its processes.
VICTIMS: Mapping[str, tuple[str, str]] = {
    "local: the command": ("local", ""),
    "local: a worker": ("local", "spawn_main"),
    "ray: the command": ("ray", ""),
    "ray: a worker": ("ray", "ray::recognize_shard"),
    "ray: the node": ("ray", "raylet/raylet"),
}


def die(source: Source, name: str, *, moments: int, chance: random.Random) -> Deaths:
    """Kill something at random moments, then let the run end, or begin it again."""
    engine, mark = VICTIMS[name]
    usual = read_rows(source.folder / "reference")
    words = [source.place, "", *SHARD, "--on", engine]
    words[1] = str(source.folder / "timed")
    began = time.perf_counter()
    run(words)
    length = time.perf_counter() - began
    shutil.rmtree(words[1])
    seconds, before, damaged, equal = list[float](), list[int](), 0, 0
    while len(seconds) < moments:
        out = source.folder / f"killed-{len(seconds)}"
        words[1] = str(out)
        process = subprocess.Popen(
            [*BATCH, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        moment = chance.uniform(0.2, 0.9) * length
        time.sleep(moment)
        victim = _find_victim(process, mark, chance)
        if victim is not None:
            os.kill(victim, signal.SIGKILL)
            process.wait(300)
            seconds.append(moment)
            try:
                before.append(len(read_rows(out)))
            except (OSError, ValueError):
                damaged += 1
            run(words)
            equal += read_rows(out).equals(usual)
        shutil.rmtree(out)
    told = Deaths(moments, seconds, before, damaged, equal)
    LOG.info("%s: %s", name, told)
    return told


def _find_victim(
    process: "subprocess.Popen[bytes]", mark: str, chance: random.Random
) -> int | None:
    """Return whom to kill: one of those that are marked, as soon as there are any.

    Nobody, if the run has ended meanwhile.
    """
    while process.poll() is None:
        found = [one for one, line in list_family(process.pid) if mark in line]
        if not mark or found:
            return chance.choice(found) if mark else process.pid
        time.sleep(0.02)
    return None


@contextlib.contextmanager
def three_nodes(folder: Path) -> Iterator[tuple[str, list["subprocess.Popen[bytes]"]]]:
    """Run a Ray cluster of three nodes with a core each; give its address and the nodes."""
    ray = str(Path(sys.executable).with_name("ray"))
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    port = 26379  # not one that Ray gives to workers
    shared = ["--num-cpus=1", "--block", "--disable-usage-stats", "--object-store-memory=80000000"]
    head = ["--head", f"--port={port}", "--node-ip-address=127.0.0.2", "--include-dashboard=false"]
    nodes = []
    try:
        for number in range(3):
            own = [f"--address=127.0.0.2:{port}", f"--node-ip-address=127.0.0.{number + 2}"]
            own = head if number == 0 else own
            log = (folder / f"node-{number}.log").open("wb")
            words = [ray, "start", *own, *shared]
            nodes.append(
                subprocess.Popen(words, stdout=log, stderr=log, env=environment, process_group=0)
            )
            time.sleep(8 if number == 0 else 5)
            assert nodes[-1].poll() is None, Path(log.name).read_text(encoding="utf-8")
        yield f"127.0.0.2:{port}", nodes
    finally:
        for node in nodes:
            for process, _ in list_family(node.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            node.kill()
            node.wait()


def lose_a_node(source: Source) -> Deaths:
    """Kill one of three nodes once a third of the rows is there; nothing is begun again."""
    out = source.folder / "three"
    with three_nodes(source.folder) as (address, nodes):
        words = [source.place, str(out), *SHARD, "--on", "ray", "--address", address]
        process = subprocess.Popen([*BATCH, *words], stdout=subprocess.DEVNULL)
        began = time.perf_counter()
        while len(list(out.glob("part-*"))) * int(SHARD[1]) < len(source.photos) / 3:
            assert process.poll() is None
            time.sleep(0.05)
        seconds, rows = time.perf_counter() - began, len(read_rows(out))
        for victim, _ in list_family(nodes[2].pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        nodes[2].kill()
        code = process.wait(600)
    equal = code == 0 and read_rows(out).equals(read_rows(source.folder / "reference"))
    return Deaths(1, [seconds], [rows], 0, int(equal))


def go_offline(source: Source, engine: str) -> bool:
    """Run where there is no network but the loopback, and nothing in the home."""
    home = source.folder / f"home-{engine}"
    home.mkdir()
    out = source.folder / f"offline-{engine}"
    words = [*BATCH, source.place, str(out), *SHARD, "--on", engine]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    if "PYTHONPATH" in os.environ:
        environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
    done = subprocess.run(["unshare", "--net", "sh", "-c", NAMESPACE, "-", *words], env=environment)
    return done.returncode == 0 and read_rows(out).equals(read_rows(source.folder / "reference"))


def use_store(source: Source) -> Stored:
    """Look at photos in a store, some of which are out of reach, and keep the answers there."""
    with serve_objects() as store:
        names = fill(store, source.photos, "in")
        missing = f"s3://{BUCKET}/in/missing.jpg"
        denied, slow = names[3], names[5]
        store.denied.add(denied.removeprefix(f"s3://{BUCKET}/"))
        store.slow[slow.removeprefix(f"s3://{BUCKET}/")] = SLOW
        listed = source.folder / "list.txt"
        listed.write_text("\n".join([*names, missing]))
        environment = {**os.environ, **store.environment}
        code = run([str(listed), f"s3://{BUCKET}/out", *SHARD], env=environment)
        out = source.folder / "stored"
        out.mkdir()
        for key in store.list_keys("out/part-"):
            (out / Path(key).name).write_bytes(store.get(key))
    rows = {row["photo"]: row for row in read_rows(out).to_pylist()}
    usual = read_rows(source.folder / "reference").to_pylist()
    same = [
        rows[name]["faces"] == row["faces"] and rows[name]["bytes"] == row["bytes"]
        for name, row in zip(sorted(names), usual, strict=True)
    ]
    errors = {name: row["error"] for name, row in rows.items() if row["error"]}
    assert (code, set(errors)) == (1, {missing, denied}), (code, errors)
    return Stored(len(rows), errors, sum(same))


def break_some(source: Source) -> Broken:
    """Break one in a hundred files, in ten ways."""
    folder, out = source.folder / "broken", source.folder / "broken-answers"
    folder.mkdir()
    kinds, broken = list(BREAKS), set[str]()
    every = round(1 / BROKEN_SHARE)
    for number, photo in enumerate(source.photos):
        path, data = folder / photo.name, photo.read_bytes()
        if number % every == 0:
            data = BREAKS[kinds[number // every % len(kinds)]](data)
            broken.add(str(path))
        path.write_bytes(data)
    run([str(folder), str(out), *SHARD])
    rows = read_rows(out).to_pylist()
    told = {row["photo"] for row in rows if row["error"]}
    summary = json.loads((out / "_summary.json").read_text())
    assert (told, sum(summary["errors"].values())) == (broken, len(broken)), told ^ broken
    return Broken(len(rows), len(broken), min(len(kinds), len(broken)), len(told))


def take_reference(source: Source) -> None:
    """Run once in peace: with these rows all others are compared."""
    assert run([source.place, str(source.folder / "reference"), *SHARD]) == 0


def measure(source: Source) -> Failures:
    """Try everything but deaths at random moments."""
    broken = break_some(source)
    LOG.info("%s", broken)
    stored = use_store(source)
    LOG.info("%s", stored)
    offline = {engine: go_offline(source, engine) for engine in ("local", "ray")}
    LOG.info("Offline: %s", offline)
    nodes = lose_a_node(source)
    LOG.info("One of three nodes: %s", nodes)
    return Failures(nodes, offline, stored, broken)
