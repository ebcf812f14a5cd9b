"""The page without a service: the same answers from the browser alone, also without a network."""

import base64
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect
from tools import app as APP
from tools.hosting import hosting

from brightness_model import brightness_model
from face_photos import encode, portrait
from gafas.classifier import EyewearClassifier
from gafas.errors import DataError
from gafas.recognizer import Recognizer
from gafas.service.app import WEB
from gafas.service.middleware import LOCAL_HEADERS
from web.conftest import Open
from web.driving import card, download, give, serving
from web.test_access import check, width

if not APP.RUNTIME.exists():
    pytest.skip("run `npm ci` (with npm, `make test` does)", allow_module_level=True)

SHOWN = ('señora, "uno".jpg', "turned.jpg", "two.png", "landscape.webp")
"""Of the photos those that every browser shows."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    APP.write_app(folder / "gafas")  # not at the root, as on the pages of a project
    return folder


@pytest.fixture(scope="module")
def site(built: Path) -> Iterator[str]:
    with hosting(built) as url:
        yield f"{url}/gafas/"


@pytest.fixture
def app(open_page: Open, site: str) -> Page:
    page = open_page(site)
    wait_till_able(page)
    return page


def wait_till_able(page: Page) -> None:
    """Wait until the models are there, and everything is kept for times without a network."""
    page.locator("html.able").wait_for()
    page.evaluate("navigator.serviceWorker.ready")
    page.wait_for_function("() => navigator.serviceWorker.controller")


def choose(photos: list[Path]) -> list[Path]:
    return [path for path in photos if path.name in SHOWN]


def test_the_browser_alone_answers_as_python_does(app: Page, photos: list[Path]) -> None:
    chosen, recognizer = choose(photos), Recognizer()
    give(app, chosen)
    lines = download(app, ".json").splitlines()[1:-1]
    expected = [
        json.dumps(recognizer.recognize(path).to_dict() | {"photo": path.name}, ensure_ascii=False)
        for path in chosen
    ]
    assert len(lines) == len(expected) == 4
    numbers = re.compile(r"-?\d+\.\d+")
    for line, text in zip(lines, expected, strict=True):
        assert numbers.sub("#", line.removesuffix(",")) == numbers.sub("#", text)
        found, wanted = (list(map(float, numbers.findall(one))) for one in (line, text))
        assert found == pytest.approx(wanted, abs=0.1001)


def test_what_no_browser_shows_and_what_is_no_photo_is_said_to_be_so(
    app: Page, photos: list[Path]
) -> None:
    give(app, photos)
    for name in ("broken.jpg", "scan.pgm"):
        expect(card(app, name)).to_contain_text("or its kind is not known here")
    assert "expected JPEG, PNG, WebP, GIF, BMP or AVIF" in download(app, ".csv")


def test_what_this_engine_cannot_do_is_not_shown(app: Page, photos: list[Path]) -> None:
    expect(app.locator(".private")).to_contain_text("this browser alone looks at them")
    expect(app.locator(".drop .note")).not_to_contain_text("TIFF")
    expect(app.get_by_role("link", name="HTTP interface")).to_have_count(0)
    give(app, choose(photos)[:1])
    app.locator(".card .open").click()
    expect(app.locator("#lightbox rect:not(.rim)")).to_have_count(1)
    expect(app.locator(".heat")).to_be_hidden()


def test_only_the_largest_face_can_be_asked_for(app: Page, photos: list[Path]) -> None:
    give(app, [path for path in photos if path.name == "two.png"])
    expect(app.locator(".card .line")).to_have_count(2)
    app.get_by_label("Only the largest face").check()
    expect(app.locator(".card .line")).to_have_count(1)


def test_the_card_of_the_model_is_there(app: Page) -> None:
    app.get_by_role("link", name="The model").click()
    expect(app.locator(".article table").first).to_be_visible()
    app.get_by_role("link", name="Back to the photos").click()
    wait_till_able(app)


def test_axe_finds_nothing_wrong_and_a_phone_needs_no_scrolling_sideways(
    open_page: Open, site: str, photos: list[Path]
) -> None:
    page = open_page(site, viewport={"width": 390, "height": 740}, locale="es-ES")
    wait_till_able(page)
    expect(page.locator(".private")).to_contain_text("solo las mira este navegador")
    check(page)
    give(page, choose(photos))
    assert width(page) == 390
    check(page)


def test_after_the_first_visit_no_network_is_needed(
    open_page: Open, built: Path, photos: list[Path]
) -> None:
    with hosting(built) as url:
        page = open_page(f"{url}/gafas/", permissions=["camera"])
        wait_till_able(page)
    page.reload()  # nobody serves it any more
    wait_till_able(page)
    assert page.evaluate("crossOriginIsolated")
    give(page, choose(photos))
    expect(page.locator(".summary")).to_have_text("4 photos · 4 faces")
    page.get_by_role("link", name="Camera").click()
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#camera .tag")).to_contain_text("eyeglasses")
    page.get_by_role("button", name="Stop the camera").click()


def test_a_newer_version_is_offered_and_not_forced(
    open_page: Open, built: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "site"
    shutil.copytree(built / "gafas", folder)
    with hosting(folder) as url:
        page = open_page(url)
        wait_till_able(page)
        contents = (folder / "contents.js").read_text("utf-8")
        newer = re.sub(r'"version": "\w+"', '"version": "newer"', contents)
        assert newer != contents
        (folder / "contents.js").write_text(newer, "utf-8")
        page.reload()
        expect(page.locator(".update")).to_contain_text("There is a newer version of this page.")
        check(page)
        assert page.evaluate("caches.keys()") != ["gafas-newer"]
        with page.expect_event("load"):
            page.get_by_role("button", name="Use it now").click()
        wait_till_able(page)
        expect(page.locator(".update")).to_have_count(0)
        assert page.evaluate("caches.keys()") == ["gafas-newer"]


def test_the_page_is_as_guarded_as_that_of_the_service(app: Page) -> None:
    app.reload()
    wait_till_able(app)
    policy = app.evaluate("fetch('./').then((one) => one.headers.get('content-security-policy'))")
    assert policy == LOCAL_HEADERS["Content-Security-Policy"]
    assert "unsafe-eval" not in policy.replace("'wasm-unsafe-eval'", "")
    first = app.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
    assert first  # for the first visit, before any service worker
    assert f"{first} frame-ancestors 'none'" == policy


def test_a_page_in_use_stays_quick_while_many_photos_are_recognized(
    app: Page, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number:03}.jpg" for number in range(60)]
    for path in paths:
        path.write_bytes(encode(portrait()[::2, ::2]))
    app.evaluate(
        """() => { window.longest = 0; let last = performance.now();
            const tick = () => { const now = performance.now();
                window.longest = Math.max(window.longest, now - last); last = now;
                setTimeout(tick); };
            tick(); }"""
    )
    give(app, paths)
    expect(app.locator(".summary")).to_have_text("60 photos · 60 faces")
    # One photo takes longer than this only where the page itself recognizes.
    assert app.evaluate("window.longest") < 1000


def test_the_service_offers_the_page_where_it_was_built_in(
    open_page: Open, built: Path, photos: list[Path]
) -> None:
    code = f"""
