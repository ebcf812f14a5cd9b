"""Numbers drawn as SVG, in one style.

Every function returns one `<svg>` element as text. Letters are drawn as paths, so a figure looks
the same where no font is installed; equal input gives equal bytes. No meaning hangs on colour
alone.
"""

import dataclasses
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, ParamSpec

import matplotlib as mpl
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from gafas.evaluation.breakdowns import RiskPoint
from gafas.evaluation.metrics import Answered, Bin
from gafas.report.wording import Wording

# Okabe and Ito's colours, which colour-blind readers tell apart.
BLUE, SKY, ORANGE, GREEN, RED = "#0072B2", "#56B4E9", "#E69F00", "#009E73", "#D55E00"
GREY, INK, RULE = "#6B7280", "#1F2933", "#E2E6EB"

_STYLE = {
    "svg.fonttype": "path",
    "svg.hashsalt": "gafas",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "hatch.linewidth": 0.8,
    "text.color": INK,
    "axes.edgecolor": "#9AA5B1",
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": RULE,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}

Arguments = ParamSpec("Arguments")


def styled(draw: Callable[Arguments, str]) -> Callable[Arguments, str]:
    """Make a drawing function use the style, and leave Matplotlib's own settings as they were."""
    drawn: Callable[Arguments, str] = mpl.rc_context(_STYLE)(draw)
    return drawn


def new_figure(width: float, height: float) -> Figure:
    """Open an empty figure; inches, of which one is 96 pixels of a page."""
    return Figure(figsize=(width, height), layout="constrained")


def render(figure: Figure, *, background: str = "none") -> str:
    """Return a figure as one `<svg>` element without prologue, date or metadata."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None}, facecolor=background)
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    return re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL).strip()


def ticks(write: Callable[[float], str]) -> Any:
    """Make a tick formatter out of a function that writes a number."""
    return FuncFormatter(lambda value, _position: write(value))


_SHADES = LinearSegmentedColormap.from_list("shades", ["#F4F8FB", "#7FB6D9", "#00507D"])


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """One bar: a share 0–1, how it is written beside the bar, and an optional interval.

    `kind` chooses colour and hatching: claimed, leak, people, unaudited, strangers, honest; plain
    otherwise.
    """

    name: str
    value: float
    text: str
    interval: tuple[float, float] | None = None
    kind: str = "plain"

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the interval; the value itself where there is none."""
        return self.interval or (self.value, self.value)


KIND_COLOURS: Final = {
    "claimed": GREY,
    "leak": ORANGE,
    "people": SKY,
    "unaudited": GREY,
    "strangers": BLUE,
    "honest": GREEN,
    "plain": BLUE,
}
"""The colour of what a figure of the comparison measures."""

_LONG_NAME = 22  # letters; more would leave the bars too little room on a phone
_HATCHES = {"claimed": "///", "leak": "...", "people": "\\\\\\", "unaudited": "xxx"}


@styled
def draw_curves(
    curves: Mapping[str, Sequence[float | None]],
    *,
    labels: tuple[str, str],
    write: Callable[[float], str],
    reference: tuple[str, float] | None = None,
) -> str:
    """Draw one quantity over the epochs; on a logarithmic scale if a value is above 1.

    A first loss of 7 would otherwise flatten all that follows.

    Args:
        curves: values by name, one an epoch from epoch 1; None where nothing was measured.
        labels: what the horizontal and the vertical axis show.
        write: how a value is written on the vertical axis.
        reference: name and value of a level to compare with.
    """
    figure = new_figure(4.2, 2.9)
    axes = figure.subplots()
    styles = ((BLUE, "-"), (RED, (0, (5, 1.5))))
    for (name, values), (colour, style) in zip(curves.items(), styles, strict=False):
        measured = [(n, v) for n, v in enumerate(values, 1) if v is not None]
        if measured:
            dot = "o" if len(measured) == 1 else None  # a line of one point cannot be seen
            points = zip(*measured, strict=True)
            axes.plot(*points, color=colour, linestyle=style, marker=dot, label=name)
    if reference is not None:
        name, level = reference
        axes.axhline(level, color=GREY, linestyle=":", linewidth=1.4, label=name)
    axes.set(xlabel=labels[0], ylabel=labels[1])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if max(map(len, curves.values()), default=0) == 1:
        axes.set_xlim(0, 2)
    if any(v is not None and v > 1 for values in curves.values() for v in values):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(ticks(write))
    axes.legend(loc="best", fontsize=9)
    return render(figure)


@styled
def draw_confusion(
    cells: Sequence[Sequence[float | None]],
    labels: Sequence[str],
    *,
    axis_labels: tuple[str, str],
    write: Callable[[float], str],
) -> str:
    """Draw a confusion matrix; rows are the truth.

    Args:
        cells: counts, or shares of a row; None where a label has no sample.
        labels: names of rows and columns, in the order of the cells.
        axis_labels: what columns (predicted) and rows (truth) show.
        write: how a cell is written.
    """
    figure = new_figure(3.9, 3.4)
    axes = figure.subplots()
    numbers = [[0.0 if cell is None else float(cell) for cell in row] for row in cells]
    top = max((max(row) for row in numbers), default=0.0) or 1.0
    axes.imshow(numbers, cmap=_SHADES, vmin=0, vmax=top, aspect="equal")
    for y, row in enumerate(cells):
        for x, cell in enumerate(row):
            colour = "white" if numbers[y][x] > 0.55 * top else INK
            text = "–" if cell is None else write(cell)
            axes.text(x, y, text, ha="center", va="center", color=colour, fontsize=13)
    names = [label.replace(" ", "\n", 1) for label in labels]
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel=axis_labels[0], ylabel=axis_labels[1])
    axes.grid(False)
    axes.tick_params(length=0)
    return render(figure)


