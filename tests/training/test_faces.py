import dataclasses
import logging
import os
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import skimage.data
from PIL import Image

from face_photos import BOX as FACE
from face_photos import crowd, face_model, faceless, portrait
from gafas.classifier import EyewearClassifier
from gafas.datasets.eyewear import SETS, read_samples
from gafas.datasets.samples import NOT_A_FACE, Sample
from gafas.errors import ImageError
from gafas.evaluation.predictions import recognize_nearest
from gafas.recognizer import Recognizer
from gafas.results import Box, Face, ImageArray
from gafas.training import faces
from gafas.training.faces import MARGIN, add_margin, cut_centre, read_faces

SIDE = 64


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GAFAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def save(image: np.ndarray, path: Path) -> Sample:
    Image.fromarray(image).save(path)
    return Sample(path, path.name, "eyeglasses", path.name)


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    two = crowd([(20, 30), (260, 140)], size=(700, 560), tall=280)
    images = {"a.png": portrait(), "b.png": faceless(), "c.png": two}
    return [save(image, tmp_path / name) for name, image in images.items()]


def test_the_middle_of_a_crop_is_what_the_served_model_would_be_shown(
    samples: list[Sample],
) -> None:
    crops = read_faces(samples, side=SIDE)
    recognizer = Recognizer(EyewearClassifier(face_model(side=SIDE)))
    nearest = [recognize_nearest(recognizer, sample.path) for sample in crops.samples]
    shown = [one[1] for one in nearest if one is not None]
    middles = cut_centre(crops.images, SIDE).astype(int)
    assert middles.shape == (2, SIDE, SIDE, 3)
    for ours, served in zip(middles, shown, strict=True):
        assert np.abs(ours - served).mean() < 1.5
        assert np.abs(ours - np.roll(served, 1, axis=1)).mean() > 3  # one pixel off is seen


def test_crops_are_larger_by_the_margin(samples: list[Sample]) -> None:
    assert (add_margin(SIDE), add_margin(96)) == (SIDE * MARGIN, 96 * MARGIN)
    assert read_faces(samples, side=SIDE).images.shape == (2, 80, 80, 3)


