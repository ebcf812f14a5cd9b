"""How many bytes of request bodies are held, all requests together."""

import contextlib
import dataclasses
import threading
from collections.abc import Iterator

MEBIBYTE = 2**20


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """How much a service takes on.

    Attributes:
        bytes_per_photo: a file of more bytes is refused, while it is being received.
        pixels_per_photo: a photo of more pixels is refused, before it is decoded.
        photos_per_request: a form with more photos is refused.
        seconds_per_request: how long a request may take, from its first byte to its answer.
        waiting: so many requests may wait for a thread; more are refused at once.
        bytes_in_memory: all that is held of the bodies of all requests; more is refused.

    Raises:
        ValueError: a limit is not positive (`waiting` may be 0).
    """

    bytes_per_photo: int = 32 * MEBIBYTE
    pixels_per_photo: int = 64_000_000
    photos_per_request: int = 64
    seconds_per_request: float = 30.0
    waiting: int = 16
    bytes_in_memory: int = 256 * MEBIBYTE

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value < 0 or (value == 0 and field.name != "waiting"):
                raise ValueError(f"The limit {field.name} must be positive. Received: {value}.")


@dataclasses.dataclass(frozen=True, slots=True)
class Access:
    """Who may use a service.

    Attributes:
        keys: if there are any, a request must carry one of them, in the header `X-API-Key` or as
            `Authorization: Bearer`. The page itself, its files and the probes need none.
        hosts: names under which the service may be addressed, beside `localhost` and IP addresses.
        origins: other web sites whose pages may call the service (CORS), as `https://example.org`.
    """

    keys: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()

    def is_key(self, given: str) -> bool:
        """Say whether a key is one of ours, in a time that tells nothing about them.

        >>> Access(keys=("secret",)).is_key("secret"), Access(keys=("secret",)).is_key("")
        (True, False)
        """
        import hmac  # here, for every command reads the limits, to tell their defaults

        sent = given.encode("utf-8", "surrogateescape")
        found = [hmac.compare_digest(sent, key.encode("utf-8")) for key in self.keys]
        return any(found)


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
        # The command line reads the defaults above, and must do without the extra.
        from gafas.service.problems import RefusalError, refuse_for_now

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
