"""One recognizer for all tests of the service, and photos of every kind."""

import io

import pytest
from PIL import Image

from face_photos import crowd, encode, faceless, portrait
from gafas.recognizer import Recognizer
from service_client import Door


@pytest.fixture(scope="session")
def recognizer() -> Recognizer:
    return Recognizer()


@pytest.fixture
def door(recognizer: Recognizer) -> Door:
    return Door(recognizer)


@pytest.fixture(scope="session")
def photos() -> dict[str, bytes]:
    """Return photos by name: upright, turned, see-through, of a group, without a face, broken."""
    seen = Image.fromarray(portrait()).convert("RGBA")
    seen.putalpha(200)
    file = io.BytesIO()
    seen.save(file, "PNG")
    group = crowd([(20, 30), (330, 60)], size=(640, 420), tall=330)
    return {
        "portrait.jpg": encode(portrait()),
        "turned.jpg": encode(portrait().swapaxes(0, 1)[::-1].copy(), orientation=6),
        "see-through.png": file.getvalue(),
        "group.webp": encode(group, "WEBP"),
        "landscape.gif": encode(faceless(), "GIF"),
        "notes.txt": b"Hello, this is no photo",
        "cut short.jpg": encode(portrait())[:9000],
    }
