"""Build the page that recognizes in the browser alone, as files for any static host.

Run it by `make site-app`; it needs what `npm ci` fetches.
"""

import argparse
import gzip
import hashlib
import io
import json
import logging
import re
import shutil
import sys
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

from gafas.classifier import EyewearClassifier
from gafas.errors import DataError, GafasError
from gafas.files import write_bytes, write_text
from gafas.recognizer import Recognizer
from gafas.service.app import WEB
from gafas.service.middleware import LOCAL_HEADERS
from gafas.service.operation import Operation
from gafas.service.routes import describe_model
from gafas.service.settings import Limits
from gafas.weights import FOLDER, read_bundled, read_model

ROOT: Final = Path(__file__).resolve().parents[1]
OUT: Final = ROOT / "out/app"
RUNTIME: Final = ROOT / "node_modules/onnxruntime-web"
"""Where npm puts what runs the models."""

DEFAULT: Final = "research"
"""The model that answers by default everywhere."""

ICONS: Final = (192, 512)
"""The sides of the icons, in pixels."""

_PLAIN: Final = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs")
_ZIPPED: Final = "ort-wasm-simd-threaded.wasm"
_LEFT_OUT: Final = ("docs.html", "docs.js")  # about the HTTP interface, which is not there
_LICENCES: Final = {
    "gafas.txt": ROOT / "LICENSE",
    "eyewear-weights.md": FOLDER / "LICENSE.md",
    "retinaface.txt": FOLDER / "retinaface.LICENSE",
}
_GREEN, _PAPER, _AMBER = "#17403d", "#f4f1ea", "#e69f00"  # of icon.svg

_log = logging.getLogger(__name__)


def main() -> int:
    """Build the page, and say how large it is."""
    parser = argparse.ArgumentParser(description="Build the page without a service.")
    parser.add_argument("folder", type=Path, nargs="?", default=OUT)
    parser.add_argument("--model", default=DEFAULT, help="free, research, or a .onnx file of gafas")
    folder, model = (given := parser.parse_args()).folder, given.model
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    shutil.rmtree(folder, ignore_errors=True)  # what an earlier build had more
    try:
        write_app(folder, model=model)
    except GafasError as error:
        _log.error("%s", error)
        return 1
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    _log.info("Wrote %s: %d files, %.2f MB.", folder, len(sizes), sum(sizes) / 1e6)
    return 0


def write_app(folder: Path, *, model: str = DEFAULT) -> None:
    """Write everything that a static host gives out, with a model of faces.

    Raises:
        DataError: npm has not fetched what runs the models, or the model sees whole photos.
        ModelError: there is no such model.
    """
    write_engine(folder / "engine", model=model)
    for path in sorted(WEB.iterdir()):
        if path.is_file() and path.name not in _LEFT_OUT:
            page = path.suffix == ".html"
            content = path.read_bytes()
            write_bytes(folder / path.name, turn_page(content) if page else content)
    told = describe_model(Operation(Recognizer(model), Limits(), threads=1))
    about = told.model_dump(mode="json", exclude={"limits"})  # nothing is sent anywhere
    write_text(folder / "about.json", json.dumps(about))
    for side in ICONS:
        write_bytes(folder / f"icon-{side}.png", draw_icon(side))
    write_text(folder / "gafas.webmanifest", json.dumps(_describe_app()))
    _write_contents(folder)
    for name, path in _LICENCES.items():
        write_bytes(folder / "licences" / name, path.read_bytes())
    ours = _LICENCES["gafas.txt"].read_text("utf-8")
    theirs = re.sub(r"Copyright \(c\).*", "Copyright (c) Microsoft Corporation", ours)
    write_text(folder / "licences/onnxruntime-web.txt", theirs)  # MIT, as ours is


