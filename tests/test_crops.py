"""A crop shows the same part of a face, whatever its size, its roll and its place."""

import dataclasses
import json
import math

import matplotlib.cbook
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from gafas.crops import CropGeometry, Placement, crop_face, cut_out, place_crop
from gafas.detection.detector import FaceDetector
from gafas.errors import ModelError
from gafas.images import load_image
from gafas.results import Face

LANDMARKS = ((-0.5, 0.0), (0.5, 0.0), (0.0, 0.65), (-0.4, 1.14), (0.4, 1.14))
PLACES = st.builds(
    Placement,
    x=st.floats(-500, 5000),
    y=st.floats(-500, 5000),
    side=st.floats(1, 4000),
    roll=st.floats(-0.8, 0.8),
)


def face_at(x: float, y: float, *, unit: float, roll: float = 0.0) -> Face:
    """Make a frontal face; `unit` pixels between the eyes, whose middle is at x, y."""
    turn = np.array([[math.cos(roll), math.sin(roll)], [-math.sin(roll), math.cos(roll)]])
    points = np.array(LANDMARKS) @ turn * unit + (x, y)
    corner, size = np.array((-1.045, -1.28)), np.array((2.09, 3.06))
    middle = (corner + size / 2) @ turn * unit + (x, y)
    (x1, y1), (x2, y2) = middle - size * unit / 2, middle + size * unit / 2
    return Face((x1, y1, x2, y2), tuple((float(a), float(b)) for a, b in points), 1.0)


def drawn(face: Face, *, width: int, height: int) -> np.ndarray:
    """Draw the eyes as red and blue discs, the mouth's corners as green ones."""
    picture = Image.new("RGB", (width, height), (120, 120, 120))
    draw = ImageDraw.Draw(picture)
    radius = face.side / 20
    # Pillow counts the middle of a pixel as a whole number, gafas as a half.
    colours = ("red", "blue", None, "lime", "lime")
    for (x, y), colour in zip(face.landmarks, colours, strict=True):
        if colour:
            left, top = x - radius - 0.5, y - radius - 0.5
            draw.ellipse((left, top, left + 2 * radius, top + 2 * radius), fill=colour)
    return np.asarray(picture)


def centre_of(crop: np.ndarray, channel: int) -> tuple[float, float]:
    """Return where, 0–1, a colour is in a crop."""
    others = [other for other in range(3) if other != channel]
    y, x = np.nonzero((crop[..., channel] > 180) & (crop[..., others] < 90).all(axis=2))
    assert len(x) > 0
    return float(x.mean() + 0.5) / crop.shape[1], float(y.mean() + 0.5) / crop.shape[0]


@given(PLACES, st.lists(st.tuples(st.floats(-1, 2), st.floats(-1, 2)), min_size=1, max_size=5))
def test_points_survive_image_to_crop_and_back(
    place: Placement, points: list[tuple[float, float]]
) -> None:
    there = place.to_image(np.array(points))
    assert np.allclose(place.to_crop(there), points, atol=1e-6)


@given(st.floats(8, 900), st.floats(-0.7, 0.7), st.floats(-100, 4000))
def test_the_eyes_are_level_and_at_the_same_place(unit: float, roll: float, x: float) -> None:
    geometry = CropGeometry()
    face = face_at(x, 300, unit=unit, roll=roll)
    left, right = place_crop(face).to_crop(np.array(face.landmarks[:2]))
    assert left[1] == pytest.approx(right[1], abs=1e-6)
    assert (left[0] + right[0]) / 2 == pytest.approx(0.5, abs=0.04)
    assert left[1] == pytest.approx(geometry.eye_line, abs=0.01)
    assert right[0] - left[0] == pytest.approx(1 / geometry.extent, abs=0.01)


@pytest.mark.parametrize("unit", [20, 35, 60, 190])
@pytest.mark.parametrize("degrees", [-40, -15, 0, 30])
def test_pixels_land_where_the_geometry_says(unit: int, degrees: int) -> None:
    face = face_at(350, 340, unit=unit, roll=math.radians(degrees))
    image = drawn(face, width=700, height=720)
    crop = crop_face(image, face, size=64)
    assert crop.shape == (64, 64, 3)
    expected = place_crop(face).to_crop(np.array(face.landmarks))
    assert centre_of(crop, 0) == pytest.approx(expected[0], abs=0.025)
    assert centre_of(crop, 2) == pytest.approx(expected[1], abs=0.025)


