import csv
import dataclasses
import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from brightness_model import METADATA, brightness_model, grey_sample
from eyewear_model import eyewear_model, make_sets
from face_photos import faceless
from gafas.classifier import EyewearClassifier
from gafas.datasets.leaks import LeakReport
from gafas.datasets.samples import Sample
from gafas.errors import DataError, ModelError
from gafas.evaluation.evaluate import (
    EXAMPLES,
    MISTAKES,
    Evaluation,
    ModelFacts,
    Unused,
    evaluate,
    read_evaluation,
    write_evaluation,
)
from gafas.evaluation.metrics import Scores
from gafas.evaluation.predictions import NO_FACE, predict_rows


def opened(**entries: Any) -> EyewearClassifier:
    return EyewearClassifier(brightness_model(metadata={**METADATA, **entries}))


def measured(samples: list[Sample], classifier: EyewearClassifier | None = None) -> Evaluation:
    model = classifier or opened()
    return evaluate(model, predict_rows(model, samples), name="x")


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """Return six photos of three people: five right, and `c1` taken for bright by mistake."""
    table = [
        ("a1", 0, "dark", "ann", "up", "full"),
        ("a2", 255, "bright", "ann", "left", "half"),
        ("b1", 51, "dark", "bob", "up", "full"),
        ("b2", 204, "bright", "bob", "left", "half"),
        ("c1", 153, "dark", "cy", "up", "full"),
        ("c2", 153, "bright", "cy", "left", "half"),
    ]
    return [
        grey_sample(
            tmp_path / "photos" / f"{name}.png",
            brightness,
            label,
            subject=subject,
            facts={"pose": pose, "scale": scale, "camera": "one"},
        )
        for name, brightness, label, subject, pose, scale in table
    ]


def test_every_figure_of_a_small_evaluation_is_the_one_computed_by_hand(
    samples: list[Sample],
) -> None:
    found = measured(samples, opened(threshold=0.7))
    assert (found.schema, found.name) == (1, "x")
    assert found.accuracy.value == pytest.approx(5 / 6)
    assert (found.accuracy.correct, found.accuracy.total) == (5, 6)
    assert found.accuracy.wilson == pytest.approx((0.436497, 0.969947), abs=1e-6)
    assert found.accuracy.bootstrap_subjects == (0.5, 1.0)
    assert found.labels["dark"] == Scores(1.0, 2 / 3, 0.8, 3)
    assert found.macro_f1 == pytest.approx(0.828571, abs=1e-6)
    assert found.roc_auc == pytest.approx({"dark": 0.944444, "bright": 0.944444}, abs=1e-6)
    assert found.log_loss == pytest.approx(0.312234, abs=2e-6)
    assert found.confusion.labels == ("dark", "bright")
    assert found.confusion.counts == ((2, 1), (0, 3))
    assert found.confusion.shares == ((2 / 3, 1 / 3), (0.0, 1.0))
    assert (found.unsure.threshold, found.unsure.accuracy) == (0.7, 1.0)
    assert found.unsure.answered == pytest.approx(2 / 3)
    assert (found.unsure.given, found.unsure.wrong) == (4, 0)
    assert found.calibration.ece == pytest.approx(0.1, abs=1e-6)


def test_the_evaluation_says_which_model_and_which_data_it_is_about(samples: list[Sample]) -> None:
    classifier = opened()
    found = measured(samples, classifier)
    assert found.model == ModelFacts(
        sha256=classifier.sha256,
        labels=("dark", "bright"),
        view="photo",
        width=8,
        height=6,
        colour="grey",
        threshold=0.0,
        recipe="by hand",
        recipe_sha256="0" * 64,
        parameters=0,
        temperature=1.0,
    )
    assert (found.data.samples, found.data.photos, found.data.subjects) == (6, 6, 3)
    assert found.data.unreadable == ()


def test_the_hash_of_the_data_knows_names_labels_and_bytes_but_not_order_or_place(
    samples: list[Sample], tmp_path: Path
) -> None:
    def fingerprint(some: list[Sample]) -> str:
        return measured(some).data.sha256

    original = fingerprint(samples)
    moved = samples[0].path.rename(tmp_path / "elsewhere.png")
    samples[0] = dataclasses.replace(samples[0], path=moved)
    assert fingerprint(samples[::-1]) == original
    other_name = [dataclasses.replace(samples[0], name="z"), *samples[1:]]
    other_label = [dataclasses.replace(samples[0], label="bright"), *samples[1:]]
    other_bytes = [dataclasses.replace(samples[0], path=samples[1].path), *samples[1:]]
    assert len({original, *map(fingerprint, (other_name, other_label, other_bytes))}) == 4


def test_photos_at_full_size_are_counted_apart(samples: list[Sample]) -> None:
    full = measured(samples).per_photo_full_size
    assert full is not None
    assert (full.correct, full.total) == (2, 3)
    unscaled = [dataclasses.replace(sample, facts={}) for sample in samples]
    assert measured(unscaled).per_photo_full_size is None


