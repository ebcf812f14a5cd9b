"""One shard of a batch: some photos → one part; the same on one machine and on a cluster."""

import collections
import concurrent.futures
import dataclasses
import functools
import gc
import itertools
import logging
from collections.abc import Iterator, Sequence
from typing import Any, Final

from gafas.batch.answers import Tally
from gafas.batch.parts import Store, make_part, name_part
from gafas.batch.sources import READERS, announce, examine, is_address, read_photo
from gafas.classifier import EyewearClassifier
from gafas.errors import ImageError
from gafas.images import NamedBytes
from gafas.recognizer import Recognizer
from gafas.results import Recognition

_Group = tuple[str, ...]  # photos of equal contents

LOG = logging.getLogger(__name__)

TRIES: Final = 3
"""So often a photo may end the process that looks at it before it gets a row that says so."""


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """What a worker must know of a run.

    Attributes:
        place: the folder of the answers, as `Store` takes it.
        model: the bytes of the model file.
        version: of gafas.
    """

    place: str
    model: bytes = dataclasses.field(repr=False)
    version: str


@dataclasses.dataclass(frozen=True, slots=True)
class Shard:
    """Photos that are looked at together, and whose rows become one part.

    Attributes:
        groups: the names of photos, equal files together.
        deaths: how many processes have ended while they looked at this photo, if it is one.
    """

    groups: tuple[_Group, ...]
    deaths: int = 0

    @property
    def photos(self) -> tuple[str, ...]:
        """Return the names of all photos."""
        return tuple(itertools.chain.from_iterable(self.groups))

    @property
    def is_hopeless(self) -> bool:
        """Return whether it is one photo that has ended enough processes."""
        return len(self.groups) == 1 and self.deaths + 1 >= TRIES

    def split(self) -> "list[Shard]":
        """Return what to try after the process ended that looked at these photos: each half.

        So the photo that ended it is alone by and by. It is tried again, since what ended the
        process may have come from outside, until it is hopeless.
        """
        middle = len(self.groups) // 2
        if middle:
            return [Shard(self.groups[:middle]), Shard(self.groups[middle:])]
        return [] if self.is_hopeless else [dataclasses.replace(self, deaths=self.deaths + 1)]


def recognize_shard(job: Job, shard: Shard) -> Tally:
    """Look at the photos of a shard, write its part, and return what they show.

    Raises:
        OSError: the part cannot be written.
    """
    recognizer = _open_recognizer(job.model)
    rows: list[dict[str, Any]] = []
    for group, read in _read_ahead(shard.groups):
        rows += _make_rows(group, _recognize(recognizer, group[0], read), read)
    return _write(job, rows, recognizer.classifier, groups=len(shard.groups))


def give_up(job: Job, shard: Shard) -> Tally:
    """Write the part of a photo that ends every process which looks at it.

    Raises:
        OSError: the part cannot be written.
    """
    (group,) = shard.groups
    seen = examine(group[0])  # so that who takes the answer need not look, and end, too
    error = (
        f"Cannot look at the photo: the process that did so ended, {TRIES} times, as if it ran out "
        f"of memory or crashed. Received: {group[0]!r}. See whether it is damaged, or made to harm."
    )
    rows = list(_make_rows(group, Recognition(group[0], error=error), _Read(seen=seen)))
    return _write(job, rows, _open_recognizer(job.model).classifier, groups=1)


@functools.lru_cache(1)  # a worker serves one run
def _open_recognizer(model: bytes) -> Recognizer:
    recognizer = Recognizer(EyewearClassifier(model, threads=1))
    gc.freeze()  # what stays is not searched for garbage again and again
    return recognizer


@dataclasses.dataclass(frozen=True, slots=True)
class _Read:
    """What reading a photo gave: its bytes, or why there are none; how its file was before."""

    data: NamedBytes | None = None
    error: str | None = None
    seen: tuple[int, int] | None = None


def _read(name: str) -> _Read:
    seen = examine(name)
    try:
        return _Read(read_photo(name), seen=seen)
    except ImageError as error:
        return _Read(error=str(error), seen=seen)


def _read_ahead(groups: Sequence[_Group]) -> Iterator[tuple[_Group, _Read]]:
    """Give each group with what its first photo holds, having begun to read the next ones."""
    if not is_address(groups[0][0]):
        for group, following in itertools.zip_longest(groups, groups[1:]):
            if following is not None:
                announce(following[0])
            yield group, _read(group[0])
        return
    waiting: collections.deque[tuple[_Group, concurrent.futures.Future[_Read]]]
    waiting = collections.deque()
    with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
        for group in groups:
            waiting.append((group, pool.submit(_read, group[0])))
            if len(waiting) > READERS:
                begun, reading = waiting.popleft()
                yield begun, reading.result()
        for begun, reading in waiting:
            yield begun, reading.result()


def _recognize(recognizer: Recognizer, name: str, read: _Read) -> Recognition:
    if read.data is None:
        return Recognition(name, error=read.error)
    try:
        return recognizer.recognize(read.data)
    except ImageError as error:
        return Recognition(name, error=str(error))
    except Exception as error:  # whatever one of a million photos brings to light
        LOG.exception("Unexpected, of %s", name)
        told = f"Cannot look at the photo: {type(error).__name__}: {error}. Received: {name!r}."
        return Recognition(name, error=f"{told} This is a fault of gafas: please report it.")


def _make_rows(group: _Group, found: Recognition, read: _Read) -> Iterator[dict[str, Any]]:
    """Give the rows of a photo and of its copies, without the model."""
    for photo in group:
        size, modified = (read.seen if photo == group[0] else examine(photo)) or (None, None)
        size = len(read.data) if read.data is not None else size
        yield {**found.to_dict(), "photo": photo, "bytes": size, "modified": modified}


def _write(
    job: Job, rows: list[dict[str, Any]], classifier: EyewearClassifier, *, groups: int
) -> Tally:
    facts = {"model": classifier.sha256, "version": job.version}
    part = make_part([{**row, **facts} for row in rows], classifier.labels)
    Store(job.place).write(name_part(row["photo"] for row in rows), part)
    return Tally.count(rows, groups=groups)
