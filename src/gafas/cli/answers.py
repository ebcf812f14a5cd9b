"""How answers about photos are written, on stdout or into a file: as text, JSON or CSV."""

import contextlib
import enum
import functools
import io
import json
import logging
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from gafas.files import make_csv, name_in_data, open_beside
from gafas.progress import Total, show_progress

# Heavy modules are imported inside, so that `gafas --help` answers at once.
if TYPE_CHECKING:
    from gafas.results import Recognition

Item = TypeVar("Item")


@contextlib.contextmanager
def watch(
    work: Iterable[Item], doing: str, *, go_on: str, total: Total = None, shown: bool = True
) -> Iterator[Iterator[Item]]:
    """Watch long work over photos; say after Ctrl-C how many are done, and how to go on.

    Args:
        work: what gives the items.
        doing: what is done, as the bar shows it.
        go_on: a sentence for after Ctrl-C.
        total: how many photos there are, or what knows by and by.
        shown: whether to show progress.

    Raises:
        KeyboardInterrupt: with the sentence, where one came without.
    """
    done = 0

    def count() -> Generator[Item]:
        nonlocal done
        for item in show_progress(work, doing=doing, total=total) if shown else work:
            yield item
            done += 1

    with contextlib.closing(count()) as watched:  # which takes the bar away
        try:
            yield watched
        except KeyboardInterrupt as error:
            if error.args:
                raise
            known = total() if callable(total) else total
            of = f" of {known:,}" if known is not None and known >= done else ""
            photos = "photo is" if (done, of) == (1, "") else "photos are"
            raise KeyboardInterrupt(f"{done:,}{of} {photos} done. {go_on}") from error


_PHOTO = ("photo", "width", "height", "error")
_FACE = ("face", "x1", "y1", "x2", "y2", "confidence", "label")


class Form(enum.StrEnum):
    """The forms of answers."""

    text = "text"
    json = "json"
    csv = "csv"


Write = Callable[[str], object]
"""Takes text that is to be written."""


@contextlib.contextmanager
def open_output(file: Path | None, form: Form) -> Iterator[Write]:
    """Open stdout, or a file that gets its name only when it is whole; data are UTF-8 everywhere.

    Raises:
        OSError: the file cannot be written.
    """
    if file is None:
        prepare_stdout(None if form is Form.text else "utf-8")
        yield functools.partial(typer.echo, nl=False)
        return
    with open_beside(file) as opened:
        yield lambda text: opened.write(text.encode("utf-8", "backslashreplace"))


def make_writer(
    labels: Sequence[str], form: Form, *, write: Write
) -> "Callable[[Recognition], object]":
    """Return what writes one answer, in the form that was asked for.

    CSV gives its header at once: a row is a face, or a photo without any; what is not known is
    empty. `labels` are the model's; each has a column with its probability.
    """
    if form is Form.json:
        return lambda found: write(_json(found))
    if form is Form.csv:
        write(make_csv([[*_PHOTO, *_FACE, *labels]]))
        return lambda found: write(make_csv(_rows(found, labels)))
    return lambda found: write("".join(f"{line}\n" for line in _lines(found)))


def prepare_stdout(encoding: str | None = None) -> None:
    """Let stdout take any name of a file; one that its encoding lacks may not stop a run."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")


def _json(found: "Recognition") -> str:
    shown = found.to_dict() | {"photo": name_in_data(found.photo)}
    return json.dumps(shown, ensure_ascii=False) + "\n"


def _rows(found: "Recognition", labels: Sequence[str]) -> Iterator[list[object]]:
    """Give one row per face, or one for a photo without any."""
    photo = [name_in_data(found.photo), found.width, found.height, found.error]
    if not found.faces:
        yield [*photo, *[None] * (len(_FACE) + len(labels))]
    for number, face in enumerate((face.to_dict() for face in found.faces), 1):
        answers = [face["probabilities"][label] for label in labels]
        yield [*photo, number, *face["box"], face["confidence"], face["label"], *answers]


def _lines(found: "Recognition") -> Iterator[str]:
    name = escape(found.photo)
    if not found.faces and found.error is None:
        yield f"{name}: no face"
    for one in found.faces:
        x1, y1, x2, y2 = (round(value) for value in one.face.box)
        yield f"{name}: {one} at {x1},{y1} {x2},{y2}"


def report(found: "Recognition") -> bool:
    """Say on stderr why a photo could not be read, if so, and return whether it is so."""
    if found.error is not None:
        complain(found.photo, found.error)
    return found.error is not None


def complain(name: str, sentence: str) -> None:
    """Say on stderr what is wrong with a path."""
    _talk(f"gafas: {escape(name)}: {sentence}")


def say(sentence: str) -> None:
    """Say something on stderr that is good to know, unless -q was given."""
    if sentence and logging.getLogger("gafas").isEnabledFor(logging.WARNING):
        _talk(f"gafas: {sentence}")


def _talk(line: str) -> None:
    """Write to what stderr is now: above a bar, if one is shown, which Typer would write into."""
    if sys.stderr is not None:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def escape(name: str) -> str:
    r"""Escape what would break a line or steer a terminal: file names may hold anything.

    >>> escape("año\x1b.jpg")
    'año\\x1b.jpg'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