def test_slices_follow_every_fact_that_varies_and_the_subject(samples: list[Sample]) -> None:
    slices = measured(samples).slices
    found = [(s.fact, s.value, s.samples, round(s.accuracy, 6)) for s in slices]
    assert found == [
        ("pose", "left", 3, 1.0),
        ("pose", "up", 3, 0.666667),
        ("scale", "full", 3, 0.666667),
        ("scale", "half", 3, 1.0),
        ("subject", "ann", 2, 1.0),
        ("subject", "bob", 2, 1.0),
        ("subject", "cy", 2, 0.5),
    ]
    assert slices[0].wilson == pytest.approx((0.438503, 1.0), abs=1e-6)


def test_a_fact_with_more_than_50_values_is_no_slice(tmp_path: Path) -> None:
    first = grey_sample(tmp_path / "a.png", 0, "dark")
    many = [
        dataclasses.replace(first, name=f"{i}", facts={"second": str(i), "minute": str(i % 50)})
        for i in range(51)
    ]
    slices = measured(many).slices
    assert {part.fact for part in slices} == {"minute"}
    assert len(slices) == 50


def test_subjects_are_unknown_where_nobody_named_them(tmp_path: Path) -> None:
    some = [grey_sample(tmp_path / f"{value}.png", value, "dark") for value in (0, 10, 20)]
    found = measured(some)
    assert found.data.subjects is None
    assert found.accuracy.bootstrap_subjects is None
    assert found.labels["bright"].f1 is None
    assert found.roc_auc == {"dark": None, "bright": None}


def test_mistakes_are_listed_with_the_most_confident_first(tmp_path: Path) -> None:
    some = [grey_sample(tmp_path / f"{v}.png", v, "dark") for v in range(140, 190)]
    mistakes = measured(some).mistakes
    assert len(mistakes) == MISTAKES == 48
    assert [m.name for m in mistakes] == [f"{v}.png" for v in range(189, 141, -1)]
    first = mistakes[0]
    sha256 = hashlib.sha256((tmp_path / "189.png").read_bytes()).hexdigest()
    assert (first.truth, first.predicted, first.sha256) == ("dark", "bright", sha256)
    expected = {"dark": 0.258824, "bright": 0.741176}
    assert first.probabilities == pytest.approx(expected, abs=1e-6)


def test_examples_are_a_fixed_draw_of_right_and_wrong_alike(tmp_path: Path) -> None:
    some = [grey_sample(tmp_path / f"{v}.png", v, "dark") for v in range(100, 156)]
    first, second = (measured(some).examples for _ in "ab")
    assert first == second
    assert len({example.name for example in first}) == EXAMPLES == 24
    assert {example.predicted for example in first} == {"dark", "bright"}


def test_fewer_samples_than_the_grid_holds_are_all_examples(samples: list[Sample]) -> None:
    examples = measured(samples).examples
    assert sorted(e.name for e in examples) == [s.name for s in samples]


def test_eyewear_labels_are_brought_to_a_model_of_the_original_classes(tmp_path: Path) -> None:
    some = [
        grey_sample(tmp_path / "a.png", 0, "sunglasses"),
        grey_sample(tmp_path / "b.png", 255, "eyeglasses"),
        grey_sample(tmp_path / "c.png", 255, "none"),
    ]
    model = opened(labels=["glasses", "no_glasses"])
    rows = predict_rows(model, some)
    assert [row.sample.label for row in rows] == ["glasses", "no_glasses", "no_glasses"]
    assert evaluate(model, rows, name="x").accuracy.value == 1.0


def test_the_written_files_hold_the_figures_and_the_rows_but_no_absolute_path(
    samples: list[Sample], tmp_path: Path
) -> None:
    gone = Sample(tmp_path / "gone.png", "gone.png", "dark", "gone")
    broken = tmp_path / "photos" / "broken.png"
    broken.write_bytes(b"no photo")
    some = [*samples, gone, Sample(broken, "broken.png", "dark", "broken")]
    leaks = LeakReport(6, 1, 2, 3, 4, subjects_known=True, watches_test=False, examples=())
    rows = predict_rows(opened(), some)
    evaluation = evaluate(opened(), rows, name="ñandú", leaks=leaks)
    folder = tmp_path / "run"
    write_evaluation(folder, evaluation, rows=rows)
    assert sorted(path.name for path in folder.iterdir()) == ["evaluation.json", "predictions.csv"]
    text = (folder / "evaluation.json").read_text(encoding="utf-8")
    assert "ñandú" in text
    assert json.loads(text)["accuracy"]["value"] == 0.833333
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["file"] for line in lines] == [sample.name for sample in some]
    assert lines[4]["answer"] == "bright"
    assert lines[6]["error"] == "Cannot open the photo: No such file or directory."
    for path in folder.iterdir():
        assert str(tmp_path) not in path.read_text(encoding="utf-8")


