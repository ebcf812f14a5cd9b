"""The one conductor: photo → faces → crops → answers."""

import collections
import concurrent.futures
import dataclasses
import functools
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from gafas.classifier import EyewearClassifier, FaceCheck
from gafas.crops import CropGeometry, crop_face, place_crop, squeeze
from gafas.detection.detector import CONFIDENT, LARGE_SIDE, FaceDetector
from gafas.errors import ImageError, ModelError
from gafas.images import ImageSource, NamedBytes, load_photo, read_once
from gafas.results import Face, ImageArray, Photo, Prediction, Recognition
from gafas.weights import read_bundled

Floats = npt.NDArray[np.float32]

BUNDLED: Final = "eyewear.onnx"
"""The eyewear model in the package."""

EIGHTH_SIDE: Final = 480
"""An eighth of a JPEG will do, to begin with, where its longer side has so many pixels."""

# So many faces of fewer pixels, in such an eighth, are a crowd, in which others are smaller still.
_CROWD: Final = 3
_SMALL: Final = 24

# A whole photo is decoded so many times larger, at least, than the model sees it.
_FINER: Final = 4

# A face has detail enough with this share of the pixels that its crop could show: most photos to
# learn from have no more. With less, down to the lesser share, only a sure answer is taken, and the
# photo decoded again for others.
_DETAIL: Final = 2 / 3
_LEAST_DETAIL: Final = 0.3
_SURE: Final = 0.97

# So many photos per worker may be begun or finished before their turn to be handed out.
_AHEAD: Final = 4


