"""What is the same in two answers is counted, and what is not is told."""

from pathlib import Path
from typing import Any

import pytest
from tools import app as APP
from tools.hosting import find_browser

from benchmarks import browser as BENCHMARK
from face_photos import encode, portrait
from gafas.files import read_json, write_json


def face(x: float, sunglasses: float = 0.9) -> dict[str, Any]:
    probabilities = {"none": round(1 - sunglasses, 3), "sunglasses": sunglasses}
    label = "sunglasses" if sunglasses > 0.5 else "none"
    return {"box": [x, 0.0, x + 10, 10.0], "label": label, "probabilities": probabilities}


def answer(*faces: dict[str, Any]) -> dict[str, Any]:
    return {"faces": list(faces)}


def test_faces_are_matched_by_place_whatever_their_order() -> None:
    pairs = list(BENCHMARK.match([face(0), face(50), face(90)], [face(51), face(1)]))
    assert [(one["box"][0], two["box"][0]) for one, two in pairs] == [(0, 1), (50, 51)]


@pytest.mark.parametrize(
    ("mine", "other", "same", "counts"),
    [
        (answer(face(0)), answer(face(0)), True, {"equal": 1, "same_faces": 1, "near": 1}),
        (answer(face(0)), answer(face(0, 0.905)), True, {"equal": 0, "near": 1}),
        (answer(face(0)), answer(face(0, 0.906)), False, {"near": 0, "furthest": 0.006}),
        (answer(face(0)), answer(face(0, 0.4)), False, {"same_faces": 1, "same_labels": 0}),
        (answer(face(0)), answer(), False, {"faces": 1, "same_faces": 0, "more_faces": 0}),
        (answer(), answer(face(0)), False, {"faces": 0, "more_faces": 1}),
    ],
)
def test_every_difference_is_counted_and_told(
    mine: dict[str, Any], other: dict[str, Any], same: bool, counts: dict[str, float]
) -> None:
    row = BENCHMARK.Row()
    assert BENCHMARK.compare(row, mine, other) is same
    assert row.photos == 1
    assert {name: getattr(row, name) for name in counts} == counts


@pytest.mark.skipif(not APP.RUNTIME.exists() or not find_browser(), reason="no npm, or no browser")
def test_the_whole_measurement_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in BENCHMARK.SETS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "50%#.jpg").write_bytes(encode(portrait()))
        (tmp_path / name / "notes.txt").write_text("no photo")
        (tmp_path / name / "half.png").write_bytes(encode(portrait(), "PNG")[:5000])
    monkeypatch.setattr(BENCHMARK, "SETS", dict.fromkeys(BENCHMARK.SETS, 1))
    monkeypatch.setattr(BENCHMARK, "PHOTOS", {"250 pixels": 4, "12 megapixels": 4})
    result = BENCHMARK.measure(tmp_path, rounds=1, starts=1, many=4)
    assert {row.faces for row in result.parity.sets.values()} == {1}
    assert result.parity.differences == []
    assert all(times.ratio > 0 for times in result.photos.values())
    assert 5 < result.page.download_mb < 10
    assert result.page.camera_answers_per_second > 0
    assert min(result.page.heap_mb) > 0
    target = tmp_path / "browser.json"
    write_json(target, result)
    assert read_json(target, BENCHMARK.BrowserFigures) == result
