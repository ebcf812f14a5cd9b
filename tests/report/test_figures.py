import dataclasses
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from benchmarks.readme_figure import draw_dots, write_readme_figure

from gafas.errors import DataError
from gafas.evaluation.breakdowns import RiskPoint
from gafas.evaluation.metrics import Answered, Bin, Interval
from gafas.report import figures
from gafas.report.wording import Wording
from run_folders import make_benchmark

WORDS = Wording("en")
OWN = Answered(0.8, 0.95, Interval(0.9, 1.0), 95, 5, 0.95, Interval(0.9, 0.97))
BINS = [
    Bin(low=0.8, high=0.9, count=40, confidence=0.86, accuracy=0.9),
    Bin(low=0.9, high=1.0, count=60, confidence=0.97, accuracy=0.95),
    Bin(low=0.7, high=0.8, count=0, confidence=None, accuracy=None),
]
BARS = [
    figures.Bar("left", 0.9, "90%", interval=(0.8, 0.95)),
    figures.Bar("up", 0.5, "50%", interval=(0.3, 0.7)),
]


def whole(share: float) -> str:
    return f"{100 * share:.0f}%"


def draw_each() -> dict[str, str]:
    """Return one figure of every kind."""
    return {
        "curves": figures.draw_curves(
            {"training": [0.7, 0.4, 0.3], "validation": [None, 0.5, 0.4]},
            labels=("Epoch", "Loss"),
            write=str,
            reference=("claimed", 0.2),
        ),
        "confusion": figures.draw_confusion(
            [[21, 3], [0, 24]], ["glasses", "none"], axis_labels=("said", "true"), write=str
        ),
        "reliability": figures.draw_reliability(BINS, WORDS),
        "bars": figures.draw_bars(BARS, share=whole, label="Accuracy", reference=0.8),
        "risk": risk(OWN),
        "dots": draw_dots(
            {"by file": {"a": BARS[0]}, "by photo": {"b": BARS[1]}}, share=whole, label="Accuracy"
        ),
    }


def risk(own: Answered) -> str:
    points = [RiskPoint(0.0, 1.0, 10, 0.9), RiskPoint(0.7, 0.9, 3, 0.97), RiskPoint(0.9, 0.5, 0, 1)]
    return figures.draw_risk(points, WORDS, own=own)


def small(high: float) -> str:
    bars = [
        figures.Bar("a", 0.02, "2%", interval=(0.01, 0.05)),
        figures.Bar("b", 0.1, "10%", interval=(0.05, high)),
    ]
    return figures.draw_bars(bars, share=whole, label="share", reference=0.04, whole=False)


def drawn_texts(svg: str) -> list[str]:
    """Return the words of a figure: Matplotlib leaves each in a comment beside its outlines."""
    return re.findall(r"<!-- (.*?) -->", svg)


def test_every_figure_is_one_svg_element_without_text_that_needs_a_font() -> None:
    drawn = draw_each()
    assert len(drawn) == 6
    for name, svg in drawn.items():
        assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg", name
        assert "<text" not in svg, name
        assert "<metadata" not in svg, name


def test_drawing_twice_gives_the_same_bytes() -> None:
    assert draw_each() == draw_each()


def test_a_large_first_loss_does_not_flatten_the_rest() -> None:
    svg = figures.draw_curves(
        {"training": [7.2, 0.7, 0.4, 0.2]}, labels=("Epoch", "Loss"), write=lambda v: f"{v:g}"
    )
    assert {"0.2", "0.5", "1", "2", "5"} <= set(drawn_texts(svg))


def test_a_single_epoch_is_a_dot_at_a_whole_number() -> None:
    svg = figures.draw_curves({"training": [0.7]}, labels=("Epoch", "Loss"), write=lambda v: "x")
    assert set(drawn_texts(svg)) - {"x", "Epoch", "Loss", "training"} <= {"0", "1", "2"}
    assert "fill: #0072b2" in svg  # a line has a stroke alone


