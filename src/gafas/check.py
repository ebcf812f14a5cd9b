"""Pass or fail photos by what the face in them wears, or have a person look: for uploads and IDs.

A verdict is a rule's, and the rules are few: how many faces, how large, how upright, and what they
wear. Where the model is not sure, no rule decides: a person should look.
"""

import dataclasses
import enum
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from gafas.errors import ModelError
from gafas.labels import Eyewear, Language, name_label

# Heavy modules are imported inside, so that `gafas --help` can name the rules at once.
if TYPE_CHECKING:
    from gafas.recognizer import Recognizer
    from gafas.results import Prediction, Recognition

SURE_FACE: Final = 0.9
"""The confidence under which a face may be none; chosen on photos that no figure is told of."""


class Requirement(enum.StrEnum):
    """What is required of a photo."""

    clear_eyes = "clear-eyes"
    no_sunglasses = "no-sunglasses"
    bare = "bare"

    @property
    def allowed(self) -> frozenset[str]:
        """Return the labels that meet it."""
        clear = {Eyewear.NONE} if self is Requirement.bare else {Eyewear.NONE, Eyewear.EYEGLASSES}
        return frozenset(clear)

    @property
    def is_posed(self) -> bool:
        """Return whether the face must be upright, and both eyes seen, as on documents."""
        return self is not Requirement.no_sunglasses


class Verdict(enum.StrEnum):
    """What becomes of a photo: `look` is for a person to decide."""

    passed = "pass"
    failed = "fail"
    look = "look"


@dataclasses.dataclass(frozen=True, slots=True)
class Rules:
    """What a photo must be like.

    The sureness was chosen on photos that no figure is told of, so that of them at most one in 200
    of either kind gets the wrong verdict.

    Attributes:
        require: what the face may wear; `clear-eyes` and `bare` also ask for its pose.
        largest: whether other faces than the largest do not matter.
        min_face: the least width and height of the face's box, in pixels of the photo.
        max_tilt: the angle, in degrees, by which the face may lean to either side.
        max_turn: how far it may look aside, as `gafas.crops.measure_pose` counts it: 0 is straight
            ahead, and from 0.28 on the far eye is hardly seen.
        sure: the probability, 0.5–1, of what is allowed, or of what is not, that is needed to
            decide.

    Raises:
        ValueError: a number is outside its range.
    """

    require: Requirement
    largest: bool = False
    min_face: float = 64.0
    max_tilt: float = 15.0
    max_turn: float = 0.28
    sure: float = 0.97

    def __post_init__(self) -> None:
        least = {"min_face": 0.0, "max_tilt": 0.0, "max_turn": 0.0, "sure": 0.5}
        for name, low in least.items():
            value = getattr(self, name)
            if not low <= value <= (1 if name == "sure" else math.inf):
                top = " to 1" if name == "sure" else " or more"
                raise ValueError(f"The rule {name} takes {low:g}{top}. Received: {value}.")


@dataclasses.dataclass(frozen=True, slots=True)
class _Reason:
    """A verdict, and the sentence that says why; what it names stands in `Checked.values`."""

    verdict: Verdict
    en: str
    es: str


_REASONS: Final[Mapping[str, _Reason]] = {
    "unreadable": _Reason(
        Verdict.failed, en="The photo cannot be read.", es="No se puede leer la foto."
    ),
    "no-face": _Reason(
        Verdict.failed, en="No face was found.", es="No se ha encontrado ninguna cara."
    ),
    "several-faces": _Reason(
        Verdict.failed,
        en="{count} faces were found, and one alone is asked for.",
        es="Se han encontrado {count} caras y se pide una sola.",
    ),
    "perhaps-several-faces": _Reason(
        Verdict.look,
        en="There may be more faces than one.",
        es="Puede que haya más de una cara.",
    ),
    "perhaps-no-face": _Reason(
        Verdict.look,
        en="What was found may be no face.",
        es="Puede que lo encontrado no sea una cara.",
    ),
    "small": _Reason(
        Verdict.failed,
        en="The face measures {size} pixels, and at least {least} are asked for.",
        es="La cara mide {size} píxeles y se piden al menos {least}.",
    ),
    "tilted": _Reason(
        Verdict.failed,
        en="The face leans by {tilt}°, and at most {most}° are allowed.",
        es="La cara está inclinada {tilt}° y se permiten como mucho {most}°.",
    ),
    "turned": _Reason(
        Verdict.failed,
        en="The face looks aside, so that one eye may not be seen.",
        es="La cara mira hacia un lado, y puede que un ojo no se vea.",
    ),
    "dark-lenses": _Reason(
        Verdict.failed,
        en="The eyes are behind sunglasses.",
        es="Los ojos están detrás de unas gafas de sol.",
    ),
    "glasses": _Reason(Verdict.failed, en="The face wears {label}.", es="La cara lleva {label}."),
    "perhaps-dark-lenses": _Reason(
        Verdict.look,
        en="There may be dark lenses: the probability of sunglasses is {percent}%.",
        es="Puede que haya lentes oscuras: la probabilidad de unas gafas de sol es del "
        "{percent}\u202f%.",
    ),
    "perhaps-glasses": _Reason(
        Verdict.look,
        en="The face may wear glasses: the probability is {percent}%.",
        es="Puede que la cara lleve gafas: la probabilidad es del {percent}\u202f%.",
    ),
    "clear-eyes": _Reason(
        Verdict.passed,
        en="The face is upright, and its eyes are not behind dark lenses.",
        es="La cara está derecha y sus ojos no están detrás de lentes oscuras.",
    ),
    "no-sunglasses": _Reason(
        Verdict.passed, en="The face wears no sunglasses.", es="La cara no lleva gafas de sol."
    ),
    "bare": _Reason(
        Verdict.passed,
        en="The face is upright and wears no glasses.",
        es="La cara está derecha y no lleva gafas.",
    ),
}

