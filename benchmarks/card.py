"""The model card: what the model of eyewear is for, what was measured, and how it fails."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import jinja2
from markdown_it import MarkdownIt

from benchmarks.eyewear import PARTS, Parts, Results
from benchmarks.openings import read_openings
from gafas.datasets.eyewear import SETS
from gafas.errors import DataError
from gafas.files import read_json
from gafas.report.wording import Wording

_FACTS: Final = ("source", "face_size", "yaw", "chin", "light", "sharpness")
_MARKS: Final = {True: "yes", False: "no"}


def make_card(results: Path, openings: Path) -> str:
    """Return the model card as Markdown.

    Args:
        results: what `make benchmark-eyewear` wrote, all parts but the test set's.
        openings: the record of openings of the test set; it may not be there yet.

    Raises:
        DataError: the results are missing, or lack a part.
    """
    content = read_json(results, Results)
    parts = content.parts
    missing = [part for part in PARTS if getattr(parts, part) is None]
    if missing:
        raise DataError(
            f"{results} lacks {', '.join(missing)}. Run `make benchmark-eyewear` to measure all."
        )
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        lstrip_blocks=True,
        trim_blocks=True,
        autoescape=False,  # it is Markdown, of our own numbers
    )
    return environment.get_template("model_card.md").render(
        w=Wording("en"),
        model=content.model,
        parts=parts,
        tests=parts.tests,
        sets=SETS,
        bars=list(_judge_bars(parts)),
        openings=read_openings(openings),
        slices=[
            (name, part)
            for name, test in parts.tests.items()
            for part in test.slices
            if part.fact in _FACTS
        ],
        signed=lambda number: f"{number:+g}" if number else "0",
    )


def render_card(card: str) -> str:
    """Return a card as HTML for the web page, which shows the title and scrolls wide tables."""
    html = MarkdownIt("commonmark").enable("table").render(card).partition("</h1>\n")[2]
    html = re.sub(r"<thead>\s*<tr>\s*(<th></th>\s*)+</tr>\s*</thead>\n", "", html)
    html = html.replace("<th></th>", "<td></td>")  # no header without a word
    html = re.sub(r' style="text-align:(\w+)"', r' class="\1"', html)  # the page allows no styles
    html = html.replace("<pre>", '<pre tabindex="0">')  # the arrow keys scroll what is too wide
    html = html.replace("<table>", '<div class="scroll" tabindex="0">\n<table>')
    html = re.sub(r"\n(<t[hd]|</tr)", r"\1", html)  # a row a line
    return html.replace("</table>", "</table>\n</div>")


def _judge_bars(parts: Parts) -> Iterator[tuple[str, str, str, str]]:
    """Yield each bar that was set before training: what, where, the bar, the value, reached."""
    w = Wording("en")
    for what, place, bar, value in _list_bars(parts):
        if isinstance(bar, int):
            yield what, place, f"{bar}", f"{value} ({_MARKS[value is not None and value <= bar]})"
            continue
        least = not what.startswith(("false", "calibration"))
        reached = value is not None and (value >= bar if least else value <= bar)
        sign = "≥" if least else "≤"
        yield what, place, f"{sign} {w.decimal(bar)}", f"{w.decimal(value)} ({_MARKS[reached]})"


def _list_bars(parts: Parts) -> Iterator[tuple[str, str, float, float | None]]:
    if lfw := parts.lfw:
        some = lfw.any_eyewear
        yield "macro F1", "lfw", 0.985, lfw.macro_f1
        yield "F1 of sunglasses", "lfw", 0.97, lfw.labels["sunglasses"].f1
        yield "F1 of eyeglasses", "lfw", 0.986, lfw.labels["eyeglasses"].f1
        yield "F1 of any eyewear", "lfw", 0.996, some.f1 if some else None
        yield "share answered", "lfw", 0.97, lfw.unsure.answered
        yield "accuracy of the answers given", "lfw", 0.997, lfw.unsure.accuracy
        yield "calibration error", "lfw", 0.02, lfw.calibration.ece
        yield "faces missed", "lfw", 0, sum(lfw.faces.missed.values())
    groups = parts.utkface.groups if parts.utkface else None
    if groups and (alarms := groups.false_alarms):
        yield "false alarms", "utkface", 0.02, alarms.overall.share
        if alarms.worst:
            yield "false alarms, worst group", "utkface", 0.04, alarms.worst.share
    if cmu := parts.cmu:
        yield "sunglasses against rest", "cmu", 0.99, cmu.sunglasses_against_rest.value
        yield "faces found", "cmu", 0.975, cmu.faces.found
