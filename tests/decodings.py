"""How large photos are decoded while they are recognized."""

import pytest

import gafas.recognizer
from gafas.images import ImageSource, load_photo
from gafas.results import Photo


class Decodings:
    """Note at which scales a photo is decoded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.scales: list[float] = []
        monkeypatch.setattr(gafas.recognizer, "load_photo", self)

    def __call__(self, source: ImageSource, **sizes: int | None) -> Photo:
        photo = load_photo(source, **sizes)
        self.scales.append(photo.scale)
        return photo
