"""What a report says of the data: of each kind only what is so."""

import math
import re
import shlex
import shutil
from pathlib import Path

import pytest

from gafas.datasets.samples import Sample
from gafas.labels import LANGUAGES, Language
from gafas.report.report import write_report
from run_folders import (
    falling,
    leaks,
    make_benchmark,
    make_face_run,
    make_photos,
    make_run,
    write_data,
)

DRAWN = {"en": "drawn people, no photographs", "es": "personas dibujadas, no fotografías"}
OF_CMU = ("CMU", "Carnegie", "90.1%", "90,1", "riginal experiment", "xperimento original")
OF_SIZES = ("at another size", "a otro tamaño", "sizes of a photo", "tamaños de una foto")
OF_PEOPLE = ("people already seen", "personas ya vistas", "people appear on both sides")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return make_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def unknown(samples: list[Sample]) -> dict[str, object]:
    """Return an audit of photos of whom is not known."""
    return {**leaks(len(samples)), "subjects_known": False}


@pytest.fixture
def own(tmp_path: Path, samples: list[Sample], unknown: dict[str, object]) -> Path:
    return make_run(tmp_path / "my run's", samples, protocol="by_photo", audit=unknown, kind="own")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory, samples: list[Sample]) -> Path:
    audit = leaks(len(samples), photo=0.95, subject=1.0)
    folder = tmp_path_factory.mktemp("runs") / "compact-file"
    return make_run(folder, samples, audit=audit, kind="drawn")


def write(target: Path, *runs: Path, language: Language = "en", benchmark: bool = False) -> str:
    """Write a report and return its HTML."""
    figures = make_benchmark(target.with_suffix(".json")) if benchmark else None
    write_report(runs, target, language=language, benchmark=figures)
    return target.read_text(encoding="utf-8")


def read(html: str) -> str:
    """Return what a reader reads of a page."""
    plain = re.sub(r"<style>.*?</style>|<svg.*?</svg>|<[^>]*>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", plain)


