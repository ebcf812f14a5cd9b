"""Take the pictures of web pages that the documentation shows, in each language.

Run it by `make screenshots`; it needs Chromium. The photos are those of `make demo`.
"""

import contextlib
import io
import logging
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from gafas.classifier import EyewearClassifier
from gafas.datasets.folders import read_labelled
from gafas.evaluation.audit import audit
from gafas.files import write_bytes
from gafas.labels import Language
from gafas.report.audited import write_audit_page
from gafas.weights import read_model
from tools.hosting import find_browser, list_arguments
from tools.photos import write_photos

ROOT = Path(__file__).resolve().parents[1]

PICTURES = {"en-GB": "docs/figures/web-page.webp", "es-ES": "docs/figures/pagina-web.webp"}
"""The picture of each language: a photo and its heat map, light; the answers, dark."""

CORRECTIONS = {"en-GB": "docs/figures/corrections.webp", "es-ES": "docs/figures/correcciones.webp"}
"""The page where answers are corrected."""

AUDITS = {"en-GB": "docs/figures/audit.webp", "es-ES": "docs/figures/auditar.webp"}
"""The page of an audit: a bare face among the sunglasses, sunglasses among the bare, and a cat."""

_OWN = {
    "en-GB": ("gold rims", "none", "aviators"),
    "es-ES": ("montura dorada", "none", "de aviador"),
}

_SIZE: ViewportSize = {"width": 1160, "height": 720}
_QUALITY = 84

_log = logging.getLogger(__name__)


def main() -> None:
    """Take the pictures, and say how large they are."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as folder, _serving() as url, sync_playwright() as driver:
        photos = write_photos(Path(folder))
        browser = driver.chromium.launch(executable_path=find_browser(), args=list_arguments())
        for language, name in PICTURES.items():
            page = _open(browser, url, language=language)
            page.set_input_files("#files", photos)
            page.locator(".card").nth(len(photos) - 1).locator("img").wait_for()
            page.locator(".running").wait_for(state="hidden")
            if language == "en-GB":
                _explain(page, photos[0].name)
            _keep(page.screenshot(), ROOT / name)
        with _serving("--adapt") as teacher:
            for language, name in CORRECTIONS.items():
                page = _open(browser, teacher, language=language)
                page.set_input_files("#files", photos)
                page.locator(".running").wait_for(state="hidden")
                _correct(page, _OWN[language])
                _keep(page.screenshot(), ROOT / name)
        for language, name in AUDITS.items():
            page = browser.new_page(viewport=_SIZE)
            page.goto(_audit(photos, Path(folder), language="es" if "es" in language else "en"))
            page.locator("#suspect").scroll_into_view_if_needed()
            page.locator("#suspect input").first.check()
            page.evaluate("document.querySelector('#suspect').scrollIntoView()")
            _keep(page.screenshot(), ROOT / name)
        browser.close()


def _correct(page: Page, labels: Sequence[str]) -> None:
    """Write labels below the photos."""
    page.locator(".correct").click()
    for at, label in enumerate(labels):
        field = page.locator(".teach input").nth(at)
        field.fill(label)
        field.blur()
    page.evaluate("document.querySelector('#learning').scrollIntoView()")


def _audit(photos: Sequence[Path], folder: Path, *, language: Language) -> str:
    """Label the photos, two of them wrongly, audit them, and return the page's address."""
    labels = ("eyeglasses", "sunglasses", "none", "none")
    for photo, label in zip(photos, labels, strict=True):
        place = folder / "labelled" / label
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, place)
    found = audit(read_labelled(folder / "labelled"), EyewearClassifier(read_model("research")))
    write_audit_page(found, folder / "found.html", language=language)
    return (folder / "found.html").as_uri()


def _open(browser: Browser, url: str, *, language: str) -> Page:
    context = browser.new_context(
        locale=language,
        color_scheme="dark" if language == "es-ES" else "light",
        viewport=_SIZE,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(url)
    page.locator("html.ready").wait_for()
    return page


def _explain(page: Page, name: str) -> None:
    page.locator(".card").filter(has_text=name).locator(".open").click()
    with page.expect_response("**/v1/explain"):
        page.locator(".heat").click()
    page.locator(".busy").wait_for(state="hidden")
    page.mouse.move(0, 0)


def _keep(picture: bytes, target: Path) -> None:
    file = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").save(file, "WEBP", quality=_QUALITY, method=6)
    write_bytes(target, file.getvalue())
    _log.info("Wrote %s: %d kB.", target.relative_to(ROOT), len(file.getvalue()) // 1000)


@contextlib.contextmanager
def _serving(*options: str) -> Iterator[str]:
    """Run the service as a process; yield its address."""
    command = [sys.executable, "-m", "gafas.cli", "serve", "--port", "0", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            told = re.search(r"http://\S+", process.stderr.readline())
            assert told, process.stderr.read()
            yield told[0]
        finally:
            process.terminate()
            process.communicate()


if __name__ == "__main__":
    main()
