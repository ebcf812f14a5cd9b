"""Of candidates for the same face one is kept; the unsure apart from sure faces are doubtful."""

import numpy as np
import pytest

from gafas.detection.candidates import (
    Floats,
    find_doubtful,
    measure_overlap,
    measure_sides,
    suppress,
    turn_back,
)
from gafas.results import Box


def rows(*candidates: tuple[float, ...]) -> Floats:
    """Make candidates of a box and a confidence each."""
    made = np.zeros((len(candidates), 15), np.float32)
    made[:, :5] = np.array(candidates, np.float32).reshape(-1, 5)
    return made


def test_the_most_confident_of_overlapping_boxes_is_kept() -> None:
    seen = rows(
        (0, 0, 10, 10, 0.6),
        (1, 0, 11, 10, 0.9),  # overlaps the first: 90 of 110
        (8, 0, 18, 10, 0.7),  # overlaps the second: 30 of 170
        (40, 0, 50, 10, 0.9),
    )
    assert suppress(seen)[:, 0].tolist() == [1, 40, 8]
    assert suppress(seen[:0]).shape == (0, 15)


@pytest.mark.parametrize(("face", "eye"), [(0.9, 0.5), (0.5, 0.9)])
def test_a_part_of_a_face_is_no_second_face(face: float, eye: float) -> None:
    seen = rows((0, 0, 100, 100, face), (10, 10, 30, 30, eye))
    assert suppress(seen)[:, 4].tolist() == [pytest.approx(0.9)]


def test_what_is_suppressed_suppresses_nothing_itself() -> None:
    seen = rows((0, 0, 10, 10, 0.9), (4, 0, 14, 10, 0.8), (8, 0, 18, 10, 0.7))
    assert len(suppress(seen)) == 2


def test_what_is_unsure_and_apart_from_sure_faces_is_doubtful() -> None:
    sure, at_its_rim = (0, 0, 100, 100, 0.95), (30, 0, 130, 100, 0.2)
    seen = rows(sure, at_its_rim, (200, 0, 220, 20, 0.2), (300, 0, 400, 100, 0.8))
    assert find_doubtful(seen, sure=0.9)[:, 0].tolist() == [200, 300]
    assert len(find_doubtful(seen, sure=0.1)) == 0
    assert len(find_doubtful(seen, sure=0.99)) == 4
    assert len(find_doubtful(seen[:0], sure=0.9)) == 0


def test_the_longer_side_of_a_box_is_measured() -> None:
    assert measure_sides(rows((5, 5, 15, 35, 0.5), (0, 0, 8, 2, 0.5))).tolist() == [30, 8]
    assert measure_sides(rows()).tolist() == []


@pytest.mark.parametrize(
    ("other", "share"),
    [((0, 0, 10, 20), 1), ((5, 0, 15, 20), 1 / 3), ((0, 0, 5, 10), 1 / 4), ((10, 0, 20, 20), 0)],
)
def test_the_overlap_of_two_boxes_is_the_share_of_what_both_cover(other: Box, share: float) -> None:
    box = (0.0, 0.0, 10.0, 20.0)
    assert measure_overlap(box, other) == pytest.approx(share)
    assert measure_overlap(other, box) == pytest.approx(share)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_what_was_found_in_the_turned_photo_is_brought_back(quarters: int) -> None:
    mark = np.zeros((70, 50), np.uint8)
    mark[20:30, 5:15] = 255
    y, x = np.nonzero(np.rot90(mark, quarters))
    box = [x.min(), y.min(), x.max() + 1, y.max() + 1]
    middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]
    seen = np.array([[*box, 0.9, *middle * 5]], np.float32)
    (back,) = turn_back(seen, quarters, width=50, height=70)
    assert back.tolist() == pytest.approx([5, 20, 15, 30, 0.9, *[10, 25] * 5])
