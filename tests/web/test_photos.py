"""Photos on the page: answers, filters, downloads."""

import base64
import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from typer.testing import CliRunner

from face_photos import crowd, encode, faceless, portrait
from gafas.cli import app
from gafas.images import load_image
from gafas.results import ImageArray
from web.conftest import Open
from web.driving import (
    card,
    download,
    give,
    list_filters,
    read_picture,
    serving,
    show,
    shown,
    wait_till_done,
)


def predict(photos: list[Path], form: str, patch: pytest.MonkeyPatch) -> str:
    """Return what the command line writes, the photos named as on the page."""
    patch.chdir(photos[0].parent)
    return CliRunner().invoke(app, ["predict", form, *(path.name for path in photos)]).stdout


def test_every_photo_gets_its_card_and_every_filter_its_count(
    page: Page, photos: list[Path]
) -> None:
    give(page, photos)
    assert shown(page) == [path.name for path in photos]
    counts = {"sunglasses": 0, "eyeglasses": 4, "none": 0, "unsure": 0, "no-face": 1, "error": 1}
    assert list_filters(page) == {"all": 6, **counts}
    expect(card(page, "two.png").locator(".line")).to_have_count(2)
    expect(card(page, "two.png").locator(".bar > span")).to_have_count(6)
    expect(card(page, "broken.jpg")).to_contain_text("This is no photo")
    expect(page.locator(".summary")).to_have_text("6 photos · 5 faces")
    expect(page.locator("#live")).to_have_text("Done: 6 photos · 5 faces.")


def test_filters_show_the_photos_that_they_count(page: Page, photos: list[Path]) -> None:
    give(page, photos)
    show(page, "no-face")
    expect(page.locator(".card:visible")).to_have_count(1)
    assert shown(page) == ["landscape.webp"]
    show(page, "error")
    expect(card(page, "landscape.webp")).to_be_hidden()
    assert shown(page) == ["broken.jpg"]
    show(page, "sunglasses")
    expect(page.locator(".nothing")).to_be_visible()
    show(page, "all")
    expect(page.locator(".card:visible")).to_have_count(6)


