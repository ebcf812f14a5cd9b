"""The command line: parse, call, print."""

import logging
import sys
import warnings
from typing import Annotated

import typer

from gafas.cli import benchmarks, recognition, selfcheck, service, sorting, workshop
from gafas.errors import GafasError, RecipeError

app = typer.Typer(
    name="gafas",
    help="Sunglasses, eyeglasses or nothing: recognise eyewear in photos, and prove it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
recognition.register(app)
sorting.register(app)
selfcheck.register(app)
service.register(app)
workshop.register(app)
benchmarks.register(app)

_USAGE = 2

# The extra that a missing package comes with; all others come with `train`.
_EXTRAS = dict.fromkeys(
    ("fastapi", "prometheus_client", "pydantic", "python_multipart", "starlette", "uvicorn"),
    "serve",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from gafas import __version__  # reading it takes as long as all other imports here

        typer.echo(f"gafas {__version__}")
        raise typer.Exit


@app.callback()
def prepare(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell more on stderr.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Set up what all commands share."""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("gafas").setLevel(level)


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
        extra = _EXTRAS.get((error.name or "").partition(".")[0], "train")
        _fail(
            f"This command needs more than was installed, and {error.name!r} is missing: "
            f"pip install 'gafas[{extra}]'.",
            1,
        )
    except OSError as error:
        place = f" {error.filename!r}" if error.filename else ""
        _fail(f"Cannot read or write{place}: {error.strerror or error}.", 1)
    except KeyboardInterrupt:
        _fail("Interrupted.", 130)


def _fail(sentence: str, code: int) -> None:
    typer.echo(f"gafas: {sentence}", err=True)
    sys.exit(code)
