"""A batch from beginning to end: what is not done is cut into shards, looked at, and kept."""

import collections
import itertools
import json
import logging
import os
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

import gafas
from gafas.batch.answers import Tally, digest, read_done
from gafas.batch.engines import Engine
from gafas.batch.parts import SETTINGS, SUMMARY, Store, name_part
from gafas.batch.shards import Job, Shard, give_up
from gafas.batch.sources import group_copies, is_address
from gafas.classifier import EyewearClassifier
from gafas.errors import DataError

LOG = logging.getLogger(__name__)

_SCHEMA: Final = 1

# After so many processes that ended without a photo between them, it is not the photos.
_DEATHS: Final = 50


class Batch:
    """A folder of answers that is being filled.

    Args:
        place: the folder, as `Store` takes it.
        model: the bytes of the model file that looks at the photos.

    Attributes:
        job: what workers must know.
        labels: the model's, in its order.
        tally: what the photos show that have answers by now.
        earlier: how many of them had one when this began.

    Raises:
        DataError: answers of another model are there, or it is no folder.
        ModelError: the bytes are no model of gafas.
        OSError: it cannot be written to.
    """

    def __init__(self, place: str, model: bytes) -> None:
        classifier = EyewearClassifier(model)
        self._store = Store(place)
        self._settings = _settle(self._store, classifier)
        self.labels = classifier.labels
        self._store.clear()
        self._done, self.tally = read_done(self._store)
        self._parts = set(self._store.list_parts())
        self._began = time.monotonic()
        self.earlier = self.tally.photos
        # Workers have other working folders.
        place = place if is_address(place) else os.path.abspath(place)  # noqa: PTH100
        self.job = Job(place, model, gafas.__version__)

    def drop_done(self, photos: Iterable[str]) -> Iterator[str]:
        """Yield the photos that had no answer when this began."""
        return (photo for photo in photos if digest(photo) not in self._done)

    def run(
        self, photos: Iterable[str], engine: Engine, *, size: int, deduplicate: bool = False
    ) -> Iterator[Tally]:
        """Look at photos; give what those of a part show as soon as it is written.

        Args:
            photos: sorted; each once, none of which is done.
            engine: what looks at them.
            size: how many make a shard.
            deduplicate: whether files of equal contents are looked at once.

        Raises:
            DataError: one process after the other ends, whatever it is given.
            OSError: a part cannot be written.
        """
        groups = iter(group_copies(photos)) if deduplicate else ((photo,) for photo in photos)
        shards = map(Shard, iter(lambda: tuple(itertools.islice(groups, size)), ()))
        again, deaths = collections.deque[Shard](), 0
        while True:
            while engine.room > 0:
                shard = again.popleft() if again else next(shards, None)
                if shard is None:
                    break
                engine.submit(shard)
            if not engine.busy:
                return
            shard, tally = engine.wait()
            deaths = 0 if tally else deaths + 1
            if tally is None:
                _stop_after(deaths)
                LOG.info("A process ended, and %d photos are looked at again.", len(shard.photos))
                again += shard.split()
                if shard.is_hopeless:
                    tally = give_up(self.job, shard)
            if tally is not None:
                self._parts.add(name_part(shard.photos))
                self.tally.merge(tally)
                yield tally

    def finish(self, *, complete: bool) -> dict[str, Any]:
        """Write what was found beside the parts, and return it.

        Args:
            complete: whether all photos of the source were looked at.

        Raises:
            OSError: it cannot be written.
        """
        # Another run into the same folder may have put a photo into two parts.
        complete = complete and set(self._store.list_parts()) == self._parts
        told = {
            "complete": complete,
            "photos": self.tally.photos,
            "earlier": self.earlier,
            "copies": self.tally.copies,
            "faces": dict(sorted(self.tally.faces.items())),
            "without_face": self.tally.without_face,
            "errors": dict(self.tally.errors.most_common()),
            "seconds": round(time.monotonic() - self._began, 1),
            "model": self._settings["model"],
            "version": gafas.__version__,
        }
        self._store.write(SUMMARY, _write_json(told))
        return told


def _stop_after(deaths: int) -> None:
    if deaths >= _DEATHS:
        raise DataError(
            f"The processes that look at photos end at once, {deaths} of them by now: there may be "
            "too little memory. What is done is kept. Give the command again with fewer --workers."
        )


def _settle(store: Store, classifier: EyewearClassifier) -> dict[str, Any]:
    """Write down what decides the answers, or compare it with what decided earlier ones."""
    settings = {
        "schema": _SCHEMA,
        "model": classifier.sha256,
        "threshold": classifier.threshold,
        "labels": list(classifier.labels),
    }
    known = store.read_settings()
    if known is None:
        store.write(SETTINGS, _write_json(settings))
    elif known != settings:
        unlike = [name for name in settings if settings[name] != known.get(name)]
        told = ", ".join(f"{name} {known.get(name)}, not {settings[name]}" for name in unlike)
        raise DataError(
            f"These answers were given in another way: {told}. Received: {store.place!r}. Name "
            "another folder for other answers, or give the command as it was."
        )
    return settings


def _write_json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