from pathlib import Path
from typing import Any
from gafas.cli import main
from gafas.service import app
app.BUILT = Path({str(built / "gafas")!r})
main()
"""
    with serving("--local", program=("-c", code)) as url:
        assert url.endswith("/local/")
        page = open_page(url)
        wait_till_able(page)
        give(page, choose(photos)[:1])
        expect(page.locator(".summary")).to_have_text("1 photo · 1 face")


def test_the_build_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(APP, "RUNTIME", tmp_path)
    with pytest.raises(DataError, match="npm ci"):
        APP.write_app(tmp_path / "site")


def test_the_icons_show_what_the_picture_of_the_page_shows() -> None:
    colours = set(re.findall(r"#[0-9a-f]{6}", (WEB / "icon.svg").read_text("utf-8")))
    assert len(colours) == 3
    for side in APP.ICONS:
        picture = np.asarray(Image.open(io.BytesIO(APP.draw_icon(side))))
        assert picture.shape == (side, side, 3)
        places = {(0.02, 0.02), (0.33, 0.51), (0.68, 0.51), (0.68, 0.4)}
        seen = {picture[int(y * side), int(x * side)].tobytes().hex() for x, y in places}
        assert {f"#{one}" for one in seen} == colours


def test_the_example_of_the_page_about_it_runs(open_page: Open, built: Path, site: str) -> None:
    root = Path(__file__).resolve().parents[2]
    text = (root / "docs/how-to/browser.md").read_text("utf-8")
    (example,) = re.findall(r"```html\n(.*?)```", text, flags=re.DOTALL)
    assert len(example.splitlines()) <= 20
    (built / "gafas" / "example.html").write_text(example, "utf-8")
    page = open_page(f"{site}example.html", ready=False)
    file: FilePayload = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": encode(portrait())}
    page.set_input_files("input", file)
    expect(page.locator("pre")).to_contain_text(re.compile(r"^eyeglasses 0\.99\d at \d"))


def test_what_the_types_say_is_what_the_module_gives(app: Page) -> None:
    given: list[str] = app.evaluate("import('./engine/gafas.js').then(Object.keys)")
    types = (WEB / "engine" / "gafas.d.ts").read_text("utf-8")
    promised = set(re.findall(r"export (?:function|class|const) (\w+)", types))
    assert promised == set(given)
    assert len(given) == 5


def test_what_an_element_shows_is_recognized_as_its_file_is(app: Page) -> None:
    told: list[dict[str, Any]] = app.evaluate(
        """async (file) => {
            const { recognize } = await import("./engine/gafas.js");
            const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
            const blob = new Blob([bytes]);
            const image = await createImageBitmap(blob);
            const canvas = new OffscreenCanvas(image.width, image.height);
            canvas.getContext("2d").drawImage(image, 0, 0);
            const name = "a.png";
            const sources = [blob, image, canvas];
            return Promise.all(sources.map((source) => recognize(source, { name })));
        }""",
        base64.b64encode(encode(portrait(), "PNG")).decode(),
    )
    assert [len(one["faces"]) for one in told] == [1, 1, 1]
    assert told[0] == told[1] == told[2]


def test_the_page_may_carry_weights_that_a_company_may_use(
    open_page: Open, tmp_path: Path, photos: list[Path]
) -> None:
    APP.write_app(tmp_path, model="free")
    with hosting(tmp_path) as url:
        page = open_page(url)
        wait_till_able(page)
        chosen = choose(photos)
        give(page, chosen)
        about = json.loads((tmp_path / "about.json").read_text("utf-8"))
        assert about["sha256"] == EyewearClassifier("free").sha256
        assert about["card"]
        lines = download(page, ".json").splitlines()[1:-1]
        recognizer = Recognizer("free")
        assert len(lines) == 4
        for line, path in zip(lines, chosen, strict=True):
            found = json.loads(line.removesuffix(","))["faces"]
            expected = recognizer.recognize(path).to_dict()["faces"]
            assert [face["label"] for face in found] == [face["label"] for face in expected]
            numbers = [list(face["probabilities"].values()) for face in found]
            wanted = [list(face["probabilities"].values()) for face in expected]
            assert np.array(numbers) == pytest.approx(np.array(wanted), abs=0.005)


def test_a_model_of_whole_photos_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "whole.onnx").write_bytes(brightness_model())
    with pytest.raises(DataError, match="looks at faces"):
        APP.write_app(tmp_path / "site", model=str(tmp_path / "whole.onnx"))
