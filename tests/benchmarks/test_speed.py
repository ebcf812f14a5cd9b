"""The measurement of speed runs, and says what it promises."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from face_photos import face_model

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(sys.platform != "linux", reason="binds processes to cores as Linux does")
def test_speed_is_measured_and_written_down(tmp_path: Path) -> None:
    model, out = tmp_path / "faces.onnx", tmp_path / "speed.json"
    model.write_bytes(face_model(side=96))
    out.write_text('{"installed": {"mb": 1}}', encoding="utf-8")
    words = [
        sys.executable,
        "-m",
        "benchmarks.speed",
        "--quick",
        "--model",
        str(model),
        "--output",
        str(out),
    ]
    subprocess.run(words, check=True, timeout=280, cwd=ROOT)
    told = json.loads(out.read_bytes())
    assert told["installed"] == {"mb": 1}  # measured apart: it needs the network
    assert told["model"]["input"] == [96, 96]
    assert 0 < told["one_photo_cores_1"]["cold_seconds"]["median"] < 60
    small, big = told["250 pixels"], told["12 megapixels"]
    assert small["cores_1"]["recognizing"]["faces"] == 4  # one in each photo
    assert big["cores_2"]["recognizing"]["faces"] == 3  # one in the first, two in the second
    assert big["cores_2"]["recognizing_portraits"]["faces"] == 2  # one in each
    for kind in (small, big):
        # Which of them is quicker, a single round beside other tests cannot tell.
        assert min(rates["median"] for rates in kind["cores_1"].values()) > 0
        assert all(20 < megabytes < 1000 for megabytes in kind["memory_mb"].values())
    assert big["bytes_per_photo"] > 2_000_000
