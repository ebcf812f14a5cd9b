"""Small real photos whose answers stand in their names, for what tags them by thousands."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from gafas.results import Face, Prediction, Recognition
from gafas.tagging.journal import Options
from gafas.tagging.tag import Tagged, tag_photos

OPTIONS = Options("0" * 64, 0.8)
SIZE = (60, 40)


def make_photos(folder: Path, names: Sequence[str]) -> list[str]:
    """Write photos, each with a time and a brightness of its own; return their paths."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = np.full((SIZE[1], SIZE[0], 3), 20 + number % 200, np.uint8)
        Image.fromarray(image).save(path)
        os.utime(path, ns=(0, 1_600_000_000_123_456_789 + number))
    return [str(folder / name) for name in names]


def recognize(photos: Iterable[str]) -> Iterator[Recognition]:
    """Answer with the labels that begin a photo's name: `none+sunglasses 3.jpg`."""
    for photo in photos:
        labels = Path(photo).stem.split()[0].split("+")
        faces = [
            Prediction(Face((12 * at, 8, 12 * at + 10, 20)), label, {"none": 1.0})
            for at, label in enumerate(labels)
            if label != "nobody"
        ]
        yield Recognition(photo, *SIZE, tuple(faces))


def tag(folder: Path, photos: Sequence[str], options: Options = OPTIONS) -> list[Tagged]:
    return list(tag_photos(photos, recognize, folder=folder, options=options))


def read_all(folder: Path) -> dict[str, bytes]:
    """Return the content of every file, journals too, by its path in the folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
