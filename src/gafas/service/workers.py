"""Threads that work on photos in fair turns, behind a waiting room that is soon full."""

import asyncio
import collections
import concurrent.futures
import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from gafas.service.problems import RefusalError, refuse_for_now

T = TypeVar("T")

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
