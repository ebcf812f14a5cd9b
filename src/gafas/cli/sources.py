"""Which photos a command line names: files, folders to their bottom, stdin."""

# Heavy modules are imported inside, so that `gafas --help` answers at once.

import itertools
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gafas.cli.answers import complain
from gafas.errors import ImageError

if TYPE_CHECKING:
    from gafas.files import LeftOut

Source = str | bytes

_COUNTING: Final = 0.002
"""Seconds for which photos are counted ahead whenever one is done."""


class Sources:
    """Give every photo's name and source, one by one, while a run goes on.

    What holds no photo, or cannot be searched, is named on stderr, and the search goes on. Only the
    names inside the folders on the way down are held, so that a million photos fit.

    Args:
        paths: files, folders, or `-` for stdin.
        follow: whether to search folders, below those named, that are links; or else to name them.
        may_be_empty: whether to be silent about a folder that holds no photo.
        left_out: what counts the files that are passed over in folders.

    Attributes:
        failed: whether something has been named on stderr.
        many: whether more than one photo may come.
    """

    def __init__(
        self,
        paths: Sequence[str],
        *,
        follow: bool = True,
        may_be_empty: bool = False,
        left_out: "LeftOut | None" = None,
    ) -> None:
        self._paths = paths
        self._follow = follow
        self._may_be_empty = may_be_empty
        self._left_out = left_out
        self._silent = False
        self._seen: set[str] = set()
        self.failed = False
        self.many = len(paths) > 1 or any(Path(path).is_dir() for path in paths)

    def __iter__(self) -> Iterator[tuple[str, Source]]:
        for path in self._paths:
            if path == "-":
                yield from self._read(path)
            elif Path(path).is_dir():
                yield from self._search(path)
            else:
                yield path, path

    def silently(self) -> "Sources":
        """Return the same search, for counting: it reads no stdin and names nothing on stderr."""
        silent = Sources(self._paths, follow=self._follow, may_be_empty=True)
        silent._silent = True
        return silent

    def _read(self, path: str) -> Iterator[tuple[str, Source]]:
        try:
            yield path, b"" if self._silent else read_stdin()
        except ImageError as error:
            self._complain(path, str(error))

    def _search(self, folder: str) -> Iterator[tuple[str, Source]]:
        from gafas.datasets.folders import PHOTO_ENDINGS

        self._seen.clear()
        failed_before, self.failed = self.failed, False
        empty = True
        for path in self._walk(str(Path(folder))):
            empty = False
            yield path, path
        if empty and not self.failed and not self._may_be_empty:
            self._complain(
                folder,
                f"No photo in the folder: expected files that end in "
                f"{', '.join(sorted(PHOTO_ENDINGS))}. Give a folder that holds some.",
            )
        self.failed |= failed_before

    def _walk(self, folder: str) -> Iterator[str]:
        """Give photos in the order of their whole names; links are followed, but in no circle."""
        real = os.path.realpath(folder)
        if real in self._seen:
            return
        self._seen.add(real)
        for name in self._list(folder):
            path = os.path.join(folder, name)  # noqa: PTH118 (a Path for each of a million is slow)
            if name.endswith("/"):
                yield from self._walk(path[:-1])
            else:
                yield path

    def _list(self, folder: str) -> list[str]:
        """Return the sorted names of the photos and, ending in a slash, of the folders inside."""
        try:
            with os.scandir(folder) as entries:
                names = [self._mark(entry) for entry in entries if entry.name[0] != "."]
        except OSError as error:
            reason = error.strerror or str(error)
            self._complain(folder, f"Cannot search the folder: {reason}. Received: {folder!r}.")
            return []
        return sorted(name for name in names if name)

    def _mark(self, entry: os.DirEntry[str]) -> str:
        """Return a photo's name, a folder's with a slash, or nothing."""
        from gafas.datasets.folders import PHOTO_ENDINGS

        if not _is_folder(entry):
            if Path(entry.name).suffix.lower() in PHOTO_ENDINGS:
                return entry.name
            if self._left_out is not None:
                self._left_out.note(entry.path)
            return ""
        if not self._follow and entry.is_symlink():
            self._complain(entry.path, "It is a link to a folder, so nothing in it is touched.")
            return ""
        return entry.name + "/"

    def _complain(self, path: str, sentence: str) -> None:
        if not self._silent:
            complain(path, sentence)
        self.failed = True


def count_ahead(found: Iterable[object]) -> Callable[[], int | None]:
    """Return what says how many are found: None as long as they are being counted.

    Every question has them counted a little further, so that other work goes on meanwhile.
    """
    search = iter(found)
    counted, ended = 0, False

    def ask() -> int | None:
        nonlocal counted, ended
        until = time.monotonic() + _COUNTING
        while not ended and time.monotonic() < until:
            some = sum(1 for _ in itertools.islice(search, 50))
            counted, ended = counted + some, some < 50
        return counted if ended else None

    return ask


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def read_stdin() -> bytes:
    """Read a photo's bytes from stdin, up to the limit of what is accepted.

    Raises:
        ImageError: stdin is closed or cannot be read.
    """
    from gafas.images import MAX_BYTES

    problem = "it is closed"
    if sys.stdin is not None:
        try:
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        except OSError as error:
            problem = error.strerror or str(error)
    raise ImageError(
        f"Cannot read the image from stdin: {problem}. Received: '-'. Pipe a photo's bytes into it."
    )
