"""Figures of models of faces, drawn as SVG in the reports' style: risk, sweeps, lenses, groups."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from matplotlib.ticker import MaxNLocator

from gafas.report.figures import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    RED,
    new_figure,
    render,
    styled,
    ticks,
)

_STYLES: Final = (
    (BLUE, "-", "o"),
    (GREY, ":", "s"),
    (ORANGE, (0, (4, 1.5)), "^"),
    (RED, (0, (1, 1)), "D"),
    (GREEN, "--", "v"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Share:
    """One share among others: its name, the value, how it is written, its interval, all 0–1."""

    name: str
    value: float
    text: str
    low: float
    high: float


@styled
def draw_risk(
    points: Sequence[Mapping[str, Any]],
    *,
    own: tuple[float, float] | None,
    words: Mapping[str, str],
    write: tuple[Callable[[float], str], Callable[[float], str]],
) -> str:
    """Draw the share of wrong answers over the share of answers given.

    Args:
        points: `answered` and `accuracy` of each.
        own: the share answered and the share wrong at the model's own threshold, or None.
        words: `answered`, `wrong_share` and `threshold`.
        write: how shares are written on the horizontal and on the vertical axis.
    """
    figure = new_figure(4.2, 2.9)
    axes = figure.subplots()
    given = [point["answered"] for point in points]
    axes.plot(given, [1 - point["accuracy"] for point in points], color=BLUE, marker="o", ms=3.5)
    if own is not None:
        axes.scatter(
            *own, s=90, facecolors="none", edgecolors=RED, linewidths=1.8, label=words["threshold"]
        )
        axes.legend(loc="upper left", fontsize=9)
    axes.set(xlabel=words["answered"], ylabel=words["wrong_share"])
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(ticks(write[0]))
    axes.yaxis.set_major_formatter(ticks(write[1]))
    return render(figure)


@styled
def draw_levels(
    levels: Sequence[str],
    curves: Mapping[str, Sequence[float | None]],
    *,
    label: str,
    share: Callable[[float], str],
) -> str:
    """Draw shares, 0–1, level by level; levels stand at equal distances.

    Args:
        levels: how each is written.
        curves: values by name, one a level; None where nothing could be measured.
        label: what the levels are.
        share: how a share is written on the vertical axis.
    """
    figure = new_figure(4.2, 3.1)
    axes = figure.subplots()
    for (name, values), (colour, style, marker) in zip(curves.items(), _STYLES, strict=False):
        known = [(place, value) for place, value in enumerate(values) if value is not None]
        if known:
            across, up = zip(*known, strict=True)
            axes.plot(across, up, color=colour, linestyle=style, marker=marker, ms=4, label=name)
    axes.set_xticks(range(len(levels)), levels)
    axes.set(xlabel=label, ylim=(-0.03, 1.03))
    axes.yaxis.set_major_formatter(ticks(share))
    figure.legend(loc="outside upper center", ncols=2, fontsize=8.5)
    return render(figure)


@styled
def draw_shares(
    shares: Sequence[Share], *, reference: float, label: str, write: Callable[[float], str]
) -> str:
    """Draw small shares as horizontal bars with their intervals, the first on top.

    Args:
        shares: at least one.
        reference: the share of all, a vertical line.
        label: what the shares are.
        write: how a share is written on the axis.
    """
    figure = new_figure(4.3, 0.75 + 0.27 * len(shares))
    axes = figure.subplots()
    places = range(len(shares))
    axes.barh(places, [one.value for one in shares], height=0.68, color=BLUE, alpha=0.85)
    for place, one in enumerate(shares):
        axes.plot([one.low, one.high], [place, place], color=INK, linewidth=1.2, marker="|", ms=6)
    # Intervals of tiny groups would press all others against the axis.
    widest = min(1.0, max(*(min(one.high, 2.5 * one.value + 0.05) for one in shares), 0.02))
    for place, one in enumerate(shares):
        axes.text(1.03 * widest, place, one.text, va="center", ha="left", fontsize=9)
    axes.axvline(reference, color=RED, linestyle="--", linewidth=1)
    axes.set_yticks(places, [one.name for one in shares], fontsize=9)
    axes.set(ylim=(len(shares) - 0.5, -0.7), xlim=(0, widest), xlabel=label)
    axes.xaxis.set_major_formatter(ticks(write))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)
    return render(figure)
