"""Sunglasses, eyeglasses or nothing: recognise eyewear in photos, and prove it."""

import importlib
from typing import TYPE_CHECKING, Any

from gafas.errors import DataError, GafasError, ImageError, ModelError, RecipeError

if TYPE_CHECKING:
    from gafas.annotation import annotate
    from gafas.classifier import EyewearClassifier
    from gafas.detection.detector import FaceDetector
    from gafas.explanation import explain
    from gafas.labels import Eyewear
    from gafas.recognizer import Recognizer, recognize
    from gafas.results import Face, Prediction, Recognition

    __version__: str

__all__ = [
    "DataError",
    "Eyewear",
    "EyewearClassifier",
    "Face",
    "FaceDetector",
    "GafasError",
    "ImageError",
    "ModelError",
    "Prediction",
    "RecipeError",
    "Recognition",
    "Recognizer",
    "__version__",
    "annotate",
    "explain",
    "recognize",
]

# What needs inference is imported when it is first asked for: `import gafas` stays light.
_PLACES = {
    "Eyewear": "gafas.labels",
    "EyewearClassifier": "gafas.classifier",
    "Face": "gafas.results",
    "FaceDetector": "gafas.detection.detector",
    "Prediction": "gafas.results",
    "Recognition": "gafas.results",
    "Recognizer": "gafas.recognizer",
    "annotate": "gafas.annotation",
    "explain": "gafas.explanation",
    "recognize": "gafas.recognizer",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("gafas")
    elif name in _PLACES:
        value = getattr(importlib.import_module(_PLACES[name]), name)
    else:
        raise AttributeError(f"module 'gafas' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
