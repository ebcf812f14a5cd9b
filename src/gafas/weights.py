"""Model files: bundled with the package, pinned by SHA-256, read once."""

import functools
import hashlib
from pathlib import Path
from typing import Final

from gafas.errors import ModelError
from gafas.installing import advise_reinstall

FOLDER: Final = Path(__file__).parent / "models"
"""Where the bundled model files, their cards and their licences lie."""

PINNED: Final = {
    "eyewear.onnx": "d5d6b5a265114806f1dee8f2859bf66284ff0147d18690608021371e8362a245",
    "retinaface.onnx": "b7a7acab55e104dce6f32cdfff929bd83946da5cd869b9e2e9bdffafd1b7e4a5",
}
"""The SHA-256 of every bundled model file."""


@functools.cache
def read_bundled(name: str) -> bytes:
    """Read a bundled model file, once per process, and check that nobody altered it.

    Raises:
        ModelError: the name is not pinned, the file is missing, or its hash is another.
    """
    if name not in PINNED:
        raise ModelError(
            f"Unknown bundled model: expected one of {', '.join(sorted(PINNED))}. "
            f"Received: {name!r}. Correct the name."
        )
    return read_pinned(FOLDER / name, PINNED[name])


def read_pinned(path: Path, sha256: str) -> bytes:
    """Read a file whose SHA-256, in hexadecimal digits, is known.

    Raises:
        ModelError: the file cannot be read, or its hash is another.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"Cannot read the model file: {error.strerror or error}. Received: '{path}'. "
            f"Install gafas again: {advise_reinstall()}"
        ) from error
    got = hashlib.sha256(data).hexdigest()
    if got != sha256:
        raise ModelError(
            f"The model file is not the one that was released: expected SHA-256 {sha256}. "
            f"Received: '{path}' with {got}. It was cut short, altered or replaced. "
            f"Install gafas again: {advise_reinstall()}"
        )
    return data
