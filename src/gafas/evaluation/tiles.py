"""Photos of predictions, small and inline, for the report's grids."""

import base64
import dataclasses
import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gafas.errors import ImageError
from gafas.images import load_photo

PhotoFinder = Callable[[str], Path | None]

_SIDE = 160  # pixels of a photo's longer side: a tile is 106 CSS pixels wide, more on fine screens


@dataclasses.dataclass(frozen=True, slots=True)
class Tile:
    """One prediction beside its photo.

    Attributes:
        name: the sample's name.
        uri: the photo as a `data:` URI, or None where it is missing or cannot be read.
        truth, predicted: labels as the model says them.
        probability: what the model gives to its answer, 0–1.
    """

    name: str
    uri: str | None
    truth: str
    predicted: str
    probability: float


def make_tiles(rows: Iterable[Mapping[str, Any]], photos: PhotoFinder) -> list[Tile]:
    """Turn rows of an evaluation into tiles; a photo that is not there is no error."""
    return [
        Tile(
            name=row["name"],
            uri=_embed(photos(row["name"])),
            truth=row["truth"],
            predicted=row["predicted"],
            probability=float(row["probabilities"][row["predicted"]]),
        )
        for row in rows
    ]


def _embed(path: Path | None) -> str | None:
    """Return a small copy of a photo as a data URI; grey photos take one channel."""
    if path is None or not path.is_file():
        return None
    try:
        pixels = load_photo(path, side=_SIDE).image
    except ImageError:
        return None
    grey = bool(np.all(pixels == pixels[..., :1]))
    picture = Image.fromarray(pixels[..., 0] if grey else pixels)
    picture.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    octets = io.BytesIO()
    picture.save(octets, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(octets.getvalue()).decode("ascii")
