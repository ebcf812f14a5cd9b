"""The same photo gives the same numbers at every door, to the last digit."""

import json
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page
from typer.testing import CliRunner

from gafas.cli import app
from gafas.recognizer import Recognizer
from web.driving import download, give


def test_python_command_line_service_and_page_agree(
    page: Page, service: str, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    readable = [path for path in photos if path.name != "broken.jpg"]
    recognizer = Recognizer()
    python = [recognizer.recognize(path).to_dict() | {"photo": path.name} for path in readable]
    monkeypatch.chdir(readable[0].parent)
    words = ["predict", "--json", *(path.name for path in readable)]
    told = CliRunner().invoke(app, words)
    lines = told.stdout_bytes.decode().splitlines()
    assert [json.dumps(one, ensure_ascii=False) for one in python] == lines
    assert [ask(service, path) for path in readable] == lines
    files = [
        ("photos", (path.name, path.read_bytes())) for path in readable if '"' not in path.name
    ]
    form = httpx.post(f"{service}/v1/recognize", files=files).text
    assert form == "[" + ", ".join(line for line in lines if r"\"" not in line) + "]"
    give(page, readable)
    assert download(page, ".json").splitlines() == [
        "[",
        *(f"{one}," for one in lines[:-1]),
        lines[-1],
        "]",
    ]
    assert sum(len(one["faces"]) for one in python) == 5


def ask(service: str, path: Path) -> str:
    """Return the service's answer about one photo, as it came."""
    params = {"name": path.name}
    return httpx.post(f"{service}/v1/recognize", params=params, content=path.read_bytes()).text
