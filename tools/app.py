"""Build the page that recognizes in the browser alone, as files for any static host.

Run it by `make site-app`; it needs what `npm ci` fetches.
"""

import gzip
import logging
import sys
from pathlib import Path
from typing import Final

from gafas.errors import DataError, GafasError
from gafas.files import write_bytes
from gafas.service.app import WEB
from gafas.weights import read_bundled

ROOT: Final = Path(__file__).resolve().parents[1]
OUT: Final = ROOT / "out/app"
RUNTIME: Final = ROOT / "node_modules/onnxruntime-web"
"""Where npm puts what runs the models."""

_PLAIN: Final = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs")
_ZIPPED: Final = ("ort-wasm-simd-threaded.wasm",)
_MODELS: Final = ("retinaface.onnx", "eyewear.onnx")

_log = logging.getLogger(__name__)


def main() -> int:
    """Build the page."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        write_engine(OUT / "engine")
    except GafasError as error:
        _log.error("%s", error)
        return 1
    return 0


def write_engine(folder: Path) -> None:
    """Write the engine into a folder: its modules, the models, and what runs these.

    Raises:
        DataError: npm has not fetched what runs them.
    """
    for path in sorted((WEB / "engine").iterdir()):
        write_bytes(folder / path.name, path.read_bytes())
    for name in (*_PLAIN, *_ZIPPED):
        content = _read_runtime(name)
        if name in _ZIPPED:
            name, content = f"{name}.gz", _zip(content)
        write_bytes(folder / "ort" / name, content)
    for name in _MODELS:
        planes = split_planes(read_bundled(name))
        write_bytes(folder / "models" / f"{name}.planes.gz", _zip(planes))


def split_planes(content: bytes) -> bytes:
    """Return bytes 0, 4, 8 and so on first, then 1, 5, 9: numbers of 32 bits so pack better.

    >>> split_planes(b"abcdefg")
    b'aebfcgd'
    """
    return b"".join(content[first::4] for first in range(4))


def _read_runtime(name: str) -> bytes:
    path = RUNTIME / "dist" / name
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"Cannot read what runs models in a browser: {error.strerror}. Received: '{path}'. "
            "Fetch it: npm ci"
        ) from error


def _zip(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)  # the same bytes at every time


if __name__ == "__main__":
    sys.exit(main())
