"""Which photos a command line names: files, folders to their bottom, stdin."""

# Heavy modules are imported inside, so that `gafas --help` answers at once.

import itertools
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gafas.cli.answers import complain
from gafas.errors import ImageError
from gafas.files import PHOTO_ENDINGS, LeftOut, find_photos

if TYPE_CHECKING:
    from gafas.results import Recognition

Source = str | bytes

_COUNTING: Final = 0.002
"""Seconds for which photos are counted ahead whenever one is done."""


class Sources:
    """Give every photo's name and source, one by one, while a run goes on.

    What holds no photo, or cannot be searched, is named on stderr, and the search goes on.

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
        left_out: LeftOut | None = None,
    ) -> None:
        self._paths = paths
        self._follow = follow
        self._may_be_empty = may_be_empty
        self._left_out = left_out
        self.failed = False
        self.many = len(paths) > 1 or any(Path(path).is_dir() for path in paths)

    def __iter__(self) -> Iterator[tuple[str, Source]]:
        for path in self._paths:
            if path == "-":
                try:
                    yield path, read_stdin()
                except ImageError as error:
                    self._complain(path, str(error))
            elif Path(path).is_dir():
                for photo in self._search(path):
                    yield photo, photo
            else:
                yield path, path

    def names(self) -> Iterator[str]:
        """Give all names once more, for counting: in silence, and stdin is not read."""
        for path in self._paths:
            if Path(path).is_dir():
                yield from find_photos(path, follow=self._follow, complain=lambda *_: None)
            else:
                yield path

    def _search(self, folder: str) -> Iterator[str]:
        failed_before, self.failed = self.failed, False
        empty = True
        for photo in find_photos(
            folder, follow=self._follow, left_out=self._left_out, complain=self._complain
        ):
            empty = False
            yield photo
        if empty and not self.failed and not self._may_be_empty:
            self._complain(
                folder,
                f"No photo in the folder: expected files that end in "
                f"{', '.join(sorted(PHOTO_ENDINGS))}. Give a folder that holds some.",
            )
        self.failed |= failed_before

    def _complain(self, path: str, sentence: str) -> None:
        complain(path, sentence)
        self.failed = True


def recognize_sources(
    recognize_many: "Callable[..., Iterator[Recognition]]", sources: Sources
) -> "Iterator[Recognition]":
    """Recognize photos as they are found, in their order, by what `Recognizer` calls so."""
    named, wanted = itertools.tee(sources)  # apart by no more than the photos in work
    return recognize_many((source for _, source in wanted), names=(name for name, _ in named))


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
