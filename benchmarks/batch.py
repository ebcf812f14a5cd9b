"""Measure `gafas batch`: what it costs, how it grows, and what it survives.

Run: python -m benchmarks.batch   (`make benchmark-batch`; half an hour on an idle Linux machine)
It writes batch.json beside itself. It must be root: processes are counted by control groups, and
one part runs without a network. `--part` measures some parts only, and keeps the others' figures.
"""

import argparse
import contextlib
import dataclasses
import itertools
import logging
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet

from benchmarks import batch_failures, speed_photos
from benchmarks.batch_failures import VICTIMS, Deaths, Failures, Source, die
from benchmarks.speed import Place, describe
from gafas.files import read_json, write_json

LOG = logging.getLogger("batch")
OUTPUT = Path(__file__).with_suffix(".json")
GAFAS = [sys.executable, "-m", "gafas.cli"]
ENGINES = ("local", "ray")
PHOTOS = 200  # different ones; more are links to these
COST_PHOTOS = 2000
MANY_PHOTOS = 50_000
WINDOWS = (1_000, 10_000, 20_000, 30_000, 40_000, 49_000)  # at the end nothing is in work
SETTLED = 2_000  # photos after which memory should be flat
ALONE = (
    "import sys; from gafas.recognizer import Recognizer; "
    "sys.exit(len(list(Recognizer().recognize_many(sys.argv[1:]))) != len(sys.argv) - 1)"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of all processes for the same photos, the median of some runs.

    Attributes:
        photos: how many photos.
        recognize_many: seconds that one process takes.
        engines: seconds by engine.
        shares: by engine, seconds divided by those of `recognize_many`.
        wall: seconds by the clock, by engine.
    """

    photos: int
    recognize_many: float
    engines: Mapping[str, float]
    shares: Mapping[str, float]
    wall: Mapping[str, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Growth:
    """One run over many photos.

    Attributes:
        photos: how many.
        rows: how many rows there are in the end, and how many different `names` they have.
        seconds: by the clock.
        memory_mb: what all processes together hold, least and most after the first 2,000 photos;
            memory that they share counts once.
        memory_spread: how far that is from its median, at most; a share.
        cpu_ms: CPU milliseconds a photo, between so many photos and the number before.
        cpu_spread: how far these are from their median, at most; a share.
        resume_cpu_seconds: CPU seconds of the same command again, with nothing left to do.
        answers_mb: what the parts take.
    """

    photos: int
    rows: int
    names: int
    seconds: float
    memory_mb: tuple[float, float]
    memory_spread: float
    cpu_ms: Mapping[int, float]
    cpu_spread: float
    resume_cpu_seconds: float
    answers_mb: float


@dataclasses.dataclass(frozen=True, slots=True)
class BatchMeasured:
    """What `benchmarks/batch.json` holds; a part that was not measured is missing.

    `deaths` are by what was killed; a node's is that of its Ray processes.
    """

    place: Place
    cost: Cost | None = None
    growth: Growth | None = None
    failures: Failures | None = None
    deaths: Mapping[str, Deaths] = dataclasses.field(default_factory=dict)


class Group:
    """The processes of a command, counted by the system."""

    def __init__(self) -> None:
        self._folder = Path(f"/sys/fs/cgroup/cpuacct/gafas-{os.getpid()}")
        if not self._folder.parent.is_dir():
            raise RuntimeError("This needs control groups of version 1, and root.")
        self._folder.mkdir(exist_ok=True)

    def start(self, words: Sequence[str], **more: Any) -> "subprocess.Popen[Any]":
        """Begin a command whose processes are counted."""
        enter = 'echo $$ > "$0" && exec "$@"'
        command = ["sh", "-c", enter, str(self._folder / "cgroup.procs"), *words]
        return subprocess.Popen(command, **more)

    @property
    def cpu(self) -> float:
        """Return the CPU seconds that all processes of the group have taken."""
        return int((self._folder / "cpuacct.usage").read_text()) / 1e9

    @property
    def memory(self) -> float:
        """Return what its processes hold now, in MB (2**20 bytes); what they share counts once."""
        held = 0
        for process in (self._folder / "cgroup.procs").read_text().split():
            with contextlib.suppress(OSError):
                lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
                held += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return held / 1024

    def remove(self) -> None:
        """Remove the group, whose processes have ended."""
        self._folder.rmdir()


@contextlib.contextmanager
def counted() -> Iterator[Group]:
    """Give a group for commands."""
    group = Group()
    try:
        yield group
    finally:
        group.remove()


def multiply(photos: Sequence[Path], folder: Path, count: int) -> list[Path]:
    """Link photos into a folder until there are so many, all of other names."""
    folder.mkdir()
    named = zip(range(count), itertools.cycle(photos), strict=False)
    paths = []
    for number, photo in named:
        paths.append(folder / f"{number:06}-{photo.name}")
        os.link(photo, paths[-1])
    return paths


def measure_cost(folder: Path, photos: Sequence[Path], *, count: int, rounds: int) -> Cost:
    """Take turns, so that what else the machine does strikes all alike."""
    many = list(map(str, multiply(photos, folder / "cost", count)))
    commands: dict[str, Callable[[int], list[str]]] = {
        "alone": lambda _: [sys.executable, "-c", ALONE, *many],
        **{
            engine: lambda turn, engine=engine: [  # type: ignore[misc]
                *GAFAS,
                "batch",
                str(folder / "cost"),
                str(folder / f"cost-{engine}-{turn}"),
                "--on",
                engine,
            ]
            for engine in ENGINES
        },
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for turn in range(rounds):
        for name, command in commands.items():
            taken[name].append(take(command(turn)))
            LOG.info("%s: %.1f CPU seconds, %.1f by the clock", name, *taken[name][-1])
    cpu = {name: statistics.median(one for one, _ in runs) for name, runs in taken.items()}
    wall = {name: statistics.median(one for _, one in runs) for name, runs in taken.items()}
    alone = cpu.pop("alone")
    return Cost(count, alone, cpu, {name: one / alone for name, one in cpu.items()}, wall)


def take(words: Sequence[str]) -> tuple[float, float]:
    """Run a command; return CPU seconds of all its processes, and seconds by the clock."""
    with counted() as group:
        began = time.perf_counter()
        process = group.start(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if process.wait() != 0:
            raise RuntimeError(f"Failed: {words[:6]}")
        seconds, cpu = time.perf_counter() - began, group.cpu
        time.sleep(1)  # what the command leaves behind ends, too
    return cpu, seconds


def measure_growth(folder: Path, photos: Sequence[Path], *, count: int) -> Growth:
    """Run over many photos, and look at memory and CPU again and again."""
    multiply(photos, folder / "many", count)
    out = folder / "many-answers"
    command = [*GAFAS, "batch", str(folder / "many"), str(out)]
    looks: list[tuple[int, float, float]] = []
    began = time.perf_counter()
    with counted() as group:
        process = group.start(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            done = 500 * sum(1 for _ in out.glob("part-*")) if out.exists() else 0
            looks.append((done, group.cpu, group.memory))
            time.sleep(0.25)
        seconds = time.perf_counter() - began
        looks.append((count, group.cpu, 0.0))
    names = pyarrow.parquet.read_table(out, columns=["photo"])["photo"].to_pylist()
    settled = [memory for done, _, memory in looks[:-4] if done >= SETTLED]
    middle = statistics.median(settled)
    cpu_ms = compare_windows(looks, [one for one in WINDOWS if one <= count])
    usual = statistics.median(cpu_ms.values())
    return Growth(
        photos=count,
        rows=len(names),
        names=len(set(names)),
        seconds=seconds,
        memory_mb=(min(settled), max(settled)),
        memory_spread=max(max(settled) / middle - 1, 1 - min(settled) / middle),
        cpu_ms=cpu_ms,
        cpu_spread=max(abs(one / usual - 1) for one in cpu_ms.values()),
        resume_cpu_seconds=take(command)[0],
        answers_mb=sum(path.stat().st_size for path in out.glob("part-*")) / 1e6,
    )


def compare_windows(
    looks: Sequence[tuple[int, float, float]], ends: Sequence[int]
) -> dict[int, float]:
    """Return CPU milliseconds a photo between each number of photos and the one before."""

    def find(photos: int) -> tuple[int, float]:
        """Return the first look at which so many were done."""
        return next((done, cpu) for done, cpu, _ in looks if done >= photos)

    pairs = itertools.pairwise(map(find, ends))
    costs = [1000 * (cpu - before) / (done - earlier) for (earlier, before), (done, cpu) in pairs]
    return dict(zip(ends[1:], costs, strict=True))


def measure(folder: Path, *, parts: Sequence[str], quick: bool) -> BatchMeasured:
    """Make the photos in a folder that is there, and measure."""
    photos = speed_photos.make_small(folder / "photos", count=20 if quick else PHOTOS)
    deadly = [name for name in VICTIMS if name in parts]
    result = BatchMeasured(describe(None))
    if "cost" in parts:
        count, rounds = (60, 1) if quick else (COST_PHOTOS, 5)
        cost = measure_cost(folder, photos, count=count, rounds=rounds)
        result = dataclasses.replace(result, cost=cost)
    if "growth" in parts:
        growth = measure_growth(folder, photos, count=5_000 if quick else MANY_PHOTOS)
        LOG.info("%s", growth)
        result = dataclasses.replace(result, growth=growth)
    if {*VICTIMS, "failures"}.intersection(parts):
        source = Source(folder, multiply(photos, folder / "some", 60 if quick else 1_000))
        batch_failures.take_reference(source)
        moments, chance = 1 if quick else 10, random.Random(0)
        deaths = {name: die(source, name, moments=moments, chance=chance) for name in deadly}
        failures = batch_failures.measure(source) if "failures" in parts else None
        result = dataclasses.replace(result, failures=failures, deaths=deaths)
    return result


def main() -> None:
    """Measure, and write the JSON file."""
    names = ["cost", "growth", "failures", *VICTIMS]
    parser = argparse.ArgumentParser(description="Measure gafas batch.")
    parser.add_argument("--part", choices=names, action="append", help="only this; all if left out")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--quick", action="store_true", help="few photos: only see that it runs")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    parts = chosen.part or names
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), parts=parts, quick=chosen.quick)
    if chosen.output.exists():
        known = read_json(chosen.output, BatchMeasured)
        kept = {name: getattr(known, name) for name in names[:3] if name not in parts}
        deaths = {**known.deaths, **result.deaths}
        result = dataclasses.replace(result, **kept, deaths=deaths)
    write_json(chosen.output, result)


if __name__ == "__main__":
    main()
