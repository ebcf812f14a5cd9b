"""Verdicts are counted as wrong only where a label can say so."""

from pathlib import Path

from benchmarks.check import UNFIT, Figures, Shown, judge, judge_crowds, list_worn
from tools.check_table import make_check_table

from gafas.check import REASONS, Requirement
from gafas.datasets.scenes import LabelledFace, Scene
from gafas.files import read_json
from gafas.results import Face, Prediction, Recognition

LABELS = ("none", "eyeglasses", "sunglasses")
MARKS = ((60.0, 80.0), (120.0, 80.0), (90.0, 110.0), (65.0, 140.0), (115.0, 140.0))


def seen(answer: str = "", *, side: float = 180.0, faces: int = 1) -> Recognition:
    """Return a photo with so many equal faces that are surely of one label, or whose is unsure."""
    probabilities = {label: 0.99 if label == answer else 0.005 for label in LABELS}
    if not answer:
        probabilities = {"none": 0.5, "eyeglasses": 0.1, "sunglasses": 0.4}
    one = Prediction.decide(Face((0, 0, side, side), MARKS, 0.99), probabilities)
    return Recognition("a.jpg", 200, 200, (one,) * faces)


def test_verdicts_are_counted_against_the_labels() -> None:
    shown = [
        Shown("web", "none", seen("none")),
        Shown("web", "eyeglasses", seen("sunglasses")),  # wrong
        Shown("web", "none", seen()),
        Shown("web", "none", seen("none", side=40)),
        Shown("web", "none", seen("none", faces=2)),
        Shown("web", "none", seen(faces=0)),  # wrong: there is a face
        Shown("web", "sunglasses", seen("none")),  # wrong
        Shown("web", "sunglasses", seen("sunglasses")),
    ]
    judged = judge(shown, Requirement.clear_eyes)
    assert judged.photos == 8
    assert {reason: n for reason, n in judged.unfit.items() if n} == {
        "small": 1,
        "several-faces": 1,
    }
    assert (judged.failed.count, judged.failed.total) == (2, 4)
    assert (judged.passed.count, judged.passed.total) == (1, 2)
    assert (judged.look.count, judged.look.total) == (1, 6)
    assert judged.reasons["sunglasses"] == {"clear-eyes": 1, "dark-lenses": 1}
    bare = judge(shown, Requirement.bare)
    assert (bare.passed.count, bare.passed.total) == (1, 3)


def test_photos_without_a_face_and_with_several_should_not_pass() -> None:
    counts = [(0, 0), (0, 0), (1, 1), (1, 0), (3, 2), (2, 1)]
    found = [seen("none"), seen(faces=0), seen("none", faces=2), seen("none"), seen("none"), seen()]
    crowds = judge_crowds(counts, found)
    assert (crowds.none_passed.count, crowds.none_passed.total) == (1, 2)
    assert (crowds.one_told_several.count, crowds.one_told_several.total) == (1, 2)
    assert (crowds.several_passed.count, crowds.several_passed.total) == (1, 1)


def test_what_is_no_face_does_not_count_and_what_is_small_only_where_it_is_asked_for() -> None:
    boxes = [("none", 100.0), ("not_a_face", 90.0), ("sunglasses", 20.0), ("unclear", 50.0)]
    faces = tuple(LabelledFace((0, 0, side, side), label) for label, side in boxes)
    scene = Scene(Path("a.jpg"), "life/a.jpg", faces)
    assert list_worn(scene) == ["none", "sunglasses", "unclear"]
    assert list_worn(scene, least=24) == ["none", "unclear"]


def test_every_reason_that_is_set_apart_is_one() -> None:
    assert set(UNFIT) < set(REASONS)


def test_the_table_has_a_row_for_every_requirement_in_every_language() -> None:
    path = Path(__file__).parents[2] / "benchmarks/check.json"
    measured = read_json(path, Figures)
    english, spanish = (make_check_table(measured, language) for language in ("en", "es"))
    for table in (english, spanish):
        rows = [line for line in table.splitlines() if line.startswith("|`")]
        assert [row.split("`")[1] for row in rows] == list(Requirement)
    assert "." in english.splitlines()[2]
    assert "," in spanish.splitlines()[2]
