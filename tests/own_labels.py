"""Photos with labels of one's own: a woman in two kinds of glasses, in many sizes and lights."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image
from tools.photos import SUNGLASSES

from face_photos import encode, faceless, portrait
from gafas.detection.detector import FaceDetector
from gafas.synthesis.rendering import put_on

EACH = 8
"""How many photos there are of each label."""


def make_moments() -> dict[str, bytes]:
    """Return photos by name, `<label> <number>.jpg`: of two kinds of glasses in unlike places."""
    woman, generator = portrait(), np.random.default_rng(6)
    (face,) = FaceDetector().detect(woman)
    kinds = {"shaded": put_on(woman, face.landmarks, glasses=SUNGLASSES), "office": woman}
    made = {}
    for label, image in kinds.items():
        for number in range(EACH):
            blocks = generator.integers(60, 200, (3, 4, 3), np.uint8)
            room = Image.fromarray(blocks).resize((640, 480), Image.Resampling.NEAREST)
            tall = int(generator.integers(260, 400))
            person = Image.fromarray(image).resize((tall * 5 // 6, tall))
            place = int(generator.integers(0, 640 - person.width)), 480 - tall
            room.paste(person, place)
            made[f"{label} {number}.jpg"] = encode(np.asarray(room))
    return made


def write_own_labels(folder: Path) -> Path:
    """Write photos and a CSV of their labels, each called another person's; return the CSV."""
    woman, generator = portrait(), np.random.default_rng(5)
    (face,) = FaceDetector().detect(woman)
    kinds = {"shaded": put_on(woman, face.landmarks, glasses=SUNGLASSES), "office": woman}
    rows = []
    for label, image in kinds.items():
        for number in range(EACH):
            side = int(generator.integers(300, 500))
            lit = np.clip(image * generator.uniform(0.6, 1.3), 0, 255).astype(np.uint8)
            seen = np.asarray(Image.fromarray(lit).resize((side, side * 6 // 5)))
            (folder / f"{label} {number}.jpg").write_bytes(encode(seen))
            rows.append((f"{label} {number}.jpg", label, f"{label}-{number}"))
    (folder / "sky.jpg").write_bytes(encode(faceless()))
    rows.append(("sky.jpg", "office", "nobody"))
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("file", "label", "subject"), *rows])
    return folder / "labels.csv"
