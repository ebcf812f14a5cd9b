"""Measure how fast gafas is and how much memory it takes, beside the pure decoding of the photos.

Run: python -m benchmarks.speed   (`make speed`; about three minutes on an idle computer)
It writes speed.json beside itself. `--installed` measures instead how much disk a fresh
installation takes (it needs pip and the network) and adds that to the file.

Whole commands are timed by the wall clock from start to exit. A folder is gone through several
times in a process of its own, bound to so many cores; photos per second are the median of these
rounds, given with the slowest and the fastest. A timer of microseconds such as pyperf would add
nothing: no step here takes less than a millisecond, and start-up, threads and the peak memory of
other processes are what is to be known.
"""

import argparse
import concurrent.futures
import dataclasses
import datetime
import functools
import importlib.metadata
import logging
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gafas.classifier import EyewearClassifier
from gafas.detection.detector import LARGE_SIDE
from gafas.files import read_json, write_json
from gafas.images import load_photo
from gafas.recognizer import EIGHTH_SIDE, Recognizer
from gafas.weights import read_bundled

LOG = logging.getLogger("speed")
OUTPUT = Path(__file__).with_suffix(".json")
ROOT = Path(__file__).parent.parent
GAFAS = Path(sysconfig.get_path("scripts")) / "gafas"
PACKAGES = ("gafas", "numpy", "onnxruntime", "pillow")
TIMES_MORE = 10
EXTRAS = ("", "train", "demo")
CORES = (1, 2)


@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """The median of several measurements, the least and the greatest."""

    median: float
    least: float
    most: float


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """On what was measured, when, and what."""

    date: str
    processor: str
    cores: int | None
    python: str
    packages: Mapping[str, str]
    input: tuple[int, int]
    model_sha256: str


@dataclasses.dataclass(frozen=True, slots=True)
class OnePhoto:
    """A command for one photo, and one more photo in the same process."""

    cold_seconds: Summary
    warm_milliseconds: Summary


