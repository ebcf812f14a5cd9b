"""Sound the alarm where test samples were, in some shape, there to be learnt from."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from gafas.datasets.samples import Sample
from gafas.datasets.splits import Split
from gafas.images import ImageSource, load_photo

# A photo's hash is imagehash's phash with 16 × 16 = 256 bits of a 32 × 32 reduction. Measured on
# the 1,872 CMU files, share of pairs (and of files with one such pair) within the threshold:
#
#                        the same photo,   another photo of   another
#                        another size      the same person    person
#   64 bits,  ≤ 2 apart  99.6 % (99.9 %)   2.6 % (45 %)       0
#   256 bits, ≤ 8        95.5 % (98.4 %)   0.3 %  (9 %)       0
#   256 bits, ≤ 12       99.8 % (100 %)    0.9 % (20 %)       0
#   256 bits, ≤ 16       100 %  (100 %)    1.4 % (28 %)       0
#   256 bits, ≤ 24       100 %  (100 %)    2.9 % (48 %)       0
#
# What remains under "another photo" are shots of one sitting that hardly differ: near-duplicates
# indeed. Of 400 colour photos each from five sets, ≤ 16 found all copies saved at JPEG quality 75
# or 40, all of half the size (64 × 64 thumbnails too) and 98–100 % of those darkened by 30 %
# besides; no two different photos came nearer than 60. A crop of 3 % is not found.
_SIDE = 16
_THRESHOLD = 16

_EXAMPLES = 5
_ROWS = 1024  # of the distance matrix at a time: some MB even for 100,000 training photos


@dataclasses.dataclass(frozen=True, slots=True)
class Leak:
    """One test sample and a sample that gives it away, since training has seen it: their names."""

    test: str
    train: str
    kind: str  # `same photo`, `near-duplicate` or `same subject`


@dataclasses.dataclass(frozen=True, slots=True)
class LeakReport:
    """How many test samples have a counterpart in what training or validation has seen.

    Where validation is the test part (`watches_test`), only training counts.
    """

    test: int  # the number of test samples
    same_photo: int  # of them, those whose photo was seen in another file, as at another size
    near_duplicate: int  # those of which a picture that hardly differs was seen
    same_subject: int  # those that show a person who was seen
    any: int  # those with at least one of the three
    subjects_known: bool  # of every sample; if not, `same_subject` may be low
    watches_test: bool  # whether the test part is watched during training
    examples: tuple[Leak, ...]  # the first few leaking samples, the plainest kind of each

    def sentence(self) -> str:
        """Say in English what leaks, or that nothing does."""
        watched = " The test part is also watched during training." if self.watches_test else ""
        unknown = "" if self.subjects_known else " Not every sample says whom it shows."
        if not self.any:
            whom = ", nor a person," if self.subjects_known else ""
            return f"None of {self.test} test files shares a photo{whom} with training.{unknown}"
        found = [
            f"{count} ({count / self.test:.0%}) {what}"
            for count, what in (
                (self.same_photo, "have the same photo in training, as at another size"),
                (self.near_duplicate, "hardly differ from a training photo"),
                (self.same_subject, "show a person who is in training"),
            )
            if count
        ]
        return f"Leak: of {self.test} test files, {'; '.join(found)}.{unknown}{watched}"


def audit(split: Split) -> LeakReport:
    """Look for every test sample's counterparts in training and validation.

    Near-duplicates are found by perceptual hash, whatever the names say.

    Raises:
        ImageError: a photo cannot be read.
    """
    validation = () if split.watches_test else split.validation
    seen = split.train + validation
    photos = {s.photo: s.name for s in reversed(seen)}
    subjects = {s.subject: s.name for s in reversed(seen) if s.subject is not None}
    found = {  # for each test sample, the name of its counterpart; the plainest kind first
        "same photo": [photos.get(s.photo) for s in split.test],
        "near-duplicate": find_near(split.test, seen),
        "same subject": [subjects.get(s.subject or "") for s in split.test],
    }
    leaking: list[Leak] = []
    for sample, *names in zip(split.test, *found.values(), strict=True):
        kinds = zip(found, names, strict=True)
        leaking += [Leak(sample.name, name, kind) for kind, name in kinds if name][:1]
    return LeakReport(
        test=len(split.test),
        same_photo=sum(map(bool, found["same photo"])),
        near_duplicate=sum(map(bool, found["near-duplicate"])),
        same_subject=sum(map(bool, found["same subject"])),
        any=len(leaking),
        subjects_known=all(s.subject is not None for s in seen + split.test),
        watches_test=split.watches_test,
        examples=tuple(leaking[:_EXAMPLES]),
    )


def hash_photo(path: Path) -> npt.NDArray[np.bool_]:
    """Return the perceptual hash of a photo: 256 bits on which brightness and size hardly tell.

    Raises:
        ImageError: the photo cannot be read.
    """
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        changed = 0  # let the decoder say what is wrong
    return _hash_once(path, changed)


@functools.lru_cache(maxsize=200_000)  # a benchmark audits the same photos in every fold
def _hash_once(path: Path, changed: int) -> npt.NDArray[np.bool_]:
    return hash_image(path)


def hash_image(source: ImageSource) -> npt.NDArray[np.bool_]:
    """Return the perceptual hash of an image that may have no file, as `hash_photo` does.

    Raises:
        ImageError: the image cannot be read.
    """
    import imagehash

    image = Image.fromarray(load_photo(source, side=4 * _SIDE).image)
    bits = imagehash.phash(image, hash_size=_SIDE, highfreq_factor=2).hash
    return np.asarray(bits, dtype=np.bool_).ravel()


def list_near(samples: Sequence[Sample]) -> list[tuple[int, int]]:
    """Return the pairs of places, lower first, whose photos hardly differ.

    Raises:
        ImageError: a photo cannot be read.
    """
    return pair_near(_hash_all(samples)) if samples else []


def pair_near(hashes: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the pairs of places, lower first, whose hashes, `(N, 256)`, hardly differ."""
    pairs: list[tuple[int, int]] = []
    for start, distances in _measure_distances(hashes, hashes):
        found = np.argwhere(np.triu(distances <= _THRESHOLD, start + 1))
        pairs += [(int(first) + start, int(second)) for first, second in found]
    return pairs


def find_near(test: Sequence[Sample], seen: Sequence[Sample]) -> list[str | None]:
    """Name for every test sample the most similar one seen, None where none is near.

    Raises:
        ImageError: a photo cannot be read.
    """
    names: list[str | None] = [None] * len(test)
    if not test or not seen:
        return names
    for start, distances in _measure_distances(_hash_all(test), _hash_all(seen)):
        for row, at in enumerate(distances.argmin(axis=1)):
            if distances[row, at] <= _THRESHOLD:
                names[start + row] = seen[at].name
    return names


def _hash_all(samples: Sequence[Sample]) -> npt.NDArray[np.bool_]:
    return np.stack([hash_photo(sample.path) for sample in samples])


def _measure_distances(
    ones: npt.NDArray[np.bool_], others: npt.NDArray[np.bool_]
) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """Yield how many bits of the hashes differ: the place of a row, and some rows from there on."""
    first, second = (np.where(bits, np.float32(1), np.float32(-1)) for bits in (ones, others))
    for start in range(0, len(first), _ROWS):
        # Of ±1 vectors the product counts agreements minus disagreements: all distances at once.
        yield start, (first.shape[1] - first[start : start + _ROWS] @ second.T) / 2
