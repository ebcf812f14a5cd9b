"""Corrections in the page: labels written, learnt, measured, and kept as a file that answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from gafas.recognizer import Recognizer
from own_labels import EACH, make_moments
from web.conftest import Open
from web.driving import serving


@pytest.fixture(scope="module")
def teaching() -> Iterator[str]:
    with serving("--adapt", "--model", "free") as url:
        yield url


@pytest.fixture(scope="module")
def moments(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("moments")
    for name, content in make_moments().items():
        (folder / name).write_bytes(content)
    return sorted(folder.iterdir())


def give(page: Page, photos: list[Path]) -> None:
    page.set_input_files("#files", photos)
    expect(page.locator('.card[data-state="answered"]')).to_have_count(len(photos))


def test_corrections_are_learnt_measured_and_kept_as_a_file(
    open_page: Open, teaching: str, moments: list[Path], tmp_path: Path
) -> None:
    page = open_page(teaching, viewport={"width": 390, "height": 800})
    give(page, moments)
    page.get_by_role("button", name="Correct answers").click()
    learn = page.get_by_role("button", name="Learn from these corrections")
    expect(learn).to_be_disabled()
    for path in moments:
        field = page.get_by_label(f"{path.name}: Right label of face 1")
        field.fill(path.name.split()[0])
        field.blur()
    field = page.get_by_label(f"{moments[0].name}: Right label of face 1")
    field.fill("Unsure")  # which is an answer, and no label
    field.blur()
    expect(field).to_have_value("")
    field.fill("OFFICE")
    field.blur()
    expect(field).to_have_value("office")
    expect(page.locator("#learning .counts")).to_contain_text(f"office: {EACH} (at least 6)")
    learn.click()
    expect(page.locator(".learnt")).to_contain_text("after: the new file")
    assert f"{2 * EACH} of {2 * EACH}" in page.locator(".learnt").inner_text()
    expect(page.locator(".learnt")).to_contain_text("does not know these labels")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    with page.expect_download() as coming:
        page.get_by_role("button", name="Download own-labels.onnx").click()
    coming.value.save_as(tmp_path / "own.onnx")
    (face,) = Recognizer(tmp_path / "own.onnx").recognize(moments[-1])
    assert face.label == "shaded"


def test_what_was_learnt_goes_with_the_photos(
    open_page: Open, teaching: str, moments: list[Path]
) -> None:
    page = open_page(teaching)
    give(page, moments)
    page.get_by_role("button", name="Correct answers").click()
    page.get_by_label("Answers that I did not change are right").check()
    page.get_by_role("button", name="Learn from these corrections").click()
    expect(page.locator(".learnt")).to_contain_text("after: the new file")
    page.locator(".clear").click()
    expect(page.locator("#learning")).to_be_hidden()
    give(page, moments[:1])
    expect(page.locator("#learning")).to_be_visible()
    expect(page.locator(".learnt")).to_be_empty()


def test_answers_count_as_right_only_where_that_is_said(
    open_page: Open, teaching: str, moments: list[Path]
) -> None:
    page = open_page(teaching, locale="es-ES")
    give(page, moments)
    page.get_by_role("button", name="Corregir respuestas").click()
    expect(page.locator("#learning .counts li")).to_have_count(0)
    page.get_by_label(f"{moments[0].name}: Etiqueta correcta").fill("gafas de sol")
    page.get_by_label(f"{moments[0].name}: Etiqueta correcta").blur()
    counts = page.locator("#learning .counts")
    expect(counts).to_have_text("gafas de sol: 1 (mínimo: 6)")  # the model's own label
    page.get_by_label("Las respuestas que no he cambiado son correctas").check()
    expect(counts.locator("li")).to_have_count(2)
    page.get_by_role("button", name="Aprender de estas correcciones").click()
    expect(page.locator(".learnt")).to_contain_text("antes: el modelo de aquí")


def test_what_cannot_be_learnt_is_said_in_a_sentence(
    open_page: Open, teaching: str, moments: list[Path], tmp_path: Path
) -> None:
    page = open_page(teaching)
    same = []
    for number in range(12):  # one moment, twelve times
        same.append(tmp_path / f"{number}.jpg")
        same[-1].write_bytes(moments[0].read_bytes())
    give(page, same)
    page.get_by_role("button", name="Correct answers").click()
    for number in range(12):
        field = page.get_by_label(f"{number}.jpg: Right label of face 1", exact=True)
        field.fill("yes" if number % 2 else "no")
        field.blur()
    page.get_by_role("button", name="Learn from these corrections").click()
    expect(page.locator("#learning .note")).to_contain_text("three moments")


def test_a_service_that_does_not_teach_offers_nothing(page: Page, photos: list[Path]) -> None:
    page.set_input_files("#files", photos[:1])
    expect(page.locator('.card[data-state="answered"]')).to_have_count(1)
    expect(page.locator(".correct")).to_be_hidden()
    expect(page.locator("#learning")).to_be_hidden()
