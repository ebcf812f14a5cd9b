"""The door to wrong labels."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gafas.cli.answers import say
from gafas.labels import Language, choose_language

if TYPE_CHECKING:
    from gafas.evaluation.audit import Audit, Found

_NAMED = 5  # photos of a finding are named up to so many; the CSV and the page name all


def audit(
    photos: Annotated[
        Path,
        typer.Argument(help="Labelled photos: a folder per label, or a CSV file,label[,subject]."),
    ],
    *,
    model: Annotated[
        str, typer.Option(help="Who judges: research, free, or a .onnx file with features.")
    ] = "research",
    against: Annotated[
        Path | None,
        typer.Option(help="Labelled photos of another part, to find photos that are in both."),
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write all findings there.")] = None,
    page: Annotated[
        Path | None,
        typer.Option(
            help="Write a page of the photos, which makes a corrections.csv. An earlier "
            "page is replaced, no other file ever is."
        ),
    ] = None,
    language: Annotated[
        Language | None, typer.Option(help="The language of the page; the locale's if left out.")
    ] = None,
) -> None:
    """Find labels that are likely wrong, and photos that labels cannot be trusted of.

    A model judges that has not learnt these labels. What a corrections.csv beside the photos says
    counts from then on: here, and for adapt, evaluate and train.
    """
    if csv is not None and csv.exists():
        raise typer.BadParameter(f"{csv} is there already; choose another name for --csv")
    from gafas.classifier import EyewearClassifier
    from gafas.datasets.folders import read_labelled
    from gafas.evaluation.audit import audit as look
    from gafas.weights import read_model

    samples = read_labelled(photos)
    if page is not None:
        from gafas.report.pages import refuse_foreign

        refuse_foreign(page)
    other = () if against is None else read_labelled(against)
    found = look(samples, EyewearClassifier(read_model(model)), against=other)
    _print_suspects(found)
    _tell_others(found)
    if csv is not None:
        _write_csv(found, csv)
        typer.echo(csv)
    if page is not None:
        from gafas.report.audited import write_audit_page

        write_audit_page(found, page, language=language or choose_language(os.environ))
        typer.echo(page)


def _print_suspects(audit: "Audit") -> None:
    from gafas.evaluation.audit import Finding

    suspects = audit.list(Finding.suspect)
    for one in suspects:
        told = f"{one.sample.label}, perhaps {one.suspected} {one.probability:.3f}"
        typer.echo(f"{one.sample.name}: {told}")
    whose = "the model knows these labels" if audit.by_model else "by labels of the other photos"
    say(f"{len(suspects)} of {audit.photos} labels are suspect ({whose}).")


def _tell_others(audit: "Audit") -> None:
    from gafas.evaluation.audit import Finding

    for finding, what in (
        (Finding.conflict, "nearly the same photo with another label"),
        (Finding.leak, "nearly the same photo in the other part"),
        (Finding.unreadable, "unreadable"),
        (Finding.no_face, "without a face"),
        (Finding.several_faces, "several faces, of which the label is that nearest to the middle"),
        (Finding.small, "a face of under 32 pixels"),
        (Finding.dark, "a dark face"),
    ):
        found = audit.list(finding)
        if found:
            names = ", ".join(map(_name, found[:_NAMED])) + " …" * (len(found) > _NAMED)
            say(f"{what} ({len(found)}): {names}")


def _name(found: "Found") -> str:
    return f"{found.sample.name} ({found.other})" if found.other else found.sample.name


def _write_csv(audit: "Audit", target: Path) -> None:
    """Write a row for every finding: `file,label,finding,suspected,probability,other`."""
    from gafas.files import make_csv, write_text

    header = ("file", "label", "finding", "suspected", "probability", "other")
    rows = (
        (
            one.sample.name,
            one.sample.label,
            str(one.finding),
            one.suspected,
            "" if one.probability is None else round(one.probability, 6),
            one.other,
        )
        for one in audit.found
    )
    write_text(target, make_csv([header, *rows]))


COMMANDS = (audit,)
