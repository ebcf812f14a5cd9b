"""How many bytes of request bodies are held, all requests together."""

import contextlib
import threading
from collections.abc import Iterator

from gafas.service.problems import RefusalError, refuse_for_now


class Memory:
    """Count the bytes of all bodies that are held, so that they stay under a limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        """Count so many bytes more as held, or fewer; any thread may call it."""
        with self._lock:
            self.held += count

    @contextlib.contextmanager
    def open(self) -> "Iterator[Account]":
        """Give an account, and take back at the end what was drawn on it and nobody works on."""
        account = Account(self)
        try:
            yield account
        finally:
            account.close()


class Account:
    """What one request holds of the memory."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._lock = threading.Lock()
        self._used = 0
        self._closed = False
        self.drawn = 0

    def check(self, count: int) -> None:
        """Refuse bytes that there is no room for.

        Raises:
            RefusalError: 413, more than there will ever be; 503, more than there is now.
        """
        limit = self._memory.limit
        if self.drawn + count > limit:
            raise RefusalError(
                413,
                "too-many-bytes",
                detail=f"The body is too large: expected at most {limit:,} bytes. "
                f"Received: {self.drawn + count:,} or more. Send the photos in several requests.",
                more={"limit": limit},
            )
        if self._memory.held + count > limit:
            raise refuse_for_now(
                "memory",
                detail="The service holds as many bytes as it may. Try again in a moment.",
            )

    def draw(self, count: int) -> None:
        """Count bytes as held.

        Raises:
            RefusalError: as `check`.
        """
        self.check(count)
        self.drawn += count
        self._memory.add(count)

    def give(self, count: int) -> None:
        """Count bytes as held no longer."""
        self.drawn -= count
        self._memory.add(-count)

    @contextlib.contextmanager
    def use(self, count: int) -> Iterator[None]:
        """Keep bytes counted while a thread works on them, though the request be given up."""
        self._use(count)
        try:
            yield
        finally:
            self._use(-count)

    def close(self) -> None:
        """Give back all but what is in use, which follows when it no longer is."""
        with self._lock:
            self._closed = True
            self._memory.add(self._used - self.drawn)

    def _use(self, count: int) -> None:
        with self._lock:
            self._used += count
            if self._closed:
                self._memory.add(count)
