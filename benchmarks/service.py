"""Measure the service: throughput, latency, overload and cold start, over loopback.

Run: python -m benchmarks.service   (`make benchmark-service`; four minutes on an idle computer)
It writes service.json beside itself.

The service runs as its users start it, `gafas serve`, in a process of its own; this process is the
load generator, and both are bound to the same cores. Open-loop requests are due at random times,
whatever is still unanswered, and their latency counts from when they were due.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import json
import logging
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import speed_photos
from benchmarks.service_load import Client, Load, describe_answers, run_closed, run_open
from benchmarks.speed import (
    Place,
    Summary,
    bind,
    describe,
    in_new_process,
    summarize,
    time_recognizing,
)
from gafas.files import write_json

LOG = logging.getLogger("service")
OUTPUT = Path(__file__).with_suffix(".json")
CORES = 2
CLIENTS = 8
PHOTOS = 200
SERVE = [sys.executable, "-m", "gafas.cli", "serve"]
LULL = 5.0  # seconds from the end of an overload to the next measurement


class Service:
    """A running `gafas serve`."""

    def __init__(self, model: str | None) -> None:
        words = [*SERVE, "--port", "0", *([] if model is None else ["--model", model])]
        self._process = subprocess.Popen(
            words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stderr is not None
        line = self._process.stderr.readline()
        found = re.search(r"http://([\d.]+):(\d+)", line)
        if found is None:
            raise RuntimeError(f"The service did not start: {line}")
        self.client = Client(found[1], int(found[2]))

    def read_memory(self) -> float:
        """Return the memory that the process holds now, in MB (2**20 bytes)."""
        text = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        held = re.search(r"VmRSS:\s+(\d+) kB", text)
        assert held is not None
        return int(held[1]) / 1024

    def stop(self) -> None:
        """End the process as a service manager would."""
        self._process.terminate()
        self._process.wait(60)


@contextlib.contextmanager
def serving(model: str | None) -> Iterator[Service]:
    """Run a service for as long as it is needed."""
    service = Service(model)
    try:
        yield service
    finally:
        service.stop()


@dataclasses.dataclass(frozen=True, slots=True)
class Overload:
    """What three times the load does: refusals at once, and how the memory grows (a share)."""

    seconds: float
    rate: float
    load: Load
    without_retry_after: int
    refused_milliseconds: Summary | None
    memory_growth: float


@dataclasses.dataclass(frozen=True, slots=True)
class Loads:
    """The service under load: eight clients, half of their rate, overload, and half once more."""

    clients_8: Load
    half_load: Load
    overload: Overload
    after_overload: Load


@dataclasses.dataclass(frozen=True, slots=True)
class ServiceSpeed:
    """What `benchmarks/service.json` holds.

    Attributes:
        note: what a reader must know of the circumstances.
        recognize_many: photos per second without the service.
        share_of_recognize_many: which the eight clients reach.
        cold_start_seconds: from the command to the page, and `first_answer_seconds` to an answer.
    """

    place: Place
    cores_used: int
    note: str | None
    recognize_many: Summary
    share_of_recognize_many: float
    cold_start_seconds: Summary
    first_answer_seconds: Summary
    loads: Loads


async def measure_load(service: Service, photos: Sequence[Path], *, seconds: float) -> Loads:
    """Measure throughput, latency at half of it, and what three times of it does."""
    client = service.client
    requests = [client.write_post("/v1/recognize", photo.read_bytes()) for photo in photos]
    await run_closed(client, requests, clients=CLIENTS, seconds=seconds / 6)  # warm up
    answers = await run_closed(client, requests, clients=CLIENTS, seconds=seconds)
    full = describe_answers(answers, seconds=seconds)
    LOG.info("%d clients: %s", CLIENTS, full)
    rate = full.answers_per_second
    answers = await run_open(client, requests, rate=rate / 2, seconds=seconds)
    half = describe_answers(answers, seconds=seconds)
    LOG.info("Half of that: %s", half)
    overload = await measure_overload(service, requests, rate=3 * rate, seconds=2 * seconds)
    await asyncio.sleep(LULL)
    answers = await run_open(client, requests, rate=rate / 2, seconds=seconds / 2)
    after = describe_answers(answers, seconds=seconds / 2)
    LOG.info("%g s later, half of it again: %s", LULL, after)
    client.close()
    return Loads(full, half, overload, after)


async def measure_overload(
    service: Service, requests: Sequence[bytes], *, rate: float, seconds: float
) -> Overload:
    """Send more than can be answered, and watch the memory of the service."""
    before, held = service.read_memory(), list[float]()

    async def watch() -> None:
        while True:
            await asyncio.sleep(0.25)
            held.append(service.read_memory())

    watching = asyncio.create_task(watch())
    answers = await run_open(service.client, requests, rate=rate, seconds=seconds)
    watching.cancel()
    refused = [one for one in answers if one.status == 503]
    told = Overload(
        seconds,
        rate=round(rate, 1),
        load=describe_answers(answers, seconds=seconds),
        without_retry_after=sum(not one.retry_after for one in refused),
        refused_milliseconds=summarize([1000 * one.seconds for one in refused])
        if refused
        else None,
        memory_growth=max(held) / before - 1,
    )
    LOG.info("Overload: %s", told)
    return told


def time_cold_start(model: str | None, photo: Path, *, runs: int) -> tuple[Summary, Summary]:
    """Start the service again and again; return the seconds until the page, and an answer."""
    seconds = []
    for _ in range(runs + 1):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        words = [*SERVE, "--port", str(port), *([] if model is None else ["--model", model])]
        began = time.perf_counter()
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not is_answered(f"http://127.0.0.1:{port}/"):
            if process.poll() is not None:
                raise RuntimeError(f"The service did not start: {words}")
            time.sleep(0.005)
        shown = time.perf_counter() - began
        ask(f"http://127.0.0.1:{port}/v1/recognize", photo.read_bytes())
        seconds.append((shown, time.perf_counter() - began))
        process.terminate()
        process.wait(60)
    # The first run also read the files from disk.
    page, answer = zip(*seconds[1:], strict=True)
    return summarize(page), summarize(answer)


def ask(url: str, photo: bytes) -> None:
    """Post a photo, and read the answer."""
    with urllib.request.urlopen(urllib.request.Request(url, photo), timeout=60) as answer:
        json.loads(answer.read())["faces"]


def is_answered(url: str) -> bool:
    """Say whether the page is there."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return bool(answer.status == 200 and answer.read())
    except OSError:
        return False


