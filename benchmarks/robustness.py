"""How answers hold when photos get worse, and how they turn as lenses get darker.

Whole photos go through the whole pipeline, so that a face may get lost before it is judged: that is
what a user would meet.
"""

import concurrent.futures
import dataclasses
import io
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from gafas.classifier import EyewearClassifier
from gafas.datasets.samples import Sample
from gafas.errors import DataError
from gafas.evaluation.metrics import wilson
from gafas.evaluation.predictions import recognize_nearest
from gafas.images import load_photo
from gafas.labels import UNSURE, Eyewear
from gafas.recognizer import Recognizer, count_cores
from gafas.results import Face, ImageArray
from gafas.synthesis.glasses import draw_glasses
from gafas.synthesis.rendering import put_on

_GAMMA: Final = 2.2  # of ordinary screens and photos, near enough: light = value to this power


@dataclasses.dataclass(frozen=True, slots=True)
class Picture:
    """An image with a face.

    Attributes:
        image: `(H, W, 3)` uint8 RGB.
        side: the longer side of the face's box, in pixels.
        seed: what noise is drawn from, so that a picture always gets the same.
    """

    image: ImageArray
    side: float
    seed: int = 0


Degradation = Callable[[Picture, float], ImageArray | None]


@dataclasses.dataclass(frozen=True, slots=True)
class Sweep:
    """One way of getting worse, level by level.

    Attributes:
        name: of the sweep.
        unit: what a level counts.
        levels: from the mildest to the worst.
        degrade: makes a picture of a level; None where the picture cannot have it.
    """

    name: str
    unit: str
    levels: tuple[float, ...]
    degrade: Degradation


def blur(picture: Picture, level: float) -> ImageArray:
    """Blur by a Gaussian whose standard deviation is `level` sides of the face."""
    blurred = ImageFilter.GaussianBlur(level * picture.side)
    return np.asarray(Image.fromarray(picture.image).filter(blurred))


def add_noise(picture: Picture, level: float) -> ImageArray:
    """Add Gaussian noise of a standard deviation of `level`, of 255, to every channel."""
    noise = np.random.default_rng(picture.seed).normal(0, 1, picture.image.shape)
    return _to_bytes(picture.image + level * noise)


def compress(picture: Picture, level: float) -> ImageArray:
    """Save as JPEG of a quality, as Pillow counts it, and open again."""
    file = io.BytesIO()
    Image.fromarray(picture.image).save(file, "JPEG", quality=round(level))
    return np.asarray(Image.open(file).convert("RGB"))


def shrink(picture: Picture, level: float) -> ImageArray | None:
    """Shrink the photo until the face is `level` pixels high; None where it is smaller already."""
    factor = level / picture.side
    if factor > 1:
        return None
    height, width = picture.image.shape[:2]
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(Image.fromarray(picture.image).resize(size, Image.Resampling.LANCZOS))


def rotate(picture: Picture, level: float) -> ImageArray:
    """Turn the photo by `level` degrees about its middle; corners take the photo's mean colour."""
    mean = tuple(round(value) for value in picture.image.mean(axis=(0, 1)).tolist())
    turned = Image.fromarray(picture.image).rotate(
        level, Image.Resampling.BICUBIC, expand=True, fillcolor=mean
    )
    return np.asarray(turned)


def expose(picture: Picture, level: float) -> ImageArray:
    """Change the light by `level` stops: each stop less halves it, and few grey levels remain."""
    return _to_bytes(picture.image * 2.0 ** (level / _GAMMA))


def _to_bytes(values: npt.NDArray[np.float64]) -> ImageArray:
    image: ImageArray = np.clip(values, 0, 255).round().astype(np.uint8)
    return image


