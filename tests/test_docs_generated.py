"""What `make docs` writes is fresh, and tells what was measured as each language writes it."""

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.ablations import BASE, Judged
from benchmarks.batch import BatchMeasured, Cost, Growth
from benchmarks.batch_failures import Broken, Deaths, Failures, Stored
from benchmarks.readme_figure import write_readme_figure
from benchmarks.service import Loads, Overload, ServiceSpeed
from benchmarks.service_load import Latency, Load
from benchmarks.speed import OnePhoto, PhotosSpeed, Place, Rates, Speed, Summary
from tools import check_pictures as VERDICTS
from tools import docs as TOOL
from tools.ablations_table import make_ablations_table
from tools.batch_table import make_batch_table
from tools.cmu_table import make_cmu_table
from tools.eyewear_table import make_eyewear_table, make_figures
from tools.service_table import make_service_table
from tools.speed_table import make_speed_sentence, make_speed_table

from gafas.errors import DataError
from gafas.files import read_json, write_json, write_text
from gafas.labels import LANGUAGES, Language
from gafas.weights import PINNED

ROOT = Path(__file__).resolve().parents[1]


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def write_benchmark(path: Path) -> None:
    accuracy = {"value": 0.8125, "correct": 13, "total": 16, "wilson": [0.57, 0.93]}
    entry = {
        "recipe": "seed",
        "protocol": "by_subject_5",
        "trainings": 5,
        "parameters": 1234567,
        "seconds_per_training": 600.0,
        "accuracy": {**accuracy, "bootstrap_subjects": None},
        "full_size": None,
    }
    write_text(path, json.dumps({"schema": 1, "entries": [entry]}))


def summary(median: float) -> Summary:
    return Summary(median, median - 1, median + 1)


PLACE = Place("today", "P", 2, "3.11", {"onnxruntime": "1", "pillow": "2"}, (96, 96), "0")


def make_speed() -> Speed:
    """Return what `make speed` would measure: figures that a reader can tell apart."""
    kinds = {}
    for number, kind in enumerate(("250 pixels", "12 megapixels"), 1):
        first, second, third = (summary(100.0 * number + at) for at in range(3))
        rates = Rates(first, second, third, portraits=summary(250.0) if number == 2 else None)
        memory = {20: 150.4 + number, 200: 160.4 + number}
        kinds[kind] = PhotosSpeed(20, 1000, {1: rates, 2: rates}, memory)
    one = OnePhoto(cold_seconds=summary(0.354), warm_milliseconds=summary(7.0))
    return Speed(PLACE, summary(0.02), summary(0.1), {1: one, 2: one}, kinds)


def write_eyewear(path: Path, parts: dict[str, dict[str, Any]]) -> None:
    """Write what `make benchmark-eyewear` would, of parts that differ as is said."""
    content = json.loads(read(ROOT / "benchmarks/eyewear.json"))
    part = content["parts"]["utkface"]
    told = {name: merge(part, CHANGED | more) for name, more in parts.items()}
    write_text(path, json.dumps(content | {"parts": told}))


CHANGED: dict[str, Any] = {
    "faces": {"photos": 1200, "missed": {"none": 1, "sunglasses": 2}},
    "macro_f1": 0.9844,
    "labels": {"sunglasses": {"f1": 0.9}, "eyeglasses": {"f1": 0.98}},
    "f1_intervals": {"macro_f1": [0.97, 0.99], "labels": {"sunglasses": None}},
    "any_eyewear": {"f1": 0.9955},
    "unsure": {"answered": 0.97, "accuracy": 0.9975, "accuracy_wilson": [0.9, 0.999]},
    "groups": {
        "false_alarms": {
            "overall": {"faces": 1059, "share": 0.0125, "wilson": [0.0074, 0.0211], "told": 5},
            "worst": {
                **{"faces": 61, "share": 0.25, "wilson": [0.15, 0.37], "told": 1},
                **{"facts": ["race", "gender"], "value": "Indian, male"},
            },
        }
    },
    "opening": 1,
    "sunglasses_against_rest": {"value": 1.0, "correct": 1, "total": 1, "wilson": [0.2, 1.0]},
}


