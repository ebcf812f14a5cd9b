import csv
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from brightness_model import METADATA, brightness_model, grey_sample
from eyewear_model import eyewear_model, make_sets
from face_photos import faceless
from gafas.classifier import EyewearClassifier
from gafas.datasets.samples import Sample
from gafas.evaluation.evaluate import EXAMPLES, MISTAKES, evaluate, write_evaluation


def opened(**entries: Any) -> EyewearClassifier:
    return EyewearClassifier(brightness_model(metadata={**METADATA, **entries}))


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
    report = evaluate(opened(threshold=0.7), samples, name="six photos").report
    assert report["schema"] == 1
    assert report["name"] == "six photos"
    assert report["accuracy"]["value"] == 0.833333
    assert (report["accuracy"]["correct"], report["accuracy"]["total"]) == (5, 6)
    assert report["accuracy"]["wilson"] == [0.436497, 0.969947]
    assert report["accuracy"]["bootstrap_subjects"] == [0.5, 1.0]
    assert report["labels"]["dark"] == {
        "precision": 1.0,
        "recall": 0.666667,
        "f1": 0.8,
        "support": 3,
    }
    assert report["macro_f1"] == 0.828571
    assert report["roc_auc"] == {"dark": 0.944444, "bright": 0.944444}
    assert report["log_loss"] == pytest.approx(0.312234, abs=2e-6)
    assert report["confusion"] == {
        "labels": ["dark", "bright"],
        "counts": [[2, 1], [0, 3]],
        "shares": [[0.666667, 0.333333], [0.0, 1.0]],
    }
    unsure = report["unsure"]
    assert (unsure["threshold"], unsure["answered"], unsure["accuracy"]) == (0.7, 0.666667, 1.0)
    assert (unsure["given"], unsure["wrong"]) == (4, 0)
    assert report["calibration"]["ece"] == pytest.approx(0.1, abs=1e-6)


def test_the_report_says_which_model_and_which_data_it_is_about(samples: list[Sample]) -> None:
    classifier = opened()
    report = evaluate(classifier, samples, name="six").report
    assert report["model"] == {
        "sha256": classifier.sha256,
        "labels": ["dark", "bright"],
        "view": "photo",
        "width": 8,
        "height": 6,
        "colour": "grey",
        "threshold": 0.0,
        "recipe": "by hand",
        "recipe_sha256": "0" * 64,
        "parameters": 0,
        "temperature": 1.0,
    }
    data = report["data"]
    assert (data["samples"], data["photos"], data["subjects"]) == (6, 6, 3)
    assert data["unreadable"] == []


def test_the_hash_of_the_data_knows_names_labels_and_bytes_but_not_order_or_place(
    samples: list[Sample], tmp_path: Path
) -> None:
    def fingerprint(some: list[Sample]) -> str:
        return str(evaluate(opened(), some, name="x").report["data"]["sha256"])

    original = fingerprint(samples)
    moved = samples[0].path.rename(tmp_path / "elsewhere.png")
    samples[0] = dataclasses.replace(samples[0], path=moved)
    assert fingerprint(samples[::-1]) == original
    other_name = [dataclasses.replace(samples[0], name="z"), *samples[1:]]
    other_label = [dataclasses.replace(samples[0], label="bright"), *samples[1:]]
    other_bytes = [dataclasses.replace(samples[0], path=samples[1].path), *samples[1:]]
    assert len({original, *map(fingerprint, (other_name, other_label, other_bytes))}) == 4


def test_photos_at_full_size_are_counted_apart(samples: list[Sample]) -> None:
    full = evaluate(opened(), samples, name="x").report["per_photo_full_size"]
    assert (full["correct"], full["total"], full["value"]) == (2, 3, 0.666667)
    unscaled = [dataclasses.replace(sample, facts={}) for sample in samples]
    assert evaluate(opened(), unscaled, name="x").report["per_photo_full_size"] is None


def test_slices_follow_every_fact_that_varies_and_the_subject(samples: list[Sample]) -> None:
    slices = evaluate(opened(), samples, name="x").report["slices"]
    found = [(s["fact"], s["value"], s["samples"], s["accuracy"]) for s in slices]
    assert found == [
        ("pose", "left", 3, 1.0),
        ("pose", "up", 3, 0.666667),
        ("scale", "full", 3, 0.666667),
        ("scale", "half", 3, 1.0),
        ("subject", "ann", 2, 1.0),
        ("subject", "bob", 2, 1.0),
        ("subject", "cy", 2, 0.5),
    ]
    assert slices[0]["wilson"] == [0.438503, 1.0]


def test_a_fact_with_more_than_50_values_is_no_slice(tmp_path: Path) -> None:
    first = grey_sample(tmp_path / "a.png", 0, "dark")
    many = [
        dataclasses.replace(first, name=f"{i}", facts={"second": str(i), "minute": str(i % 50)})
        for i in range(51)
    ]
    slices = evaluate(opened(), many, name="x").report["slices"]
    assert {part["fact"] for part in slices} == {"minute"}
    assert len(slices) == 50


