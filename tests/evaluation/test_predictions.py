import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest

from brightness_model import METADATA, brightness_model, grey_photo, grey_sample
from face_photos import BOX, crowd, encode, face_model, faceless, portrait
from gafas.classifier import EyewearClassifier
from gafas.datasets.samples import Sample
from gafas.errors import ImageError
from gafas.evaluation.predictions import NO_FACE, predict_rows, recognize_nearest, write_predictions
from gafas.recognizer import Recognizer


@pytest.fixture
def classifier() -> EyewearClassifier:
    return EyewearClassifier(brightness_model(metadata={**METADATA, "threshold": 0.7}))


def test_a_model_of_whole_photos_sees_the_one_whole_photo(
    classifier: EyewearClassifier, tmp_path: Path
) -> None:
    content = grey_photo(tmp_path / "a.png", 90).read_bytes()
    nearest = recognize_nearest(Recognizer(classifier), content)
    assert nearest is not None
    assert nearest[1].shape == (6, 8, 1)
    assert np.unique(nearest[1]).tolist() == [90]


def test_bytes_that_are_no_photo_are_refused(classifier: EyewearClassifier) -> None:
    with pytest.raises(ImageError):
        recognize_nearest(Recognizer(classifier), b"hello")


def test_the_face_nearest_to_the_centre_counts() -> None:
    recognizer = Recognizer(EyewearClassifier(face_model()))
    content = encode(crowd([(0, 0), (530, 310), (1060, 620)], size=(1572, 1220), tall=600), "PNG")
    found, crops = recognizer.recognize_with_crops(content)
    middle = [600 < one.box[0] < 1000 for one in found]
    assert sorted(middle) == [False, False, True]
    nearest = recognize_nearest(recognizer, content)
    assert nearest is not None
    assert nearest[0] == found[middle.index(True)]
    np.testing.assert_array_equal(nearest[1], crops[middle.index(True)])


def test_the_face_in_the_box_counts_where_a_sample_has_one(tmp_path: Path) -> None:
    classifier = EyewearClassifier(face_model())
    photo = tmp_path / "crowd.png"
    photo.write_bytes(encode(crowd([(0, 0), (530, 310)], size=(1060, 920), tall=600), "PNG"))
    first = BOX
    second = (BOX[0] + 530, BOX[1] + 310, BOX[2] + 530, BOX[3] + 310)
    nowhere = (700.0, 0.0, 900.0, 200.0)
    samples = [
        Sample(photo, f"crowd.png#{at}", classifier.labels[0], "crowd.png", box=box)
        for at, box in enumerate((second, first, nowhere))
    ]
    rows = predict_rows(classifier, samples)
    assert [row.error for row in rows] == ["", "", NO_FACE]
    recognizer = Recognizer(classifier)
    for box in (first, second):
        nearest = recognize_nearest(recognizer, photo, box=box)
        assert nearest is not None
        assert nearest[0].box == pytest.approx(box, abs=12)


def test_a_photo_without_a_face_is_a_row_that_says_so(tmp_path: Path) -> None:
    classifier = EyewearClassifier(face_model())
    samples: list[Sample] = []
    for name, image in (("a.png", portrait()), ("none.png", faceless()), ("b.png", portrait())):
        (tmp_path / name).write_bytes(encode(image, "PNG"))
        samples.append(Sample(tmp_path / name, name, classifier.labels[0], name))
    rows = predict_rows(classifier, samples)
    assert [row.missed for row in rows] == [False, True, False]
    assert (rows[1].error, rows[1].predicted, rows[1].right) == (NO_FACE, "", False)
    content = samples[1].path.read_bytes()
    assert rows[1].sha256 == hashlib.sha256(content).hexdigest()
    assert recognize_nearest(Recognizer(classifier), content) is None
    # What is measured is what the other doors answer.
    (served,) = Recognizer(classifier).recognize(samples[0].path)
    assert rows[0].probabilities == pytest.approx(served.probabilities, abs=1e-6)


def test_an_unreadable_photo_is_not_a_missed_face(
    classifier: EyewearClassifier, tmp_path: Path
) -> None:
    (row,) = predict_rows(classifier, [Sample(tmp_path / "gone.png", "gone.png", "dark", "gone")])
    assert row.error
    assert not row.missed


