"""The routes by which own labels are taught: they keep nothing, neither photos nor what is learnt.

Whoever teaches holds what the model sees in each photo, and sends it once all labels are given.
"""

import base64
import threading
from pathlib import Path
from typing import Any, Final

import numpy as np
from fastapi import APIRouter, Request
from pydantic import ValidationError

from gafas.classifier import EyewearClassifier
from gafas.datasets.leaks import hash_image, pair_near
from gafas.datasets.samples import Sample
from gafas.errors import DataError, ImageError, ModelError, ServiceError
from gafas.evaluation.metrics import count_confusions, measure_accuracy
from gafas.service.problems import RefusalError
from gafas.service.routes import Faces, get_operation
from gafas.service.schemas import (
    AdaptedAnswer,
    Lesson,
    SeenFace,
    SeenPhoto,
    describe_body,
    describe_lesson,
    describe_problems,
)
from gafas.service.uploads import Upload
from gafas.training.adapt import Adapted, build_adapted, learn
from gafas.training.features import Features, count_labels, group, see, see_photo

_REFUSALS: Final = (400, 401, 403, 408, 413, 415, 421, 422, 503)

_learning: Final = threading.Lock()

router = APIRouter(tags=["learning"])


def check_learning(classifier: EyewearClassifier) -> None:
    """Say at once what would keep everybody from learning.

    Raises:
        ModuleNotFoundError: what learns is not installed.
        ServiceError: the model does not look at faces, or gives no features.
    """
    import imagehash  # noqa: F401
    import onnx  # noqa: F401
    import sklearn  # noqa: F401

    try:
        _see_blank(classifier)
    except ModelError as error:
        raise ServiceError(str(error)) from None


@router.post(
    "/v1/features",
    responses=describe_problems(*_REFUSALS),
    openapi_extra=describe_body(several=False),
)
async def see_features(request: Request, *, select: Faces) -> SeenPhoto:
    """Give what the model sees in every face of one photo, to be sent to `/v1/adapt` later."""
    operation = get_operation(request)

    def look(upload: Upload) -> SeenPhoto:
        """Return what is seen in a photo."""
        found = operation.recognize(upload, select)
        faces = [one.face for one in found]
        classifier = operation.recognizer.classifier
        try:
            seen = see_photo(upload.data, faces, classifier) if faces else ((), ())
            bits = hash_image(upload.data)
        except ImageError as error:
            raise RefusalError("damaged-photo", {"error": error}) from None
        pairs = zip(*seen, strict=True)
        return SeenPhoto(
            hash=np.packbits(bits).tobytes().hex(),
            faces=[
                SeenFace(values=values.tolist(), probabilities=probabilities.tolist())
                for values, probabilities in pairs
            ],
        )

    (answer,) = await operation.answer(request, look)
    return answer


@router.post(
    "/v1/adapt",
    responses=describe_problems(*_REFUSALS),
    openapi_extra=describe_lesson(),
)
async def adapt_model(request: Request) -> AdaptedAnswer:
    """Learn own labels from faces that were seen before, and give the new model file.

    How good it is, is measured on photos that it was not learnt from.
    """
    content: bytes = request.app.state.content
    classifier = get_operation(request).recognizer.classifier

    def teach(upload: Upload) -> AdaptedAnswer:
        """Return what was learnt; one learns at a time, for it takes all cores."""
        if not _learning.acquire(blocking=False):
            raise RefusalError("full", {"places": 1})
        try:
            features, bits = _read_lesson(upload.data, classifier)
            adapted = learn(features, group(features.samples, near=pair_near(bits)))
            return _describe(adapted, build_adapted(adapted, content))
        except (DataError, ModelError) as error:
            raise RefusalError("lesson", {"error": error}) from None
        finally:
            _learning.release()

    (answer,) = await get_operation(request).answer(request, teach)
    return answer


def _see_blank(classifier: EyewearClassifier) -> tuple[int, int]:
    """Return how many features and labels the model gives of a face."""
    width, height = classifier.size
    features, probabilities = see(np.zeros((1, height, width, 3), np.uint8), classifier)
    return features.shape[1], probabilities.shape[1]


def _read_lesson(data: bytes, classifier: EyewearClassifier) -> tuple[Features, Any]:
    """Return the features of a lesson and the hashes, `(N, 256)`, of the photos they are of.

    Raises:
        DataError: it is no lesson, or of another model.
    """
    try:
        faces = Lesson.model_validate_json(data).faces
        values = np.array([face.values for face in faces], np.float32)
        probabilities = np.array([face.probabilities for face in faces], np.float32)
        fits = values.shape[2:] + probabilities.shape[2:] == _see_blank(classifier)
        sound = values.shape[:2] == probabilities.shape[:2] and np.isfinite(values).all()
    except (ValidationError, ValueError) as error:
        raise DataError(f"Cannot read what is to be learnt: {error}") from None
    if not (fits and sound and np.isfinite(probabilities).all()):
        raise DataError(
            "What is to be learnt was seen by another model: expected what /v1/features gives. "
            f"Received: {len(faces)} faces of the shape {values.shape[1:]}. Look at them again."
        )
    samples = (
        Sample(Path(face.hash), str(at), face.label, face.hash) for at, face in enumerate(faces)
    )
    features = Features(tuple(samples), values, probabilities, classifier.labels)
    hashes = [np.frombuffer(bytes.fromhex(face.hash), np.uint8) for face in faces]
    return features, np.unpackbits(np.stack(hashes), axis=1).astype(np.bool_)


def _describe(adapted: Adapted, content: bytes) -> AdaptedAnswer:
    counts, before = count_labels(adapted.samples), adapted.right_shipped
    own = measure_accuracy(adapted.right)
    answers = adapted.outside.argmax(axis=1)
    table = count_confusions(adapted.truth, answers, labels=adapted.labels)
    told: dict[str, Any] = {
        "labels": adapted.labels,
        "counts": [counts[label] for label in adapted.labels],
        "right": {"correct": own.correct, "total": own.total},
        "interval": own.interval,
        "before": None if before is None else {"correct": int(before.sum()), "total": len(before)},
        "confusion": table.counts,
        "curve": adapted.curve,
        "threshold": adapted.head.threshold,
        "model": base64.b64encode(content).decode("ascii"),
    }
    return AdaptedAnswer.model_validate(told)
