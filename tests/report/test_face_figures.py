import re
from collections.abc import Callable

import pytest

from gafas.report.face_figures import Share, draw_levels, draw_risk, draw_shares

POINTS = [
    {"answered": 1.0, "accuracy": 0.9},
    {"answered": 0.9, "accuracy": 0.97},
    {"answered": 0.5, "accuracy": 1.0},
]
WORDS = {"answered": "given", "wrong_share": "wrong", "threshold": "own"}


def write(value: float) -> str:
    return f"{value:.0%}"


def risk(own: tuple[float, float] | None) -> str:
    return draw_risk(POINTS, own=own, words=WORDS, write=(write, write))


def shares(high: float = 0.2) -> str:
    bars = [Share("a", 0.02, "2%", 0.01, 0.05), Share("b", 0.1, "10%", 0.05, high)]
    return draw_shares(bars, reference=0.04, label="share", write=write)


def levels() -> str:
    curves = {"right": [1.0, 0.5, None], "lost": [None, None, None]}
    return draw_levels(["0", "1", "2"], curves, label="level", share=write)


@pytest.mark.parametrize("draw", [lambda: risk((0.95, 0.05)), shares, levels])
def test_a_figure_is_one_svg_and_the_same_every_time(draw: Callable[[], str]) -> None:
    svg = draw()
    assert svg.startswith("<svg") and svg.endswith("</svg>")
    assert svg == draw()
    assert not re.search(r"<image|<metadata|<text", svg)


def test_the_threshold_is_marked_only_where_there_is_one() -> None:
    assert len(risk((0.95, 0.05))) > len(risk(None))
    assert "legend" in risk((0.95, 0.05)) and "legend" not in risk(None)


def test_what_was_not_measured_is_not_drawn() -> None:
    # One curve has a line and markers; the other, empty one, not even an entry of the legend.
    both = draw_levels(["0"], {"right": [1.0], "lost": [0.5]}, label="x", share=write)
    one = draw_levels(["0"], {"right": [1.0], "lost": [None]}, label="x", share=write)
    assert len(one) < len(both)


def test_the_interval_of_a_tiny_group_does_not_stretch_the_axis() -> None:
    def bars(svg: str) -> list[str]:
        found = re.findall(r'id="patch_[34]">\s*<path d="([^"]+)"', svg)
        assert len(found) == 2
        return found

    assert bars(shares(high=0.99)) == bars(shares(high=0.95))
    assert bars(shares(high=0.12)) != bars(shares(high=0.95))
