"""One browser and one service for all tests of the page; a fresh page for each."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright
from tools.hosting import find_browser, list_arguments

from web.driving import NAME, serving, write_film, write_photos

Open = Callable[..., Page]

NOTED = ("Failed to load resource", "The Cross-Origin-Opener-Policy header has been ignored")
"""What Chromium itself says: an answer was no success, or a page came from elsewhere by http."""


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="package")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    film = write_film(tmp_path_factory.mktemp("film") / "film.y4m")
    started = playwright.chromium.launch(
        executable_path=_find_browser(),
        timeout=90_000,
        args=[
            *list_arguments(),
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={film}",
            f"--host-resolver-rules=MAP {NAME} 127.0.0.1",
        ],
    )
    yield started
    started.close()


@pytest.fixture(scope="package")
def service() -> Iterator[str]:
    with serving("--allow-host", NAME) as url:
        yield url


@pytest.fixture(scope="package")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture
def open_page(browser: Browser, service: str) -> Iterator[Open]:
    """Open the page; afterwards nothing may have gone wrong in it, nor any request elsewhere."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []
    hosts: set[str] = set()

    def open_it(url: str = service, *, ready: bool = True, **options: Any) -> Page:
        settings = {"locale": "en-GB", "viewport": {"width": 1200, "height": 800}, **options}
        context = browser.new_context(**settings)
        contexts.append(context)
        context.set_default_timeout(60_000)
        context.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text))
        hosts_of_ours.add(urlsplit(url).netloc)
        page.goto(url)
        if ready:
            page.locator("html.ready").wait_for()
        return page

    hosts_of_ours = {""}  # pictures that the page itself made
    yield open_it
    for context in contexts:
        context.close()
    assert hosts <= hosts_of_ours
    assert [one for one in problems if not one.startswith(NOTED)] == []


@pytest.fixture
def page(open_page: Open) -> Page:
    return open_page()


def _find_browser() -> str:
    """Return the path of a browser; without one skip, but in CI fail."""
    found = find_browser()
    if found:
        return found
    sentence = "install chromium (as root, `make test` does) to test the page in a real browser"
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)
