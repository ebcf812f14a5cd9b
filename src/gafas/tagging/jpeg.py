"""XMP packets within JPEG files; all else in a file stays, byte for byte."""

import dataclasses
from collections.abc import Iterator
from typing import Final

from gafas.errors import DataError

_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
_EXIF: Final = b"Exif\0"
_SEVERAL: Final = b"MPF\0"
_APP0, _APP1, _APP2, _SCAN = 0xE0, 0xE1, 0xE2, 0xDA
_MOST: Final = 65502  # what a segment has room for, beside its length and the packet's name


@dataclasses.dataclass(frozen=True, slots=True)
class _Segment:
    marker: int
    start: int
    end: int
    content: bytes


def read_packet(data: bytes) -> bytes | None:
    """Return the XMP packet of a JPEG file; None if it has none.

    What programs put elsewhere since it found no room (extended XMP) is not part of it.

    Raises:
        DataError: the file is no JPEG, or is damaged before its picture begins.
    """
    found = _find(list(_list_segments(data)))
    return found.content[len(_XMP) :] if found else None


def replace_packet(data: bytes, packet: bytes) -> bytes:
    """Put an XMP packet into a JPEG file, in place of the one that it has.

    The space that programs leave at a packet's end is used up first, so that the file keeps its
    size where it can.

    Raises:
        DataError: as `read_packet`; or the packet is too large, or the file holds several pictures,
            which are found by their distance, and would have to move.
    """
    segments = list(_list_segments(data))
    found = _find(segments)
    start = end = segments[0].end if found is None else 0
    if found is None:
        for one in segments:  # Exif must come first, and what some programs put before it
            if one.marker in (_APP0, _APP1) and not one.content.startswith(_XMP):
                start = end = one.end
            elif one.marker >= _APP0:
                break
    else:
        start, end = found.start, found.end
        packet = _fit(packet, len(found.content) - len(_XMP))
    if len(packet) > _MOST:
        raise DataError("Its XMP has no room for more. Leave --embed out, to write beside it.")
    length = len(_XMP) + len(packet) + 2
    segment = bytes((0xFF, _APP1)) + length.to_bytes(2, "big") + _XMP + packet
    several = any(one.marker == _APP2 and one.content.startswith(_SEVERAL) for one in segments)
    if several and len(segment) != end - start:
        raise DataError(
            "It holds several pictures, which would have to move. Leave --embed out, to write "
            "beside it."
        )
    return data[:start] + segment + data[end:]


def _fit(packet: bytes, length: int) -> bytes:
    """Give a packet a length, as far as the space at its end allows."""
    end = packet.rfind(b"<?xpacket end=")
    if packet[end + 15 : end + 16] != b"w":  # which says that it may be written
        return packet
    begin = len(packet[:end].rstrip())
    space = max(0, end - begin + length - len(packet))
    kept = packet[begin : min(end, begin + space)]
    return packet[:begin] + kept.ljust(space) + packet[end:]


def _find(segments: list[_Segment]) -> _Segment | None:
    mine = (one for one in segments if one.marker == _APP1 and one.content.startswith(_XMP))
    return next(mine, None)


def _list_segments(data: bytes) -> Iterator[_Segment]:
    """Yield what stands before the picture: first the mark of a JPEG, then each segment."""
    if not data.startswith(b"\xff\xd8\xff"):
        raise DataError("It is no JPEG. Leave --embed out, to write beside it.")
    yield _Segment(0xD8, 0, 2, b"")
    at = 2
    while True:
        while data[at : at + 2] == b"\xff\xff":  # filling
            at += 1
        if data[at : at + 1] != b"\xff" or at + 4 > len(data):
            raise DataError("It is damaged before its picture begins, so nothing is written.")
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _SCAN:
            return
        end = at + 2 + length
        yield _Segment(marker, at, end, data[at + 4 : end])
        at = end
