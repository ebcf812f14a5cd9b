"""A heat map lies over what the answer hangs on."""

import dataclasses

import numpy as np
import pytest
import skimage.data
from tools import photos as PHOTOS

from brightness_model import METADATA, brightness_model
from face_photos import crowd, encode, face_model, faceless, portrait
from gafas.classifier import EyewearClassifier
from gafas.crops import place_crop
from gafas.detection.detector import FaceDetector
from gafas.explanation import FAINT, WORDS, Explanation, draw_explanations, explain
from gafas.images import load_image
from gafas.recognizer import Recognizer
from gafas.results import ImageArray
from gafas.selfcheck import PICTURES
from gafas.synthesis.glasses import Glasses, Outline
from gafas.synthesis.rendering import put_on

FALLS, RISES = (213, 94, 0), (0, 114, 178)


@pytest.fixture(scope="module")
def squeezer() -> Recognizer:
    """Return a model of whole photos that sees 40 × 30 pixels and answers with brightness."""
    shown = {**METADATA, "width": 40, "height": 30}
    return Recognizer(EyewearClassifier(brightness_model(("N", 30, 40, 1), metadata=shown)))


@pytest.fixture(scope="module")
def faces() -> Recognizer:
    return Recognizer(EyewearClassifier(face_model()))


def spotted(colour: int, *, ground: int) -> ImageArray:
    """Return an image with one spot of an eighth of its sides in the right upper quarter."""
    image = np.full((480, 640, 3), ground, np.uint8)
    image[90:150, 440:520] = colour
    return image


def coloured(drawn: ImageArray, colour: tuple[int, int, int]) -> tuple[float, float, int]:
    """Return the middle (x, y) of the pixels tinted towards a colour, and their number.

    The border is left out: there are the box of the whole photo, and its tag.
    """
    lean = (drawn[:480].astype(int) - drawn[:480].mean(axis=2, keepdims=True)) @ np.array(colour)
    lean[:60] = lean[-20:] = lean[:, :20] = lean[:, -20:] = 0
    lines, columns = np.nonzero(lean > 3000)
    return float(columns.mean()), float(lines.mean()), len(lines)


def test_hiding_what_the_answer_hangs_on_lowers_its_probability(squeezer: Recognizer) -> None:
    (one,) = explain(squeezer, spotted(255, ground=130))
    assert one.prediction.label == "bright"
    line, column = np.unravel_index(one.heat.argmax(), one.heat.shape)
    assert one.heat.shape == (30, 40)
    assert column == pytest.approx(30, abs=3)
    assert line == pytest.approx(7.5, abs=3)
    # The spot takes 1/64 of the photo, and is lighter than the median by 125 of 255; where an
    # answer is as good as open, log-odds change four times as much as the probability.
    assert one.heat.max() == pytest.approx(4 * 125 / 255 / 64, rel=0.3)
    assert one.heat.min() >= -1e-6
    assert np.abs(one.heat[15:, :20]).max() < 1e-6


def test_hiding_what_speaks_against_the_answer_raises_its_probability(squeezer: Recognizer) -> None:
    (one,) = explain(squeezer, spotted(0, ground=230))
    assert one.prediction.label == "bright"
    assert one.heat.min() < -0.005
    assert one.heat.max() <= 1e-6


def wearing(image: ImageArray, glasses: Glasses) -> ImageArray:
    (face,) = FaceDetector().detect(image)
    return put_on(image, face.landmarks, glasses=glasses)


def people() -> dict[str, ImageArray]:
    """Return twelve faces, photographed or painted, whose answers are sure."""
    astronaut, sun = skimage.data.astronaut(), PHOTOS.SUNGLASSES
    reading = Glasses(outline=Outline(0.8, 0.5, 3.4, 2.8, 0.04))
    mirrored = dataclasses.replace(sun, mirror=0.7, tint=(90.0, 120.0, 190.0))
    shield = dataclasses.replace(sun, joined=True, wrap=0.2, rim=0.02, colour=(150.0, 30.0, 30.0))
    painted = ("bare.jpg", "eyeglasses.jpg", "sunglasses.webp", "turned.jpg")
    return {
        "bare": astronaut,
        "sunglasses": wearing(astronaut, sun),
        "mirrored": wearing(astronaut, mirrored),
        "shield": wearing(astronaut, shield),
        "reading": wearing(astronaut, reading),
        "old": portrait(),
        "old in sunglasses": wearing(portrait(), sun),
        "old in a shield": wearing(portrait(), shield),
        **{f"painted {name}": load_image(PICTURES / name) for name in painted},
    }


