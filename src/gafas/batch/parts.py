"""Parts: Parquet files of answers, one row a photo, written whole; and the folder of them."""

import contextlib
import datetime
import hashlib
import io
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from gafas.batch.sources import is_address, open_store, reach
from gafas.errors import DataError
from gafas.files import open_beside

if TYPE_CHECKING:
    import pyarrow

SETTINGS: Final = "_run.json"
"""What decides the answers of a folder, in JSON."""

SUMMARY: Final = "_summary.json"
"""What the last run found, in JSON."""

_PART: Final = re.compile(r"part-[0-9a-f]{32}\.parquet")


class Store:
    """A folder that keeps answers, on a disk or in an object store.

    Args:
        place: its path, or an address that fsspec knows.

    Raises:
        DataError: there is no store at the address, or the path is one of a file.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        self._folder: Path | None = None
        if is_address(place):
            self._system, self._root = open_store(place.rstrip("/"))
        else:
            self._folder = Path(place)
            if self._folder.exists() and not self._folder.is_dir():
                raise DataError(
                    f"Expected a folder for the answers. Received: {place!r}, which is a file. "
                    "Name a folder; it is made if it is not there."
                )

    def list_parts(self) -> list[str]:
        """Return the names of the parts, sorted."""
        names: Iterable[str] = ()
        with contextlib.suppress(FileNotFoundError):
            if self._folder is not None:
                names = os.listdir(self._folder)  # noqa: PTH208
            else:
                with reach(self.place):
                    self._system.invalidate_cache()  # others may have written since
                    found = self._system.ls(self._root, detail=False)
                names = (PurePosixPath(one).name for one in found)
        return sorted(filter(_PART.fullmatch, names))

    def read(self, name: str) -> bytes | None:
        """Read a file; None if it is not there.

        Raises:
            OSError: it cannot be read.
        """
        try:
            if self._folder is not None:
                return (self._folder / name).read_bytes()
            with reach(self.place):
                return bytes(self._system.cat_file(f"{self._root}/{name}"))
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all, over one of that name.

        Raises:
            OSError: it cannot be written.
        """
        if self._folder is None:
            with reach(self.place):
                self._system.pipe_file(f"{self._root}/{name}", content)
            return
        with open_beside(self._folder / name) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # or a power cut may leave a name with nothing behind it

    def remove(self, name: str) -> None:
        """Remove a file."""
        if self._folder is None:
            with reach(self.place):
                self._system.rm_file(f"{self._root}/{name}")
        else:
            (self._folder / name).unlink()

    def clear(self) -> None:
        """Remove what a run that was killed had begun to write beside its parts."""
        if self._folder is not None and self._folder.is_dir():
            for name in ("part-", SETTINGS, SUMMARY):
                for left in self._folder.glob(f".{name}*"):
                    left.unlink(missing_ok=True)

    def read_settings(self) -> dict[str, Any] | None:
        """Return what decided the answers that are there; None if there are none.

        Raises:
            DataError: the file that says so cannot be read.
        """
        content = self.read(SETTINGS)
        if content is None:
            return None
        try:
            return dict(json.loads(content))
        except ValueError as error:
            raise DataError(
                f"{SETTINGS} in {self.place!r} is damaged: {error}. Name another folder."
            ) from error

    def read_part(self, name: str, columns: Sequence[str] | None = None) -> "pyarrow.Table":
        """Read a part, or some of its columns.

        Raises:
            DataError: it is damaged, as by a disk; no run leaves one so.
        """
        try:
            return read_table(self.read(name) or b"", columns)
        except (OSError, ValueError) as error:
            raise DataError(
                f"A part cannot be read: {error}. Received: {name} in {self.place!r}. Remove it, "
                "and give the command again: its photos are looked at anew."
            ) from error


def read_table(content: bytes, columns: Sequence[str] | None = None) -> "pyarrow.Table":
    """Read the bytes of a Parquet file, or some of its columns.

    Raises:
        OSError: it is cut short.
        ValueError: it is none, or damaged.
    """
    import pyarrow.parquet

    # Not `read_table` of pyarrow, which imports what reads whole folders, and pandas with it.
    return pyarrow.parquet.ParquetFile(io.BytesIO(content)).read(columns)


def name_part(photos: Iterable[str]) -> str:
    """Return the name of the part that holds these photos: the same for the same photos."""
    return f"part-{hashlib.sha256(chr(10).join(photos).encode()).hexdigest()[:32]}.parquet"


def make_schema(labels: Sequence[str]) -> "pyarrow.Schema":
    """Return the columns of a part; `docs/how-to/batch.md` says what they hold."""
    import pyarrow as pa

    numbers = pa.list_(pa.float64())
    face = pa.struct(
        {
            "box": numbers,
            "landmarks": pa.list_(numbers),
            "confidence": pa.float64(),
            "label": pa.string(),
            "probabilities": pa.struct(dict.fromkeys(labels, pa.float64())),
        }
    )
    return pa.schema(
        {
            "photo": pa.string(),
            "bytes": pa.int64(),
            "modified": pa.timestamp("us", tz="UTC"),
            "width": pa.int32(),
            "height": pa.int32(),
            "error": pa.string(),
            "faces": pa.list_(face),
            "model": pa.string(),
            "version": pa.string(),
        }
    )


def make_part(rows: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> bytes:
    """Return rows as a Parquet file; `modified` is in microseconds since 1970."""
    import pyarrow.json
    import pyarrow.parquet

    # By way of JSON: of Python's lists pyarrow makes columns only once it has imported pandas.
    spelt = ({**row, "modified": _spell(row["modified"])} for row in rows)
    content = "\n".join(map(json.dumps, spelt)).encode()
    table = pyarrow.json.read_json(
        io.BytesIO(content),
        pyarrow.json.ReadOptions(use_threads=False, block_size=len(content) + 1),
        pyarrow.json.ParseOptions(
            explicit_schema=make_schema(labels), unexpected_field_behavior="error"
        ),
    )
    file = io.BytesIO()
    pyarrow.parquet.write_table(table, file, compression="zstd")
    return file.getvalue()


def _spell(modified: int | None) -> str | None:
    """Spell a time as JSON does; none that no calendar has, as a broken disk may give."""
    if modified is None:
        return None
    try:
        time = datetime.datetime.fromtimestamp(0, datetime.UTC)
        time += datetime.timedelta(microseconds=modified)
    except OverflowError:
        return None
    return f"{time:%Y-%m-%dT%H:%M:%S.%f}Z"
