"""The one style of every figure: colours, fonts, and how a figure becomes text."""

import io
import re
from collections.abc import Callable
from typing import Any, ParamSpec

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

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
