"""What a batch has kept, as any reader of Parquet sees it."""

from pathlib import Path
from typing import Any

import pyarrow.parquet


def read_rows(out: Path) -> list[dict[str, Any]]:
    """Return all rows, sorted by their photos."""
    found = [
        one for part in list_parts(out) for one in pyarrow.parquet.read_table(part).to_pylist()
    ]
    return sorted(found, key=lambda row: str(row["photo"]))


def list_parts(out: Path) -> list[Path]:
    """Return the parts: what `*.parquet` means to a reader."""
    return sorted(out.glob("*.parquet"))
