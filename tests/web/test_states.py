"""What the page does when the server is slow, full, closed, failing or away."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from face_photos import encode, faceless
from web.conftest import Open
from web.driving import card, give, list_filters, serving, wait_till_done


@pytest.fixture(scope="module")
def narrow() -> Iterator[str]:
    """Run a service that wants a key, and takes one request at a time."""
    with serving("--workers", "1", "--max-waiting", "0", GAFAS_API_KEY="sesame") as url:
        yield url


@pytest.fixture
def many(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{number}.png" for number in range(12)]
    for path in paths:
        path.write_bytes(encode(faceless(), "PNG"))
    return paths


def test_a_key_is_asked_for_and_full_servers_are_waited_for(
    open_page: Open, narrow: str, many: list[Path]
) -> None:
    page = open_page(narrow)
    refused = []
    page.on("response", lambda answer: refused.append(answer.status == 503))
    dialog = page.locator("#key")
    expect(dialog).to_be_visible()  # for the model, at the page's start
    dialog.get_by_label("API key").fill("wrong")
    page.keyboard.press("Enter")
    expect(dialog.get_by_label("API key")).to_have_value("")
    dialog.get_by_label("API key").fill("sesame")
    dialog.get_by_role("button", name="Use it").click()
    expect(dialog).to_be_hidden()
    give(page, many[:6])
    assert list_filters(page)["no-face"] == 6
    assert "sesame" not in str(page.context.storage_state())  # nothing that outlives the tab
    assert any(refused)  # four are sent at once, and one is taken


def test_without_the_key_photos_wait_to_be_tried_again(
    open_page: Open, narrow: str, photos: list[Path]
) -> None:
    page = open_page(narrow)
    page.locator("#key .dismiss").click()
    page.set_input_files("#files", photos[:1])
    page.locator("#key .dismiss").click()
    expect(card(page, photos[0].name)).to_contain_text("wants an API key")
    expect(page.locator(".left-out")).to_contain_text("1 photo without an answer")
    expect(page.locator(".csv")).to_be_disabled()
    page.get_by_role("button", name="Try again").click()
    page.locator("#key input").fill("sesame")
    page.keyboard.press("Enter")
    expect(card(page, photos[0].name)).to_contain_text("eyeglasses")


def test_long_lists_can_be_cancelled_and_continued(page: Page, many: list[Path]) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        # Three are answered; the server seems to take its time with the others.
        held.append(route)
        if len(held) <= 3:
            route.continue_()

    page.route("**/v1/recognize*", hold)
    page.set_input_files("#files", many)
    expect(page.locator(".progress-text")).to_have_text("3 of 12 photos done")
    assert len(held) <= 3 + 4  # a few at a time
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".card[data-state=cancelled]")).to_have_count(9)
    expect(page.locator(".running")).to_be_hidden()
    expect(page.locator(".left-out")).to_contain_text("9 photos without an answer")
    page.unroute("**/v1/recognize*")
    page.get_by_role("button", name="Continue with 9 photos").click()
    expect(page.locator(".card[data-state=cancelled]")).to_have_count(0)
    wait_till_done(page)
    for _ in range(100):  # a page may look settled before the first of the nine has begun
        if list_filters(page)["no-face"] == 12:
            break
        page.wait_for_timeout(100)
    assert list_filters(page)["no-face"] == 12


def test_asking_for_other_faces_takes_up_everything_anew(page: Page, many: list[Path]) -> None:
    held: list[Route] = []
    page.route("**/v1/recognize*", lambda route: held.append(route))
    page.set_input_files("#files", many)
    expect(page.locator(".card[data-state=working]")).to_have_count(4)
    page.unroute("**/v1/recognize*")
    with page.expect_response("**/v1/recognize*largest=true"):
        page.get_by_label("Only the largest face").check()
    for _ in range(50):
        assert page.locator(".card[data-state=cancelled]").count() == 0
        if list_filters(page)["no-face"] == 12:
            break
        page.wait_for_timeout(100)
    wait_till_done(page)
    assert list_filters(page)["no-face"] == 12
    expect(page.locator(".card img")).to_have_count(12)


def test_a_server_that_stops_is_noticed_and_work_goes_on_when_it_is_back(
    open_page: Open, photos: list[Path]
) -> None:
    with serving() as url:
        page = open_page(url)
        give(page, photos[:1])
    page.set_input_files("#files", photos[1:])
    notice = page.locator("#notice")
    expect(notice).to_contain_text("The server does not answer")
    expect(page.locator(".card[data-state=failed]")).to_have_count(0)
    notice.get_by_role("button", name="Look now").click()  # there is nobody yet
    expect(notice).to_be_visible()
    with serving("--port", str(urlsplit(url).port)):
        wait_till_done(page)
        expect(notice).to_be_hidden()
        assert list_filters(page) | {"all": 6, "eyeglasses": 4} == list_filters(page)


def test_a_failing_server_is_told_and_may_be_tried_again(page: Page, photos: list[Path]) -> None:
    told = '{"status": 500, "detail": "Something broke.", "reason": "internal"}'
    page.route(
        "**/v1/recognize*",
        lambda route: route.fulfill(status=500, content_type="application/problem+json", body=told),
    )
    page.set_input_files("#files", photos[:1])
    expect(page.locator(".card")).to_contain_text("Something went wrong inside the server.")
    assert list_filters(page)["error"] == 1
    page.unroute("**/v1/recognize*")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".card")).to_contain_text("eyeglasses")
    assert list_filters(page)["error"] == 0


def test_a_file_that_vanished_is_no_lost_server(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(faceless(), "PNG"))
    page.evaluate("() => { File.prototype.arrayBuffer = () => Promise.reject(new Error()); }")
    page.set_input_files("#files", path)
    expect(page.locator(".card")).to_contain_text("The file cannot be read any more.")
    expect(page.locator("#notice")).to_be_hidden()


def test_a_photo_that_is_too_large_is_an_answer(open_page: Open, many: list[Path]) -> None:
    with serving("--max-mb", "0.001") as url:
        page = open_page(url)
        give(page, many[:1])
        expect(page.locator(".card")).to_contain_text("at most 0.001 MB")
        assert list_filters(page)["error"] == 1
