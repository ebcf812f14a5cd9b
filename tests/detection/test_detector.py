"""Faces are found where they are, at any size, and only where they are."""

import concurrent.futures
import tracemalloc
from pathlib import Path

import matplotlib.cbook
import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageOps

from face_photos import crowd
from gafas.detection.candidates import suppress
from gafas.detection.detector import FaceDetector
from gafas.images import load_image
from gafas.results import ImageArray

BOX = (176.7, 114.1, 350.9, 333.5)  # the face in matplotlib's photo, looked at and approved
LANDMARKS = [(223.4, 188.9), (305.7, 187.7), (266.4, 247.9), (235.8, 278.4), (298.8, 277.0)]


@pytest.fixture(scope="module")
def photo() -> ImageArray:
    """Return the portrait of Grace Hopper that matplotlib ships: 512 × 600, one face."""
    return load_image(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


def resized(image: ImageArray, factor: float) -> ImageArray:
    size = round(image.shape[1] * factor), round(image.shape[0] * factor)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))


def test_box_landmarks_and_confidence_are_right(photo: ImageArray, detector: FaceDetector) -> None:
    faces = detector.detect(photo)
    assert len(faces) == 1
    assert faces[0].box == pytest.approx(BOX, abs=8)
    assert np.abs(np.subtract(faces[0].landmarks, LANDMARKS)).max() < 12
    assert faces[0].confidence is not None
    assert faces[0].confidence > 0.99


@pytest.mark.parametrize("factor", [0.06, 0.125, 0.5, 2.0, 4.0])
def test_the_size_of_the_photo_does_not_matter(
    factor: float, photo: ImageArray, detector: FaceDetector
) -> None:
    faces = detector.detect(resized(photo, factor))
    assert len(faces) == 1
    assert faces[0].scaled(1 / factor).box == pytest.approx(BOX, abs=16)


def test_a_mirrored_photo_gives_mirrored_faces(photo: ImageArray, detector: FaceDetector) -> None:
    mirrored = np.asarray(ImageOps.mirror(Image.fromarray(photo)))
    (face,) = detector.detect(mirrored)
    assert face.box == pytest.approx((512 - BOX[2], BOX[1], 512 - BOX[0], BOX[3]), abs=10)
    left, right, nose, mouth, _ = face.landmarks
    assert left[0] < nose[0] < right[0]
    assert left[1] < nose[1] < mouth[1]


def test_several_faces_are_sorted_by_confidence(photo: ImageArray, detector: FaceDetector) -> None:
    quarter = resized(photo, 0.4)
    dim = (quarter * 0.15).astype(np.uint8)
    faces = detector.detect(np.concatenate([dim, quarter, dim], axis=1))
    assert len(faces) == 3
    confidences = [face.confidence or 0 for face in faces]
    assert confidences == sorted(confidences, reverse=True)
    assert sorted(face.box[0] // quarter.shape[1] for face in faces) == [0, 1, 2]


def test_a_small_face_beside_a_large_one_is_found(
    photo: ImageArray, detector: FaceDetector
) -> None:
    large, small = resized(photo, 1.2), resized(photo, 0.16)
    canvas = np.full((720, 900, 3), 128, np.uint8)
    canvas[:, : large.shape[1]] = large
    canvas[300 : 300 + small.shape[0], 700 : 700 + small.shape[1]] = small
    assert sorted(round(face.side, -1) for face in detector.detect(canvas)) == [40, 270]


@pytest.mark.parametrize("share", [1.0, 0.8, 0.65])
def test_a_face_that_fills_the_frame_is_found(
    share: float, photo: ImageArray, detector: FaceDetector
) -> None:
    x, y = (BOX[0] + BOX[2]) / 2, (BOX[1] + BOX[3]) / 2
    half = share * (BOX[2] - BOX[0]) / 2
    x1, y1, x2, y2 = int(x - half), int(y - half * 1.25), int(x + half), int(y + half * 1.25)
    faces = detector.detect(photo[y1:y2, x1:x2])
    assert len(faces) == 1
    shifted = [(px - x1, py - y1) for px, py in LANDMARKS]
    assert np.abs(np.subtract(faces[0].landmarks, shifted)).max() < 15


def test_a_cat_that_fills_the_photo_is_no_face(detector: FaceDetector) -> None:
    cat = skimage.data.chelsea()
    assert cat.shape[:2] == (300, 451)
    assert detector.detect(cat) == []


@pytest.mark.parametrize("shape", [(1, 1), (3, 2000), (2000, 3), (64, 64), (480, 640)])
def test_where_there_is_no_face_none_is_found(
    shape: tuple[int, int], detector: FaceDetector
) -> None:
    ramp = np.linspace(0, 255, shape[0] * shape[1] * 3).astype(np.uint8).reshape(*shape, 3)
    assert detector.detect(ramp) == []


def test_threads_may_share_a_detector(photo: ImageArray, detector: FaceDetector) -> None:
    images = [resized(photo, factor) for factor in (0.3, 0.5, 0.7, 1.0)]
    alone = [detector.detect(image) for image in images]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(detector.detect, images)) == alone


def test_suppression_keeps_the_most_confident_of_overlapping_boxes() -> None:
    rows = np.zeros((4, 15), np.float32)
    rows[:, :5] = [
        (0, 0, 10, 10, 0.6),
        (1, 0, 11, 10, 0.9),  # overlaps the first: 90 of 110
        (8, 0, 18, 10, 0.7),  # overlaps the second: 30 of 170
        (40, 0, 50, 10, 0.9),
    ]
    assert suppress(rows)[:, 0].tolist() == [1, 40, 8]
    assert suppress(rows, overlap=0.1)[:, 0].tolist() == [1, 40]
    assert suppress(rows[:0]).shape == (0, 15)


