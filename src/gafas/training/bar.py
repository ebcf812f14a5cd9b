"""A training's progress on the terminal."""

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class Bar(keras.callbacks.Callback):
    """Show epochs, losses and accuracies on stderr where that is a terminal."""

    def __init__(self, epochs: int, *, done: int) -> None:
        super().__init__()
        console = Console(stderr=True)
        columns = (BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._progress.add_task("training", total=epochs, completed=done)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Show the bar."""
        self._progress.start()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Advance it, and show the epoch's figures."""
        shown = "  ".join(f"{name} {value:.3f}" for name, value in (logs or {}).items())
        self._progress.update(self._task, advance=1, description=f"epoch {epoch + 1}  {shown}")

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Leave the bar as it stands."""
        self._progress.stop()
