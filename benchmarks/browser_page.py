"""Measure the page that recognizes in the browser alone: its start, the camera, many photos."""

import contextlib
import dataclasses
import gzip
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import matplotlib.cbook
import numpy as np
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Playwright
from tools.app import write_app
from tools.hosting import find_browser, hosting, list_arguments

from benchmarks import speed_photos

STARTS: Final = 5
MANY: Final = 300
_CAMERA_SECONDS: Final = 10
_FILM: Final = (640, 480, 30)
"""Width, height and frames per second of the film in the camera's place."""

# Notes when the page is able to recognize, in milliseconds from the beginning of the visit.
_NOTE_START: Final = """new MutationObserver(() => {
    const able = document.documentElement?.classList.contains("able");
    if (able) window.able ??= performance.now();
}).observe(document, { subtree: true, attributes: true, childList: true });"""

# Notes the longest time for which the page would have heard nothing: what is looked at comes in
# turn as input does. It rests between two looks: without idle times a browser would put off the
# writing of small pictures.
_NOTE_WAITS: Final = """() => {
    window.longest = 0;
    let last = performance.now();
    const look = () => {
        const now = performance.now();
        window.longest = Math.max(window.longest, now - last);
        last = now;
        scheduler.postTask(look, { priority: "user-blocking", delay: 8 });
    };
    look();
}"""


@dataclasses.dataclass(frozen=True, slots=True)
class PageFigures:
    """What the page takes.

    Attributes:
        download_mb: of all that a first visit fetches, as hosts send it, text compressed.
        ready_first_seconds: from the beginning of a first visit until photos can be answered.
        ready_cached_seconds: the same of a later visit.
        camera_answers_per_second: of a camera of 640×480 with one face.
        many_photos: that are dropped at once.
        longest_wait_milliseconds: the longest time for which the page did not react meanwhile.
        heap_mb: what the page holds before them, after them, and after as many again.
    """

    download_mb: float
    ready_first_seconds: float
    ready_cached_seconds: float
    camera_answers_per_second: float
    many_photos: int
    longest_wait_milliseconds: float
    heap_mb: tuple[float, float, float]


def measure_page(folder: Path, driver: Playwright, *, starts: int, many: int) -> PageFigures:
    """Build the page in a folder, and measure it."""
    site = folder / "site"
    write_app(site)
    photos = speed_photos.make_small(folder / "many", count=many)
    with hosting(site) as url:
        visits = [_time_visits(driver, url) for _ in range(starts)]
        rate = _measure_camera(driver, url, write_film(folder / "film.y4m"))
        longest, heap = _measure_many(driver, url, photos)
    first, cached = (statistics.median(times) for times in zip(*visits, strict=True))
    return PageFigures(
        download_mb=round(measure_download(site) / 1e6, 2),
        ready_first_seconds=round(first / 1000, 2),
        ready_cached_seconds=round(cached / 1000, 2),
        camera_answers_per_second=round(rate, 1),
        many_photos=many,
        longest_wait_milliseconds=round(longest),
        heap_mb=heap,
    )


def measure_download(site: Path) -> int:
    """Return how many bytes a first visit fetches where the host compresses text."""
    apart = {"licences", "sw.js", "contents.js"}
    files = [path for path in site.rglob("*") if path.is_file()]
    kept = [path for path in files if path.relative_to(site).parts[0] not in apart]
    sent = [path.read_bytes() for path in kept if path.name[-5:] != ".d.ts"]
    return sum(min(len(content), len(gzip.compress(content, mtime=0))) for content in sent)


def write_film(path: Path) -> Path:
    """Write a film of a portrait, which a browser shows in place of a camera."""
    width, height, rate = _FILM
    portrait = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    frame = Image.new("RGB", (width, height), (90, 110, 130))
    with Image.open(portrait) as opened:
        frame.paste(opened.resize((410, 480)), (115, 0))
    light, blue, red = frame.convert("YCbCr").split()
    small = [np.asarray(plane.resize((width // 2, height // 2))).tobytes() for plane in (blue, red)]
    picture = b"FRAME\n" + np.asarray(light).tobytes() + b"".join(small)
    head = f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420jpeg\n".encode()
    path.write_bytes(head + picture * rate)
    return path


@contextlib.contextmanager
def _browsing(driver: Playwright, *arguments: str) -> Iterator[BrowserContext]:
    browser = driver.chromium.launch(
        executable_path=find_browser(), args=[*list_arguments(), *arguments]
    )
    context = browser.new_context(permissions=["camera"])
    context.add_init_script(_NOTE_START)
    context.set_default_timeout(120_000)
    yield context
    browser.close()


def _visit(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(url)
    page.wait_for_function("() => window.able")
    page.wait_for_function("() => navigator.serviceWorker.controller")
    return page


def _time_visits(driver: Playwright, url: str) -> tuple[float, float]:
    """Return the milliseconds of a first visit in a fresh browser, and of the next."""
    with _browsing(driver) as context:
        times = []
        for _ in range(2):
            page = _visit(context, url)
            times.append(float(page.evaluate("window.able")))
            page.close()
    return times[0], times[1]


def _measure_camera(driver: Playwright, url: str, film: Path) -> float:
    """Return answers per second, once it runs."""
    fake = "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"
    with _browsing(driver, *fake) as context:
        page = _visit(context, f"{url}#camera")
        page.locator("#camera .start").click()
        page.locator("#camera .tag").first.wait_for()
        counts = []
        for wait in (2000, 1000 * _CAMERA_SECONDS):
            page.wait_for_timeout(wait)
            seen = "[Number(document.querySelector('#camera').dataset.answers), performance.now()]"
            counts.append(page.evaluate(seen))
    (first, began), (last, ended) = counts
    return float(1000 * (last - first) / (ended - began))


def _measure_many(
    driver: Playwright, url: str, photos: list[Path]
) -> tuple[float, tuple[float, float, float]]:
    """Return the longest wait in milliseconds, and the heap before and after two rounds."""
    with _browsing(driver) as context:
        page = _visit(context, url)
        heaps = [_measure_heap(page)]
        page.evaluate(_NOTE_WAITS)
        for _ in range(2):
            _drop(page, photos)
            page.locator(".card").nth(len(photos) - 1).wait_for()
            page.locator(".running").wait_for(state="hidden")
            page.wait_for_function("() => !document.querySelector('.card:not(:has(img))')")
            page.locator(".clear").click()
            heaps.append(_measure_heap(page))
        longest = float(page.evaluate("window.longest"))
    return longest, (heaps[0], heaps[1], heaps[2])


def _drop(page: Page, photos: list[Path]) -> None:
    """Drop files on the page, as a person does."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in photos], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 400, "y": 300, "data": data})
    session.detach()


def _measure_heap(page: Page) -> float:
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return round(float(used) / 1e6, 1)
