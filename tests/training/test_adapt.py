"""Own labels, learnt from photographed faces with glasses of two kinds, and served everywhere."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brightness_model import brightness_model
from face_photos import encode, portrait
from gafas import Recognizer
from gafas.classifier import EyewearClassifier
from gafas.datasets.folders import read_labelled
from gafas.datasets.samples import Sample
from gafas.errors import DataError, ModelError
from gafas.training.adapt import Adapted, adapt, write_adapted
from gafas.training.features import group, jitter, read_features, see_photo
from own_labels import EACH, write_own_labels


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_own_labels(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def adapted(labelled: Path) -> Adapted:
    return adapt(read_labelled(labelled), model="free")


def test_own_labels_are_learnt_and_photos_without_a_face_are_named(adapted: Adapted) -> None:
    assert adapted.labels == ("office", "shaded")
    assert [sample.name for sample in adapted.missed] == ["sky.jpg"]
    assert adapted.right.tolist() == [True] * (2 * EACH)
    assert adapted.shipped is None
    assert adapted.by_subject
    assert [photos for photos, _ in adapted.curve] == sorted({n for n, _ in adapted.curve})


def test_the_new_file_answers_with_own_labels_and_says_what_it_comes_from(
    adapted: Adapted, tmp_path: Path
) -> None:
    write_adapted(adapted, tmp_path / "own.onnx", model="free")
    recognizer, base = Recognizer(tmp_path / "own.onnx"), EyewearClassifier("free")
    new = EyewearClassifier(tmp_path / "own.onnx")
    (face,) = recognizer.recognize(portrait())
    assert (face.label, list(face.probabilities)) == ("office", ["office", "shaded"])
    assert new.metadata["adapted_from"] == base.sha256
    assert new.metadata["licence"] == base.metadata["licence"]
    assert new.metadata["evaluation"] == {"by": "subject", "correct": 16, "total": 16}
    # What tells faces, and what own labels are learnt from, stays: it may be adapted again.
    assert new.face_check == base.face_check
    crops = np.random.default_rng(0).integers(0, 256, (4, 96, 96, 3), np.uint8)
    assert new.look(crops).features == pytest.approx(base.look(crops).features, abs=1e-5)


def test_a_model_that_knows_the_labels_is_measured_on_the_same_photos(labelled: Path) -> None:
    words = {"office": "eyeglasses", "shaded": "sunglasses"}
    text = labelled.read_text("utf-8")
    for own, known in words.items():
        text = text.replace(f",{own},", f",{known},")
    renamed = labelled.with_name("known.csv")
    renamed.write_text(text, "utf-8")
    adapted = adapt(read_labelled(renamed))
    assert adapted.labels == ("eyeglasses", "sunglasses")
    assert adapted.right_shipped is not None
    assert adapted.right_shipped.mean() > 0.9


def test_too_few_photos_labels_or_people_are_refused(labelled: Path) -> None:
    samples = read_labelled(labelled)
    with pytest.raises(DataError, match=r"6 photos with a face of each\. Received: .* office"):
        adapt(samples[:5] + samples[-5:])
    with pytest.raises(DataError, match="two labels or more"):
        adapt([sample for sample in samples if sample.label == "shaded"])


def test_shots_of_one_moment_count_once(labelled: Path) -> None:
    samples = read_labelled(labelled.with_name("labels.csv"))
    alone = [type(one)(one.path, one.name, one.label, one.name) for one in samples]
    groups = group(alone)
    shaded = {int(groups[at]) for at, one in enumerate(alone) if one.label == "shaded"}
    assert len(shaded) == 1  # of one photo all, in other sizes and light
    with pytest.raises(DataError, match="too few people or moments"):
        adapt(alone)


def test_a_model_without_features_cannot_be_adapted(labelled: Path, tmp_path: Path) -> None:
    (tmp_path / "whole.onnx").write_bytes(brightness_model())
    with pytest.raises(ModelError, match="gives none"):
        read_features(read_labelled(labelled), EyewearClassifier(tmp_path / "whole.onnx"))


def test_changed_crops_differ_a_little_from_the_served_one() -> None:
    wide = np.asarray(Image.fromarray(portrait()).resize((120, 120)))[np.newaxis]
    changed = jitter(wide.repeat(6, axis=0), 96, np.random.default_rng(0))
    assert changed.shape == (6, 96, 96, 3)
    served = wide[0, 12:-12, 12:-12].astype(int)
    nearer = [
        min(np.abs(one - served).mean(), np.abs(one[:, ::-1] - served).mean()) for one in changed
    ]
    assert 0 < min(nearer) < max(nearer) < 60


def test_no_tensorflow_is_needed() -> None:
    code = (
        "import sys, gafas.training.adapt, gafas.training.heads, gafas.evaluation.metrics; "
        "print({'keras', 'tensorflow', 'matplotlib'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"


def test_a_large_photo_in_memory_is_seen_as_its_file_is(tmp_path: Path) -> None:
    large = np.asarray(Image.fromarray(portrait()).resize((3072, 3600)))
    path = tmp_path / "large.jpg"
    path.write_bytes(encode(large))
    classifier = EyewearClassifier("free")
    read = read_features([Sample(path, path.name, "office", path.name)], classifier)
    (face,) = Recognizer("free").recognize(path)
    values, probabilities = see_photo(path.read_bytes(), [face.face], classifier)
    # The crop that is served; the changed one is changed at random.
    assert np.array_equal(values[:, 0], read.values[:, 0])
    assert np.array_equal(probabilities[:, 0], read.probabilities[:, 0])
