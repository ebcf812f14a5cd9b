"""Make the photos that `speed.py` times: always the same, from what two packages ship.

The portrait of Grace Hopper comes with matplotlib, the temple behind it with scikit-learn. Both are
smooth when enlarged; grain is added, so that a file is as large, and as slow to decode, as a
camera's.
"""

from pathlib import Path

import matplotlib.cbook
import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

SMALL_SIDE = 250
BIG_SIZE = (4000, 3000)
MOST_PEOPLE = 3
_GRAIN = 3.5  # the standard deviation of the brightness, of 255


def make_small(folder: Path, *, count: int) -> list[Path]:
    """Write square portraits of `SMALL_SIDE` pixels: one face each, nearer or further, turned."""
    person, chance = _portrait(), np.random.default_rng(0)
    folder.mkdir()
    paths = [folder / f"{number:04}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        side = chance.uniform(380, person.width)
        left, top = chance.uniform(0, person.width - side), chance.uniform(0, 60)
        turned = person.rotate(chance.uniform(-8, 8), Image.Resampling.BICUBIC, fillcolor="gray")
        seen = turned.crop((int(left), int(top), int(left + side), int(top + side)))
        seen = seen.resize((SMALL_SIDE, SMALL_SIDE), Image.Resampling.LANCZOS)
        seen = seen.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if number % 2 else seen
        seen.save(path, quality=90)
    return paths


def make_big(folder: Path, *, count: int) -> list[Path]:
    """Write photos of 12 megapixels: one to three people of several sizes before a temple.

    The first of every three shows one person.
    """
    person, chance = _portrait(), np.random.default_rng(0)
    temple = Image.fromarray(load_sample_image("china.jpg"))
    temple = temple.resize(BIG_SIZE, Image.Resampling.BICUBIC)
    grain = np.round(_GRAIN * chance.standard_normal(BIG_SIZE[::-1], np.float32)).astype(np.int16)
    folder.mkdir()
    paths = [folder / f"{number:04}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        photo, people = temple.copy(), 1 + number % MOST_PEOPLE
        for place in range(people):
            height = int(chance.uniform(700, 2400) / people**0.5)
            tall = person.resize((height * person.width // person.height, height))
            left = (place + chance.uniform(0.1, 0.5)) * BIG_SIZE[0] / people
            photo.paste(tall, (int(left), BIG_SIZE[1] - height))
        grainy = np.asarray(photo) + np.roll(grain, 997 * number)[..., np.newaxis]
        Image.fromarray(np.clip(grainy, 0, 255).astype(np.uint8)).save(path, quality=90)
    return paths


def _portrait() -> Image.Image:
    path = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    with Image.open(path) as opened:
        return opened.convert("RGB")
