import logging
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from face_photos import crowd, face_model, faceless, portrait
from gafas.classifier import EyewearClassifier
from gafas.datasets.eyewear import SETS, read_samples
from gafas.datasets.samples import Sample
from gafas.errors import ImageError
from gafas.evaluation.predictions import recognize_nearest
from gafas.recognizer import Recognizer
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
    assert len(chosen) == 60
    assert len(crops.samples) >= 58
