"""The large view of a photo."""

import re
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect

from web.driving import card, give, read_picture, show


def open_lightbox(page: Page, name: str) -> None:
    card(page, name).locator(".open").click()
    expect(page.locator("#lightbox .stage img")).to_be_visible()


def test_the_large_view_shows_the_boxes_and_every_probability(
    page: Page, photos: list[Path]
) -> None:
    give(page, photos)
    open_lightbox(page, "two.png")
    lightbox = page.locator("#lightbox")
    expect(lightbox.locator("h2")).to_have_text("two.png")
    expect(lightbox.locator(".place")).to_have_text("3 of 5")  # the broken one has no large view
    expect(lightbox.locator("rect:not(.rim)")).to_have_count(2)
    expect(lightbox.locator(".table .line")).to_have_count(6)
    expect(lightbox.locator(".facts")).to_contain_text("1040 × 600 pixels")
    tags = lightbox.locator(".tag")
    expect(tags).to_have_count(2)
    assert all(re.fullmatch(r"[12] eyeglasses 9\d%", text) for text in tags.all_text_contents())


def test_arrow_keys_lead_through_the_photos_that_are_shown(page: Page, photos: list[Path]) -> None:
    give(page, photos)
    show(page, "eyeglasses")
    card(page, photos[0].name).locator(".open").focus()
    page.keyboard.press("Enter")
    title = page.locator("#lightbox h2")
    expect(title).to_have_text(photos[0].name)
    expect(page.locator(".earlier")).to_be_disabled()
    for name in ("turned.jpg", "two.png", "scan.pgm", "scan.pgm"):
        page.keyboard.press("ArrowRight")
        expect(title).to_have_text(name)
    page.keyboard.press("ArrowLeft")
    expect(title).to_have_text("two.png")
    page.keyboard.press("Escape")
    expect(page.locator("#lightbox")).to_be_hidden()
    expect(card(page, "two.png").locator(".open")).to_be_focused()


def test_the_heat_map_comes_and_goes(page: Page, photos: list[Path]) -> None:
    give(page, photos)
    open_lightbox(page, photos[0].name)
    image = page.locator("#lightbox .stage img")
    plain = read_picture(image)
    with page.expect_response("**/v1/explain"):
        page.get_by_role("button", name="Heat map").click()
    expect(page.locator(".heat")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#lightbox .over svg")).to_have_count(0)
    heat = read_picture(image)
    assert heat.shape[0] > plain.shape[0]  # the legend lies below it
    colour = np.ptp(heat[: plain.shape[0]].astype(int), axis=2)
    assert 0 < np.mean(colour > 30) < 0.5  # grey, but for the map, the box and the label
    page.locator(".heat").click()
    expect(page.locator("#lightbox rect:not(.rim)")).to_have_count(1)
    assert np.array_equal(read_picture(image), plain)


def test_a_format_that_the_browser_does_not_know_is_converted_by_the_server(
    page: Page, photos: list[Path]
) -> None:
    give(page, photos)
    with page.expect_response("**/v1/annotate?plain=true"):
        open_lightbox(page, "scan.pgm")
    shown = read_picture(page.locator("#lightbox .stage img"))
    assert shown.shape[:2] == (600, 512)
    assert np.ptp(shown.astype(int), axis=2).max() < 12  # grey: boxes and labels are the page's
    expect(page.locator("#lightbox .tag")).to_have_count(1)