def measure_colour(image: ImageArray, one: Explanation) -> float:
    """Return the share of a face's box that is clearly coloured in the drawing."""
    plain = dataclasses.replace(one, heat=np.zeros_like(one.heat))
    drawn, grey = (draw_explanations(image, [shown]) for shown in (one, plain))
    factor = drawn.shape[1] / image.shape[1]
    x1, y1, x2, y2 = (max(0, round(value * factor)) for value in one.prediction.face.box)
    change = np.abs(drawn[y1:y2, x1:x2].astype(int) - grey[y1:y2, x1:x2])
    return float((change.max(axis=2) > 30).mean())


def test_sure_answers_have_maps_that_are_not_empty() -> None:
    recognizer, shares = Recognizer(), {}
    for name, image in people().items():
        (one,) = explain(recognizer, image)
        assert one.prediction.probability > 0.98, name
        shares[name] = measure_colour(image, one)
    assert len(shares) == 12
    assert min(shares.values()) > 0.05, shares


@pytest.mark.parametrize("name", ["bare", "sunglasses", "reading", "old", "painted eyeglasses.jpg"])
def test_the_answer_hangs_on_the_eyes_and_what_is_before_them(name: str) -> None:
    recognizer = Recognizer()
    (one,) = explain(recognizer, people()[name])
    place = place_crop(one.prediction.face, recognizer.classifier.geometry)
    eyes = place.to_crop(np.array(one.prediction.face.landmarks[:2])).mean(axis=0)
    line, column = np.unravel_index(one.heat.argmax(), one.heat.shape) / np.array(one.heat.shape)
    assert abs(column - eyes[0]) < 0.35
    assert -0.1 < line - eyes[1] < 0.2


def test_one_eye_is_hidden_alone_and_both_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer, batches = Recognizer(), []
    look = EyewearClassifier.look

    def note(self: EyewearClassifier, batch: ImageArray) -> object:
        batches.append(batch)
        return look(self, batch)

    monkeypatch.setattr(EyewearClassifier, "look", note)
    (one,) = explain(recognizer, portrait())
    seen, hidden = batches
    place = place_crop(one.prediction.face, recognizer.classifier.geometry)
    eyes = (place.to_crop(np.array(one.prediction.face.landmarks[:2])) * 96).astype(int)
    gone = (hidden != seen).any(axis=3)
    left, right = (gone[:, y, x] for x, y in eyes)
    assert (left & right).sum() >= 3
    assert (left & ~right).sum() >= 1
    assert (right & ~left).sum() >= 1


def test_each_face_has_a_scale_of_its_own() -> None:
    image = load_image(PICTURES / "two.jpg")
    sure, other = explain(Recognizer(), image)
    assert other.peak > 2 * sure.peak  # on one scale, the first map would be faint
    both, alone = (draw_explanations(image, shown) for shown in ([sure, other], [sure]))
    x1, y1, x2, y2 = (round(2 * value) for value in sure.prediction.face.box)
    inside = np.s_[y1 + 20 : y2 - 20, x1 + 20 : x2 - 20]
    np.testing.assert_array_equal(both[inside], alone[inside])
    assert np.ptp(alone[inside].astype(int), axis=2).max() > 60


def test_the_legend_speaks_both_languages(squeezer: Recognizer) -> None:
    english, spanish = WORDS["en"], WORDS["es"]
    assert english.keys() == spanish.keys()
    assert set(english.values()).isdisjoint(spanish.values())
    assert all(text.isascii() for text in spanish.values())  # Pillow's letters have no accents
    image = spotted(255, ground=130)
    image[60:240, 400:560] = 255
    found = explain(squeezer, image)
    default, named, translated = (
        draw_explanations(image, found, **words)
        for words in ({}, {"language": "en"}, {"language": "es"})
    )
    np.testing.assert_array_equal(default, named)
    assert not np.array_equal(default[480:], translated[480:])
    with pytest.raises(ValueError, match=r"one of \('en', 'es'\)\. Received: 'fr'"):
        draw_explanations(image, found, language="fr")


