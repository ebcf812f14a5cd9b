"""The process that serves: its socket, its signals, its end."""

import contextlib
import gc
import ipaddress
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI

from gafas.errors import ServiceError
from gafas.service.operation import Operation

# An idle connection is kept so long, in seconds: a page that sends photo after photo needs one.
_KEEP_ALIVE: Final = 20

_LOOPBACK: Final[dict[int, str]] = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}

# Addresses of documentation, which are nobody's.
_ELSEWHERE: Final[dict[int, str]] = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}

# At the end, answers that are not read by then, in seconds, are given up.
_LAST_CALL: Final = 5


def listen(host: str, port: int) -> socket.socket:
    """Open the socket that a service listens at; port 0 takes a free one.

    Raises:
        ServiceError: the address is unknown or taken, or may not be used.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family)
        # Connections inherit it. An answer goes out in two pieces, head and body: without it the
        # second waits till the client has acknowledged the first, which takes 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ServiceError(
            f"Cannot listen at {host!r}, port {port}: {reason}. Stop what listens there, or choose "
            "another address by --host and --port (0 takes a free port)."
        ) from error


def describe(listener: socket.socket, *, keys: bool) -> list[str]:
    """Say at which addresses a browser finds what listens at a socket, a line each.

    The first is for this computer, if it can be; where others may come in, theirs follows, and
    without keys a warning.
    """
    host, port = listener.getsockname()[:2]
    place = ipaddress.ip_address(host)
    told = [f"serving {_url(host, port)}"]
    if place.is_unspecified:
        other = find_address(listener.family)
        reach = _url(other, port) if other else f"port {port} at this computer's address"
        told = [f"serving {_url(_LOOPBACK[listener.family], port)}"]
        told += [f"phones and others in this network open {reach}"]
    if not (place.is_loopback or keys):
        told.append(
            "warning: whoever reaches this computer may use the service. To ask for a key, start "
            "it with: --api-key-file FILE"
        )
    return told


def find_address(family: int) -> str | None:
    """Return this computer's address in the network that it uses; None if it uses none.

    Args:
        family: `socket.AF_INET` or `socket.AF_INET6`.
    """
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((_ELSEWHERE[family], 9))  # by UDP: this chooses a way, and sends nothing
        found = str(probe.getsockname()[0])
        place = ipaddress.ip_address(found.partition("%")[0])
        return None if place.is_loopback or place.is_link_local else found
    return None


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run_service(app: FastAPI, listener: socket.socket, *, announce: Callable[[], None]) -> None:
    """Serve until SIGTERM or Ctrl-C; then refuse new work, finish what runs, and return.

    A second signal ends it at once.

    Args:
        app: made by `create_app`.
        listener: opened by `listen`; it is closed at the end.
        announce: called once requests are answered.

    Raises:
        KeyboardInterrupt: it was ended by Ctrl-C.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # it would hold what photos are called
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="off",
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_LAST_CALL,
    )
    server = _Server(config, app.state.operation, announce=announce)
    gc.freeze()  # what was imported is not searched for cycles again and again
    server.run(sockets=[listener])
    if server.interrupted:
        raise KeyboardInterrupt


class _Server(uvicorn.Server):
    """A server that answers 503 while it finishes what runs, before it closes the door."""

    def __init__(
        self, config: uvicorn.Config, operation: Operation, *, announce: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self.interrupted = False
        self._operation = operation
        self._announce = announce
        self._last = float("inf")

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets)
        self._announce()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; at the second signal end at once."""
        self.interrupted |= sig == signal.SIGINT
        if self._operation.draining:
            self.should_exit = self.force_exit = True
        self._operation.draining = True
        self._last = time.monotonic() + self._operation.limits.seconds_per_request

    async def on_tick(self, counter: int) -> bool:
        """Say whether to end: all that runs is done, or its time is over."""
        ends = await super().on_tick(counter)
        drained = self._operation.draining and not self._operation.active
        return ends or drained or time.monotonic() > self._last
