import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from benchmarks.card import make_card

from gafas.errors import DataError

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks/eyewear.json"
OPENINGS: list[dict[str, Any]] = json.loads(
    RESULTS.with_name("lfw_openings.json").read_text(encoding="utf-8")
)["openings"]


@pytest.fixture
def results() -> dict[str, Any]:
    """Return results that were really measured, without the test set's."""
    content: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    content["parts"].pop("lfw", None)
    return content


def card(
    folder: Path, results: dict[str, Any], openings: list[dict[str, Any]] | None = None
) -> str:
    (folder / "eyewear.json").write_text(json.dumps(results), encoding="utf-8")
    if openings is not None:
        record = {"schema": 1, "openings": openings}
        (folder / "openings.json").write_text(json.dumps(record), encoding="utf-8")
    return make_card(folder / "eyewear.json", folder / "openings.json")


def test_the_card_has_every_chapter_and_whole_tables(
    results: dict[str, Any], tmp_path: Path
) -> None:
    text = card(tmp_path, results)
    titles = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    assert len(titles) == 10
    assert {"What it is for", "Is it fair?", "Lightly tinted lenses", "How it fails"} <= set(titles)
    tables = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    assert len(tables) > 15
    for table in tables:
        lines = table.splitlines()
        assert len({line.count("|") for line in lines}) == 1, lines[0]
        assert set(lines[1]) <= set("|-: "), lines[:2]


def test_a_bar_is_called_reached_only_where_the_figure_reaches_it(
    results: dict[str, Any], tmp_path: Path
) -> None:
    alarms = results["parts"]["utkface"]["groups"]["false_alarms"]
    alarms["overall"]["share"] = 0.0199
    results["parts"]["cmu"]["faces"]["found"] = 0.974
    text = card(tmp_path, results)
    assert "| false alarms | utkface | ≤ 0.020 | 0.020 (yes) |" in text
    assert "| faces found | cmu | ≥ 0.975 | 0.974 (no) |" in text


def test_the_worst_group_is_told_with_its_interval(results: dict[str, Any], tmp_path: Path) -> None:
    worst = results["parts"]["utkface"]["groups"]["false_alarms"]["worst"]
    worst |= {"value": "Indian, male", "facts": ["race", "gender"]}
    worst |= {"share": 0.123, "wilson": [0.1, 0.15]}
    text = card(tmp_path, results)
    assert "**Indian, male** (race and gender) fares worst: 12.3%" in text


def test_a_test_set_that_was_not_opened_has_no_figures(
    results: dict[str, Any], tmp_path: Path
) -> None:
    text = card(tmp_path, results, [])
    assert "The test set `lfw` has not been opened." in text
    assert "`lfw`: test only" not in text


def test_what_openings_gave_is_told_each_with_its_model(
    results: dict[str, Any], tmp_path: Path
) -> None:
    others = [{**opening, "model_sha256": "0" * 64} for opening in OPENINGS]
    text = card(tmp_path, results, [*others, {**others[-1], "number": 4, "results": None}])
    assert "was opened 4 times in all (by models before the file above" in text
    given = OPENINGS[0]["results"]["macro_f1"]
    assert f"| 1 | {OPENINGS[0]['date']} | {given:.3f} |" in text
    assert f"| 4 | {OPENINGS[-1]['date']} | not finished |" in text
    assert "`lfw`: test only" not in text


def test_an_opened_test_set_comes_first_with_its_bars(
    results: dict[str, Any], tmp_path: Path
) -> None:
    results["parts"]["lfw"] = {**copy.deepcopy(results["parts"]["web"]), "opening": 2}
    results["parts"]["lfw"]["faces"]["missed"] = {"none": 1}
    mine = {**OPENINGS[1], "model_sha256": results["model"]["sha256"]}
    text = card(tmp_path, results, [OPENINGS[0], mine])
    assert text.index("| `lfw`: test only |") < text.index("| `web`: uncropped photos, validation")
    assert "was opened 2 times in all (the last time by the file above)" in text
    assert f"| 2, the file above | {mine['date']} |" in text
    assert "| faces missed | lfw | 0 | 1 (no) |" in text
    assert "| macro F1 | lfw | ≥ 0.985 |" in text


@pytest.mark.parametrize("part", ["web", "robustness"])
def test_results_that_lack_a_part_are_refused(
    results: dict[str, Any], tmp_path: Path, part: str
) -> None:
    del results["parts"][part]
    with pytest.raises(DataError, match=f"lacks {part}. Run `make benchmark-eyewear`"):
        card(tmp_path, results)


def test_the_card_names_no_photo_and_no_folder(results: dict[str, Any], tmp_path: Path) -> None:
    text = card(tmp_path, results)
    assert not re.search(r"\.(jpg|png|pgm)\b|/home/|/tmp/", text)
    assert str(Path(__file__).parents[2]) not in text
