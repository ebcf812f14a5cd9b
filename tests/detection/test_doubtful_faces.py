"""Whoever can tell a face from what is none is given doubtful candidates; nobody else is."""

import numpy as np
import pytest
import skimage.data

from face_photos import crowd, portrait
from gafas.detection.candidates import COLUMNS, Floats
from gafas.detection.detector import CONFIDENT, HINT, FaceDetector
from gafas.results import Face, ImageArray

WIDE = np.zeros((200, 300, 3), np.uint8)
"""A photo that is looked at twice at most, with a longer side of 192 and of 512 pixels."""


def candidate(x: float, y: float, confidence: float) -> list[float]:
    """Return a square of 40 pixels, its eyes above its mouth."""
    points = [x + 10, y + 10, x + 30, y + 10, x + 20, y + 20, x + 12, y + 30, x + 28, y + 30]
    return [x, y, x + 40, y + 40, confidence, *points]


class Told(FaceDetector):
    """A detector that is told what it sees at which size, and in photos that stand on end."""

    def __init__(self, seen: dict[int, list[list[float]]], tall: list[list[float]]) -> None:
        self.seen = seen
        self.tall = tall
        self.sides: list[int] = []

    def find_candidates(self, image: ImageArray, *, side: int, border: int = 0) -> Floats:
        self.sides.append(side)
        stands = image.shape[0] > image.shape[1]
        rows = np.array(self.tall if stands else self.seen.get(side, []), np.float32)
        rows = rows.reshape(-1, COLUMNS)
        return rows[np.argsort(-rows[:, 4])]


def describe(faces: list[Face]) -> list[tuple[float, float, float]]:
    """Return left, top and confidence of each."""
    return [(*face.box[:2], round(face.confidence or 0, 2)) for face in faces]


def test_doubtful_candidates_of_all_looks_are_given_to_who_asks_for_them() -> None:
    first = [candidate(0, 0, 0.98), candidate(100, 0, 0.3), candidate(200, 0, 0.08)]
    second = [candidate(100, 0, 0.35), candidate(0, 150, 0.2)]
    detector = Told({192: first, 512: second}, [])
    assert describe(detector.detect(WIDE)) == [(0, 0, 0.98)]
    assert detector.sides == [192, 512]
    found = detector.detect(WIDE, least=0.1)
    assert describe(found) == [(0, 0, 0.98), (100, 0, 0.35), (0, 150, 0.2)]
    assert detector.sides == [192, 512] * 2  # no look more than without them
    assert describe(detector.detect(WIDE, least=0.3)) == [(0, 0, 0.98), (100, 0, 0.35)]


def test_a_doubtful_candidate_is_no_reason_to_seek_no_further() -> None:
    detector = Told({192: [candidate(0, 0, 0.3)], 128: [candidate(100, 0, 0.5)]}, [])
    assert describe(detector.detect(WIDE, least=0.1)) == [(100, 0, 0.5), (0, 0, 0.3)]
    assert detector.sides[:3] == [192, 512, 128]  # the border, too
    assert detector.sides[3:] == [320, 320, 320]  # and the photo turned


def test_of_a_photo_that_was_turned_candidates_from_both_ways_are_given() -> None:
    # Turned by a quarter, (20, 10) comes to lie at (250, 20), the top right at the top left.
    upright, lying = [candidate(0, 150, 0.5), candidate(248, 22, 0.6)], [candidate(10, 10, 0.95)]
    detector = Told({192: upright, 512: upright}, lying)
    alone, both = detector.detect(WIDE), detector.detect(WIDE, least=0.1)
    assert describe(alone) == [(250, 10, 0.95)]
    assert describe(both) == [(250, 10, 0.95), (0, 150, 0.5)]
    assert both[0] == alone[0]
    unsure = Told({192: upright, 512: upright}, [candidate(10, 10, 0.3)])
    assert describe(unsure.detect(WIDE, least=0.1)) == [(248, 22, 0.6), (0, 150, 0.5)]


@pytest.mark.parametrize("least", [CONFIDENT, 0.1, HINT, 0.0])
def test_sure_faces_are_the_same_however_little_is_asked_for(least: float) -> None:
    detector = FaceDetector()
    for photo in (portrait(), np.rot90(portrait()), crowd([(0, 0)], size=(400, 300), tall=200)):
        (face,) = detector.detect(photo)
        assert detector.detect(photo, least=least)[0] == face


def test_a_cat_is_doubtful_at_most() -> None:
    doubtful = FaceDetector().detect(skimage.data.chelsea(), least=HINT)
    assert all(HINT < (face.confidence or 0) < CONFIDENT for face in doubtful)
    assert doubtful
