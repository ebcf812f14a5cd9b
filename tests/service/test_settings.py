"""Nobody can make the service hold, read or do more than it takes on."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from face_photos import encode, faceless, portrait
from gafas.recognizer import Recognizer
from gafas.results import Recognition
from gafas.service import Limits
from gafas.service.operation import Select, Workers
from gafas.service.uploads import Upload
from service_client import Door, form, refused, wait_for

Look = Callable[[Upload, Select], Recognition]


@pytest.fixture(scope="module")
def photo() -> bytes:
    return encode(faceless())


class Valve:
    """Hold up the threads at the photos named `slow`, until it is opened."""

    def __init__(self, door: Door) -> None:
        self.open = threading.Event()
        self.seen: list[str] = []
        self._look: Look = door.operation.recognize
        door.operation.recognize = self

    def __call__(self, upload: Upload, select: Select) -> Recognition:
        if upload.name.startswith("slow"):
            assert self.open.wait(60)
        self.seen.append(upload.name)
        return self._look(upload, select)


async def post(client: httpx.AsyncClient, name: str, photo: bytes) -> httpx.Response:
    return await client.post("/v1/recognize", content=photo, params={"name": name})


def test_a_large_photo_is_refused_by_its_declared_length(
    recognizer: Recognizer, photo: bytes
) -> None:
    door = Door(recognizer, limits=Limits(bytes_per_photo=len(photo)))
    assert door.post("/v1/recognize", photo).status_code == 200
    answer = door.post("/v1/recognize", photo + b"0")
    refused(answer, 413, "too-many-bytes", saying=f"{len(photo) + 1:,}")


def test_a_large_photo_of_no_declared_length_is_refused_while_it_arrives(
    recognizer: Recognizer,
) -> None:
    sent = 0

    async def pour() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1000
            yield bytes(1000)

    async def ask() -> httpx.Response:
        door = Door(recognizer, limits=Limits(bytes_per_photo=5000))
        async with door.open() as client:
            return await client.post("/v1/recognize", content=pour())

    async def ask_in_time() -> httpx.Response:
        return await asyncio.wait_for(ask(), 60)

    refused(asyncio.run(ask_in_time()), 413, "too-many-bytes", saying="6,000 or more")
    assert sent >= 6000


def test_a_large_photo_of_a_form_does_not_stop_the_others(
    recognizer: Recognizer, photo: bytes
) -> None:
    door = Door(recognizer, limits=Limits(bytes_per_photo=len(photo)))
    parts = form({"large.jpg": photo + b"0", "fits.jpg": photo})
    large, fits = door.post("/v1/recognize", files=parts).json()
    assert "too large" in large["error"]
    assert fits["error"] is None
    assert door.operation.memory.held == 0


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


def test_too_many_photos_are_refused(recognizer: Recognizer, photo: bytes) -> None:
    door = Door(recognizer, limits=Limits(photos_per_request=2))
    assert len(door.post("/v1/recognize", files=form({"a": photo, "b": photo})).json()) == 2
    three = form({"a": photo, "b": photo, "c": photo})
    refused(door.post("/v1/recognize", files=three), 413, "too-many-photos", saying="at most 2")


def test_all_bodies_together_stay_under_the_limit(recognizer: Recognizer, photo: bytes) -> None:
    door = Door(recognizer, limits=Limits(bytes_in_memory=3 * len(photo)))
    four = form(dict.fromkeys("abcd", photo))
    refused(door.post("/v1/recognize", files=four), 413, "too-many-bytes")
    door.operation.memory.held = 3 * len(photo)  # as other requests would hold
    answer = door.post("/v1/recognize", photo)
    refused(answer, 503, "memory")
    assert answer.headers["retry-after"] == "1"
    door.operation.memory.held = 0
    assert door.post("/v1/recognize", photo).status_code == 200
    assert door.operation.memory.held == 0


def test_a_full_service_refuses_at_once_and_says_when_to_come_back(
    recognizer: Recognizer, photo: bytes
) -> None:
    door = Door(recognizer, limits=Limits(waiting=2), workers=1)
    valve = Valve(door)

    async def ask() -> tuple[httpx.Response, float, list[httpx.Response]]:
        async with door.open() as client:
            slow = [asyncio.create_task(post(client, f"slow{n}", photo)) for n in range(3)]
            while door.operation.workers.taken < 3:
                await asyncio.sleep(0.01)
            began = time.monotonic()
            answer = await client.post("/v1/recognize", content=photo)
            took = time.monotonic() - began
            assert (await client.get("/readyz")).status_code == 200
            valve.open.set()
            return answer, took, [await one for one in slow]

    answer, took, slow = asyncio.run(ask())
    refused(answer, 503, "full", saying="3 requests")
    assert answer.headers["retry-after"] == "1"
    assert took < 5
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
            while not door.operation.workers.busy:
                await asyncio.sleep(0.01)
            one = asyncio.create_task(post(client, "one", photo))
            while door.operation.workers.taken < 2:
                await asyncio.sleep(0.01)
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
    valve = Valve(door)
    answer = door.post("/v1/recognize", files=form({"slow": photo, "never": photo}))
    refused(answer, 503, "timeout", saying=r"within 0\.5 s")
    assert answer.headers["retry-after"] == "1"
    assert door.operation.workers.taken == 0
    assert door.operation.memory.held == len(photo)  # of the two, the one that a thread still has
    valve.open.set()
    wait_for(lambda: door.operation.workers.busy == 0)
    assert door.operation.memory.held == 0
    assert valve.seen == ["slow"]


def test_photos_that_a_thread_still_holds_leave_no_room_for_others(
    recognizer: Recognizer, photo: bytes
) -> None:
    limits = Limits(seconds_per_request=0.5, bytes_in_memory=len(photo))
    door = Door(recognizer, limits=limits, workers=1)
    valve = Valve(door)
    refused(door.post("/v1/recognize?name=slow", photo), 503, "timeout")
    refused(door.post("/v1/recognize", photo), 503, "memory")
    valve.open.set()
    wait_for(lambda: door.operation.memory.held == 0)


def test_a_photo_that_is_done_after_the_end_of_the_service_is_no_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    workers, ready, done = Workers(1, waiting=0), threading.Event(), threading.Event()

    def work() -> None:
        ready.set()
        assert done.wait(60)

    async def begin() -> None:
        running = asyncio.create_task(workers.run([work]))
        while not ready.is_set():
            await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(begin())
    done.set()
    wait_for(lambda: workers.busy == 0)
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
            assert door.operation.workers.taken == 0
            return await client.post("/v1/annotate", content=photo), await slow

    quick, slow = asyncio.run(ask())
    assert quick.status_code in (200, 503)  # 503 only where a picture takes a second
    refused(slow, 408, "slow")


@pytest.mark.parametrize(
    ("body", "headers", "status", "reason"),
    [
        (b"x", {"Content-Encoding": "gzip"}, 415, "media-type"),
        (b"x", {"Content-Type": "multipart/mixed; boundary=a"}, 415, "media-type"),
        (b"x", {"Content-Type": "multipart/form-data"}, 400, "form"),
        (b"x", {"Content-Type": "multipart/form-data; boundary=a"}, 400, "form"),
        (b"--a\r\n", {"Content-Type": "multipart/form-data; boundary=a"}, 400, "form"),
        (b"--a--\r\n", {"Content-Type": "multipart/form-data; boundary=a"}, 422, "no-photo"),
        (b"x", {"Content-Type": f"multipart/form-data; boundary={'a' * 999}"}, 400, "form"),
    ],
)
def test_bodies_that_are_not_understood_are_refused(
    door: Door, body: bytes, headers: dict[str, str], status: int, reason: str
) -> None:
    refused(door.post("/v1/recognize", body, headers=headers), status, reason)
    assert door.operation.memory.held == 0


def test_a_form_without_the_field_says_which_field_is_wanted(door: Door, photo: bytes) -> None:
    answer = door.post("/v1/recognize", files=form({"a.jpg": photo}, field="photo"))
    refused(answer, 422, "no-photo", saying="field 'photos'.*'photo'")


def test_forms_are_read_alike_however_they_are_cut(recognizer: Recognizer, photo: bytes) -> None:
    request: Any = httpx.Request("POST", "http://localhost", files=form({"ñ.jpg": photo}))
    body = request.read()

    async def ask(size: int) -> httpx.Response:
        async def pour() -> AsyncIterator[bytes]:
            for start in range(0, len(body), size):
                yield body[start : start + size]

        async with Door(recognizer).open() as client:
            headers = {"Content-Type": request.headers["content-type"]}
            return await client.post("/v1/recognize", content=pour(), headers=headers)

    answers = [asyncio.run(ask(size)).json() for size in (1, 7, 1000, len(body))]
    assert answers == [answers[0]] * 4
    assert answers[0][0]["photo"] == "ñ.jpg"
    assert answers[0][0]["error"] is None


@pytest.mark.parametrize("name", ["bytes_per_photo", "seconds_per_request", "photos_per_request"])
def test_limits_must_be_positive(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be positive. Received: 0"):
        Limits(**{name: 0})
    assert Limits(waiting=0).waiting == 0


def test_portraits_are_found_behind_limits_too(recognizer: Recognizer) -> None:
    door = Door(recognizer, limits=Limits(pixels_per_photo=512 * 600))
    (face,) = door.post("/v1/recognize", encode(portrait())).json()["faces"]
    assert face["label"] in ("eyeglasses", "unsure")
