"""What a training writes of each epoch. Needs no Keras."""

import csv
from pathlib import Path

from gafas.data.writing import write_text

History = list[dict[str, float]]

COLUMNS = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")


def read_history(path: Path) -> History:
    """Read `history.csv`: one row per epoch, in order; cells without a value are left out."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]


def write_history(history: History, path: Path) -> None:
    """Write `history.csv` whole."""

    def row(epoch: dict[str, float]) -> str:
        """Return an epoch's line."""
        return ",".join(f"{epoch[c]:.10g}" if c in epoch else "" for c in COLUMNS)

    text = "\n".join([",".join(COLUMNS), *map(row, history)]) + "\n"
    write_text(path, text)


def find_best_epoch(history: History) -> int:
    """Return the index of the epoch with the lowest validation loss."""
    return min(range(len(history)), key=lambda index: history[index]["val_loss"])
