"""Answers that a batch has kept: counted, and used again instead of looking."""

import collections
import dataclasses
import hashlib
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Self

from gafas.batch.parts import Store, make_schema, read_table
from gafas.batch.sources import examine
from gafas.errors import DataError
from gafas.files import name_in_data
from gafas.images import ImageSource
from gafas.recognizer import Recognizer
from gafas.results import Face, Prediction, Recognition

_AHEAD: Final = 256  # so many photos are taken to see which of them have answers


def read_answers(content: bytes, *, model: str) -> list[tuple[int, int, Recognition]]:
    """Read the answers of a part that speak of files, for who has the files and not their paths.

    Args:
        content: the bytes of a part.
        model: the SHA-256 of the model that must have given them.

    Returns:
        Of each file its size in bytes, when it was changed, in microseconds since 1970, and the
        answer.

    Raises:
        DataError: it is no part, or another model's.
    """
    try:
        table = read_table(content)
        if make_schema(()).names != table.schema.names:
            raise ValueError(f"the columns {', '.join(table.schema.names)}")
    except (OSError, ValueError) as error:
        raise DataError(
            "These are no answers: expected a .parquet file that gafas batch has written. "
            f"Received: {error}. Choose one of the files part-….parquet."
        ) from error
    times = table["modified"].cast("int64").to_pylist()
    rows = table.drop_columns("modified").to_pylist()
    other = next((row["model"] for row in rows if row["model"] != model), None)
    if other is not None:
        raise DataError(
            "Another model gave these answers. Received: answers of the model of SHA-256 "
            f"{other}, not {model}. Let the service answer with that model."
        )
    known = zip(rows, times, strict=True)
    return [(row["bytes"], time, _make_recognition(row)) for row, time in known if time is not None]


@dataclasses.dataclass(slots=True)
class Tally:
    """What photos show, in numbers.

    Attributes:
        photos: how many.
        faces: how many there are of each label, `unsure` among them.
        without_face: how many photos have none.
        errors: of photos that could not be read, how many for each reason.
        copies: how many photos got the answer of an equal file.
    """

    photos: int = 0
    faces: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    without_face: int = 0
    errors: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    copies: int = 0

    @classmethod
    def count(cls, rows: Sequence[Mapping[str, Any]], *, groups: int) -> Self:
        """Count rows, of so many contents: of each its `error`, and the labels of its `faces`."""
        read = [row["faces"] for row in rows if row["error"] is None]
        errors = (shorten(row["error"]) for row in rows if row["error"] is not None)
        return cls(
            photos=len(rows),
            faces=collections.Counter(face["label"] for faces in read for face in faces),
            without_face=sum(not faces for faces in read),
            errors=collections.Counter(errors),
            copies=len(rows) - groups,
        )

    def merge(self, other: "Tally") -> None:
        """Add the numbers of other photos."""
        self.photos += other.photos
        self.faces += other.faces
        self.without_face += other.without_face
        self.errors += other.errors
        self.copies += other.copies


def shorten(error: str) -> str:
    """Return why photos cannot be read without what is true of one of them alone.

    >>> shorten("Cannot decode: cut short (3 bytes left). Received: 'a.jpg'. Copy it again.")
    'Cannot decode: cut short.'
    """
    return re.sub(r" \([^()]*\)", "", error.partition(" Received:")[0])


def digest(photo: str) -> bytes:
    """Return 16 bytes that stand for a photo's name: a million names would take more room."""
    return hashlib.blake2b(photo.encode(), digest_size=16).digest()


def read_done(store: Store) -> tuple[set[bytes], Tally]:
    """Return the photos that have answers, by `digest`, and what they show.

    A part with a photo that another part has, too, is removed: its other photos count as not done.
    Such parts can only come of two runs at the same time.
    """
    done, tally = set[bytes](), Tally()
    for name in store.list_parts():
        import pyarrow.compute as pc  # where nothing is done, it is not needed

        table = store.read_part(name, columns=["photo", "error", "faces"])
        photos = {digest(photo) for photo in table["photo"].to_pylist()}
        if len(photos) < len(table) or not done.isdisjoint(photos):
            store.remove(name)
            continue
        done |= photos
        tally.photos += len(table)
        tally.errors.update(map(shorten, table["error"].drop_null().to_pylist()))
        faces = table["faces"]
        empty = pc.equal(pc.list_value_length(faces), 0)
        tally.without_face += pc.sum(pc.and_(empty, table["error"].is_null())).as_py() or 0
        tally.faces.update(pc.struct_field(pc.list_flatten(faces), "label").to_pylist())
    return done, tally


