import dataclasses
import re
import shutil
import string
import tomllib
from collections import Counter
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import jinja2
import pytest

from gafas.datasets.samples import Sample
from gafas.errors import DataError, GafasError
from gafas.labels import LANGUAGES, Language
from gafas.report import wording
from gafas.report.report import write_report
from gafas.report.wording import Wording
from gafas.training.recipe import Augmentation
from run_folders import (
    change_evaluation,
    falling,
    leaks,
    make_benchmark,
    make_face_run,
    make_photos,
    make_run,
)

SECTIONS = [
    *("objective", "model", "preprocessing", "architecture", "training", "evaluation", "leaks"),
    *("results", "comparison", "storage", "conclusions", "reproduce"),
]
FETCHING = {"src", "srcset", "poster", "data", "action", "background"}


class Page(HTMLParser):
    """A page taken apart: sections, ids, what it would fetch, tags and the words that are read."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sections: list[str] = []
        self.ids: list[str] = []
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        self.tags.append(tag)
        self._hidden += tag in ("style", "svg")
        if "id" in values:
            self.ids.append(values["id"])
            if tag == "section":
                self.sections.append(values["id"])
        links = FETCHING | ({"href"} if tag == "link" else set())
        self.fetched += [values[key] for key in links if key in values]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "svg")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)

    @property
    def text(self) -> str:
        """What a reader reads, with plain single spaces."""
        return re.sub(r"\s+", " ", "".join(self.words))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("photos")


@pytest.fixture(scope="module")
def samples(photos: Path) -> list[Sample]:
    return make_photos(photos)


def report(
    tmp_path: Path, *runs: Path, language: Language = "en", photos: Path | None = None
) -> Page:
    target = tmp_path / "report.html"
    found = [lambda name: photos / name] * len(runs) if photos else []
    write_report(runs, target, language=language, photos=found)
    return Page(target.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory, samples: list[Sample]) -> Path:
    """Return a run whose test part leaks; tests that change it take a `copy`."""
    audit = leaks(len(samples), photo=0.95, subject=1.0)
    return make_run(tmp_path_factory.mktemp("runs") / "seed-file", samples, audit=audit)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory, samples: list[Sample]) -> Path:
    folder, audit = tmp_path_factory.mktemp("runs") / "seed-people", leaks(len(samples))
    return make_run(folder, samples, protocol="by_subject", audit=audit, history=falling(best=0.99))


@pytest.fixture
def copy(tmp_path: Path, leaking: Path) -> Path:
    return Path(shutil.copytree(leaking, tmp_path / "copy"))


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory, leaking: Path) -> Page:
    """Return the page on the leaking run, without photos."""
    return report(tmp_path_factory.mktemp("page"), leaking)


def test_the_page_has_the_sections_of_the_original_in_order(english: Page) -> None:
    assert english.sections == SECTIONS


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_fetches_nothing_and_runs_nothing(
    tmp_path: Path, leaking: Path, photos: Path, language: Language
) -> None:
    page = report(tmp_path, leaking, language=language, photos=photos)
    assert len(page.fetched) > 24
    assert all(address.startswith("data:") for address in page.fetched)
    assert "script" not in page.tags and "iframe" not in page.tags
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"@import|url\((?!#)", html)
    assert set(re.findall(r"https?://[^\s\"']+", html)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_no_two_elements_share_an_id_and_every_inner_link_has_its_target(
    tmp_path: Path, leaking: Path, honest: Path
) -> None:
    page = report(tmp_path, leaking, honest)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    targets = set(re.findall(r'href="#([^"]+)"', html)) | set(re.findall(r"url\(#([^)]+)\)", html))
    assert len(targets) > len(SECTIONS)
    assert targets <= set(page.ids)
    assert [i for i, count in Counter(page.ids).items() if count > 1] == []


def test_spanish_numbers_have_a_decimal_comma_and_english_ones_a_point(
    tmp_path: Path, leaking: Path
) -> None:
    assert "93,8 % de aciertos: 45 de 48" in report(tmp_path, leaking, language="es").text
    assert "93.8% correct: 45 of 48" in report(tmp_path, leaking, language="en").text


def test_the_text_about_two_classes_says_that_glasses_means_sunglasses(english: Page) -> None:
    page = english
    assert "Here glasses means sunglasses" in page.text
    assert "no sunglasses" in page.text and "eyeglasses or neither" not in page.text


def test_the_text_about_three_classes_speaks_of_three_and_compares_with_no_claim(
    tmp_path: Path,
) -> None:
    text = report(tmp_path, make_face_run(tmp_path / "faces", tmp_path / "photos")).text
    assert "3 classes, no glasses, eyeglasses, sunglasses" in text
    assert "Original experiment" not in text
    assert "90.1%" not in text


def test_photos_are_embedded_and_a_missing_one_is_a_tile_with_its_name(
    tmp_path: Path, leaking: Path, photos: Path, samples: list[Sample]
) -> None:
    page = report(tmp_path, leaking, photos=photos)
    assert page.tags.count("img") == 24 + 3
    assert "Photo not available" not in page.text
    gone = samples[0].name  # one of the three mistakes
    target = tmp_path / "report.html"
    find = [lambda name: None if name == gone else photos / name]
    write_report([leaking], target, language="en", photos=find)
    page = Page(target.read_text(encoding="utf-8"))
    assert "1 photo that would stand here could not be found or read" in page.text
    assert f"Photo not available{gone}" in page.text


def test_without_any_photo_the_mistakes_are_a_table_of_names_and_the_page_says_so(
    tmp_path: Path, leaking: Path, samples: list[Sample]
) -> None:
    page = report(tmp_path, leaking)
    assert "img" not in page.tags
    assert "Sample predictions" not in page.text
    assert "are not where they were looked for" in page.text
    assert samples[0].name in page.text


def test_a_photo_that_is_no_longer_the_one_that_was_judged_is_not_shown(
    tmp_path: Path, leaking: Path, photos: Path, samples: list[Sample]
) -> None:
    shutil.copytree(photos, tmp_path / "photos")
    changed = tmp_path / "photos" / samples[0].name
    changed.write_bytes((photos / samples[-1].name).read_bytes())
    page = report(tmp_path, leaking, photos=tmp_path / "photos")
    assert "1 photo that would stand here could not be found" in page.text
    assert f"Photo not available{samples[0].name}" in page.text
    for path in (tmp_path / "photos").rglob("*.pgm"):
        path.write_bytes(path.read_bytes() + b"\n")
    page = report(tmp_path, leaking, photos=tmp_path / "photos")
    assert "are no longer those that were evaluated" in page.text
    assert "img" not in page.tags


def test_every_mistake_bears_a_mark_that_needs_no_colour(
    tmp_path: Path, leaking: Path, photos: Path
) -> None:
    page = report(tmp_path, leaking, photos=photos)
    assert page.text.count("✗") + page.text.count("✓") == 24 + 3
    assert page.text.count("✗") >= 3


def test_every_run_has_its_results_and_a_row_in_the_comparison(
    tmp_path: Path, leaking: Path, honest: Path
) -> None:
    page = report(tmp_path, leaking, honest)
    assert page.text.count("Gallery of mistakes") == 2
    assert "seed, split by file" in page.text and "seed, split by person" in page.text
    assert "The seed recipe scores 93.8% with the leak and 93.8%" in page.text


def test_a_benchmark_gives_the_comparison_of_claimed_leak_and_honest(
    tmp_path: Path, leaking: Path
) -> None:
    target = tmp_path / "report.html"
    benchmark = make_benchmark(tmp_path / "cmu.json")
    write_report([leaking], target, language="en", benchmark=benchmark)
    text = Page(target.read_text(encoding="utf-8")).text
    assert "scores 95.7% with the leak and 82.3% (81.3% – 83.3%) on new people" in text
    assert "scores 99.8% with the leak and 99.7% (98.7% – 100%) on new people" in text


def test_a_training_on_the_bundled_model_says_that_only_the_last_layer_was_learnt(
    tmp_path: Path,
) -> None:
    faces = make_face_run(tmp_path / "faces", tmp_path / "photos", weights="eyewear")
    assert "only the last layer was learnt here" in report(tmp_path, faces).text
    assert "solo aprendió la última capa" in report(tmp_path, faces, language="es").text


def test_storage_lists_the_sizes_of_the_files_that_are_there(english: Page) -> None:
    page = english
    assert "2.5 kB" in page.text
    assert re.search(r"model\.h5\s*–", page.text)


def test_names_from_the_data_cannot_inject_markup(tmp_path: Path, copy: Path) -> None:
    row = {
        "name": "<script>alert(1)</script>",
        "truth": "<b>x</b>",
        "predicted": "glasses",
        "probabilities": {"glasses": 0.9, "no_glasses": 0.1},
        "sha256": "",
    }
    change_evaluation(copy, {"mistakes": [row]})
    page = report(tmp_path, copy)
    assert "script" not in page.tags
    assert "<script>alert(1)</script>" in page.text


def test_a_report_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="needs a run"):
        write_report([], tmp_path / "report.html")


@pytest.mark.parametrize(
    "name", ["recipe.toml", "split.json", "history.csv", "network.json", "evaluation.json"]
)
def test_a_run_that_lacks_a_file_is_named_and_the_old_report_stays(
    tmp_path: Path, copy: Path, name: str
) -> None:
    target = tmp_path / "report.html"
    write_report([copy], target)
    old = target.read_bytes()
    (copy / name).unlink()
    with pytest.raises(DataError, match=re.escape(name)):
        write_report([copy], target)
    assert target.read_bytes() == old


def test_a_report_is_written_over_an_earlier_one_and_over_nothing_else(
    tmp_path: Path, leaking: Path
) -> None:
    target = tmp_path / "report.html"
    write_report([leaking], target, language="es")
    write_report([leaking], target, language="en")
    assert "How to reproduce it" in target.read_text(encoding="utf-8")
    target.write_text("<html>my thesis</html>", encoding="utf-8")
    for taken in (target, leaking):
        with pytest.raises(DataError, match="is no report of gafas, so it is left as it is"):
            write_report([leaking], taken)
    assert target.read_text(encoding="utf-8") == "<html>my thesis</html>"


@pytest.mark.parametrize("name", ["recipe.toml", "split.json", "history.csv"])
def test_a_damaged_file_of_a_run_is_named(tmp_path: Path, copy: Path, name: str) -> None:
    (copy / name).write_text("epoch,loss\n= 1", encoding="utf-8")
    with pytest.raises(GafasError, match=re.escape(name)):
        write_report([copy], tmp_path / "report.html")


def test_the_catalogues_have_equal_keys_forms_and_placeholders() -> None:
    spanish, english = (wording.read_catalogue(language) for language in LANGUAGES)
    assert set(spanish) == set(english)
    assert len(spanish) > 200
    for key, sentence in spanish.items():
        assert isinstance(english[key], type(sentence)), key
        if isinstance(sentence, str):
            assert placeholders(sentence) == placeholders(english[key]), key
        else:
            assert len(sentence) == len(english[key]) == 2, key


def test_every_change_of_a_recipe_has_its_words() -> None:
    changes = [field.name for field in dataclasses.fields(Augmentation)]
    assert len(changes) > 15
    words = {key for key in wording.read_catalogue("en") if key.startswith("augmentation.")}
    assert words == {f"augmentation.{name}" for name in changes}


def placeholders(sentence: str) -> set[tuple[str, str]]:
    """Return names and ways of writing of a sentence's placeholders."""
    parsed = string.Formatter().parse(sentence)
    return {(name, spec or "") for _, name, spec, _ in parsed if name is not None}


