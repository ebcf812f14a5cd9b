"""What all routes of one service share, and the work that they do with it."""

import asyncio
import collections
import concurrent.futures
import contextlib
import dataclasses
import json
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any, Final, Generic, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from starlette.requests import Request

from gafas.errors import ImageError
from gafas.images import NamedBytes, read_size
from gafas.recognizer import Recognizer
from gafas.results import Recognition
from gafas.service.problems import RefusalError, refuse_for_now
from gafas.service.settings import Account, Limits, Memory
from gafas.service.uploads import NAMELESS, Upload, receive_uploads

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


T = TypeVar("T")
Select = Callable[[Recognition], Recognition]
"""Leaves of an answer the faces that a request asks for."""

_log = logging.getLogger(__name__)


class Workers:
    """Work on the photos of several requests at once.

    A request takes one place, however many photos it brings; its photos are worked on by all
    threads. The requests take turns, photo by photo: one with many photos holds up nobody. When all
    places are taken, more requests are refused at once.

    Args:
        threads: so many photos are worked on at once.
        waiting: so many requests more than threads have a place.
    """

    def __init__(self, threads: int, *, waiting: int) -> None:
        self.threads = threads
        self.places = threads + waiting
        name = "gafas-service"
        self._pool = concurrent.futures.ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._turns: collections.deque[_Job[Any]] = collections.deque()
        self._taken = 0
        self._busy = 0

    @property
    def taken(self) -> int:
        """Return how many requests have a place."""
        return self._taken

    @property
    def busy(self) -> int:
        """Return how many photos are worked on."""
        return self._busy

    @property
    def photos_waiting(self) -> int:
        """Return how many photos wait for a thread."""
        with self._lock:
            return sum(len(job.tasks) for job in self._turns)

    def check_room(self) -> None:
        """Refuse if no place is free.

        Raises:
            RefusalError: 503, all places are taken.
        """
        if self._taken >= self.places:
            raise refuse_for_now(
                "full",
                detail=f"The service is full: {self.places} requests are being worked on or wait. "
                "Try again in a moment.",
            )

    async def run(self, tasks: Sequence[Callable[[], T]]) -> list[T]:
        """Run one request's tasks in the threads, and return their results in order.

        Whoever stops waiting for the results gives up the tasks that have not begun.

        Raises:
            RefusalError: 503, all places are taken; 500, a task raised something.
        """
        self.check_room()
        job = _Job(tasks)
        self._taken += 1
        try:
            with self._lock:
                self._turns.append(job)
            for _ in tasks:  # each takes one turn, of whichever request is next then
                self._pool.submit(self._take_turn)
            return await job.results
        finally:
            self._taken -= 1
            with self._lock:
                job.tasks.clear()

    def _take_turn(self) -> None:
        with self._lock:
            taken = self._next()
            self._busy += taken is not None
        if taken is None:
            return
        job, number, task = taken
        try:
            result = task()
        except Exception as error:
            _log.exception("A photo could not be worked on.")
            job.fail(error)
        else:
            job.settle(number, result)
        finally:
            with self._lock:
                self._busy -= 1

    def _next(self) -> "tuple[_Job[Any], int, Callable[[], Any]] | None":
        """Return a task of the request whose turn it is; the lock must be held."""
        while self._turns:
            job = self._turns.popleft()
            if job.tasks:
                number, task = job.tasks.popleft()
                if job.tasks:
                    self._turns.append(job)
                return job, number, task
        return None


class _Job(Generic[T]):
    """One request's tasks, and what has come of them."""

    def __init__(self, tasks: Sequence[Callable[[], T]]) -> None:
        self.tasks = collections.deque(enumerate(tasks))
        self._found: dict[int, T] = {}
        self._count = len(tasks)
        self._loop = asyncio.get_running_loop()
        self.results: asyncio.Future[list[T]] = self._loop.create_future()

    def settle(self, number: int, result: T) -> None:
        """Note a result; called by threads."""
        self._found[number] = result
        if len(self._found) == self._count:
            found = [self._found[place] for place in range(self._count)]
            self._tell(found)

    def fail(self, error: Exception) -> None:
        """Give up; called by threads."""
        problem = RefusalError(
            500, "internal", detail="Something went wrong inside. It is in the service's log."
        )
        problem.__cause__ = error
        self._tell(problem)

    def _tell(self, outcome: list[T] | RefusalError) -> None:
        with contextlib.suppress(RuntimeError):  # the service has ended, and nobody waits any more
            self._loop.call_soon_threadsafe(self._finish, outcome)

    def _finish(self, outcome: list[T] | RefusalError) -> None:
        if self.results.done():
            return
        if isinstance(outcome, RefusalError):
            self.results.set_exception(outcome)
        else:
            self.results.set_result(outcome)


