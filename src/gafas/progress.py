"""How far long work is, on stderr: a bar for a person, now and then a line for a log."""

# Rich is imported where a bar is shown: without one, a command is quicker to begin.

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
Total = int | Callable[[], int | None] | None
"""How many items there are, or what knows by and by; None is unknown."""

PAUSE = 10.0
"""Seconds between two lines, where no person watches; shorter work gives none."""


def show_progress(
    work: Iterable[Item], *, doing: str, of: str = "photos", total: Total = None
) -> Iterator[Item]:
    """Hand on what comes out of long work, and show on stderr how far it is.

    A terminal gets a bar, with count, rate and, where the total is known, the time that is left.
    Anything else gets the same as a line every `PAUSE` seconds. `gafas -q` turns both off.

    Args:
        work: what gives the items.
        doing: what is done, as it is to be shown.
        of: what the items are.
        total: how many there are.

    >>> list(show_progress("abc", doing="Spelling", of="letters", total=3))
    ['a', 'b', 'c']
    """
    began = time.monotonic()
    with open_progress(doing) as show:
        for done, item in enumerate(work, 1):
            yield item
            number = total() if callable(total) else total
            text = describe_progress(done, number, seconds=time.monotonic() - began, of=of)
            show(f"{doing}: {text}", done, number)


def describe_progress(done: int, total: int | None, *, seconds: float, of: str = "photos") -> str:
    """Say how far work is after so many seconds: count, rate and, with a total, the time left.

    >>> describe_progress(1200, 5000, seconds=24)
    '1,200 of 5,000 photos, 50/s, 1:16 left'
    >>> describe_progress(3, None, seconds=12, of="trials")
    '3 trials, 0.25/s'
    """
    rate = done / max(seconds, 1e-3)
    shown = f"{rate:.0f}" if rate >= 10 else f"{rate:.2g}"
    if total is None or total < done:
        return f"{done:,} {of}, {shown}/s"
    left = round((total - done) / rate) if rate else 0
    hours, minutes = divmod(left // 60, 60)
    clock = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{done:,} of {total:,} {of}, {shown}/s, {clock}:{left % 60:02} left"


Show = Callable[[str, int, int | None], None]
"""Shows a text, how many items are done, and of how many."""


@contextlib.contextmanager
def open_progress(doing: str) -> Iterator[Show]:
    """Give what shows how far work is: a bar, a line now and then, or with `-q` nothing."""
    told = time.monotonic()

    def _write(text: str, done: int, total: int | None) -> None:
        nonlocal told
        if time.monotonic() - told >= PAUSE:
            told = time.monotonic()
            sys.stderr.write(f"gafas: {text}\n")
            sys.stderr.flush()

    if sys.stderr is None or not logging.getLogger("gafas").isEnabledFor(logging.WARNING):
        yield lambda text, done, total: None
    elif not sys.stderr.isatty():
        yield _write
    else:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (BarColumn(), TextColumn("{task.description}", markup=False))
        console = Console(stderr=True)
        with Progress(*columns, console=console, transient=True, redirect_stdout=False) as bar:
            task = bar.add_task(doing, total=None)
            yield lambda text, done, total: bar.update(
                task, description=text, completed=done, total=total
            )
