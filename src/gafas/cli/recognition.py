"""The doors for photos: predict, annotate, explain."""

# Heavy modules are imported inside the commands, so that `gafas --help` answers at once.

import dataclasses
import itertools
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gafas.cli.answers import complain, escape, make_writer, report
from gafas.errors import DataError, ImageError

if TYPE_CHECKING:
    from gafas.recognizer import Recognition
    from gafas.types import ImageArray

Model = Annotated[
    Path | None,
    typer.Option("--model", metavar="FILE", help="A gafas model; the bundled one if left out."),
]
Source = str | bytes

_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}


def register(app: typer.Typer) -> None:
    """Add the commands for photos to the command line."""
    for command in (predict, annotate, explain):
        app.command()(command)


def predict(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Photos, folders, or - for stdin.")
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per photo.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV, one line per face.")] = False,
    model: Model = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Answer unsure under this probability."),
    ] = None,
) -> None:
    """Say for every face in photos: sunglasses, eyeglasses, none or unsure.

    Folders are searched to the bottom. Exit code 1: something could not be read.
    """
    if as_json and as_csv:
        raise typer.BadParameter("choose one of --json and --csv")
    from gafas.recognizer import Recognizer

    recognizer = Recognizer(model, threshold=threshold)
    sources, failed = _find(paths)
    write = make_writer(recognizer.classifier.labels, as_json=as_json, as_csv=as_csv)
    answers = recognizer.predict_many(source for _, source in sources)
    names = (name for name, _ in sources)
    for name, answer in zip(names, _with_bar(answers, total=len(sources)), strict=True):
        found = dataclasses.replace(answer, photo=name)
        failed |= report(found)
        write(found)
    raise typer.Exit(int(failed))


def annotate(
    photos: Annotated[
        list[str], typer.Argument(metavar="PHOTO", help="Photos, folders, or - for stdin.")
    ],
    out: Annotated[
        Path, typer.Argument(help="A folder, or for one photo a .jpg, .png or .webp file.")
    ],
    *,
    model: Model = None,
) -> None:
    """Draw boxes, labels and probabilities on copies of photos.

    No file that exists is ever written to: in a folder, copies are numbered where they must be.
    """
    _check_target(out, several=len(photos) > 1 or Path(photos[0]).is_dir())
    from gafas.annotate import annotate as draw
    from gafas.images import load_image
    from gafas.recognizer import Recognizer

    recognizer = Recognizer(model)
    sources, failed = _find(photos)
    for name, source in sources:
        found = recognizer.recognize(source, name=name)
        failed |= report(found)
        if found.error is None:
            target = _target(out, name, doing="annotated")
            _write_picture(draw(load_image(source), found.faces), target)
            typer.echo(escape(str(target)))
    raise typer.Exit(int(failed))


def explain(
    photo: Annotated[str, typer.Argument(help="The photo.")],
    out: Annotated[Path, typer.Argument(help="A folder, or a .jpg, .png or .webp file.")],
    *,
    model: Model = None,
) -> None:
    """Show which spots of each face the answer hangs on, as a heat map over the photo."""
    _check_target(out, several=False)
    from gafas.annotate import SMALLEST_SIDE
    from gafas.explain import draw
    from gafas.explain import explain as find_reasons
    from gafas.images import load_photo
    from gafas.recognizer import Recognizer

    recognizer = Recognizer(model)
    source = _read_stdin() if photo == "-" else photo
    reasons = find_reasons(recognizer, source)
    target = _target(out, photo, doing="explained")
    _write_picture(draw(load_photo(source, side=2 * SMALLEST_SIDE), reasons), target)
    typer.echo(escape(str(target)))


def _find(paths: Sequence[str]) -> tuple[list[tuple[str, Source]], bool]:
    """Return every photo's name and source, and whether a path held none."""
    found: list[tuple[str, Source]] = []
    failed = False
    for path in paths:
        try:
            if path == "-":
                found.append((path, _read_stdin()))
            else:
                found += _walk(Path(path)) if Path(path).is_dir() else [(path, path)]
        except (DataError, ImageError) as error:
            complain(path, str(error))
            failed = True
        except OSError as error:  # a folder inside that may not be entered
            complain(path, f"Cannot search the folder: {error.strerror}: {error.filename!r}.")
            failed = True
    return found, failed


def _walk(folder: Path) -> list[tuple[str, Source]]:
    from gafas.data.folders import read_unlabelled

    return [(str(path), str(path)) for path in (one.path for one in read_unlabelled(folder))]


def _read_stdin() -> bytes:
    from gafas.images import MAX_BYTES

    problem = "it is closed"
    if sys.stdin is not None:
        try:
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        except OSError as error:
            problem = error.strerror or str(error)
    raise ImageError(
        f"Cannot read the image from stdin: {problem}. Received: '-'. Pipe a photo's bytes into it."
    )


def _with_bar(answers: "Iterator[Recognition]", *, total: int) -> "Iterator[Recognition]":
    """Show progress on stderr, where a person looks at it and does not see the answers."""
    if total < 2 or sys.stdout.isatty() or not sys.stderr.isatty():
        yield from answers
        return
    import rich.console
    import rich.progress

    console = rich.console.Console(stderr=True)
    with rich.progress.Progress(console=console, transient=True, redirect_stdout=False) as progress:
        yield from progress.track(answers, total=total, description="Looking")


def _check_target(out: Path, *, several: bool) -> None:
    """Refuse a target before any work: a file that exists, or one file for several photos."""
    from gafas.data.folders import PHOTO_ENDINGS

    if out.is_dir():
        return
    ending = out.suffix.lower()
    if out.exists():
        problem = f"{str(out)!r} exists and is no folder. Name a new file, or a folder, at the end"
    elif several and ending in PHOTO_ENDINGS:
        problem = f"several photos need a folder. Received: {str(out)!r}"
    elif ending in PHOTO_ENDINGS and ending not in _FORMATS:
        problem = f"copies are written as {', '.join(_FORMATS)}. Received: {str(out)!r}"
    else:
        return
    raise typer.BadParameter(problem)


def _target(out: Path, name: str, *, doing: str) -> Path:
    """Return a path where nothing is yet."""
    if out.suffix.lower() in _FORMATS and not out.is_dir():
        return out
    stem = "stdin" if name == "-" else Path(name).stem
    numbered = (f"{stem}-{doing}-{number}.jpg" for number in itertools.count(2))
    names = itertools.chain([f"{stem}-{doing}.jpg"], numbered)
    return next(path for path in map(out.joinpath, names) if not path.exists())


def _write_picture(image: "ImageArray", target: Path) -> None:
    from PIL import Image

    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent
    )
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            Image.fromarray(image).save(file, format=_FORMATS[target.suffix.lower()], quality=92)
        beside.chmod(0o644)  # mkstemp makes files that only their owner reads
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