class Operation:
    """One recognizer at work for everybody who asks.

    Attributes:
        draining: whether new work is refused, since the service is about to end.
        active: how many requests are being answered that were not refused at the door.
    """

    def __init__(self, recognizer: Recognizer, limits: Limits, *, threads: int) -> None:
        self.recognizer = recognizer
        self.limits = limits
        self.workers = Workers(threads, waiting=limits.waiting)
        self.memory = Memory(limits.bytes_in_memory)
        self.metrics = Metrics()
        self.draining = False
        self.active = 0
        for name, meaning, read in (
            ("gafas_photos_in_work", "Photos worked on now.", lambda: self.workers.busy),
            ("gafas_photos_waiting", "Photos that wait.", lambda: self.workers.photos_waiting),
            ("gafas_requests_in_room", "Requests with a place.", lambda: self.workers.taken),
            ("gafas_held_bytes", "Bytes of bodies in memory.", lambda: self.memory.held),
        ):
            self.metrics.watch(name, meaning, read=read)

    async def answer(
        self, request: Request, do: Callable[[Upload], T], *, several: bool = False
    ) -> list[T]:
        """Receive the photos of a request, and work on each in a thread.

        Raises:
            RefusalError: the request cannot be received or answered in time, or there is no room.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + self.limits.seconds_per_request
        with self.memory.open() as account:
            try:
                async with asyncio.timeout_at(ends):
                    uploads = await receive_uploads(request, self.limits, account=account)
            except TimeoutError:
                raise _too_slow(self.limits) from None
            if len(uploads) > 1 and not several:
                raise RefusalError(
                    422,
                    "too-many-photos",
                    detail=f"Expected one photo. Received: {len(uploads)}. Send one a request.",
                )
            try:
                async with asyncio.timeout_at(ends):
                    tasks = [_bind(do, upload, account) for upload in uploads]
                    return await self._work(request, tasks)
            except TimeoutError:
                raise _out_of_time(self.limits) from None

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
            raise refuse_damaged(str(error)) from None
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
            raise RefusalError(422, reason, detail=str(error)) from None
        most = self.limits.pixels_per_photo
        if width * height > most:
            raise RefusalError(
                422,
                "too-many-pixels",
                detail=f"Cannot read the image: expected at most {most:,} pixels. "
                f"Received: {width}×{height}. Save it smaller.",
                more={"limit": most},
            )

    async def _work(self, request: Request, tasks: Sequence[Callable[[], T]]) -> list[T]:
        """Run tasks, unless the client leaves before they are done."""
        work = asyncio.ensure_future(self.workers.run(tasks))
        leaving = asyncio.ensure_future(_wait_until_gone(request))
        try:
            await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise RefusalError(
                    499, "left", detail="The client left before the answer was ready."
                )
            return work.result()
        finally:
            work.cancel()
            leaving.cancel()


def refuse_damaged(error: str) -> RefusalError:
    """Return the refusal of a photo that looked like one until it was decoded."""
    return RefusalError(422, "damaged-photo", detail=error)


def write_answer(found: Recognition) -> bytes:
    """Write what `gafas predict --json` writes for a photo."""
    return json.dumps(found.to_dict(), ensure_ascii=False).encode()


def _name(upload: Upload) -> bytes:
    """Return the photo's bytes with its name, which errors tell as they do of a file."""
    photo = NamedBytes(upload.data)
    photo.name = PurePath(upload.name).name
    return photo if upload.name != NAMELESS else upload.data


def _bind(do: Callable[[Upload], T], upload: Upload, account: Account) -> Callable[[], T]:
    def work() -> T:
        """Work on the photo, which is held until that is done, whoever has stopped waiting."""
        with account.use(len(upload.data)):
            return do(upload)

    return work


async def _wait_until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _too_slow(limits: Limits) -> RefusalError:
    return RefusalError(
        408,
        "slow",
        detail=f"The request took longer than {limits.seconds_per_request:g} s to arrive. "
        "Send smaller photos, or fewer at once.",
        more={"limit": limits.seconds_per_request},
    )


def _out_of_time(limits: Limits) -> RefusalError:
    return refuse_for_now(
        "timeout",
        detail=f"No answer within {limits.seconds_per_request:g} s. Send fewer photos at once, or "
        "try again when the service has less to do.",
        more={"limit": limits.seconds_per_request},
    )
