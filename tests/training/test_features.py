"""What a model sees in labelled faces, and what belongs together when samples are parted."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from face_photos import encode, faceless, portrait
from gafas.classifier import EyewearClassifier
from gafas.datasets.samples import Sample
from gafas.detection.detector import FaceDetector
from gafas.training.features import (
    JITTERS,
    count_labels,
    group,
    read_features,
    see_photo,
)


def sample(name: str, *, label: str = "x", photo: str = "", subject: str | None = None) -> Sample:
    return Sample(Path(name), name, label, photo or name, subject)


def test_every_crop_of_a_face_has_features_and_photos_without_one_are_named(tmp_path: Path) -> None:
    (tmp_path / "woman.jpg").write_bytes(encode(portrait()))
    (tmp_path / "sky.jpg").write_bytes(encode(faceless()))
    samples = [sample(str(tmp_path / name)) for name in ("sky.jpg", "woman.jpg")]
    classifier = EyewearClassifier("free")
    found = read_features(samples, classifier)
    assert found.samples == (samples[1],)
    assert found.missed == (samples[0],)
    assert found.values.shape == (1, 1 + JITTERS, 304)
    assert found.probabilities.shape == (1, 1 + JITTERS, 3)
    assert found.probabilities.sum(axis=-1) == pytest.approx(1, abs=1e-5)
    (face,) = FaceDetector().detect(portrait())
    values, probabilities = see_photo(encode(portrait()), [face], classifier)
    assert values[:, 0] == pytest.approx(found.values[:, 0], abs=0.05)
    assert probabilities[:, 0] == pytest.approx(found.probabilities[:, 0], abs=0.01)


def test_photos_that_come_one_by_one_are_not_all_changed_alike() -> None:
    classifier, woman = EyewearClassifier("free"), portrait()
    (face,) = FaceDetector().detect(woman)
    brighter = np.clip(woman.astype(int) + 1, 0, 255).astype(np.uint8)
    one, other = (see_photo(encode(photo), [face], classifier)[0] for photo in (woman, brighter))
    apart = np.abs(one - other).mean(axis=(0, 2))
    assert apart[1] > 5 * apart[0]


def test_what_shows_one_person_belongs_together_where_all_people_are_known() -> None:
    people = [sample("1", subject="ana"), sample("2", subject="ben"), sample("3", subject="ana")]
    assert group(people).tolist() == [0, 1, 0]


def test_what_hardly_differs_belongs_together_however_long_the_chain() -> None:
    samples = [sample(str(at)) for at in range(6)]
    assert group(samples, near=[(0, 3), (3, 5), (1, 2)]).tolist() == [0, 1, 1, 0, 2, 0]


def test_two_faces_of_one_photo_belong_together_and_a_known_person_alone_parts_nothing() -> None:
    samples = [sample("1", photo="a"), sample("2", photo="b"), sample("3", photo="a")]
    assert group(samples, near=[]).tolist() == [0, 1, 0]
    known = [dataclasses.replace(samples[0], subject="ana"), *samples[1:]]
    assert group(known, near=[]).tolist() == [0, 1, 0]


def test_labels_are_counted_in_alphabetical_order() -> None:
    assert list(count_labels([sample("1", label="b"), sample("2", label="a")]).items()) == [
        ("a", 1),
        ("b", 1),
    ]
    assert np.array_equal(group([sample("1")], near=[]), [0])
