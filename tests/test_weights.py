"""Bundled model files are the released ones, or nothing is run."""

import hashlib
from pathlib import Path

import pytest

from gafas import weights
from gafas.errors import ModelError
from gafas.weights import FOLDER, PINNED, read_bundled


@pytest.mark.parametrize("name", sorted(PINNED))
def test_every_pinned_file_is_there_with_its_hash_and_card(name: str) -> None:
    assert hashlib.sha256(read_bundled(name)).hexdigest() == PINNED[name]
    assert PINNED[name] in (FOLDER / name).with_suffix(".md").read_text("utf-8")


def test_a_file_is_read_once() -> None:
    assert read_bundled("retinaface.onnx") is read_bundled("retinaface.onnx")


def test_the_detector_comes_with_its_licence() -> None:
    assert (FOLDER / "retinaface.LICENSE").read_text("utf-8").startswith("MIT License")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    read_bundled.cache_clear()
    return tmp_path / "retinaface.onnx"


def test_an_altered_file_is_refused_with_both_hashes(elsewhere: Path) -> None:
    elsewhere.write_bytes(b"altered")
    expected, got = PINNED[elsewhere.name], hashlib.sha256(b"altered").hexdigest()
    told = rf"expected SHA-256 {expected}.*retinaface.onnx' with {got}"
    with pytest.raises(ModelError, match=told):
        read_bundled(elsewhere.name)


def test_a_missing_or_unknown_file_is_a_model_error(elsewhere: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        read_bundled(elsewhere.name)
    with pytest.raises(ModelError, match="expected one of eyewear"):
        read_bundled("retinanet.onnx")
