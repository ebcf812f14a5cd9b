"""Photo → what a classifier is shown of it, a crop for each face or the whole photo squeezed."""

import copy
import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from gafas.classifier import EyewearClassifier
from gafas.crops import CropGeometry, crop_face, place_crop, squeeze
from gafas.detection.candidates import select_faces
from gafas.detection.detector import LARGE_SIDE, FaceDetector
from gafas.errors import ModelError
from gafas.images import ImageSource, load_photo, read_once
from gafas.results import Face, ImageArray, Photo

Probabilities = npt.NDArray[np.float32]

# A whole photo is decoded so many times larger, at least, than the model sees it.
_FINER: Final = 4

EIGHTH_SIDE: Final = 480
"""An eighth of a JPEG will do, to begin with, where its longer side has so many pixels."""

# So many faces of fewer pixels, in such an eighth, are a crowd, in which others are smaller still.
_CROWD: Final = 3
_SMALL: Final = 24

# A face has detail enough with this share of the pixels that its crop could show: most photos to
# learn from have no more. With less, down to the lesser share, only a sure answer is taken, and the
# photo decoded again for others.
_DETAIL: Final = 2 / 3
_LEAST_DETAIL: Final = 0.3
_SURE: Final = 0.97


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """What a classifier is shown of one photo, and what it answers.

    Attributes:
        width: of the photo, upright, in pixels.
        height: of the photo, upright, in pixels.
        faces: in the photo's pixels, the most confident first.
        patches: `(N, height, width, C)` uint8, the classifier's input, one for each face.
        probabilities: `(N, K)` float32, its answers, one column per label.
    """

    width: int
    height: int
    faces: tuple[Face, ...]
    patches: ImageArray
    probabilities: Probabilities


class Viewer:
    """Cut from photos what a classifier looks at, and have it answer.

    A model of whole photos does not look for faces: the whole photo is its one face. One viewer may
    be used by several threads at once.

    Args:
        classifier: who answers.
        threads: how many threads work on one photo.
        providers: what finds the faces, as `FaceDetector` takes them.
        min_face: pass over faces whose box has a shorter side than so many pixels of the photo.
        largest: look only at the face with the largest box.

    Raises:
        ModelError: the model looks at faces but does not say how to crop them, or it looks for none
            and some are to be selected; or a provider is not to be had.
        ValueError: `min_face` is no number of pixels.
    """

    def __init__(
        self,
        classifier: EyewearClassifier,
        *,
        threads: int = 1,
        providers: Sequence[str] | None = None,
        min_face: float = 0.0,
        largest: bool = False,
    ) -> None:
        _check_selection(classifier, min_face=min_face, largest=largest)
        self._classifier = classifier
        self._select = functools.partial(select_faces, min_face=min_face, largest=largest)
        self._geometry: CropGeometry | None = None
        self._detector: FaceDetector | None = None
        if classifier.view == "face":
            self._geometry = _read_geometry(classifier)
            self._detector = FaceDetector(threads=threads, providers=providers)

    @property
    def geometry(self) -> CropGeometry | None:
        """Return how faces are cropped; None for a model of whole photos."""
        return self._geometry

    def selecting(self, *, min_face: float, largest: bool) -> Self:
        """Return a viewer that shares the opened models and looks at other faces.

        Raises:
            ModelError: the model looks for no faces, and some are to be selected.
            ValueError: `min_face` is no number of pixels.
        """
        _check_selection(self._classifier, min_face=min_face, largest=largest)
        other = copy.copy(self)
        other._select = functools.partial(select_faces, min_face=min_face, largest=largest)
        return other

    def view(self, source: ImageSource) -> View:
        """Cut one patch for each face out of a photo, and classify it.

        A big JPEG is decoded at a reduced scale, and again at a larger one only where a face then
        has too few pixels for its patch: always if far too few, else if the answer is not sure.

        Raises:
            ImageError: the source is no readable photo.
        """
        source = read_once(source)
        if self._detector is None:
            photo = load_photo(source, side=_FINER * max(self._classifier.size))
            faces: tuple[Face, ...] = (Face.whole(photo.width, photo.height),)
            patches = self._classifier.prepare(photo.image)[np.newaxis]
            answers = self._classifier.predict(patches)
        else:
            photo, faces = find_faces(source, self._detector)
            faces = self._select(faces)
            patches, answers = self._look(source, photo, faces)
        return View(photo.width, photo.height, faces, patches, answers)

    def _look(
        self, source: ImageSource, photo: Photo, faces: Sequence[Face]
    ) -> tuple[ImageArray, Probabilities]:
        side, geometry = max(self._classifier.size), self._geometry
        photo = refine(source, photo, faces, side=side, geometry=geometry, least=_LEAST_DETAIL)
        detail = measure_detail(photo, faces, side=side, geometry=geometry)
        patches = self._crop(photo, faces)
        answers = self._classifier.predict(patches)
        doubtful = np.flatnonzero((detail < _DETAIL) & (answers.max(axis=1, initial=0) < _SURE))
        if len(doubtful):
            chosen = [faces[at] for at in doubtful.tolist()]
            photo = refine(source, photo, chosen, side=side, geometry=geometry)
            patches[doubtful] = self._crop(photo, chosen)
            answers[doubtful] = self._classifier.predict(patches[doubtful])
        return patches, answers

    def _crop(self, photo: Photo, faces: Sequence[Face]) -> ImageArray:
        size, colour = self._classifier.size, self._classifier.colour
        patches = np.empty((len(faces), size[1], size[0], 1 if colour == "grey" else 3), np.uint8)
        for patch, face in zip(patches, faces, strict=True):
            seen = face.scaled(photo.scale)
            crop = crop_face(photo.image, seen, size=max(size), geometry=self._geometry)
            patch[:] = squeeze(crop, size=size, colour=colour)
        return patches


