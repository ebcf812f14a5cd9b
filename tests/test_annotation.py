"""Annotations are legible at any size and leave the photo alone."""

import dataclasses

import numpy as np
import pytest
from PIL import ImageFont

from gafas.annotation import SMALLEST_SIDE, annotate, caption, lay_tags
from gafas.labels import LANGUAGES
from gafas.results import Box, Face, Prediction

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


def touch(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def pack(columns: int, rows: int, *, size: tuple[int, int], gap: int) -> list[Prediction]:
    """Return faces in rows, so close that tags must look for room."""
    width, height = (size[0] - gap) / columns, (size[1] - gap) / rows
    return [
        said((gap + x * width, gap + y * height, (x + 1) * width, (y + 1) * height))
        for y in range(rows)
        for x in range(columns)
    ]


@pytest.mark.parametrize(
    "faces",
    [
        [said((300, 200, 400, 320)), said((330, 200, 430, 320), unsure=True)],
        [said((10, 12, 90, 130)), said((12, 150, 95, 260)), said((100, 12, 190, 130))],
        pack(6, 3, size=(900, 500), gap=26),
        pack(12, 6, size=(900, 500), gap=22),
        [said((2, 2, 898, 228)), said((2, 270, 898, 498))],
    ],
    ids=["neighbours", "corner", "class", "crowd", "above each other"],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_tag_hides_a_face_or_another_tag_or_is_cut_off(
    faces: list[Prediction], language: str
) -> None:
    image = np.full((500, 900, 3), 90, np.uint8)
    tags = lay_tags((900, 500), faces, language=language)
    assert len(tags) == len(faces)
    for tag in tags:
        x1, y1, x2, y2 = tag.place
        assert 0 <= x1 < x2 < 900
        assert 0 <= y1 < y2 < 500
        assert not any(touch(tag.place, one.face.box) for one in faces)
        assert not any(touch(tag.place, other.place) for other in tags if other is not tag)
    drawn = annotate(image, faces, language=language)
    for x1, y1, x2, y2 in (map(round, one.face.box) for one in faces):
        inside = slice(y1 + 6, y2 - 6), slice(x1 + 6, x2 - 6)
        own = [one for one in faces if touch((x1, y1, x2, y2), one.face.box)]
        assert len(own) > 1 or (drawn[inside] == 90).all()


def test_several_faces_are_numbered_in_their_order_and_one_is_not() -> None:
    three = pack(3, 1, size=(900, 500), gap=60)
    texts = [tag.text for tag in lay_tags((900, 500), three)]
    assert texts == ["1 sunglasses 99%", "2 sunglasses 99%", "3 sunglasses 99%"]
    (alone,) = lay_tags((900, 500), three[:1])
    assert alone.text == "sunglasses 99%"
    assert lay_tags((900, 500), []) == []


def test_where_there_is_no_room_a_number_stands_in_its_own_box_off_the_landmarks() -> None:
    size = (400, 300)
    faces = [
        said((200 * x, 150 * y, 200 * x + 200, 150 * y + 150)) for y in range(2) for x in range(2)
    ]
    marks = ((5.0, 5.0), (65.0, 5.0), (35.0, 15.0), (5.0, 25.0), (65.0, 25.0))
    faces[0] = dataclasses.replace(faces[0], face=Face((0, 0, 200, 150), marks))
    tags = lay_tags(size, faces)
    assert [tag.text for tag in tags] == ["1", "2", "3", "4"]
    for tag, one in zip(tags, faces, strict=True):
        x1, y1, x2, y2 = one.face.box
        assert x1 <= tag.place[0] < tag.place[2] < x2
        assert y1 <= tag.place[1] < tag.place[3] < y2
    assert not any(touch(tags[0].place, (x, y, x, y)) for x, y in marks)


def test_tags_speak_spanish_too_with_signs_that_the_letters_have() -> None:
    said_of = [Prediction.decide(Face((0, 0, 1, 1)), {name: 1.0}) for name in SURE]
    captions = [caption(one, language="es") for one in said_of]
    assert captions == ["sin gafas 100 %", "gafas graduadas 100 %", "gafas de sol 100 %"]
    unsure = caption(said((0, 0, 1, 1), unsure=True), language="es")
    assert unsure == "dudosa (gafas graduadas 50 %)"
    letters = ImageFont.load_default(40.0)
    missing = bytes(letters.getmask("\u4e00"))
    for sign in set("".join([*captions, unsure])) - {" "}:
        assert bytes(letters.getmask(sign)) != missing
    image = np.full((500, 900, 3), 90, np.uint8)
    face = said((300, 200, 400, 320))
    assert (annotate(image, [face]) != annotate(image, [face], language="es")).any()
    with pytest.raises(ValueError, match="Received: 'fr'"):
        annotate(image, [face], language="fr")


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
