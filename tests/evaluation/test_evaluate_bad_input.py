import logging
from pathlib import Path
from typing import Any

import pytest

from brightness_model import METADATA, brightness_model, grey_sample
from gafas.classifier import EyewearClassifier
from gafas.datasets.samples import Sample
from gafas.errors import DataError
from gafas.evaluation.evaluate import evaluate, predict_unlabelled


def opened(**entries: Any) -> EyewearClassifier:
    return EyewearClassifier(brightness_model(metadata={**METADATA, **entries}))


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """Return two photos of two people."""
    return [
        grey_sample(tmp_path / "a.png", 0, "dark", subject="ann"),
        grey_sample(tmp_path / "b.png", 255, "bright", subject="bob"),
    ]


def test_an_unreadable_photo_is_listed_and_counts_nowhere_else(
    samples: list[Sample], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gone = Sample(tmp_path / "gone.png", "gone.png", "dark", "gone", "dora")
    with caplog.at_level(logging.WARNING):
        evaluation = evaluate(opened(), [gone, *samples], name="x")
    expected = "Cannot open the photo: No such file or directory."
    assert evaluation.report["data"]["unreadable"] == [{"name": "gone.png", "error": expected}]
    assert evaluation.report["data"]["subjects"] == 2
    assert evaluation.report["accuracy"]["total"] == len(evaluation.rows) == 2
    assert "gone.png is left out" in caplog.text


def test_a_label_that_the_model_cannot_say_is_refused(samples: list[Sample]) -> None:
    with pytest.raises(DataError, match=r"Label 'dark'.*expected one of yes, no"):
        evaluate(opened(labels=["yes", "no"]), samples, name="x")


def test_no_sample_is_refused() -> None:
    with pytest.raises(DataError, match="no photo to look at"):
        evaluate(opened(), [], name="x")
    with pytest.raises(DataError, match="no photo to look at"):
        predict_unlabelled(opened(), [])


def test_a_folder_of_which_nothing_can_be_read_is_refused(tmp_path: Path) -> None:
    gone = Sample(tmp_path / "gone.png", "gone.png", "dark", "gone")
    with pytest.raises(DataError, match=r"None of the photos can be read or used\. Received: 1"):
        evaluate(opened(), [gone], name="x")


def test_unlabelled_photos_get_answers_without_a_truth(tmp_path: Path) -> None:
    some = [
        grey_sample(tmp_path / "a.png", 255, ""),
        Sample(tmp_path / "gone.png", "gone.png", "", "gone"),
        grey_sample(tmp_path / "b.png", 102, ""),
    ]
    rows = predict_unlabelled(opened(threshold=0.9), some)
    assert [row.answer for row in rows] == ["bright", "", "unsure"]
    assert [row.predicted for row in rows] == ["bright", "", "dark"]
    assert rows[1].error
