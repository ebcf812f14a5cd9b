"""Photos out of request bodies: kept in memory, never on disk, and counted while they arrive."""

import dataclasses
from collections.abc import AsyncGenerator
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from gafas.service.problems import RefusalError, refuse_for_now
from gafas.service.settings import Limits

FIELD: Final = "photos"
"""The form's field that holds photos."""

NAMELESS: Final = "photo"
"""What a photo is called that was sent without a name."""

_FORM: Final = b"multipart/form-data"


class Memory:
    """Count the bytes of all bodies that are held, so that they stay under a limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0


class Account:
    """What one request holds of the memory."""

    def __init__(self, memory: Memory) -> None:
        self.held = 0
        self._memory = memory

    def check(self, count: int) -> None:
        """Refuse bytes that there is no room for.

        Raises:
            RefusalError: 413, more than there will ever be; 503, more than there is now.
        """
        limit = self._memory.limit
        if self.held + count > limit:
            raise RefusalError(
                413,
                "too-many-bytes",
                detail=f"The body is too large: expected at most {limit:,} bytes. "
                f"Received: {self.held + count:,} or more. Send the photos in several requests.",
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
        self.held += count
        self._memory.held += count

    def give_back(self, count: int | None = None) -> None:
        """Count bytes as held no longer; all of them, if left out."""
        count = self.held if count is None else count
        self.held -= count
        self._memory.held -= count

    def split(self, count: int) -> "Account":
        """Move bytes to an account of their own, for who holds them longer than the request."""
        part = Account(self._memory)
        part.held = count
        self.held -= count
        return part


@dataclasses.dataclass(slots=True, eq=False)
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
    kind, _ = parse_options_header(request.headers.get("content-type"))
    if kind.startswith(b"multipart/") and kind != _FORM:
        raise RefusalError(
            415,
            "media-type",
            detail=f"Expected multipart/form-data, or a photo's bytes. Received: {kind!r}.",
        )
    text = request.headers.get("content-length", "0")
    declared = int(text) if text.isdecimal() else 0  # servers refuse what is no number
    if kind == _FORM:
        account.check(declared)
        return await _read_form(request, limits, account)
    most = limits.bytes_per_photo
    if declared > most:
        raise _refuse_large(most, f"{declared:,} or more")
    account.check(declared)
    data = b"".join([chunk async for chunk in _receive(request, account, most=most)])
    return [Upload(request.query_params.get("name") or NAMELESS, data)]


def is_form(request: Request) -> bool:
    """Say whether a request's body is a form."""
    return parse_options_header(request.headers.get("content-type"))[0] == _FORM


async def _receive(
    request: Request, account: Account, *, most: int | None = None
) -> AsyncGenerator[bytes]:
    """Yield a body's pieces as they come, and count them, up to so many bytes."""
    async for chunk in request.stream():
        if most is not None and account.held + len(chunk) > most:
            raise _refuse_large(most, f"{account.held + len(chunk):,} or more")
        account.draw(len(chunk))
        yield chunk


class _FormReader(MultiPartParser):
    """Starlette's reader, which keeps files in memory and notes whether the form is whole."""

    spool_max_size = 0  # a file of any size stays in memory
    whole = False

    def on_end(self) -> None:
        """Note that the last boundary was read."""
        self.whole = True


async def _read_form(request: Request, limits: Limits, account: Account) -> list[Upload]:
    most = limits.photos_per_request

    async def receive() -> AsyncGenerator[bytes]:
        async for chunk in _receive(request, account):
            yield chunk
        if not reader.whole:
            raise MultiPartException("it ends before its last boundary")

    reader = _FormReader(request.headers, receive(), max_files=most)
    try:
        form = await reader.parse()
    except (MultiPartException, FormParserError) as error:
        if str(getattr(error, "message", "")).startswith("Too many files"):
            raise RefusalError(
                413,
                "too-many-photos",
                detail=f"Too many photos: expected at most {most}. Received: more. "
                "Send them in several requests.",
            ) from None
        raise _refuse_form(getattr(error, "message", None) or str(error)) from None
    try:
        files = [one for one in form.getlist(FIELD) if isinstance(one, UploadFile)]
        if not files:
            raise _refuse_empty(form)
        return [await _read_file(file, limits.bytes_per_photo, account) for file in files]
    finally:
        await form.close()


async def _read_file(file: UploadFile, most: int, account: Account) -> Upload:
    data = await file.read()
    await file.close()  # each at once, not to hold all of them twice
    upload = Upload(file.filename or NAMELESS, data)
    if len(data) > most:
        account.give_back(len(data))
        upload.data, upload.error = b"", _refuse_large(most, f"{len(data):,}")
    return upload


def _refuse_large(most: int, received: str) -> RefusalError:
    return RefusalError(
        413,
        "too-many-bytes",
        detail=f"The photo is too large: expected at most {most:,} bytes. "
        f"Received: {received}. Save it smaller.",
        more={"limit": most},
    )


def _refuse_form(problem: str) -> RefusalError:
    return RefusalError(
        400,
        "form",
        detail=f"Cannot read the form: {problem.rstrip('.')}. "
        "Send multipart/form-data as browsers and curl -F make it.",
    )


def _refuse_empty(form: FormData) -> RefusalError:
    others = [
        f"{'a file' if isinstance(one, UploadFile) else 'text'} in {name!r}"
        for name, one in form.multi_items()
    ]
    return RefusalError(
        422,
        "no-photo",
        detail=f"The form holds no photo: expected files in the field {FIELD!r}. "
        f"Received: {', '.join(dict.fromkeys(others)) or 'nothing'}. Name the field {FIELD!r}.",
    )