def test_every_sentence_of_the_catalogues_differs_between_the_languages() -> None:
    spanish, english = (wording.read_catalogue(language) for language in LANGUAGES)
    long = [key for key in spanish if len(str(spanish[key])) > 30]
    assert len(long) > 100
    assert [key for key in long if spanish[key] == english[key]] == []


def test_the_template_holds_no_word_of_its_own() -> None:
    template = resources.files("gafas.report").joinpath("templates/report.html").read_text("utf-8")
    tokens = jinja2.Environment().lex(template)
    data = "".join(value for _, kind, value in tokens if kind == "data")
    visible = re.sub(r"<pre>.*?</pre>", "", data, flags=re.DOTALL)
    words = re.findall(r"[A-Za-zÀ-ÿ]{2,}", re.sub(r"<[^>]*>", " ", visible))
    # Names of programs are the same in every language.
    assert set(words) <= {"Python", "Keras", "TensorFlow", "NumPy"}


def test_the_stylesheet_cares_for_print_and_for_phones() -> None:
    css = resources.files("gafas.report").joinpath("templates/report.css").read_text("utf-8")
    assert "@media print" in css and "max-width: 34rem" in css


def test_catalogues_are_valid_toml_without_empty_sentences() -> None:
    folder = resources.files("gafas.report") / "templates"
    for language in LANGUAGES:
        assert tomllib.loads(folder.joinpath(f"{language}.toml").read_text("utf-8"))
        assert all(wording.read_catalogue(language).values())


