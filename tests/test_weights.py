"""Bundled model files are the released ones, or nothing is run."""

import hashlib
from pathlib import Path

import pytest

from brightness_model import brightness_model
from gafas import Recognizer, weights
from gafas.classifier import EyewearClassifier
from gafas.errors import ModelError
from gafas.recognizer import BUNDLED
from gafas.weights import FOLDER, NAMED, PINNED, read_bundled, read_model


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


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> bytes:
    """Bundle another model, `bright`, and go where no other file is; return its bytes."""
    content = brightness_model()
    (tmp_path / "bundled").mkdir()
    (tmp_path / "bundled" / "eyewear-bright.onnx").write_bytes(content)
    monkeypatch.setattr(weights, "FOLDER", tmp_path / "bundled")
    monkeypatch.setitem(PINNED, "eyewear-bright.onnx", hashlib.sha256(content).hexdigest())
    monkeypatch.setitem(NAMED, "bright", "eyewear-bright.onnx")
    monkeypatch.chdir(tmp_path)
    read_bundled.cache_clear()
    return content


def test_a_plain_word_names_a_bundled_model(named: bytes) -> None:
    assert read_model("bright") == read_model(Path("bright")) == named
    assert EyewearClassifier("bright").labels == ("dark", "bright")
    assert Recognizer("bright").classifier.labels == ("dark", "bright")


def test_a_file_goes_before_the_model_of_its_name_and_a_folder_does_not(named: bytes) -> None:
    Path("bright").mkdir()
    assert read_model("bright") == named
    Path("bright").rmdir()
    Path("bright").write_bytes(b"a file")
    assert read_model("bright") == b"a file"


def test_an_unknown_name_is_told_which_there_are(named: bytes) -> None:
    told = r"a .onnx file or one of bright, .*research.*Received: 'brigth'. Did you mean 'bright'"
    with pytest.raises(ModelError, match=told):
        read_model("brigth")
    with pytest.raises(ModelError, match=r"one of bright, .*Received: 'other'. Correct the name"):
        Recognizer("other")


@pytest.mark.parametrize("name", ["./bright", "bright.onnx", "no/bright", ""])
def test_what_is_no_plain_word_is_a_path(named: bytes, name: str) -> None:
    with pytest.raises(ModelError, match="Cannot read the model"):
        read_model(name)


def test_the_default_has_a_name_too_and_every_name_a_file_that_is_pinned() -> None:
    assert set(NAMED.values()) <= set(PINNED)
    assert BUNDLED in NAMED.values()
    assert Recognizer("research").classifier.sha256 == PINNED[NAMED["research"]]
