"""The bar that long work over photos shows on stderr."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def show_bar(work: Iterable[Item], *, shown: bool = True) -> Iterator[Item]:
    """Hand on what comes out of long work; show that it goes on, where a person sees stderr."""
    if not shown or not sys.stderr.isatty():
        yield from work
        return
    import rich.console
    import rich.progress

    console = rich.console.Console(stderr=True)
    with rich.progress.Progress(console=console, transient=True, redirect_stdout=False) as progress:
        yield from progress.track(work, description="Looking")
