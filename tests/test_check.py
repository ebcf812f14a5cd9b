"""A photo passes or fails by documented rules; where the model is not sure, a person looks."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brightness_model import brightness_model
from face_photos import face_model
from gafas.check import REASONS, Checked, Requirement, Rules, Verdict, check, check_model
from gafas.classifier import EyewearClassifier
from gafas.errors import ModelError
from gafas.labels import LANGUAGES
from gafas.recognizer import Recognizer
from gafas.results import Face, Prediction, Recognition

ROOT = Path(__file__).parents[1]
SURE = {
    "none": (0.99, 0.005, 0.005),
    "eyeglasses": (0.005, 0.99, 0.005),
    "sunglasses": (0.005, 0.005, 0.99),
}


def face(
    side: float = 200.0, *, tilt: float = 0.0, turn: float = 0.0, confidence: float = 0.99
) -> Face:
    """Return an upright face, or one that leans or looks aside."""
    points = [(-0.2, -0.1), (0.2, -0.1), (turn * 0.4, 0.1), (-0.15, 0.3), (0.15, 0.3)]
    sine, cosine = math.sin(math.radians(tilt)), math.cos(math.radians(tilt))
    middle = side / 2
    marks = tuple(
        (middle + side * (x * cosine - y * sine), middle + side * (x * sine + y * cosine))
        for x, y in points
    )
    return Face((0.0, 0.0, side, side), marks, confidence)


def predict(probabilities: Sequence[float] = SURE["none"], shown: Face | None = None) -> Prediction:
    labels = dict(zip(SURE, probabilities, strict=True))
    return Prediction.decide(shown or face(), labels)


def decide(*faces: Prediction, require: str = "clear-eyes", **options: float) -> Checked:
    rules = Rules(Requirement(require), **options)  # type: ignore[arg-type]
    return check(Recognition("a.jpg", 640, 480, faces), rules)


@pytest.mark.parametrize(
    ("require", "worn", "reason"),
    [
        ("clear-eyes", "none", "clear-eyes"),
        ("clear-eyes", "eyeglasses", "clear-eyes"),
        ("clear-eyes", "sunglasses", "dark-lenses"),
        ("no-sunglasses", "eyeglasses", "no-sunglasses"),
        ("no-sunglasses", "sunglasses", "dark-lenses"),
        ("bare", "none", "bare"),
        ("bare", "eyeglasses", "glasses"),
        ("bare", "sunglasses", "glasses"),
    ],
)
def test_a_sure_answer_decides_by_what_is_required(require: str, worn: str, reason: str) -> None:
    checked = decide(predict(SURE[worn]), require=require)
    assert checked.reason == reason
    assert checked.verdict == (Verdict.passed if reason == require else Verdict.failed)


@given(
    st.tuples(*[st.floats(0.001, 1.0)] * 3),
    st.sampled_from(list(Requirement)),
    st.floats(0.5, 1.0),
)
def test_nothing_passes_or_fails_without_the_probability_that_is_asked_for(
    weights: tuple[float, float, float], require: Requirement, sure: float
) -> None:
    exactly = predict([weight / sum(weights) for weight in weights])
    answer = list(exactly.rounded().probabilities.values())  # what is shown decides
    checked = decide(exactly, require=require, sure=sure)
    kept = decide(exactly.rounded(), require=require, sure=sure)
    assert (kept.reason, kept.say()) == (checked.reason, checked.say())
    allowed = sum(answer[:1] if require == "bare" else answer[:2])
    if checked.verdict is Verdict.passed:
        assert allowed >= sure
    elif checked.verdict is Verdict.failed:
        assert allowed <= 1 - sure + 1e-9
    else:
        assert 1 - sure - 1e-9 <= allowed <= sure + 1e-9


def test_what_is_shown_decides_so_that_kept_answers_get_the_same_verdict() -> None:
    edge = predict((0.9696, 0.0, 0.0304), shown=face(confidence=0.8996))
    assert decide(edge).verdict is decide(edge.rounded()).verdict is Verdict.passed
    assert edge.to_dict()["confidence"] == 0.9


def test_glasses_of_unsure_kind_are_clear_enough_as_long_as_they_are_not_dark() -> None:
    between = predict((0.5, 0.49, 0.01))
    assert decide(between).verdict is Verdict.passed
    assert decide(between, require="bare").reason == "perhaps-glasses"
    assert decide(predict((0.5, 0.4, 0.1))).reason == "perhaps-dark-lenses"


def test_a_photo_holds_exactly_one_face_unless_others_may_be_in_it() -> None:
    large, small = predict(), predict(SURE["sunglasses"], face(80))
    assert decide().reason == "no-face"
    assert decide(small, large).reason == "several-faces"
    assert decide(small, large, largest=True).reason == "clear-eyes"
    assert decide(small, large, largest=True).face == large


def test_what_may_be_no_face_is_for_a_person_to_look_at() -> None:
    doubtful = predict(SURE["none"], face(confidence=0.7))
    assert decide(doubtful).reason == "perhaps-no-face"
    assert decide(predict(), doubtful).reason == "perhaps-several-faces"
    declared = predict(SURE["none"], Face((0, 0, 200, 200), face().landmarks))
    assert decide(declared).verdict is Verdict.passed


@pytest.mark.parametrize("tilt", [-14.0, 14.0])
def test_a_face_may_lean_a_little(tilt: float) -> None:
    assert decide(predict(shown=face(tilt=tilt))).verdict is Verdict.passed
    assert decide(predict(shown=face(tilt=tilt)), max_tilt=10).reason == "tilted"


@pytest.mark.parametrize("tilt", [-16.5, 90.0, 180.0])
def test_a_face_that_leans_fails_where_a_pose_is_asked_for(tilt: float) -> None:
    leaning = predict(shown=face(tilt=tilt))
    assert decide(leaning).reason == decide(leaning, require="bare").reason == "tilted"
    assert f"{math.ceil(abs(tilt))}°" in decide(leaning).say()
    assert decide(leaning, require="no-sunglasses").verdict is Verdict.passed


@pytest.mark.parametrize("turn", [-0.4, 0.4])
def test_a_face_that_looks_aside_fails_where_a_pose_is_asked_for(turn: float) -> None:
    aside = predict(shown=face(turn=turn))
    assert decide(aside).reason == "turned"
    assert decide(aside, max_turn=0.5).verdict is Verdict.passed
    assert decide(aside, require="no-sunglasses").verdict is Verdict.passed


def test_a_small_face_fails_and_is_told_how_small_it_is() -> None:
    small = decide(predict(shown=face(63.9)))
    assert small.reason == "small"
    assert small.say() == "The face measures 63 pixels, and at least 64 are asked for."
    assert decide(predict(shown=face(63.9)), min_face=60).verdict is Verdict.passed


def test_a_photo_that_cannot_be_read_fails_with_its_error() -> None:
    checked = check(Recognition("a.jpg", error="It is none."), Rules(Requirement.bare))
    assert (checked.verdict, checked.error) == (Verdict.failed, "It is none.")
    assert checked.to_dict()["error"] == "It is none."


def test_every_reason_can_be_said_in_every_language() -> None:
    values = dict.fromkeys(("count", "size", "least", "tilt", "most", "percent"), 7)
    for reason in REASONS:
        checked = Checked("a.jpg", reason, values, predict(SURE["sunglasses"]))
        told = [checked.say(language) for language in LANGUAGES]
        assert len(set(told)) == len(LANGUAGES), reason
        assert all(re.fullmatch(r"[A-Z\d][^{}]+\.", sentence) for sentence in told), told


@pytest.mark.parametrize("page", ["docs/how-to/check.md", "docs/es/comprobar.md"])
def test_every_reason_and_every_default_stands_in_the_documentation(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert [reason for reason in REASONS if f"`{reason}`" not in text] == []
    rules = Rules(Requirement.bare)
    for option in ("min_face", "max_tilt", "max_turn", "sure"):
        default = f"{getattr(rules, option):g}"
        default = default.replace(".", ",") if "es/" in page else default
        row = next(line for line in text.splitlines() if f"`--{option.replace('_', '-')}`" in line)
        assert re.search(rf"(?<![\d.,]){re.escape(default)}(?![\d.,])", row), row


def test_a_rule_outside_its_range_is_refused() -> None:
    for wrong in ({"sure": 0.4}, {"sure": 1.1}, {"min_face": -1.0}, {"max_tilt": math.nan}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Rules(Requirement.bare, **wrong)  # type: ignore[arg-type]


def test_a_model_that_cannot_answer_the_question_is_refused() -> None:
    two = Recognizer(EyewearClassifier(face_model(labels=["none", "eyeglasses"])))
    check_model(two, Requirement.bare)
    for require in (Requirement.clear_eyes, Requirement.no_sunglasses):
        with pytest.raises(ModelError, match=f"check for {require}"):
            check_model(two, require)
    with pytest.raises(ModelError, match="Cannot check"):
        check_model(
            Recognizer(EyewearClassifier(face_model(labels=["goggles", "none"]))), Requirement.bare
        )
    whole = Recognizer(EyewearClassifier(brightness_model()))
    with pytest.raises(ModelError, match="expected one of faces"):
        check_model(whole, Requirement.bare)
