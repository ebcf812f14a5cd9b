"""The camera: a film of the portrait stands in for it."""

import re

from playwright.sync_api import Page, expect

from web.conftest import Open
from web.driving import NAME

# Keeps what the page is given, so that the test can look whether it really ends.
WATCH = """() => {
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    window.given = [];
    navigator.mediaDevices.getUserMedia = async (wanted) => {
        const stream = await ask(wanted);
        window.given.push(...stream.getTracks());
        return stream;
    };
}"""


COUNT = """() => {
    const ask = window.fetch.bind(window);
    let now = 0;
    [window.most, window.asked] = [0, 0];
    window.fetch = async (...words) => {
        now += 1;
        window.asked += 1;
        window.most = Math.max(window.most, now);
        try {
            return await ask(...words);
        } finally {
            now -= 1;
        }
    };
}"""


def start(page: Page) -> None:
    page.get_by_role("link", name="Camera").click()
    page.get_by_role("button", name="Start the camera").click()


def open_with_camera(open_page: Open) -> Page:
    page = open_page(permissions=["camera"])
    page.evaluate(WATCH)
    start(page)
    return page


def states(page: Page) -> list[str]:
    found: list[str] = page.evaluate("window.given.map((track) => track.readyState)")
    return found


def test_the_camera_is_answered_live_and_stops_really(open_page: Open) -> None:
    page = open_with_camera(open_page)
    section = page.locator("#camera")
    expect(section.locator(".over rect:not(.rim)")).to_have_count(1)
    expect(section.locator(".tag")).to_contain_text("eyeglasses")
    expect(section.locator(".rate")).to_contain_text("answers per second")
    assert int(section.get_attribute("data-answers") or 0) > 1
    assert states(page) == ["live"]
    page.get_by_role("button", name="Stop the camera").click()
    expect(section).to_have_attribute("data-state", "idle")
    assert states(page) == ["ended"]
    assert page.evaluate("document.querySelector('video').srcObject") is None
    expect(section.locator(".over rect")).to_have_count(0)
    expect(page.get_by_role("button", name="Start the camera")).to_be_focused()


def test_one_frame_is_under_way_at_a_time(open_page: Open) -> None:
    page = open_page(permissions=["camera"])
    page.evaluate(COUNT)
    start(page)
    expect(page.locator("#camera")).to_have_attribute("data-answers", re.compile("[4-9]|.."))
    page.get_by_role("button", name="Stop the camera").click()
    assert page.evaluate("window.asked") >= 4
    assert page.evaluate("window.most") == 1


def test_leaving_for_the_photos_stops_the_camera(open_page: Open) -> None:
    page = open_with_camera(open_page)
    expect(page.locator("#camera .over rect:not(.rim)")).to_have_count(1)
    page.get_by_role("link", name="Photos").click()
    expect(page.locator("#photos")).to_be_visible()
    assert states(page) == ["ended"]


def test_the_mirror_turns_the_picture_and_the_boxes_but_no_letters(open_page: Open) -> None:
    page = open_with_camera(open_page)
    box = page.locator("#camera .over rect:not(.rim)")
    expect(box).to_have_count(1)
    mirrored = float(box.get_attribute("x") or 0)
    page.get_by_label("Mirror the picture").uncheck()
    plain, width = float(box.get_attribute("x") or 0), float(box.get_attribute("width") or 0)
    assert abs(mirrored - (640 - plain - width)) < 12  # the film's frames differ by a pixel or two
    expect(page.locator(".mirrored")).to_have_count(0)


def test_a_camera_that_is_refused_is_explained(open_page: Open) -> None:
    page = open_page()
    start(page)
    expect(page.get_by_role("heading", name="The camera was not allowed")).to_be_visible()
    expect(page.get_by_role("button", name="Start the camera")).to_be_visible()


def test_a_page_from_elsewhere_says_so_and_has_no_camera(open_page: Open, service: str) -> None:
    page = open_page(service.replace("127.0.0.1", NAME))
    expect(page.locator(".private")).to_contain_text(f"go to {NAME}, the computer that serves")
    start(page)
    expect(page.get_by_role("heading", name="The camera is not to be had here")).to_be_visible()


def test_without_a_camera_the_page_says_so(open_page: Open) -> None:
    page = open_page(permissions=["camera"])
    page.evaluate(
        """() => { navigator.mediaDevices.getUserMedia = () =>
            Promise.reject(new DOMException("none", "NotFoundError")); }"""
    )
    start(page)
    expect(page.get_by_role("heading", name="No camera was found")).to_be_visible()
