"""Face crops to learn from: cut by the functions that serve, with a margin to jitter in, kept."""

import dataclasses
import functools
import hashlib
import itertools
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import PIL

from gafas.crops import CropGeometry, Points, cut_out, place_crop
from gafas.datasets.samples import NOT_A_FACE, Sample
from gafas.detection.candidates import SAME, measure_overlap
from gafas.detection.detector import FaceDetector
from gafas.files import find_home, open_beside
from gafas.images import load_photo
from gafas.progress import show_progress
from gafas.recognizer import count_cores, find_central, find_faces, measure_detail, refine
from gafas.results import Box, Face, ImageArray, Photo
from gafas.weights import PINNED

MARGIN: Final = 1.25
"""How many times larger the crops are than what the network sees, in pixels and in the photo."""

PROPOSED: Final = 0.1
"""What the detector is less sure of is not learnt from, be it a face or none."""

_ASIDE: Final = 0.1  # what shares more than this with a face is not beside it
_HALF_LIKELY: Final = 0.3
_SMALLEST: Final = 20.0  # pixels: the faces of scenes that are smaller are not all listed
_MOST: Final = 8  # of a photo: foliage alone would give dozens

KEPT_BYTES: Final = 4 * 1024**3
"""The crops under `GAFAS_HOME` take no more room than this: those longest unused go first."""

_log = logging.getLogger(__name__)


class Inputs(NamedTuple):
    """Photos as the network sees them, 0–255, and whose they are.

    Attributes:
        images: whole photos, squeezed, `(N, height, width, channels)`, or crops of faces with a
            margin all around, `(N, side, side, channels)`.
        samples: whose each image is, in the given order: those in which a face was found, once
            each, and what is no face as often as a photo shows such; a network of whole photos sees
            all.
        points: `(N, 5, 2)`, the detector's landmarks in the crops' pixels, as in `Face.landmarks`;
            None for whole photos.
        confidences: `(N,)`, how sure the detector was; None for whole photos.
    """

    images: ImageArray
    samples: tuple[Sample, ...]
    points: Points | None = None
    confidences: npt.NDArray[np.float64] | None = None


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


def read_faces(samples: Sequence[Sample], *, side: int, served: bool = False) -> Inputs:
    """Cut the face that each sample speaks of out of its photo, or take the crops made before.

    That is the face nearest to the middle; where the sample has a box, the one in this place; and
    of a sample that is no face, whatever the detector proposes, however doubtful, where no face is.

    A photo in which the face is not found is left out, for the served model would not see it
    either; how many is logged. The crops are kept under `GAFAS_HOME` and made anew when a photo's
    size or time, the detector or any code between a photo and its crop has changed.

    Args:
        samples: their photos.
        side: of what the network sees, in pixels; the crops are `add_margin(side)` wide.
        served: whether candidates, where a photo shows several, are those that the recogniser would
            look at, not whatever is seen at any size: to learn from, the more the better.

    Raises:
        ImageError: a photo cannot be read.
    """
    path = find_home() / "faces" / f"{_hash_inputs(samples, side, served)}.npz"
    if not path.is_file():
        _cut_all(samples, side, served, target=path)
        _make_room(path.parent, newest=path)
    path.touch()  # used now, so that it is not the next to go
    with np.load(path, allow_pickle=False) as stored:
        images, points, confidences, of = (stored[name] for name in _STORED)
    wanted = [sample.label != NOT_A_FACE for sample in samples]
    found = set(of.tolist())
    missed = sum(want and at not in found for at, want in enumerate(wanted))
    if missed:
        _log.warning("No face was found in %d of %d photos: left out.", missed, sum(wanted))
    return Inputs(images, tuple(samples[at] for at in of.tolist()), points, confidences)


_STORED: Final = ("images", "points", "confidences", "of")


def _hash_inputs(samples: Sequence[Sample], side: int, served: bool) -> str:
    """Hash what the crops depend on; names and times of files are enough, and quick."""
    states = [
        (
            s.name,
            (state := s.path.stat()).st_size,
            state.st_mtime_ns,
            s.label == NOT_A_FACE,
            s.box,
            s.apart,
        )
        for s in samples
    ]
    facts = [
        side,
        served,
        dataclasses.astuple(CropGeometry()),
        PINNED["retinaface.onnx"],
        _hash_code(),
    ]
    return hashlib.sha256(json.dumps([facts, states]).encode()).hexdigest()


@functools.cache
def _hash_code() -> str:
    """Hash the code between a photo and its crop, and the versions of what decodes and detects."""
    package = Path(__file__).parent.parent
    code = hashlib.sha256(f"{PIL.__version__} {ort.__version__}".encode())
    for path in sorted([*package.glob("*.py"), *package.glob("detection/*.py"), Path(__file__)]):
        code.update(path.read_bytes())
    return code.hexdigest()


