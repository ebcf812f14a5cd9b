"""Both models are opened alike, on what was asked for, or the user is told what there is."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from packaging.requirements import Requirement

from brightness_model import brightness_model
from face_photos import portrait
from gafas.classifier import EyewearClassifier
from gafas.detection.detector import FaceDetector
from gafas.errors import ModelError
from gafas.recognizer import Recognizer
from gafas.weights import find_provider, open_session

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


Opened = list[tuple[onnxruntime.SessionOptions, list[str]]]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Note with which options and providers sessions are opened."""
    seen: Opened = []
    session = onnxruntime.InferenceSession

    def note(
        content: bytes, options: onnxruntime.SessionOptions, *, providers: list[str], **more: int
    ) -> onnxruntime.InferenceSession:
        seen.append((options, providers))
        return session(content, options, providers=providers, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", note)
    return seen


def test_waiting_threads_of_both_models_sleep(opened: Opened) -> None:
    FaceDetector(threads=2)
    EyewearClassifier(brightness_model(), threads=2)
    assert len(opened) == 2
    for options, _ in opened:
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
        assert options.intra_op_num_threads == 2


def test_both_models_run_where_it_was_asked_for(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    Recognizer(providers=["cpu"])
    assert [providers for _, providers in opened] == [["CPUExecutionProvider"]] * 2
    # A build for an accelerator that is not in this machine: neither model may run elsewhere.
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: both)
    with (
        pytest.warns(UserWarning, match="not in available provider"),
        pytest.raises(ModelError, match=r"did not start.*Received: cuda"),
    ):
        FaceDetector(providers=["cuda"])
    with (
        pytest.warns(UserWarning, match="not in available provider"),
        pytest.raises(ModelError, match=r"did not start.*Received: cuda"),
    ):
        EyewearClassifier(brightness_model(), providers=["CUDAExecutionProvider"])
    assert [providers for _, providers in opened[2:]] == [["CUDAExecutionProvider"]] * 2


def test_devices_go_by_short_names_and_by_onnxruntimes(monkeypatch: pytest.MonkeyPatch) -> None:
    built = ["CoreMLExecutionProvider", "AzureExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: built)
    for name in ("coreml", "CoreML", "CoreMLExecutionProvider"):
        assert find_provider(name) == "CoreMLExecutionProvider"
    for name in ("cuda", "azure", "gpu", ""):
        with pytest.raises(ModelError, match=f"expected coreml or cpu. Received: {name!r}"):
            find_provider(name)


def test_the_answers_on_a_named_device_are_those_of_the_default() -> None:
    answers = [Recognizer(providers=wanted).recognize(portrait()) for wanted in (None, ["cpu"])]
    assert len(answers[0]) == 1
    assert answers[0] == answers[1]


@pytest.mark.parametrize("content", [b"", b"hello"])
def test_foreign_bytes_are_refused_without_a_word_on_stdout(
    content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ModelError, match=re.escape(f"x.onnx (starts with {content!r})")):
        open_session(content, origin="x.onnx", threads=1)
    assert capfd.readouterr().out == ""


def test_more_threads_do_not_change_what_a_model_says() -> None:
    batch = np.random.default_rng(0).integers(0, 256, (5, 6, 8, 1), dtype=np.uint8)
    one, two = (EyewearClassifier(brightness_model(), threads=count) for count in (1, 2))
    np.testing.assert_allclose(one.predict(batch), two.predict(batch), atol=1e-6)


def test_opening_nothing_imports_no_inference() -> None:
    code = "import gafas.weights, sys; print('onnxruntime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_what_leaks_on_arm_is_not_installed_there() -> None:
    needs = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["dependencies"]
    needs = [need for need in map(Requirement, needs) if need.name == "onnxruntime"]
    allowed = {}
    for machine in ("aarch64", "arm64", "ARM64", "x86_64", "AMD64"):
        met = [n for n in needs if not n.marker or n.marker.evaluate({"platform_machine": machine})]
        allowed[machine] = [
            version
            for version in ("1.19.2", "1.23.2", "1.24.4", "1.25.1", "1.26.0", "1.27.0", "1.32.0")
            if met and all(need.specifier.contains(version) for need in met)
        ]
    for machine in ("aarch64", "arm64", "ARM64"):  # macOS 13 has none newer than 1.23.2
        assert allowed[machine] == ["1.23.2", "1.27.0", "1.32.0"]
    for machine in ("x86_64", "AMD64"):
        assert allowed[machine] == ["1.23.2", "1.24.4", "1.25.1", "1.26.0", "1.27.0", "1.32.0"]
