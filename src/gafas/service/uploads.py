"""Photos out of request bodies: kept in memory, never on disk, and counted while they arrive."""

import dataclasses
from collections.abc import AsyncGenerator
from typing import Final

from python_multipart.exceptions import FormParserError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from gafas.service.problems import RefusalError
from gafas.service.settings import Limits

FIELD: Final = "photos"
"""The form's field that holds photos."""

NAMELESS: Final = "photo"
"""What a photo is called that was sent without a name."""

_FORM: Final = "multipart/form-data"


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
            raise _refuse_bytes("body", limit, received=f"{self.held + count:,} or more")
        if self._memory.held + count > limit:
            raise RefusalError("memory")

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
        raise RefusalError("media-type", {"received": f"Content-Encoding {coding}"})
    kind = _read_kind(request)
    if kind.startswith("multipart/") and kind != _FORM:
        raise RefusalError("media-type", {"received": kind})
    text = request.headers.get("content-length", "0")
    declared = int(text) if text.isdecimal() else 0  # servers refuse what is no number
    if kind == _FORM:
        account.check(declared)
        return await _read_form(request, limits, account=account)
    most = limits.bytes_per_photo
    if declared > most:
        raise _refuse_bytes("photo", most, received=f"{declared:,} or more")
    account.check(declared)
    data = b"".join([chunk async for chunk in _receive(request, account, most=most)])
    return [Upload(request.query_params.get("name") or NAMELESS, data)]


def is_form(request: Request) -> bool:
    """Say whether a request's body is a form."""
    return _read_kind(request) == _FORM


def _read_kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _receive(
    request: Request, account: Account, *, most: int | None = None
) -> AsyncGenerator[bytes]:
    """Yield a body's pieces as they come, and count them, up to so many bytes."""
    async for chunk in request.stream():
        if most is not None and account.held + len(chunk) > most:
            raise _refuse_bytes("photo", most, received=f"{account.held + len(chunk):,} or more")
        account.draw(len(chunk))
        yield chunk


class _FormReader(MultiPartParser):
    """Starlette's reader, which keeps files in memory and notes whether the form is whole."""

    spool_max_size = 0  # a file of any size stays in memory
    whole = False

    def on_end(self) -> None:
        """Note that the last boundary was read."""
        self.whole = True


async def _read_form(request: Request, limits: Limits, *, account: Account) -> list[Upload]:
    most = limits.photos_per_request

    async def receive() -> AsyncGenerator[bytes]:
        """Yield the form's pieces, and see at their end that it is whole."""
        async for chunk in _receive(request, account):
            yield chunk
        if not reader.whole:
            raise MultiPartException("it ends before its last boundary")

    reader = _FormReader(request.headers, receive(), max_files=most)
    try:
        form = await reader.parse()
    except (MultiPartException, FormParserError) as error:
        problem = str(getattr(error, "message", error)).rstrip(".")
        if problem.startswith("Too many files"):
            raise RefusalError("too-many-photos", {"limit": most, "received": "more"}) from None
        raise RefusalError("form", {"error": problem}) from None
    try:
        files = [one for one in form.getlist(FIELD) if isinstance(one, UploadFile)]
        if not files:
            names = [repr(name) for name in form] or ["nothing"]
            values = {"field": FIELD, "received": ", ".join(names)}
            raise RefusalError("no-photo", values)
        return [await _read_file(file, account, most=limits.bytes_per_photo) for file in files]
    finally:
        await form.close()


async def _read_file(file: UploadFile, account: Account, *, most: int) -> Upload:
    data = await file.read()
    await file.close()  # each at once, not to hold all of them twice
    upload = Upload(file.filename or NAMELESS, data)
    if len(data) > most:
        account.give_back(len(data))
        upload.data = b""
        upload.error = _refuse_bytes("photo", most, received=f"{len(data):,}")
    return upload


def _refuse_bytes(what: str, limit: int, *, received: str) -> RefusalError:
    return RefusalError("too-many-bytes", {"what": what, "limit": limit, "received": received})