def commands(html: str) -> list[list[str]]:
    """Return what a page says to type, as a shell takes it apart."""
    (block,) = re.findall(r"<pre><code>(.*?)</code></pre>", html, flags=re.DOTALL)
    text = block.replace("&#39;", "'").replace("&#34;", '"').replace("&amp;", "&")
    return [shlex.split(line) for line in text.splitlines()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_own_photos_nothing_is_said_that_is_so_of_cmu_alone(
    tmp_path: Path, own: Path, language: Language
) -> None:
    (own / "data.json").unlink()  # a run that does not say is a user's own
    text = read(write(tmp_path / "page.html", own, language=language))
    for words in (*OF_CMU, *OF_SIZES, *OF_PEOPLE):
        if words.startswith(("xperimento", "riginal")):
            text = re.sub(r"modeloDe\w+|[^.]*called it[^.]*\.|[^.]*lo llamó[^.]*\.", "", text)
        assert words not in text, words
    expected = {
        "en": "photos of whom is not known",
        "es": "fotos de las que no consta de quién son",
    }
    assert expected[language] in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_odd_runs_are_told_all_the_same(
    tmp_path: Path, samples: list[Sample], language: Language
) -> None:
    lost = [(0.7, 0.5, None, None), (math.nan, 0.5, None, None)]
    runs = (
        make_run(tmp_path / "lost", samples, history=lost, kind="own"),
        make_run(tmp_path / "one", samples[:1], history=falling(1), kind="own"),
        make_run(tmp_path / "five", samples[10:15], history=falling(2), kind="cmu"),
    )
    for run in runs:
        html = write(tmp_path / f"{run.name}.html", run, language=language)
        assert not re.search(r"\bnan\b", read(html))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_figure_and_table_on_drawn_people_says_so(
    tmp_path: Path, drawn: Path, language: Language
) -> None:
    html = write(tmp_path / "page.html", drawn, language=language)
    words = DRAWN[language]
    parts = list(re.finditer(r"<(figure|table)\b.*?</\1>", html, flags=re.DOTALL))
    assert len(parts) > 12
    for part in parts:  # Matplotlib writes what its letters say as comments, too
        assert words in part[0], part[0][-600:]
    title, header = (re.search(p, html, flags=re.DOTALL) for p in ("<title>.*?<", "<h1>.*?<nav"))
    assert title and words in title[0]
    assert header and words in header[0].lower()
    text = read(html)
    assert "UCI" not in text and not re.search(r"90[.,]1\s?%", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_claim_and_the_benchmark_are_not_compared_with_drawn_people(
    tmp_path: Path, drawn: Path, language: Language
) -> None:
    html = write(tmp_path / "page.html", drawn, language=language, benchmark=True)
    cards = re.search(r'<ul class="cards">.*?</ul>', html, flags=re.DOTALL)
    assert cards and DRAWN[language] in cards[0] and "90" not in read(cards[0])
    measured, own = (
        read(re.findall(rf'<table id="{key}">.*?</table>', html, flags=re.DOTALL)[0])
        for key in ("measured", "own")
    )
    assert DRAWN[language] in own and DRAWN[language] not in measured
    expected = {"en": "they do not compare with them", "es": "no se comparan con ellas"}
    assert expected[language] in read(html)


def test_runs_of_different_data_are_not_compared_with_each_other(
    tmp_path: Path, samples: list[Sample], drawn: Path
) -> None:
    real = make_run(tmp_path / "compact", samples, protocol="by_subject", audit=leaks(len(samples)))
    text = read(write(tmp_path / "page.html", drawn, real))
    assert "do not compare with each other" in text
    assert "with the leak" not in text.replace("with leak", "")
    assert "Drawn people, no photographs: that is what compact-file rests on" in text
    again = make_run(
        tmp_path / "again/compact-people",
        samples,
        protocol="by_subject",
        audit=leaks(len(samples)),
        kind="drawn",
    )
    text = read(write(tmp_path / "page.html", drawn, again))
    assert re.search(r"93.8% with the leak and 93.8% .* on new drawn people, no photographs", text)


def test_drawn_people_get_no_credit_for_photos_and_photos_no_credit_for_drawing(
    tmp_path: Path, samples: list[Sample], drawn: Path
) -> None:
    real = make_run(tmp_path / "real", samples)
    footers = {
        name: read(write(tmp_path / f"{name}.html", run).split("<footer>")[1])
        for name, run in (("drawn", drawn), ("real", real))
    }
    assert "painted by gafas" in footers["drawn"] and "CMU" not in footers["drawn"]
    assert "CMU Face Images" in footers["real"] and "painted" not in footers["real"]


def test_photos_of_the_eyewear_sets_are_never_shown(tmp_path: Path, samples: list[Sample]) -> None:
    run = make_face_run(tmp_path / "faces", tmp_path / "sets")
    places = {path.name: path for path in (tmp_path / "sets").rglob("*.*")}
    target = tmp_path / "page.html"
    write_report([run], target, language="en", photos=[lambda n: places.get(n.split("/")[-1])])
    assert "<img" not in target.read_text(encoding="utf-8")


def test_the_commands_train_the_same_recipe_on_the_same_photos_again(
    tmp_path: Path, own: Path, drawn: Path, samples: list[Sample]
) -> None:
    photos = tmp_path / "my photos"
    write_data(own, kind="own", path=photos)
    people = shutil.copytree(drawn, tmp_path / "people")
    write_data(people, kind="drawn", path=tmp_path / "drawn")
    html = write(tmp_path / "page.html", own, people)
    again = [str(run.with_name(f"{run.name}-2")) for run in (own, people)]
    places = [str(photos), str(tmp_path / "drawn")]
    assert commands(html) == [
        ["gafas", "train", str(own / "recipe.toml"), again[0], "--data", places[0]],
        ["gafas", "train", str(people / "recipe.toml"), again[1], "--data", places[1]],
        ["gafas", "report", *again, "--language", "en", "--out", "report.html"],
    ]


def test_where_nobody_knows_the_place_of_the_photos_a_word_stands_for_it(
    tmp_path: Path, own: Path
) -> None:
    (own / "data.json").unlink()
    html = write(tmp_path / "page.html", own)
    assert commands(html)[0][-2:] == ["--data", "PHOTOS"]


def test_the_commands_work_for_the_folder_one_stands_in(
    own: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(own)
    write_report([Path()], tmp_path / "page.html", language="en")
    line = commands((tmp_path / "page.html").read_text(encoding="utf-8"))[0]
    assert line[2:4] == [str(own / "recipe.toml"), f"{own}-2"]