def test_a_row_says_what_was_predicted_answered_and_of_which_bytes(
    classifier: EyewearClassifier, tmp_path: Path
) -> None:
    sample = grey_sample(tmp_path / "a.png", 204, "bright")
    (row,) = predict_rows(classifier, [sample])
    assert row.sample == sample
    assert row.probabilities == pytest.approx({"dark": 0.2, "bright": 0.8}, abs=1e-6)
    assert (row.predicted, row.answer, row.right, row.error) == ("bright", "bright", True, "")
    assert row.confidence == pytest.approx(0.8)
    assert row.sha256 == hashlib.sha256(sample.path.read_bytes()).hexdigest()


def test_a_prediction_under_the_threshold_is_answered_with_unsure(
    classifier: EyewearClassifier, tmp_path: Path
) -> None:
    (row,) = predict_rows(classifier, [grey_sample(tmp_path / "a.png", 153, "bright")])
    assert (row.predicted, row.answer, row.right) == ("bright", "unsure", True)


def test_unreadable_photos_keep_their_place_and_do_not_stop_the_others(
    classifier: EyewearClassifier, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no photo")
    samples = [
        grey_sample(tmp_path / "a.png", 0, "dark"),
        Sample(broken, "broken.png", "dark", "broken"),
        Sample(tmp_path / "gone.png", "gone.png", "dark", "gone"),
        grey_sample(tmp_path / "b.png", 255, "bright"),
    ]
    rows = predict_rows(classifier, samples)
    assert [row.predicted for row in rows] == ["dark", "", "", "bright"]
    assert [bool(row.error) for row in rows] == [False, True, True, False]
    assert "no photo" in rows[1].error
    assert rows[2].error == "Cannot open the photo: No such file or directory."
    assert [row.right for row in rows] == [True, False, False, True]
    assert (rows[1].answer, rows[1].confidence) == ("", 0.0)


def test_folders_larger_than_one_chunk_keep_their_order(
    classifier: EyewearClassifier, tmp_path: Path
) -> None:
    photos = [grey_photo(tmp_path / f"{value}.png", value) for value in range(256)]
    samples = [Sample(photos[i % 256], f"{i}.png", "dark", str(i)) for i in range(600)]
    rows = predict_rows(classifier, samples)
    assert [row.sample.name for row in rows] == [f"{i}.png" for i in range(600)]
    found = [round(row.probabilities["bright"] * 255) for row in rows]
    assert found == [i % 256 for i in range(600)]


def test_the_table_has_one_column_per_label_and_fact(
    classifier: EyewearClassifier, tmp_path: Path
) -> None:
    samples = [
        grey_sample(tmp_path / "a.png", 204, "bright", subject="ann", facts={"pose": "up"}),
        grey_sample(tmp_path / 'b, "so-called".png', 153, "dark", facts={"scale": "full"}),
    ]
    write_predictions(predict_rows(classifier, samples), tmp_path / "out" / "rows.csv")
    with (tmp_path / "out" / "rows.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    columns = "file truth predicted answer dark bright subject photo pose scale"
    assert lines[0] == columns.split()
    assert [line[:6] for line in lines[1:]] == [
        ["a.png", "bright", "bright", "bright", "0.2", "0.8"],
        ['b, "so-called".png', "dark", "bright", "unsure", "0.4", "0.6"],
    ]
    assert [line[6:] for line in lines[1:]] == [
        ["ann", "a", "up", ""],
        ["", 'b, "so-called"', "", "full"],
    ]


def test_the_table_says_why_a_photo_could_not_be_read(
    classifier: EyewearClassifier, tmp_path: Path
) -> None:
    samples = [
        Sample(tmp_path / "gone.png", "gone.png", "dark", "gone"),
        grey_sample(tmp_path / "a.png", 255, "bright"),
    ]
    write_predictions(predict_rows(classifier, samples), tmp_path / "rows.csv")
    lines = (tmp_path / "rows.csv").read_text(encoding="utf-8").splitlines()
    assert lines == [
        "file,truth,predicted,answer,dark,bright,subject,photo,error",
        "gone.png,dark,,,,,,gone,Cannot open the photo: No such file or directory.",
        "a.png,bright,bright,bright,0.0,1.0,,a,",
    ]


def test_no_cell_of_the_table_is_a_formula(classifier: EyewearClassifier, tmp_path: Path) -> None:
    sample = grey_sample(tmp_path / "=1+1.png", 204, "bright", subject="@ann", facts={"x": "-2"})
    write_predictions(predict_rows(classifier, [sample]), tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as file:
        _, row = csv.reader(file)
    assert row == ["'=1+1.png", "bright", "bright", "bright", "0.2", "0.8", "'@ann", "'=1+1", "'-2"]