@dataclasses.dataclass(frozen=True, slots=True)
class Rates:
    """Photos per second; `portraits` are those of one person among photos of several."""

    recognizing: Summary
    decoding: Summary
    decoding_in_full: Summary
    portraits: Summary | None = None
    faces: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class PhotosSpeed:
    """One kind of photo: rates by the number of cores, memory by the number of photos."""

    photos: int
    bytes_per_photo: int
    rates: Mapping[int, Rates]
    memory_mb: Mapping[int, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Installed:
    """What a fresh installation takes with each of `EXTRAS`, pip aside, in MB (10**6 bytes)."""

    date: str
    mb: Mapping[str, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Speed:
    """What `benchmarks/speed.json` holds: one photo by the number of cores, photos by kind."""

    place: Place
    python_seconds: Summary
    import_seconds: Summary
    one_photo: Mapping[int, OnePhoto]
    photos: Mapping[str, PhotosSpeed]
    installed: Installed | None = None


def in_new_process(task: Callable[..., Any], *arguments: Any, cores: int) -> Any:
    """Call a function of this module in a new process that is bound to so many cores."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(
        1, mp_context=context, initializer=bind, initargs=(cores,)
    ) as pool:
        return pool.submit(task, *arguments).result()


def bind(cores: int) -> None:
    """Bind this process, and all that it starts, to the first cores that it may use."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


def summarize(values: Sequence[float]) -> Summary:
    """Return the median, the least and the greatest, to four digits that count."""
    figures = statistics.median(values), min(values), max(values)
    return Summary(*(float(f"{value:.4g}") for value in figures))


def time_command(words: Sequence[str], runs: int) -> Summary:
    """Run a command again and again; return seconds by the wall clock, without the first run."""
    seconds = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
        seconds.append(time.perf_counter() - start)
    return summarize(seconds[1:])


def time_warm(model: str | None, photo: str, runs: int) -> Summary:
    """Recognize one photo again and again; return milliseconds."""
    recognizer, milliseconds = Recognizer(model, threads=len(os.sched_getaffinity(0))), []
    recognizer.recognize(photo)
    for _ in range(runs):
        start = time.perf_counter()
        recognizer.recognize(photo)
        milliseconds.append(1000 * (time.perf_counter() - start))
    return summarize(milliseconds)


def time_recognizing(model: str | None, photos: Sequence[str], rounds: int) -> tuple[Summary, int]:
    """Recognize a list of photos again and again; return photos per second, and faces found."""
    recognizer, rates, faces = Recognizer(model), [], 0
    list(recognizer.recognize_many(photos[:4]))
    for _ in range(rounds):
        start = time.perf_counter()
        faces = sum(len(found.faces) for found in recognizer.recognize_many(photos))
        rates.append(len(photos) / (time.perf_counter() - start))
    return summarize(rates), faces


def time_decoding(photos: Sequence[str], rounds: int, reduced: bool) -> Summary:
    """Only decode the same photos, with as many threads; return photos per second."""
    sides = {"side": LARGE_SIDE, "eighth": EIGHTH_SIDE} if reduced else {}
    rates = []
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for _ in range(rounds):
            start = time.perf_counter()
            for decoded in pool.map(lambda path: load_photo(path, **sides).width, photos):
                assert decoded
            rates.append(len(photos) / (time.perf_counter() - start))
    return summarize(rates)


def measure_memory(words: Sequence[str]) -> float:
    """Run a command; return the most memory that it ever held, in MB (2**20 bytes)."""
    # Linux counts for a command also what its starter held: a bare Python, less than any gafas.
    small = (
        "import resource, subprocess, sys; "
        "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True); "
        "sys.stdout.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))"
    )
    told = subprocess.run(
        [sys.executable, "-S", "-c", small, *words], stdout=subprocess.PIPE, check=True
    )
    return round(int(told.stdout) / 1024, 1)


def measure_photos(
    model: str | None, photos: Sequence[Path], rounds: int, *, portraits: Sequence[Path] = ()
) -> PhotosSpeed:
    """Measure one kind of photo on one core and on two, and the memory of a folder."""
    names, alone = [str(photo) for photo in photos], [str(photo) for photo in portraits]
    rates = {}
    for cores in CORES:
        run = functools.partial(in_new_process, cores=cores)
        recognizing, faces = run(time_recognizing, model, names, rounds)
        rates[cores] = Rates(
            recognizing,
            decoding=run(time_decoding, names, rounds, True),
            decoding_in_full=run(time_decoding, names, rounds, False),
            portraits=run(time_recognizing, model, alone, rounds)[0] if alone else None,
            faces=faces,
        )
    command = [str(GAFAS), "predict", *_with(model)]
    memory = {
        len(photos): measure_memory([*command, str(photos[0].parent)]),
        len(photos) * TIMES_MORE: measure_memory([*command, str(_multiply(photos))]),
    }
    size = sum(photo.stat().st_size for photo in photos) // len(photos)
    return PhotosSpeed(len(names), size, rates, memory)


def measure(folder: Path, *, model: str | None, quick: bool) -> Speed:
    """Make the photos in a folder that is there, and measure all but the installed size."""
    from benchmarks import speed_photos  # here: it would weigh on every process that is measured

    runs, rounds = (1, 1) if quick else (15, 5)
    small = speed_photos.make_small(folder / "small", count=4 if quick else 200)
    big = speed_photos.make_big(folder / "big", count=2 if quick else 36)
    # As many photos as of all kinds, or the end of a short queue would weigh more.
    portraits = big[:: speed_photos.MOST_PEOPLE]
    portraits *= len(big) // len(portraits)
    one, once = str(small[0]), {}
    for cores in CORES:
        command = [str(GAFAS), "predict", one, *_with(model)]
        cold = in_new_process(time_command, command, runs, cores=cores)
        warm = in_new_process(time_warm, model, one, 10 * runs, cores=cores)
        once[cores] = OnePhoto(cold, warm)
        LOG.info("One photo, %d cores: %s", cores, once[cores])
    found = {
        "250 pixels": measure_photos(model, small, rounds),
        "12 megapixels": measure_photos(model, big, rounds, portraits=portraits),
    }
    return Speed(
        describe(model),
        python_seconds=time_command([sys.executable, "-c", "pass"], runs),
        import_seconds=time_command([sys.executable, "-c", "import gafas"], runs),
        one_photo=once,
        photos=found,
    )


def measure_installed() -> Installed:
    """Install gafas into fresh environments; return their sizes, pip aside."""
    sizes = {}
    for extra in EXTRAS:
        with tempfile.TemporaryDirectory() as name:
            venv.create(name, with_pip=True)
            python, before = str(Path(name) / "bin" / "python"), _size(Path(name))
            wanted = f"{ROOT}[{extra}]" if extra else str(ROOT)
            subprocess.run([python, "-m", "pip", "install", "--quiet", wanted], check=True)
            sizes[extra] = round((_size(Path(name)) - before) / 1e6)
        LOG.info("Installed with [%s]: %d MB", extra, sizes[extra])
    return Installed(_today(), sizes)


def describe(model: str | None) -> Place:
    """Return on what is measured, and what."""
    classifier = EyewearClassifier(read_bundled("eyewear.onnx") if model is None else model)
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return Place(
        date=_today(),
        processor=names[0] if names else platform.processor(),
        cores=os.cpu_count(),
        python=platform.python_version(),
        packages={name: importlib.metadata.version(name) for name in PACKAGES},
        input=classifier.size,
        model_sha256=classifier.sha256,
    )


def _with(model: str | None) -> list[str]:
    return [] if model is None else ["--model", model]


def _multiply(photos: Sequence[Path]) -> Path:
    folder = photos[0].parent.with_name(f"{photos[0].parent.name}-more")
    folder.mkdir()
    for number in range(TIMES_MORE):
        for photo in photos:
            os.link(photo, folder / f"{number}-{photo.name}")
    return folder


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def _today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def main() -> None:
    """Measure, and write the JSON file."""
    parser = argparse.ArgumentParser(description="Measure how fast gafas is.")
    parser.add_argument("--model", help="a .onnx file that gafas made; the bundled one if left out")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--quick", action="store_true", help="few photos: only see that it runs")
    parser.add_argument("--installed", action="store_true", help="measure only the installed size")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    known = read_json(chosen.output, Speed) if chosen.output.exists() else None
    if chosen.installed:
        if known is None:
            parser.error(f"{chosen.output} is not there; measure the speed first")
        result = dataclasses.replace(known, installed=measure_installed())
    else:
        with tempfile.TemporaryDirectory() as folder:
            result = measure(Path(folder), model=chosen.model, quick=chosen.quick)
        result = dataclasses.replace(result, installed=known.installed if known else None)
    write_json(chosen.output, result)


if __name__ == "__main__":
    main()