def write_engine(folder: Path, *, model: str = DEFAULT) -> None:
    """Write the engine into a folder: its modules, the models, and what runs these.

    Raises:
        DataError: npm has not fetched what runs them, or the model sees whole photos.
        ModelError: there is no such model.
    """
    if EyewearClassifier(model).geometry is None:
        raise DataError(
            f"The page looks at faces, and this model at whole photos. Received: {model!r}. Give "
            "free, research, or a file that gafas made of a recipe of faces."
        )
    for path in sorted((WEB / "engine").iterdir()):
        write_bytes(folder / path.name, path.read_bytes())
    for name in _PLAIN:
        write_bytes(folder / "ort" / name, _read_runtime(name))
    write_bytes(folder / "ort" / f"{_ZIPPED}.gz", _zip(_read_runtime(_ZIPPED)))
    models = {"retinaface.onnx": read_bundled("retinaface.onnx"), "eyewear.onnx": read_model(model)}
    for name, content in models.items():
        planes = split_planes(content)
        write_bytes(folder / "models" / f"{name}.planes.gz", _zip(planes))


def split_planes(content: bytes) -> bytes:
    """Return bytes 0, 4, 8 and so on first, then 1, 5, 9: numbers of 32 bits so pack better.

    >>> split_planes(b"abcdefg")
    b'aebfcgd'
    """
    return b"".join(content[first::4] for first in range(4))


def turn_page(content: bytes) -> bytes:
    """Return a page of the service as one for a static host, in any folder, without a service."""
    policy = re.sub(r" frame-ancestors [^;]+;?", "", LOCAL_HEADERS["Content-Security-Policy"])
    text = content.decode("utf-8")
    head = (
        f'<meta charset="utf-8">\n  <meta http-equiv="Content-Security-Policy" content="{policy}">'
        '\n  <link rel="manifest" href="./gafas.webmanifest">'
        f'\n  <meta name="theme-color" content="{_GREEN}">'
    )
    text = text.replace('<html lang="en">', '<html lang="en" data-engine="browser">')
    text = text.replace('<meta charset="utf-8">', head)
    text = re.sub(r'\s*<a href="/docs"[^\n]*', "", text)
    text = text.replace('"/static/', '"./').replace('href="/"', 'href="./"')
    return text.encode()


def draw_icon(side: int) -> bytes:
    """Draw `icon.svg` as a PNG that fills its square, so that systems may cut it to their shape."""
    fine = 4 * side
    unit = fine / 80  # the picture of 64 units, with a margin that may be cut away

    def box(x: float, y: float, width: float, height: float) -> tuple[float, ...]:
        """Return a rectangle of the picture in pixels."""
        return tuple(unit * (value + 8) for value in (x, y, x + width, y + height))

    picture = Image.new("RGB", (fine, fine), _GREEN)
    pen, line = ImageDraw.Draw(picture), round(3.5 * unit)
    pen.arc(box(28, 28.5, 8, 6), 200, 340, _PAPER, line)
    for x, filling in ((8, _GREEN), (35, _AMBER)):
        outer = box(x - 1.75, 21.75, 24.5, 21.5)
        pen.rounded_rectangle(outer, 10.25 * unit, filling, _PAPER, line)
    file = io.BytesIO()
    picture.resize((side, side), Image.Resampling.LANCZOS).save(file, "PNG", optimize=True)
    return file.getvalue()


def _describe_app() -> dict[str, object]:
    """Return what a system is told that installs the page."""
    icons = [
        {"src": f"./icon-{side}.png", "sizes": f"{side}x{side}", "type": "image/png"}
        for side in ICONS
    ]
    return {
        "name": "gafas",
        "short_name": "gafas",
        "description": "Sunglasses, eyeglasses or nothing, for every face in a photo.",
        "start_url": "./",
        "scope": "./",
        "display": "standalone",
        "background_color": _PAPER,
        "theme_color": _GREEN,
        "icons": [*icons, {**icons[-1], "purpose": "maskable"}],
    }


def _write_contents(folder: Path) -> None:
    """Write what the service worker keeps: every file, under a version that changes with any."""
    apart = {"sw.js", "contents.js", "licences"}
    inside = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    files = [path.as_posix() for path in inside if path.parts[0] not in apart]
    files = [name for name in files if not name.endswith(".d.ts")]
    hashes = [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files]
    told = [*files, *hashes, json.dumps(LOCAL_HEADERS), (folder / "sw.js").read_text("utf-8")]
    version = hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
    contents = {"version": version, "files": files, "headers": LOCAL_HEADERS}
    text = f"/** What this page is made of. */\nconst CONTENTS = {json.dumps(contents)};\n"
    write_text(folder / "contents.js", text)


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
