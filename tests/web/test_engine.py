"""The engine of the page answers as Python does: in Node stage by stage, in a browser on files."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page
from tools import app as APP
from tools import parity_vectors as VECTORS
from tools.hosting import hosting

from face_photos import encode, portrait
from gafas.images import load_photo
from gafas.results import ImageArray

HERE = Path(__file__).parent / "engine"
NODE = shutil.which("node")
MISSING = "run `npm ci` (with npm, `make test` does) to test the engine of the page"

if NODE is None or not APP.RUNTIME.exists():
    if os.environ.get("CI"):
        raise RuntimeError(MISSING)
    pytest.skip(MISSING, allow_module_level=True)

NEAR = {"probabilities": 0.005, "confidence": 0.005, "box": 0.5, "landmarks": 0.5}


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of what each stage takes and gives."""
    folder = tmp_path_factory.mktemp("vectors")
    counts = VECTORS.write_vectors(folder)
    assert min(counts.values()) > 0
    return folder


@pytest.fixture(scope="module")
def engine(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Open a page that has the engine and nothing else."""
    folder = tmp_path_factory.mktemp("engine")
    APP.write_engine(folder / "engine")
    shutil.copy(HERE / "page.js", folder)
    page_of_ours = (
        '<!doctype html><title>engine</title><script type="module" src="page.js"></script>'
    )
    (folder / "index.html").write_text(page_of_ours)
    (folder / "favicon.ico").touch()
    with hosting(folder) as url:
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(url)
        page.wait_for_function("() => window.recognize")
        yield page
        page.close()


def test_every_stage_gives_in_node_what_it_gives_in_python(vectors: Path) -> None:
    files = sorted(HERE.glob("*.test.js"))
    assert len(files) > 4
    told = subprocess.run(
        [str(NODE), "--test", "--test-reporter=tap", *map(str, files)],
        env={**os.environ, "GAFAS_VECTORS": str(vectors)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "# skipped 0" in told.stdout


def read_files(vectors: Path) -> list[tuple[str, bytes, dict[str, Any]]]:
    """Return name, bytes and answer of the files that browsers read."""
    cases = json.loads((vectors / "files.json").read_text("utf-8"))
    return [
        (one["name"], (vectors / one["content"]["file"]).read_bytes(), json.loads(one["text"]))
        for one in cases
    ]


def load(page: Page, data: bytes, side: int | None, **options: Any) -> dict[str, Any]:
    """Return a hash of the pixels that the engine decodes, and their shape."""
    wish = {"file": base64.b64encode(data).decode(), "side": side, **options}
    found: dict[str, Any] = page.evaluate("(wish) => window.load(wish)", wish)
    return found


def digest(image: ImageArray) -> str:
    """Return the hash of an image as canvases hold it: with a fourth byte, opaque."""
    opaque = np.full((*image.shape[:2], 1), 255, np.uint8)
    data = np.concatenate([image, opaque], axis=2).tobytes()
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def recognize(page: Page, data: bytes, name: str = "photo", **options: Any) -> dict[str, Any]:
    wish = {"file": base64.b64encode(data).decode(), "name": name, **options}
    found: dict[str, Any] = page.evaluate("(wish) => window.recognize(wish)", wish)
    return found


def test_a_browser_decodes_every_kind_and_every_scale_to_the_byte(
    engine: Page, vectors: Path
) -> None:
    files = read_files(vectors)
    assert len(files) > 25
    differing = []
    for name, data, answer in files:
        longer = max(answer["width"], answer["height"])
        for side in (None, longer // 2, longer // 4, longer // 8):
            found, expected = load(engine, data, side), load_photo(data, side=side)
            assert (found["width"], found["height"]) == (expected.width, expected.height)
            assert tuple(found["shape"][:2]) == expected.image.shape[:2]
            if found["digest"] != digest(expected.image):
                differing.append((name, side))
    assert differing == []


def test_without_a_decoder_that_reduces_a_jpeg_is_averaged(browser: Browser, engine: Page) -> None:
    page = browser.new_page()
    page.goto(engine.url)
    page.wait_for_function("() => window.load")
    data = encode(portrait())
    for side, most in ((300, 3), (150, 2), (75, 1)):
        found = load(page, data, side, pixels=True, without=["ImageDecoder"])
        pixels = np.frombuffer(base64.b64decode(found["pixels"]), np.uint8)
        image = pixels.reshape(found["shape"])[..., :3].astype(int)
        difference = np.abs(image - load_photo(data, side=side).image)
        assert 0 < difference.mean() < most
    page.close()


@pytest.mark.parametrize(
    ("kind", "without"), [("JPEG", []), ("JPEG", ["ImageDecoder"]), ("PNG", [])]
)
def test_a_huge_photo_is_reduced_while_it_is_decoded(
    browser: Browser, engine: Page, kind: str, without: list[str]
) -> None:
    page = browser.new_page()
    page.goto(engine.url)
    page.wait_for_function("() => window.load")
    small = Image.fromarray(portrait()).resize((500, 600))
    turned = small.rotate(90, expand=True).resize((6000, 5000))  # EXIF 6 says: turn it back
    file = encode(np.asarray(turned), kind, orientation=6)
    found = load(page, file, None, pixels=True, without=without)
    assert (found["width"], found["height"]) == (5000, 6000)
    height, width, _ = found["shape"]
    assert width * height == pytest.approx(24e6, rel=0.001) or width == 2500
    assert width / height == pytest.approx(5 / 6, abs=0.001)
    pixels = np.frombuffer(base64.b64decode(found["pixels"]), np.uint8)
    image = Image.fromarray(pixels.reshape(found["shape"])[..., :3]).resize(small.size)
    assert np.abs(np.asarray(image, int) - np.asarray(small, int)).mean() < 3
    page.close()


def test_a_browser_answers_files_of_every_kind_as_python_does(engine: Page, vectors: Path) -> None:
    files = read_files(vectors)
    assert len(files) > 25
    for name, data, expected in files:
        told = recognize(engine, data, name)
        found = json.loads(told["text"])
        assert found.keys() == expected.keys()
        assert [found[key] for key in ("photo", "width", "height", "error")] == [
            expected[key] for key in ("photo", "width", "height", "error")
        ]
        assert len(found["faces"]) == len(expected["faces"]), name
        for one, other in zip(found["faces"], expected["faces"], strict=True):
            assert one["label"] == other["label"], name
            assert list(one["probabilities"]) == list(other["probabilities"])
            for key, most in NEAR.items():
                assert measure(one[key]) == pytest.approx(measure(other[key]), abs=most), name


def measure(value: Any) -> npt.NDArray[np.float64]:
    return np.array([*value.values()] if isinstance(value, dict) else value, float).ravel()


def test_what_is_no_photo_is_refused_as_the_service_refuses_it(engine: Page) -> None:
    cut = encode(portrait(), "PNG")[:5000]
    huge = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\0\0\0\1\0\0" + bytes(20)
    cases = {
        b"dear diary, this is no photo": "unreadable-photo",
        b"": "unreadable-photo",
        b"\xff\xd8\xff": "unreadable-photo",
        cut: "damaged-photo",
        huge: "too-many-pixels",
    }
    for data, reason in cases.items():
        told = recognize(engine, data)
        assert (told["kind"], told["reason"]) == ("PhotoError", reason)
        assert "Received: " in told["message"]


def test_a_call_can_be_given_up(engine: Page) -> None:
    told = engine.evaluate(
        """async (file) => {
            const { recognize } = await import("./engine/gafas.js");
            const blob = await (await fetch(`data:image/jpeg;base64,${file}`)).blob();
            const leaving = new AbortController();
            const { signal } = leaving;
            const all = [recognize(blob), recognize(blob, { signal }), recognize(blob)];
            leaving.abort(new Error("left"));
            const ends = await Promise.allSettled(all);
            return ends.map(({ value, reason }) => value?.faces.length ?? reason.message);
        }""",
        base64.b64encode(encode(portrait())).decode(),
    )
    assert told == [1, "left", 1]
