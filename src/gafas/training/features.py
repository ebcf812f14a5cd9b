"""What a model sees in labelled faces, before it answers: features, in which own labels lie."""

import collections
import dataclasses
import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from gafas.classifier import EyewearClassifier
from gafas.datasets.leaks import list_near
from gafas.datasets.samples import Sample
from gafas.detection.detector import LARGE_SIDE
from gafas.errors import ModelError
from gafas.images import ImageSource, load_photo
from gafas.recognizer import EIGHTH_SIDE, measure_detail, refine
from gafas.results import Face, ImageArray
from gafas.training.faces import add_margin, cut_centre, cut_face, read_faces

JITTERS: Final = 1
"""How many changed crops of each face are learnt from beside the crop that is served: more take
longer, and were worth nothing."""

_SHIFT: Final = 0.04  # of a crop's side, to each side at most
_ZOOM: Final = 0.06  # a jittered crop shows so much more or less
_LIGHT: Final = 0.25  # it is so much brighter or darker


@dataclasses.dataclass(frozen=True, slots=True)
class Features:
    """What a model sees in the faces of labelled photos.

    Attributes:
        samples: whose faces these are, N of them, in the given order.
        values: `(N, A, F)`, the features of A crops of each face: first the one that is served,
            then changed ones.
        probabilities: `(N, A, K)`, what the model answers to these crops.
        labels: of these K answers, in their order.
        missed: the samples in whose photos no face was found.
    """

    samples: tuple[Sample, ...]
    values: npt.NDArray[np.float32]
    probabilities: npt.NDArray[np.float32]
    labels: tuple[str, ...]
    missed: tuple[Sample, ...] = ()


def read_features(samples: Sequence[Sample], classifier: EyewearClassifier) -> Features:
    """Read the features of the face that each sample speaks of.

    The faces are those that a training learns from: `gafas.training.faces.read_faces` cuts them.

    Raises:
        ImageError: a photo cannot be read.
        ModelError: the model does not look at faces, or gives no features.
    """
    side = max(classifier.size)
    faces = read_faces(samples, side=side)
    values, probabilities = see_jittered(faces.images, classifier)
    kept = {sample.name for sample in faces.samples}
    return Features(
        samples=faces.samples,
        values=values,
        probabilities=probabilities,
        labels=classifier.labels,
        missed=tuple(sample for sample in samples if sample.name not in kept),
    )


def see_photo(
    source: ImageSource, faces: Sequence[Face], classifier: EyewearClassifier
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return what `see_jittered` does of faces found in a photo that may have no file.

    It is decoded as large as their crops need, as `gafas.training.faces.read_faces` does.

    Args:
        source: the photo.
        faces: with landmarks, in its pixels.
        classifier: a model of faces.

    Raises:
        ImageError: the photo cannot be read.
        ModelError: the model does not look at faces, or gives no features.
    """
    side, photo = max(classifier.size), load_photo(source, side=LARGE_SIDE, eighth=EIGHTH_SIDE)
    photo = refine(source, photo, detail=measure_detail(photo, faces, side=side).min(initial=1))
    crops = [cut_face(photo, face.scaled(photo.scale), side=side)[0] for face in faces]
    wide = add_margin(side)
    stacked = np.array(crops, np.uint8).reshape(-1, wide, wide, 3)
    # Photos come one by one: with one seed, all would be changed alike.
    return see_jittered(stacked, classifier, seed=zlib.crc32(stacked.tobytes()))


def see_jittered(
    wide: ImageArray, classifier: EyewearClassifier, *, seed: int = 0
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the features, `(N, A, F)`, and the probabilities, `(N, A, K)`, of A crops of faces.

    Args:
        wide: `(N, W, W, 3)`, crops with their margin.
        classifier: a model of faces.
        seed: of how they are changed.

    Raises:
        ModelError: the model does not look at faces, or gives no features.
    """
    side, generator = max(classifier.size), np.random.default_rng(seed)
    changed = (jitter(wide, side, generator) for _ in range(JITTERS))
    seen = [see(crops, classifier) for crops in (cut_centre(wide, side), *changed)]
    features, probabilities = zip(*seen, strict=True)
    return np.stack(features, axis=1), np.stack(probabilities, axis=1)


def see(
    crops: ImageArray, classifier: EyewearClassifier
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the features, `(N, F)`, and the probabilities, `(N, K)`, of crops as they are served.

    Raises:
        ModelError: the model does not look at faces, or gives no features.
    """
    seen = classifier.look(np.ascontiguousarray(crops)) if classifier.geometry else None
    if seen is None or seen.features is None:
        raise ModelError(
            "Own labels are learnt from the features of a model of faces, and this file gives "
            f"none. Received: {classifier!r}. Give --model free or research, or a file that gafas "
            "trained on the recipe eyewear or faces."
        )
    return seen.features, seen.probabilities


def jitter(wide: ImageArray, side: int, generator: np.random.Generator) -> ImageArray:
    """Return crops as they might have come: moved, nearer or farther, in other light, mirrored.

    Args:
        wide: `(N, W, W, 3)`, crops with their margin.
        side: of the crops to return, in pixels.
        generator: of what is random.
    """
    middle = wide.shape[1] / 2
    changed = np.empty((len(wide), side, side, 3), np.uint8)
    for crop, image in zip(changed, wide, strict=True):
        shift = middle + generator.uniform(-_SHIFT, _SHIFT, 2) * side
        half = side / 2 * (1 + generator.uniform(-_ZOOM, _ZOOM))
        box = (*(shift - half), *(shift + half))
        seen = Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR, box)
        light = 1 + generator.uniform(-_LIGHT, _LIGHT)
        pixels = np.clip(np.asarray(seen, np.float32) * light, 0, 255)
        crop[:] = pixels[:, :: generator.choice((-1, 1))]
    return changed


def group(
    samples: Sequence[Sample], *, near: Sequence[tuple[int, int]] | None = None
) -> npt.NDArray[np.intp]:
    """Return for each sample the number of its group, `(N,)`: what belongs together when parted.

    That is the person, where every sample says whom it shows; else the photo, together with all
    that hardly differ from it.

    Args:
        samples: N of them.
        near: the pairs of their places that hardly differ; found in their files if left out.

    Raises:
        ImageError: a photo cannot be read.
    """
    if all(sample.subject is not None for sample in samples):
        names = [str(sample.subject) for sample in samples]
        return np.unique(names, return_inverse=True)[1]
    parents = list(range(len(samples)))

    def find(at: int) -> int:
        """Return the first sample of a sample's group."""
        while parents[at] != at:
            at = parents[at]
        return at

    first = dict[str, int]()
    same = [(first.setdefault(sample.photo, at), at) for at, sample in enumerate(samples)]
    for one, other in [*same, *(list_near(samples) if near is None else near)]:
        low, high = sorted((find(one), find(other)))
        parents[high] = low
    return np.unique([find(at) for at in range(len(samples))], return_inverse=True)[1]


def count_labels(samples: Sequence[Sample]) -> dict[str, int]:
    """Return how many samples bear each label, the labels in alphabetical order."""
    return dict(sorted(collections.Counter(sample.label for sample in samples).items()))
