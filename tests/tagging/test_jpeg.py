"""A JPEG gets another packet, and keeps every other byte."""

import io

import numpy as np
import pytest
from PIL import Image

from face_photos import encode
from gafas.errors import DataError
from gafas.tagging.jpeg import read_packet, replace_packet

IMAGE = np.full((40, 60, 3), 120, np.uint8)
PACKET = b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><a/><?xpacket end="w"?>'


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def test_a_packet_that_was_put_in_is_read_again_and_the_picture_stays() -> None:
    before = encode(IMAGE, orientation=6)
    after = replace_packet(before, PACKET)
    assert read_packet(before) is None
    assert read_packet(after) == PACKET
    with Image.open(io.BytesIO(after)) as opened:
        assert opened.info["xmp"] == PACKET
        assert opened.getexif()[0x0112] == 6
    added = len(after) - len(before)
    at = after.index(b"http://ns.adobe.com") - 4
    assert after[:at] + after[at + added :] == before
    assert before[:at].endswith(before[2:at]), "JFIF and Exif come first"
    assert b"Exif" in after[:at]


def test_another_packet_takes_the_place_of_the_first() -> None:
    first = replace_packet(encode(IMAGE), PACKET)
    longer = PACKET.replace(b"<a/>", b"<a>longer</a>")
    second = replace_packet(first, longer)
    assert read_packet(second) == longer
    assert second.count(b"http://ns.adobe.com/xap/1.0/\0") == 1
    third = replace_packet(second, PACKET)
    assert read_packet(third) == PACKET.replace(b"<a/>", b"<a/>" + b" " * 9)
    assert len(third) == len(second)


def test_the_space_that_a_program_left_is_used_before_the_file_grows() -> None:
    spaced = PACKET.replace(b"<a/>", b"<a/>" + b" " * 500 + b"\n")
    before = replace_packet(encode(IMAGE), spaced)
    after = replace_packet(before, spaced.replace(b"<a/>", b"<a>longer</a>"))
    assert len(after) == len(before)
    assert b"<a>longer</a>" + b" " * 400 in after
    back = replace_packet(after, spaced)
    assert back == before
    grown = replace_packet(before, spaced.replace(b"<a/>", b"<a>" + b"x" * 900 + b"</a>"))
    assert len(grown) > len(before)


def test_what_another_program_put_elsewhere_stays_where_it_is() -> None:
    before = replace_packet(encode(IMAGE), PACKET)
    further = segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 40 + b"<more/>")
    at = before.index(b"http://ns.adobe.com/xap") - 4 + len(PACKET) + 33
    before = before[:at] + further + before[at:] + b"a trailer"
    after = replace_packet(before, PACKET.replace(b"<a/>", b"<a>longer</a>"))
    assert further in after
    assert after.endswith(b"a trailer")


def test_a_file_of_several_pictures_is_left_unless_there_is_room() -> None:
    plain = encode(IMAGE)
    several = plain[:2] + segment(0xE2, b"MPF\0" + bytes(20)) + plain[2:]
    with pytest.raises(DataError, match="several pictures"):
        replace_packet(several, PACKET)
    spaced = replace_packet(plain, PACKET.replace(b"<a/>", b"<a/>" + b" " * 99))
    several = spaced[:2] + segment(0xE2, b"MPF\0" + bytes(20)) + spaced[2:]
    after = replace_packet(several, PACKET.replace(b"<a/>", b"<a>longer</a>"))
    assert len(after) == len(several)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\x89PNG\r\n\x1a\n", "no JPEG"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "damaged"),
        (encode(IMAGE)[:60], "damaged"),
        (b"", "no JPEG"),
    ],
)
def test_what_is_no_whole_jpeg_is_refused(data: bytes, problem: str) -> None:
    for act in (read_packet, lambda one: replace_packet(one, PACKET)):
        with pytest.raises(DataError, match=problem):
            act(data)


def test_a_packet_that_has_no_room_is_refused() -> None:
    with pytest.raises(DataError, match="no room"):
        replace_packet(encode(IMAGE), PACKET.replace(b"<a/>", b"<a>" + b"x" * 65500 + b"</a>"))