SWEEPS: Final = (
    Sweep("blur", "sides of the face", (0, 0.01, 0.02, 0.03, 0.05, 0.08), blur),
    Sweep("noise", "of 255", (0, 5, 10, 20, 40, 60), add_noise),
    Sweep("jpeg", "quality", (95, 75, 50, 30, 15, 5), compress),
    Sweep("size", "pixels", (96, 64, 48, 32, 24, 16, 12), shrink),
    Sweep("rotation", "degrees", (0, 15, 30, 45, 60, 90, 180), rotate),
    Sweep("exposure", "stops", (1, 0, -1, -2, -3, -4, -5), expose),
)
"""The sweeps of the robustness sheet, each of whose levels is tried on the same photos."""


PER_LABEL: Final = 70
"""At most so many photos of each label are tried."""

DARKNESS: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""The darkness of rendered lenses: 0 is clear glass, 1 lets nothing through."""

_SIDE = 480  # photos are decoded no larger: the sweeps take minutes, not an hour
_SEED = 26


@dataclasses.dataclass(frozen=True, slots=True)
class _Found:
    sample: Sample
    picture: Picture
    face: Face


@dataclasses.dataclass(frozen=True, slots=True)
class _Pipeline:
    classifier: EyewearClassifier
    recognizer: Recognizer


@dataclasses.dataclass(frozen=True, slots=True)
class _Answers:
    """Probabilities, `(N, K)`, of the photos with a face, and which of all tried those are."""

    probabilities: NDArray[np.float32]
    found: NDArray[np.bool_]


def choose_samples(samples: Sequence[Sample], *, per_label: int = PER_LABEL) -> list[Sample]:
    """Draw at most `per_label` samples of each label, the same ones every time, sorted by name."""
    chosen: list[Sample] = []
    for label in sorted({sample.label for sample in samples}):
        inside = sorted((s for s in samples if s.label == label), key=lambda s: s.name)
        generator = np.random.default_rng(_SEED)
        places = generator.choice(len(inside), min(per_label, len(inside)), replace=False)
        chosen += [inside[place] for place in sorted(places.tolist())]
    return chosen


def measure_robustness(classifier: EyewearClassifier, samples: Sequence[Sample]) -> dict[str, Any]:
    """Measure answers to the same photos at every level of every sweep of `SWEEPS`.

    Args:
        classifier: a model of faces.
        samples: photos whose labels the model knows; those without a face to begin with are left
            out and counted.

    Returns:
        `photos` (a number by label), `missed_unchanged`, and `sweeps`: for each its `name`, `unit`
        and `levels`. A level has `photos`, `found` (share with a face), `right` (share of all
        photos, a lost face being wrong, by the most probable label; with its interval), `accuracy`
        (share of the found), `unsure` (share of the found) and `wrong` (share of the answers
        given).

    Raises:
        DataError: no photo shows a face.
        ImageError: a photo cannot be read.
    """
    pipeline = _Pipeline(classifier, Recognizer(classifier))
    every = _find_all(pipeline.recognizer, samples)
    return {
        "photos": dict(sorted(Counter(f.sample.label for f in every).items())),
        "missed_unchanged": len(samples) - len(every),
        "sweeps": [
            {
                "name": sweep.name,
                "unit": sweep.unit,
                "levels": [
                    _measure_level(pipeline, every, sweep=sweep, level=level)
                    for level in sweep.levels
                ],
            }
            for sweep in SWEEPS
        ],
    }


def measure_lenses(classifier: EyewearClassifier, samples: Sequence[Sample]) -> dict[str, Any]:
    """Put a pair of glasses on each bare face and make its lenses darker, step by step.

    The pair on a face is the same at every step, but for its lenses.

    Returns:
        `photos`, and `levels`: for each its `darkness` (None: no glasses at all), `found`, each
        label's mean probability, and the number of each answer, `unsure` last.

    Raises:
        DataError: no photo shows a bare face.
        ImageError: a photo cannot be read.
    """
    pipeline = _Pipeline(classifier, Recognizer(classifier))
    bare = _find_all(pipeline.recognizer, [s for s in samples if s.label == Eyewear.NONE])
    levels = []
    for darkness in (None, *DARKNESS):
        images = [_dress(found, number, darkness=darkness) for number, found in enumerate(bare)]
        answers = _answer(pipeline, images)
        levels.append({"darkness": darkness, **_describe(classifier, answers)})
    return {"photos": len(bare), "levels": levels}


def _find_all(recognizer: Recognizer, samples: Sequence[Sample]) -> list[_Found]:
    with concurrent.futures.ThreadPoolExecutor(count_cores()) as pool:
        every = pool.map(lambda pair: _find(recognizer, pair[1], seed=pair[0]), enumerate(samples))
        found = [one for one in every if one is not None]
    if not found:
        raise DataError(
            "There is nothing to make worse: no photo shows a face. Received: "
            f"{len(samples)} photos. Give photos of faces, and a model that looks at them."
        )
    return found


def _find(recognizer: Recognizer, sample: Sample, *, seed: int) -> _Found | None:
    image = load_photo(sample.path, side=_SIDE).image
    nearest = recognize_nearest(recognizer, image)
    # Without landmarks the face was only declared: a model of whole photos looks for none.
    if nearest is None or not nearest[0].landmarks:
        return None
    face = nearest[0].face
    return _Found(sample, Picture(image, face.side, seed), face)


def _measure_level(
    pipeline: _Pipeline, every: Sequence[_Found], *, sweep: Sweep, level: float
) -> dict[str, Any]:
    worse = [(one, sweep.degrade(one.picture, level)) for one in every]
    tried = [(one, image) for one, image in worse if image is not None]
    if not tried:
        return {"level": level, "photos": 0}
    answers = _answer(pipeline, [image for _, image in tried])
    labels = [one.sample.label for one, _ in tried]
    known = pipeline.classifier.labels
    truth = np.array([known.index(label) for label in labels])[answers.found]
    figures = _judge(answers, truth, threshold=pipeline.classifier.threshold)
    return {"level": level, "photos": len(tried), **figures}


def _judge(answers: _Answers, truth: NDArray[np.intp], *, threshold: float) -> dict[str, Any]:
    right = answers.probabilities.argmax(axis=1) == truth
    given = answers.probabilities.max(axis=1) >= threshold
    total, correct = len(answers.found), int(right.sum())
    return {
        "found": float(answers.found.mean()),
        "right": correct / total,
        "right_wilson": wilson(correct, total),
        "accuracy": float(right.mean()) if len(right) else None,
        "unsure": float((~given).mean()) if len(right) else None,
        "wrong": float((~right[given]).mean()) if given.any() else None,
    }


def _describe(classifier: EyewearClassifier, answers: _Answers) -> dict[str, Any]:
    table, labels = answers.probabilities, classifier.labels
    told = Counter(
        labels[row.argmax()] if row.max() >= classifier.threshold else UNSURE for row in table
    )
    mean = table.mean(axis=0).tolist() if len(table) else [None] * len(labels)
    return {
        "found": float(answers.found.mean()),
        "mean_probabilities": dict(zip(labels, mean, strict=True)),
        "answers": {label: told[label] for label in (*labels, UNSURE)},
    }


def _dress(found: _Found, number: int, *, darkness: float | None) -> ImageArray:
    if darkness is None:
        return found.picture.image
    glasses = draw_glasses(np.random.default_rng([_SEED, number]), darkness=0.0)
    glasses = dataclasses.replace(glasses, darkness=darkness)
    return put_on(found.picture.image, found.face.landmarks, glasses=glasses)


def _answer(pipeline: _Pipeline, images: Sequence[ImageArray]) -> _Answers:
    recognizer = pipeline.recognizer
    with concurrent.futures.ThreadPoolExecutor(count_cores()) as pool:
        nearest = list(pool.map(lambda image: recognize_nearest(recognizer, image), images))
    rows = [list(one[0].probabilities.values()) for one in nearest if one is not None]
    table = np.array(rows, np.float32).reshape(-1, len(pipeline.classifier.labels))
    return _Answers(table, np.array([one is not None for one in nearest]))