def test_numbers_are_written_as_each_language_writes_them() -> None:
    spanish, english = Wording("es"), Wording("en")
    assert (spanish.count(1872), english.count(1872)) == ("1872", "1,872")
    assert (spanish.decimal(0.36141), english.decimal(0.36141)) == ("0,361", "0.361")
    assert (spanish.exact(1e-4), english.exact(1e-4)) == ("0,0001", "0.0001")
    assert (english.setting(0.2), english.setting(0.125)) == ("20%", "12.5%")
    assert (english.percent(None), english.count(None)) == ("–", "–")
    assert english.size(24_200_000) == "24.2\u202fMB"
    assert (english.duration(55.3), english.duration(431)) == ("55.3\u202fs", "7\u202fmin")


def test_a_share_below_one_is_never_written_as_all_and_one_above_none_never_as_none() -> None:
    english = Wording("en")
    assert (english.percent(0.99999), english.percent(1.0)) == ("99.9%", "100%")
    assert (english.percent(0.00001), english.percent(0.0)) == ("0.1%", "0%")


def test_units_agree_with_their_numbers() -> None:
    assert "En 1 época la" in Wording("es").say("conclusions.diverged", {"epochs": 1})
    assert "En 2 épocas la" in Wording("es").say("conclusions.diverged", {"epochs": 2})
