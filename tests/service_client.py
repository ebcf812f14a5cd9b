"""The service called in this process, and as a process of its own."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx

from gafas.recognizer import Recognizer
from gafas.service.app import create_app
from gafas.service.settings import Access, Limits

Parts = Sequence[tuple[str, tuple[str, bytes]]]


class Door:
    """An application that is called without a socket."""

    def __init__(
        self,
        recognizer: Recognizer,
        *,
        limits: Limits | None = None,
        access: Access | None = None,
        workers: int = 2,
    ) -> None:
        self.app = create_app(recognizer, limits=limits, access=access, workers=workers)
        self.operation = self.app.state.operation

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.send("GET", path, **options)

    def post(self, path: str, body: bytes | None = None, **options: Any) -> httpx.Response:
        return self.send("POST", path, content=body, **options)

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with self.open() as client:
                return await client.request(method, path, **options)

        return asyncio.run(ask())

    def open(self) -> httpx.AsyncClient:
        """Return a client for requests that run side by side."""
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60)


def form(photos: dict[str, bytes], field: str = "photos") -> Parts:
    """Return the parts of a form with photos."""
    return [(field, (name, data)) for name, data in photos.items()]


def refused(answer: httpx.Response, status: int, reason: str, *, saying: str = "") -> None:
    """Check for problem details of one kind."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["status"], told["reason"], told["type"]) == (status, reason, "about:blank")
    assert re.search(saying, told["detail"]), told["detail"]
    assert "Traceback" not in answer.text
    assert "/gafas/" not in answer.text


class Process:
    """A `gafas serve` that runs."""

    def __init__(self, popen: "subprocess.Popen[str]", url: str) -> None:
        self.popen = popen
        self.url = url
        self.port = int(url.rpartition(":")[2])

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=300, **options)

    def end(self, sign: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; return the exit code, and what else stood on stderr."""
        self.popen.send_signal(sign)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        assert self.popen.stderr is not None
        told = self.popen.stderr.read()  # communicate loses what was read together with a line
        return self.popen.wait(timeout=300), told


@contextlib.contextmanager
def serving(*options: str, **environment: str) -> Iterator[Process]:
    """Run `gafas serve` on a free port of the loopback."""
    words = [sys.executable, "-m", "gafas.cli", "serve", "--port", "0", *options]
    popen = subprocess.Popen(
        words,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert popen.stderr is not None
        lines: list[str] = []
        while "serving http" not in "".join(lines[-1:]):
            lines.append(popen.stderr.readline())
            assert lines[-1], "".join(lines)  # it ended
        yield Process(popen, lines[-1].split()[-1])
    finally:
        if popen.poll() is None:
            popen.kill()
        popen.communicate()


def wait_for(condition: Callable[[], bool], *, seconds: float = 60.0) -> None:
    """Wait until a condition holds."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)


async def until(condition: Callable[[], bool], *, seconds: float = 60.0) -> None:
    """Wait until a condition holds, and let the service work meanwhile."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
