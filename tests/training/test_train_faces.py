from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from face_photos import faceless, portrait
from gafas.datasets.samples import Sample
from gafas.datasets.splits import Split
from gafas.errors import DataError
from gafas.training.train import read_data
from tiny_data import tiny_recipe

RECIPE = tiny_recipe(
    labels=["none", "eyeglasses"],
    input={"view": "face", "width": 16, "height": 16, "colour": "rgb"},
    network={"architecture": "residual"},
    optimization={"balance_labels": 1.0},
)


@pytest.fixture(autouse=True)
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    monkeypatch.setenv("GAFAS_HOME", str(tmp_path / "home"))
    paths = {name: tmp_path / f"{name}.png" for name in ("dark", "bright", "empty")}
    Image.fromarray(portrait() // 2).save(paths["dark"])
    Image.fromarray(portrait()).save(paths["bright"])
    Image.fromarray(faceless()).save(paths["empty"])
    return paths


def sample(photos: dict[str, Path], photo: str, *, label: str, name: str) -> Sample:
    return Sample(photos[photo], name, label, name)


def test_photos_without_a_face_are_left_out_together_with_their_targets(
    photos: dict[str, Path],
) -> None:
    train = [("empty", "none"), ("dark", "none"), ("dark", "none"), ("empty", "eyeglasses")]
    train += [("dark", "none"), ("bright", "eyeglasses"), ("bright", "eyeglasses")]
    made = [sample(photos, p, label=x, name=f"{i}.png") for i, (p, x) in enumerate(train)]
    watched = (
        sample(photos, "empty", label="none", name="v.png"),
        sample(photos, "bright", label="eyeglasses", name="w.png"),
    )
    data = read_data(RECIPE, Split("mine", tuple(made), watched, ()))
    assert data.images.shape == (5, 20, 20, 3)
    bright = data.images.mean(axis=(1, 2, 3)) > data.images.mean()
    assert np.array_equal(bright, data.targets[:, 1] == 1)
    assert data.targets[:, 1].tolist() == [0, 0, 0, 1, 1]
    assert data.weights == pytest.approx([5 / 6] * 3 + [5 / 4] * 2)
    assert data.watched is not None
    seen, targets = data.watched
    assert seen.shape == (1, 16, 16, 3)
    assert np.array_equal(seen[0], data.images[3, 2:18, 2:18])
    assert targets.tolist() == [[0, 1]]


def test_labels_whose_faces_are_not_found_cannot_be_learnt(photos: dict[str, Path]) -> None:
    made = tuple(
        sample(photos, p, label=x, name=f"{i}.png")
        for i, (p, x) in enumerate([("dark", "none")] * 2 + [("empty", "eyeglasses")] * 2)
    )
    with pytest.raises(DataError, match=r"at least two labels.* Received: 2 none"):
        read_data(RECIPE, Split("mine", made, (), ()))
