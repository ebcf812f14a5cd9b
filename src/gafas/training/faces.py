"""Face crops to learn from: cut by the functions that serve, with a margin to jitter in, kept."""

import dataclasses
import functools
import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import onnxruntime as ort
import PIL

from gafas.crops import CropGeometry, Points, cut_out, place_crop
from gafas.datasets.samples import Sample
from gafas.detection.detector import FaceDetector
from gafas.files import find_home, open_beside
from gafas.progress import show_progress
from gafas.recognizer import count_cores, find_central, find_faces, measure_detail, refine
from gafas.results import ImageArray
from gafas.weights import PINNED

MARGIN: Final = 1.25
"""How many times larger the crops are than what the network sees, in pixels and in the photo."""

KEPT_BYTES: Final = 4 * 1024**3
"""The crops under `GAFAS_HOME` take no more room than this: those longest unused go first."""

_log = logging.getLogger(__name__)


class Inputs(NamedTuple):
    """Photos as the network sees them, 0–255, and whose they are.

    Attributes:
        images: whole photos, squeezed, `(N, height, width, channels)`, or crops of faces with a
            margin all around, `(N, side, side, channels)`.
        samples: those of the given ones in which a face was found, in the same order; a network of
            whole photos sees all.
        points: `(N, 5, 2)`, the detector's landmarks in the crops' pixels, as in `Face.landmarks`;
            None for whole photos.
    """

    images: ImageArray
    samples: tuple[Sample, ...]
    points: Points | None = None


def add_margin(side: int) -> int:
    """Return the side of a stored crop, in pixels; the margin is as wide on all four sides.

    >>> add_margin(64)
    80
    """
    return side + 2 * round(side * (MARGIN - 1) / 2)


def cut_centre(images: ImageArray, side: int) -> ImageArray:
    """Cut the middle out of stored crops: what the served model would be shown, `(N, side, …)`."""
    rim = (images.shape[1] - side) // 2
    return images[:, rim : rim + side, rim : rim + side]


def read_faces(samples: Sequence[Sample], *, side: int) -> Inputs:
    """Cut the face nearest to the middle out of every photo, or take the crops made before.

    A photo in which no face is found is left out, for the served model would not see it either;
    how many is logged. The crops are kept under `GAFAS_HOME` and made anew when a photo's size or
    time, the detector or any code between a photo and its crop has changed.

    Args:
        samples: their photos.
        side: of what the network sees, in pixels; the crops are `add_margin(side)` wide.

    Raises:
        ImageError: a photo cannot be read.
    """
    path = find_home() / "faces" / f"{_hash_inputs(samples, side)}.npz"
    if not path.is_file():
        _cut_all(samples, side, target=path)
        _make_room(path.parent, newest=path)
    path.touch()  # used now, so that it is not the next to go
    with np.load(path, allow_pickle=False) as stored:
        images, points, found = (stored[name] for name in ("images", "points", "found"))
    kept = tuple(s for s, there in zip(samples, found, strict=True) if there)
    if len(kept) < len(samples):
        missed = len(samples) - len(kept)
        _log.warning("No face was found in %d of %d photos: left out.", missed, len(samples))
    return Inputs(images, kept, points)


def _hash_inputs(samples: Sequence[Sample], side: int) -> str:
    """Hash what the crops depend on; names and times of files are enough, and quick."""
    states = [(s.name, (state := s.path.stat()).st_size, state.st_mtime_ns) for s in samples]
    facts = [side, dataclasses.astuple(CropGeometry()), PINNED["retinaface.onnx"], _hash_code()]
    return hashlib.sha256(json.dumps([facts, states]).encode()).hexdigest()


@functools.cache
def _hash_code() -> str:
    """Hash the code between a photo and its crop, and the versions of what decodes and detects."""
    package = Path(__file__).parent.parent
    code = hashlib.sha256(f"{PIL.__version__} {ort.__version__}".encode())
    for path in sorted([*package.glob("*.py"), *package.glob("detection/*.py"), Path(__file__)]):
        code.update(path.read_bytes())
    return code.hexdigest()


def _cut_all(samples: Sequence[Sample], side: int, *, target: Path) -> None:
    """Cut all crops into one array, which is allotted once, and keep them with their landmarks."""
    wide = add_margin(side)
    images = np.empty((len(samples), wide, wide, 3), np.uint8)
    points = np.empty((len(samples), 5, 2))
    found = np.zeros(len(samples), np.bool_)
    detector = FaceDetector(threads=count_cores())
    places = range(len(samples))
    for at in show_progress(places, doing="Cutting faces", total=len(samples)):
        crop = _cut(samples[at].path, detector, side=side)
        if crop is not None:
            images[found.sum()], points[found.sum()] = crop
            found[at] = True
    count = found.sum()
    with open_beside(target) as file:
        np.savez(file, images=images[:count], points=points[:count], found=found)


def _cut(path: Path, detector: FaceDetector, *, side: int) -> tuple[ImageArray, Points] | None:
    photo, faces = find_faces(path, detector)
    if not faces:
        return None
    nearest = faces[find_central(faces, width=photo.width, height=photo.height)]
    (detail,) = measure_detail(photo, [nearest], side=side)
    photo = refine(path, photo, detail=detail)
    seen = nearest.scaled(photo.scale)
    placed = place_crop(seen)
    wide = add_margin(side)
    widened = dataclasses.replace(placed, side=placed.side * wide / side)
    points = widened.to_crop(np.array(seen.landmarks)) * wide
    return cut_out(photo.image, widened, size=wide), points


def _make_room(folder: Path, *, newest: Path) -> None:
    """Remove the crops that were not used for longest, until the others are few enough."""
    left = KEPT_BYTES - newest.stat().st_size
    others = (path for path in folder.glob("*.npz") if path != newest and path.name[0] != ".")
    for path in sorted(others, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        left -= path.stat().st_size
        if left < 0:
            path.unlink(missing_ok=True)