REASONS: Final = tuple(_REASONS)
"""The words for programs, in the order in which the rules are asked; those of `pass` last."""


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """What was decided about a photo, and why.

    Attributes:
        photo: as the recognition calls it.
        reason: one of `REASONS`.
        values: what the sentence names, but for a label.
        face: the face that was decided by; None where there was none, or one too many.
        error: why the photo could not be read; None for all others.
    """

    photo: str
    reason: str
    values: Mapping[str, int] = dataclasses.field(default_factory=dict)
    face: "Prediction | None" = None
    error: str | None = None

    @property
    def verdict(self) -> Verdict:
        """Return whether the photo passes, fails, or is for a person to look at."""
        return _REASONS[self.reason].verdict

    def say(self, language: Language = "en") -> str:
        """Return the reason as a sentence.

        >>> Checked("a.jpg", "several-faces", {"count": 2}).say("es")
        'Se han encontrado 2 caras y se pide una sola.'
        """
        label = name_label(self.face.best, language=language) if self.face else ""
        sentence: str = getattr(_REASONS[self.reason], language)
        return sentence.format(label=label, **self.values)

    def to_dict(self, language: Language = "en") -> dict[str, Any]:
        """Return the JSON object that every door gives for a photo.

        >>> Checked("a.jpg", "no-face").to_dict()["verdict"]
        'fail'
        """
        return {
            "photo": self.photo,
            "verdict": str(self.verdict),
            "reason": self.reason,
            "sentence": self.say(language),
            "face": self.face.to_dict() if self.face else None,
            "error": self.error,
        }


def check(found: "Recognition", rules: Rules) -> Checked:
    """Decide about a photo by what was recognized in it; the first rule that it breaks is named.

    Rules that measure the photo come first, and what the face wears last. The recognizer must pass
    `check_model`.

    Raises:
        ValueError: a pose is asked for, and somebody declared the face without landmarks.

    >>> from gafas.results import Recognition
    >>> check(Recognition("a.jpg", 640, 480), Rules(Requirement.bare)).reason
    'no-face'
    """
    if found.error is not None:
        return Checked(found.photo, "unreadable", error=found.error)
    # By the digits that are shown and kept, so that whoever has these comes to the same verdict.
    faces = [one.rounded() for one in found.select(largest=rules.largest).faces]
    certain = sum(_is_certain(one) for one in faces)
    if not faces:
        return Checked(found.photo, "no-face")
    if certain > 1:
        return Checked(found.photo, "several-faces", {"count": certain})
    if len(faces) > 1:
        return Checked(found.photo, "perhaps-several-faces")
    reason, values = _judge(faces[0], rules)
    return Checked(found.photo, reason, values, faces[0])


def check_model(recognizer: "Recognizer", require: Requirement) -> None:
    """Refuse a model that cannot say whether a requirement is met.

    Raises:
        ModelError: it looks at whole photos, or its labels are not those that the rules know.
    """
    model = recognizer.classifier
    labels = frozenset(model.labels)
    known = labels <= frozenset(Eyewear) and labels & require.allowed and labels - require.allowed
    if model.view != "face" or not known:
        wanted = "sunglasses" if require is not Requirement.bare else "none"
        raise ModelError(
            f"Cannot check for {require} by this model: expected one of faces, whose labels are "
            f"some of {', '.join(Eyewear)}, with {wanted!r} and another. Received: {model!r}. "
            "Leave --model out, or name another."
        )


def _is_certain(one: "Prediction") -> bool:
    return one.confidence is None or one.confidence >= SURE_FACE


def _judge(one: "Prediction", rules: Rules) -> tuple[str, dict[str, int]]:
    """Return the reason for the verdict on the one face, and what its sentence names."""
    from gafas.crops import measure_pose, place_crop

    size = min(one.face.size)
    tilt = abs(math.degrees(place_crop(one.face).roll))
    if not _is_certain(one):
        return "perhaps-no-face", {}
    if size < rules.min_face:
        return "small", {"size": math.floor(size), "least": math.ceil(rules.min_face)}
    if rules.require.is_posed and tilt > rules.max_tilt:
        return "tilted", {"tilt": math.ceil(tilt), "most": math.floor(rules.max_tilt)}
    if rules.require.is_posed and abs(measure_pose(one.face)[0]) > rules.max_turn:
        return "turned", {}
    return _judge_eyewear(one, rules)


def _judge_eyewear(one: "Prediction", rules: Rules) -> tuple[str, dict[str, int]]:
    bare = rules.require is Requirement.bare
    allowed = sum(one.probabilities.get(label, 0.0) for label in rules.require.allowed)
    if allowed >= rules.sure:
        return str(rules.require), {}
    if 1 - allowed < rules.sure:
        reason = "perhaps-glasses" if bare else "perhaps-dark-lenses"
        return reason, {"percent": round((1 - allowed) * 100)}
    return ("glasses" if bare else "dark-lenses"), {}