def test_a_profile_is_as_large_as_a_front_view_and_not_turned_over() -> None:
    front = place_crop(face_at(100, 100, unit=30))
    eye = (80.0, 98.0)
    points = (eye, (79.0, 99.0), (70.0, 118.0), (84.0, 133.0), (83.0, 134.0))
    profile = place_crop(Face((68, 62, 131, 154), points, 1.0))
    assert profile.side == pytest.approx(front.side, rel=0.06)
    assert abs(math.degrees(profile.roll)) < 15
    assert profile.x > eye[0] + 5  # towards the temple
    temple = profile.to_crop(np.array([[115.0, 98.0]]))[0]
    assert 0 < temple[0] < 1


def test_the_roll_is_bounded() -> None:
    face = face_at(100, 100, unit=30, roll=math.radians(130))
    assert math.degrees(place_crop(face).roll) == pytest.approx(130)
    assert math.degrees(place_crop(face, CropGeometry(max_roll=100)).roll) == pytest.approx(100)
    assert place_crop(face, CropGeometry(max_roll=0)).roll == 0


def test_a_face_without_landmarks_is_cropped_by_its_box() -> None:
    known = face_at(100, 100, unit=30)
    by_box = place_crop(Face(known.box, (), None))
    by_all = place_crop(known)
    assert dataclasses.astuple(by_box) == pytest.approx(dataclasses.astuple(by_all), abs=1.0)


@pytest.mark.parametrize("side", [70, 200, 500, 1900])
def test_shrinking_averages_fine_stripes_to_grey(side: int) -> None:
    image = np.zeros((2000, 2000, 3), np.uint8)
    image[:, ::2] = 255
    crop = cut_out(image, Placement(1000, 1000, side, 0.0), size=32)
    assert np.abs(crop.astype(int) - 127).max() <= 40
    assert crop.std() < 20


def test_enlarging_keeps_a_plain_patch_plain() -> None:
    image = np.full((9, 9, 3), 77, np.uint8)
    assert (cut_out(image, Placement(4.5, 4.5, 3.0, 0.3), size=48) == 77).all()


def test_a_crop_of_itself_is_the_image() -> None:
    image = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    np.testing.assert_array_equal(cut_out(image, Placement(24, 24, 48, 0), size=48), image)


@pytest.mark.parametrize("x", [-400, 0, 99, 700])
def test_past_the_border_the_edge_is_continued(x: int) -> None:
    image = np.full((100, 100, 3), 50, np.uint8)
    image[:, -1] = image[:, 0] = 200
    crop = crop_face(image, face_at(x, 50, unit=20), size=32)
    assert crop.shape == (32, 32, 3)
    outside = crop[:, 0] if x < 50 else crop[:, -1]
    assert (outside == 200).all()


def test_a_degenerate_face_still_gives_a_crop() -> None:
    face = Face((5, 5, 5, 5), ((5.0, 5.0),) * 5, 0.5)
    assert crop_face(np.zeros((10, 10, 3), np.uint8), face, size=16).shape == (16, 16, 3)


def test_the_geometry_survives_the_model_file() -> None:
    geometry = CropGeometry(extent=2.5, max_roll=30)
    stored = json.loads(json.dumps(dataclasses.asdict(geometry)))
    assert CropGeometry.from_dict(stored) == geometry
    with pytest.raises(ModelError, match="Received"):
        CropGeometry.from_dict({**stored, "zoom": 1})
    with pytest.raises(ModelError, match="Received"):
        CropGeometry.from_dict({**stored, "extent": "wide"})


def test_a_real_face_is_cropped_alike_at_any_scale_and_roll() -> None:
    path = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    photo, detector = load_image(path), FaceDetector()
    (face,) = detector.detect(photo)
    upright = crop_face(photo, face, size=64).astype(int)
    variants = {
        "half": Image.fromarray(photo).resize((256, 300), Image.Resampling.LANCZOS),
        "turned": Image.fromarray(photo).rotate(20, Image.Resampling.BICUBIC),
    }
    differences = {}
    for name, picture in variants.items():
        image = np.asarray(picture)
        (seen,) = detector.detect(image)
        crop = crop_face(image, seen, size=64).astype(int)
        differences[name] = float(np.abs(crop - upright)[16:48, 8:56].mean())
    assert differences["half"] < 19
    assert differences["turned"] < 25
