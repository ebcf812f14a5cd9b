"""Photos of predictions, small and inline, for the report's grids."""

import base64
import dataclasses
import hashlib
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
        uri: the photo as a `data:` URI, or None where it is missing, changed or cannot be read.
        truth, predicted: labels as the model says them.
        probability: what the model gives to its answer, 0–1.
        changed: whether the photo is there, but is another than the one that was evaluated.
    """

    name: str
    uri: str | None
    truth: str
    predicted: str
    probability: float
    changed: bool = False


def make_tiles(rows: Iterable[Mapping[str, Any]], photos: PhotoFinder) -> list[Tile]:
    """Turn rows of an evaluation into tiles; a photo that is not there is no error."""
    return [_make_tile(row, _read(photos(row["name"]))) for row in rows]


def _make_tile(row: Mapping[str, Any], content: bytes | None) -> Tile:
    known = row.get("sha256")
    changed = bool(content and known and hashlib.sha256(content).hexdigest() != known)
    return Tile(
        name=row["name"],
        uri=None if changed or content is None else _embed(content),
        truth=row["truth"],
        predicted=row["predicted"],
        probability=float(row["probabilities"][row["predicted"]]),
        changed=changed,
    )


def _read(path: Path | None) -> bytes | None:
    try:
        return path.read_bytes() if path is not None else None
    except OSError:
        return None


def _embed(content: bytes) -> str | None:
    """Return a small copy of a photo as a data URI; grey photos take one channel."""
    try:
        pixels = load_photo(content, side=_SIDE).image
    except ImageError:
        return None
    grey = bool(np.all(pixels == pixels[..., :1]))
    picture = Image.fromarray(pixels[..., 0] if grey else pixels)
    picture.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    octets = io.BytesIO()
    picture.save(octets, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(octets.getvalue()).decode("ascii")
