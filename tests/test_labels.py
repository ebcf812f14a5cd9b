"""Labels and languages stand in one table; what has words or colours of its own agrees with it."""

import json
import re
from pathlib import Path

import pytest

import gafas
from gafas.classifier import EyewearClassifier
from gafas.datasets.samples import EYEWEAR_LABELS
from gafas.labels import LABELS, LANGUAGES, OTHER_COLOUR, UNSURE, Eyewear, choose_language
from gafas.weights import read_bundled

PACKAGE = Path(gafas.__file__).parent


def test_the_table_holds_the_labels_in_the_order_in_which_models_answer() -> None:
    assert [*EYEWEAR_LABELS, UNSURE] == list(LABELS)
    assert (
        EyewearClassifier(read_bundled("eyewear.onnx")).labels == EYEWEAR_LABELS == tuple(Eyewear)
    )
    assert len({OTHER_COLOUR, *(label.colour for label in LABELS.values())}) == len(LABELS) + 1


def test_every_label_has_a_word_in_every_language() -> None:
    assert all(tuple(label.words) == LANGUAGES for label in LABELS.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_calls_the_labels_as_the_table_does(language: str) -> None:
    page = json.loads((PACKAGE / "web" / f"{language}.json").read_text("utf-8"))
    words = {name: label.words[language] for name, label in LABELS.items()}
    assert {name: page[f"label.{name}"] for name in LABELS} == words


def test_the_page_speaks_the_same_languages_and_shows_the_same_colours() -> None:
    script = (PACKAGE / "web/language.js").read_text("utf-8")
    listed = re.search(r"const LANGUAGES = \[(.*)\]", script)
    assert listed
    assert tuple(json.loads(f"[{listed[1]}]")) == LANGUAGES
    drawing = (PACKAGE / "web/drawing.js").read_text("utf-8")
    coloured = re.search(r"const KNOWN = (\[.*\]);", drawing)
    assert coloured
    assert json.loads(coloured[1]) == list(LABELS)
    style = (PACKAGE / "web/page.css").read_text("utf-8")
    shown = dict(re.findall(r"--(\w+): #(\w{6});", style))
    assert {name: shown[name] for name in LABELS} == {
        name: bytes(label.colour).hex() for name, label in LABELS.items()
    }


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "es_ES.UTF-8"}, "es"),
        ({"LANG": "es"}, "es"),
        ({"LANG": "est_EE"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "es_AR"}, "es"),
        ({"LANG": "es_ES.UTF-8", "LC_MESSAGES": "", "LC_ALL": "C"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_language_is_that_of_the_locale(environment: dict[str, str], language: str) -> None:
    assert choose_language(environment) == language