@styled
def draw_reliability(bins: Sequence[Bin], words: Wording) -> str:
    """Draw accuracy over stated probability, and below it how many answers each bin holds.

    The more answers, the larger the dot.
    """
    full = [b for b in bins if b.confidence is not None and b.accuracy is not None]
    figure = new_figure(4.2, 4.0)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.plot([0, 1], [0, 1], color=GREY, linestyle=":", label=words.plain("words.ideal"))
    most = max((b.count for b in full), default=1)
    upper.scatter(
        [b.confidence for b in full],
        [b.accuracy for b in full],
        s=[15 + 110 * b.count / most for b in full],
        clip_on=False,
        color=BLUE,
        label=words.plain("words.measured"),
    )
    widths = [0.9 * (b.high - b.low) for b in full]
    lower.bar([(b.low + b.high) / 2 for b in full], [b.count for b in full], widths, color=SKY)
    left = min((b.low for b in full), default=0.0)
    upper.set_xlim(left - 0.02, 1.02)
    upper.set_ylim(min([left, *(b.accuracy or 0.0 for b in full)]) - 0.04, 1.02)
    upper.set_ylabel(words.plain("words.share_right"))
    lower.set_ylabel(words.plain("words.count"))
    lower.set_xlabel(words.plain("words.probability"))
    lower.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
    lower.xaxis.set_major_formatter(ticks(words.whole))
    upper.yaxis.set_major_formatter(ticks(words.whole))
    figure.legend(loc="outside upper center", ncols=2, fontsize=9)
    return render(figure)


@styled
def draw_risk(points: Sequence[RiskPoint], words: Wording, *, own: Answered) -> str:
    """Draw the share of wrong answers over the share of answers given.

    `own` is marked, unless its threshold is 0 or lets nothing pass: what is given at the model's
    own threshold.
    """
    figure = new_figure(4.2, 2.9)
    axes = figure.subplots()
    wrong = [1 - point.accuracy for point in points]
    axes.plot([point.answered for point in points], wrong, color=BLUE, marker="o", ms=3.5)
    if own.threshold > 0 and own.accuracy is not None:
        label = words.plain("words.threshold")
        place = [own.answered], [1 - own.accuracy]
        axes.plot(*place, "o", ms=9, mfc="none", mec=RED, mew=1.8, label=label)
        axes.legend(loc="upper left", fontsize=9)
    axes.set(xlabel=words.plain("words.answered"), ylabel=words.plain("words.wrong_share"))
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(ticks(words.whole))
    axes.yaxis.set_major_formatter(ticks(words.percent))
    return render(figure)


@styled
def draw_bars(
    bars: Sequence[Bar],
    *,
    share: Callable[[float], str],
    label: str,
    reference: float | None = None,
    whole: bool = True,
) -> str:
    """Draw shares as horizontal bars with their intervals, the first bar on top.

    Short names stand before the bars, long ones above them.

    Args:
        bars: at least one.
        share: how a share is written on the axis.
        label: what the bars measure.
        reference: where to draw a vertical line, such as the overall value.
        whole: whether the axis goes up to 1, or as far as small shares need.
    """
    above = any(len(bar.name) > _LONG_NAME for bar in bars)
    figure = new_figure(4.3, 0.75 + (0.44 if above else 0.27) * len(bars))
    axes = figure.subplots()
    # Intervals of tiny groups would press all others against the axis.
    small = max(0.02, *(min(bar.ends[1], 2.5 * bar.value + 0.05) for bar in bars))
    end = 1.0 if whole else min(1.0, small)
    for place, bar in enumerate(bars):
        _draw_bar(axes, bar, place=place, above=above)
        axes.text(1.03 * end, place + 0.14 * above, bar.text, va="center", ha="left", fontsize=9)
    if reference is not None:
        axes.axvline(reference, color=RED, linestyle="--", linewidth=1)
    names = [] if above else [bar.name for bar in bars]
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.set(ylim=(len(bars) - 0.5, -0.7), xlim=(0, end), xlabel=label)
    axes.xaxis.set_major_formatter(ticks(share))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)
    return render(figure)


def _draw_bar(axes: Any, bar: Bar, *, place: int, above: bool) -> None:
    """Draw one bar; under its name it is thinner and a little lower."""
    middle = place + 0.14 * above
    if above:
        axes.text(0.005, place - 0.3, bar.name, va="center", ha="left", fontsize=9)
    axes.barh(
        middle,
        bar.value,
        height=0.44 if above else 0.68,
        color=KIND_COLOURS[bar.kind],
        alpha=0.85,
        hatch=_HATCHES.get(bar.kind),
        edgecolor="white",
        linewidth=0,
    )
    low, high = bar.ends
    if high > low:
        axes.plot([low, high], [middle] * 2, color=INK, linewidth=1.2, marker="|", markersize=6)
