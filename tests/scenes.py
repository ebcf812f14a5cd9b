"""Small sets in the layout of the eyewear sets: faces in folders, whole photos with boxes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from gafas.datasets.eyewear import SCENES, SETS

Row = tuple[str, tuple[float, float, float, float], str, str]
"""File, box, label, tags."""


def draw_cloud(seed: int) -> Image.Image:
    """Return a picture that looks like no other to a perceptual hash."""
    coarse = np.random.default_rng(seed).integers(0, 256, (24, 24, 3), np.uint8)
    return Image.fromarray(coarse).resize((64, 64), Image.Resampling.BICUBIC)


def write_cloud(path: Path, *, seed: int) -> None:
    """Write such a picture, and the folder that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draw_cloud(seed).save(path)


def make_rooms(folder: Path) -> Path:
    """Make the folders of all sets that are learnt from; those of whole photos list none."""
    for name in SETS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name in SCENES:
        write_scenes(folder, name, rows=(), sources={})
    (folder / "sources.csv").write_text("file,repo,path,licence,attribution\n", encoding="utf-8")
    return folder


def write_scenes(
    folder: Path, name: str, *, rows: Sequence[Row], sources: Mapping[str, tuple[str, str]]
) -> None:
    """Write the tables of a set of whole photos: rows, and repository and licence of each file."""
    room = folder / name
    room.mkdir(parents=True, exist_ok=True)
    faces = [f"{file},{','.join(map(str, box))},{label},{tags}" for file, box, label, tags in rows]
    told = [f"{file},{repo},x,{licence},y" for file, (repo, licence) in sources.items()]
    for table, heading, lines in (
        ("faces.csv", "file,x1,y1,x2,y2,label,tags", faces),
        ("photos.csv", "file,repo,path,licence,attribution", told),
    ):
        (room / table).write_text("\n".join([heading, *lines, ""]), encoding="utf-8")
