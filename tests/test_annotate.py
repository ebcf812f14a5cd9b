"""Annotations are legible at any size and leave the photo alone."""

import numpy as np
import pytest

from gafas.annotate import SMALLEST_SIDE, annotate, caption
from gafas.types import Face, Prediction

SURE = {"none": 0.001, "eyeglasses": 0.001, "sunglasses": 0.998}
EVEN = {"none": 0.1, "eyeglasses": 0.5, "sunglasses": 0.4}


def said(box: tuple[float, float, float, float], *, unsure: bool = False) -> Prediction:
    return Prediction.decide(Face(box), EVEN if unsure else SURE, threshold=0.9 * unsure)


def changed(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lines and the columns of the pixels that were drawn."""
    lines, columns = np.nonzero((before != after).any(axis=2))
    return lines, columns


def test_the_photo_is_left_alone_and_a_copy_is_drawn_on() -> None:
    image = np.full((600, 800, 3), 90, np.uint8)
    kept = image.copy()
    drawn = annotate(image, [said((300, 200, 420, 360))])
    np.testing.assert_array_equal(image, kept)
    assert drawn.shape == image.shape
    assert (drawn != image).any()
    np.testing.assert_array_equal(annotate(image, []), image)


@pytest.mark.parametrize("side", [1, 20, 64, 250, 1000, 6000])
def test_letters_are_tall_enough_at_any_size(side: int) -> None:
    image = np.full((side, side, 3), 90, np.uint8)
    box = (side * 0.3, side * 0.3, side * 0.6, side * 0.7)
    drawn = annotate(image, [said(box)])
    assert max(drawn.shape) >= min(SMALLEST_SIDE, max(drawn.shape))
    assert drawn.shape[0] % side == 0
    # The tag stands above the box; letters take most of its height.
    above = np.nonzero((drawn[: int(drawn.shape[0] * 0.295)] != 90).any(axis=2))[0]
    tall = above.max() - above.min()
    assert tall >= 10
    assert tall / drawn.shape[0] >= 0.015


def test_a_tiny_photo_is_enlarged_by_a_whole_factor() -> None:
    assert annotate(np.zeros((60, 64, 3), np.uint8), []).shape == (480, 512, 3)


def test_every_answer_has_its_own_colour() -> None:
    image = np.zeros((600, 600, 3), np.uint8)
    answers = [Prediction.decide(Face((200, 200, 400, 400)), {name: 1.0}) for name in SURE]
    answers.append(said((200, 200, 400, 400), unsure=True))
    answers.append(Prediction.decide(Face((200, 200, 400, 400)), {"glasses": 1.0}))
    edges = {tuple(annotate(image, [answer])[300, 200].tolist()) for answer in answers}
    assert len(edges) == len(answers) == 5


@pytest.mark.parametrize(
    "box", [(0, 0, 500, 500), (-40, -50, 60, 70), (430, 440, 560, 580), (200, 0, 300, 500)]
)
def test_a_tag_stays_inside_the_photo(box: tuple[float, float, float, float]) -> None:
    image = np.full((500, 500, 3), 90, np.uint8)
    prediction = said(box)
    drawn = annotate(image, [prediction])
    colour = np.array([230, 159, 0])
    filled = (drawn == colour).all(axis=2)
    # A whole tag: many lines in which a long run is filled.
    assert (filled.sum(axis=1) > 25).sum() >= 8


def test_tags_of_neighbours_do_not_cover_each_other() -> None:
    image = np.full((500, 900, 3), 90, np.uint8)
    one, other = said((300, 200, 400, 320)), said((330, 200, 430, 320), unsure=True)
    both = annotate(image, [one, other])
    lines, columns = changed(annotate(image, [one]), both)
    alone_lines, alone_columns = changed(image, annotate(image, [one]))
    tag = alone_lines < 195
    covered = set(zip(alone_lines[tag], alone_columns[tag], strict=True))
    assert len(covered) > 500
    assert not covered & set(zip(lines, columns, strict=True))


def test_tags_leave_the_faces_of_a_crowd_to_be_seen() -> None:
    image = np.full((1500, 2000, 3), 90, np.uint8)
    places = [(60 + 190 * x, 90 + 105 * y) for x in range(10) for y in range(13)]
    drawn = annotate(image, [said((x, y, x + 50, y + 60)) for x, y in places])
    assert all((drawn[y + 20 : y + 40, x + 20 : x + 30] == 90).all() for x, y in places)


def test_the_whole_frame_is_a_face_like_any_other() -> None:
    image = np.full((480, 512, 3), 90, np.uint8)
    drawn = annotate(image, [Prediction.decide(Face.whole(512, 480), SURE)])
    assert drawn.shape == image.shape
    assert tuple(drawn[300, 0].tolist()) == (230, 159, 0)


def test_a_caption_never_claims_certainty() -> None:
    assert caption(Prediction.decide(Face((0, 0, 1, 1)), SURE)) == "sunglasses 99%"
    assert caption(said((0, 0, 1, 1), unsure=True)) == "unsure: eyeglasses 50%?"
