"""Bundled model files are the released ones, or nothing is run."""

import hashlib
from pathlib import Path

import pytest

from gafas.errors import ModelError
from gafas.weights import FOLDER, PINNED, read_bundled, read_pinned


@pytest.mark.parametrize("name", sorted(PINNED))
def test_every_pinned_file_is_there_with_its_hash_and_card(name: str) -> None:
    assert hashlib.sha256(read_bundled(name)).hexdigest() == PINNED[name]
    assert PINNED[name] in (FOLDER / name).with_suffix(".md").read_text("utf-8")


def test_a_file_is_read_once() -> None:
    assert read_bundled("retinaface.onnx") is read_bundled("retinaface.onnx")


def test_the_detector_comes_with_its_licence() -> None:
    assert (FOLDER / "retinaface.LICENSE").read_text("utf-8").startswith("MIT License")


def test_an_altered_file_is_refused_with_both_hashes(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"altered")
    expected, got = "0" * 64, hashlib.sha256(b"altered").hexdigest()
    with pytest.raises(ModelError, match=rf"expected SHA-256 {expected}.*model.onnx' with {got}"):
        read_pinned(path, expected)


def test_a_missing_or_unknown_file_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        read_pinned(tmp_path / "model.onnx", "0" * 64)
    with pytest.raises(ModelError, match=r"expected one of retinaface|expected one of eyewear"):
        read_bundled("retinanet.onnx")
