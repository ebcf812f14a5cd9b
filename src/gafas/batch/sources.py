"""Which photos a batch is about, and their bytes: on disks and in object stores."""

import collections
import concurrent.futures
import contextlib
import csv
import errno
import glob
import hashlib
import io
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote_to_bytes, urlsplit

from gafas.errors import DataError, GafasError, ImageError
from gafas.files import (
    PHOTO_ENDINGS,
    Complain,
    LeftOut,
    bare_cell,
    find_photos,
    name_in_data,
)
from gafas.images import MAX_BYTES, NamedBytes, read_file

COLUMN: Final = "photo"
"""The column of a CSV or Parquet file that names the photos."""

READERS: Final = 16
"""So many photos of an object store are read at once: each waits for the net."""

_LISTS: Final = (".txt", ".csv", ".parquet")


class Source:
    """The photos that somebody names: sorted, each once, as often as they are asked for.

    Photos on disks are called by their absolute paths, so that their names mean the same in every
    folder and on every machine; those in stores by their addresses.

    Args:
        name: a folder, a pattern with `*`, `?` or `[…]`, a photo, a list of photos (`.txt`, one a
            line; `.csv` or `.parquet` with a column `photo`), or `-` for a list on stdin; on a disk
            or, as an address, in whatever store fsspec knows. Relative paths in a list are from
            the working folder.

    Raises:
        DataError: there is nothing of that name, or the list cannot be read.
    """

    def __init__(self, name: str) -> None:
        self._folder = None if is_address(name) else os.path.abspath(name)  # noqa: PTH100
        self._names: list[str] = []
        if self._folder is None or not Path(self._folder).is_dir():
            self._folder = None
            self._names = sorted({_spell(one) for one in _list_names(name)})

    def find(
        self, *, left_out: LeftOut | None = None, complain: Complain | None = None
    ) -> Iterator[str]:
        """Give the names of the photos, as they stand in answers.

        Args:
            left_out: counts the files of a folder that are passed over.
            complain: is told of folders that cannot be searched; nobody, if left out.
        """
        if self._folder is None:
            return iter(self._names)
        told = complain or (lambda *_: None)
        return map(name_in_data, find_photos(self._folder, left_out=left_out, complain=told))


def is_address(name: str) -> bool:
    """Say whether a name is an address, as `s3://bucket/a.jpg`, and of no file on a disk."""
    return "://" in name and not os.path.exists(name)  # noqa: PTH110 (a Path raises for some)


def find_path(name: str) -> str:
    r"""Return the path of a photo on a disk, from its name in answers.

    >>> find_path("file:///in/%E9%201.jpg")
    '/in/\udce9 1.jpg'
    """
    if not name.startswith("file://"):
        return name
    return os.fsdecode(unquote_to_bytes(urlsplit(name).path))


def open_store(address: str) -> tuple[Any, str]:
    """Return fsspec's file system for an address, and what it calls it.

    Raises:
        DataError: fsspec does not know such addresses, or a package for them is missing.
    """
    import fsspec

    try:
        found = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise DataError(
            f"Cannot reach the store: {error}. Received: {address!r}. Correct the address, or "
            "install fsspec's package for it, as s3fs for s3:// and gcsfs for gs://."
        ) from error
    return found[0], str(found[1])


@contextlib.contextmanager
def reach(address: str) -> Iterator[None]:
    """Bring what a store's library raises to Python's own errors: each has errors of its own.

    Raises:
        OSError: the store cannot be reached, or refuses.
    """
    try:
        yield
    except (OSError, GafasError):
        raise
    except Exception as error:
        raise OSError(errno.EIO, str(error) or type(error).__name__, address) from error


def read_photo(name: str) -> NamedBytes:
    """Read a photo's bytes.

    Raises:
        ImageError: it cannot be read.
    """
    return _read_address(name) if _is_in_store(name) else read_file(find_path(name))


def announce(name: str) -> None:
    """Have the system begin to read a photo on a disk, while others are looked at."""
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError, ValueError):
            handle = os.open(find_path(name), os.O_RDONLY | os.O_NONBLOCK)  # a pipe may have no end
            try:
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_WILLNEED)
            finally:
                os.close(handle)


def examine(name: str) -> tuple[int, int] | None:
    """Return the size of a photo's file, and when it was changed, in microseconds since 1970.

    None, if it cannot be found, or lies in a store, which would have to be asked once more.
    """
    if _is_in_store(name):
        return None
    try:
        seen = os.stat(find_path(name))  # noqa: PTH116 (a Path for each is slow)
    except (OSError, ValueError):
        return None
    return seen.st_size, seen.st_mtime_ns // 1000


