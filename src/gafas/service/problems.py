"""What a service answers when it cannot: problem details, as RFC 9457 lays them out."""

import http
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"

RETRY_AFTER = 1
"""After so many seconds a client that was refused for lack of room may try again."""


class RefusalError(Exception):
    """Refuse a request.

    Args:
        status: of HTTP.
        reason: one word for programs; the metrics count refusals by it.
        detail: what went wrong, what was received and what to do.
        headers: more headers of the answer.
        more: more members of the answer's object.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        *,
        detail: str,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    def to_response(self) -> JSONResponse:
        """Return the answer."""
        body = {
            "type": "about:blank",
            "title": _title(self.status),
            "status": self.status,
            "detail": self.detail,
            "reason": self.reason,
            **self.more,
        }
        return JSONResponse(body, self.status, self.headers, media_type=MEDIA_TYPE)


def refuse_for_now(
    reason: str, *, detail: str, more: Mapping[str, Any] | None = None
) -> RefusalError:
    """Return a refusal that is over in a moment: 503 with Retry-After."""
    headers = {"Retry-After": str(RETRY_AFTER)}
    return RefusalError(503, reason, detail=detail, headers=headers, more=more)


def _title(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Client Closed Request"  # 499, which nobody reads but the metrics
