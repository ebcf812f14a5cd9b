"""For everybody: assistive technology, both languages, dark and light, large and small screens."""

from pathlib import Path
from typing import Final, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from face_photos import encode, faceless
from web.conftest import Open
from web.driving import card, give

SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")


def check(page: Page) -> None:
    """Let axe look at the page as it is, in light and in dark."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = Axe().run(page)
        assert found.response["passes"]
        assert found.violations_count == 0, f"{scheme}: {found.generate_report()}"


def test_axe_finds_nothing_wrong_with_the_photos(page: Page, photos: list[Path]) -> None:
    check(page)
    give(page, photos)
    check(page)
    card(page, "two.png").locator(".open").click()
    expect(page.locator("#lightbox rect:not(.rim)")).to_have_count(2)
    check(page)


def test_axe_finds_nothing_wrong_with_the_camera_the_notice_and_the_card(open_page: Open) -> None:
    page = open_page(permissions=["camera"])
    page.get_by_role("link", name="Camera").click()
    check(page)
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#camera .tag")).to_have_count(1)
    check(page)
    page.get_by_role("link", name="The model").click()
    expect(page.locator(".article table").first).to_be_visible()
    check(page)


def test_the_page_speaks_the_browsers_language_until_another_is_chosen(open_page: Open) -> None:
    page = open_page(locale="es-ES")
    html, title = page.locator("html"), page.locator("h1").first
    expect(html).to_have_attribute("lang", "es")
    expect(title).to_have_text("¿Quién lleva gafas de sol y quién graduadas?")
    page.get_by_role("button", name="English").click()
    expect(html).to_have_attribute("lang", "en")
    expect(title).to_have_text("Who wears sunglasses, who wears eyeglasses?")
    assert page.title() == "gafas: who wears glasses?"
    page.reload()
    page.locator("html.ready").wait_for()
    expect(html).to_have_attribute("lang", "en")
    expect(page.get_by_role("button", name="English")).to_have_attribute("aria-pressed", "true")


def test_answers_change_their_language_too(page: Page, photos: list[Path]) -> None:
    give(page, photos)
    page.get_by_role("button", name="Español").click()
    expect(card(page, photos[0].name).locator(".line")).to_contain_text("gafas graduadas")
    expect(card(page, photos[0].name).locator(".line")).to_contain_text(",")  # the decimal one
    expect(page.locator(".summary")).to_have_text("6 fotos · 5 caras")
    expect(page.locator(".chip").nth(5)).to_contain_text("sin cara")


@pytest.mark.parametrize("language", ["en-GB", "es-ES"])
def test_a_phone_needs_no_scrolling_sideways(
    open_page: Open, photos: list[Path], language: str
) -> None:
    size = {"width": 360, "height": 740}
    page = open_page(viewport=size, locale=language, permissions=["camera"])
    assert width(page) == 360
    give(page, photos)
    assert width(page) == 360
    card(page, "two.png").locator(".open").click()
    expect(page.locator("#lightbox rect:not(.rim)")).to_have_count(2)
    assert width(page) == 360
    page.keyboard.press("Escape")
    page.locator("nav a").nth(1).click()
    page.locator(".start").click()
    expect(page.locator("#camera .tag")).to_have_count(1)
    assert width(page) == 360


def width(page: Page) -> int:
    found: int = page.evaluate("document.documentElement.scrollWidth")
    return found


def test_the_keyboard_reaches_everything_in_the_order_of_the_page(
    page: Page, photos: list[Path]
) -> None:
    give(page, photos[:1])
    page.locator("body").focus()
    met = []
    for _ in range(20):
        page.keyboard.press("Tab")
        name: str = page.evaluate(
            "(document.activeElement.className || document.activeElement.textContent).trim()"
        )
        met.append(name.split(" ")[-1] if name else "chip")
    order = ["skip", "brand", "Photos", "Camera", "ES", "EN", "choose", "choose-folder", "chip"]
    order += ["csv", "json", "clear", "open"]
    assert [name for name in met if name in order][: len(order)] == order


def test_a_hundred_photos_leave_the_page_quick(page: Page, tmp_path: Path) -> None:
    small = encode(faceless()[::4, ::4])
    paths = [tmp_path / f"{number:02}.jpg" for number in range(100)]
    for path in paths:
        path.write_bytes(small)
    page.evaluate(
        """() => { window.longest = 0; let last = performance.now();
            const tick = () => { const now = performance.now();
                window.longest = Math.max(window.longest, now - last); last = now;
                requestAnimationFrame(tick); };
            tick(); }"""
    )
    give(page, paths)
    assert page.evaluate("document.querySelectorAll('.card img').length") == 100
    assert page.evaluate("window.longest") < 4000  # a frozen page would draw no frame
