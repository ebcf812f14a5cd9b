"""A running service, and the page in a real browser."""

import base64
import contextlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from face_photos import crowd, encode, faceless, portrait
from gafas.results import ImageArray

NAME = "gafas.test"
"""A name that the browser finds at this computer, and does not take for it."""

expect.set_options(timeout=60_000)  # the processor may have other work


@contextlib.contextmanager
def serving(
    *options: str, program: Sequence[str] = ("-m", "gafas.cli"), **environment: str
) -> Iterator[str]:
    """Run `gafas serve` as a process of its own; yield its address."""
    command = [sys.executable, *program, "serve", *options]
    if "--port" not in options:
        command += ["--port", "0"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ) as process:
        assert process.stderr is not None
        try:
            told = process.stderr.readline()
            found = re.search(r"http://\S+", told)
            assert found, told + process.stderr.read()
            yield found[0]
        finally:
            process.terminate()
            try:
                process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def write_photos(folder: Path) -> list[Path]:
    """Write photos of all kinds: one with a name for quotes, one turned, one broken, one hidden."""
    turned = Image.fromarray(portrait()).rotate(90, expand=True)  # EXIF 6 says: turn it back
    two = crowd([(0, 0), (520, 0)], size=(1040, 600), tall=600)
    contents = {
        'señora, "uno".jpg': encode(portrait()),
        "turned.jpg": encode(np.asarray(turned), orientation=6),
        "broken.jpg": b"dear diary, this is no photo",
        "two.png": encode(two, "PNG"),
        "landscape.webp": encode(faceless(), "WEBP"),
        "scan.pgm": encode(np.asarray(Image.fromarray(portrait()).convert("L")), "PPM"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in contents]


def write_film(path: Path) -> Path:
    """Write a film of the portrait, which the browser shows in place of a camera."""
    frame = Image.new("RGB", (640, 480), (90, 110, 130))
    frame.paste(Image.fromarray(portrait()).resize((410, 480)), (115, 0))
    light, blue, red = frame.convert("YCbCr").split()
    small = [np.asarray(plane.resize((320, 240))).tobytes() for plane in (blue, red)]
    picture = b"FRAME\n" + np.asarray(light).tobytes() + b"".join(small)
    path.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n" + picture * 10)
    return path


def give(page: Page, photos: Sequence[Path]) -> None:
    """Choose photos and wait until all have been dealt with."""
    page.set_input_files("#files", photos)
    expect(page.locator(".card")).to_have_count(len(photos))
    wait_till_done(page)


def wait_till_done(page: Page) -> None:
    """Wait until nothing is under way: neither answers nor small pictures."""
    expect(page.locator(".card:is([data-state=waiting], [data-state=working])")).to_have_count(0)
    expect(page.locator(".running")).to_be_hidden()
    expect(page.locator(".card[data-state=answered]:not(:has(img))")).to_have_count(0)


def card(page: Page, name: str) -> Locator:
    """Return the card of the photo of that name."""
    return page.locator(".card").filter(has=page.get_by_text(name, exact=True))


def download(page: Page, button: str) -> str:
    """Click a button that downloads, and return the file's text."""
    with page.expect_download() as coming:
        page.locator(button).click()
    return coming.value.path().read_bytes().decode()


def read_picture(image: Locator) -> ImageArray:
    """Return what an image element shows, in its own pixels."""
    url: str = image.evaluate(
        """async (image) => {
            image.loading = "eager";
            await image.decode();
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
            canvas.getContext("2d").drawImage(image, 0, 0);
            return canvas.toDataURL("image/png");
        }"""
    )
    data = base64.b64decode(url.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def list_filters(page: Page) -> dict[str, int]:
    """Return what the filters say they hold."""
    return {
        chip.locator("input").get_attribute("value") or "": int(
            chip.locator(".number").text_content() or "-1"
        )
        for chip in page.locator(".chip").all()
    }


def show(page: Page, kind: str) -> None:
    """Choose a filter."""
    page.locator(f".chip input[value={kind}]").check()


def shown(page: Page) -> list[str]:
    """Return the names of the photos that are not filtered out."""
    names: list[Any] = page.locator(".card:visible .name").all_text_contents()
    return names
