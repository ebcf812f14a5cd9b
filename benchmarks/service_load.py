"""Put load on a service over loopback, with as little work of its own as can be.

Clients speak plain HTTP/1.1 over sockets that they keep: the load generator shares the cores with
the service, and a larger HTTP library would take its part of them.
"""

import asyncio
import collections
import dataclasses
import random
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence

CONNECTIONS = 512  # more requests than these are not begun at once


@dataclasses.dataclass(frozen=True)
class Answer:
    """One answer: its status (0: none came), and the seconds from when it was due to be asked."""

    status: int
    seconds: float
    retry_after: bool = False


class Client:
    """Keep connections to one address, and send requests over those that are free."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    def write_post(self, path: str, body: bytes) -> bytes:
        """Return the bytes of a request."""
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def ask(self, request: bytes, *, due: float | None = None) -> Answer:
        """Send a request and read its answer; seconds count from `due`, or from now."""
        began = time.perf_counter() if due is None else due
        try:
            status, head = await self._exchange(request)
        except (OSError, EOFError, ValueError):
            status, head = 0, b""
        return Answer(status, time.perf_counter() - began, b"retry-after:" in head)

    def close(self) -> None:
        """Close what is free."""
        for _, writer in self._free:
            writer.close()

    async def _exchange(self, request: bytes) -> tuple[int, bytes]:
        kept = bool(self._free)
        reader, writer = self._free.pop() if kept else await asyncio.open_connection(*self._address)
        try:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
        except (OSError, EOFError):
            writer.close()
            if not kept:
                raise
            return await self._exchange(request)  # the service had closed a kept connection
        _, _, rest = head.partition(b"content-length:")
        await reader.readexactly(int(rest.split(b"\r\n", 1)[0]))
        if b"connection: close" in head:
            writer.close()
        else:
            self._free.append((reader, writer))
        return int(head.split(b" ", 2)[1]), head


async def run_closed(
    client: Client, requests: Sequence[bytes], *, clients: int, seconds: float
) -> list[Answer]:
    """Have each client send one request after another; return all answers."""
    ends = time.perf_counter() + seconds
    answers: list[Answer] = []

    async def send_on(first: int) -> None:
        number = first
        while time.perf_counter() < ends:
            answers.append(await client.ask(requests[number % len(requests)]))
            number += clients

    await asyncio.gather(*map(send_on, range(clients)))
    return answers


async def run_open(
    client: Client, requests: Sequence[bytes], *, rate: float, seconds: float
) -> list[Answer]:
    """Send requests when they are due, by chance, so many a second, whatever is still unanswered.

    Seconds count from when a request was due, so that a late start is no excuse.
    """
    chance, answers = random.Random(0), list[Answer]()
    room = asyncio.Semaphore(CONNECTIONS)
    began = time.perf_counter()
    due, tasks = 0.0, set[asyncio.Task[None]]()

    async def send(request: bytes, when: float) -> None:
        async with room:
            answers.append(await client.ask(request, due=when))

    number = 0
    while (due := due + chance.expovariate(rate)) < seconds:
        await asyncio.sleep(max(0.0, began + due - time.perf_counter()))
        task = asyncio.create_task(send(requests[number % len(requests)], began + due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        number += 1
    await asyncio.gather(*tasks)
    return answers


@dataclasses.dataclass(frozen=True, slots=True)
class Latency:
    """Quantiles of latencies, in milliseconds."""

    median: float
    p90: float
    p99: float
    most: float


@dataclasses.dataclass(frozen=True, slots=True)
class Load:
    """What came of requests; `answers_per_second` and latencies are of good answers alone."""

    requests: int
    statuses: Mapping[str, int]
    answers_per_second: float
    milliseconds: Latency | None


def describe_answers(answers: Iterable[Answer], *, seconds: float) -> Load:
    """Sum up the answers to requests that were sent in so many seconds."""
    answers = list(answers)
    good = sorted(1000 * one.seconds for one in answers if one.status == 200)
    counts = collections.Counter(str(one.status) for one in answers)
    latency = None
    if len(good) > 1:
        cuts = statistics.quantiles(good, n=100, method="inclusive")
        quantiles = (cuts[49], cuts[89], cuts[98], good[-1])
        latency = Latency(*(round(value, 1) for value in quantiles))
    rate = round(len(good) / seconds, 1)
    return Load(len(answers), dict(sorted(counts.items())), rate, latency)