class Answers:
    """Answers that a batch has kept, for whoever would look at the same photos again.

    A photo whose size or time has changed since is looked at anew.

    Args:
        place: the folder of the answers.
        recognizer: what looks at photos that have none. Where its threshold is not the one that the
            answers were given with, their labels are chosen anew, by probabilities of three digits.

    Raises:
        DataError: there are no answers, or another model gave them.
    """

    def __init__(self, place: str, recognizer: Recognizer) -> None:
        import pyarrow

        store = Store(place)
        settings, parts = store.read_settings(), store.list_parts()
        if settings is None:
            raise DataError(
                f"There are no answers here. Received: {place!r}. Name the folder that gafas batch "
                "has filled."
            )
        if settings["model"] != recognizer.classifier.sha256:
            raise DataError(
                f"Another model gave these answers. Received: {place!r}, with answers of the model "
                f"of SHA-256 {settings['model']}, and one of {recognizer.classifier.sha256}. Name "
                "the same model, or leave the answers out."
            )
        self._recognizer = recognizer
        same = settings["threshold"] == recognizer.threshold
        self._threshold = None if same else recognizer.threshold
        schema = make_schema(recognizer.classifier.labels)
        tables = [store.read_part(name) for name in parts]
        self._table = pyarrow.concat_tables([schema.empty_table(), *tables])
        names = (one.as_py() for one in self._table["photo"])
        self._rows = {digest(name): number for number, name in enumerate(names)}

    def find(self, photo: str) -> Recognition | None:
        """Return the answer for a photo on a disk, if one was kept and the file is as it was."""
        name = name_in_data(os.path.abspath(photo))  # noqa: PTH100 (which may be no path)
        number = self._rows.get(digest(name))
        if number is None:
            return None
        (row,) = self._table.slice(number, 1).drop_columns("modified").to_pylist()
        modified = self._table["modified"][number].cast("int64").as_py()
        if examine(name) != (row["bytes"], modified):
            return None
        return dataclasses.replace(_make_recognition(row, self._threshold), photo=photo)

    def recognize_many(
        self, sources: Iterable[ImageSource], *, names: Iterable[str] | None = None
    ) -> Iterator[Recognition]:
        """Give the answers for photos, in their order, as `Recognizer.recognize_many` gives them.

        Args:
            sources: photos; those on disks may have answers.
            names: what the answers call them; paths, or what else is known, if left out.
        """
        named: Iterable[tuple[ImageSource, str | None]] = ((source, None) for source in sources)
        if names is not None:
            named = zip(sources, names, strict=True)
        taken = iter(named)
        while some := list(itertools.islice(taken, _AHEAD)):
            kept = [self.find(one) if isinstance(one, str) else None for one, _ in some]
            new = [one for (one, _), known in zip(some, kept, strict=True) if known is None]
            looked_at = self._recognizer.recognize_many(new)
            for (_, name), known in zip(some, kept, strict=True):
                found = next(looked_at) if known is None else known
                yield found if name is None else dataclasses.replace(found, photo=name)


def _make_recognition(row: Mapping[str, Any], threshold: float | None = None) -> Recognition:
    """Return what a row says; its labels chosen anew, if there is a threshold."""
    faces = tuple(_make_prediction(face, threshold) for face in row["faces"])
    return Recognition(row["photo"], row["width"], row["height"], faces, row["error"])


def _make_prediction(face: Mapping[str, Any], threshold: float | None) -> Prediction:
    x1, y1, x2, y2 = face["box"]
    landmarks = tuple((x, y) for x, y in face["landmarks"])
    seen = Face((x1, y1, x2, y2), landmarks, face["confidence"])
    if threshold is None:
        return Prediction(seen, face["label"], face["probabilities"])
    return Prediction.decide(seen, face["probabilities"], threshold=threshold)
