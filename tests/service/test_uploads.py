"""Bodies are read as they come, into memory alone, and no more of them than there is room for."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from face_photos import encode, faceless, portrait
from gafas.recognizer import Recognizer
from gafas.service.settings import MEBIBYTE, Limits
from service_client import Door, form, refused


@pytest.fixture(scope="module")
def photo() -> bytes:
    return encode(faceless())


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


def test_no_photo_is_written_to_disk(door: Door) -> None:
    listening, opened = True, list[str]()

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if listening and event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            opened.append(str(arguments[0]))

    sys.addaudithook(note)  # for good: a hook cannot be taken away
    large = encode(portrait(), "BMP") + bytes(4 * MEBIBYTE)
    (told,) = door.post("/v1/recognize", files=form({"large.bmp": large})).json()
    alone = door.post("/v1/recognize", large).json()
    listening = False
    assert len(told["faces"]) == len(alone["faces"]) == 1
    assert opened == []


def test_a_form_cut_short_after_a_photo_is_refused(door: Door, photo: bytes) -> None:
    request: Any = httpx.Request("POST", "http://localhost", files=form({"a": photo, "b": photo}))
    body, headers = request.read(), {"Content-Type": request.headers["content-type"]}
    for kept in (len(body) - 4, len(body) - len(photo)):
        answer = door.post("/v1/recognize", body[:kept], headers=headers)
        refused(answer, 400, "form", saying="before its last boundary")
