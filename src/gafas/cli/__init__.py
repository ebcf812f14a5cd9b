"""The command line: parse, call, print."""

import errno
import logging
import sys
import warnings
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from gafas.cli import adapt, audit, batch, check, photos, serve, sort, tag, train
from gafas.errors import GafasError, RecipeError
from gafas.installing import advise_install

_USAGE = 2
_INTERRUPTED = 130

# The extra that a missing package comes with; all others come with `train`.
_EXTRAS = {
    **dict.fromkeys(
        ("fastapi", "prometheus_client", "pydantic", "python_multipart", "starlette", "uvicorn"),
        "serve",
    ),
    "fsspec": "batch",
    "pyarrow": "batch",
    "ray": "cluster",
}
_FEWER = {
    "adapt": "adapt",
    "audit": "adapt",
    "serve": "adapt",
}  # commands that share packages with `train` and need not all of these


class _Group(TyperGroup):
    """All commands: here an interrupt gets its one sentence."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            told = f": {error}" if error.args else "."
            line_break = "\n" * sys.stderr.isatty()  # after the ^C that a terminal shows
            typer.echo(f"{line_break}gafas: Interrupted{told}", err=True)
            raise typer.Exit(_INTERRUPTED) from error


class _Command(TyperCommand):
    """A command, after whose name -v and -q may stand as well as before it."""

    def get_params(self, ctx: Any) -> list[Any]:
        *own, help_option = super().get_params(ctx)
        shared = [p for p in ctx.find_root().command.params if p.name in ("verbose", "quiet")]
        return [*own, *(shared if ctx.parent else ()), help_option]


app = typer.Typer(
    cls=_Group,
    name="gafas",
    help="Sunglasses, eyeglasses or nothing: recognise eyewear in photos, and prove it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for door in (photos, check, sort, tag, batch, serve, adapt, audit, train):
    for command in door.COMMANDS:
        app.command(cls=_Command)(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        from gafas import __version__

        typer.echo(f"gafas {__version__}")
        raise typer.Exit


def _tell(level: int, name: str, text: str) -> Any:
    """Return an option that changes how much is told; its callback does all of it."""

    def set_level(wanted: bool) -> None:
        if wanted:
            logging.getLogger("gafas").setLevel(level)

    return typer.Option(
        f"--{name}", f"-{name[0]}", expose_value=False, callback=set_level, help=text
    )


@app.callback()
def prepare(
    verbose: Annotated[bool, _tell(logging.INFO, "verbose", "Tell more on stderr.")] = False,
    quiet: Annotated[bool, _tell(logging.ERROR, "quiet", "Tell only what went wrong.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Set up what all commands share."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)


def main() -> None:
    """Run the command line; turn errors that gafas raises on purpose into one sentence."""
    # Pillow's doubts about a photo's EXIF or size name no photo, and what is decoded stands.
    warnings.filterwarnings("ignore", module="PIL")
    try:
        app()
    except GafasError as error:
        _fail(str(error), _USAGE if isinstance(error, RecipeError) else 1)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("gafas"):
            raise
        package, command = (error.name or "").partition(".")[0], "".join(sys.argv[1:2])
        extra = _EXTRAS.get(package) or _FEWER.get(command, "train")
        _fail(
            f"This command needs more than was installed, and {error.name!r} is missing: "
            f"{advise_install(extra)}",
            1,
        )
    except OSError as error:
        place = f" {error.filename!r}" if error.filename else ""
        told = f"Cannot read or write{place}: {error.strerror or error}."
        if error.errno == errno.ENOSPC:
            told += " Free some space there, then give the same command again."
        _fail(told, 1)


def _fail(sentence: str, code: int) -> None:
    typer.echo(f"gafas: {sentence}", err=True)
    sys.exit(code)
