"""The doors for photos: predict, annotate, explain, and selfcheck, which proves an installation."""

import gc
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gafas.cli.answers import Form, escape, make_writer, open_output, report, say, watch
from gafas.cli.sources import Sources, count_ahead, read_stdin, recognize_sources
from gafas.errors import ModelError
from gafas.files import PHOTO_ENDINGS, LeftOut, write_bytes

# Heavy modules are imported inside the commands, so that `gafas --help` answers at once.
if TYPE_CHECKING:
    from gafas.recognizer import Recognizer
    from gafas.results import ImageArray, Recognition

Model = Annotated[
    Path | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="A gafas model file, or the name of a bundled model; the default one if left out.",
    ),
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
    from gafas.weights import find_provider

    try:
        return find_provider(name)
    except ModelError as error:
        raise typer.BadParameter(str(error)) from error


Answers = Annotated[
    str | None,
    typer.Option(
        "--answers",
        metavar="FOLDER",
        help="Take the answers that gafas batch has kept there; photos without one, or changed "
        "since, are looked at.",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="NAME",
        callback=_check_device,
        help="What runs the models: cpu, or what else the installed onnxruntime can use, as cuda.",
    ),
]


def predict(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Photos, folders, or - for stdin.")
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per photo.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV, one line per face.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Write the answers into FILE, once all are there; what it held is replaced. A "
            "name in .csv, .json or .jsonl chooses the form.",
        ),
    ] = None,
    answers: Answers = None,
    model: Model = None,
    threshold: Threshold = None,
    min_face: MinFace = 0,
    largest: Largest = False,
    device: Device = "cpu",
) -> None:
    """Say for every face in photos: sunglasses, eyeglasses, none or unsure.

    Folders are searched to the bottom. Exit code 1: something could not be read.
    """
    form = _choose_form(out, as_json=as_json, as_csv=as_csv)
    from gafas.recognizer import Recognizer

    recognizer = Recognizer(model, threshold=threshold, providers=[device])
    sources = Sources(paths, left_out=(left_out := LeftOut()))
    found_all = recognize_sources(choose_source(recognizer, answers), sources)
    # A person who sees the answers come needs no bar.
    shown = sources.many and not (out is None and sys.stdout.isatty())
    go_on = "Their answers are written." if out is None else f"{str(out)!r} is not written."
    go_on += " To go on, name the other photos; the same command begins anew."
    total = count_ahead(sources.names())
    with (
        watch(found_all, "Looking", go_on=go_on, total=total, shown=shown) as watched,
        open_output(out, form) as write,
    ):
        answer = make_writer(recognizer.classifier.labels, form, write=write)
        failed = False
        for found in watched:
            failed |= report(found)
            answer(found.select(min_face=min_face, largest=largest))
    say(left_out.describe())
    gc.freeze()  # or Python would, before it ends, search all that was imported for cycles
    raise typer.Exit(int(failed or sources.failed))


def choose_source(
    recognizer: "Recognizer", answers: str | None
) -> "Callable[..., Iterator[Recognition]]":
    """Return what answers for photos: the recognizer, or, where some are named, kept answers."""
    if answers is None:
        return recognizer.recognize_many
    from gafas.batch.answers import Answers

    return Answers(answers, recognizer).recognize_many


def _choose_form(out: Path | None, *, as_json: bool, as_csv: bool) -> Form:
    """Return the form of the answers; refuse to write them over a photo."""
    if as_json and as_csv:
        raise typer.BadParameter("choose one of --json and --csv")
    if out is not None and (out.is_dir() or out.suffix.lower() in PHOTO_ENDINGS):
        raise typer.BadParameter(f"-o takes the name of a table. Received: {str(out)!r}")
    ending = out.suffix.lower() if out is not None else ""
    if as_json or (not as_csv and ending in (".json", ".jsonl")):
        return Form.json
    return Form.csv if as_csv or ending == ".csv" else Form.text


def annotate(
    photos: Annotated[
        list[str], typer.Argument(metavar="PHOTO", help="Photos, folders, or - for stdin.")
    ],
    out: Annotated[
        Path, typer.Argument(help="A folder, or for one photo a .jpg, .png or .webp file.")
    ],
    *,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write over copies of an earlier run.")
    ] = False,
    model: Model = None,
    min_face: MinFace = 0,
    largest: Largest = False,
    device: Device = "cpu",
) -> None:
    """Draw boxes, labels and probabilities on copies of photos.

    Of a folder, the copies lie as the photos do: a/b/x.jpg becomes OUT/b/x-annotated.jpg for
    gafas annotate a OUT. No photo is ever written over, nor any other file without --overwrite:
    copies are numbered where they must be.
    """
    _check_target(out, photos, overwrite=overwrite)
    from gafas.recognizer import Recognizer

    recognizer = Recognizer(model, providers=[device])
    left_out, failed = LeftOut(), False
    searches = {path: Sources([path], left_out=left_out) for path in photos}
    # Now: copies may be written to where is still to search.
    wanted = [(path, *one) for path, sources in searches.items() for one in sources]
    names = [name for _, name, _ in wanted]
    targets = _Targets(out, names, doing="annotated", overwrite=overwrite)
    go_on = "To begin anew and write over their copies, give the same command with --overwrite."
    shown = len(wanted) > 1 and not sys.stdout.isatty()
    answers = recognizer.recognize_many((source for _, _, source in wanted), names=names)
    with watch(answers, "Drawing", go_on=go_on, total=len(wanted), shown=shown) as watched:
        for (path, name, _), found in zip(wanted, watched, strict=True):
            failed |= report(found)
            if found.error is None:
                target = targets.choose(name, under=path)
                drawn = found.select(min_face=min_face, largest=largest).annotate()
                _write_picture(drawn, target)
                typer.echo(escape(str(target)))
    say(left_out.describe())
    raise typer.Exit(int(failed or any(sources.failed for sources in searches.values())))