def find_faces(source: ImageSource, detector: FaceDetector) -> tuple[Photo, tuple[Face, ...]]:
    """Decode a photo, as far as finding its faces needs it.

    A JPEG so big that an eighth of it may be enough is decoded at an eighth, and larger only if no
    face shows there, or several small ones, as in a crowd: decoding takes longest of all.

    Returns:
        The photo, and its faces in the pixels of the original, the most confident first.

    Raises:
        ImageError: the source is no readable photo.
    """
    photo = load_photo(source, side=LARGE_SIDE, eighth=EIGHTH_SIDE)
    faces = detector.detect(photo.image)
    crowd = sum(face.side < _SMALL for face in faces) >= _CROWD
    if photo.scale < 1 and max(photo.image.shape) < LARGE_SIDE and (crowd or not faces):
        photo = load_photo(source, side=LARGE_SIDE)
        faces = detector.detect(photo.image)
    return photo, tuple(face.scaled(1 / photo.scale) for face in faces)


def measure_detail(
    photo: Photo, faces: Sequence[Face], *, side: int, geometry: CropGeometry | None = None
) -> npt.NDArray[np.float64]:
    """Return how much detail crops of `side` pixels have in a photo decoded small.

    Faces are in the pixels of the original. 1 is all that such crops could show, or all that the
    photo has.
    """
    sides = [place_crop(face, geometry).side for face in faces if photo.scale < 1]
    return np.minimum(np.array(sides) * photo.scale / side, 1) if sides else np.ones(len(faces))


def refine(
    source: ImageSource,
    photo: Photo,
    faces: Sequence[Face],
    *,
    side: int,
    geometry: CropGeometry | None = None,
    least: float = _DETAIL,
) -> Photo:
    """Decode a photo again if crops of `side` pixels have less than the `least` detail.

    Raises:
        ImageError: the source is no readable photo.
    """
    detail = measure_detail(photo, faces, side=side, geometry=geometry).min(initial=1)
    if detail >= least:
        return photo
    return load_photo(source, side=math.ceil(max(photo.image.shape) * least / detail))


def measure_eccentricity(face: Face, *, width: int, height: int) -> float:
    """Return how far the middle of a face is from the middle of its photo, in pixels.

    The label of a photo speaks of one person: whose face is nearest to the middle.
    """
    x1, y1, x2, y2 = face.box
    return math.hypot((x1 + x2 - width) / 2, (y1 + y2 - height) / 2)


def _check_selection(classifier: EyewearClassifier, *, min_face: float, largest: bool) -> None:
    if not 0 <= min_face < math.inf:
        raise ValueError(f"min_face is a number of pixels, 0 or more. Received: {min_face}.")
    if classifier.view != "face" and (min_face or largest):
        raise ModelError(
            "The model looks at whole photos, so it has no faces to select by their size. Received:"
            f" {classifier!r}, min_face {min_face:g}, largest {largest}. Leave both out, or choose "
            "a model that looks at faces."
        )


def _read_geometry(classifier: EyewearClassifier) -> CropGeometry:
    stored = classifier.metadata.get("crop")
    if not isinstance(stored, dict):
        raise ModelError(
            "The model looks at faces but does not say how to crop them. Received: "
            f"{classifier!r}, crop {stored!r}. Use a model exported by this version of gafas."
        )
    return CropGeometry.from_dict(stored)
