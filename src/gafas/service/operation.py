"""What all routes of one service share: the recognizer, its threads, what is counted."""

import asyncio
import dataclasses
import math
from collections.abc import Callable, Coroutine, Sequence
from pathlib import PurePath
from typing import Any, Final, TypeVar

import anyio
import anyio.to_thread
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from starlette.requests import ClientDisconnect, Request

from gafas.errors import ImageError
from gafas.images import NamedBytes, read_size
from gafas.recognizer import Recognizer
from gafas.results import Recognition
from gafas.service.problems import RefusalError
from gafas.service.settings import Limits
from gafas.service.uploads import NAMELESS, Account, Memory, Upload, receive_uploads

T = TypeVar("T")
Select = Callable[[Recognition], Recognition]
"""Leaves of an answer the faces that a request asks for."""

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Count requests, photos, faces and refusals; nothing that tells one photo from another."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "gafas_requests", "Requests answered.", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "gafas_request_seconds",
            "From a request's first byte to its answer's last.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.photos = Counter(
            "gafas_photos", "Photos looked at.", ["outcome"], registry=self.registry
        )
        self.faces = Counter("gafas_faces", "Faces found.", ["label"], registry=self.registry)
        self.rejections = Counter(
            "gafas_rejections", "Requests refused.", ["reason"], registry=self.registry
        )
        ProcessCollector(registry=self.registry)

    def watch(self, name: str, meaning: str, *, read: Callable[[], float]) -> None:
        """Show a value that is read when somebody asks."""
        Gauge(name, meaning, registry=self.registry).set_function(read)

    def count(self, found: Recognition) -> None:
        """Count a photo that was read, and its faces."""
        self.photos.labels("read").inc()
        for face in found.faces:
            self.faces.labels(str(face.label)).inc()

    def write(self) -> bytes:
        """Return everything, as Prometheus reads it."""
        return generate_latest(self.registry)


