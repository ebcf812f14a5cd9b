"""How answers hold when photos get worse, and how they turn as lenses get darker.

Whole photos go through the whole pipeline, so that a face may get lost before it is judged: that is
what a user would meet.
"""

import concurrent.futures
import dataclasses
import functools
import io
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from gafas.classifier import EyewearClassifier
from gafas.datasets.samples import Sample
from gafas.errors import DataError
from gafas.evaluation.metrics import Interval, wilson
from gafas.evaluation.predictions import recognize_nearest
from gafas.images import load_photo
from gafas.labels import UNSURE, Eyewear
from gafas.recognizer import Recognizer, count_cores
from gafas.results import Face, ImageArray, Prediction
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
    degrade: Callable[[Picture, float], ImageArray | None]


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


def _to_bytes(values: NDArray[np.float64]) -> ImageArray:
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
class LevelResult:
    """What is answered to photos that were made worse to a level.

    Attributes:
        level: in the sweep's unit.
        photos: how many photos can have it; where none can, nothing else is known.
        found: the share of them in which a face is found.
        right: the share answered rightly by the most probable label, a lost face being wrong.
        right_wilson: its interval.
        accuracy: the share of the found that is right.
        unsure: the share of the found that is answered with `unsure`.
        wrong: the share of the answers given that is wrong.
    """

    level: float
    photos: int
    found: float | None = None
    right: float | None = None
    right_wilson: Interval | None = None
    accuracy: float | None = None
    unsure: float | None = None
    wrong: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class SweepResult:
    """A sweep's name, unit and results, from the mildest level to the worst."""

    name: str
    unit: str
    levels: tuple[LevelResult, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Robustness:
    """The results of every sweep.

    Attributes:
        photos: how many were tried, by label.
        missed_unchanged: how many show no face to begin with, and were left out.
        sweeps: in the order of `SWEEPS`.
    """

    photos: Mapping[str, int]
    missed_unchanged: int
    sweeps: tuple[SweepResult, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class LensResult:
    """What is answered to faces that wear rendered glasses.

    Attributes:
        darkness: of their lenses; None: no glasses at all.
        found: the share of photos in which a face is found.
        mean_probabilities: of each label; None where no face is found.
        answers: the number of each answer, `unsure` last.
    """

    darkness: float | None
    found: float
    mean_probabilities: Mapping[str, float | None]
    answers: Mapping[str, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Lenses:
    """The results on so many photos, the lenses getting darker."""

    photos: int
    levels: tuple[LensResult, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class _Found:
    label: str
    picture: Picture
    face: Face


def choose_samples(samples: Sequence[Sample], *, per_label: int = PER_LABEL) -> list[Sample]:
    """Draw at most `per_label` samples of each label, the same ones every time, sorted by name."""
    chosen: list[Sample] = []
    for label in sorted({sample.label for sample in samples}):
        inside = sorted((s for s in samples if s.label == label), key=lambda s: s.name)
        generator = np.random.default_rng(_SEED)
        places = generator.choice(len(inside), min(per_label, len(inside)), replace=False)
        chosen += [inside[place] for place in sorted(places.tolist())]
    return chosen


def measure_robustness(classifier: EyewearClassifier, samples: Sequence[Sample]) -> Robustness:
    """Measure answers to the same photos at every level of every sweep of `SWEEPS`.

    Args:
        classifier: a model of faces.
        samples: photos whose labels the model knows; those without a face to begin with are left
            out and counted.

    Raises:
        DataError: no photo shows a face.
        ImageError: a photo cannot be read.
    """
    recognizer = Recognizer(classifier)
    every = _find_all(recognizer, samples)
    sweeps = []
    for sweep in SWEEPS:
        levels = []
        for level in sweep.levels:
            worse = [(one.label, sweep.degrade(one.picture, level)) for one in every]
            tried = [(label, image) for label, image in worse if image is not None]
            answers = _answer(recognizer, [image for _, image in tried])
            levels.append(_judge(level, answers, [label for label, _ in tried]))
        sweeps.append(SweepResult(sweep.name, sweep.unit, tuple(levels)))
    photos = Counter(one.label for one in every)
    return Robustness(dict(sorted(photos.items())), len(samples) - len(every), tuple(sweeps))


def measure_lenses(classifier: EyewearClassifier, samples: Sequence[Sample]) -> Lenses:
    """Put a pair of glasses on each bare face and make its lenses darker, step by step.

    The pair on a face is the same at every step, but for its lenses.

    Raises:
        DataError: no photo shows a bare face.
        ImageError: a photo cannot be read.
    """
    recognizer = Recognizer(classifier)
    bare = _find_all(recognizer, [s for s in samples if s.label == Eyewear.NONE])
    levels = []
    for darkness in (None, *DARKNESS):
        images = [_dress(found, number, darkness=darkness) for number, found in enumerate(bare)]
        answers = _answer(recognizer, images)
        levels.append(_describe(darkness, answers, labels=classifier.labels))
    return Lenses(len(bare), tuple(levels))


def _find_all(recognizer: Recognizer, samples: Sequence[Sample]) -> list[_Found]:
    with concurrent.futures.ThreadPoolExecutor(count_cores()) as pool:
        every = pool.map(functools.partial(_find, recognizer), samples, range(len(samples)))
        found = [one for one in every if one is not None]
    if not found:
        raise DataError(
            "There is nothing to make worse: no photo shows a face. Received: "
            f"{len(samples)} photos. Give photos of faces, and a model that looks at them."
        )
    return found


def _find(recognizer: Recognizer, sample: Sample, seed: int) -> _Found | None:
    image = load_photo(sample.path, side=_SIDE).image
    nearest = recognize_nearest(recognizer, image)
    # Without landmarks the face was only declared: a model of whole photos looks for none.
    if nearest is None or not nearest[0].landmarks:
        return None
    face = nearest[0].face
    return _Found(sample.label, Picture(image, face.side, seed), face)


def _answer(recognizer: Recognizer, images: Sequence[ImageArray]) -> list[Prediction | None]:
    """Return the answer to each image; None where no face is found."""
    with concurrent.futures.ThreadPoolExecutor(count_cores()) as pool:
        nearest = pool.map(functools.partial(recognize_nearest, recognizer), images)
        return [one and one[0] for one in nearest]


def _judge(level: float, answers: Sequence[Prediction | None], truth: Sequence[str]) -> LevelResult:
    if not answers:
        return LevelResult(level, 0)
    found = [(one, label) for one, label in zip(answers, truth, strict=True) if one]
    right = [one.best == label for one, label in found]
    given = [one.best == label for one, label in found if not one.unsure]
    total, correct = len(answers), sum(right)
    return LevelResult(
        level,
        photos=total,
        found=len(found) / total,
        right=correct / total,
        right_wilson=wilson(correct, total),
        accuracy=correct / len(found) if found else None,
        unsure=1 - len(given) / len(found) if found else None,
        wrong=1 - sum(given) / len(given) if given else None,
    )


def _describe(
    darkness: float | None, answers: Sequence[Prediction | None], *, labels: Sequence[str]
) -> LensResult:
    found = [one for one in answers if one]
    told = Counter(one.label for one in found)
    table = {label: [one.probabilities[label] for one in found] for label in labels}
    return LensResult(
        darkness,
        found=len(found) / len(answers),
        mean_probabilities={x: statistics.fmean(p) if p else None for x, p in table.items()},
        answers={label: told[label] for label in (*labels, UNSURE)},
    )


def _dress(found: _Found, number: int, *, darkness: float | None) -> ImageArray:
    if darkness is None:
        return found.picture.image
    glasses = draw_glasses(np.random.default_rng([_SEED, number]), darkness=0.0)
    glasses = dataclasses.replace(glasses, darkness=darkness)
    return put_on(found.picture.image, found.face.landmarks, glasses=glasses)