def test_a_confusion_matrix_writes_every_cell_and_label() -> None:
    texts = drawn_texts(draw_each()["confusion"])
    assert {"21", "3", "0", "24", "glasses", "none", "said", "true"} <= set(texts)


def test_a_row_without_samples_is_drawn_as_unknown_and_not_as_zero() -> None:
    svg = figures.draw_confusion(
        [[1.0, 0.0], [None, None]], ["a", "b"], axis_labels=("x", "y"), write=whole
    )
    assert drawn_texts(svg).count("–") == 2
    assert drawn_texts(svg).count("0%") == 1


def test_bars_stand_under_one_another_with_their_values_beside_them() -> None:
    texts = drawn_texts(draw_each()["bars"])
    assert [t for t in texts if t in ("left", "up")] == ["left", "up"]
    assert {"90%", "50%"} <= set(texts)


def test_a_bar_without_an_interval_has_no_line_drawn_through_it() -> None:
    with_interval = figures.draw_bars(BARS[:1], share=whole, label="x")
    without = figures.draw_bars([figures.Bar("left", 0.9, "90%")], share=whole, label="x")
    assert len(without) < len(with_interval)


def test_long_names_stand_above_their_bars_so_that_the_bars_keep_their_room() -> None:
    name = "compact, leave one person out"
    svg = figures.draw_bars([figures.Bar(name, 0.9, "90%")], share=whole, label="x")
    assert name in drawn_texts(svg)
    assert "ytick" not in svg


def test_empty_bins_are_left_out_of_the_reliability_diagram() -> None:
    full = figures.draw_reliability(BINS[:2], WORDS)
    assert figures.draw_reliability(BINS, WORDS) == full


def test_the_threshold_is_marked_only_where_there_is_one() -> None:
    none = dataclasses.replace(OWN, threshold=0.0)
    assert "at the threshold" in drawn_texts(risk(OWN))
    assert "at the threshold" not in drawn_texts(risk(none))


def test_the_interval_of_a_tiny_group_does_not_stretch_the_axis() -> None:
    assert ends(small(0.99)) == ends(small(0.95))
    assert ends(small(0.12)) != ends(small(0.95))


def ends(svg: str) -> list[str]:
    """Return the outlines of the two bars."""
    found = re.findall(r'id="patch_[34]">\s*<path d="([^"]+)"', svg)
    assert len(found) == 2
    return found


def test_matplotlib_settings_of_the_caller_stay_as_they_were() -> None:
    import matplotlib as mpl

    before = mpl.rcParams["font.size"], mpl.rcParams["svg.fonttype"]
    draw_each()
    assert (mpl.rcParams["font.size"], mpl.rcParams["svg.fonttype"]) == before


def test_the_readme_figure_shows_recipes_and_protocols_and_embeds_no_photo(tmp_path: Path) -> None:
    target = tmp_path / "figures" / "benchmark.svg"
    write_readme_figure(make_benchmark(tmp_path / "cmu.json"), target)
    svg = target.read_text(encoding="utf-8")
    assert {"seed", "compact", "split by file", "leave one person out"} <= set(drawn_texts(svg))
    assert "<image" not in svg
    write_readme_figure(tmp_path / "cmu.json", target, language="es")
    assert "reparto por fichero" in drawn_texts(target.read_text(encoding="utf-8"))


def test_a_file_that_is_no_benchmark_is_refused_and_the_old_figure_stays(tmp_path: Path) -> None:
    target, broken = tmp_path / "old.svg", tmp_path / "cmu.json"
    target.write_text("old", encoding="utf-8")
    broken.write_text('{"entries": [{"recipe": "seed"}]}', encoding="utf-8")
    with pytest.raises(DataError, match="cannot be read: Object missing required field"):
        write_readme_figure(broken, target)
    assert target.read_text(encoding="utf-8") == "old"
