"""Paint the pictures of `gafas selfcheck`, and store what the model that ships says of them.

Run it by `make selfcheck-answers`, whenever the weights change. Nobody is portrayed: the faces are
painted shapes, their glasses are rendered.
"""

import io
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from gafas.errors import GafasError
from gafas.files import write_bytes, write_text
from gafas.recognizer import Recognizer
from gafas.results import ImageArray
from gafas.selfcheck import ANSWERS, PICTURES, describe_answers
from gafas.synthesis.glasses import Glasses, Outline, Reflection
from gafas.synthesis.rendering import put_on
from tools.painter import Colour, Person, paint_person, paint_room

READING = Glasses(outline=Outline(0.8, 0.5, 3.4, 2.8, 0.04), rim=0.06)
SUN = Glasses(
    outline=Outline(0.92, 0.66, 3.2, 2.3, 0.08, 0.06),
    gap=0.24,
    rim=0.07,
    drop=0.1,
    darkness=0.96,
    gradient=0.1,
    reflection=Reflection("streak", strength=0.25),
)

_PALE = Person((240, 205, 185), (200, 160, 90), (80, 110, 140), (200, 200, 205))
_OLIVE = Person((222, 178, 150), (70, 48, 36), (92, 70, 50), (60, 80, 120))
_BROWN = Person((150, 104, 78), (24, 20, 20), (50, 34, 24), (140, 60, 50))

_GREEN: Colour = (90, 110, 90)
_BLUE: Colour = (120, 150, 170)
_SAND: Colour = (170, 160, 140)

_log = logging.getLogger(__name__)


def main() -> int:
    """Write the pictures, then the answers of the model that ships."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        write_pictures(PICTURES)
        write_text(PICTURES / ANSWERS, describe_answers(Recognizer(), PICTURES, names=[*DRAWN]))
    except GafasError as error:
        _log.error("%s", error)
        return 1
    _log.info("Wrote %d pictures and their answers into %s.", len(DRAWN), PICTURES)
    return 0


def write_pictures(folder: Path) -> None:
    """Paint every picture and write it into a folder."""
    for name, draw in DRAWN.items():
        write_bytes(folder / name, draw())


def draw_bare() -> bytes:
    """Draw a bare face, as a JPEG."""
    return encode(paint_portrait(_PALE, None, room=_GREEN), "JPEG")


def draw_reading() -> bytes:
    """Draw eyeglasses, as a progressive JPEG."""
    image = paint_portrait(_OLIVE, READING, room=_BLUE)
    return encode(image, "JPEG", progressive=True)


def draw_sun() -> bytes:
    """Draw sunglasses, as a WebP."""
    return encode(paint_portrait(_BROWN, SUN, room=_SAND), "WEBP")


def draw_turned() -> bytes:
    """Draw sunglasses as a phone held upright stores them: lying, with a note to turn them."""
    lying = np.rot90(paint_portrait(_OLIVE, SUN, room=_SAND))
    return encode(np.ascontiguousarray(lying), "JPEG", orientation=6)


def draw_two() -> bytes:
    """Draw two people, one in eyeglasses, one in sunglasses, as a grey JPEG."""
    image = paint_room(300, 200, _BLUE)
    for person, glasses, x in ((_PALE, SUN, 80.0), (_BROWN, READING, 220.0)):
        image, points = paint_person(image, person, middle=(x, 90.0), unit=36.0)
        image = put_on(image, points, glasses=glasses)
    file = io.BytesIO()
    Image.fromarray(image).convert("L").save(file, "JPEG", quality=90)
    return file.getvalue()


def draw_hills() -> bytes:
    """Draw hills under a sky, and nobody, as a PNG with a palette."""
    y, x = np.mgrid[:150, :200]
    image = np.empty((150, 200, 3), np.uint8)
    image[:] = (150, 190, 225)
    image[(y - 30) ** 2 + (x - 150) ** 2 < 15**2] = (250, 240, 180)
    for height, colour in ((85, (110, 150, 110)), (110, (70, 110, 60))):
        image[y > height + 12 * np.sin(x / (height / 4) + height)] = colour
    file = io.BytesIO()
    Image.fromarray(image).quantize(16).save(file, "PNG", optimize=True)
    return file.getvalue()


def paint_portrait(person: Person, glasses: Glasses | None, *, room: Colour) -> ImageArray:
    """Paint one person, 200 × 240 pixels."""
    image, points = paint_person(
        paint_room(200, 240, room), person, middle=(100.0, 110.0), unit=46.0
    )
    return image if glasses is None else put_on(image, points, glasses=glasses)


def encode(
    image: ImageArray, kind: str, *, progressive: bool = False, orientation: int = 1
) -> bytes:
    """Return a file's bytes, with an EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, quality=90, progressive=progressive, exif=exif)
    return file.getvalue()


DRAWN: dict[str, Callable[[], bytes]] = {
    "bare.jpg": draw_bare,
    "eyeglasses.jpg": draw_reading,
    "sunglasses.webp": draw_sun,
    "turned.jpg": draw_turned,
    "two.jpg": draw_two,
    "nobody.png": draw_hills,
}
"""How each picture is made; answers are stored in this order."""


if __name__ == "__main__":
    sys.exit(main())
