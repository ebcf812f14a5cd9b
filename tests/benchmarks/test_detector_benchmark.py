"""The measurement of the detector's schedule counts what it says, on photos with known faces."""

from pathlib import Path

import pytest
from benchmarks.detector import (
    RULES,
    RememberingDetector,
    Truth,
    measure_overlap,
    measure_set,
    read_truth,
)
from PIL import Image

from face_photos import portrait
from gafas.detection.detector import FaceDetector


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("portrait") / "portrait.png"
    Image.fromarray(portrait()).save(path)
    return path


def test_boxes_overlap_by_their_common_area_over_that_of_both() -> None:
    assert measure_overlap((0, 0, 2, 2), (0, 0, 2, 2)) == 1
    assert measure_overlap((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert measure_overlap((0, 0, 2, 2), (2, 0, 4, 2)) == 0


def test_a_table_of_boxes_tells_faces_from_what_resembles_them(tmp_path: Path) -> None:
    table = tmp_path / "faces.csv"
    table.write_text(
        "file,x1,y1,x2,y2,label,tags\n"
        "a.jpg,0,0,10,12,none,\na.jpg,20,0,30,12,not_a_face,animal\na.jpg,40,0,45,6,unclear,tiny\n"
    )
    truth = Truth(faces=((0, 0, 10, 12),), unclear=((40, 0, 45, 6),))
    assert read_truth(table) == {"a.jpg": truth}


def test_what_is_found_is_counted_for_every_variant(photo: Path) -> None:
    (face,) = FaceDetector().detect(portrait())
    there = Truth(faces=(face.box,))
    elsewhere = Truth(faces=((0.0, 0.0, 5.0, 5.0),))
    rows = measure_set([(photo, there), (photo, elsewhere)], looks=True)
    assert set(rows) >= {"schedule", *(f"without {rule}" for rule in RULES)}
    row = rows["schedule"]
    assert (row.boxes, row.found, row.false, row.lost, row.gained) == (2, 1, 1, 0, 0)
    assert row.milliseconds > 0


def test_a_look_that_is_remembered_costs_what_it_cost() -> None:
    detector = RememberingDetector()
    image = portrait()
    first, _ = detector.measure(lambda: [face.box for face in detector.detect(image)])
    cost = detector.cost
    again, _ = detector.measure(lambda: [face.box for face in detector.detect(image)])
    assert again == first
    assert detector.cost == cost > 0
