"""Nothing on the Spanish page is English: neither what goes wrong nor what the server draws."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from face_photos import encode, faceless, portrait
from gafas.explanation import draw_explanations, explain
from gafas.recognizer import Recognizer
from web.conftest import Open
from web.driving import card, give, read_picture, serving

SPANISH = {"locale": "es-ES"}


@pytest.fixture
def troubles(tmp_path: Path) -> dict[str, Path]:
    """Return files that cannot be answered, and one that can, by name."""
    contents = {
        "fine.png": encode(faceless()[::4, ::4], "PNG"),
        "notes.jpg": b"dear diary, this is no photo",
        "cut.jpg": encode(portrait())[:9000],
        "pixels.png": encode(np.zeros((1100, 1000, 3), np.uint8), "PNG"),
        "bytes.png": bytes(200_000),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in contents}


def test_errors_are_told_in_the_pages_language_even_after_it_changed(
    open_page: Open, troubles: dict[str, Path]
) -> None:
    with serving("--max-megapixels", "1", "--max-mb", "0.15") as url:
        page = open_page(url, **SPANISH)
        give(page, list(troubles.values()))
        told = {
            "fine.png": "Ninguna cara encontrada",
            "notes.jpg": "No es una foto, o es de un tipo desconocido",
            "cut.jpg": "La foto está cortada o dañada.",
            "pixels.png": "admite 1 megapíxeles como mucho",
            "bytes.png": "admite 0,15 MB como mucho",
        }
        for name, sentence in told.items():
            expect(card(page, name)).to_contain_text(sentence)
            label = card(page, name).locator(".open").get_attribute("aria-label") or ""
            assert sentence in label
        page.get_by_role("button", name="English").click()
        expect(card(page, "cut.jpg")).to_contain_text("The photo is cut short or damaged.")


def test_a_server_that_fails_is_told_in_spanish(open_page: Open, troubles: dict[str, Path]) -> None:
    page = open_page(**SPANISH)
    page.route("**/v1/recognize*", lambda route: route.fulfill(status=502, body="<h1>Bad</h1>"))
    page.set_input_files("#files", troubles["fine.png"])
    sentence = "El servidor ha contestado con un error (HTTP 502)."
    expect(page.locator(".card .note")).to_have_text(sentence)


def test_downloads_keep_what_the_server_said(open_page: Open, troubles: dict[str, Path]) -> None:
    page = open_page(**SPANISH)
    give(page, [troubles["notes.jpg"]])
    with page.expect_download() as coming:
        page.locator(".json").click()
    assert "Cannot read the image" in coming.value.path().read_text("utf-8")


@pytest.mark.parametrize(("locale", "language"), [("es-ES", "es"), ("en-GB", "en")])
def test_the_heat_map_speaks_the_pages_language(
    open_page: Open, tmp_path: Path, locale: str, language: str
) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(encode(portrait()))
    page = open_page(locale=locale)
    give(page, [photo])
    page.locator(".card .open").click()
    shown = read_heat_map(page)
    reasons = explain(Recognizer(), photo.read_bytes())
    likeness = {
        name: np.abs(shown - draw_explanations(photo, reasons, language=name).astype(int)).mean()
        for name in ("en", "es")
    }
    assert likeness[language] < 2 < likeness["es" if language == "en" else "en"]


def read_heat_map(page: Page) -> "np.ndarray":
    image = page.locator("#lightbox .stage img")
    expect(image).to_be_visible()
    with page.expect_response("**/v1/explain"):
        page.locator(".heat").click()
    expect(page.locator(".busy")).to_be_empty()
    return read_picture(image).astype(int)