def merge(before: Any, changes: Any) -> Any:
    """Return JSON with some entries of its objects changed."""
    if not isinstance(before, dict) or not isinstance(changes, dict):
        return changes
    return before | {key: merge(before.get(key), value) for key, value in changes.items()}


def test_everything_that_is_generated_is_fresh() -> None:
    pages = TOOL.compose()
    assert {TOOL.CARD, "docs/cli.md", *TOOL.READMES.values(), *TOOL.STORIES.values()} < set(pages)
    assert [name for name, text in pages.items() if read(ROOT / name) != text] == [], "`make docs`"


def test_the_model_card_is_about_the_weights_that_ship() -> None:
    measured = json.loads(read(ROOT / "benchmarks" / TOOL.CARD_SOURCES[0]))["model"]["sha256"]
    assert f"`{measured}`" in read(ROOT / TOOL.CARD)
    shipped = PINNED.get("eyewear.onnx", measured)  # none ships yet, or it is the one measured
    assert measured == shipped, "run `make benchmark-eyewear`, then `make docs`"


def test_the_pictures_of_verdicts_show_what_is_decided_today() -> None:
    checked = VERDICTS.check_photos(VERDICTS.make_photos())
    assert tuple(one.reason for one in checked) == VERDICTS.VERDICTS, "run `make screenshots`"
    assert all((ROOT / name).exists() for name in VERDICTS.PICTURES.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_chart_of_each_story_is_fresh(language: Language, tmp_path: Path) -> None:
    benchmark = ROOT / "benchmarks/cmu.json"
    write_readme_figure(benchmark, tmp_path / "cmu.svg", language=language)
    chart, page = ROOT / TOOL.FIGURES[language], ROOT / TOOL.STORIES[language]
    # Path coordinates may differ in their last digits between versions of Matplotlib.
    assert read(chart).count("<use") == read(tmp_path / "cmu.svg").count("<use"), "run `make docs`"
    assert f"](../figures/{chart.name})" in read(page)


def test_the_figures_of_a_readme_name_the_sets_that_were_measured(tmp_path: Path) -> None:
    parts: dict[str, dict[str, Any]] = {name: {} for name in ("lfw", "web", "utkface", "fairface")}
    write_eyewear(tmp_path / "eyewear.json", parts)
    english = make_eyewear_table(tmp_path / "eyewear.json", "en").splitlines()
    spanish = make_eyewear_table(tmp_path / "eyewear.json", "es").splitlines()
    assert "about 99 of 100 answers are right; about 3 of 100 faces get `unsure`" in english[0]
    assert "unas 99 de cada 100 respuestas; unas 3 de cada 100 caras" in spanish[0]
    english, spanish = english[2:], spanish[2:]
    assert len(english) == len(spanish) == 2 + 3 + 2
    assert len({line.count("|") for line in english[:5] + spanish[:5]}) == 1
    first = "|LFW, test only|1,197/1,200|0.984 (0.970–0.990)|0.900|0.980|0.996|97.0%|"
    assert english[2] == first + "99.8% (90.0%–99.9%)|"
    assert "|1197/1200|0,984 (0,970–0,990)|" in spanish[2]
    assert "1,059 bare faces of the held-out fifth, 1.2% (0.7%–2.1%)" in english[-1]
    assert "0.5% with an answer" in english[-1]
    assert "at least 50 (Indian, male; 61 faces), 25.0% (15.0%–37.0%)." in english[-1]
    assert "(india, hombre; 61 caras)" in spanish[-1]


def test_false_alarms_without_a_group_that_is_large_enough_name_none(tmp_path: Path) -> None:
    path = tmp_path / "eyewear.json"
    write_eyewear(path, {"utkface": {}})
    content = json.loads(read(path))
    content["parts"]["utkface"]["groups"]["false_alarms"]["worst"] = None
    write_text(path, json.dumps(content))
    assert make_eyewear_table(path, "en").endswith("rather than `unsure`.")


def test_results_without_the_held_out_fifth_are_refused(tmp_path: Path) -> None:
    write_eyewear(tmp_path / "eyewear.json", {"web": {}})
    with pytest.raises(DataError, match="lacks utkface"):
        make_eyewear_table(tmp_path / "eyewear.json", "en")


def test_the_figures_in_the_package_are_those_of_every_model_that_was_measured(
    tmp_path: Path,
) -> None:
    path = tmp_path / "eyewear.json"
    write_eyewear(path, {"web": {}, "utkface": {}})
    first = json.loads(make_figures(path))
    assert list(first) == [PINNED["eyewear.onnx"]]
    content = json.loads(read(path))
    content["model"]["sha256"] = "f" * 64
    content["parts"]["web"]["macro_f1"] = 0.5
    write_text(tmp_path / "eyewear-free.json", json.dumps(content))
    both = json.loads(make_figures(path))
    assert set(both) == {*first, "f" * 64}
    assert both[PINNED["eyewear.onnx"]] == first[PINNED["eyewear.onnx"]]
    assert (both["f" * 64]["web"]["macro_f1"], both["f" * 64]["utkface"]["photos"]) == (0.5, 1200)


def test_speed_is_told_as_each_language_writes_it(tmp_path: Path) -> None:
    write_json(tmp_path / "speed.json", make_speed())
    measured = read_json(tmp_path / "speed.json", Speed)
    english = make_speed_sentence(measured, "en")
    assert "0.35 s from command" in english
    assert "100 photos/s of 250 pixels, 200 of 12 megapixels (250 with one person)" in english
    assert "; 162 MB at most" in english
    assert "0,35 s hasta" in make_speed_sentence(measured, "es")
    table = make_speed_table(measured)
    assert "|photos of 12 megapixels, recognizing, photos/s|200|200|" in table
    assert "|photos of 12 megapixels, recognizing those of one person, photos/s|250|250|" in table
    assert "162 MB for 200 photos of 12 megapixels" in table


def test_the_sizes_that_the_readmes_name_are_those_measured() -> None:
    installed = read_json(ROOT / "benchmarks/speed.json", Speed).installed
    assert installed is not None
    for name, point in (("README.md", "."), ("README.es.md", ",")):
        text = read(ROOT / name)
        assert f"{round(installed.mb[''], -1)} MB" in text
        for extra in ("train", "demo"):
            assert f"{installed.mb[extra] / 1000:.1f} GB".replace(".", point) in text


def test_the_service_is_told_as_each_language_writes_it() -> None:
    load = Load(1, {"200": 1}, 91.3, Latency(21.4, 100.0, 1065.0, 1100.0))
    flood = Load(16605, {"200": 4260, "503": 12345}, 71.0, None)
    measured = ServiceSpeed(
        place=PLACE,
        cores_used=2,
        note="Briefly.",
        recognize_many=summary(114.2),
        share_of_recognize_many=0.8,
        cold_start_seconds=summary(1.234),
        first_answer_seconds=summary(1.5),
        loads=Loads(load, load, Overload(60.0, 270.0, flood, 0, None, 0.0125), load),
    )
    english = make_service_table(measured, "en")
    assert "| share of `recognize_many` | 80.0% |" in english
    assert "| at half of that load, median and p99, ms | 21, 1,065 |" in english
    assert "for 60 s: answers/s, refused at once with 503 | 71, 12,345 |" in english
    assert english.endswith("2 cores, Python 3.11. Briefly.")
    spanish = make_service_table(measured, "es")
    assert "a la página, y a la respuesta de la primera foto, s | 1,23 / 1,5 |" in spanish


def test_a_table_gives_the_claim_and_every_entry_as_the_language_writes_numbers(
    tmp_path: Path,
) -> None:
    benchmark = tmp_path / "cmu.json"
    write_benchmark(benchmark)
    english = make_cmu_table(benchmark, "en").splitlines()
    spanish = make_cmu_table(benchmark, "es").splitlines()
    assert len(english) == len(spanish) == 4
    assert len({line.count("|") for line in english + spanish}) == 1
    assert "|90.1%|" in english[2]
    assert "81.2%" in english[3]
    assert "1,234,567" in english[3]
    assert "10\u202fmin" in english[3]
    assert "81,2\u202f%" in spanish[3]


def test_a_page_without_marks_is_refused() -> None:
    begin, end = "<!-- speed: written by make docs -->", "<!-- /speed -->"
    filled = TOOL.fill(f"a {begin} old {end} b", "new", part="speed")
    assert filled == f"a {begin}\nnew\n{end} b"
    with pytest.raises(DataError, match="marks"):
        TOOL.fill(filled, "new", part="figures")


def test_the_table_of_changes_to_a_recipe_tells_what_chance_may_have_made() -> None:
    faces = {"life": 10, "others": 1000}
    base = Judged((), faces, {"life": 8, "others": 930}, 0, 0, 1.0, 0.9612)
    worse = Judged(("seed=1",), faces, {"life": 7, "others": 900}, 5, 36, 1e-6, None)
    alike = Judged(("a=1", "b=2"), faces, {"life": 8, "others": 931}, 5, 4, 1.0, None)
    better = Judged(("c=1",), faces, {"life": 9, "others": 940}, 15, 4, 0.019, None)
    table = make_ablations_table({BASE: base, "w": worse, "a": alike, "b": better})
    assert table.splitlines() == [
        "|change|life (10)|others (1,000)|gained, lost|by chance|tells faces|",
        "|---|--:|--:|--:|--:|--:|",
        "|none|80.0%|93.0%|–|–|0.961|",
        "|`seed=1`|70.0%|90.0%|5, 36|< 0.01: **worse**|–|",
        "|`a=1`, `b=2`|80.0%|93.1%|5, 4|1.00|–|",
        "|`c=1`|90.0%|94.0%|15, 4|0.02: **better**|–|",
    ]


def test_the_table_about_very_many_photos_tells_what_was_measured() -> None:
    deaths = Deaths(10, [1.0] * 10, [5] * 10, damaged=1, equal=9)
    measured = BatchMeasured(
        PLACE,
        Cost(2000, 20.0, {"local": 21.0}, {"local": 1.05}, {"local": 11.0}),
        Growth(
            photos=50_000,
            rows=50_001,
            names=50_000,
            seconds=250.0,
            memory_mb=(251.4, 260.6),
            memory_spread=0.02,
            cpu_ms={10_000: 9.0, 50_000: 11.0},
            cpu_spread=0.1,
            resume_cpu_seconds=1.6,
            answers_mb=2.0,
        ),
        Failures(
            three_nodes=Deaths(1, [2.0], [300], damaged=0, equal=1),
            offline={"local": True, "ray": False},
            stored=Stored(1001, {"a": "denied"}, right=999),
            broken=Broken(1000, 10, 9, 8),
        ),
        {"local: a worker": deaths},
    )
    table = make_batch_table(measured)
    for told in (
        "| so a million on this machine | 1.4 hours, 2.8 CPU hours |",
        "| and their answers | 40 MB |",
        "| rows, and different photos among them | 50,001, 50,000 |",
        "251 MB to 261 MB",
        "9.0 ms, 11.0 ms",
        "| CPU time against `recognize_many`, local | 1.05 times |",
        "10 times: 9 with the rows of an undisturbed run, 1 damaged",
        "once: 1 with the rows of an undisturbed run, 0 damaged",
        "local: the same rows, ray: FAILED",
        "999 as on a disk, 1 with errors",
        "| 10 files broken in 9 ways among 1,000 | 8 rows with errors |",
    ):
        assert told in table
    with pytest.raises(ValueError, match="make benchmark-batch"):
        make_batch_table(BatchMeasured(PLACE))
