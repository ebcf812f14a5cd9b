"""The door for proving an installation: selfcheck."""

import gc
import itertools
import sys
from pathlib import Path
from typing import Annotated

import typer

from gafas.cli.answers import Form, Work, escape, make_writer, open_output, report, say
from gafas.cli.copies import Targets, check_target, write_picture
from gafas.cli.sources import Sources, count_ahead, read_stdin
from gafas.errors import ModelError

# Heavy modules are imported inside the commands, so that `gafas --help` answers at once.


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
    from gafas.weights import find_provider

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
    from gafas.files import LeftOut
    from gafas.recognizer import Recognizer

    recognizer = Recognizer(model, threshold=threshold, providers=[device])
    sources = Sources(paths, left_out=(left_out := LeftOut()))
    named, wanted = itertools.tee(sources)  # apart by no more than the photos in work
    answers = recognizer.recognize_many(
        (source for _, source in wanted), names=(name for name, _ in named)
    )
    # A person who sees the answers come needs no bar.
    shown = sources.many and not (out is None and sys.stdout.isatty())
    go_on = "Their answers are written." if out is None else f"{str(out)!r} is not written."
    go_on += " To go on, name the other photos; the same command begins anew."
    with (
        Work("Looking", total=count_ahead(sources.names()), go_on=go_on, shown=shown) as work,
        open_output(out, form) as write,
    ):
        answer = make_writer(recognizer.classifier.labels, form, write=write)
        failed = False
        for found in work.watch(answers):
            failed |= report(found)
            answer(found.select(min_face=min_face, largest=largest))
    say(left_out.describe())
    gc.freeze()  # or Python would, before it ends, search all that was imported for cycles
    raise typer.Exit(int(failed or sources.failed))


def _choose_form(out: Path | None, *, as_json: bool, as_csv: bool) -> Form:
    """Return the form of the answers; refuse to write them over a photo."""
    from gafas.files import PHOTO_ENDINGS

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
    check_target(out, photos, overwrite=overwrite)
    from gafas.files import LeftOut
    from gafas.recognizer import Recognizer

    recognizer = Recognizer(model, providers=[device])
    left_out, failed = LeftOut(), False
    searches = {path: Sources([path], left_out=left_out) for path in photos}
    # Now: copies may be written to where is still to search.
    wanted = [(path, *one) for path, sources in searches.items() for one in sources]
    names = [name for _, name, _ in wanted]
    targets = Targets(out, names, doing="annotated", overwrite=overwrite)
    go_on = "To begin anew and write over their copies, give the same command with --overwrite."
    shown = len(wanted) > 1 and not sys.stdout.isatty()
    with Work("Drawing", total=len(wanted), go_on=go_on, shown=shown) as work:
        answers = recognizer.recognize_many((source for _, _, source in wanted), names=names)
        for (path, name, _), found in zip(wanted, work.watch(answers), strict=True):
            failed |= report(found)
            if found.error is None:
                target = targets.choose(name, under=path)
                drawn = found.select(min_face=min_face, largest=largest).annotate()
                write_picture(drawn, target)
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
    check_target(out, [photo])
    from gafas.annotate import SMALLEST_SIDE
    from gafas.explain import draw
    from gafas.explain import explain as find_reasons
    from gafas.images import load_photo
    from gafas.recognizer import Recognizer

    recognizer = Recognizer(model)
    source = read_stdin() if photo == "-" else photo
    reasons = find_reasons(recognizer, source)
    target = Targets(out, [photo], doing="explained").choose(photo, under=photo)
    write_picture(draw(load_photo(source, side=2 * SMALLEST_SIDE), reasons), target)
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


COMMANDS = (predict, annotate, explain, selfcheck)
