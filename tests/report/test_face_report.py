"""The report on a run of a model of faces."""

import json
import re
import shutil
from pathlib import Path

import pytest

from gafas.labels import LANGUAGES, Language
from gafas.report.report import write_report
from run_folders import change_evaluation, make_face_run, make_photos, make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "eyewear"
    return make_face_run(folder, tmp_path_factory.mktemp("photos"))


@pytest.fixture
def copy(tmp_path: Path, run: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "copy"))


def read(target: Path, *runs: Path, language: Language = "en") -> tuple[str, str]:
    """Return the page's HTML, and what a reader reads of it."""
    write_report(runs, target, language=language)
    html = target.read_text(encoding="utf-8")
    plain = re.sub(r"<style>.*?</style>|<svg.*?</svg>|<[^>]*>", "", html, flags=re.DOTALL)
    return html, re.sub(r"\s+", " ", plain)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_model_of_faces_is_told_of_in_both_languages(
    tmp_path: Path, run: Path, language: Language
) -> None:
    html, text = read(tmp_path / "page.html", run, language=language)
    # Curves, matrices, reliability, risk, groups, slices, comparison.
    assert html.count("<svg ") > 16
    expected = {
        "en": (
            "By age, gender and race",
            "Lightly tinted lenses",
            "cropped and levelled",
        ),
        "es": ("Por edad, sexo y raza", "Lentes apenas teñidas", "enderezada"),
    }[language]
    assert [words for words in expected if words not in text] == []


def test_the_worst_group_is_named_only_where_groups_are_large(copy: Path, tmp_path: Path) -> None:
    assert "fares worst" not in read(tmp_path / "page.html", copy)[1]
    evaluation = json.loads((copy / "evaluation.json").read_text(encoding="utf-8"))
    groups = evaluation["groups"]
    pair = next(g for g in groups["false_alarms"]["groups"] if len(g["facts"]) == 2)
    groups["false_alarms"]["worst"] = pair
    change_evaluation(copy, {"groups": groups})
    race, gender = pair["value"].split(", ")
    assert (
        f"at least 50 faces, “{race}, {gender}” fares worst" in read(tmp_path / "b.html", copy)[1]
    )


def test_mistakes_of_photos_that_may_not_be_shown_are_a_table_of_names(
    copy: Path, tmp_path: Path
) -> None:
    mistake = {
        "name": "utkface/none/25_0_0_2017001.png",
        "truth": "none",
        "predicted": "eyeglasses",
        "probabilities": {"none": 0.1, "eyeglasses": 0.8, "sunglasses": 0.1},
        "sha256": "0" * 64,
    }
    change_evaluation(copy, {"mistakes": [mistake]})
    html, text = read(tmp_path / "page.html", copy)
    assert "only their names stand here" in text
    assert "<code>utkface/none/25_0_0_2017001.png</code>" in html
    assert "Sample predictions" not in text
    assert "<img" not in html


def test_a_missed_face_is_told_and_not_hidden(copy: Path, tmp_path: Path) -> None:
    data = json.loads((copy / "evaluation.json").read_text(encoding="utf-8"))["data"]
    missed = [{"name": "utkface/none/x.png", "label": "none"}]
    assert "found no face" not in read(tmp_path / "a.html", copy)[1]
    change_evaluation(copy, {"data": {**data, "faces_missed": missed}})
    assert "In 1 photo the detector found no face" in read(tmp_path / "b.html", copy)[1]


def test_new_photos_of_nobody_knows_whom_are_not_called_known_people(
    run: Path, tmp_path: Path
) -> None:
    text = read(tmp_path / "page.html", run)[1]
    assert "of whom is not known" in text
    assert "people already seen" not in text
    assert "a run split by" not in text


def test_a_model_of_whole_photos_is_asked_nothing_about_faces(tmp_path: Path) -> None:
    plain = make_run(tmp_path / "seed", make_photos(tmp_path / "photos"))
    text = read(tmp_path / "page.html", plain)[1]
    assert "By age, gender and race" not in text
    assert "the face is not cropped" in text
