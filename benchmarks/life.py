"""What the whole pipeline makes of photos of everyday life, in which every face is listed.

Faces are matched with what is found, one to one. What is found where nothing is listed, or where
something is that is `not_a_face`, is a false face.
"""

import concurrent.futures
import dataclasses
import functools
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import scipy.stats

from gafas.datasets.eyewear import read_corrections
from gafas.datasets.samples import EYEWEAR_LABELS, NOT_A_FACE, OTHER, TINTED, Sample
from gafas.datasets.scenes import LabelledFace, Scene
from gafas.detection.candidates import SAME, measure_overlap
from gafas.evaluation.metrics import Interval, wilson
from gafas.evaluation.predictions import NO_FACE, Row, measure_quality
from gafas.labels import UNSURE, Eyewear
from gafas.progress import show_progress
from gafas.recognizer import Recognizer, count_cores
from gafas.results import Box, Prediction

SMALLEST: Final = 24
"""Faces whose longer side has fewer pixels are not scored."""

TINY: Final = 20
"""Found faces of fewer pixels are not looked at where nothing is listed: so small ones may be."""

TAGS: Final = ("hat", "helmet", "mask", "profile", "down", "dark", "bw", "child")
"""What may be said of a face, in the order of the tables."""

COVERED: Final = ("hat", "helmet", "mask")
"""Those tags whose bare faces are counted together: a shadow or cloth lies on the face."""

PLAIN: Final = "none of these"
"""What faces without one of `TAGS` are called."""

SIZES: Final = ((24, "24-31"), (32, "32-63"), (64, "64-127"), (128, "128 or more"))
"""The least longer side of a box, in pixels, and what is called so."""

MISSED: Final = "missed"
"""What is said of a face that is not found, where answers are counted."""

UNLISTED: Final = "background"
"""The kind of a false face where nothing is listed."""

_TOLD: Final = (Eyewear.EYEGLASSES, Eyewear.SUNGLASSES)


@dataclasses.dataclass(frozen=True, slots=True)
class Counted:
    """So many of so many; of none there is neither a share, 0–1, nor its interval."""

    count: int
    total: int
    share: float | None
    wilson: Interval | None


@dataclasses.dataclass(frozen=True, slots=True)
class Rate:
    """How many there are per photo, with the exact 95 % interval of a Poisson rate."""

    count: int
    photos: int
    rate: float
    interval: Interval


@dataclasses.dataclass(frozen=True, slots=True)
class FaceGroup:
    """Faces that have something in common, and how they fared.

    Attributes:
        name: of what they share.
        found: of all of them.
        right: of the found, by the most probable label.
        answered: of the found, at the model's threshold.
        right_answers: of the answers.
        false_alarms: bare faces that are told to wear something, of the bare ones found.
    """

    name: str
    found: Counted
    right: Counted
    answered: Counted
    right_answers: Counted
    false_alarms: Counted


@dataclasses.dataclass(frozen=True, slots=True)
class SceneFigures:
    """What whole photos show beyond the figures of single faces.

    Attributes:
        photos: how many.
        false_faces: what is found and is no face.
        false_told: those of them that are told to wear something.
        covered_alarms: bare faces under hats, helmets and masks that are told to wear something,
            of those found.
        other_answered: goggles and headsets that get an answer, of those found.
        other_sunglasses: those that are called sunglasses.
        tags: the faces of each of `TAGS`, and those without one.
        sizes: the faces of each of `SIZES`.
        false_kinds: what the false faces are, by number, the most frequent first.
        called_sunglasses: what those are that are called sunglasses, of all that are: a label,
            `covered` for bare faces under hats, helmets and masks, `not_a_face`.
        answers_to_sunglasses: what is said of faces that wear such, of all of them.
    """

    photos: int
    false_faces: Rate
    false_told: Rate
    covered_alarms: Counted
    other_answered: Counted
    other_sunglasses: Counted
    tags: tuple[FaceGroup, ...]
    sizes: tuple[FaceGroup, ...]
    false_kinds: Mapping[str, int]
    called_sunglasses: Mapping[str, Counted]
    answers_to_sunglasses: Mapping[str, Counted]


