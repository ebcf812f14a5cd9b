"""Photo → what a classifier is shown of it: a crop for each face, or the whole photo squeezed."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from gafas.classifier import EyewearClassifier
from gafas.crops import CropGeometry, crop_face, place_crop
from gafas.detector import LARGE_SIDE, FaceDetector
from gafas.errors import ModelError
from gafas.frames import squeeze
from gafas.images import ImageSource, load_photo
from gafas.types import Face, ImageArray, Photo

# A whole photo is decoded so many times larger, at least, than the model sees it.
_FINER: Final = 4

# A photo is decoded again for faces that have fewer pixels than this share of what their crops
# could show. Most photos to learn from have as few; decoding takes longest of all.
_DETAIL: Final = 2 / 3


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """What a classifier is shown of one photo.

    Attributes:
        width: of the photo, upright, in pixels.
        height: of the photo, upright, in pixels.
        faces: in the photo's pixels, the most confident first.
        patches: `(N, height, width, C)` uint8, the classifier's input, one for each face.
    """

    width: int
    height: int
    faces: tuple[Face, ...]
    patches: ImageArray


class Viewer:
    """Cut from photos what a classifier looks at.

    A model of whole frames does not look for faces: the whole photo is its one face. One viewer may
    be used by several threads at once. `threads` is the number of threads that work on one photo.

    Raises:
        ModelError: the model looks at faces but does not say how to crop them.
    """

    def __init__(self, classifier: EyewearClassifier, *, threads: int = 1) -> None:
        self._classifier = classifier
        self._geometry: CropGeometry | None = None
        self._detector: FaceDetector | None = None
        if classifier.frame == "face":
            self._geometry = _read_geometry(classifier)
            self._detector = FaceDetector(threads=threads)

    @property
    def geometry(self) -> CropGeometry | None:
        """Return how faces are cropped; None for a model of whole frames."""
        return self._geometry

    def view(self, source: ImageSource) -> View:
        """Cut one patch for each face out of a photo.

        A big JPEG is decoded at a reduced scale, and again at a larger one only where a face then
        has fewer pixels than its patch.

        Raises:
            ImageError: the source is no readable photo.
        """
        if self._detector is None:
            photo = _load(source, side=_FINER * max(self._classifier.size))
            whole = Face.whole(photo.width, photo.height)
            patches = [self._classifier.prepare(photo.image)]
            return View(photo.width, photo.height, (whole,), np.stack(patches))
        side = max(self._classifier.size)
        photo, faces = find_faces(source, self._detector, side=side, geometry=self._geometry)
        return View(photo.width, photo.height, faces, self._crop(photo, faces))

    def _crop(self, photo: Photo, faces: Sequence[Face]) -> ImageArray:
        size, colour = self._classifier.size, self._classifier.colour
        patches = np.empty((len(faces), size[1], size[0], 1 if colour == "grey" else 3), np.uint8)
        for patch, face in zip(patches, faces, strict=True):
            seen = face.scaled(photo.scale)
            crop = crop_face(photo.image, seen, size=max(size), geometry=self._geometry)
            patch[:] = squeeze(crop, size=size, colour=colour)
        return patches


def find_faces(
    source: ImageSource,
    detector: FaceDetector,
    *,
    side: int,
    geometry: CropGeometry | None = None,
) -> tuple[Photo, tuple[Face, ...]]:
    """Decode a photo, as far as crops of `side` pixels need it, and find its faces.

    Returns:
        The photo, and its faces in the pixels of the original, the most confident first.

    Raises:
        ImageError: the source is no readable photo.
    """
    photo = _load(source, side=LARGE_SIDE)
    faces = tuple(face.scaled(1 / photo.scale) for face in detector.detect(photo.image))
    if photo.scale == 1 or not faces:
        return photo, faces
    needed = side / min(place_crop(face, geometry).side for face in faces)
    if photo.scale < needed * _DETAIL:
        photo = _load(source, side=math.ceil(needed * max(photo.width, photo.height)))
    return photo, faces


def measure_eccentricity(face: Face, *, width: int, height: int) -> float:
    """Return how far the middle of a face is from the middle of its photo, in pixels.

    The label of a photo speaks of one person: whose face is nearest to the middle.
    """
    x1, y1, x2, y2 = face.box
    return math.hypot((x1 + x2 - width) / 2, (y1 + y2 - height) / 2)


def _read_geometry(classifier: EyewearClassifier) -> CropGeometry:
    stored = classifier.metadata.get("crop")
    if not isinstance(stored, dict):
        raise ModelError(
            "The model looks at faces but does not say how to crop them. Received: "
            f"{classifier!r}, crop {stored!r}. Use a model exported by this version of gafas."
        )
    return CropGeometry.from_dict(stored)


def _load(source: ImageSource, *, side: int) -> Photo:
    # An open file can be read only once, and a reduced photo may be wanted larger afterwards.
    return load_photo(source, side=None if hasattr(source, "read") else side)
