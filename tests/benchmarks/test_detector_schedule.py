"""The measurement of the detector's schedule counts what it says, on photos with known faces."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import detector_schedule as SCHEDULE
from face_photos import portrait
from gafas.detection.detector import FaceDetector

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Write as many portraits as a mosaic holds, each of another width."""
    folder = tmp_path_factory.mktemp("portraits")
    person = Image.fromarray(portrait())
    paths = [folder / f"{at:02}.png" for at in range(SCHEDULE.COLUMNS * SCHEDULE.ROWS)]
    for at, path in enumerate(paths):
        person.crop((0, 0, person.width - at, person.height)).save(path)
    return paths


def test_boxes_overlap_by_their_common_area_over_that_of_both() -> None:
    assert SCHEDULE.overlap((0, 0, 2, 2), (0, 0, 2, 2)) == 1
    assert SCHEDULE.overlap((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert SCHEDULE.overlap((0, 0, 2, 2), (2, 0, 4, 2)) == 0


def test_a_mosaic_holds_every_photo_and_knows_where_its_face_is(detector: FaceDetector) -> None:
    mosaic, known = SCHEDULE.lay_out([portrait()] * 8, detector)
    assert mosaic.shape == (SCHEDULE.ROWS * SCHEDULE.TILE, SCHEDULE.COLUMNS * SCHEDULE.TILE, 3)
    assert len(known) == 8
    places = [(int(x1 // SCHEDULE.TILE), int(y1 // SCHEDULE.TILE)) for x1, y1, _, _ in known]
    assert places == [(at % 6, at // 6) for at in range(8)]
    tile = mosaic[: SCHEDULE.TILE, : SCHEDULE.TILE]
    assert np.array_equal(tile, mosaic[: SCHEDULE.TILE, SCHEDULE.TILE : 2 * SCHEDULE.TILE])


def test_small_faces_that_are_found_are_counted_for_both_ways(
    detector: FaceDetector, photos: list[Path]
) -> None:
    told = SCHEDULE.compare_small(detector, photos)
    assert told["mosaics"] == 1
    assert told["faces"] == len(photos)
    assert 0 < told["looking_twice"] <= told["schedule"] <= len(photos)
    assert told["others"] == 0
    assert 8 < told["median_width"] < 40


def test_a_face_in_a_big_photo_is_found_in_its_eighth(
    detector: FaceDetector, photos: list[Path]
) -> None:
    told = SCHEDULE.compare_eighths(detector, photos[:2])
    assert told == {"photos": 2, "boxes": {"quarter": 2, "eighth": 2}, "boxes_lost": []}
