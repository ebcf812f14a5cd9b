"""Windows cover what is doubtful, and what shows through them decides."""

import numpy as np
import pytest

from gafas.detection.candidates import Floats, confirm, cover, select_small


def rows(*candidates: tuple[float, ...]) -> Floats:
    """Make candidates of a box and a confidence each."""
    made = np.zeros((len(candidates), 15), np.float32)
    made[:, :5] = np.array(candidates).reshape(-1, 5)
    return made


SURE = (10, 10, 60, 70, 0.99)


def test_spots_near_each_other_share_a_window() -> None:
    spots = rows((100, 100, 120, 120, 0.3), (125, 105, 140, 120, 0.1), (300, 200, 310, 210, 0.1))
    windows = cover(spots, side=100, size=(400, 300))
    assert windows == [(60, 60, 100), (255, 155, 100)]


def test_windows_stay_in_the_image_where_they_fit() -> None:
    corner = rows((390, 2, 400, 12, 0.1))
    assert cover(corner, side=100, size=(400, 300)) == [(300, 0, 100)]
    assert cover(corner, side=100, size=(400, 50)) == [(300, 0, 100)]


def test_a_large_spot_gets_a_window_twice_as_large_that_covers_nothing_else() -> None:
    spots = rows((100, 100, 200, 200, 0.3), (140, 140, 150, 150, 0.1))
    assert cover(spots, side=100, size=(400, 300)) == [(50, 50, 200), (95, 95, 100)]


def test_without_spots_there_are_no_windows() -> None:
    assert cover(rows(), side=100, size=(400, 300)) == []


def test_sure_faces_stay_as_they_are_whatever_windows_show_of_them() -> None:
    faces = rows(SURE)
    assert np.array_equal(confirm(faces, rows()), faces)
    assert np.array_equal(confirm(faces, rows((12, 12, 58, 60, 0.8))), faces)


def test_a_doubtful_face_is_taken_from_the_window_if_that_is_sure() -> None:
    faces = rows(SURE, (100, 100, 120, 130, 0.6))
    close = rows((102, 99, 121, 128, 0.95), (101, 100, 121, 130, 0.5))
    assert np.array_equal(confirm(faces, close), rows(SURE, (102, 99, 121, 128, 0.95)))


@pytest.mark.parametrize("seen", [(102, 99, 121, 128, 0.8), (300, 99, 321, 128, 0.1)])
def test_a_face_that_remains_doubtful_settles_nothing(seen: tuple[float, ...]) -> None:
    assert confirm(rows(SURE, (100, 100, 120, 130, 0.6)), rows(seen)) is None


def test_another_face_that_shows_settles_nothing() -> None:
    assert confirm(rows(SURE), rows((100, 100, 120, 130, 0.4))) is None
    assert confirm(rows(SURE), rows((100, 100, 120, 130, 0.2))) is not None


def test_only_clear_small_faces_apart_from_known_ones_are_selected() -> None:
    inside, doubtful, large = (20, 20, 30, 30, 0.99), (100, 9, 110, 19, 0.7), (100, 9, 190, 99, 1)
    clear = (200, 100, 220, 125, 0.9)
    found = select_small(rows(inside, doubtful, large, clear), rows(SURE), side=100)
    assert np.array_equal(found, rows(clear))
    assert select_small(rows(), rows(SURE), side=100).shape == (0, 15)
    assert len(select_small(rows(clear), rows(), side=100)) == 1
