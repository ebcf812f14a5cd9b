"""The one conductor: image → predictions."""

import collections
import concurrent.futures
import copy
import dataclasses
import functools
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from PIL import Image

from gafas.classifier import EyewearClassifier
from gafas.crops import CropGeometry
from gafas.errors import ImageError, ModelError
from gafas.images import ImageSource
from gafas.results import Prediction
from gafas.views import View, Viewer
from gafas.weights import PINNED, read_bundled

BUNDLED: Final = "eyewear.onnx"
"""The eyewear model in the package."""

# So many photos per worker may be begun or finished before their turn to be handed out.
_AHEAD: Final = 4


@dataclasses.dataclass(frozen=True, slots=True)
class Recognition:
    """What was recognized in one photo, or why it could not be read.

    Attributes:
        photo: the path as it was given, or another name.
        width: of the photo, upright, in pixels; None if it could not be read.
        height: of the photo, upright, in pixels; None if it could not be read.
        faces: one prediction for each face, the most confident face first.
        error: why the photo could not be read; None for all others.
    """

    photo: str
    width: int | None = None
    height: int | None = None
    faces: tuple[Prediction, ...] = ()
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object that every door gives for a photo.

        >>> Recognition("a.jpg", 640, 480).to_dict()
        {'photo': 'a.jpg', 'width': 640, 'height': 480, 'error': None, 'faces': []}
        """
        return {
            "photo": self.photo,
            "width": self.width,
            "height": self.height,
            "error": self.error,
            "faces": [face.to_dict() for face in self.faces],
        }


class Recognizer:
    """Recognize the eyewear of every face in a photo.

    A model of whole photos does not look for faces: the whole photo is its one face. One recognizer
    may be used by several threads at once.

    Args:
        model: a `.onnx` file made by gafas, or an opened one; the bundled model if left out.
        threads: how many threads work on one photo; `predict_many` works on several photos.
        threshold: the probability, 0–1, under which the answer is `unsure`; the model's own if left
            out.
        providers: what runs the models, the first choice first: `cpu`, `cuda`, `coreml` and so on,
            or onnxruntime's own names; the processor if left out. An opened model stays where it
            was opened.
        min_face: pass over faces whose box has a shorter side than so many pixels of the photo.
        largest: answer only for the face with the largest box.

    Raises:
        ModelError: the model cannot be opened, or none is bundled; a provider is not to be had; or
            faces are to be selected for a model of whole photos.
        ValueError: the threshold is outside 0–1, or `min_face` is no number of pixels.
    """

    def __init__(  # what every door sets once, so that all of them answer alike
        self,
        model: Path | str | EyewearClassifier | None = None,
        *,
        threads: int = 1,
        threshold: float | None = None,
        providers: Sequence[str] | None = None,
        min_face: float = 0.0,
        largest: bool = False,
    ) -> None:
        if threshold is not None and not 0 <= threshold <= 1:
            raise ValueError(f"A threshold is a probability, 0 to 1. Received: {threshold}.")
        self._classifier = _open_model(model, threads=threads, providers=providers)
        self._viewer = Viewer(
            self._classifier,
            threads=threads,
            providers=providers,
            min_face=min_face,
            largest=largest,
        )
        self._min_face, self._largest = float(min_face), largest
        self._threshold = self._classifier.threshold if threshold is None else threshold

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

    @property
    def min_face(self) -> float:
        """Return the shorter side, in pixels, under which a face's box is passed over."""
        return self._min_face

    @property
    def largest(self) -> bool:
        """Return whether only the face with the largest box is answered for."""
        return self._largest

    @property
    def geometry(self) -> CropGeometry | None:
        """Return how faces are cropped; None for a model of whole photos."""
        return self._viewer.geometry

    def selecting(self, *, min_face: float = 0.0, largest: bool = False) -> Self:
        """Return a recognizer that shares the opened models and answers for fewer faces.

        What this one passes over already stays passed over.

        Args:
            min_face: pass over faces whose box has a shorter side than so many pixels of the photo.
            largest: answer only for the face with the largest box.

        Raises:
            ModelError: the model looks for no faces, and some are to be selected.
            ValueError: `min_face` is no number of pixels.
        """
        other = copy.copy(self)
        other._min_face = max(self._min_face, float(min_face))
        other._largest = self._largest or largest
        other._viewer = self._viewer.selecting(min_face=other._min_face, largest=other._largest)
        return other

    def predict(self, source: ImageSource) -> list[Prediction]:
        """Predict what every face in a photo wears, the most confident face first.

        Boxes and landmarks are in the pixels of the photo, upright, whatever its size.

        Raises:
            ImageError: the source is no readable photo.
        """
        return self.answer(self.view(source))

    def recognize(self, source: ImageSource, *, name: str | None = None) -> Recognition:
        """Predict as `predict` does; give the photo's size too, and its error instead of raising.

        `name` is what the answer calls the photo: the path if left out.
        """
        name = _name(source) if name is None else name
        try:
            view = self.view(source)
        except ImageError as error:
            return Recognition(name, error=str(error))
        return Recognition(name, view.width, view.height, tuple(self.answer(view)))

    def predict_many(
        self, sources: Iterable[ImageSource], *, workers: int | None = None
    ) -> Iterator[Recognition]:
        """Recognize photos, several at a time, and hand the answers out in the photos' order.

        Sources are taken as they are needed, so that memory does not grow with their number. A
        photo that cannot be read gives an answer with its error.

        Args:
            sources: photos; no two may be the same open file.
            workers: how many photos are worked on at once; one per processor core if left out.
        """
        workers = count_cores() if workers is None else workers
        waiting: collections.deque[concurrent.futures.Future[Recognition]] = collections.deque()
        pool = concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix="gafas")
        try:
            for source in sources:
                waiting.append(pool.submit(self.recognize, source))
                while waiting and (len(waiting) >= workers * _AHEAD or waiting[0].done()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)  # the reader may have left before the end

    def view(self, source: ImageSource) -> View:
        """Cut from a photo what the classifier looks at, a patch for each face, and classify it.

        Raises:
            ImageError: the source is no readable photo.
        """
        return self._viewer.view(source)

    def answer(self, view: View) -> list[Prediction]:
        """Say what each face of a view wears, in the view's order."""
        rows = view.probabilities.tolist()
        answers = [dict(zip(self._classifier.labels, row, strict=True)) for row in rows]
        return [
            Prediction.decide(face, answer, threshold=self._threshold)
            for face, answer in zip(view.faces, answers, strict=True)
        ]