class Recognizer:
    """Recognize the eyewear of every face in a photo.

    A model of whole photos does not look for faces: the whole photo is its one face. A model with a
    `face_check` may ask for doubtful candidates; its confidence tells a face from what is none.
    One recognizer may be used by several threads at once.

    Args:
        model: a `.onnx` file made by gafas, the name of a bundled model, or an opened one; the
            model that answers by default if left out.
        threshold: the probability, 0–1, under which the answer is `unsure`; the model's own if left
            out.
        providers: what runs the models, the first choice first: `cpu`, `cuda`, `coreml` and so on,
            or onnxruntime's own names; the processor if left out. An opened model stays where it
            was opened.
        threads: how many threads work on one photo; `recognize_many` works on several photos.

    Raises:
        ModelError: the model cannot be opened, or a provider is not to be had.
        ValueError: the threshold is outside 0–1.
    """

    def __init__(
        self,
        model: Path | str | EyewearClassifier | None = None,
        *,
        threshold: float | None = None,
        providers: Sequence[str] | None = None,
        threads: int = 1,
    ) -> None:
        if threshold is not None and not 0 <= threshold <= 1:
            raise ValueError(f"A threshold is a probability, 0 to 1. Received: {threshold}.")
        if not isinstance(model, EyewearClassifier):
            source = read_bundled(BUNDLED) if model is None else model
            model = EyewearClassifier(source, threads=threads, providers=providers)
        self._classifier = model
        self._threshold = model.threshold if threshold is None else threshold
        self._detector: FaceDetector | None = None
        if model.geometry is not None:
            self._detector = FaceDetector(threads=threads, providers=providers)

    def __repr__(self) -> str:
        return f"Recognizer({self._classifier!r}, threshold={self._threshold:g})"

    @property
    def classifier(self) -> EyewearClassifier:
        """Return the model that answers."""
        return self._classifier

    @property
    def threshold(self) -> float:
        """Return the probability, 0–1, under which the answer is `unsure`."""
        return self._threshold

    def recognize(self, source: ImageSource, *, faces: Sequence[Face] | None = None) -> Recognition:
        """Say what every face in a photo wears, the most confident face first.

        Boxes and landmarks are in the pixels of the photo, upright, whatever its size.

        Args:
            source: the photo.
            faces: found by somebody else, and answered for in their order; looked for if left out.

        Raises:
            ImageError: the source is no readable photo.
            ModelError: there are faces, but the model looks at whole photos.
        """
        return self.recognize_with_crops(source, faces=faces)[0]

    def recognize_many(
        self,
        sources: Iterable[ImageSource],
        *,
        names: Iterable[str] | None = None,
        workers: int | None = None,
    ) -> Iterator[Recognition]:
        """Recognize photos, several at a time, and hand the answers out in the photos' order.

        Sources are taken as they are needed, so that memory does not grow with their number; an
        answer holds its own as long as it is kept. A photo that cannot be read gives an answer with
        its error.

        Args:
            sources: photos; no two may be the same open file.
            names: what the answers call them; paths, or what else is known, if left out.
            workers: how many photos are worked on at once; one per processor core if left out.
        """
        workers = count_cores() if workers is None else workers
        named: Iterable[tuple[ImageSource, str | None]] = ((source, None) for source in sources)
        if names is not None:
            named = zip(sources, names, strict=True)
        waiting: collections.deque[concurrent.futures.Future[Recognition]] = collections.deque()
        pool = concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix="gafas")
        try:
            for source, name in named:
                waiting.append(pool.submit(self._recognize_or_tell, source, name))
                while waiting and (len(waiting) >= workers * _AHEAD or waiting[0].done()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)  # the reader may have left before the end

    def recognize_with_crops(
        self, source: ImageSource, *, faces: Sequence[Face] | None = None
    ) -> tuple[Recognition, ImageArray]:
        """Recognize as `recognize` does, and return what the model was shown of each face, too.

        A big JPEG is decoded at a reduced scale, and again at a larger one only where a face then
        has too few pixels for its crop: always if far too few, else if the answer is not sure.

        Returns:
            What was recognized, and `(N, height, width, C)` uint8: the model's input.
        """
        content = read_once(source)
        if self._detector is None:
            photo = load_photo(content, side=_FINER * max(self._classifier.size))
            whole = (Face.whole(photo.width, photo.height),)
            if faces is not None and tuple(faces) != whole:
                raise ModelError(
                    "The model looks at whole photos, and cannot answer for single faces. Received:"
                    f" {self._classifier!r}, {faces}. Choose a model that looks at faces."
                )
            size, colour = self._classifier.size, self._classifier.colour
            faces, crops = whole, squeeze(photo.image, size=size, colour=colour)[np.newaxis]
            answers = self._classifier.predict(crops)
        else:
            check = self._classifier.face_check if faces is None else None
            if faces is None:
                least = CONFIDENT if check is None else check.least
                photo, faces = find_faces(content, self._detector, least=least)
            else:
                photo = load_photo(content, side=LARGE_SIDE, eighth=EIGHTH_SIDE)
            faces, crops, answers = self._classify(content, photo, faces=faces, check=check)
        labels = self._classifier.labels
        predictions = tuple(
            Prediction.decide(face, dict(zip(labels, row, strict=True)), threshold=self._threshold)
            for face, row in zip(faces, answers.tolist(), strict=True)
        )
        draw = functools.partial(_draw, source=content)
        found = Recognition(_name(source), photo.width, photo.height, predictions, draw=draw)
        return found, crops

    def _recognize_or_tell(self, source: ImageSource, name: str | None) -> Recognition:
        try:
            found = self.recognize(source)
        except ImageError as error:
            found = Recognition(_name(source), error=str(error))
        return found if name is None else dataclasses.replace(found, photo=name)

    def _classify(
        self, source: ImageSource, photo: Photo, *, faces: Sequence[Face], check: FaceCheck | None
    ) -> tuple[Sequence[Face], ImageArray, Floats]:
        """Return faces, their crops and their answers; with a check, those that pass it, sorted."""
        side, geometry = max(self._classifier.size), self._classifier.geometry
        measure = functools.partial(measure_detail, side=side, geometry=geometry)
        # What is doubtful is mostly no face: to see that, the photo is not decoded again.
        trusted = [face for face in faces if check is None or _is_confident(face)]
        least = measure(photo, trusted).min(initial=1)
        photo = refine(source, photo, detail=least, least=_LEAST_DETAIL)
        detail = measure(photo, faces)
        crops = self._crop(photo, faces)
        answers, confidences = self._look(crops, faces, check)
        cut = 0.0 if check is None else check.cut
        unsure = (answers.max(axis=1, initial=0) < _SURE) | (detail < _LEAST_DETAIL)
        again = np.flatnonzero((confidences >= cut) & (detail < _DETAIL) & unsure)
        if len(again):
            chosen = [faces[at] for at in again.tolist()]
            photo = refine(source, photo, detail=detail[again].min())
            crops[again] = self._crop(photo, chosen)
            answers[again], confidences[again] = self._look(crops[again], chosen, check)
        if check is None:
            return faces, crops, answers
        order = np.argsort(-confidences, kind="stable")
        kept = order[confidences[order] >= cut]
        told = [
            dataclasses.replace(faces[at], confidence=float(confidences[at]))
            for at in kept.tolist()
        ]
        return told, crops[kept], answers[kept]

    def _look(
        self, crops: ImageArray, faces: Sequence[Face], check: FaceCheck | None
    ) -> tuple[Floats, npt.NDArray[np.float64]]:
        """Return the answers, and how sure it is that these are faces: where none checks, quite."""
        if check is None:
            return self._classifier.predict(crops), np.ones(len(faces))
        seen = self._classifier.look(crops)
        assert seen.not_a_face is not None  # no model has a check without this output
        detected = [face.confidence or 0.0 for face in faces]
        return seen.probabilities, check.calibrate(detected, seen.not_a_face)

    def _crop(self, photo: Photo, faces: Sequence[Face]) -> ImageArray:
        size, colour = self._classifier.size, self._classifier.colour
        crops = np.empty((len(faces), size[1], size[0], 1 if colour == "grey" else 3), np.uint8)
        for crop, face in zip(crops, faces, strict=True):
            seen, geometry = face.scaled(photo.scale), self._classifier.geometry
            square = crop_face(photo.image, seen, size=max(size), geometry=geometry)
            crop[:] = squeeze(square, size=size, colour=colour)
        return crops


