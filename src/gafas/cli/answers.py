"""How answers about photos are written on stdout: as text, JSON or CSV."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from gafas.recognizer import Recognition

_PHOTO = ("photo", "width", "height", "error")
_FACE = ("face", "x1", "y1", "x2", "y2", "confidence", "label")


def make_writer(
    labels: Sequence[str], *, as_json: bool, as_csv: bool
) -> "Callable[[Recognition], None]":
    """Return what writes one answer to stdout, in the form that was asked for.

    CSV gives its header at once: a row is a face, or a photo without any; what is not known is
    empty. `labels` are the model's; each has a column with its probability.
    """
    prepare_stdout("utf-8" if as_json or as_csv else None)  # data is UTF-8 everywhere
    if as_json:
        return lambda found: typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
    if as_csv:
        typer.echo(_csv([[*_PHOTO, *_FACE, *labels]]), nl=False)
        return lambda found: typer.echo(_csv(_rows(found, labels)), nl=False)
    return _write_text


def prepare_stdout(encoding: str | None = None) -> None:
    """Let stdout take any name of a file; one that its encoding lacks may not stop a run."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")


def _rows(found: "Recognition", labels: Sequence[str]) -> Iterator[list[object]]:
    """Give one row per face, or one for a photo without any."""
    photo = [found.photo, found.width, found.height, found.error]
    if not found.faces:
        yield [*photo, *[None] * (len(_FACE) + len(labels))]
    for number, face in enumerate((face.to_dict() for face in found.faces), 1):
        answers = [face["probabilities"][label] for label in labels]
        yield [*photo, number, *face["box"], face["confidence"], face["label"], *answers]


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _write_text(found: "Recognition") -> None:
    from gafas.annotate import caption

    name = escape(found.photo)
    if not found.faces and found.error is None:
        typer.echo(f"{name}: no face")
    for one in found.faces:
        x1, y1, x2, y2 = (round(value) for value in one.face.box)
        typer.echo(f"{name}: {caption(one)} at {x1},{y1} {x2},{y2}")


def report(found: "Recognition") -> bool:
    """Say on stderr why a photo could not be read, if so, and return whether it is so."""
    if found.error is not None:
        complain(found.photo, found.error)
    return found.error is not None


def complain(name: str, sentence: str) -> None:
    """Say on stderr what is wrong with a path."""
    typer.echo(f"gafas: {escape(name)}: {sentence}", err=True)


def escape(name: str) -> str:
    r"""Escape what would break a line or steer a terminal: file names may hold anything.

    >>> escape("año\x1b.jpg")
    'año\\x1b.jpg'
    """
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in name
    )
