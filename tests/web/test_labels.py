"""Labels on pictures: where several people stand together, on a phone and on a desk."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from face_photos import crowd, encode
from web.conftest import Open
from web.driving import card, give

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1200, "height": 800}

Rectangle = tuple[float, float, float, float]


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return photos of six people in two rows, and of two large ones side by side."""
    six = [(x, y) for y in (0, 330) for x in (0, 290, 580)]
    contents = {
        "six.png": crowd(six, size=(860, 660), tall=330),
        "two.png": crowd([(-100, -60), (310, -60)], size=(760, 560), tall=640),
    }
    folder = tmp_path_factory.mktemp("groups")
    for name, image in contents.items():
        (folder / name).write_bytes(encode(image, "PNG"))
    return [folder / name for name in contents]


def measure(page: Page, selector: str) -> list[Rectangle]:
    """Return where elements lie on the screen."""
    found: list[dict[str, Any]] = page.locator(selector).evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect().toJSON())"
    )
    return [(one["left"], one["top"], one["right"], one["bottom"]) for one in found]


def touch(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def check_places(page: Page, place: str) -> None:
    """Check that no label hides a face or another label, or is cut off."""
    (stage,) = measure(page, f"{place} .stage")
    tags, boxes = measure(page, f"{place} .tag"), measure(page, f"{place} rect.rim")
    assert len(tags) == len(boxes) > 1
    for tag in tags:
        assert stage[0] <= tag[0] < tag[2] <= stage[2]
        assert stage[1] <= tag[1] < tag[3] <= stage[3]
        assert not [box for box in boxes if touch(tag, box)]
        assert not [other for other in tags if other is not tag and touch(tag, other)]
    cut = "all => all.filter((one) => one.scrollWidth > one.clientWidth).length"
    assert page.locator(f"{place} .tag").evaluate_all(cut) == 0


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("language", ["en-GB", "es-ES"])
def test_no_label_hides_a_face_or_another_label_or_is_cut_off(
    open_page: Open, groups: list[Path], size: dict[str, int], language: str
) -> None:
    page = open_page(viewport=size, locale=language)
    give(page, groups)
    check_places(page, ".card:nth-child(2)")
    for path, faces in zip(groups, (6, 2), strict=True):
        card(page, path.name).locator(".open").click()
        expect(page.locator("#lightbox rect.rim")).to_have_count(faces)
        check_places(page, "#lightbox")
        page.keyboard.press("Escape")


def read_numbers(page: Page, selector: str) -> list[str]:
    texts = page.locator(selector).all_text_contents()
    return [found[0] for text in texts if (found := re.match(r"\d+", text))]


def test_list_and_picture_number_several_faces_alike(open_page: Open, groups: list[Path]) -> None:
    page = open_page(viewport=PHONE, locale="es-ES")
    give(page, groups)
    two = card(page, "two.png")
    expect(two.locator(".tag")).to_have_text(["1", "2"])
    expect(two.locator(".line .dot")).to_have_text(["1", "2"])
    assert "1: gafas graduadas" in (two.locator(".open").get_attribute("aria-label") or "")
    card(page, "six.png").locator(".open").click()
    expect(page.locator("#lightbox rect.rim")).to_have_count(6)
    assert sorted(read_numbers(page, "#lightbox .tag")) == list("123456")
    titles = page.locator("#lightbox h3").all_text_contents()
    assert [title[:9] for title in titles] == [f"{n}Cara {n}: " for n in range(1, 7)]


def test_a_face_alone_has_no_number(page: Page, photos: list[Path]) -> None:
    give(page, photos[:1])
    expect(page.locator(".card .tag")).to_have_text("eyeglasses")
    expect(page.locator(".card .line .dot")).to_have_text("")
    page.locator(".card .open").click()
    expect(page.locator("#lightbox .tag")).to_have_text(re.compile(r"eyeglasses 9\d%"))
    expect(page.locator("#lightbox h3")).to_have_text("eyeglasses")


def test_nothing_on_a_card_is_cut_off_on_a_phone(open_page: Open, groups: list[Path]) -> None:
    page = open_page(viewport=PHONE, locale="es-ES")
    give(page, groups)
    cards, lines = measure(page, ".card"), measure(page, ".card .line > *")
    assert len(lines) > 6
    for line in lines:
        assert any(left <= line[0] and line[2] <= right for left, _, right, _ in cards)
