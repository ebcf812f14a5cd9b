"""The measurement of speed runs, and says what it promises."""

import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.speed import Speed

from face_photos import face_model
from gafas.files import read_json, write_json

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(sys.platform != "linux", reason="binds processes to cores as Linux does")
def test_speed_is_measured_and_written_down(tmp_path: Path) -> None:
    model, out = tmp_path / "faces.onnx", tmp_path / "speed.json"
    model.write_bytes(face_model(side=96))
    known = read_json(ROOT / "benchmarks/speed.json", Speed)
    write_json(out, known)
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
    told = read_json(out, Speed)
    assert told.installed == known.installed  # measured apart: it needs the network
    assert told.place.input == (96, 96)
    assert 0 < told.one_photo[1].cold_seconds.median < 60
    small, big = told.photos["250 pixels"], told.photos["12 megapixels"]
    assert small.rates[1].faces == 4  # one in each photo
    assert big.rates[2].faces == 3  # one in the first, two in the second
    assert big.rates[2].portraits is not None
    for kind in (small, big):
        assert kind.rates[1].recognizing.median > 0
        assert all(20 < megabytes < 1000 for megabytes in kind.memory_mb.values())
    assert big.bytes_per_photo > 2_000_000