def test_subjects_are_unknown_where_nobody_named_them(tmp_path: Path) -> None:
    some = [grey_sample(tmp_path / f"{value}.png", value, "dark") for value in (0, 10, 20)]
    report = evaluate(opened(), some, name="x").report
    assert report["data"]["subjects"] is None
    assert report["accuracy"]["bootstrap_subjects"] is None
    assert report["labels"]["bright"]["f1"] is None
    assert report["roc_auc"] == {"dark": None, "bright": None}


def test_mistakes_are_listed_with_the_most_confident_first(tmp_path: Path) -> None:
    some = [grey_sample(tmp_path / f"{v}.png", v, "dark") for v in range(140, 190)]
    mistakes = evaluate(opened(), some, name="x").report["mistakes"]
    assert len(mistakes) == MISTAKES == 48
    assert [m["name"] for m in mistakes] == [f"{v}.png" for v in range(189, 141, -1)]
    assert mistakes[0] == {
        "name": "189.png",
        "truth": "dark",
        "predicted": "bright",
        "probabilities": {"dark": 0.258824, "bright": 0.741176},
        "sha256": hashlib.sha256((tmp_path / "189.png").read_bytes()).hexdigest(),
    }


def test_examples_are_a_fixed_draw_of_right_and_wrong_alike(tmp_path: Path) -> None:
    some = [grey_sample(tmp_path / f"{v}.png", v, "dark") for v in range(100, 156)]
    first, second = (evaluate(opened(), some, name="x").report["examples"] for _ in "ab")
    assert first == second
    assert len({example["name"] for example in first}) == EXAMPLES == 24
    assert {example["predicted"] for example in first} == {"dark", "bright"}


def test_fewer_samples_than_the_grid_holds_are_all_examples(samples: list[Sample]) -> None:
    examples = evaluate(opened(), samples, name="x").report["examples"]
    assert sorted(e["name"] for e in examples) == [s.name for s in samples]


def test_eyewear_labels_are_brought_to_a_model_of_the_original_classes(tmp_path: Path) -> None:
    some = [
        grey_sample(tmp_path / "a.png", 0, "sunglasses"),
        grey_sample(tmp_path / "b.png", 255, "eyeglasses"),
        grey_sample(tmp_path / "c.png", 255, "none"),
    ]
    evaluation = evaluate(opened(labels=["glasses", "no_glasses"]), some, name="x")
    assert [row.sample.label for row in evaluation.rows] == ["glasses", "no_glasses", "no_glasses"]
    assert evaluation.report["accuracy"]["value"] == 1.0


def test_the_written_files_hold_the_report_and_the_rows_but_no_absolute_path(
    samples: list[Sample], tmp_path: Path
) -> None:
    gone = Sample(tmp_path / "gone.png", "gone.png", "dark", "gone")
    broken = tmp_path / "photos" / "broken.png"
    broken.write_bytes(b"no photo")
    some = [*samples, gone, Sample(broken, "broken.png", "dark", "broken")]
    leaks = {"same_photo": {"share": 2 / 3}}
    evaluation = evaluate(opened(), some, name="ñandú", leaks=leaks)
    folder = tmp_path / "run"
    write_evaluation(evaluation, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["evaluation.json", "predictions.csv"]
    text = (folder / "evaluation.json").read_text(encoding="utf-8")
    assert json.loads(text) == evaluation.report
    assert json.loads(text)["leaks"] == {"same_photo": {"share": 0.666667}}
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [sample.name for sample in samples]
    assert rows[4]["answer"] == "bright"
    for path in folder.iterdir():
        assert str(tmp_path) not in path.read_text(encoding="utf-8")


def test_writing_again_replaces_the_files_of_before(samples: list[Sample], tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_evaluation(evaluate(opened(), samples, name=name), tmp_path / "run")
    written = json.loads((tmp_path / "run" / "evaluation.json").read_text(encoding="utf-8"))
    assert written["name"] == "second"


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
    evaluation = evaluate(EyewearClassifier(eyewear_model()), some, name="faces")
    report = evaluation.report
    assert report["data"]["faces_missed"] == [{"name": "e", "label": "none"}]
    assert (report["data"]["samples"], report["accuracy"]["total"]) == (3, 3)
    assert (report["tinted"]["photos"], report["tinted"]["missed"]) == (1, 0)
    assert report["any_eyewear"]["support"] == 1
    assert {s["value"] for s in report["slices"] if s["fact"] == "light"} >= {"dark"}
    write_evaluation(evaluation, tmp_path / "out")
    with (tmp_path / "out" / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == ["a", "b", "c"]
    assert all(50 < float(row["face_pixels"]) < 120 for row in rows)
    assert all(abs(float(row["turn"])) < 0.12 for row in rows)


def test_photos_are_read_sliced_and_counted(drawn_people: Path) -> None:
    some = [
        Sample(path, path.name, "dark", path.stem, path.parent.name, {"pose": pose})
        for path in sorted((drawn_people / "faces" / "drawn01").glob("*_open.pgm"))
        for pose in [path.stem.split("_")[1]]
    ]
    evaluation = evaluate(opened(), some, name="one")
    assert evaluation.report["data"]["samples"] == len(some) == 16
    assert evaluation.report["data"]["unreadable"] == []
    assert {s["value"]: s["samples"] for s in evaluation.report["slices"]} == {
        "left": 4,
        "right": 4,
        "straight": 4,
        "up": 4,
    }
