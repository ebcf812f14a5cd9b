"""The page of an audit in a browser: ticked, chosen, downloaded, and heeded."""

from pathlib import Path

import pytest

from audited_photos import WRONG, write_audited
from gafas.classifier import EyewearClassifier
from gafas.datasets.folders import read_labelled
from gafas.evaluation.audit import audit
from gafas.report.audited import write_audit_page
from gafas.weights import read_model
from web.conftest import Open


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_audited(tmp_path_factory.mktemp("audited"))


@pytest.fixture(scope="module")
def audited(photos: Path) -> Path:
    found = audit(read_labelled(photos), EyewearClassifier(read_model("free")))
    write_audit_page(found, photos.parent / "found.html", language="es")
    return photos.parent / "found.html"


def test_what_is_ticked_comes_down_as_corrections_that_the_folder_heeds(
    open_page: Open, audited: Path, photos: Path
) -> None:
    page = open_page(audited.as_uri(), ready=False, viewport={"width": 390, "height": 800})
    button = page.get_by_role("button", name="Descargar corrections.csv")
    assert button.is_disabled()
    card = page.locator(f'#suspect .card[data-name="{WRONG}"]')
    card.get_by_role("checkbox").check()
    assert card.get_by_role("combobox").input_value() == "eyeglasses"  # what is suspected
    # The same photo is found for another reason: its other cards say the same.
    twin = page.locator(f'#conflict .card[data-name="{WRONG}"]').first
    assert twin.get_by_role("checkbox").is_checked()
    page.locator("#dark .card").get_by_role("checkbox").check()
    page.locator("#dark .card").get_by_role("checkbox").uncheck()
    assert page.get_by_role("status").inner_text() == "1 corrección"
    sky = page.locator("#no-face .card")
    assert sky.get_by_role("combobox").input_value() == ""  # to be left out
    sky.get_by_role("combobox").select_option("none")  # who chooses need not tick
    assert sky.get_by_role("checkbox").is_checked()
    page.locator("#unreadable .card").get_by_role("checkbox").check()
    assert page.get_by_role("status").inner_text() == "3 correcciones"
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    with page.expect_download() as coming:
        button.click()
    coming.value.save_as(photos / "corrections.csv")
    labels = {one.name: one.label for one in read_labelled(photos)}
    (photos / "corrections.csv").unlink()
    assert labels[WRONG] == "eyeglasses"
    assert labels["eyeglasses/sky.jpg"] == "none"
    assert "eyeglasses/broken.jpg" not in labels
    assert len(labels) == 20


def test_an_earlier_page_is_replaced(audited: Path, photos: Path) -> None:
    found = audit(read_labelled(photos)[-1:], EyewearClassifier(read_model("free")))
    write_audit_page(found, audited, language="en")
    assert "Labels that may be wrong" in audited.read_text("utf-8")
