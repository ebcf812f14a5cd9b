"""The chart of the README: every recipe under every protocol, beside the claim."""

from collections.abc import Callable, Mapping
from pathlib import Path

from gafas.files import write_text
from gafas.labels import Language
from gafas.report import figures
from gafas.report.comparison import CLAIM, read_benchmark
from gafas.report.figures import BLUE, GREEN, GREY, ORANGE, RED, new_figure, render, styled, ticks
from gafas.report.wording import Wording


def write_readme_figure(benchmark: Path, target: Path, *, language: Language = "en") -> None:
    """Draw a benchmark file as an SVG file that shows no photo.

    Raises:
        DataError: the benchmark is missing or is not one.
    """
    words = Wording(language)
    groups: dict[str, dict[str, figures.Bar]] = {}
    for measured in read_benchmark(benchmark):
        protocol = words.name("protocols", measured.protocol)
        text = words.percent(measured.value)
        bar = figures.Bar(protocol, measured.value, text, interval=measured.interval)
        groups.setdefault(protocol, {})[measured.recipe] = bar
    svg = draw_dots(
        groups,
        share=words.whole,
        label=words.plain("words.accuracy"),
        reference=(words.plain("words.claimed"), CLAIM.value),
    )
    write_text(target, f'<?xml version="1.0" encoding="utf-8"?>\n{svg}\n')


@styled
def draw_dots(
    groups: Mapping[str, Mapping[str, figures.Bar]],
    *,
    share: Callable[[float], str],
    label: str,
    reference: tuple[str, float] | None = None,
) -> str:
    """Draw shares as dots with their intervals, several series in each group, on white.

    Args:
        groups: bars by series, by group; the first group on top.
        share: how a share is written on the axis.
        label: what the dots measure.
        reference: name and value of a level to compare with.
    """
    series = list(dict.fromkeys(name for bars in groups.values() for name in bars))
    figure = new_figure(7.2, 1.3 + 0.55 * len(groups))
    axes = figure.subplots()
    looks = ((ORANGE, "o"), (GREEN, "D"), (BLUE, "s"), (RED, "^"))
    lowest = min(bar.ends[0] for bars in groups.values() for bar in bars.values())
    for number, name in enumerate(series):
        colour, marker = looks[number % len(looks)]
        shift = 0.26 * (number - (len(series) - 1) / 2)
        for row, bars in enumerate(groups.values()):
            if name in bars:
                axes.plot(bars[name].ends, [row + shift] * 2, color=colour, linewidth=2.2)
                axes.plot(bars[name].value, row + shift, color=colour, marker=marker, markersize=7)
        axes.plot([], [], color=colour, marker=marker, linestyle="-", label=name)
    if reference is not None:
        axes.axvline(reference[1], color=GREY, linestyle=":", label=reference[0])
    axes.set_yticks(range(len(groups)), list(groups))
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set_xlim(min(lowest, reference[1] if reference else 1.0) - 0.02, 1.01)
    axes.set_xlabel(label)
    axes.xaxis.set_major_formatter(ticks(share))
    axes.grid(False, axis="y")
    figure.legend(loc="outside upper center", ncols=4, fontsize=9)
    return render(figure, background="white")
