"""A program that knows nothing of gafas loads the files of a run, and gets the right labels."""

import subprocess
import sys
from pathlib import Path

from gafas.datasets import cmu as faces
from gafas.datasets.samples import relabel
from gafas.datasets.splits import make_split
from gafas.training.recipe import make_recipe
from gafas.training.train import train

# Enough to tell sunglasses on people who are also in training: this is not a test of the network.
# Two sizes, because OpenCV shrinks photos to sharper ones than Pillow does; a network that has
# learnt from photos of one sharpness alone would stumble over that.
RECIPE = {
    "input": {"scales": ["full", "half"]},
    "split": {"protocol": "by_photo", "validation_share": 0.0},
    "network": {"architecture": "compact", "filters": [8, 16, 32], "dropout": 0.1},
    "augmentation": {"flip": True, "shift": 0.1},
    "optimization": {
        "learning_rate": 5e-3,
        "schedule": "cosine",
        "epochs": 6,
        "batch_size": 32,
    },
}

# Written as a user of the original would write it; run apart, so that no import of ours helps.
PROGRAM = """
import sys

import cv2
import numpy as np
import tensorflow as tf
from sklearn.preprocessing import LabelEncoder

folder, *photos = sys.argv[1:]
encoder = LabelEncoder()
encoder.classes_ = np.load(f"{folder}/label_encoder.npy")
images = [cv2.resize(cv2.imread(photo, cv2.IMREAD_GRAYSCALE), (64, 60)) for photo in photos]
batch = np.array(images).reshape(-1, 60, 64, 1)
for name in ("model.keras", "model.h5"):
    model = tf.keras.models.load_model(f"{folder}/{name}")
    answers = encoder.inverse_transform(np.argmax(model.predict(batch, verbose=0), axis=1))
    open(f"{name}.txt", "w").write("\\n".join(answers))
assert not any(name.startswith("gafas") for name in sys.modules)
"""


def test_a_foreign_program_reads_photos_with_opencv_and_gets_the_right_labels(
    drawn_people: Path, tmp_path: Path
) -> None:
    recipe = make_recipe(RECIPE)
    samples = faces.read_samples(drawn_people, scales=recipe.input.scales)
    split = make_split(samples, recipe.split)
    run = tmp_path / "run"
    train(recipe, split, run=run)
    test = relabel(split.test, recipe.labels)
    assert len(test) > 100

    photos = [str(sample.path) for sample in test]
    subprocess.run([sys.executable, "-c", PROGRAM, str(run), *photos], cwd=tmp_path, check=True)

    for name in ("model.keras", "model.h5"):
        answers = (tmp_path / f"{name}.txt").read_text().splitlines()
        right = sum(a == s.label for a, s in zip(answers, test, strict=True))
        assert right / len(test) >= 0.9, f"{name}: {right} of {len(test)} right"
