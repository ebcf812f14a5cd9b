"""Write what is generated of the documentation: the command line, the tables and the charts.

Run it by `make docs`; the tests say when it is due.
"""

import enum
import logging
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from typer.main import get_command

from gafas.cli import app
from gafas.data.writing import write_text
from gafas.errors import DataError
from gafas.evaluation.card import make_card
from gafas.evaluation.comparison import CLAIM, Measured, read_benchmark
from gafas.evaluation.readme_figure import write_readme_figure
from gafas.evaluation.wording import Language, Wording

ROOT = Path(__file__).resolve().parents[1]

READMES: dict[Language, str] = {"en": "README.md", "es": "README.es.md"}
"""Each language's README."""

FIGURES: dict[Language, str] = {"en": "docs/figures/cmu.svg", "es": "docs/figures/cmu.es.svg"}
"""Each README's chart."""

CARD = "MODEL_CARD.md"
"""What is said of the model of eyewear."""

CARD_SOURCES = ("eyewear.json", "lfw_openings.json")
"""The results, and the openings of the test set, that it is made from."""

BEGIN, END = "<!-- results: written by make docs -->", "<!-- /results -->"
"""What a README's table stands between."""

_HEADINGS: dict[Language, str] = {
    "en": "recipe, split|test photos|accuracy|95% interval|full size|weights|time per training",
    "es": "receta, reparto|fotos de prueba|exactitud|intervalo del 95 %|a tamaño completo|pesos"
    "|tiempo por entrenamiento",
}

_log = logging.getLogger(__name__)


def main() -> None:
    """Write docs/cli.md, then all that follows from the benchmarks."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    write_text(ROOT / CARD, make_card(*(ROOT / "benchmarks" / name for name in CARD_SOURCES)))
    write_text(ROOT / "docs/cli.md", describe_cli())
    benchmark = ROOT / "benchmarks/cmu.json"
    for language, name in READMES.items():
        path = ROOT / name
        table = make_table(benchmark, language)
        write_text(path, fill(path.read_text(encoding="utf-8"), table))
        write_readme_figure(benchmark, ROOT / FIGURES[language], language=language)
    _log.info("Wrote %s, docs/cli.md, %s and their charts.", CARD, " and ".join(READMES.values()))


def describe_cli() -> str:
    """Return docs/cli.md: every command with its arguments and options, as Typer knows them."""
    root: Any = get_command(app)
    opening = (
        "# The command line\n\n<!-- written by make docs -->\n\n"
        f"{root.help}\n\n"
        "Data go to stdout, talk to stderr. The exit code is 0 when all went well, 1 for data or "
        "a model that\ncannot be used, 2 for a mistake in the command or in the recipe, and 130 "
        "after Ctrl-C.\n"
    )
    shared = _tabulate(root.params, {})
    commands = [_describe(*found) for found in list_commands(app)]
    return "\n".join([opening, "Before any command:\n", shared, *commands])


def list_commands(door: typer.Typer, words: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield every command, those of groups too: its words, as Typer knows it, its function."""
    group: Any = get_command(door)
    groups = {info.typer_instance.info.name: info.typer_instance for info in door.registered_groups}
    functions = {info.callback.__name__: info.callback for info in door.registered_commands}
    for name, command in group.commands.items():
        full = f"{words} {name}".strip()
        if name in groups:
            yield from list_commands(groups[name], full)
        else:
            yield full, command, functions[name.replace("-", "_")]


def _describe(name: str, command: Any, callback: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = any(p.param_type_name == "option" and p.name != "help" for p in command.params)
    usage = " ".join(["gafas", name, *map(_place, arguments), *["[options]"] * options])
    parts = [f"## gafas {name}\n", f"```console\n{usage}\n```\n", f"{command.help.strip()}\n"]
    return "\n".join([*parts, _tabulate(command.params, typing.get_type_hints(callback))])


def _place(argument: Any) -> str:
    word = argument.name.upper() + ("…" if argument.nargs == -1 else "")
    return word if argument.required else f"[{word}]"


def _tabulate(parameters: Sequence[Any], kinds: Mapping[str, Any]) -> str:
    rows = [
        f"| {_sign(p)} | {_explain(p, _find_choices(kinds.get(p.name)))} |"
        for p in parameters
        if p.name != "help"
    ]
    return "\n".join(["| | |", "| --- | --- |", *rows, ""]) if rows else ""


def _sign(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{_place(parameter)}`"
    value = "" if parameter.is_flag else f" {parameter.name.upper()}"
    return ", ".join(f"`{option}{value}`" for option in parameter.opts)


def _find_choices(kind: Any) -> type[enum.StrEnum] | None:
    """Return the enumeration of a type hint, also inside `list[…]` and `… | None`."""
    if isinstance(kind, type) and issubclass(kind, enum.StrEnum):
        return kind
    return next(filter(None, map(_find_choices, typing.get_args(kind))), None)


def _explain(parameter: Any, kind: type[enum.StrEnum] | None) -> str:
    text = str(parameter.help)
    if kind is not None:
        text += " One of " + ", ".join(f"`{member.value}`" for member in kind) + "."
    if parameter.param_type_name == "option":
        text += " Required." if parameter.required else ""
        text += " May be repeated." if parameter.multiple else ""
        default = parameter.default
        shown = not parameter.is_flag and not parameter.required and default is not None
        text += f" If left out: `{getattr(default, 'value', default)}`." if shown else ""
    return text


def make_table(benchmark: Path, language: Language) -> str:
    """Return the README's table of results as Markdown: the claim, then every entry.

    Raises:
        DataError: the benchmark file is missing or is none.
    """
    words = Wording(language)
    headings = _HEADINGS[language].split("|")
    rows = [_row(measured, words) for measured in (CLAIM, *read_benchmark(benchmark))]
    rules = ["---", "---", *["--:"] * (len(headings) - 2)]
    return "\n".join(f"|{'|'.join(cells)}|" for cells in (headings, rules, *rows))


def _row(measured: Measured, words: Wording) -> list[str]:
    name = f"{measured.recipe}, {words.name('protocols', measured.protocol)}"
    ends = None if measured.low is None or measured.high is None else (measured.low, measured.high)
    claimed = measured.kind == "claimed"
    return [
        words.plain("comparison.claim_row") if claimed else name,
        words.name("kinds", measured.kind),
        words.percent(measured.accuracy),
        words.interval(ends),
        words.percent(measured.full_size),
        words.count(measured.parameters),
        words.duration(measured.seconds),
    ]


def fill(text: str, content: str) -> str:
    """Put content between the marks of a README, in place of what stood there.

    Raises:
        DataError: the marks are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise DataError(f"A README lacks the marks {BEGIN} and {END}. Put them back.")
    return f"{before}{BEGIN}\n{content}\n{END}{after}"


if __name__ == "__main__":
    main()
