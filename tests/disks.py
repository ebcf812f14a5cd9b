"""A small file system in memory, for tests of disks that are full."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def small_disk(folder: Path, *, size: str) -> Iterator[Path]:
    """Mount a disk of a size such as `16k` at a new folder, or skip: only the superuser may."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(words, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small file system needs the rights of the superuser")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
