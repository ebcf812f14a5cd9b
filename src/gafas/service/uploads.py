"""Photos out of request bodies, counted while they arrive."""

from typing import Final

from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from gafas.service.forms import NAMELESS, Form, Upload, refuse_large
from gafas.service.limits import Limits
from gafas.service.memory import Account
from gafas.service.problems import RefusalError

_FORM: Final = b"multipart/form-data"


async def receive_uploads(request: Request, limits: Limits, *, account: Account) -> list[Upload]:
    """Receive the photos of a request: those of a form's field `photos`, or the body itself.

    Raises:
        RefusalError: 400, 413, 415, 422 or 503; what cannot be received.
    """
    coding = request.headers.get("content-encoding", "identity")
    if coding.lower() != "identity":
        raise RefusalError(
            415,
            "media-type",
            detail=f"Expected a body without compression. Received: Content-Encoding {coding!r}. "
            "Send the photo's bytes as they are.",
        )
    declared = _read_length(request)
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind == _FORM:
        account.check(declared)
        return await _receive_form(request, Form(options.get(b"boundary"), limits, account))
    if kind.startswith(b"multipart/"):
        raise RefusalError(
            415,
            "media-type",
            detail=f"Expected multipart/form-data, or a photo's bytes. Received: {kind!r}.",
        )
    if declared > limits.bytes_per_photo:
        raise refuse_large(limits, f"{declared:,} or more")
    account.check(declared)
    name = request.query_params.get("name") or NAMELESS
    return [Upload(name, await _receive_bytes(request, limits, account))]


def is_form(request: Request) -> bool:
    """Say whether a request's body is a form."""
    return parse_options_header(request.headers.get("content-type"))[0] == _FORM


def _read_length(request: Request) -> int:
    text = request.headers.get("content-length", "0")
    return int(text) if text.isdecimal() else 0  # servers refuse what is no number


async def _receive_bytes(request: Request, limits: Limits, account: Account) -> bytes:
    chunks, count = [], 0
    async for chunk in request.stream():
        count += len(chunk)
        if count > limits.bytes_per_photo:
            raise refuse_large(limits, f"{count:,} or more")
        account.draw(len(chunk))
        chunks.append(chunk)
    return b"".join(chunks)


async def _receive_form(request: Request, form: Form) -> list[Upload]:
    async for chunk in request.stream():
        form.write(chunk)
    return form.finish()
