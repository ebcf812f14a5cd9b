"""The model card: what the models of eyewear are for, what was measured, and how they fail."""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import jinja2
from markdown_it import MarkdownIt

from benchmarks.eyewear import PARTS, LifeFigures, OpenedFigures, Parts, Results, SetFigures
from benchmarks.life import Counted
from benchmarks.openings import read_openings
from gafas.errors import DataError
from gafas.evaluation.breakdowns import Group, Slice
from gafas.evaluation.metrics import Interval
from gafas.files import read_json
from gafas.report.wording import Wording

_FACTS: Final = ("yaw", "chin", "light", "sharpness")
_SLICED: Final = ("life", "fairface")  # of the other sets nearly all is right
_MARKS: Final = {True: "yes", False: "no"}
_OTHER: Final = {"free": "research", "research": "free"}


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """One model file's results, and the word by which `--model` chooses it."""

    name: str
    results: Results

    @property
    def parts(self) -> Parts:
        """Return what was measured."""
        return self.results.parts


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """A figure that something was asked of before training.

    Attributes:
        what: the figure.
        place: the set that it is of.
        sign: ≥ where the figure shall be at least the bar, ≤ where at most.
        bar: what was asked for.
        value: what was measured, if it was.
        ends: its interval.
    """

    what: str
    place: str
    sign: str
    bar: float
    value: float | None
    ends: Interval | None = None

    def describe(self) -> str:
        """Write the value, its interval, and whether the bar was reached."""
        w = Wording("en")
        if self.value is None:
            return w.decimal(None)
        reached = self.value >= self.bar if self.sign == "≥" else self.value <= self.bar
        between = f" ({w.decimal(self.ends[0])} – {w.decimal(self.ends[1])})" if self.ends else ""
        return f"{w.decimal(self.value)}{between}: {_MARKS[reached]}"


def make_card(results: Path, openings: Path) -> str:
    """Return the model card as Markdown.

    Where there is another file of results beside, called as the first one with `-free` or
    `-research` after it, both models are shown side by side.

    Args:
        results: what `make benchmark-eyewear` wrote of the model that answers by default, all parts
            but the test set's.
        openings: the record of openings of the test set; it may not be there yet.

    Raises:
        DataError: the results are missing, or lack a part.
    """
    files = [Measured(name, _read(path)) for name, path in find_results(results).items()]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        lstrip_blocks=True,
        trim_blocks=True,
        autoescape=False,  # it is Markdown, of our own numbers
    )
    first = files[0].results
    return environment.get_template("model_card.md").render(
        w=Wording("en"),
        files=files,
        several=len(files) > 1,
        model=first.model,
        parts=first.parts,
        plainly=[_say_plainly(file.parts) for file in files],
        tests=list(dict.fromkeys(name for file in files for name in file.parts.tests)),
        bars=_align([list(_list_bars(file.parts)) for file in files], "what", "place"),
        openings=read_openings(openings),
        alarms=_align([_list_alarms(file.parts) for file in files], "facts", "value"),
        slices=[(name, *row) for name in _SLICED for row in _align_slices(files, name)],
        signed=lambda number: f"{number:+g}" if number else "0",
    )


def find_results(results: Path) -> dict[str, Path]:
    """Return the results of each model by its word: the default's, and the other's, if there.

    Args:
        results: those of the default model, which has no word where it is the only one.
    """
    beside = {name: results.with_name(f"{results.stem}-{name}.json") for name in _OTHER}
    other = next((name for name, path in beside.items() if path.exists()), None)
    return {_OTHER[other]: results, other: beside[other]} if other else {"": results}


def _read(path: Path) -> Results:
    content = read_json(path, Results)
    data = content.model.data
    # Who has met all of CMU's people cannot be measured on them.
    wanted = [part for part in PARTS if part != "cmu" or not data or data.cmu != "all"]
    missing = [part for part in wanted if getattr(content.parts, part) is None]
    if missing:
        raise DataError(
            f"{path} lacks {', '.join(missing)}. Run `make benchmark-eyewear` to measure all."
        )
    return content


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


def _say_plainly(parts: Parts) -> str:
    """Say in one sentence what somebody can expect of everyday photos."""
    life = parts.life
    assert life is not None  # as `_read` has made sure
    found, right = (int(100 * (x or 0)) for x in (life.faces.found, life.unsure.accuracy))
    unsure = round(100 * (1 - life.unsure.answered))
    return (
        f"Of 100 faces in everyday photos it finds {found}; of 100 answers {right} are right; of "
        f"100 faces it says `unsure` to {unsure}"
    )


