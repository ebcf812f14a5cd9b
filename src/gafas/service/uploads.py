"""Photos out of request bodies, counted while they arrive."""

import dataclasses
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from gafas.service.problems import RefusalError
from gafas.service.settings import Account, Limits

FIELD: Final = "photos"
"""The form's field that holds photos."""

NAMELESS: Final = "photo"
"""What a photo is called that was sent without a name."""


@dataclasses.dataclass(slots=True)
class Upload:
    """A photo as it was sent.

    Attributes:
        name: what the answer calls it.
        data: the file's bytes.
        error: why it was not kept; None for all others.
    """

    name: str
    data: bytes = b""
    error: RefusalError | None = None


class Form:
    """Read a form while it arrives, and keep only the photos of it.

    Args:
        boundary: as the request's Content-Type names it.
        limits: of a photo and of a request.
        account: what the photos are counted on.

    Raises:
        RefusalError: 400, the boundary is missing or too long.
    """

    def __init__(self, boundary: bytes | None, limits: Limits, account: Account) -> None:
        self._limits = limits
        self._account = account
        self._uploads: list[Upload] = []
        self._others: set[str] = set()
        self._header = (bytearray(), bytearray())
        self._disposition = b""
        self._data: bytearray | None = None
        self._ended = False
        callbacks = {
            "on_part_begin": self._begin_part,
            "on_header_field": self._extend_name,
            "on_header_value": self._extend_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._extend_part,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }
        try:
            self._parser = MultipartParser(boundary or b"", callbacks)  # type: ignore[arg-type]
        except FormParserError as error:
            raise _broken_form(str(error)) from error
        if not boundary:
            raise _broken_form("its Content-Type names no boundary")

    def write(self, chunk: bytes) -> None:
        """Read on.

        Raises:
            RefusalError: the form is broken, or too large.
        """
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _broken_form(str(error)) from error

    def finish(self) -> list[Upload]:
        """Return the photos.

        Raises:
            RefusalError: the form is cut short, or holds no photo.
        """
        if not self._ended:
            raise _broken_form("it ends before its last boundary")
        if not self._uploads:
            others = ", ".join(repr(name) for name in sorted(self._others)) or "nothing"
            raise RefusalError(
                422,
                "no-photo",
                detail=f"The form holds no photo: expected files in the field {FIELD!r}. "
                f"Received: {others}. Name the field {FIELD!r}.",
            )
        return self._uploads

    def _begin_part(self) -> None:
        self._disposition = b""

    def _extend_name(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _extend_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _end_header(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            self._disposition = bytes(value)
        self._header = (bytearray(), bytearray())

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        field = options.get(b"name", b"").decode("utf-8", "replace")
        if field != FIELD:
            self._others.add(field)
            return
        if len(self._uploads) == self._limits.photos_per_request:
            raise RefusalError(
                413,
                "too-many-photos",
                detail=f"Too many photos: expected at most {self._limits.photos_per_request}. "
                "Received: more. Send them in several requests.",
            )
        name = options.get(b"filename", b"").decode("utf-8", "replace")
        self._uploads.append(Upload(name or NAMELESS))
        self._data = bytearray()

    def _extend_part(self, data: bytes, start: int, end: int) -> None:
        if self._data is None or self._uploads[-1].error:
            return
        if len(self._data) + end - start > self._limits.bytes_per_photo:
            self._account.give(len(self._data))
            self._data.clear()
            self._uploads[-1].error = refuse_large(self._limits, "a file with more")
            return
        self._account.draw(end - start)
        self._data.extend(data[start:end])

    def _end_part(self) -> None:
        if self._data is not None:
            self._uploads[-1].data = bytes(self._data)
        self._data = None

    def _end(self) -> None:
        self._ended = True


def _broken_form(problem: str) -> RefusalError:
    return RefusalError(
        400,
        "form",
        detail=f"Cannot read the form: {problem}. "
        "Send multipart/form-data as browsers and curl -F make it.",
    )


def refuse_large(limits: Limits, received: str) -> RefusalError:
    """Return the refusal of a photo of too many bytes."""
    return RefusalError(
        413,
        "too-many-bytes",
        detail=f"The photo is too large: expected at most {limits.bytes_per_photo:,} bytes. "
        f"Received: {received}. Save it smaller.",
        more={"limit": limits.bytes_per_photo},
    )


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