class Operation:
    """One recognizer at work for everybody who asks.

    A request takes one place, however many photos it brings, and requests take turns, photo by
    photo: one with many photos holds up nobody. When all places are taken, more are refused.

    Attributes:
        threads: who has one of its tokens works on a photo.
        taken: how many requests have a place.
        active: how many requests are being answered that were not refused at the door.
        draining: whether new work is refused, since the service is about to end.
        adapts: whether own labels may be taught.
    """

    def __init__(self, recognizer: Recognizer, limits: Limits, *, threads: int) -> None:
        self.recognizer = recognizer
        self.limits = limits
        self.threads = anyio.CapacityLimiter(threads)
        self.memory = Memory(limits.bytes_in_memory)
        self.metrics = Metrics()
        self.taken = 0
        self.active = 0
        self.draining = False
        self.adapts = False
        self._places = threads + limits.waiting
        self._no_limit = anyio.CapacityLimiter(math.inf)
        count = self.threads.statistics
        for name, meaning, read in (
            ("gafas_photos_in_work", "Photos worked on now.", lambda: count().borrowed_tokens),
            ("gafas_photos_waiting", "Photos next in turn.", lambda: count().tasks_waiting),
            ("gafas_requests_in_room", "Requests with a place.", lambda: self.taken),
            ("gafas_held_bytes", "Bytes of bodies in memory.", lambda: self.memory.held),
        ):
            self.metrics.watch(name, meaning, read=read)

    def check_room(self) -> None:
        """Refuse if no place is free.

        Raises:
            RefusalError: 503, all places are taken.
        """
        if self.taken >= self._places:
            raise RefusalError("full", {"places": self._places})

    async def answer(
        self, request: Request, do: Callable[[Upload], T], *, several: bool = False
    ) -> list[T]:
        """Receive the photos of a request, and work on each in a thread.

        Raises:
            RefusalError: the request cannot be received or answered in time, or there is no room.
        """
        ends = asyncio.get_running_loop().time() + self.limits.seconds_per_request
        account = Account(self.memory)
        try:
            uploads = await self._receive(request, account, ends=ends)
            if len(uploads) > 1 and not several:
                values = {"limit": 1, "received": len(uploads)}
                raise RefusalError("too-many-photos", values, status=422)
            self.check_room()
            self.taken += 1
            try:
                turns = self._take_turns(uploads, do, account=account)
                return await self._wait_for(turns, request, ends=ends)
            finally:
                self.taken -= 1
        finally:
            account.give_back()

    def recognize(self, upload: Upload, select: Select) -> Recognition:
        """Recognize one photo, select some of its faces, and count them.

        Raises:
            RefusalError: 422, it cannot be read.
        """
        try:
            self.check_size(upload)
            found = select(self.recognizer.recognize(_name(upload)))
        except ImageError as error:
            self.metrics.photos.labels("unreadable").inc()
            raise RefusalError("damaged-photo", {"error": error}) from None
        except RefusalError:
            self.metrics.photos.labels("unreadable").inc()
            raise
        self.metrics.count(found)
        return dataclasses.replace(found, photo=upload.name)

    def check_size(self, upload: Upload) -> None:
        """Refuse what is no photo, or has too many pixels, before it is decoded.

        Raises:
            RefusalError: 422, it is such.
        """
        if upload.error is not None:
            raise upload.error
        try:
            width, height = read_size(_name(upload))
        except ImageError as error:
            lacking = isinstance(error.__cause__, ImportError)
            reason = "missing-package" if lacking else "unreadable-photo"
            raise RefusalError(reason, {"error": error}) from None
        most = self.limits.pixels_per_photo
        if width * height > most:
            values = {"limit": most, "received": f"{width}×{height}"}
            raise RefusalError("too-many-pixels", values)

    async def _receive(self, request: Request, account: Account, *, ends: float) -> list[Upload]:
        try:
            async with asyncio.timeout_at(ends):
                return await receive_uploads(request, self.limits, account=account)
        except TimeoutError:
            values = {"limit": self.limits.seconds_per_request}
            raise RefusalError("slow", values) from None
        except ClientDisconnect:
            raise RefusalError("left") from None

    def _take_turns(
        self, uploads: Sequence[Upload], do: Callable[[Upload], T], *, account: Account
    ) -> list[Coroutine[Any, Any, T]]:
        # The queue for a thread is first come, first served. A request that has no more photos in
        # it than there are threads lets others in between.
        own = asyncio.Semaphore(int(self.threads.total_tokens))

        async def take_turn(upload: Upload) -> T:
            """Work on one photo; whoever stops waiting gives it up, unless it has begun."""
            async with own:
                await self.threads.acquire_on_behalf_of(upload)
                return await asyncio.shield(self._begin(upload, do, account=account))

        return [take_turn(upload) for upload in uploads]

    async def _wait_for(
        self, turns: Sequence[Coroutine[Any, Any, T]], request: Request, *, ends: float
    ) -> list[T]:
        """Return the results, unless the client leaves before, or the time is over."""
        loop = asyncio.get_running_loop()
        leaving = loop.create_task(_wait_until_gone(request))
        tasks = [loop.create_task(turn) for turn in turns]
        left: set[asyncio.Task[Any]] = {leaving, *tasks}
        try:
            while len(left) > 1:
                done, left = await asyncio.wait(
                    left, timeout=ends - loop.time(), return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    raise RefusalError("timeout", {"limit": self.limits.seconds_per_request})
                if leaving in done:
                    raise RefusalError("left")
                for task in done:
                    task.result()  # or what it raised
            return [task.result() for task in tasks]
        finally:
            for task in (leaving, *tasks):
                task.cancel()

    def _begin(
        self, upload: Upload, do: Callable[[Upload], T], *, account: Account
    ) -> "asyncio.Task[T]":
        """Have a thread work on a photo, which nothing stops: till then its bytes are held."""
        part = account.split(len(upload.data))
        work = asyncio.create_task(anyio.to_thread.run_sync(do, upload, limiter=self._no_limit))

        def end(_: object) -> None:
            """Make room for another photo."""
            upload.data = b""
            part.give_back()
            self.threads.release_on_behalf_of(upload)

        work.add_done_callback(end)
        return work


def _name(upload: Upload) -> bytes:
    """Return the photo's bytes with its name, which errors tell as they do of a file."""
    photo = NamedBytes(upload.data)
    photo.name = PurePath(upload.name).name
    return photo if upload.name != NAMELESS else upload.data


async def _wait_until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