def measure(
    folder: Path, *, model: str | None, seconds: float, quick: bool, note: str | None
) -> ServiceSpeed:
    """Make the photos in a folder that is there, and measure everything."""
    bind(CORES)
    photos = speed_photos.make_small(folder / "small", count=8 if quick else PHOTOS)
    names, rounds = [str(photo) for photo in photos], 1 if quick else 5
    direct, _ = in_new_process(time_recognizing, model, names, rounds, cores=CORES)
    LOG.info("recognize_many: %s photos/s", direct)
    page, answer = time_cold_start(model, photos[0], runs=1 if quick else 10)
    LOG.info("From the command to the page: %s s; to an answer: %s s", page, answer)
    with serving(model) as service:
        loads = asyncio.run(measure_load(service, photos, seconds=seconds))
    return ServiceSpeed(
        place=describe(model),
        cores_used=len(os.sched_getaffinity(0)),
        note=note,
        recognize_many=direct,
        share_of_recognize_many=loads.clients_8.answers_per_second / direct.median,
        cold_start_seconds=page,
        first_answer_seconds=answer,
        loads=loads,
    )


def main() -> None:
    """Measure, and write the JSON file."""
    parser = argparse.ArgumentParser(description="Measure the service.")
    parser.add_argument("--model", help="a .onnx file that gafas made; the bundled one if left out")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--seconds", type=float, default=30, help="half of the overload's time")
    parser.add_argument("--quick", action="store_true", help="few photos: only see that it runs")
    parser.add_argument("--note", help="what a reader must know of the circumstances")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as folder:
        result = measure(
            Path(folder),
            model=chosen.model,
            seconds=chosen.seconds,
            quick=chosen.quick,
            note=chosen.note,
        )
    write_json(chosen.output, result)


if __name__ == "__main__":
    main()
