"""Write files so that a reader, or a crash, never meets half of one."""

import contextlib
import csv
import io
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "'")


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text as `write_bytes` writes bytes.

    Raises:
        OSError: as `write_bytes`.
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file beside its target, then move it into place; missing folders are made.

    Raises:
        OSError: as `open_beside`.
    """
    with open_beside(path) as file:
        file.write(content)


@contextlib.contextmanager
def open_beside(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside its target, and move it into place when all has been written to it.

    Missing folders are made. Where anything is raised meanwhile, nothing is left.

    Raises:
        OSError: it cannot be written, as on a full disk; the error names the target, which is as
            it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _name(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}-", dir=path.parent)
        beside = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
            beside.chmod(0o644)  # mkstemp makes files that only their owner reads
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def guard_cell(text: str) -> str:
    """Return a text as a cell of a CSV that no spreadsheet takes for a formula.

    What begins with `=`, `+`, `-` or `@` is calculated there, and names of files may. So a text
    that begins with one of these, with a tab, a line break or `'` gets a `'` before it: take it
    away to have the text back.

    >>> guard_cell("=1+1.jpg"), guard_cell("a-b.jpg")
    ("'=1+1.jpg", 'a-b.jpg')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def make_csv(rows: Iterable[Sequence[object]]) -> str:
    r"""Return rows as the text of a CSV that a spreadsheet may open.

    Texts go through `guard_cell`; numbers stay as they are.

    >>> make_csv([["=1+1.jpg", "'a'", "a-b", -3.5, None]])
    "'=1+1.jpg,''a',a-b,-3.5,\n"
    """
    return "".join(_make_line(row) for row in rows)


def _make_line(row: Sequence[object]) -> str:
    text = io.StringIO()
    cells = [guard_cell(cell) if isinstance(cell, str) else cell for cell in row]
    # Only what its lines end in makes Python put a cell into quotation marks.
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n") + "\n"


@contextlib.contextmanager
def _name(path: Path) -> Iterator[None]:
    """Give errors of a file that only we know, and those of no file, the target's name."""
    try:
        yield
    except OSError as error:
        named = Path(str(error.filename or "")).name
        if not named or named.startswith(f".{path.name[:40]}-"):
            error.filename, error.filename2 = str(path), None
        raise
