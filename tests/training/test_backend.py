import os
import subprocess
import sys

import pytest

from gafas.training.backend import silence

CLOSED = """\
import os, sys
os.close(2)
from gafas.training.backend import keras, silence
with silence():
    print("still there")
sys.stderr = None
with silence():
    print(keras.backend.backend())
"""


def test_a_closed_stderr_stops_nothing() -> None:
    result = subprocess.run(
        [sys.executable, "-c", CLOSED], capture_output=True, text=True, timeout=120
    )
    assert (result.returncode, result.stdout) == (0, "still there\ntensorflow\n")


def test_what_was_silenced_comes_out_where_the_code_fails(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with silence():
        os.write(2, b"a greeting")
    assert capfd.readouterr().err == ""
    with pytest.raises(ValueError, match="broken"), silence():
        os.write(2, b"why")
        raise ValueError("broken")
    assert "why" in capfd.readouterr().err
