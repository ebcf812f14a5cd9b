"""The pages beside the first: of the HTTP interface, and of the model."""

import json
import re
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect

from brightness_model import brightness_model
from gafas.service.app import WEB
from web.conftest import Open
from web.driving import serving
from web.test_access import check, width

ROUTES = ["/v1/recognize", "/v1/annotate", "/v1/explain", "/v1/model", "/metrics", "/healthz"]


def open_docs(open_page: Open, service: str, **options: object) -> Page:
    page = open_page(f"{service}/docs", **options)
    expect(page.locator(".text h2").first).to_be_visible()
    return page


def test_every_route_and_object_is_described(open_page: Open, service: str) -> None:
    page = open_docs(open_page, service)
    described = httpx.get(f"{service}/openapi.json").json()
    titles = page.locator(".text h2").all_text_contents()
    assert sorted(title.partition(" ")[2] or title for title in titles) == sorted(
        [*described["paths"], "Objects"]
    )
    assert set(ROUTES) <= set(described["paths"])
    objects = page.locator(".text h3").all_text_contents()
    assert sorted(objects) == sorted(described["components"]["schemas"])
    text = page.locator(".text").inner_text()
    for sentence in ("Only this face, counted from 0", "The service asks for a key.", "list of"):
        assert sentence in text
    assert "undefined" not in text
    assert f"curl --data-binary @photo.jpg {service}/v1/annotate" in text
    examples = page.locator(".text pre").all_text_contents()
    shown = [json.loads(example) for example in examples if example.startswith("{")]
    assert shown[0]["faces"][0]["label"] == "sunglasses"


def test_a_service_that_teaches_describes_how(open_page: Open) -> None:
    with serving("--adapt", "--model", "free") as teaching:
        text = open_docs(open_page, teaching).locator(".text").inner_text()
        assert f"curl --json @lesson.json {teaching}/v1/adapt" in text
        assert "TaughtFace" in text
        assert "undefined" not in text


def test_it_is_found_from_the_page_and_fit_for_everybody(
    open_page: Open, service: str, photos: list[Path]
) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, locale="es-ES")
    page.get_by_role("link", name="interfaz HTTP").click()
    expect(page.locator(".text h2").first).to_be_visible()
    expect(page.locator("h1")).to_have_text("Interfaz HTTP")
    expect(page.locator(".other")).to_be_visible()
    assert width(page) == 390
    check(page)


def test_the_card_of_the_model_is_shown_as_it_was_rendered(open_page: Open, service: str) -> None:
    page = open_page(f"{service}/static/model.html", locale="es-ES")
    expect(page.locator(".text table").first).to_be_visible()
    expect(page.locator(".other")).to_be_visible()  # it is in English
    rendered = (WEB / "model-card.html").read_text("utf-8")
    assert page.locator(".text table").count() == rendered.count("<table>") > 10
    assert page.locator(".text h2").all_text_contents() == re.findall("<h2>(.*)</h2>", rendered)


def test_of_a_model_without_a_card_facts_are_told(open_page: Open, tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(brightness_model())
    with serving("--model", str(model)) as url:
        page = open_page(f"{url}/static/model.html")
        expect(page.locator(".text")).to_contain_text("This model brings no card.")
        told = httpx.get(f"{url}/v1/model").json()
        assert told["sha256"] in page.locator(".text dd").all_text_contents()
        check(page)
