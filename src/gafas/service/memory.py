"""How many bytes of request bodies are held, all requests together."""

import contextlib
from collections.abc import Iterator

from gafas.service.problems import RefusalError, refuse_for_now


class Memory:
    """Count the bytes of all bodies that are held, so that they stay under a limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    @contextlib.contextmanager
    def open(self) -> "Iterator[Account]":
        """Give an account, and take back at the end all that was drawn on it."""
        account = Account(self)
        try:
            yield account
        finally:
            account.give(account.drawn)


class Account:
    """What one request holds of the memory."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
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
        self._memory.held += count

    def give(self, count: int) -> None:
        """Count bytes as held no longer."""
        self.drawn -= count
        self._memory.held -= count
