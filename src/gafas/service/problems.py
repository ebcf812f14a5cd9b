"""What a service answers when it cannot: problem details, as RFC 9457 lays them out."""

import http.client
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import JSONResponse

MEDIA_TYPE: Final = "application/problem+json"

REFUSALS: Final[Mapping[str, tuple[int, str]]] = {
    "answers": (422, "{error}"),
    "damaged-photo": (422, "{error}"),
    "draining": (503, "The service is about to end."),
    "form": (
        400,
        "Cannot read the form: {error}. Send multipart/form-data as browsers and curl -F make it.",
    ),
    "full": (
        503,
        "The service is full: {places} requests are being worked on or wait. "
        "Try again in a moment.",
    ),
    "host": (
        421,
        "The service does not go by the name {name!r}. Use its IP address, or start it with: "
        "gafas serve --allow-host {name}",
    ),
    "http": (500, "{error}"),
    "internal": (500, "Something went wrong inside. It is in the service's log."),
    "key": (
        401,
        "The service asks for a key. Send it in the header X-API-Key. Received: {received}.",
    ),
    "lesson": (422, "{error}"),
    "left": (499, "The client left before the answer was ready."),
    "media-type": (
        415,
        "Expected a photo's bytes, or multipart/form-data, without compression. "
        "Received: {received!r}.",
    ),
    "memory": (503, "The service holds as many bytes as it may. Try again in a moment."),
    "method": (405, "{path!r} takes {allowed}. Received: {received}."),
    "missing-package": (422, "{error}"),
    "model": (422, "{error}"),
    "no-photo": (
        422,
        "The form holds no photo: expected files in the field {field!r}. Received: {received}. "
        "Name the field {field!r}.",
    ),
    "no-such-face": (
        422,
        "No face {face}, counted from 0: the photo has {count}. Choose one of these.",
    ),
    "not-acceptable": (406, "The picture comes as {kinds}. Received: Accept {received!r}."),
    "not-found": (404, "Nothing is at {path!r}. What there is: /docs"),
    "origin": (
        403,
        "A page of another web site asked. Received: Sec-Fetch-Site {received!r}. To allow it, "
        "start the service with: gafas serve --cors ORIGIN",
    ),
    "parameters": (422, "A parameter cannot be used: {problems}"),
    "slow": (
        408,
        "The request took longer than {limit:g} s to arrive. Send smaller photos, or fewer at "
        "once.",
    ),
    "timeout": (
        503,
        "No answer within {limit:g} s. Send fewer photos at once, or try again when the service "
        "has less to do.",
    ),
    "too-many-bytes": (
        413,
        "The {what} is too large: expected at most {limit:,} bytes. Received: {received}. "
        "Save photos smaller, or send fewer at once.",
    ),
    "too-many-photos": (
        413,
        "Too many photos: expected at most {limit}. Received: {received}. "
        "Send them in several requests.",
    ),
    "too-many-pixels": (
        422,
        "Cannot read the image: expected at most {limit:,} pixels. Received: {received}. "
        "Save it smaller.",
    ),
    "unreadable-photo": (422, "{error}"),
}
"""One word for programs, by which the metrics count, too: the status and the sentence."""

_HEADERS: Final = {
    401: {"WWW-Authenticate": 'Bearer realm="gafas"'},
    503: {"Retry-After": "1"},  # seconds: what is full, is so for a moment
}
_MEMBERS: Final = ("limit", "errors")


class RefusalError(Exception):
    """Refuse a request.

    Args:
        reason: one of `REFUSALS`.
        values: what its sentence names; `limit` and `errors` are members of the answer, too.
        status: of HTTP, where it is another than usual.
        headers: more headers of the answer.
    """

    def __init__(
        self,
        reason: str,
        values: Mapping[str, Any] | None = None,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        usual, sentence = REFUSALS[reason]
        values = values or {}
        self.status = status or usual
        self.reason = reason
        self.detail = sentence.format_map(values)
        self.headers = {**_HEADERS.get(self.status, {}), **(headers or {})}
        self._more = {name: values[name] for name in _MEMBERS if name in values}
        super().__init__(self.detail)

    def to_response(self) -> JSONResponse:
        """Return the answer."""
        body = {
            "type": "about:blank",
            "title": http.client.responses.get(self.status, "Client Closed Request"),
            "status": self.status,
            "detail": self.detail,
            "reason": self.reason,
            **self._more,
        }
        return JSONResponse(body, self.status, self.headers, media_type=MEDIA_TYPE)
