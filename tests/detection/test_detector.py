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
from gafas.detection.candidates import Floats
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
def test_a_face_that_fills_the_photo_is_found(
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


@pytest.mark.cmu
def test_most_cmu_faces_are_found_and_hardly_anything_else(
    cmu: Path, detector: FaceDetector
) -> None:
    paths = sorted((cmu / "faces").rglob("*.pgm"))
    full = [path for path in paths if path.stem[-2:] not in ("_2", "_4")]
    assert len(full) == 624
    counts = [len(detector.detect(load_image(path))) for path in full]
    assert sum(count > 0 for count in counts) >= 0.975 * 624
    assert sum(count > 1 for count in counts) <= 4  # two photos show a second person


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

    def find_candidates(self, image: ImageArray, *, side: int, border: int = 0) -> Floats:
        self.sides.append(side)
        return super().find_candidates(image, side=side, border=border)


def test_one_clear_face_takes_one_look_and_a_small_photo_a_small_one(photo: ImageArray) -> None:
    detector = Counting()
    assert len(detector.detect(resized(photo, 0.5))) == 1
    assert len(detector.detect(photo[80:560, 60:500])) == 1
    assert detector.sides == [192, 320]


@pytest.mark.parametrize(
    ("size", "tall", "looks"),
    [
        ((300, 220), 40, [192, 512]),
        ((640, 480), 60, [320, 640]),
        ((1200, 900), 70, [320, 640, 1280]),
    ],
)
def test_where_faces_are_doubtful_a_larger_look_is_taken(
    size: tuple[int, int], tall: int, looks: list[int]
) -> None:
    width, height = size
    places = [(width // 4 * x + 20, height // 3 * y + 20) for x in range(4) for y in range(3)]
    detector = Counting()
    faces = detector.detect(crowd(places, size=size, tall=tall))
    assert detector.sides[: len(looks)] == looks
    found = sorted(
        (round((f.box[0] - 20) / (width // 4)), round((f.box[1] - 20) / (height // 3)))
        for f in faces
    )
    assert found == [(x, y) for x in range(4) for y in range(3)]


def test_every_size_is_looked_at_for_what_may_be_a_face(photo: ImageArray) -> None:
    detector = Counting()
    proposed = detector.propose(resized(photo, 0.5), least=0.1)
    assert detector.sides == [192, 320, 640, 1280]
    confidences = [face.confidence or 0 for face in proposed]
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[0] > 0.99
    assert proposed[0].scaled(2).box == pytest.approx(BOX, abs=16)


def test_the_least_confidence_says_what_is_proposed(detector: FaceDetector) -> None:
    cat = skimage.data.chelsea()
    doubtful, likely = (detector.propose(cat, least=least) for least in (0.1, 0.5))
    assert [face.confidence or 0 for face in doubtful if (face.confidence or 0) < 0.5]
    assert 0 < len(likely) < len(doubtful)
    assert likely == [face for face in doubtful if (face.confidence or 0) >= 0.5]
    assert detector.propose(np.full((64, 64, 3), 128, np.uint8), least=0.1) == []
