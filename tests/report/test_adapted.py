"""The page about own labels, in both languages."""

from pathlib import Path

import pytest

from gafas.datasets.folders import read_labelled
from gafas.errors import DataError
from gafas.labels import LANGUAGES, Language
from gafas.report.adapted import write_adapted_page
from gafas.training.adapt import Adapted, adapt
from own_labels import write_own_labels


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> Adapted:
    return adapt(read_labelled(write_own_labels(tmp_path_factory.mktemp("own"))), model="free")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_tells_what_was_learnt_and_how_good_it_is(
    adapted: Adapted, language: Language, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    write_adapted_page(adapted, page, model=Path("own.onnx"), language=language)
    text = page.read_text("utf-8")
    words = {
        "en": ("No person is both", "does not know these labels", "Of 16 answers 16 are right"),
        "es": ("De nadie se aprende", "no conoce estas etiquetas", "De 16 respuestas, 16 son"),
    }
    assert all(one in text for one in words[language])
    assert "gafas predict --model own.onnx" in text
    assert "sky.jpg" in text
    assert "src=" not in text.replace('src="data:', "")


def test_wrong_answers_are_shown_with_their_photos(adapted: Adapted, tmp_path: Path) -> None:
    import dataclasses

    outside = adapted.outside.copy()
    outside[0] = outside[0][::-1]
    wrong = dataclasses.replace(adapted, outside=outside, shipped=adapted.outside)
    write_adapted_page(wrong, tmp_path / "page.html", model=Path("own.onnx"), language="en")
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "Here are 1 of 1 wrong answers" in text
    assert "as many or more: use it" in text
    assert text.count("data:image/jpeg;base64") == 1


def test_no_other_file_is_replaced(adapted: Adapted, tmp_path: Path) -> None:
    (tmp_path / "mine.html").write_text("mine", "utf-8")
    with pytest.raises(DataError, match="is no report of gafas"):
        write_adapted_page(adapted, tmp_path / "mine.html", model=Path("m.onnx"), language="en")
    assert (tmp_path / "mine.html").read_text("utf-8") == "mine"