def recognize(source: ImageSource, *, model: Path | str | None = None) -> list[Prediction]:
    """Predict what every face in one photo wears, the most confident face first.

    The bundled model is opened at the first call and kept; another `model` is opened at each call:
    make a `Recognizer` of it for many photos.

    Raises:
        ImageError: the source is no readable photo.
        ModelError: the model cannot be opened, or none is bundled.
    """
    recognizer = _default() if model is None else Recognizer(model)
    return recognizer.predict(source)


@functools.cache
def _default() -> Recognizer:
    return Recognizer()


def _open_model(
    model: Path | str | EyewearClassifier | None,
    *,
    threads: int,
    providers: Sequence[str] | None,
) -> EyewearClassifier:
    if isinstance(model, EyewearClassifier):
        return model
    if model is not None:
        return EyewearClassifier(model, threads=threads, providers=providers)
    if BUNDLED not in PINNED:
        raise ModelError(
            "This version of gafas bundles no eyewear model. Received: no model. Give a .onnx file "
            "that gafas made: --model FILE on the command line, Recognizer(FILE) in Python."
        )
    return EyewearClassifier(read_bundled(BUNDLED), threads=threads, providers=providers)


def _name(source: ImageSource) -> str:
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    if isinstance(source, bytes | np.ndarray | Image.Image):
        return "bytes" if isinstance(source, bytes) else "image"
    return str(getattr(source, "name", "file"))


def count_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
