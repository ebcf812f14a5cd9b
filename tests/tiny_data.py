"""Small photos that look a little like the CMU's, and recipes that learn them within seconds."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gafas.datasets import eyewear
from gafas.datasets.cmu import read_samples
from gafas.datasets.samples import EYEWEAR_LABELS, Sample
from gafas.training.recipe import Recipe, make_recipe

PEOPLE = ("ann", "bob", "cy", "dee", "eve")

_SIZES = {"": (32, 30), "_2": (16, 15)}

_TINY: dict[str, Any] = {
    "name": "tiny",
    "seed": 3,
    "input": {"width": 16, "height": 15, "scales": ["full", "half"]},
    "split": {"protocol": "by_subject", "folds": 5, "validation_share": 0.25},
    "network": {"architecture": "compact", "filters": [4, 4], "dropout": 0.2},
    "augmentation": {"shift": 0.1, "flip": True, "brightness": 0.2, "noise": 5.0},
    "optimization": {"learning_rate": 0.01, "epochs": 4, "batch_size": 16},
}


def draw_face(generator: np.random.Generator, *, sunglasses: bool) -> Image.Image:
    """Draw a bright oval on a cloudy ground of its own; sunglasses are a black bar across it."""
    y, x = np.mgrid[0:30, 0:32]
    middle = generator.integers(13, 19)
    ground = Image.fromarray(generator.integers(40, 150, (4, 4), np.uint8))
    picture = np.asarray(ground.resize((32, 30), Image.Resampling.BICUBIC), np.float64).copy()
    picture[((x - middle) / 10) ** 2 + ((y - 15) / 13) ** 2 < 1] = generator.integers(170, 230)
    if sunglasses:
        picture[10:14, middle - 8 : middle + 9] = 5
    picture += generator.normal(0, 6, picture.shape)
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


def make_faces(folder: Path, *, people: Sequence[str] = PEOPLE) -> tuple[Sample, ...]:
    """Write photos named as the CMU's, at two sizes, and read them: 16 files a person."""
    generator = np.random.default_rng(11)
    for person in people:
        (folder / "faces" / person).mkdir(parents=True)
        for pose in ("left", "up"):
            for expression in ("happy", "sad"):
                for eyes in ("sunglasses", "open"):
                    face = draw_face(generator, sunglasses=eyes == "sunglasses")
                    name = f"{person}_{pose}_{expression}_{eyes}"
                    for ending, size in _SIZES.items():
                        path = folder / "faces" / person / f"{name}{ending}.pgm"
                        face.resize(size, Image.Resampling.BOX).save(path)
    return read_samples(folder, scales=("full", "half"))


def make_sets(folder: Path) -> tuple[Sample, ...]:
    """Write photos in the layout of the eyewear sets, and read them."""
    generator = np.random.default_rng(5)
    for label in EYEWEAR_LABELS:
        (folder / "utkface" / label).mkdir(parents=True)
        for number in range(20):
            # Coarse noise: no two photos look alike to a perceptual hash.
            noise = generator.integers(0, 256, (8, 8), np.uint8)
            photo = Image.fromarray(noise).resize((32, 32), Image.Resampling.NEAREST)
            photo.save(folder / "utkface" / label / f"{20 + number}_0_0_{number:06}.png")
    return eyewear.read_samples(folder, sets=["utkface"])


def tiny_recipe(**changes: Any) -> Recipe:
    """Return a recipe that learns `make_faces` in seconds; sections are merged, not replaced."""
    table = {key: dict(v) if isinstance(v, dict) else v for key, v in _TINY.items()}
    for key, value in changes.items():
        table[key] = table[key] | value if isinstance(table.get(key), dict) else value
    return make_recipe(table)


def rename(recipe: Recipe, name: str) -> Recipe:
    """Return the same recipe under another name."""
    return dataclasses.replace(recipe, name=name)