def test_what_is_read_is_what_was_written_but_for_the_seventh_digit(
    samples: list[Sample], tmp_path: Path
) -> None:
    for name in ("first", "second"):
        rows = predict_rows(opened(threshold=0.7), samples)
        evaluation = evaluate(opened(threshold=0.7), rows, name=name)
        write_evaluation(tmp_path / name, evaluation, rows=rows)
        write_evaluation(tmp_path / "run", evaluation, rows=rows)
    once = read_evaluation(tmp_path / "run")
    assert once.name == "second"
    for read, before in zip(once.slices, evaluation.slices, strict=True):
        assert (read.fact, read.value) == (before.fact, before.value)
        assert read.wilson == tuple(round(end, 6) for end in before.wilson)
    write_evaluation(tmp_path / "again", once, rows=rows)
    assert read_evaluation(tmp_path / "again") == once


def test_a_damaged_evaluation_is_refused_with_the_entry_that_is_wrong(
    samples: list[Sample], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"evaluation\.json is missing"):
        read_evaluation(tmp_path)
    write_evaluation(tmp_path, measured(samples), rows=())
    path = tmp_path / "evaluation.json"
    path.write_text(path.read_text("utf-8").replace('"correct": 5', '"correct": "many"'), "utf-8")
    with pytest.raises(DataError, match=r"Expected `int`, got `str` - at `\$\.accuracy\.correct`"):
        read_evaluation(tmp_path)


def test_a_model_of_faces_is_sliced_by_how_each_was_seen_and_owns_up_to_what_it_missed(
    tmp_path: Path,
) -> None:
    files = ["none/a", "none/b", "sunglasses/c", "tinted_ambiguous/d"]
    make_sets(tmp_path, {"web": files})
    some = [
        Sample(path, path.stem, path.parent.name, path.stem)
        for path in sorted(tmp_path.rglob("*.png"))
    ]
    Image.fromarray(faceless()).save(tmp_path / "e.png")
    some.append(Sample(tmp_path / "e.png", "e", "none", "e"))
    model = EyewearClassifier(eyewear_model())
    rows = predict_rows(model, some)
    found = evaluate(model, rows, name="faces")
    assert found.data.faces_missed == (Unused("e", "none", NO_FACE),)
    assert (found.data.samples, found.accuracy.total) == (3, 3)
    assert found.tinted is not None
    assert (found.tinted.photos, found.tinted.missed) == (1, 0)
    assert found.any_eyewear is not None
    assert found.any_eyewear.support == 1
    assert {s.value for s in found.slices if s.fact == "light"} >= {"dark"}
    write_evaluation(tmp_path / "out", found, rows=rows)
    with (tmp_path / "out" / "predictions.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["file"] for line in lines] == ["a", "b", "c", "d", "e"]
    assert [bool(line["error"]) for line in lines] == [False, False, False, False, True]
    assert all(50 < float(line["face_pixels"]) < 120 for line in lines[:4])
    assert all(abs(float(line["turn"])) < 0.12 for line in lines[:4])


def test_photos_are_read_sliced_and_counted(drawn_people: Path) -> None:
    some = [
        Sample(path, path.name, "dark", path.stem, path.parent.name, {"pose": pose})
        for path in sorted((drawn_people / "faces" / "drawn01").glob("*_open.pgm"))
        for pose in [path.stem.split("_")[1]]
    ]
    found = measured(some)
    assert found.data.samples == len(some) == 16
    assert found.data.unreadable == ()
    assert {s.value: s.samples for s in found.slices} == {
        "left": 4,
        "right": 4,
        "straight": 4,
        "up": 4,
    }


def test_an_unreadable_photo_is_listed_and_counts_nowhere_else(
    samples: list[Sample], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gone = Sample(tmp_path / "gone.png", "gone.png", "dark", "gone", "dora")
    with caplog.at_level(logging.WARNING):
        found = measured([gone, *samples[:2]])
    expected = "Cannot open the photo: No such file or directory."
    assert found.data.unreadable == (Unused("gone.png", "dark", expected),)
    assert found.data.subjects == 1
    assert found.accuracy.total == 2
    assert "gone.png is left out" in caplog.text


def test_a_label_that_the_model_cannot_say_is_refused(samples: list[Sample]) -> None:
    with pytest.raises(DataError, match=r"Label 'dark'.*expected one of yes, no"):
        measured(samples, opened(labels=["yes", "no"]))


def test_no_sample_is_refused() -> None:
    with pytest.raises(DataError, match=r"None of the photos.*Received: 0 files"):
        measured([])


def test_a_folder_of_which_nothing_can_be_read_is_refused(tmp_path: Path) -> None:
    gone = Sample(tmp_path / "gone.png", "gone.png", "dark", "gone")
    with pytest.raises(DataError, match=r"None of the photos can be read or used\. Received: 1"):
        measured([gone])


def test_a_model_of_faces_is_refused_rather_than_fed_with_whole_photos(
    samples: list[Sample],
) -> None:
    with pytest.raises(ModelError, match="does not say how to crop"):
        measured(samples, opened(view="face"))
