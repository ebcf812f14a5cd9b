"""What all routes of one service share, and the work that they do with it."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import TypeVar

from starlette.requests import Request

from gafas.errors import ImageError
from gafas.images import NamedBytes, read_size
from gafas.recognizer import Recognition, Recognizer
from gafas.service.forms import NAMELESS, Upload
from gafas.service.limits import Limits
from gafas.service.memory import Account, Memory
from gafas.service.metrics import Metrics
from gafas.service.problems import RefusalError, refuse_for_now
from gafas.service.uploads import receive_uploads
from gafas.service.workers import Workers

T = TypeVar("T")


class Operation:
    """One recognizer at work for everybody who asks.

    Attributes:
        draining: whether new work is refused, since the service is about to end.
        active: how many requests are being answered that were not refused at the door.
    """

    def __init__(self, recognizer: Recognizer, limits: Limits, *, threads: int) -> None:
        self.recognizer = recognizer
        self.limits = limits
        self.workers = Workers(threads, waiting=limits.waiting)
        self.memory = Memory(limits.bytes_in_memory)
        self.metrics = Metrics()
        self.draining = False
        self.active = 0
        for name, meaning, read in (
            ("gafas_photos_in_work", "Photos worked on now.", lambda: self.workers.busy),
            ("gafas_photos_waiting", "Photos that wait.", lambda: self.workers.photos_waiting),
            ("gafas_requests_in_room", "Requests with a place.", lambda: self.workers.taken),
            ("gafas_held_bytes", "Bytes of bodies in memory.", lambda: self.memory.held),
        ):
            self.metrics.watch(name, meaning, read=read)

    async def answer(
        self, request: Request, do: Callable[[Upload], T], *, several: bool = False
    ) -> list[T]:
        """Receive the photos of a request, and work on each in a thread.

        Raises:
            RefusalError: the request cannot be received or answered in time, or there is no room.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + self.limits.seconds_per_request
        with self.memory.open() as account:
            try:
                async with asyncio.timeout_at(ends):
                    uploads = await receive_uploads(request, self.limits, account=account)
            except TimeoutError:
                raise _too_slow(self.limits) from None
            if len(uploads) > 1 and not several:
                raise RefusalError(
                    422,
                    "too-many-photos",
                    detail=f"Expected one photo. Received: {len(uploads)}. Send one a request.",
                )
            try:
                async with asyncio.timeout_at(ends):
                    tasks = [_bind(do, upload, account) for upload in uploads]
                    return await self._work(request, tasks)
            except TimeoutError:
                raise _out_of_time(self.limits) from None

    def recognize(self, upload: Upload, recognizer: Recognizer) -> Recognition:
        """Recognize one photo by the service's recognizer, or one made of it, and count it.

        Raises:
            RefusalError: 422, it cannot be read.
        """
        try:
            self.check_size(upload)
            found = recognizer.recognize(_name(upload), name=upload.name)
            if found.error is not None:
                raise refuse_damaged(found.error)
        except RefusalError:
            self.metrics.photos.labels("unreadable").inc()
            raise
        self.metrics.count(found)
        return found

    def check_size(self, upload: Upload) -> None:
        """Refuse what is no photo, or has too many pixels, before it is decoded.

        Raises:
            RefusalError: 422, it is such.
        """
        if upload.error is not None:
            raise upload.error
        try:
            width, height = read_size(_name(upload))
        except ImageError as error:
            lacking = isinstance(error.__cause__, ImportError)
            reason = "missing-package" if lacking else "unreadable-photo"
            raise RefusalError(422, reason, detail=str(error)) from None
        most = self.limits.pixels_per_photo
        if width * height > most:
            raise RefusalError(
                422,
                "too-many-pixels",
                detail=f"Cannot read the image: expected at most {most:,} pixels. "
                f"Received: {width}×{height}. Save it smaller.",
                more={"limit": most},
            )

    async def _work(self, request: Request, tasks: Sequence[Callable[[], T]]) -> list[T]:
        """Run tasks, unless the client leaves before they are done."""
        work = asyncio.ensure_future(self.workers.run(tasks))
        leaving = asyncio.ensure_future(_wait_until_gone(request))
        try:
            await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise RefusalError(
                    499, "left", detail="The client left before the answer was ready."
                )
            return work.result()
        finally:
            work.cancel()
            leaving.cancel()


def refuse_damaged(error: str) -> RefusalError:
    """Return the refusal of a photo that looked like one until it was decoded."""
    return RefusalError(422, "damaged-photo", detail=error)


def write_answer(found: Recognition) -> bytes:
    """Write what `gafas predict --json` writes for a photo."""
    return json.dumps(found.to_dict(), ensure_ascii=False).encode()


def _name(upload: Upload) -> bytes:
    """Return the photo's bytes with its name, which errors tell as they do of a file."""
    photo = NamedBytes(upload.data)
    photo.name = PurePath(upload.name).name
    return photo if upload.name != NAMELESS else upload.data


def _bind(do: Callable[[Upload], T], upload: Upload, account: Account) -> Callable[[], T]:
    def work() -> T:
        """Work on the photo, which is held until that is done, whoever has stopped waiting."""
        with account.use(len(upload.data)):
            return do(upload)

    return work


async def _wait_until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _too_slow(limits: Limits) -> RefusalError:
    return RefusalError(
        408,
        "slow",
        detail=f"The request took longer than {limits.seconds_per_request:g} s to arrive. "
        "Send smaller photos, or fewer at once.",
        more={"limit": limits.seconds_per_request},
    )


def _out_of_time(limits: Limits) -> RefusalError:
    return refuse_for_now(
        "timeout",
        detail=f"No answer within {limits.seconds_per_request:g} s. Send fewer photos at once, or "
        "try again when the service has less to do.",
        more={"limit": limits.seconds_per_request},
    )
