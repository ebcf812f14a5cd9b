"""Requests take turns and places, and nobody waits longer, or holds more, than the limits say."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from face_photos import encode, faceless, portrait
from gafas.recognizer import Recognizer
from gafas.results import Recognition
from gafas.service.operation import Select
from gafas.service.settings import Limits
from gafas.service.uploads import Upload
from service_client import Door, form, refused, until, wait_for

Work = Callable[[Upload, Select], Recognition]


@pytest.fixture(scope="module")
def photo() -> bytes:
    return encode(faceless())


class Valve:
    """Hold up the threads at the photos named `slow`, until it is opened."""

    def __init__(self, door: Door) -> None:
        self.open = threading.Event()
        self.seen: list[str] = []
        self._work: Work = door.operation.recognize
        door.operation.recognize = self

    def __call__(self, upload: Upload, select: Select) -> Recognition:
        if upload.name.startswith("slow"):
            assert self.open.wait(60)
        self.seen.append(upload.name)
        return self._work(upload, select)


async def post(client: httpx.AsyncClient, name: str, photo: bytes) -> httpx.Response:
    return await client.post("/v1/recognize", content=photo, params={"name": name})


def test_a_photo_of_too_many_pixels_is_refused_before_it_is_decoded(
    recognizer: Recognizer, photo: bytes
) -> None:
    fits = Door(recognizer, limits=Limits(pixels_per_photo=400 * 300))
    assert fits.post("/v1/recognize", photo).status_code == 200
    small = Door(recognizer, limits=Limits(pixels_per_photo=400 * 300 - 1))
    for path in ("recognize", "annotate", "explain"):
        answer = small.post(f"/v1/{path}", photo)
        refused(answer, 422, "too-many-pixels", saying="119,999 pixels.*400×300")
        assert answer.json()["limit"] == 119_999


def test_a_full_service_refuses_at_once_and_says_when_to_come_back(
    recognizer: Recognizer, photo: bytes
) -> None:
    door = Door(recognizer, limits=Limits(waiting=2), workers=1)
    valve = Valve(door)

    async def ask() -> tuple[httpx.Response, list[httpx.Response]]:
        async with door.open() as client:
            slow = [asyncio.create_task(post(client, f"slow{n}", photo)) for n in range(3)]
            await until(lambda: door.operation.taken == 3)
            answer = await client.post("/v1/recognize", content=photo)
            assert (await client.get("/readyz")).status_code == 200
            valve.open.set()
            return answer, [await one for one in slow]

    answer, slow = asyncio.run(ask())
    refused(answer, 503, "full", saying="3 requests")
    assert answer.headers["retry-after"] == "1"
    assert [one.status_code for one in slow] == [200] * 3
    assert door.post("/v1/recognize", photo).status_code == 200


def test_a_request_with_many_photos_holds_up_nobody(recognizer: Recognizer, photo: bytes) -> None:
    door = Door(recognizer, workers=1)
    valve = Valve(door)

    async def ask() -> None:
        async with door.open() as client:
            parts = form({f"many{n}": photo for n in range(6)} | {"slow": photo})
            parts = [parts[-1], *parts[:-1]]
            many = asyncio.create_task(client.post("/v1/recognize", files=parts))
            await until(lambda: door.operation.threads.borrowed_tokens == 1)
            one = asyncio.create_task(post(client, "one", photo))
            await until(lambda: door.operation.threads.statistics().tasks_waiting == 1)
            valve.open.set()
            assert (await one).status_code == 200
            assert [told["photo"] for told in (await many).json()] == [
                name for _, (name, _) in parts
            ]

    asyncio.run(ask())
    assert valve.seen.index("one") <= 2  # behind what was in work, and one more of the many
    assert len(valve.seen) == 8


def test_an_answer_that_takes_too_long_is_given_up_and_the_rest_not_begun(
    recognizer: Recognizer, photo: bytes
) -> None:
    door = Door(recognizer, limits=Limits(seconds_per_request=0.5), workers=1)
    valve, operation = Valve(door), door.operation

    async def ask() -> httpx.Response:
        async with door.open() as client:
            parts = form({"slow": photo, "never": photo})
            answer = await client.post("/v1/recognize", files=parts)
            assert operation.taken == 0
            assert operation.memory.held == len(photo)  # the one that a thread still has
            assert operation.threads.borrowed_tokens == 1
            valve.open.set()
            await until(lambda: operation.threads.borrowed_tokens == 0)
        return answer

    answer = asyncio.run(ask())
    refused(answer, 503, "timeout", saying=r"within 0\.5 s")
    assert answer.headers["retry-after"] == "1"
    assert operation.memory.held == 0
    assert valve.seen == ["slow"]


def test_photos_that_a_thread_still_has_leave_neither_room_nor_a_thread_for_others(
    recognizer: Recognizer, photo: bytes
) -> None:
    limits = Limits(seconds_per_request=0.5, bytes_in_memory=len(photo) + 1)
    door = Door(recognizer, limits=limits, workers=1)
    valve = Valve(door)

    async def ask() -> None:
        async with door.open() as client:
            refused(await post(client, "slow", photo), 503, "timeout")
            refused(await post(client, "large", photo), 503, "memory")
            refused(await post(client, "small", b"x"), 503, "timeout")
            assert valve.seen == []
            valve.open.set()
            await until(lambda: door.operation.memory.held == 0)
            assert (await post(client, "large", photo)).status_code == 200

    asyncio.run(ask())


def test_a_photo_that_is_done_after_the_end_of_the_service_is_no_failure(
    recognizer: Recognizer, photo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    door = Door(recognizer, limits=Limits(seconds_per_request=0.5), workers=1)
    valve = Valve(door)
    refused(door.post("/v1/recognize?name=slow", photo), 503, "timeout")  # with it ends its loop
    valve.open.set()
    wait_for(lambda: valve.seen == ["slow"])
    assert caplog.text == ""


def test_a_request_that_arrives_too_slowly_takes_no_place(
    recognizer: Recognizer, photo: bytes
) -> None:
    door = Door(recognizer, limits=Limits(seconds_per_request=1.0, waiting=0), workers=1)

    async def trickle() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"0"
            await asyncio.sleep(0.05)

    async def ask() -> tuple[httpx.Response, httpx.Response]:
        async with door.open() as client:
            slow = asyncio.create_task(client.post("/v1/recognize", content=trickle()))
            await asyncio.sleep(0.2)
            assert door.operation.taken == 0
            return await client.post("/v1/annotate", content=photo), await slow

    quick, slow = asyncio.run(ask())
    assert quick.status_code in (200, 503)  # 503 only where a picture takes a second
    refused(slow, 408, "slow")


def test_portraits_are_found_behind_limits_too(recognizer: Recognizer) -> None:
    door = Door(recognizer, limits=Limits(pixels_per_photo=512 * 600))
    (face,) = door.post("/v1/recognize", encode(portrait())).json()["faces"]
    assert face["label"] in ("eyeglasses", "unsure")
