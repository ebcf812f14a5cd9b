"""Listed faces are matched with found ones, and what is left over is a false face."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from benchmarks.life import (
    Judged,
    SceneAnswers,
    SceneFigures,
    describe_scenes,
    judge_scenes,
    list_rows,
    match,
)
from PIL import Image

from eyewear_model import eyewear_model
from face_photos import BOX, crowd
from gafas.classifier import EyewearClassifier
from gafas.datasets.samples import Sample
from gafas.datasets.scenes import LabelledFace, Scene
from gafas.evaluation.predictions import NO_FACE, Row
from gafas.recognizer import Recognizer
from gafas.results import Box, Face, Prediction

PLACES = [(0, 0), (300, 0), (600, 0), (900, 0)]
TALL = 300


def find_box(number: int) -> Box:
    x1, y1, x2, y2 = (value * TALL / 600 for value in BOX)
    left, top = PLACES[number]
    return left + x1, top + y1, left + x2, top + y2


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a photo with the same person four times."""
    path = tmp_path_factory.mktemp("life") / "crowd.png"
    Image.fromarray(crowd(PLACES, size=(1200, 340), tall=TALL)).save(path)
    return path


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer(EyewearClassifier(eyewear_model()))


def judge(recognizer: Recognizer, photo: Path, faces: Sequence[LabelledFace]) -> SceneAnswers:
    (answers,) = judge_scenes(recognizer, [Scene(photo, "life/crowd.png", tuple(faces))])
    return answers


def test_boxes_are_matched_one_to_one_those_that_overlap_most_first() -> None:
    listed = [(0, 0, 10, 10), (4, 0, 14, 10), (50, 50, 60, 60)]
    found = [(3, 0, 13, 10), (0, 0, 10, 9), (80, 80, 90, 90)]
    assert match(listed, found) == {0: 1, 1: 0}
    # The first overlaps both; whoever comes second takes what is left, if it is near enough.
    assert match([(0, 0, 10, 10), (1, 0, 11, 10)], [(0, 0, 10, 10)]) == {0: 0}
    assert match(listed, []) == {}


def test_a_face_that_is_listed_is_judged_and_what_is_unclear_is_not(
    recognizer: Recognizer, photo: Path
) -> None:
    away = (500.0, 250.0, 540.0, 300.0)
    faces = [
        LabelledFace(find_box(0), "none", ("hat",)),
        LabelledFace(find_box(1), "unclear"),
        LabelledFace(find_box(2), "not_a_face", ("statue",)),
        LabelledFace(away, "eyeglasses"),
        LabelledFace((0.0, 0.0, 23.0, 23.0), "none"),
    ]
    answers = judge(recognizer, photo, faces)
    first, second = answers.faces
    assert (first.face, second.face) == (faces[0], faces[3])
    assert first.is_covered
    assert first.prediction is not None
    assert (second.prediction, second.row.error) == (None, NO_FACE)
    # The statue that is listed, and the fourth person, whom nobody listed.
    assert sorted(kind for kind, _ in answers.false) == ["background", "statue"]
    rows = list_rows([answers])
    assert [row.sample.name for row in rows] == ["life/crowd.png#0", "life/crowd.png#3"]
    assert rows[0].quality is not None
    assert rows[0].sha256 == rows[1].sha256 != ""


def test_goggles_are_described_and_not_scored(recognizer: Recognizer, photo: Path) -> None:
    faces = [LabelledFace(find_box(number), "none") for number in range(3)]
    answers = judge(recognizer, photo, [*faces, LabelledFace(find_box(3), "other_eyewear")])
    assert len(answers.faces) == 4
    assert len(list_rows([answers])) == 3
    assert answers.false == ()


