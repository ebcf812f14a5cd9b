"""What the page is made of, without a browser."""

import json
import re
from pathlib import Path

import pytest

import gafas
from gafas.files import PHOTO_ENDINGS
from gafas.service.problems import REFUSALS

WEB = Path(gafas.__file__).parent / "web"
FOLDERS = (WEB, WEB / "engine")
SCRIPTS = sorted(path for folder in FOLDERS for path in folder.glob("*.js"))
CARD = WEB / "model-card.html"
PAGES = sorted(set(WEB.glob("*.html")) - {CARD})
CATALOGUES = {name: json.loads((WEB / f"{name}.json").read_text("utf-8")) for name in ("en", "es")}


def read_all(*suffixes: str) -> str:
    files = [
        path for folder in FOLDERS for path in sorted(folder.iterdir()) if path.suffix in suffixes
    ]
    return "\n".join(path.read_text("utf-8") for path in files)


def say_plainly(key: str) -> str:
    """Return the key of a sentence that one of the engines says otherwise."""
    return key.partition("@")[0]


def test_both_languages_say_the_same_things_with_the_same_values() -> None:
    english, spanish = CATALOGUES["en"], CATALOGUES["es"]
    assert len(english) > 80
    assert list(english) == list(spanish)
    assert all(english.values())
    assert all(spanish.values())
    for key, sentence in english.items():
        values = re.findall(r"\{\w+\}", sentence)
        assert sorted(values) == sorted(re.findall(r"\{\w+\}", spanish[key])), key


def test_every_sentence_is_used_and_every_one_that_is_used_exists() -> None:
    used = set(re.findall(r'data-(?:t|label)="([^"]+)"', read_all(".html")))
    code = read_all(".js")
    used |= set(re.findall(r'say\(\s*"([^"]+)"', code))
    used |= {f"{key}.{form}" for key in re.findall(r'count\("([^"]+)"', code) for form in FORMS}
    used |= set(re.findall(r'\? "([a-z]+\.[a-z.]+)" : "', code))
    used |= set(re.findall(r'" : "([a-z]+\.[a-z.]+)"', code))
    # These are said as `x.${state}`.
    made = ("label.", "state.", "filter.", "notice.", "problem.", "camera.", "fact.")
    assert used - set(CATALOGUES["en"]) == set()
    left = set(map(say_plainly, CATALOGUES["en"])) - used
    assert {key for key in left if not key.startswith(made)} == set()


FORMS = ("one", "other")


def test_what_an_engine_says_otherwise_is_a_sentence_of_the_page() -> None:
    english = CATALOGUES["en"]
    others = [key for key in english if "@" in key]
    assert len(others) > 5
    assert all(key.endswith("@browser") for key in others)
    assert [key for key in others if say_plainly(key) not in english] == []


UNMET = {
    *("host", "origin", "not-found", "method", "parameters", "media-type", "not-acceptable"),
    *("form", "no-photo", "too-many-photos", "no-such-face", "model"),
    *("http", "left"),
}
"""Refusals that nobody meets who uses the page: it asks for what there is, photo by photo."""


def test_every_refusal_that_a_person_may_meet_has_a_sentence() -> None:
    reasons = set(REFUSALS)
    assert UNMET - reasons == set()
    assert len(reasons - UNMET) > 8
    keys = map(say_plainly, CATALOGUES["es"])
    told = {key.removeprefix("problem.") for key in keys if "problem." in key}
    assert reasons - UNMET <= told
    assert told - reasons <= {"failed", "gone"}  # the page's own


def test_every_state_of_the_camera_has_a_title_and_a_text() -> None:
    code = (WEB / "camera.js").read_text("utf-8")
    states = set(re.findall(r'(?:show|stopCamera)\("(\w+)"', code))
    reasons = re.search(r"function findReason.*?\n}", code, flags=re.DOTALL)
    assert reasons
    states |= set(re.findall(r'(?:return|\?|:) "(\w+)"', reasons[0]))
    assert {"live", "asking", "refused", "missing", "lost", "failed"} <= states
    keys = {f"camera.{state}.{part}" for state in states for part in ("title", "text")}
    assert keys <= set(CATALOGUES["en"])


def test_a_folder_is_searched_for_the_same_endings_as_on_the_command_line() -> None:
    code = (WEB / "photos.js").read_text("utf-8")
    found = re.search(r"ENDINGS = \[(.*?)\]", code, flags=re.DOTALL)
    assert found
    assert {f".{ending}" for ending in re.findall(r'"(\w+)"', found[1])} == PHOTO_ENDINGS


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_hold_no_script_and_no_style_of_their_own(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"<style|style=|javascript:|\son\w+=", text)
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", text, flags=re.DOTALL)
    assert scripts == [""]


def test_the_card_is_text_and_tables_alone() -> None:
    found = re.findall(r"<(\w+)([^>]*)>", CARD.read_text("utf-8"))
    plain = {"h2", "h3", "p", "ul", "li", "strong", "em", "pre", "code"}
    assert {"h2", "table"} <= {tag for tag, _ in found}
    assert {tag for tag, _ in found} <= plain | {"div", "table", "thead", "tbody", "tr", "th", "td"}
    assert set(re.findall(r"\w+=", str(found))) <= {"class=", "tabindex="}


def test_nothing_is_taken_from_another_host_nor_for_html() -> None:
    text = read_all(".js", ".html", ".css")
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", text)


def test_modules_stay_small_and_say_what_they_are() -> None:
    assert len(SCRIPTS) > 10
    for path in SCRIPTS:
        lines = path.read_text("utf-8").splitlines()
        assert lines[0].startswith("/** "), path.name
        assert len(lines) <= 250, path.name
        assert max(map(len, lines)) <= 100, path.name
