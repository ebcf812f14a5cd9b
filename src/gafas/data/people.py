"""Drawn people in the layout of the CMU Face Images."""

from pathlib import Path
from typing import Final

MARK: Final = "drawn.json"
"""The file at the top of a folder of drawn people."""


def is_drawn(folder: Path) -> bool:
    """Tell whether a folder holds drawn people."""
    return (folder / MARK).is_file()
