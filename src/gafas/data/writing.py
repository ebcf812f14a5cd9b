"""Write files so that a reader, or a crash, never meets half of one."""

import os
import tempfile
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text as `write_bytes` writes bytes.

    Raises:
        OSError: the folder cannot be written to; the target is then as it was.
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file beside its target, then move it into place; missing folders are made.

    Raises:
        OSError: the folder cannot be written to; the target is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        beside.chmod(0o644)  # mkstemp makes files that only their owner reads
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