def test_a_label_that_a_person_corrected_counts_as_corrected(
    recognizer: Recognizer, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corrected = {"life/crowd.png#1": "tinted_ambiguous", "life/crowd.png#2": "unclear"}
    monkeypatch.setattr("benchmarks.life.read_corrections", lambda: corrected)
    faces = [LabelledFace(find_box(number), "sunglasses", ("hat",)) for number in range(4)]
    answers = judge(recognizer, photo, faces)
    labels = [one.face.label for one in answers.faces]
    assert labels == ["sunglasses", "tinted_ambiguous", "sunglasses"]
    assert [one.face.tags for one in answers.faces] == [("hat",)] * 3
    names = [row.sample.name for row in list_rows([answers])]
    assert names == ["life/crowd.png#0", "life/crowd.png#3"]
    assert answers.false == ()


def judged(
    label: str, answer: str | None = None, *, tags: tuple[str, ...] = (), side: float = 40.0
) -> Judged:
    """Return a face of a label and the answer to it, given surely; none if it is missed."""
    face = LabelledFace((0.0, 0.0, side, side), label, tags)
    sample = Sample(Path("a.png"), "life/a.png#0", label, "life/a.png")
    if answer is None:
        return Judged(face, Row(sample, {}, 0.8, error=NO_FACE), None)
    prediction = predict(answer)
    return Judged(face, Row(sample, prediction.probabilities, 0.8), prediction)


def predict(answer: str) -> Prediction:
    """Return a prediction of a label, or an unsure one, whose best guess is `none`."""
    sure = answer != "unsure"
    best = answer if sure else "none"
    shares = dict.fromkeys(("none", "eyeglasses", "sunglasses"), 0.05)
    probabilities = shares | {best: 0.9 if sure else 0.6}
    return Prediction.decide(Face.whole(40, 40), probabilities, threshold=0.8)


@pytest.fixture
def figures() -> SceneFigures:
    first = SceneAnswers(
        (
            judged("none", "none"),
            judged("none", "sunglasses", tags=("hat", "dark")),
            judged("none", "unsure", tags=("helmet",), side=32.0),
            judged("none", "eyeglasses", side=130.0),
            judged("sunglasses", "sunglasses", tags=("hat",), side=31.9),
        ),
        (("animal", predict("sunglasses")), ("background", predict("none"))),
    )
    second = SceneAnswers(
        (
            judged("sunglasses"),
            judged("sunglasses", "unsure"),
            judged("other_eyewear", "sunglasses"),
            judged("other_eyewear", "unsure"),
            judged("tinted_ambiguous", "sunglasses"),
        ),
        (("animal", predict("unsure")),),
    )
    return describe_scenes([first, second])


def test_false_faces_are_counted_by_photo_and_by_what_they_are(figures: SceneFigures) -> None:
    assert figures.photos == 2
    assert (figures.false_faces.count, figures.false_faces.rate) == (3, 1.5)
    low, high = figures.false_faces.interval
    assert (low, high) == pytest.approx((0.619 / 2, 8.767 / 2), abs=0.001)  # of a Poisson table
    assert (figures.false_told.count, figures.false_told.rate) == (1, 0.5)
    assert list(figures.false_kinds.items()) == [("animal", 2), ("background", 1)]


def test_no_false_face_has_an_interval_that_begins_at_nothing() -> None:
    rate = describe_scenes([SceneAnswers((judged("none", "none"),), ())]).false_faces
    assert rate.interval == pytest.approx((0, 3.689), abs=0.001)


def test_bare_faces_under_hats_and_helmets_that_are_told_to_wear_something(
    figures: SceneFigures,
) -> None:
    told = figures.covered_alarms
    assert (told.count, told.total, told.share) == (1, 2, 0.5)
    assert told.wilson is not None


def test_goggles_that_are_answered_or_called_sunglasses(figures: SceneFigures) -> None:
    assert (figures.other_answered.count, figures.other_answered.total) == (1, 2)
    assert (figures.other_sunglasses.count, figures.other_sunglasses.total) == (1, 2)


def test_faces_are_told_apart_by_tag_and_by_size(figures: SceneFigures) -> None:
    tags = {group.name: group for group in figures.tags}
    hat, plain = tags["hat"], tags["none of these"]
    assert (hat.found.total, hat.right.count, hat.answered.count) == (2, 1, 2)
    assert (hat.right_answers.count, hat.right_answers.total) == (1, 2)
    assert (hat.false_alarms.count, hat.false_alarms.total) == (1, 1)
    assert (plain.found.count, plain.found.total) == (3, 4)
    assert (tags["child"].found.total, tags["child"].found.share) == (0, None)
    sizes = {group.name: group.found.total for group in figures.sizes}
    assert sizes == {"24-31": 1, "32-63": 5, "64-127": 0, "128 or more": 1}


def test_what_is_called_sunglasses_is_told_with_shares(figures: SceneFigures) -> None:
    called = {kind: told.count for kind, told in figures.called_sunglasses.items() if told.count}
    expected = {"covered": 1, "tinted_ambiguous": 1, "other_eyewear": 1, "not_a_face": 1}
    assert called == {"sunglasses": 1, **expected}
    assert {told.total for told in figures.called_sunglasses.values()} == {5}
    answers = {kind: told.count for kind, told in figures.answers_to_sunglasses.items()}
    assert answers == {"none": 0, "eyeglasses": 0, "sunglasses": 1, "unsure": 1, "missed": 1}