def test_downloads_are_what_the_command_line_writes_to_the_last_digit(
    page: Page, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    give(page, photos)
    assert download(page, ".csv") == predict(photos, "--csv", monkeypatch)
    lines = predict(photos, "--json", monkeypatch).splitlines()
    assert len(lines) == 6
    assert download(page, ".json") == "[\n" + ",\n".join(lines) + "\n]\n"


def test_no_name_reaches_a_spreadsheet_as_a_formula(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [tmp_path / name for name in ("=1+1.png", "@a.png", "'b.png", "c-d.png")]
    for path in photos:
        path.write_bytes(encode(faceless(), "PNG"))
    give(page, photos)
    table = download(page, ".csv")
    assert table == predict(photos, "--csv", monkeypatch)
    assert [line[:3] for line in table.splitlines()[1:]] == ["'=1", "'@a", "''b", "c-d"]


def test_numbers_are_written_as_they_came(page: Page) -> None:
    text = '{"photo": "1.0, 2e-05", "width": 2, "height": 1, "error": null, "faces": [{"box": '
    text += '[0.0, -1.50, 2.0, 1e-05], "landmarks": [], "confidence": null, "label": "none", '
    text += '"probabilities": {"none": 1.0, "sunglasses": 0.0}}]}'
    table: str = page.evaluate(
        """text => import("/static/downloads.js").then(
            (all) => all.toCsv([text], ["none", "sunglasses"]),
        )""",
        text,
    )
    (row,) = csv.DictReader(io.StringIO(table))
    assert row["photo"] == "1.0, 2e-05"
    assert [row[name] for name in ("width", "x1", "y1", "y2")] == ["2", "0.0", "-1.50", "1e-05"]
    assert [row[name] for name in ("confidence", "none", "sunglasses")] == ["", "1.0", "0.0"]


TURN = {
    1: [],
    3: [Image.Transpose.ROTATE_180],
    6: [Image.Transpose.ROTATE_90],
    8: [Image.Transpose.ROTATE_270],
    5: [Image.Transpose.TRANSPOSE],
}


@pytest.mark.parametrize(
    ("kind", "orientation"), [("JPEG", 6), ("JPEG", 3), ("JPEG", 5), ("WEBP", 8), ("PNG", 6)]
)
def test_small_pictures_are_upright_as_boxes_are(
    page: Page, tmp_path: Path, kind: str, orientation: int
) -> None:
    lying = Image.fromarray(portrait())
    for turn in TURN[orientation]:
        lying = lying.transpose(turn)
    path = tmp_path / "a"
    path.write_bytes(encode(np.asarray(lying), kind, orientation=orientation))
    give(page, [path])
    expected = load_image(path)
    assert np.abs(expected.astype(int) - portrait()).mean() < 8  # the test turned it rightly
    assert differ(read_picture(page.locator(".card img")), expected) < 8


def differ(one: ImageArray, other: ImageArray) -> float:
    resized = Image.fromarray(other).resize((one.shape[1], one.shape[0]))
    return float(np.abs(one.astype(int) - np.asarray(resized)).mean())


@pytest.mark.parametrize("kind", ["PPM", "TIFF"])
def test_a_format_that_the_browser_does_not_know_is_shown_all_the_same(
    page: Page, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "a").write_bytes(encode(portrait(), kind))
    give(page, [tmp_path / "a"])
    assert differ(read_picture(page.locator(".card img")), portrait()) < 8  # nothing is drawn on it


def test_boxes_lie_where_the_answer_says(page: Page, photos: list[Path]) -> None:
    give(page, [photos[0]])
    (answer,) = json.loads(download(page, ".json"))
    x1, _, _, y2 = answer["faces"][0]["box"]
    stage = page.locator(".card .stage").bounding_box()
    box = page.locator(".card rect:not(.rim)").bounding_box()
    assert stage
    assert box
    scale = stage["width"] / answer["width"]
    assert box["x"] - stage["x"] == pytest.approx(x1 * scale, abs=2)
    assert box["y"] + box["height"] - stage["y"] == pytest.approx(y2 * scale, abs=2)


def test_a_crowd_names_three_faces_and_counts_the_others(page: Page, tmp_path: Path) -> None:
    places = [(at * 210, 0) for at in range(5)]
    (tmp_path / "a.png").write_bytes(encode(crowd(places, size=(1060, 260), tall=240), "PNG"))
    give(page, [tmp_path / "a.png"])
    expect(page.locator(".card .line")).to_have_count(3)
    expect(page.locator(".card .lines")).to_contain_text("and 2 more")
    expect(page.locator(".card rect:not(.rim)")).to_have_count(5)


def test_a_folder_gives_its_photos_under_their_paths(page: Page, tmp_path: Path) -> None:
    for name in ("in/b.png", "in/deep/a.png", "in/notes.txt", "in/.hidden.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(encode(faceless(), "PNG"))
    page.set_input_files("#folder", tmp_path / "in")
    wait_till_done(page)
    assert sorted(shown(page)) == ["in/b.png", "in/deep/a.png"]


def test_folders_and_photos_may_be_dropped_together(page: Page, tmp_path: Path) -> None:
    for name in ("in/b.png", "in/deep/a.png", "in/notes.txt", "c.png", "d.bmp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(encode(faceless(), "PNG"))
    paths = [str(tmp_path / name) for name in ("c.png", "in", "d.bmp")]
    data = {"items": [], "files": paths, "dragOperationsMask": 1}
    browser = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        browser.send("Input.dispatchDragEvent", {"type": kind, "x": 400, "y": 300, "data": data})
    expect(page.locator(".card")).to_have_count(4)
    wait_till_done(page)
    assert shown(page) == ["c.png", "in/b.png", "in/deep/a.png", "d.bmp"]


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_photos_may_be_dropped_and_pasted(page: Page, event: str) -> None:
    page.evaluate(
        """([event, bytes]) => {
            const carried = new DataTransfer();
            const data = Uint8Array.from(atob(bytes), (sign) => sign.charCodeAt(0));
            carried.items.add(new File([data], "given.png", { type: "image/png" }));
            const options = { bubbles: true, cancelable: true };
            document.body.dispatchEvent(
                event === "drop"
                    ? new DragEvent("drop", { ...options, dataTransfer: carried })
                    : new ClipboardEvent("paste", { ...options, clipboardData: carried }),
            );
        }""",
        [event, base64.b64encode(encode(faceless(), "PNG")).decode()],
    )
    expect(page.locator(".card .lines")).to_have_text("No face found")
    assert shown(page) == ["given.png"]


def test_unsure_answers_are_told_and_counted(open_page: Open, photos: list[Path]) -> None:
    with serving("--threshold", "1") as url:
        page = open_page(url)
        give(page, [photos[0]])
        assert list_filters(page)["unsure"] == 1
        expect(page.locator(".tag")).to_have_text("unsure")
        page.locator(".open").click()
        expect(page.locator("#lightbox .tag")).to_have_text("unsure: eyeglasses 99%?")


def test_only_the_largest_face_may_be_asked_for(
    page: Page, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos[0].parent)
    lines = [
        CliRunner().invoke(app, ["predict", "--json", *words, "two.png"]).stdout
        for words in ([], ["--largest"])
    ]
    assert len(lines[1]) < len(lines[0])
    give(page, [photos[3]])
    for line, faces in ((lines[1], 1), (lines[0], 2)):
        page.locator(".largest").click()
        expect(page.locator(".card rect.rim")).to_have_count(faces)
        wait_till_done(page)
        assert download(page, ".json") == f"[\n{line.strip()}\n]\n"
        page.locator(".card .open").click()
        with page.expect_request("**/v1/explain*") as asked:
            page.locator(".heat").click()
        assert asked.value.url.endswith("largest=true") == (faces == 1)
        page.keyboard.press("Escape")


def test_clear_empties_the_page_and_frees_the_pictures(page: Page, photos: list[Path]) -> None:
    give(page, photos)
    url = page.locator(".card img").first.get_attribute("src")
    page.locator(".clear").click()
    expect(page.locator(".card")).to_have_count(0)
    expect(page.locator(".tools")).to_be_hidden()
    expect(page.locator(".choose")).to_be_focused()
    lost = "url => new Promise((done) => { const i = new Image(); i.onload = () => done(false);"
    assert page.evaluate(lost + "i.onerror = () => done(true); i.src = url; })", url)
    give(page, photos[:2])  # and starts anew