def explain(
    photo: Annotated[str, typer.Argument(help="The photo.")],
    out: Annotated[Path, typer.Argument(help="A folder, or a .jpg, .png or .webp file.")],
    *,
    model: Model = None,
) -> None:
    """Show which spots of each face the answer hangs on, as a heat map over the photo."""
    _check_target(out, [photo])
    from gafas.explanation import draw_explanations
    from gafas.explanation import explain as find_reasons
    from gafas.recognizer import Recognizer

    recognizer = Recognizer(model)
    source = read_stdin() if photo == "-" else photo
    reasons = find_reasons(recognizer, source)
    target = _Targets(out, [photo], doing="explained").choose(photo, under=photo)
    _write_picture(draw_explanations(source, reasons), target)
    typer.echo(escape(str(target)))


def selfcheck() -> None:
    """Prove this installation: bundled pictures must get the answers stored with them.

    Exit code 1: an answer differs, or the model that ships cannot be used.
    """
    from gafas.selfcheck import list_versions, run_selfcheck

    checks = list(run_selfcheck())
    for check in checks:
        typer.echo(f"{'differs' if check.problems else 'same':8}{check.picture}: {check.answer}")
        for problem in check.problems:
            typer.echo(f"        {problem}.")
    different = sum(bool(check.problems) for check in checks)
    typer.echo(", ".join(f"{name} {version}" for name, version in list_versions().items()))
    if different:
        typer.echo(
            f"{different} of {len(checks)} pictures differ from the release: do not trust this "
            "installation. Install gafas into a fresh environment and check again."
        )
        raise typer.Exit(1)
    typer.echo(f"All {len(checks)} pictures get the stored answers: this installation works.")


_FORMATS: Final = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}


class _Targets:
    """Choose a path for every copy: none of a photo, and none twice.

    Args:
        out: a folder, or for one photo a file.
        photos: all that is read.
        doing: what is added to the photos' names.
        overwrite: whether a copy of an earlier run may be written over.
    """

    def __init__(
        self, out: Path, photos: Iterable[str], *, doing: str, overwrite: bool = False
    ) -> None:
        self._out = out
        self._doing = doing
        self._overwrite = overwrite
        self._taken = {os.path.realpath(photo) for photo in photos}

    def choose(self, name: str, *, under: str) -> Path:
        """Return where a photo's copy goes; `under` is the folder that was named, or the photo."""
        if self._out.suffix.lower() in _FORMATS and not self._out.is_dir():
            return self._out
        inside = Path() if name == under else Path(name).relative_to(Path(under)).parent
        stem = "stdin" if name == "-" else Path(name).stem
        numbered = (f"{stem}-{self._doing}-{number}.jpg" for number in itertools.count(2))
        names = itertools.chain([f"{stem}-{self._doing}.jpg"], numbered)
        target = next(filter(self._is_free, (self._out / inside / name for name in names)))
        self._taken.add(os.path.realpath(target))
        return target

    def _is_free(self, path: Path) -> bool:
        if os.path.lexists(path) and not (self._overwrite and path.is_file()):
            return False
        return os.path.realpath(path) not in self._taken


def _check_target(out: Path, photos: Sequence[str], *, overwrite: bool = False) -> None:
    """Refuse a target before any work: a file that exists, or one file for several photos."""
    if out.is_dir():
        return
    ending = out.suffix.lower()
    several = len(photos) > 1 or Path(photos[0]).is_dir()
    if out.exists() and not overwrite:
        problem = f"{str(out)!r} exists and is no folder. Name a new file, or a folder, at the end"
    elif out.exists() and any(_is_same(out, photo) for photo in photos):
        problem = f"{str(out)!r} is the photo itself. Name another file, or a folder, at the end"
    elif several and (ending in PHOTO_ENDINGS or out.exists()):
        problem = f"several photos need a folder. Received: {str(out)!r}"
    elif (ending in PHOTO_ENDINGS or out.exists()) and ending not in _FORMATS:
        problem = f"copies are written as {', '.join(_FORMATS)}. Received: {str(out)!r}"
    else:
        return
    raise typer.BadParameter(problem)


def _write_picture(image: "ImageArray", target: Path) -> None:
    """Write a picture in the format that its name ends in.

    Raises:
        OSError: it cannot be written; what was there is as it was.
    """
    from gafas.annotation import encode

    write_bytes(target, encode(image, _FORMATS[target.suffix.lower()]))


def _is_same(one: Path, other: str) -> bool:
    return Path(other).exists() and one.samefile(other)


COMMANDS = (predict, annotate, explain, selfcheck)