def test_photos_without_a_face_are_left_out_and_counted(
    samples: list[Sample], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        crops = read_faces(samples, side=SIDE)
    assert [s.name for s in crops.samples] == ["a.png", "c.png"]
    assert "No face was found in 1 of 3 photos" in caplog.text


def test_crops_are_made_once_and_anew_when_a_photo_has_changed(
    samples: list[Sample], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read_faces(samples, side=SIDE)
    kept = list((home / "faces").iterdir())
    assert [path.suffix for path in kept] == [".npz"]
    written = kept[0].stat().st_ino
    again = read_faces(samples, side=SIDE)
    assert np.array_equal(again.images, first.images)
    assert again.samples == first.samples
    assert list((home / "faces").iterdir()) == kept
    assert kept[0].stat().st_ino == written
    with Image.open(samples[0].path) as photo:
        photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(samples[0].path)
    os.utime(samples[0].path, ns=(1, 1))
    changed = read_faces(samples, side=SIDE)
    assert not np.array_equal(changed.images[0], first.images[0])
    assert np.array_equal(changed.images[1], first.images[1])
    assert len(list((home / "faces").iterdir())) == 2


def test_crops_are_made_anew_when_the_code_that_cuts_them_has_changed(
    samples: list[Sample], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_faces(samples[:1], side=SIDE)
    monkeypatch.setattr(faces, "_hash_code", lambda: "of another schedule")
    read_faces(samples[:1], side=SIDE)
    assert len(list((home / "faces").iterdir())) == 2


def test_kept_crops_take_no_more_room_than_allowed(
    samples: list[Sample], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for chosen in (samples[:1], samples[1:], samples[:1]):
        read_faces(chosen, side=SIDE)
    oldest, newest = sorted((home / "faces").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    room = newest.stat().st_size + oldest.stat().st_size
    monkeypatch.setattr(faces, "KEPT_BYTES", room + 1)
    read_faces(samples, side=SIDE)
    assert not oldest.exists()
    monkeypatch.setattr(faces, "KEPT_BYTES", 0)
    read_faces(samples, side=48)
    assert len(list((home / "faces").iterdir())) == 1


def test_another_size_makes_crops_of_its_own(samples: list[Sample]) -> None:
    assert read_faces(samples[:1], side=SIDE).images.shape[1] == 80
    assert read_faces(samples[:1], side=48).images.shape[1] == 60


def test_an_interrupted_reading_leaves_no_crops(samples: list[Sample], home: Path) -> None:
    samples[1].path.write_bytes(b"no photo")
    with pytest.raises(ImageError):
        read_faces(samples, side=SIDE)
    assert not list(home.rglob("*.npz"))


@pytest.mark.eyewear
def test_faces_are_found_in_nearly_all_photos_of_every_set(eyewear: Path) -> None:
    chosen = [s for name in SETS for s in read_samples(eyewear, sets=[name])[::20][:10]]
    crops = read_faces(chosen, side=SIDE)
    assert len(chosen) == 117
    assert len(crops.samples) >= 112


LEFT, RIGHT = (103.0, 85.0, 184.0, 185.0), (341.0, 190.0, 427.0, 295.0)  # as detected


@pytest.fixture
def couple(tmp_path: Path) -> Sample:
    """Give two people, of whom the one on the right stands in the dark."""
    image = crowd([(20, 30), (260, 140)], size=(700, 560), tall=280)
    image = np.where(np.arange(700)[:, np.newaxis] > 262, image // 3, image)
    return save(image.astype(np.uint8), tmp_path / "couple.png")


def boxed(sample: Sample, box: Box, *, name: str) -> Sample:
    return dataclasses.replace(sample, name=name, box=box)


def test_a_box_says_which_face_is_cut_and_one_around_nothing_leaves_the_sample_out(
    couple: Sample, caplog: pytest.LogCaptureFixture
) -> None:
    nothing = (480.0, 20.0, 560.0, 120.0)
    places = {"dark": RIGHT, "bright": LEFT, "nowhere": nothing}
    samples = [boxed(couple, box, name=name) for name, box in places.items()]
    with caplog.at_level(logging.WARNING):
        crops = read_faces(samples, side=SIDE)
    assert [s.name for s in crops.samples] == ["dark", "bright"]
    assert crops.images[1].mean() > 2 * crops.images[0].mean()
    assert crops.confidences is not None
    assert crops.confidences.tolist() == pytest.approx([1, 1], abs=0.1)
    assert "No face was found in 1 of 3 photos" in caplog.text


def test_a_box_and_the_face_in_it_must_agree(couple: Sample) -> None:
    x1, y1, x2, y2 = LEFT
    shares = {"most": 0.7, "little": 0.3}  # of the width
    parts = {name: (x1, y1, x1 + share * (x2 - x1), y2) for name, share in shares.items()}
    samples = [boxed(couple, box, name=name) for name, box in parts.items()]
    assert [s.name for s in read_faces(samples, side=SIDE).samples] == ["most"]


def test_what_is_no_face_is_whatever_else_the_detector_proposes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    image = np.full((620, 980, 3), 150, np.uint8)
    image[:600, :512], image[100:400, 520:971] = portrait(), skimage.data.chelsea()
    alone = save(image, tmp_path / "both.png")
    cat, badge = 0.79, 0.24  # how sure the detector is of the cat, and of the badge on the hat
    for apart, expected in (((FACE,), [cat, badge]), (None, [badge]), ((), [1.0, cat, badge])):
        beside = dataclasses.replace(alone, label=NOT_A_FACE, apart=apart)
        crops = read_faces([beside], side=SIDE)
        assert crops.samples == (beside,) * len(expected)
        assert crops.confidences is not None
        assert crops.confidences.tolist() == pytest.approx(expected, abs=0.06)
        assert crops.images.shape == (len(expected), 80, 80, 3)
    assert "No face was found" not in caplog.text


class Proposing:
    """A detector that sees the same in every photo."""

    proposed: ClassVar[list[Face]] = []
    looks: ClassVar[list[float]] = []

    def __init__(self, *, threads: int) -> None:
        pass

    def propose(self, image: ImageArray, *, least: float) -> list[Face]:
        self.looks.append(least)
        return self.proposed


def propose(x: float, side: float, *, confidence: float) -> Face:
    """Return a square face at the upper rim, with landmarks where faces have them."""
    marks = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))
    points = tuple((x + side * a, side * b) for a, b in marks)
    return Face((x, 0.0, x + side, side), points, confidence)


def look_beside(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    proposed: list[Face],
    *,
    apart: tuple[Box, ...] | None,
) -> list[float]:
    """Return how sure the detector was of what is taken for none."""
    monkeypatch.setattr(faces, "FaceDetector", Proposing)
    monkeypatch.setattr(Proposing, "proposed", proposed)
    sample = save(faceless(), tmp_path / "a.png")
    read = read_faces([dataclasses.replace(sample, label=NOT_A_FACE, apart=apart)], side=SIDE)
    assert read.confidences is not None
    return [round(float(confidence), 2) for confidence in read.confidences]


def test_what_overlaps_a_face_or_is_tiny_is_nothing_to_learn_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposed = [
        propose(0, 50, confidence=0.9),  # the face
        propose(30, 50, confidence=0.8),  # overlaps it: 20 of 80 across
        propose(45, 50, confidence=0.7),  # hardly: 5 of 95
        propose(100, 19, confidence=0.6),
        propose(200, 21, confidence=0.12),
    ]
    found = look_beside(tmp_path, monkeypatch, proposed, apart=((0.0, 0.0, 50.0, 50.0),))
    assert found == [0.7, 0.12]


def test_of_a_photo_few_are_taken_the_most_confident_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposed = [propose(30 * at, 25, confidence=0.5 - at / 100) for at in range(12)]
    found = look_beside(tmp_path, monkeypatch, proposed, apart=())
    assert found == [0.5, 0.49, 0.48, 0.47, 0.46, 0.45, 0.44, 0.43]


def test_where_nobody_has_listed_the_faces_whatever_is_likely_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    likely = [propose(0, 50, confidence=0.9), propose(100, 50, confidence=0.31)]
    doubtful = [propose(120, 50, confidence=0.29), propose(200, 50, confidence=0.2)]
    assert look_beside(tmp_path, monkeypatch, likely + doubtful, apart=None) == [0.2]
    # Where the one face itself is not found, it may be any of them.
    (tmp_path / "a.png").unlink()
    assert look_beside(tmp_path, monkeypatch, doubtful, apart=None) == []


def test_a_photo_of_many_samples_is_looked_at_once(
    couple: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faces, "FaceDetector", Proposing)
    monkeypatch.setattr(Proposing, "proposed", [propose(0, 50, confidence=0.9)])
    monkeypatch.setattr(Proposing, "looks", [])
    box = (0.0, 0.0, 50.0, 50.0)
    samples = [boxed(couple, box, name=name) for name in "abc"]
    assert len(read_faces(samples, side=SIDE).images) == 3
    assert Proposing.looks == [faces.PROPOSED]


def test_crops_are_made_anew_when_a_box_or_what_is_apart_has_changed(
    couple: Sample, home: Path
) -> None:
    beside = dataclasses.replace(couple, label=NOT_A_FACE, apart=(LEFT, RIGHT))
    chosen = [
        boxed(couple, LEFT, name="a"),
        boxed(couple, RIGHT, name="a"),
        beside,
        dataclasses.replace(beside, apart=(LEFT,)),
    ]
    counts = [len(read_faces([sample], side=SIDE).images) for sample in chosen]
    assert counts[:2] == [1, 1]
    assert counts[3] == counts[2] + 1
    assert len(list((home / "faces").iterdir())) == 4
