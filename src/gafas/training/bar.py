"""A training's progress on stderr."""

import logging
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from gafas.progress import PAUSE
from gafas.training.backend import keras


class Bar(keras.callbacks.Callback):
    """Show epochs, losses, accuracies and the time left on stderr.

    On a terminal that is a bar; elsewhere, as in a file, a line now and then; with `-q` nothing.
    """

    def __init__(self, epochs: int, *, done: int) -> None:
        super().__init__()
        self._console = Console(stderr=True)
        columns = (BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
        quiet = not logging.getLogger("gafas").isEnabledFor(logging.WARNING)
        lines = not self._console.is_terminal
        self._progress = Progress(*columns, console=self._console, disable=lines or quiet)
        self._pause = PAUSE if lines and not quiet else float("inf")
        self._task = self._progress.add_task("training", total=epochs, completed=done)
        self._epochs, self._done = epochs, done
        self._began = self._written = time.monotonic()

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Show the bar."""
        self._progress.start()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Advance it, and show the epoch's figures."""
        shown = "  ".join(f"{name} {value:.3f}" for name, value in (logs or {}).items())
        self._progress.update(self._task, advance=1, description=f"epoch {epoch + 1}  {shown}")
        now = time.monotonic()
        if now - self._written > self._pause:
            left = (now - self._began) / (epoch + 1 - self._done) * (self._epochs - epoch - 1)
            line = f"epoch {epoch + 1} of {self._epochs}  {shown}  about {left:.0f} s left"
            self._console.print(line, highlight=False, soft_wrap=True)
            self._written = now

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Leave the bar as it stands."""
        self._progress.stop()