def test_every_face_is_explained_where_its_crop_lies(faces: Recognizer) -> None:
    image = crowd([(0, 0), (520, 0)], size=(1040, 600), tall=600)
    found = explain(faces, image)
    assert [one.prediction for one in found] == list(faces.recognize(image))
    assert len(found) == 2
    for one in found:
        place = place_crop(one.prediction.face, faces.classifier.geometry)
        sides = np.linalg.norm(np.subtract(one.corners[1:], one.corners[0]), axis=1)
        assert sides == pytest.approx([place.side] * 2)
        assert np.mean(one.corners[1:], axis=0) == pytest.approx((place.x, place.y))


def test_the_colour_lies_over_the_spot_that_matters(squeezer: Recognizer) -> None:
    image = spotted(255, ground=130)
    image[60:240, 400:560] = 255
    drawn = draw_explanations(image, explain(squeezer, image))
    x, y, count = coloured(drawn, FALLS)
    assert count > 4000
    assert x == pytest.approx(480, abs=25)
    assert y == pytest.approx(150, abs=25)


def test_the_photo_is_left_alone_and_the_legend_stands_below_it(squeezer: Recognizer) -> None:
    image = spotted(255, ground=130)
    kept = image.copy()
    drawn = draw_explanations(image, explain(squeezer, image))
    np.testing.assert_array_equal(image, kept)
    assert drawn.shape[1:] == image.shape[1:]
    assert 20 < drawn.shape[0] - image.shape[0] < 100
    legend = drawn[480:]
    assert (legend == 255).all(axis=2).mean() > 0.7
    assert (legend < 90).all(axis=2).sum() > 50  # letters


def test_strong_effects_are_explained_in_both_colours(squeezer: Recognizer) -> None:
    image = spotted(255, ground=130)
    image[60:240, 400:560] = 255
    image[300:420, 60:180] = 0
    drawn = draw_explanations(image, explain(squeezer, image))
    for colour in (FALLS, RISES):
        assert (drawn[480:] == colour).all(axis=2).sum() > 50
    assert coloured(drawn, RISES)[2] > 1000


def test_nothing_is_coloured_where_nothing_matters(squeezer: Recognizer) -> None:
    image = np.full((480, 640, 3), 200, np.uint8)
    (one,) = explain(squeezer, image)
    assert np.abs(one.heat).max() < FAINT
    drawn = draw_explanations(image, [one])
    assert (drawn[200:440, 200:400] == 200).all()
    assert not (drawn[480:] == FALLS).all(axis=2).any()


def test_a_photo_without_faces_comes_back_grey_with_a_sentence(faces: Recognizer) -> None:
    assert explain(faces, faceless()) == []
    drawn = draw_explanations(faceless(), [])
    assert drawn.shape[1] == 800  # enlarged, for letters need pixels
    assert np.ptp(drawn[:600].astype(int), axis=2).max() == 0
    assert (drawn[600:] < 90).all(axis=2).sum() > 50


def test_a_large_photo_is_decoded_and_drawn_smaller(faces: Recognizer) -> None:
    huge = encode(crowd([(0, 0)], size=(2048, 2400), tall=2400))
    drawn = draw_explanations(huge, explain(faces, huge))
    assert drawn.shape[1] == 1024
    outlined = (drawn[:1200] == (204, 121, 167)).all(axis=2)
    lines, columns = np.nonzero(outlined)
    assert (columns.min(), columns.max()) == pytest.approx((352, 702), abs=24)
    assert lines.max() == pytest.approx(666, abs=24)


def test_a_narrow_photo_gets_a_legend_that_fits(squeezer: Recognizer) -> None:
    image = portrait()[:, 250:290]
    drawn = draw_explanations(image, explain(squeezer, image))
    assert drawn.shape[1] == 360
    assert (drawn[:600, 40:] == 255).all()
    assert (drawn[600:, -1] == 255).all()
    assert (drawn[600:] < 90).all(axis=2).sum() > 50


def test_a_photo_as_thin_as_a_line_is_drawn_with_a_legend_of_a_sensible_size(
    faces: Recognizer,
) -> None:
    drawn = draw_explanations(np.full((1, 20_000, 3), 130, np.uint8), [])
    assert drawn.shape[1] == 20_000
    assert 12 < drawn.shape[0] < 60


def test_one_face_of_several_is_explained_as_among_all(faces: Recognizer) -> None:
    image = crowd([(20, 30), (330, 60)], size=(640, 420), tall=330)
    both = explain(faces, image)
    assert len(both) == 2
    for wanted in both:
        (one,) = explain(faces, image, faces=[wanted.prediction.face])
        assert one.prediction.to_dict() == wanted.prediction.to_dict()
        assert np.array_equal(one.heat, wanted.heat)
