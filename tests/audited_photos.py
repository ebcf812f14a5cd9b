"""A labelled folder in which some is wrong: labels, faces, light and files."""

import csv
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from face_photos import crowd, encode, faceless, portrait
from own_labels import write_own_labels

WRONG = "sunglasses/office 3.jpg"
"""The photo whose label is wrong: it shows eyeglasses."""


def write_audited(folder: Path) -> Path:
    """Write folders of labels, with a wrong one and each thing that an audit speaks of."""
    given = folder / "given"
    given.mkdir()
    words = {"office": "eyeglasses", "shaded": "sunglasses"}
    photos = folder / "photos"
    for label in words.values():
        (photos / label).mkdir(parents=True)
    with write_own_labels(given).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["file"] != "sky.jpg":
                shutil.copy(given / row["file"], photos / words[row["label"]] / row["file"])
    (photos / "eyeglasses" / "office 3.jpg").rename(photos / WRONG)
    woman, mine = Image.fromarray(portrait()), photos / "eyeglasses"
    (mine / "sky.jpg").write_bytes(encode(faceless()))
    (mine / "broken.jpg").write_bytes(b"no photo")
    pair = crowd([(20, 20), (320, 120)], size=(640, 480), tall=300)
    (mine / "pair.jpg").write_bytes(encode(pair))
    (mine / "night.jpg").write_bytes(encode((portrait() * 0.15).astype(np.uint8)))
    (mine / "far.png").write_bytes(encode(np.asarray(woman.resize((52, 61))), "PNG"))
    return photos
