"""Draw the pictures of the two pages about checking photos: four photos, their verdicts and why.

Run it by `make screenshots`. The photos are those of `make demo`, one of them in paler lenses.
"""

import dataclasses
import io
import logging
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import matplotlib as mpl
import matplotlib.cbook
import skimage.data
from PIL import Image, ImageDraw, ImageFont

from gafas.check import Checked, Requirement, Rules, Verdict, check
from gafas.detection.detector import FaceDetector
from gafas.files import write_bytes
from gafas.labels import Language
from gafas.recognizer import Recognizer
from gafas.synthesis.rendering import put_on
from tools.photos import SUNGLASSES

ROOT = Path(__file__).resolve().parents[1]

PICTURES: Final[Mapping[Language, str]] = {
    "en": "docs/figures/check.webp",
    "es": "docs/figures/comprobar.webp",
}
"""The picture of each language."""

VERDICTS: Final = ("clear-eyes", "perhaps-dark-lenses", "dark-lenses", "tilted")
"""The reasons for the verdicts on the four photos, from left to right."""

_SIDE, _TEXT, _GAP = 300, 96, 16
_COLOURS: Final = {
    Verdict.passed: (0, 114, 84),
    Verdict.look: (158, 105, 0),
    Verdict.failed: (168, 50, 30),
}
_DARK: Final = (30, 30, 30)
_log = logging.getLogger(__name__)


def main() -> None:
    """Draw the pictures, and say how large they are."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    photos = make_photos()
    checked = check_photos(photos)
    for language, name in PICTURES.items():
        drawn = draw(photos, checked, language=language)
        file = io.BytesIO()
        drawn.save(file, "WEBP", quality=84, method=6)
        write_bytes(ROOT / name, file.getvalue())
        _log.info("Wrote %s: %d kB.", name, len(file.getvalue()) // 1000)


def make_photos() -> list[Image.Image]:
    """Return the four photos: clear glasses, pale lenses, dark ones, a head that leans."""
    portrait = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    astronaut = skimage.data.astronaut()
    (face,) = FaceDetector().detect(astronaut)
    pale = dataclasses.replace(SUNGLASSES, darkness=0.45)
    leaning = Image.fromarray(astronaut).rotate(25, Image.Resampling.BICUBIC)
    return [
        Image.open(portrait).convert("RGB"),
        *(
            Image.fromarray(put_on(astronaut, face.landmarks, glasses=glasses))
            for glasses in (pale, SUNGLASSES)
        ),
        leaning,
    ]


def check_photos(photos: list[Image.Image]) -> list[Checked]:
    """Decide about photos as `gafas check --require clear-eyes` does."""
    rules = Rules(Requirement.clear_eyes)
    return [check(found, rules) for found in Recognizer().recognize_many(photos)]


def draw(photos: list[Image.Image], checked: list[Checked], *, language: Language) -> Image.Image:
    """Return the photos' faces side by side, each with its verdict and the sentence."""
    width = len(photos) * (_SIDE + _GAP) - _GAP
    picture = Image.new("RGB", (width, _SIDE + _TEXT), "white")
    pen = ImageDraw.Draw(picture)
    for number, (photo, one) in enumerate(zip(photos, checked, strict=True)):
        left = number * (_SIDE + _GAP)
        picture.paste(_cut(photo, one), (left, 0))
        verdict = ImageFont.truetype(_find_letters("DejaVuSans-Bold"), 20)
        pen.text((left, _SIDE + 6), str(one.verdict), _COLOURS[one.verdict], verdict)
        sentence = textwrap.fill(one.say(language), 40)
        letters = ImageFont.truetype(_find_letters("DejaVuSans"), 14)
        pen.multiline_text((left, _SIDE + 34), sentence, _DARK, letters)
    return picture


def _cut(photo: Image.Image, checked: Checked) -> Image.Image:
    """Return a square around the face."""
    assert checked.face is not None, "every photo shows one face"
    x1, y1, x2, y2 = checked.face.box
    half, middle = (y2 - y1) * 0.9, ((x1 + x2) / 2, (y1 + y2) / 2)
    (left, right), (top, bottom) = ((at - half, at + half) for at in middle)
    return photo.crop((left, top, right, bottom)).resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)


def _find_letters(name: str) -> Path:
    """Return a font with accents, which Matplotlib brings along."""
    return Path(mpl.get_data_path()) / "fonts/ttf" / f"{name}.ttf"


if __name__ == "__main__":
    main()