@pytest.mark.cmu
def test_most_cmu_faces_are_found_and_necks_are_none(cmu: Path, detector: FaceDetector) -> None:
    paths = sorted((cmu / "faces").rglob("*.pgm"))
    full = [path for path in paths if path.stem[-2:] not in ("_2", "_4")]
    assert len(full) == 624
    counts = [len(detector.detect(load_image(path))) for path in full]
    assert sum(count > 0 for count in counts) >= 0.975 * 624
    assert sum(count > 1 for count in counts) <= 2  # two photos show a second person


@pytest.mark.eyewear
def test_every_third_web_photo_has_a_face(eyewear: Path, detector: FaceDetector) -> None:
    paths = sorted(path for path in (eyewear / "web").rglob("*") if path.suffix.startswith(".j"))
    assert len(paths) > 500
    missed = [path.name for path in paths[::3] if not detector.detect(load_image(path))]
    assert missed == []


@pytest.mark.parametrize("size", [(1, 60_000), (60_000, 1), (20, 9_000)])
def test_a_photo_as_thin_as_a_line_takes_no_gigabytes(
    size: tuple[int, int], detector: FaceDetector
) -> None:
    tracemalloc.start()
    try:
        assert detector.detect(np.full((*size, 3), 128, np.uint8)) == []
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 100 * 2**20


class Counting(FaceDetector):
    """A detector that notes how large it looked."""

    def __init__(self) -> None:
        super().__init__()
        self.sides: list[int] = []

    def look(self, image: ImageArray, side: int) -> np.ndarray:
        self.sides.append(side)
        return super().look(image, side)


def test_one_clear_face_takes_one_look_and_a_small_photo_a_small_one(
    photo: ImageArray,
) -> None:
    detector = Counting()
    assert len(detector.detect(resized(photo, 0.5))) == 1
    assert len(detector.detect(photo[80:560, 60:500])) == 1
    assert detector.sides == [192, 320]


def spot(*box: float, confidence: float = 0.1) -> np.ndarray:
    """Make a candidate that is only claimed to be there."""
    row = np.zeros((1, 15), np.float32)
    row[0, :5] = (*box, confidence)
    return row


@pytest.fixture
def beside(photo: ImageArray) -> ImageArray:
    """Return the portrait, and to its right a grey wall with a smaller one and a dark patch."""
    image = np.full((600, 900, 3), 128, np.uint8)
    image[:, :512] = photo
    small = resized(photo, 0.3)
    image[100 : 100 + small.shape[0], 640 : 640 + small.shape[1]] = small
    image[420:500, 620:660] = 90
    return image


def test_a_large_look_is_taken_only_where_a_face_shows_through_a_small_window(
    beside: ImageArray,
) -> None:
    detector = Counting()
    first = detector.look(beside, 320)
    face = first[first[:, 2] < 512][:1]
    detector.sides.clear()
    settled = detector._settle(beside, np.concatenate([face, spot(620, 430, 660, 490)]))
    assert np.array_equal(settled, face)
    assert detector.sides == [96]
    hint = spot(700, 140, 740, 200)
    assert detector._settle(beside, np.concatenate([face, hint])) is None
    assert detector.sides == [96, 96]
    far = [spot(x, y, x + 20, y + 20) for x in (520, 640, 760, 870) for y in (10, 300, 560)]
    assert detector._settle(beside, np.concatenate([face, *far])) is None
    assert detector.sides == [96, 96]  # so many windows: one large look is cheaper


def test_a_doubtful_small_face_is_taken_as_it_looks_from_close_by(beside: ImageArray) -> None:
    detector = Counting()
    first = detector.look(beside, 320)
    faces = np.concatenate([first[first[:, 2] < 512][:1], first[first[:, 0] > 640][:1]])
    faces[1, 4] = 0.7
    settled = detector._settle(beside, faces)
    assert settled is not None
    assert settled[1, 4] > 0.95
    expected = [(x * 0.3 + 640, y * 0.3 + 100) for x, y in LANDMARKS]
    assert np.abs(settled[1, 5:].reshape(5, 2) - expected).max() < 6
    faces[0, 4] = 0.7  # a large face is not judged through a window
    detector.sides.clear()
    assert detector._settle(beside, faces) is None
    assert detector.sides == []


@pytest.mark.parametrize(("columns", "rows"), [(3, 2), (8, 5)])
def test_small_faces_are_magnified_each_or_all_of_a_crowd(columns: int, rows: int) -> None:
    places = [
        (20 + 600 // columns * x, 20 + 440 // rows * y) for x in range(columns) for y in range(rows)
    ]
    image = crowd(places, size=(640, 480), tall=40)
    detector = Counting()
    large = detector.look(image, 640)
    assert (large[:, 4] >= 0.5).sum() < len(places) / 2
    detector.sides.clear()
    faces = detector.detect(image)
    assert len(faces) == len(places)
    found = sorted(
        (round((f.box[0] - 20) / (600 // columns)), round((f.box[1] - 20) / (440 // rows)))
        for f in faces
    )
    assert found == [(x, y) for x in range(columns) for y in range(rows)]
    assert (1280 in detector.sides) == (len(places) > 12)


def test_a_photo_that_was_enlarged_already_is_not_magnified() -> None:
    detector = Counting()
    detector.detect(crowd([(30, 30), (200, 100)], size=(390, 290), tall=30))
    assert 640 in detector.sides
    assert max(detector.sides) == 640