def _cut_all(samples: Sequence[Sample], side: int, served: bool, *, target: Path) -> None:
    """Cut all crops, and keep them with their landmarks and confidences."""
    finder = _Finder(served=served)
    crops, of = list[tuple[ImageArray, Points, float]](), list[int]()
    places = range(len(samples))
    for at in show_progress(places, doing="Cutting faces", total=len(samples)):
        photo, faces = finder.find(samples[at], side=side)
        crops += [(*cut_face(photo, face, side=side), face.confidence or 0.0) for face in faces]
        of += [at] * len(faces)
    wide = add_margin(side)
    with open_beside(target) as file:
        np.savez(
            file,
            images=np.array([crop for crop, _, _ in crops], np.uint8).reshape(-1, wide, wide, 3),
            points=np.array([points for _, points, _ in crops], np.float64).reshape(-1, 5, 2),
            confidences=np.array([confidence for *_, confidence in crops], np.float64),
            of=np.array(of, np.int64),
        )


def cut_face(photo: Photo, face: Face, *, side: int) -> tuple[ImageArray, Points]:
    """Cut a face, in the pixels of the photo as it is decoded, with its margin.

    Returns:
        The crop, `add_margin(side)` wide, and the landmarks in its pixels.
    """
    placed = place_crop(face)
    wide = add_margin(side)
    widened = dataclasses.replace(placed, side=placed.side * wide / side)
    points = widened.to_crop(np.array(face.landmarks)) * wide
    return cut_out(photo.image, widened, size=wide), points


class _Finder:
    """Finds what samples speak of; the proposals of the photo seen last are remembered."""

    def __init__(self, *, served: bool) -> None:
        self._detector = FaceDetector(threads=count_cores())
        self._served = served
        self._path: Path | None = None
        self._proposed: tuple[Photo, list[Face]]

    def find(self, sample: Sample, *, side: int) -> tuple[Photo, list[Face]]:
        """Return a sample's photo, decoded as large as its crops need, and faces in its pixels."""
        if sample.box is None and sample.label != NOT_A_FACE:
            return self._find_central(sample.path, side=side)
        photo, proposed = self._propose(sample.path)
        if sample.box is not None:
            near = [measure_overlap(face.box, sample.box) for face in proposed]
            best = int(np.argmax(near)) if near else 0
            return photo, [proposed[best]] if near and near[best] > SAME else []
        return photo, _choose_others(proposed, sample.apart)

    def _find_central(self, path: Path, *, side: int) -> tuple[Photo, list[Face]]:
        photo, faces = find_faces(path, self._detector)
        if not faces:
            return photo, []
        nearest = faces[find_central(faces, width=photo.width, height=photo.height)]
        (detail,) = measure_detail(photo, [nearest], side=side)
        photo = refine(path, photo, detail=detail)
        return photo, [nearest.scaled(photo.scale)]

    def _propose(self, path: Path) -> tuple[Photo, list[Face]]:
        """Return all candidates, in the pixels of the photo, the most confident first."""
        if path != self._path:
            if self._served:
                photo, seen = find_faces(path, self._detector, least=PROPOSED)
                proposed = [face.scaled(photo.scale) for face in seen]
            else:
                photo = load_photo(path)
                proposed = self._detector.propose(photo.image, least=PROPOSED)
            self._path, self._proposed = path, (photo, proposed)
        return self._proposed


def _choose_others(proposed: Sequence[Face], apart: Sequence[Box] | None) -> list[Face]:
    """Choose the proposals that are no faces: some of the most confident ones."""
    if apart is None:
        # Whatever is half likely to be a face is one, and other people may stand beside it.
        likely = [face for face in proposed if (face.confidence or 0.0) >= _HALF_LIKELY]
        apart = [face.box for face in likely]
        proposed = proposed[len(likely) :] if likely else []
    clear = (
        face
        for face in proposed
        if face.side >= _SMALLEST and all(measure_overlap(face.box, box) <= _ASIDE for box in apart)
    )
    return list(itertools.islice(clear, _MOST))


def _make_room(folder: Path, *, newest: Path) -> None:
    """Remove the crops that were not used for longest, until the others are few enough."""
    left = KEPT_BYTES - newest.stat().st_size
    others = (path for path in folder.glob("*.npz") if path != newest and path.name[0] != ".")
    for path in sorted(others, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        left -= path.stat().st_size
        if left < 0:
            path.unlink(missing_ok=True)
