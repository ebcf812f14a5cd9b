"""Films: looked through by either engine, with a timeline for each face."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from tools import app as APP
from tools.hosting import hosting
from tools.photos import SUNGLASSES

from face_photos import portrait
from gafas.detection.detector import FaceDetector
from gafas.results import ImageArray
from gafas.synthesis.rendering import put_on
from web.conftest import Open
from web.driving import download
from web.test_access import check, width

RATE, SECONDS = 10, 2


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a film: a woman in eyeglasses, who then wears sunglasses, and then is away."""
    woman = np.asarray(Image.fromarray(portrait()).resize((410, 480)))
    (face,) = FaceDetector().detect(woman)
    dark = put_on(woman, face.landmarks, glasses=SUNGLASSES)
    path = tmp_path_factory.mktemp("film") / "=holidays.webm"
    codec = cv2.VideoWriter.fourcc(*"VP80")
    writer = cv2.VideoWriter(str(path), codec, RATE, (640, 480))
    for picture in (woman, dark, None):
        frame = make_frame(picture)
        for _ in range(SECONDS * RATE):
            writer.write(frame[..., ::-1])
    writer.release()
    return path


def make_frame(picture: ImageArray | None) -> ImageArray:
    frame = np.full((480, 640, 3), (90, 110, 130), np.uint8)
    if picture is not None:
        frame[:, 115:525] = picture
    return frame


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not APP.RUNTIME.exists():
        pytest.skip("run `npm ci` (with npm, `make test` does)")
    folder = tmp_path_factory.mktemp("site")
    APP.write_app(folder)
    return folder


@pytest.fixture(scope="module")
def site(built: Path) -> Iterator[str]:
    with hosting(built) as url:
        yield url


@pytest.fixture(params=["server", "browser"])
def page(request: pytest.FixtureRequest, open_page: Open, service: str) -> Page:
    """Open the page with either engine."""
    local = request.param == "browser"
    return open_page(request.getfixturevalue("site") if local else service)


def look_through(page: Page, film: Path) -> None:
    page.get_by_role("link", name="Video").click()
    page.set_input_files("#video input", film)
    expect(page.locator(".film-csv")).to_be_visible()


def test_every_face_gets_a_timeline_of_what_it_wears_and_a_table(page: Page, film: Path) -> None:
    look_through(page, film)
    expect(page.locator("#video .word")).to_have_text("1 face")
    first, second = page.locator(".timeline .part").all()
    assert (first.get_attribute("aria-label") or "").startswith("eyeglasses")
    assert (second.get_attribute("aria-label") or "").startswith("sunglasses")
    rows = list(csv.DictReader(io.StringIO(download(page, ".film-csv"))))
    assert [(row["video"], row["face"], row["label"]) for row in rows] == [
        ("'=holidays.webm", "1", "eyeglasses"),
        ("'=holidays.webm", "1", "sunglasses"),
    ]
    starts, ends = ([float(row[name]) for row in rows] for name in ("from", "to"))
    assert starts[0] == 0
    assert starts[1] == pytest.approx(SECONDS, abs=0.3)
    assert ends[1] == pytest.approx(2 * SECONDS, abs=0.3)
    assert min(float(row["probability"]) for row in rows) > 0.9


def test_a_click_on_the_timeline_leads_to_that_moment(page: Page, film: Path) -> None:
    look_through(page, film)
    page.locator(".timeline .part").nth(1).click()
    expect(page.locator("#video .tag")).to_contain_text("sunglasses")
    assert page.evaluate("document.querySelector('#video video').currentTime") > 1.5
    page.locator(".timeline .part").nth(0).press("Enter")
    expect(page.locator("#video .tag")).to_contain_text("eyeglasses")


def test_axe_finds_nothing_wrong_and_another_language_is_spoken(
    open_page: Open, service: str, film: Path
) -> None:
    page = open_page(service, viewport={"width": 390, "height": 740})
    page.get_by_role("link", name="Video").click()
    check(page)
    look_through(page, film)
    assert width(page) == 390
    check(page)
    page.get_by_role("button", name="Español").click()
    expect(page.locator("#video .word")).to_have_text("1 cara")
    label = page.locator(".timeline .part").nth(1).get_attribute("aria-label") or ""
    assert label.startswith("gafas de sol")


def test_what_the_browser_cannot_play_is_said_to_be_so(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "notes.webm"
    path.write_bytes(b"dear diary, this is no film")
    page.get_by_role("link", name="Video").click()
    page.set_input_files("#video input", path)
    expect(page.locator("#video .word")).to_contain_text("cannot play the film")
    expect(page.locator(".film-csv")).to_be_hidden()


def test_after_the_first_visit_films_need_no_network(
    open_page: Open, film: Path, built: Path
) -> None:
    with hosting(built) as url:
        page = open_page(url)
        page.locator("html.able").wait_for()
        page.wait_for_function("() => navigator.serviceWorker.controller")
    page.reload()  # nobody serves it any more
    look_through(page, film)
    expect(page.locator(".timeline .part")).to_have_count(2)
    page.locator(".timeline .part").nth(1).click()
    expect(page.locator("#video .tag")).to_contain_text("sunglasses")


def test_looking_can_be_stopped_and_leaving_forgets_the_film(page: Page, film: Path) -> None:
    page.get_by_role("link", name="Video").click()
    page.set_input_files("#video input", film)
    expect(page.locator("#video .word")).to_contain_text("% of the film")
    page.locator(".stop-film").click()
    expect(page.locator(".stop-film")).to_be_hidden()
    page.get_by_role("link", name="Photos").click()
    assert page.evaluate("document.querySelector('#video video').getAttribute('src')") is None
    page.get_by_role("link", name="Video").click()
    expect(page.locator(".timeline .part")).to_have_count(0)
