from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from foreign_models import encoder, functional, one_unit, save, sequential, unscaled
from gafas.classifier import EyewearClassifier
from gafas.training.export import export_foreign


def wavy_photos(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    waves = [127 + 127 * np.sin(y / (n + 2) + x * n / 9) for n in range(8)]
    return np.repeat(np.stack(waves)[..., None], shape[2], axis=3).astype(np.uint8)


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("make", [functional, unscaled, sequential])
def test_a_foreign_model_answers_as_it_did_in_keras(
    tmp_path: Path, make: Callable[[], keras.Model], ending: str
) -> None:
    model = make()
    classes = ("a", "b", "c")[: model.output_shape[1]]
    source = save(model, tmp_path / f"theirs.{ending}")
    target = export_foreign(source, tmp_path / "out.onnx", labels=encoder(tmp_path, classes))
    classifier = EyewearClassifier(target)
    assert classifier.labels == classes
    assert (classifier.size, classifier.metadata["recipe"]) == ((24, 20), "theirs")
    assert classifier.colour == {1: "grey", 3: "rgb"}[model.input_shape[3]]
    photos = wavy_photos(model.input_shape[1:])
    expected = model.predict(photos.astype(np.float32), verbose=0)
    assert classifier.predict(photos) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_single_unit_counts_as_the_second_label(tmp_path: Path, ending: str) -> None:
    model = one_unit()
    source = save(model, tmp_path / f"theirs.{ending}")
    target = export_foreign(source, tmp_path / "out.onnx", labels=encoder(tmp_path))
    photos = wavy_photos((20, 24, 1))
    second = model.predict(photos.astype(np.float32), verbose=0)[:, 0]
    answers = EyewearClassifier(target).predict(photos)
    assert answers[:, 1] == pytest.approx(second, abs=1e-4)
    assert answers.sum(axis=1) == pytest.approx(1, abs=1e-5)
