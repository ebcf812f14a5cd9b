"""Measure how fast gafas is and how much memory it takes, beside the pure decoding of the photos.

Run: python benchmarks/speed.py   (`make speed`; about three minutes on an idle computer)
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
import datetime
import importlib.metadata
import json
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
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gafas.classifier import EyewearClassifier
from gafas.detection.detector import LARGE_SIDE
from gafas.images import load_photo
from gafas.recognizer import EIGHTH_SIDE, Recognizer
from gafas.weights import read_bundled

LOG = logging.getLogger("speed")
OUTPUT = Path(__file__).with_suffix(".json")
ROOT = Path(__file__).parent.parent
GAFAS = Path(sysconfig.get_path("scripts")) / "gafas"
PACKAGES = ("gafas", "numpy", "onnxruntime", "pillow")
TIMES_MORE = 10


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


def summarize(values: Sequence[float], digits: int) -> dict[str, float]:
    """Return the median, the least and the greatest."""
    figures = {"median": statistics.median(values), "least": min(values), "most": max(values)}
    return {name: round(value, digits) for name, value in figures.items()}


def time_command(words: Sequence[str], runs: int) -> dict[str, float]:
    """Run a command again and again; return seconds by the wall clock, without the first run."""
    seconds = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
        seconds.append(time.perf_counter() - start)
    return summarize(seconds[1:], 3)


def time_warm(model: str | None, photo: str, runs: int) -> dict[str, float]:
    """Recognize one photo again and again; return milliseconds."""
    recognizer, milliseconds = Recognizer(model, threads=len(os.sched_getaffinity(0))), []
    recognizer.recognize(photo)
    for _ in range(runs):
        start = time.perf_counter()
        recognizer.recognize(photo)
        milliseconds.append(1000 * (time.perf_counter() - start))
    return summarize(milliseconds, 2)


def time_recognizing(model: str | None, photos: Sequence[str], rounds: int) -> dict[str, float]:
    """Recognize a list of photos again and again; return photos per second, and faces found."""
    recognizer, rates, faces = Recognizer(model), [], 0
    list(recognizer.recognize_many(photos[:4]))
    for _ in range(rounds):
        start = time.perf_counter()
        faces = sum(len(found.faces) for found in recognizer.recognize_many(photos))
        rates.append(len(photos) / (time.perf_counter() - start))
    return {**summarize(rates, 1), "faces": faces}


def time_decoding(photos: Sequence[str], rounds: int, reduced: bool) -> dict[str, float]:
    """Only decode the same photos, with as many threads; return photos per second."""
    sides = {"side": LARGE_SIDE, "eighth": EIGHTH_SIDE} if reduced else {}
    rates = []
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for _ in range(rounds):
            start = time.perf_counter()
            for decoded in pool.map(lambda path: load_photo(path, **sides).width, photos):
                assert decoded
            rates.append(len(photos) / (time.perf_counter() - start))
    return summarize(rates, 1)


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


def measure_photos(model: str | None, photos: Sequence[Path], rounds: int) -> dict[str, Any]:
    """Measure one kind of photo on one core and on two, and the memory of a folder."""
    names = [str(photo) for photo in photos]
    result: dict[str, Any] = {
        "photos": len(names),
        "bytes_per_photo": sum(photo.stat().st_size for photo in photos) // len(photos),
    }
    for cores in (1, 2):
        result[f"cores_{cores}"] = {
            "recognizing": in_new_process(time_recognizing, model, names, rounds, cores=cores),
            "decoding": in_new_process(time_decoding, names, rounds, True, cores=cores),
            "decoding_in_full": in_new_process(time_decoding, names, rounds, False, cores=cores),
        }
    command = [str(GAFAS), "predict", *_with(model)]
    result["memory_mb"] = {
        len(photos): measure_memory([*command, str(photos[0].parent)]),
        len(photos) * TIMES_MORE: measure_memory([*command, str(_multiply(photos))]),
    }
    return result


def measure(folder: Path, *, model: str | None, quick: bool) -> dict[str, Any]:
    """Make the photos in a folder that is there, and measure all but the installed size."""
    # Here: what it imports would weigh on every process that is measured.
    from benchmarks import speed_photos

    runs, rounds = (1, 1) if quick else (15, 5)
    small = speed_photos.make_small(folder / "small", count=4 if quick else 200)
    big = speed_photos.make_big(folder / "big", count=2 if quick else 36)
    one = str(small[0])
    command = [str(GAFAS), "predict", one, *_with(model)]
    result: dict[str, Any] = {
        "import_seconds": {
            "python alone": time_command([sys.executable, "-c", "pass"], runs),
            "import gafas": time_command([sys.executable, "-c", "import gafas"], runs),
        }
    }
    for cores in (1, 2):
        result[f"one_photo_cores_{cores}"] = {
            "cold_seconds": in_new_process(time_command, command, runs, cores=cores),
            "warm_milliseconds": in_new_process(time_warm, model, one, 10 * runs, cores=cores),
        }
        LOG.info("One photo, %d cores: %s", cores, result[f"one_photo_cores_{cores}"])
    for name, photos in (("250 pixels", small), ("12 megapixels", big)):
        result[name] = measure_photos(model, photos, rounds)
        LOG.info("%s: %s", name, result[name])
    # As many photos as of all kinds, or the end of a short queue would weigh more.
    portraits = [str(photo) for photo in big[:: speed_photos.MOST_PEOPLE]]
    portraits *= len(big) // len(portraits)
    for cores in (1, 2):
        rate = in_new_process(time_recognizing, model, portraits, rounds, cores=cores)
        result["12 megapixels"][f"cores_{cores}"]["recognizing_portraits"] = rate
    return result


def measure_installed() -> dict[str, Any]:
    """Install gafas without extras into a fresh environment; return its size, pip aside."""
    with tempfile.TemporaryDirectory() as name:
        venv.create(name, with_pip=True)
        python = str(Path(name) / "bin" / "python")
        before = _size(Path(name))
        subprocess.run([python, "-m", "pip", "install", "--quiet", str(ROOT)], check=True)
        return {"date": _today(), "mb": round((_size(Path(name)) - before) / 2**20, 1)}


def describe(model: str | None) -> dict[str, Any]:
    """Return on what was measured, and what."""
    classifier = EyewearClassifier(read_bundled("eyewear.onnx") if model is None else model)
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "date": _today(),
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
        "model": {"input": list(classifier.size), "sha256": classifier.sha256},
    }


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
    known = json.loads(chosen.output.read_bytes()) if chosen.output.exists() else {}
    if chosen.installed:
        known["installed"] = measure_installed()
        result = known
    else:
        with tempfile.TemporaryDirectory() as folder:
            measured = measure(Path(folder), model=chosen.model, quick=chosen.quick)
        result = {**describe(chosen.model), **measured}
        result |= {"installed": known["installed"]} if "installed" in known else {}
    beside = chosen.output.with_suffix(".json.part")
    beside.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    beside.replace(chosen.output)


if __name__ == "__main__":
    main()