def _align(lists: Sequence[Iterable[Any]], *keys: str) -> list[tuple[Any, list[Any]]]:
    """Put what files say of the same thing side by side: what comes first, and each file's own.

    A file that says nothing of it has None there.
    """
    tables = [{tuple(getattr(x, key) for key in keys): x for x in some} for some in lists]
    every = {key: x for table in reversed(tables) for key, x in table.items()}
    order = dict.fromkeys(key for table in tables for key in table)
    return [(every[key], [table.get(key) for table in tables]) for key in order]


def _list_alarms(parts: Parts) -> tuple[Group, ...]:
    groups = parts.utkface.groups if parts.utkface else None
    return groups.false_alarms.groups if groups and groups.false_alarms else ()


def _align_slices(files: Sequence[Measured], name: str) -> list[tuple[Any, list[Any]]]:
    def choose(file: Measured) -> Iterator[Slice]:
        test = file.parts.tests.get(name)
        return (part for part in (test.slices if test else ()) if part.fact in _FACTS)

    return _align([choose(file) for file in files], "fact", "value")


def _list_bars(parts: Parts) -> Iterator[Bar]:
    if life := parts.life:
        yield from _list_life_bars(life)
    if fairface := parts.fairface:
        yield _ask_right(fairface, "fairface", 0.93)
        yield _ask_answers(fairface, "fairface", 0.985)
    if utkface := parts.utkface:
        alarms = utkface.groups.false_alarms if utkface.groups else None
        for what, bar, group in (
            ("false alarms", 0.01, alarms and alarms.overall),
            ("false alarms, worst group", 0.03, alarms and alarms.worst),
        ):
            if group:
                yield Bar(what, "utkface", "≤", bar, group.share, group.wilson)
        yield _ask_answers(utkface, "utkface", 0.995)
    if web := parts.web:
        yield _ask_right(web, "web", 0.993)
    if lfw := parts.lfw:
        yield from _list_lfw_bars(lfw)


def _list_life_bars(life: LifeFigures) -> Iterator[Bar]:
    def at_most(what: str, bar: float, counted: Counted) -> Bar:
        return Bar(what, "life", "≤", bar, counted.share, counted.wilson)

    scenes = life.scenes
    yield Bar("faces found", "life", "≥", 0.98, life.faces.found, life.faces.wilson)
    yield _ask_right(life, "life", 0.92)
    yield Bar("macro F1", "life", "≥", 0.88, life.macro_f1, life.f1_intervals.macro_f1)
    yield _ask_answers(life, "life", 0.97)
    yield Bar("answered", "life", "≥", 0.88, life.unsure.answered, life.unsure.answered_wilson)
    for what, bar, rate in (
        ("false faces per photo", 0.08, scenes.false_faces),
        ("false faces told to wear something, per photo", 0.02, scenes.false_told),
    ):
        yield Bar(what, "life", "≤", bar, rate.rate, rate.interval)
    bare = "bare under hats, helmets, masks: told to wear something"
    yield at_most(bare, 0.04, scenes.covered_alarms)
    yield at_most("goggles and headsets called sunglasses", 0.2, scenes.other_sunglasses)
    yield Bar("calibration error", "life", "≤", 0.03, life.calibration.ece)


def _list_lfw_bars(lfw: OpenedFigures) -> Iterator[Bar]:
    ends, some = lfw.f1_intervals, lfw.any_eyewear
    dark = lfw.labels["sunglasses"].f1
    yield Bar("macro F1", "lfw", "≥", 0.987, lfw.macro_f1, ends.macro_f1)
    yield Bar("F1 of sunglasses", "lfw", "≥", 0.97, dark, ends.labels["sunglasses"])
    yield Bar("F1 of any eyewear", "lfw", "≥", 0.998, some.f1 if some else None, ends.any_eyewear)
    yield Bar("answered", "lfw", "≥", 0.97, lfw.unsure.answered, lfw.unsure.answered_wilson)
    yield _ask_answers(lfw, "lfw", 0.997)


def _ask_right(part: SetFigures, name: str, bar: float) -> Bar:
    return Bar("right", name, "≥", bar, part.accuracy.value, part.accuracy.interval)


def _ask_answers(part: SetFigures, name: str, bar: float) -> Bar:
    told = part.unsure
    return Bar("right among answered", name, "≥", bar, told.accuracy, told.accuracy_wilson)