@dataclasses.dataclass(frozen=True, slots=True)
class Judged:
    """A listed face that is scored or described, what is said of it, and its row."""

    face: LabelledFace
    row: Row
    prediction: Prediction | None

    @property
    def is_covered(self) -> bool:
        """Whether it is bare, under a hat, a helmet or a mask."""
        return self.face.label == Eyewear.NONE and not set(COVERED).isdisjoint(self.face.tags)


@dataclasses.dataclass(frozen=True, slots=True)
class SceneAnswers:
    """One photo's listed faces of at least `SMALLEST` pixels, and the false ones, by kind."""

    faces: tuple[Judged, ...]
    false: tuple[tuple[str, Prediction], ...]


def judge_scenes(recognizer: Recognizer, scenes: Sequence[Scene]) -> tuple[SceneAnswers, ...]:
    """Recognize photos, and find out what is said of every face that is listed there.

    Where a person corrected a label, the corrected one counts; of the test part none was.

    Raises:
        ImageError: a photo cannot be read.
    """
    with concurrent.futures.ThreadPoolExecutor(count_cores()) as pool:
        answers = pool.map(functools.partial(_judge, recognizer), map(_correct, scenes))
        return tuple(show_progress(answers, doing="Recognizing", total=len(scenes)))


def list_rows(answers: Iterable[SceneAnswers]) -> tuple[Row, ...]:
    """Return the rows of the faces that have one of the three labels."""
    faces = (judged for one in answers for judged in one.faces)
    return tuple(judged.row for judged in faces if judged.face.label in EYEWEAR_LABELS)


def _correct(scene: Scene) -> Scene:
    told = ((face, f"{scene.name}#{number}") for number, face in enumerate(scene.faces))
    faces = (
        dataclasses.replace(face, label=read_corrections().get(name, face.label))
        for face, name in told
    )
    return dataclasses.replace(scene, faces=tuple(faces))


def _judge(recognizer: Recognizer, scene: Scene) -> SceneAnswers:
    content = scene.path.read_bytes()
    found, crops = recognizer.recognize_with_crops(content)
    listed = [pair for pair in enumerate(scene.faces) if pair[1].label != NOT_A_FACE]
    mine = match([face.box for _, face in listed], [one.box for one in found])
    sha256 = hashlib.sha256(content).hexdigest()
    faces = []
    for place, (number, face) in enumerate(listed):
        if face.label not in (*EYEWEAR_LABELS, TINTED, OTHER) or measure_side(face.box) < SMALLEST:
            continue
        name = f"{scene.name}#{number}"
        sample = Sample(scene.path, name, face.label, scene.name, facts={"source": scene.source})
        row = Row(sample, {}, recognizer.threshold, sha256, error=NO_FACE)
        at = mine.get(place)
        if at is not None:
            quality = measure_quality(found[at].face, crops[at])
            probabilities = found[at].probabilities
            row = dataclasses.replace(row, error="", probabilities=probabilities, quality=quality)
        faces.append(Judged(face, row, None if at is None else found[at]))
    left = [one for at, one in enumerate(found) if at not in mine.values()]
    kinds = [(_name_kind(one.box, scene), one) for one in left]
    return SceneAnswers(tuple(faces), tuple((kind, one) for kind, one in kinds if kind))


def match(listed: Sequence[Box], found: Sequence[Box]) -> dict[int, int]:
    """Match boxes one to one, those that overlap most first: listed number → found number."""
    pairs = [
        (measure_overlap(one, other), -first, -second)
        for first, one in enumerate(listed)
        for second, other in enumerate(found)
    ]
    mine: dict[int, int] = {}
    for shared, first, second in sorted(pairs, reverse=True):
        if shared > SAME and -first not in mine and -second not in mine.values():
            mine[-first] = -second
    return mine


def measure_side(box: Box) -> float:
    """Return the longer side of a box."""
    x1, y1, x2, y2 = box
    return max(x2 - x1, y2 - y1)


def _name_kind(box: Box, scene: Scene) -> str:
    """Name what a found face is that no listed face explains; nothing where it may be a tiny one.

    What is listed as no face has one of its tags.
    """
    others = [face for face in scene.faces if face.label == NOT_A_FACE]
    near = [measure_overlap(box, face.box) for face in others]
    best = max(range(len(others)), key=near.__getitem__, default=0)
    if near and near[best] > SAME:
        return next(iter(others[best].tags), UNLISTED)
    return UNLISTED if measure_side(box) >= TINY else ""


