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
)["openings"][:3]


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


def cmu(results: dict[str, Any]) -> dict[str, Any]:
    """Return figures as those of the CMU photos are."""
    against_rest = results["parts"]["web"]["accuracy"]
    return {**results["parts"]["web"], "sunglasses_against_rest": against_rest}


def change(results: dict[str, Any]) -> dict[str, Any]:
    """Return another model's results, which differ in a few figures."""
    other = copy.deepcopy(results)
    other["model"] |= {"sha256": "f" * 64, "threshold": 0.875}
    other["model"]["data"] |= {"cmu": "fold", "sets": "free"}
    other["parts"]["cmu"] = cmu(results)
    other["parts"]["life"]["faces"]["found"] = 0.9912
    other["parts"]["life"]["unsure"]["accuracy"] = 0.9512
    other["parts"]["life"]["unsure"]["answered"] = 0.9312
    return other


@pytest.mark.parametrize("several", [False, True])
def test_the_card_has_every_chapter_and_whole_tables(
    results: dict[str, Any], tmp_path: Path, several: bool
) -> None:
    if several:
        other = tmp_path / "eyewear-free.json"
        other.write_text(json.dumps(change(results)), encoding="utf-8")
    text = card(tmp_path, results)
    titles = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    assert len(titles) == 11
    assert {"What it is for", "Is it fair?", "Lightly tinted lenses", "How it fails"} <= set(titles)
    assert (" free |" in text) == several
    tables = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    assert len(tables) > 14
    for table in tables:
        lines = table.splitlines()
        assert len({line.count("|") for line in lines}) == 1, lines[0]
        assert set(lines[1]) <= set("|-: "), lines[:2]


def test_one_sentence_says_what_to_expect_of_everyday_photos(
    results: dict[str, Any], tmp_path: Path
) -> None:
    results["parts"]["life"] = change(results)["parts"]["life"]
    text = card(tmp_path, results)
    assert "Of 100 faces in everyday photos it finds 99; of 100 answers 95 are right;" in text
    assert "of 100 faces it says `unsure` to 7." in text


@pytest.mark.parametrize(("beside", "default"), [("free", "research"), ("research", "free")])
def test_two_models_are_shown_side_by_side(
    results: dict[str, Any], tmp_path: Path, beside: str, default: str
) -> None:
    path = tmp_path / f"eyewear-{beside}.json"
    path.write_text(json.dumps(change(results)), encoding="utf-8")
    text = card(tmp_path, results, [])
    assert f"The other file, `{beside}`: of 100 faces in everyday photos it finds 99;" in text
    assert f"| figure | set | asked for | {default} | {beside} |" in text
    found = results["parts"]["life"]["faces"]["found"]
    (bar,) = (line for line in text.splitlines() if line.startswith("| faces found | life |"))
    mine, other = bar.split("|")[4:6]
    assert mine.startswith(f" {found:.3f} (")
    assert other.startswith(" 0.991 (")
    assert f"(`--model {beside}`: " in text
    assert "`" + "f" * 64 + "`" in text


def test_models_of_one_recipe_say_what_each_learnt_from_and_how_to_repeat_them(
    results: dict[str, Any], tmp_path: Path
) -> None:
    other = change(results)
    results["model"]["data"] |= {"cmu": "fold", "sets": "all"}
    results["parts"]["cmu"] = cmu(results)
    (tmp_path / "eyewear-free.json").write_text(json.dumps(other), encoding="utf-8")
    text = card(tmp_path, results)
    assert "`research` learnt from all these sets." in text
    assert "`free` learnt from those photos of them alone that anybody may use" in text
    assert "does not say from which sets" not in text
    assert "measured here on people who were left out" in text
    assert "eyewear --model runs/free/model.onnx --out benchmarks/eyewear-free.json" in text
    assert "On the CMU photos of people whom it has not met" in text


def test_a_model_that_does_not_say_from_which_sets_it_learnt_is_not_said_to_know(
    results: dict[str, Any], tmp_path: Path
) -> None:
    results["model"]["data"]["sets"] = None
    text = card(tmp_path, results)
    assert "This file does not say from which sets it learnt" in text
    assert "learnt from all these sets" not in text
    results["model"]["data"]["sets"] = "free"
    text = card(tmp_path, results)
    assert "It learnt from those photos of them alone that anybody may use" in text
    assert "calibration and threshold of research weights are chosen" in text
    assert "learnt from all these sets" not in text


def test_what_one_model_alone_has_is_no_figure_of_the_other(
    results: dict[str, Any], tmp_path: Path
) -> None:
    other = change(results)
    other["parts"]["lfw"] = {**copy.deepcopy(results["parts"]["web"]), "opening": 4}
    (tmp_path / "eyewear-free.json").write_text(json.dumps(other), encoding="utf-8")
    opening = {**OPENINGS[0], "number": 4, "model_sha256": "f" * 64}
    text = card(tmp_path, results, [opening])
    assert re.search(r"^\| macro F1 \| lfw \| ≥ 0.987 \| – \| 0\.\d+ \(.+\): no \|$", text, re.M)
    assert text.count("| `lfw`: test only |") == 2
    assert "| 4, free |" in text


def test_a_bar_is_called_reached_only_where_the_figure_reaches_it(
    results: dict[str, Any], tmp_path: Path
) -> None:
    alarms = results["parts"]["utkface"]["groups"]["false_alarms"]
    alarms["overall"] |= {"share": 0.0099, "wilson": [0.005, 0.0201]}
    results["parts"]["life"]["calibration"]["ece"] = 0.0301
    results["parts"]["life"]["faces"] |= {"found": 0.98, "wilson": [0.97, 0.99]}
    text = card(tmp_path, results)
    assert "| false alarms | utkface | ≤ 0.010 | 0.010 (0.005 – 0.020): yes |" in text
    assert "| calibration error | life | ≤ 0.030 | 0.030: no |" in text
    assert "| faces found | life | ≥ 0.980 | 0.980 (0.970 – 0.990): yes |" in text


def test_what_nobody_could_be_measured_on_has_no_share(
    results: dict[str, Any], tmp_path: Path
) -> None:
    nothing = {"count": 0, "total": 0, "share": None, "wilson": None}
    results["parts"]["life"]["scenes"]["other_sunglasses"] = nothing
    text = card(tmp_path, results)
    assert "| goggles and headsets called sunglasses | life | ≤ 0.200 | – |" in text


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
    assert "was opened 4 times in all (by earlier models; no file of this card has" in text
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
    assert text.index("| `lfw`: test only |") < text.index("| `life`: every face")
    assert "was opened 2 times in all (last by a file of this card)" in text
    assert f"| 2, the file of this card | {mine['date']} |" in text
    assert "| macro F1 | lfw | ≥ 0.987 |" in text


@pytest.mark.parametrize("learnt", ["all", "fold"])
def test_only_who_has_met_all_of_cmus_people_is_not_measured_on_them(
    results: dict[str, Any], tmp_path: Path, learnt: str
) -> None:
    results["model"]["data"]["cmu"] = learnt
    results["parts"]["cmu"] = None
    if learnt == "all":
        assert "nothing is measured on these photos" in card(tmp_path, results)
    else:
        with pytest.raises(DataError, match="lacks cmu"):
            card(tmp_path, results)


@pytest.mark.parametrize("part", ["web", "life", "robustness"])
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
