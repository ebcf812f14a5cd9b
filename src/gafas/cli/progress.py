"""Long work of a command: its progress on stderr, and one sentence where Ctrl-C ends it."""

from collections.abc import Generator, Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

from gafas.progress import Total, show_progress

Item = TypeVar("Item")


class Work:
    """Watch long work over photos; say after Ctrl-C how many are done, and how to go on.

    Args:
        doing: what is done, as the bar shows it.
        total: how many photos there are, or what knows by and by.
        go_on: a sentence for after Ctrl-C.
        shown: whether to show progress.

    Attributes:
        done: how many photos have been dealt with.
    """

    def __init__(self, doing: str, *, go_on: str, total: Total = None, shown: bool = True) -> None:
        self.done = 0
        self._doing, self._go_on, self._total, self._shown = doing, go_on, total, shown
        self._watched: Generator[Any] | None = None

    def watch(self, work: Iterable[Item]) -> Iterator[Item]:
        """Hand on what comes out of the work, and count it."""
        self._watched = watched = self._count(work)
        return watched

    def _count(self, work: Iterable[Item]) -> Generator[Item]:
        if self._shown:
            work = show_progress(work, doing=self._doing, total=self._total)
        for item in work:
            yield item
            self.done += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Take the bar away; give an interrupt its sentence.

        Raises:
            KeyboardInterrupt: with the sentence, where one came without.
        """
        if self._watched is not None:
            self._watched.close()
        if isinstance(error, KeyboardInterrupt) and not error.args:
            total = self._total() if callable(self._total) else self._total
            of = f" of {total:,}" if total is not None and total >= self.done else ""
            photos = "photo is" if (self.done, of) == (1, "") else "photos are"
            raise KeyboardInterrupt(f"{self.done:,}{of} {photos} done. {self._go_on}") from error
