"""The door to own labels, learnt in seconds."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gafas.cli.answers import say
from gafas.labels import Language, choose_language

if TYPE_CHECKING:
    from gafas.training.adapt import Adapted

_NAMED = 5  # photos that are left out are named up to so many


def adapt(
    photos: Annotated[
        Path,
        typer.Argument(help="Labelled photos: a folder per label, or a CSV file,label[,subject]."),
    ],
    target: Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="The file to write.")],
    *,
    model: Annotated[
        str, typer.Option(help="What is adapted: research, free, or a .onnx file with features.")
    ] = "research",
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write a page about it. An earlier page is replaced, no other file ever is."
        ),
    ] = None,
    language: Annotated[
        Language | None, typer.Option(help="The language of the page; the locale's if left out.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Learn own labels from a few dozen photos, and measure on parts of them how well.

    Seconds are enough: a new last layer is learnt on what the model sees in faces. The file answers
    everywhere that takes --model.
    """
    if target.suffix.lower() != ".onnx":
        raise typer.BadParameter(f"a gafas model file ends in .onnx. Received: {str(target)!r}")
    if target.exists() and not force:
        raise typer.BadParameter(f"{target} is there already; replace it with --force")
    from gafas.datasets.folders import read_labelled
    from gafas.training.adapt import adapt as learn
    from gafas.training.adapt import write_adapted

    if report is not None:
        from gafas.report.pages import refuse_foreign

        refuse_foreign(report)  # before anything takes time
    adapted = learn(read_labelled(photos), model=model)
    write_adapted(adapted, target, model=model)
    _tell_samples(adapted)
    _tell_figures(adapted)
    typer.echo(target)
    if report is not None:
        from gafas.report.adapted import write_adapted_page

        spoken = language or choose_language(os.environ)
        write_adapted_page(adapted, report, model=target, language=spoken)
        typer.echo(report)


def _tell_samples(adapted: "Adapted") -> None:
    """Say what was learnt from, and what was not."""
    from gafas.training.features import count_labels

    counts = count_labels(adapted.samples)
    say("learnt from " + ", ".join(f"{counts[label]} {label}" for label in adapted.labels) + ".")
    if adapted.missed:
        names = [sample.name for sample in adapted.missed[:_NAMED]]
        more = " and others" * (len(adapted.missed) > _NAMED)
        say(f"without a face: {', '.join(names)}{more}.")


def _tell_figures(adapted: "Adapted") -> None:
    """Print how good the new layer is on photos that it has not learnt from."""
    from gafas.evaluation.metrics import measure_accuracy

    people = [sample.subject for sample in adapted.samples]
    own = measure_accuracy(adapted.right, subjects=people)
    low, high = own.interval
    whom = "people" if adapted.by_subject else "photos"
    typer.echo(
        f"accuracy {own.value:.4f} ({own.correct} of {own.total}), 95 % interval "
        f"{low:.4f}-{high:.4f}, each measured on {whom} not learnt from"
    )
    if not adapted.by_subject:
        say(
            "nothing tells whom the photos show: where people repeat, the figure flatters; a CSV "
            "with the column subject would tell."
        )
    _print_confusion(adapted)
    shipped = adapted.right_shipped
    if shipped is not None:
        other = measure_accuracy(shipped, subjects=people)
        typer.echo(
            f"the model that was adapted: {other.value:.4f} ({other.correct} of {other.total})"
        )
        if other.correct >= own.correct:
            say("the model that was adapted is as good or better on these photos: use it.")
    for photos, share in adapted.curve:
        typer.echo(f"learnt from {photos:5} photos: accuracy {share:.4f}")


def _print_confusion(adapted: "Adapted") -> None:
    """Print the rows of what is true, and in columns what was answered."""
    from gafas.evaluation.metrics import count_confusions

    answers = adapted.outside.argmax(axis=1)
    table = count_confusions(adapted.truth, answers, labels=adapted.labels)
    wide = max(map(len, adapted.labels))
    head = "  ".join(label.rjust(wide) for label in adapted.labels)
    typer.echo(f"{'':{wide}}  {head}  answered")
    for label, row in zip(adapted.labels, table.counts, strict=True):
        typer.echo(f"{label:{wide}}  " + "  ".join(str(count).rjust(wide) for count in row))


COMMANDS = (adapt,)
