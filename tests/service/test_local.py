"""The page that recognizes in the browser alone, given out by the service."""

from pathlib import Path

import pytest

from gafas.errors import ServiceError
from gafas.recognizer import Recognizer
from gafas.service import app as APP
from gafas.service.middleware import LOCAL_HEADERS, SAFE_HEADERS
from gafas.service.settings import Access
from service_client import Door


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>here</title>", "utf-8")
    monkeypatch.setattr(APP, "BUILT", folder)
    return folder


def test_the_page_is_offered_beside_the_other_with_headers_of_its_own(
    built: Path, recognizer: Recognizer
) -> None:
    door = Door(recognizer, access=Access(keys=("secret",)))
    place = APP.offer_local(door.app)
    here, there = door.get(place), door.get("/")
    assert here.text == (built / "index.html").read_text("utf-8")
    assert {name: here.headers[name] for name in LOCAL_HEADERS} == LOCAL_HEADERS
    assert here.headers["cache-control"] == "no-cache"
    assert {name: there.headers[name] for name in SAFE_HEADERS} == SAFE_HEADERS
    assert "Cross-Origin-Embedder-Policy" not in there.headers
    assert door.get(f"{place}nothing.js").status_code == 404


def test_a_package_that_was_built_without_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recognizer: Recognizer
) -> None:
    monkeypatch.setattr(APP, "BUILT", tmp_path)
    with pytest.raises(ServiceError, match="make site-app"):
        APP.offer_local(Door(recognizer).app)