def group_copies(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return photos in groups of equal contents, sorted; each photo is in one group.

    On a disk only files of equal size are read for it; in a store, which would have to be asked for
    each size, all are.
    """
    sizes = collections.defaultdict(list)
    for name in names:
        seen = examine(name)
        sizes[None if seen is None else seen[0]].append(name)
    groups: list[tuple[str, ...]] = []
    with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
        for size, alike in sizes.items():
            if len(alike) == 1 and size is not None:
                groups.append((alike[0],))
                continue
            contents = collections.defaultdict(list)
            for name, content in zip(alike, pool.map(_hash, alike), strict=True):
                contents[content].append(name)
            groups += map(tuple, contents.values())
    return sorted(groups)


def _is_in_store(name: str) -> bool:
    return is_address(name) and not name.startswith("file://")


def _hash(name: str) -> str:
    """Return what equal contents share; of a photo that cannot be read, its name."""
    try:
        return hashlib.sha256(read_photo(name)).hexdigest()
    except ImageError:
        return name


def _read_address(name: str) -> NamedBytes:
    try:
        with reach(name):
            store, place = open_store(name)
            data = NamedBytes(store.cat_file(place, start=0, end=MAX_BYTES + 1))
    except (OSError, DataError) as error:
        raise ImageError(
            f"Cannot read the photo: {_describe(error)}. Received: {name!r}. "
            "Check the address, the permission to read it, and the net."
        ) from error
    data.name = PurePosixPath(name).name
    return data


def _describe(error: Exception) -> str:
    """Say in words what a store's error means, where Python has a class for it."""
    known = {FileNotFoundError: "it is not there", PermissionError: "access is denied"}
    for kind, words in known.items():
        if isinstance(error, kind):
            return words
    told = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(told).strip().rstrip(".")


def _spell(name: str) -> str:
    """Return a photo's name as it stands in answers."""
    if is_address(name):
        return name.encode("utf-8", "backslashreplace").decode()
    return name_in_data(os.path.abspath(name))  # noqa: PTH100 (which may be no path)


def _list_names(source: str) -> Iterable[str]:
    """Return the names of the photos that a name which is no folder on a disk stands for."""
    if source == "-":
        return _split(sys.stdin.buffer.read()) if sys.stdin is not None else []
    ending, address = PurePosixPath(source).suffix.lower(), is_address(source)
    try:
        if ending in _LISTS:
            return list(_read_list(_read(source), ending))
        if address:
            with reach(source):
                return list(_search_store(source))
    except (OSError, ValueError, LookupError) as error:
        raise DataError(
            f"Cannot find the photos: {_describe(error)}. Received: {source!r}. Check the name; a "
            "list has lines of text in .txt, or a column photo in .csv or .parquet."
        ) from error
    if ending in PHOTO_ENDINGS and os.path.lexists(source):
        return [source]
    if glob.has_magic(source):
        found = glob.iglob(source, recursive=True)  # noqa: PTH207 (names, not paths)
        return [one for one in found if Path(one).suffix.lower() in PHOTO_ENDINGS]
    raise DataError(
        f"There are no photos of this name. Received: {source!r}. Name a folder, a pattern such as "
        "'photos/**/*.jpg', a list in .txt, .csv or .parquet, or - for a list on stdin."
    )


def _read(source: str) -> bytes:
    if not is_address(source):
        return Path(source).read_bytes()
    with reach(source):
        store, place = open_store(source)
        return bytes(store.cat_file(place))


def _read_list(content: bytes, ending: str) -> Iterator[str]:
    if ending == ".txt":
        yield from _split(content)
    elif ending == ".csv":
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        yield from (bare_cell(row[COLUMN]) for row in rows if row[COLUMN])
    else:
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(io.BytesIO(content), columns=[COLUMN])
        yield from filter(None, table[COLUMN].to_pylist())


def _split(content: bytes) -> Iterator[str]:
    """Give the lines of a list; any bytes may be in the name of a file."""
    return (os.fsdecode(line) for line in content.splitlines() if line.strip())


def _search_store(address: str) -> Iterator[str]:
    """Give the addresses of the visible photos under an address, or of those that fit a pattern."""
    store, place = open_store(address)
    if PurePosixPath(place).suffix.lower() in PHOTO_ENDINGS and not glob.has_magic(place):
        return iter([address])
    found = store.glob(place) if glob.has_magic(place) else store.find(place)
    names = [one for one in found if PurePosixPath(one).suffix.lower() in PHOTO_ENDINGS]
    if not names:
        raise FileNotFoundError(address)
    return (store.unstrip_protocol(one) for one in names if "/." not in f"/{one}")
