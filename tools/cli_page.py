"""docs/cli.md: every command with its arguments and options, as Typer knows them."""

import enum
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from typer.main import get_command

from gafas.cli import app


def describe_cli() -> str:
    """Return docs/cli.md."""
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
    return "\n".join(
        [opening, "Before any command; `-v` and `-q` also after its name:\n", shared, *commands]
    )


def list_commands(door: Any, words: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield every command, those of groups too: its words, as Typer knows it, its function.

    `door` is a `typer.Typer`.
    """
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
