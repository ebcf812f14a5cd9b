"""The page takes answers that a batch has kept, and sends only photos that have none."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from batch.parts import list_parts
from command_line import start
from web.driving import card, download, give, wait_till_done


def sent(page: Page) -> list[str]:
    """Return where photos are sent to from now on."""
    paths: list[str] = []
    page.on("request", lambda request: paths.append(urlsplit(request.url).path))
    return paths


def test_photos_with_an_answer_are_not_sent_and_show_it_to_the_digit(
    page: Page, photos: list[Path], tmp_path: Path
) -> None:
    with start("batch", photos[0].parent, tmp_path / "out", "--workers", 1) as process:
        assert process.wait(120) == 1  # one of them is broken
    give(page, photos)
    looked_at = download(page, ".json")
    page.locator(".clear").click()
    paths = sent(page)
    page.set_input_files("#files", [*photos, *list_parts(tmp_path / "out")])
    expect(page.locator(".card")).to_have_count(len(photos))
    wait_till_done(page)
    assert "/v1/answers" in paths
    assert "/v1/recognize" not in paths
    assert download(page, ".json").replace(str(photos[0].parent) + "/", "") == looked_at


def test_a_photo_that_has_changed_is_sent_and_foreign_files_are_refused(
    page: Page, photos: list[Path], tmp_path: Path
) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(photos[0].read_bytes())
    with start("batch", tmp_path, tmp_path / "out", "--workers", 1) as process:
        assert process.wait(120) == 0
    os.utime(photo, (1, 1))
    foreign = tmp_path / "foreign.parquet"
    foreign.write_bytes(b"PAR1 and no more")
    paths = sent(page)
    page.set_input_files("#files", [photo, foreign, *list_parts(tmp_path / "out")])
    expect(page.locator(".card")).to_have_count(2)
    wait_till_done(page)
    assert paths.count("/v1/recognize") == 1
    expect(card(page, "foreign.parquet")).to_contain_text("These answers cannot be used")
