"""What every request passes on its way in and out: plain ASGI, so that it costs next to nothing."""

import asyncio
import contextlib
import ipaddress
import logging
import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gafas.service.operation import Operation
from gafas.service.problems import RefusalError
from gafas.service.settings import WORK, Access

SAFE_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "media-src 'self' blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; "
        "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
"""Sent with every answer: the page may load nothing but its own files, and nobody may frame it."""

LOCAL_HEADERS: Final = {
    **SAFE_HEADERS,
    # WebAssembly is compiled; a page that is isolated may have threads.
    "Content-Security-Policy": SAFE_HEADERS["Content-Security-Policy"].replace(
        "script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'"
    ),
    "Cross-Origin-Embedder-Policy": "require-corp",
}
"""Sent with the files of the page that recognizes in the browser alone."""

LOCAL: Final = "/local/"
"""Where that page is, if it is offered."""

_PAGES: Final = {"/", "/docs"}
_OPEN: Final = {*_PAGES, "/healthz", "/readyz", "/openapi.json"}
_ROUTES: Final = {*_OPEN, *WORK, "/metrics", "/v1/model"}
_STATIC: Final = "/static/"
_FILES: Final = (_STATIC, LOCAL)

# An answer may be ready before the body has arrived. A client that is still sending would not read
# it if the connection were cut, so the rest is taken in and thrown away, for so long.
_LINGER_SECONDS: Final = 5.0
_LINGER_BYTES: Final = 64 * 2**20
_SMALL: Final = 64 * 2**10  # a body of no more is there in a moment: the connection may be kept

_log = logging.getLogger(__name__)


class Observer:
    """Count and time requests, add the safe headers, and answer for what goes wrong inside."""

    def __init__(self, app: ASGIApp, *, operation: Operation) -> None:
        self._app = app
        self._operation = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI asks for it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        exchange = _Exchange(scope, receive, send)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception:
            _log.exception("A request could not be answered.")
            if exchange.status is None:
                problem = RefusalError("internal")
                await problem.to_response()(scope, exchange.receive, exchange.send)
        finally:
            metrics, route = self._operation.metrics, _name_route(scope["path"])
            metrics.requests.labels(route, str(exchange.status or 499)).inc()
            metrics.seconds.labels(route).observe(time.perf_counter() - began)


class Guard:
    """Refuse at the door who may not come in, and whom there is no room for."""

    def __init__(self, app: ASGIApp, *, operation: Operation, access: Access) -> None:
        self._app = app
        self._operation = operation
        self._access = access
        self._hosts = {"localhost", *(name.lower() for name in access.hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse one request, as ASGI asks for it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._check(scope)
        except RefusalError as problem:
            self._operation.metrics.rejections.labels(problem.reason).inc()
            await problem.to_response()(scope, receive, send)
            return
        self._operation.active += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._operation.active -= 1

    def _check(self, scope: Scope) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        path = scope["path"]
        self._check_host(headers.get(b"host", ""))
        if path not in _OPEN and not path.startswith(_FILES):
            self._check_site(headers)
            self._check_key(headers)
        if path in WORK and scope["method"] == "POST":
            if self._operation.draining:
                raise RefusalError("draining")
            self._operation.check_room()

    def _check_host(self, host: str) -> None:
        """Refuse unknown names: another site may have its own name lead here (DNS rebinding)."""
        name = _read_name(host)
        if name in self._hosts:
            return
        try:
            ipaddress.ip_address(name)
        except ValueError:
            raise RefusalError("host", {"name": name}) from None

    def _check_site(self, headers: dict[bytes, str]) -> None:
        """Refuse what browsers send here on behalf of other sites' pages."""
        site = headers.get(b"sec-fetch-site", "none")
        if site in ("none", "same-origin") or headers.get(b"origin") in self._access.origins:
            return
        raise RefusalError("origin", {"received": site})

    def _check_key(self, headers: dict[bytes, str]) -> None:
        if not self._access.keys:
            return
        given = headers.get(b"x-api-key") or _read_bearer(headers.get(b"authorization", ""))
        if not self._access.is_key(given):
            raise RefusalError("key", {"received": "a wrong one" if given else "none"})


class _Exchange:
    """One request and its answer, watched as they pass."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.status: int | None = None
        self._receive = receive
        self._send = send
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"0")
        self._arrived = length == b"0" and b"transfer-encoding" not in headers
        self._small = length.isdigit() and int(length) <= _SMALL and not self._arrived
        self._waits = b"expect" in headers  # such a client sends no body before it is asked to
        path = scope["path"]
        self._secret = not (path in _PAGES or path.startswith(_FILES))
        self._safe = _LOCAL_SAFE if path.startswith(LOCAL) else _SAFE

    async def receive(self) -> Message:
        """Pass on a piece of the request, and note whether it was the last."""
        message = await self._receive()
        self._arrived |= not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Pass on a piece of the answer, with the safe headers."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), *self._headers()]}
        elif not self._arrived and not self._waits and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._linger()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    def _headers(self) -> list[tuple[bytes, bytes]]:
        found = list(self._safe)
        found.append((b"cache-control", b"no-store" if self._secret else b"no-cache"))
        if not self._arrived and not self._small:
            found.append((b"connection", b"close"))
        return found

    async def _linger(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                count = 0
                while not self._arrived and count < _LINGER_BYTES:
                    count += len((await self.receive()).get("body", b""))


_SAFE, _LOCAL_SAFE = (
    [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    for headers in (SAFE_HEADERS, LOCAL_HEADERS)
)


def _name_route(path: str) -> str:
    """Return one of a few names, whatever was asked for."""
    if path in _ROUTES:
        return path
    return next((folder for folder in _FILES if path.startswith(folder)), "other")


def _read_name(host: str) -> str:
    """Return the name or address of a Host header.

    >>> _read_name("Localhost:8000"), _read_name("[::1]:8000"), _read_name("192.0.2.1")
    ('localhost', '::1', '192.0.2.1')
    """
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name.lower()


def _read_bearer(header: str) -> str:
    """Return the key of an Authorization header; its scheme may be written in any case.

    >>> _read_bearer("bearer secret"), _read_bearer("secret"), _read_bearer("Basic secret")
    ('secret', '', '')
    """
    scheme, _, key = header.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""