def describe_scenes(answers: Sequence[SceneAnswers]) -> SceneFigures:
    """Count what whole photos show; what is measured of single faces, `list_rows` is for.

    Args:
        answers: at least one.
    """
    every = [judged for one in answers for judged in one.faces]
    scored = [judged for judged in every if judged.face.label in EYEWEAR_LABELS]
    false = [pair for one in answers for pair in one.false]
    others = [one.prediction for one in every if one.face.label == OTHER and one.prediction]
    dark = [judged for judged in scored if judged.face.label == Eyewear.SUNGLASSES]
    return SceneFigures(
        photos=len(answers),
        false_faces=_rate(len(false), len(answers)),
        false_told=_rate(sum(one.label in _TOLD for _, one in false), len(answers)),
        covered_alarms=_count_alarms([judged for judged in scored if judged.is_covered]),
        other_answered=count(not one.unsure for one in others),
        other_sunglasses=count(one.label == Eyewear.SUNGLASSES for one in others),
        tags=_group_by_tag(scored),
        sizes=_group_by_size(scored),
        false_kinds=dict(Counter(kind for kind, _ in false).most_common()),
        called_sunglasses=_list_called(every, false),
        answers_to_sunglasses={
            answer: count(_tell(judged) == answer for judged in dark)
            for answer in (*EYEWEAR_LABELS, UNSURE, MISSED)
        },
    )


def count(flags: Iterable[bool]) -> Counted:
    """Count those that are true."""
    every = list(flags)
    if not every:
        return Counted(0, 0, None, None)
    hits, total = sum(every), len(every)
    return Counted(hits, total, hits / total, wilson(hits, total))


def _rate(number: int, photos: int) -> Rate:
    low = float(scipy.stats.chi2.ppf(0.025, 2 * number)) / 2 if number else 0.0
    high = float(scipy.stats.chi2.ppf(0.975, 2 * number + 2)) / 2
    return Rate(number, photos, number / photos, Interval(low / photos, high / photos))


def _count_alarms(faces: Iterable[Judged]) -> Counted:
    bare = [one.prediction for one in faces if one.face.label == Eyewear.NONE and one.prediction]
    return count(one.label in _TOLD for one in bare)


def _group_by_tag(faces: Sequence[Judged]) -> tuple[FaceGroup, ...]:
    plain = [one for one in faces if set(TAGS).isdisjoint(one.face.tags)]
    tagged = ((tag, [one for one in faces if tag in one.face.tags]) for tag in TAGS)
    return tuple(_describe(name, some) for name, some in (*tagged, (PLAIN, plain)))


def _group_by_size(faces: Sequence[Judged]) -> tuple[FaceGroup, ...]:
    def name(one: Judged) -> str:
        side = measure_side(one.face.box)
        return next(name for least, name in reversed(SIZES) if side >= least)

    groups = ((size, [one for one in faces if name(one) == size]) for _, size in SIZES)
    return tuple(_describe(size, some) for size, some in groups)


def _describe(name: str, faces: Sequence[Judged]) -> FaceGroup:
    found = [one.row for one in faces if one.prediction]
    given = [row for row in found if row.answer != UNSURE]
    return FaceGroup(
        name,
        found=count(one.prediction is not None for one in faces),
        right=count(row.right for row in found),
        answered=count(row.answer != UNSURE for row in found),
        right_answers=count(row.right for row in given),
        false_alarms=_count_alarms(faces),
    )


def _tell(judged: Judged) -> str:
    return judged.prediction.label if judged.prediction else MISSED


def _list_called(
    faces: Iterable[Judged], false: Iterable[tuple[str, Prediction]]
) -> dict[str, Counted]:
    """Say what those are that are called sunglasses."""
    called = [one for one in faces if _tell(one) == Eyewear.SUNGLASSES]
    what = ["covered" if one.is_covered else one.face.label for one in called]
    what += [NOT_A_FACE for _, one in false if one.label == Eyewear.SUNGLASSES]
    kinds = (*reversed(EYEWEAR_LABELS), "covered", TINTED, OTHER, NOT_A_FACE)
    return {kind: count(one == kind for one in what) for kind in kinds}
