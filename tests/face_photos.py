"""Photos of one real face, and a real model of faces whose answers can be computed by heart."""

import dataclasses
import io
from collections.abc import Sequence
from typing import Any

import matplotlib.cbook
import numpy as np
from PIL import Image

from brightness_model import METADATA, NOTHING_FURTHER, brightness_model
from gafas.crops import CropGeometry
from gafas.images import load_image
from gafas.results import ImageArray

BOX = (176.7, 114.1, 350.9, 333.5)  # the face in the portrait, looked at and approved
GEOMETRY = dataclasses.asdict(CropGeometry())


CHECK = {"least": 0.1, "detector": 1.0, "not_a_face": 1.0, "offset": 0.0, "cut": 0.5}


def face_model(*, side: int = 64, colour: str = "rgb", **metadata: Any) -> bytes:
    """Return a model of faces: mean brightness b of the crop, 0–1 → dark 1 - b, bright b.

    With a `face_check` it takes what is dark for no face, with the probability 1 - b.
    """
    shown = {"view": "face", "width": side, "height": side, "colour": colour, "crop": GEOMETRY}
    channels = 1 if colour == "grey" else 3
    further = {"not_a_face": 1} if "face_check" in metadata else NOTHING_FURTHER
    about = {**METADATA, **shown, **metadata}
    return brightness_model(("N", side, side, channels), metadata=about, further=further)


def portrait() -> ImageArray:
    """Return the portrait of Grace Hopper that matplotlib ships: 512 × 600, one face."""
    return load_image(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))


def faceless() -> ImageArray:
    """Return a landscape: sky, a sun, hills."""
    lines, columns = np.mgrid[:300, :400]
    image = np.empty((300, 400, 3), np.uint8)
    image[:] = np.stack([120 + lines // 6, 160 + lines // 6, 230 - lines // 6], axis=2)
    image[(lines - 60) ** 2 + (columns - 300) ** 2 < 30**2] = (250, 240, 180)
    image[lines > 200 + 25 * np.sin(columns / 45)] = (60, 110, 50)
    return image


def crowd(places: Sequence[tuple[int, int]], *, size: tuple[int, int], tall: int) -> ImageArray:
    """Return a grey image of (width, height) with the portrait, so tall, pasted at each place."""
    picture = Image.new("RGB", size, (150, 150, 150))
    person = Image.fromarray(portrait())
    person = person.resize((round(tall * 512 / 600), tall), Image.Resampling.LANCZOS)
    for place in places:
        picture.paste(person, place)
    return np.asarray(picture)


def encode(image: ImageArray, kind: str = "JPEG", *, orientation: int = 1) -> bytes:
    """Return a file's bytes, with an EXIF orientation if it is not upright."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, quality=95, exif=exif)
    return file.getvalue()
