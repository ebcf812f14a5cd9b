"""The door for very many photos: batch."""

import enum
import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gafas.cli.answers import complain, escape, say
from gafas.cli.photos import Model
from gafas.files import LeftOut
from gafas.labels import UNSURE
from gafas.progress import describe_progress, open_progress

# Heavy modules are imported inside the command, so that `gafas --help` answers at once.
if TYPE_CHECKING:
    from gafas.batch.answers import Tally
    from gafas.batch.batch import Batch
    from gafas.batch.engines import Engine
    from gafas.batch.sources import Source

_FAILED: Final = 1
_INCOMPLETE: Final = 3
_KINDS: Final = 10  # so many reasons are told; all are in the summary


class On(enum.StrEnum):
    """What does the work."""

    local = "local"
    ray = "ray"


def batch(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder, a pattern, a list of photos (.txt, .csv or .parquet with a column "
            "photo), or - for a list on stdin; here or in an object store, as s3://bucket/photos."
        ),
    ],
    out: Annotated[str, typer.Argument(help="A folder for the answers, here or in a store.")],
    *,
    on: Annotated[
        On, typer.Option(help="Processes of this machine, or the tasks of a Ray cluster.")
    ] = On.local,
    address: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Of a running Ray cluster, or auto; else one begins."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Photos at a time on this machine; one per core if left out."),
    ] = None,
    shard: Annotated[int, typer.Option(min=1, help="Photos per file of answers.")] = 500,
    model: Model = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Look at so many photos, and leave the rest.")
    ] = None,
    deduplicate: Annotated[
        bool, typer.Option("--deduplicate", help="Look only once at files of equal contents.")
    ] = False,
) -> None:
    """Look at very many photos, and keep the answers as Parquet files: gafas batch SOURCE OUT.

    Given again, the command goes on where it stopped, whatever stopped it. Exit code 1: photos
    could not be read; 3: photos are left that were not looked at.
    """
    if address is not None and (on is not On.ray or workers is not None):
        raise typer.BadParameter("--address is of a running cluster: say --on ray, no --workers")
    from gafas.batch.batch import Batch
    from gafas.batch.sources import Source
    from gafas.recognizer import BUNDLED
    from gafas.weights import read_bundled, read_model

    filled = Batch(out, read_bundled(BUNDLED) if model is None else read_model(model))
    search = _Search(Source(source), filled, limit)
    if not search.empty:
        with _open(filled, on_ray=on is On.ray, workers=workers, address=address) as engine:
            _watch(filled.run(search, engine, size=shard, deduplicate=deduplicate), search)
    elif not (filled.earlier or search.missed):
        complain(source, "No photo is there: nothing was done.")
        raise typer.Exit(_FAILED)
    told = filled.finish(complete=search.exhausted)
    say(search.left_out.describe())
    _tell(told, filled.labels, out)
    raise typer.Exit(_INCOMPLETE if not told["complete"] else _FAILED * bool(told["errors"]))


def _open(
    filled: "Batch", *, on_ray: bool, workers: int | None, address: str | None
) -> "AbstractContextManager[Engine]":
    from gafas.batch.engines import open_engine
    from gafas.recognizer import count_cores

    workers = workers or count_cores()
    return open_engine(filled.job, on_ray=on_ray, workers=workers, address=address)


class _Search:
    """Give the photos of a source that have no answers yet, and know how many they are.

    Attributes:
        total: how many; None until they are counted, which goes on beside the work.
        missed: whether a folder could not be searched.
        left_out: what was passed over.
    """

    def __init__(self, photos: "Source", filled: "Batch", limit: int | None) -> None:
        self.total: int | None = None
        self.missed = False
        self.left_out = LeftOut()
        self._new = filled.drop_done(photos.find(left_out=self.left_out, complain=self._note))
        self._wanted = itertools.islice(self._new, limit)
        self._first = next(self._wanted, None)
        again = itertools.islice(filled.drop_done(photos.find()), limit)
        threading.Thread(target=self._count, args=(again,), daemon=True).start()

    def __iter__(self) -> Iterator[str]:
        if self._first is not None:
            yield self._first
            yield from self._wanted

    @property
    def empty(self) -> bool:
        """Return whether there is nothing to do."""
        return self._first is None

    @property
    def exhausted(self) -> bool:
        """Return whether none is left after those that were given."""
        return next(self._new, None) is None and not self.missed

    def _note(self, path: str, sentence: str) -> None:
        self.missed = True
        complain(path, sentence)

    def _count(self, photos: Iterator[str]) -> None:
        self.total = sum(1 for _ in photos)


def _watch(work: "Iterator[Tally]", search: _Search) -> None:
    """Do the work, and show on stderr how far it is.

    Raises:
        KeyboardInterrupt: with a sentence that says how far it came.
    """
    began, done, errors = time.monotonic(), 0, 0
    with open_progress("Looking") as show:
        try:
            for tally in work:
                done += tally.photos
                errors += tally.errors.total()
                text = describe_progress(done, search.total, seconds=time.monotonic() - began)
                show(f"Looking: {text}, {errors:,} unreadable", done, search.total)
        except KeyboardInterrupt as error:
            known = search.total
            of = f" of {known:,}" if known is not None else ""
            told = f"{done:,}{of} photos are done. To go on, give the same command again."
            raise KeyboardInterrupt(told) from error


def _tell(told: dict[str, Any], labels: Sequence[str], out: str) -> None:
    """Print how many faces and photos there are of each kind."""
    for label in (*reversed(labels), UNSURE):
        typer.echo(f"{escape(label):12} {told['faces'].get(label, 0):9}")
    typer.echo(f"{'no face':12} {told['without_face']:9}")
    errors = told["errors"]
    typer.echo(f"{'unreadable':12} {sum(errors.values()):9}")
    for error, count in itertools.islice(errors.items(), _KINDS):
        typer.echo(f"{count:22}  {escape(error)}")
    sentence = f"{told['photos']:,} photos have answers in {out}"
    sentence += f", {told['earlier']:,} of them by earlier runs" * bool(told["earlier"])
    sentence += f"; of {told['copies']:,} an equal file was looked at" * bool(told["copies"])
    left = "" if told["complete"] else " Photos are left: give the command again to go on."
    say(f"{escape(sentence)}.{left}")


COMMANDS = (batch,)
