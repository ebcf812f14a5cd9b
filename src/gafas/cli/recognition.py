"""The doors for photos: predict, annotate, explain."""

# Heavy modules are imported inside the commands, so that `gafas --help` answers at once.

import dataclasses
import gc
import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gafas.cli.answers import escape, make_writer, report
from gafas.cli.progress import show_bar
from gafas.cli.sources import Sources, read_stdin
from gafas.errors import ModelError

if TYPE_CHECKING:
    from gafas.types import ImageArray

Model = Annotated[
    Path | None,
    typer.Option("--model", metavar="FILE", help="A gafas model; the bundled one if left out."),
]
Threshold = Annotated[
    float | None, typer.Option(min=0, max=1, help="Answer unsure under this probability.")
]
MinFace = Annotated[
    int,
    typer.Option(
        "--min-face", min=0, metavar="PIXELS", help="Pass over faces that are narrower or lower."
    ),
]
Largest = Annotated[bool, typer.Option("--largest", help="Look only at each photo's largest face.")]


def _check_device(name: str) -> str:
    if name == "cpu":  # which onnxruntime need not be asked for
        return name
    from gafas.sessions import find_provider

    try:
        return find_provider(name)
    except ModelError as error:
        raise typer.BadParameter(str(error)) from error


Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="NAME",
        callback=_check_device,
        help="What runs the models: cpu, or what else the installed onnxruntime can use, as cuda.",
    ),
]
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
    threshold: Threshold = None,
    min_face: MinFace = 0,
    largest: Largest = False,
    device: Device = "cpu",
) -> None:
    """Say for every face in photos: sunglasses, eyeglasses, none or unsure.

    Folders are searched to the bottom. Exit code 1: something could not be read.
    """
    if as_json and as_csv:
        raise typer.BadParameter("choose one of --json and --csv")
    from gafas.recognizer import Recognizer

    recognizer = Recognizer(
        model,
        threshold=threshold,
        providers=[device],
        min_face=min_face,
        largest=largest,
    )
    write = make_writer(recognizer.classifier.labels, as_json=as_json, as_csv=as_csv)
    sources = Sources(paths)
    named, wanted = itertools.tee(sources)  # apart by no more than the photos in work
    answers = recognizer.predict_many(source for _, source in wanted)
    # A person who sees the answers come needs no bar.
    failed, shown = False, sources.many and not sys.stdout.isatty()
    for (name, _), answer in zip(named, show_bar(answers, shown=shown), strict=True):
        found = dataclasses.replace(answer, photo=name)
        failed |= report(found)
        write(found)
    gc.freeze()  # or Python would, before it ends, search all that was imported for cycles
    raise typer.Exit(int(failed or sources.failed))


def annotate(
    photos: Annotated[
        list[str], typer.Argument(metavar="PHOTO", help="Photos, folders, or - for stdin.")
    ],
    out: Annotated[
        Path, typer.Argument(help="A folder, or for one photo a .jpg, .png or .webp file.")
    ],
    *,
    model: Model = None,
    min_face: MinFace = 0,
    largest: Largest = False,
    device: Device = "cpu",
) -> None:
    """Draw boxes, labels and probabilities on copies of photos.

    No file that exists is ever written to: in a folder, copies are numbered where they must be.
    """
    _check_target(out, several=len(photos) > 1 or Path(photos[0]).is_dir())
    from gafas.annotate import annotate as draw
    from gafas.images import load_photo
    from gafas.recognizer import Recognizer

    recognizer = Recognizer(model, providers=[device], min_face=min_face, largest=largest)
    sources, failed = Sources(photos), False
    for name, source in list(sources):  # now: copies may be written to where is still to search
        found = recognizer.recognize(source, name=name)
        failed |= report(found)
        if found.error is None:
            target = _target(out, name, doing="annotated")
            photo = load_photo(source)  # a very large one comes smaller
            shown = [one.scaled(photo.scale) for one in found.faces]
            _write_picture(draw(photo.image, shown), target)
            typer.echo(escape(str(target)))
    raise typer.Exit(int(failed or sources.failed))


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
    source = read_stdin() if photo == "-" else photo
    reasons = find_reasons(recognizer, source)
    target = _target(out, photo, doing="explained")
    _write_picture(draw(load_photo(source, side=2 * SMALLEST_SIDE), reasons), target)
    typer.echo(escape(str(target)))


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
    from gafas.annotate import encode
    from gafas.data.writing import write_bytes

    write_bytes(target, encode(image, _FORMATS[target.suffix.lower()]))