def recognize(
    source: ImageSource,
    *,
    model: Path | str | None = None,
    faces: Sequence[Face] | None = None,
) -> Recognition:
    """Say what every face in one photo wears, the most confident face first.

    The bundled model is opened at the first call and kept; another `model` is opened at each call:
    make a `Recognizer` of it for many photos.

    Args:
        source: the photo: a path, bytes, an open binary file, a PIL image or an array.
        model: a `.onnx` file made by gafas, or the name of a bundled model; the one that answers by
            default if left out.
        faces: found by somebody else, and answered for in their order; looked for if left out.

    Raises:
        ImageError: the source is no readable photo.
        ModelError: the model cannot be opened, or looks at whole photos though there are faces.
    """
    recognizer = _default() if model is None else Recognizer(model)
    return recognizer.recognize(source, faces=faces)


@functools.cache
def _default() -> Recognizer:
    return Recognizer()


def _name(source: ImageSource) -> str:
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    if isinstance(source, np.ndarray | Image.Image):
        return "image"
    if isinstance(source, bytes | bytearray | memoryview) and not isinstance(source, NamedBytes):
        return "bytes"
    return str(getattr(source, "name", "file"))


def _draw(found: Recognition, language: str, *, source: ImageSource) -> ImageArray:
    from gafas.annotation import annotate  # letters are imported where something is drawn

    photo = load_photo(source)  # a very large one comes smaller
    shown = [one.scaled(photo.scale) for one in found]
    return annotate(photo.image, shown, language=language)


def find_faces(
    source: ImageSource, detector: FaceDetector, *, least: float = CONFIDENT
) -> tuple[Photo, tuple[Face, ...]]:
    """Decode a photo, as far as finding its faces needs it.

    A JPEG so big that an eighth of it may be enough is decoded at an eighth, and larger only if no
    face shows there, or several small ones, as in a crowd: decoding takes longest of all.

    Args:
        source: the photo.
        detector: what finds them.
        least: the confidence of a candidate, as `FaceDetector.detect` takes it; for doubtful ones
            no photo is decoded larger.

    Returns:
        The photo, and its faces in the pixels of the original, the most confident first.

    Raises:
        ImageError: the source is no readable photo.
    """
    photo = load_photo(source, side=LARGE_SIDE, eighth=EIGHTH_SIDE)
    faces = detector.detect(photo.image, least=least)
    sides = [face.side for face in faces if _is_confident(face)]
    crowd = sum(side < _SMALL for side in sides) >= _CROWD
    if photo.scale < 1 and max(photo.image.shape) < LARGE_SIDE and (crowd or not sides):
        photo = load_photo(source, side=LARGE_SIDE)
        faces = detector.detect(photo.image, least=least)
    return photo, tuple(face.scaled(1 / photo.scale) for face in faces)


def _is_confident(face: Face) -> bool:
    return face.confidence is not None and face.confidence >= CONFIDENT


def measure_detail(
    photo: Photo, faces: Sequence[Face], *, side: int, geometry: CropGeometry | None = None
) -> npt.NDArray[np.float64]:
    """Return how much detail crops of `side` pixels have in a photo decoded small.

    Faces are in the pixels of the original. 1 is all that such crops could show, or all that the
    photo has.
    """
    sides = [place_crop(face, geometry).side for face in faces if photo.scale < 1]
    return np.minimum(np.array(sides) * photo.scale / side, 1) if sides else np.ones(len(faces))


def refine(source: ImageSource, photo: Photo, *, detail: float, least: float = _DETAIL) -> Photo:
    """Decode a photo again if the `detail` that `measure_detail` found is less than `least`.

    Raises:
        ImageError: the source is no readable photo.
    """
    if detail >= least:
        return photo
    return load_photo(source, side=math.ceil(max(photo.image.shape) * least / detail))


def find_central(faces: Sequence[Face], *, width: int, height: int) -> int:
    """Return which of the faces is nearest to the middle of its photo.

    The label of a photo speaks of one person: of this one.
    """
    boxes = np.array([face.box for face in faces])
    aside, below = boxes[:, :2].T + boxes[:, 2:].T - np.array([[width], [height]])
    return int(np.hypot(aside, below).argmin())


def count_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
