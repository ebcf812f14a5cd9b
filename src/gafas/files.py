"""Find photos in folders; write files so that a reader, or a crash, never meets half of one."""

import contextlib
import csv
import dataclasses
import io
import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, BinaryIO, Final, TypeVar

from gafas.errors import DataError

_Kind = TypeVar("_Kind")

_LOSSY = (".jpg", ".jpeg", ".webp", ".avif", ".heic", ".heif")
_LOSSLESS = (".png", ".gif", ".bmp", ".tif", ".tiff", ".pgm", ".ppm")

PHOTO_ENDINGS: Final = frozenset((*_LOSSY, *_LOSSLESS))
"""How the names of photos end, in lower case; files that end otherwise are passed over."""

_NOTES = (".xmp", ".aae", ".pp3", ".json", ".xml", ".txt", ".csv", ".html", ".md", ".db", ".ini")
_FILMS = (".mp4", ".mov", ".avi", ".m4v", ".mkv", ".webm", ".mts", ".3gp", ".mpg", ".wmv", ".mp3")
_WORKS = (".pdf", ".zip", ".gz", ".py", ".npy", ".npz", ".keras", ".onnx", ".docx", ".xlsx", ".js")

# What lies beside photos in great numbers, or is large: not worth opening.
_NO_PHOTOS: Final = frozenset((*_NOTES, *_FILMS, *_WORKS))

_STARTS: Final = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"II*\0",  # TIFF, and most raw photos
    b"MM\0*",
    b"\0\0\0\x0cjP  \r\n",  # JPEG 2000
    b"\xff\x4f\xff\x51",
    b"\0\0\0\x0cJXL \r\n",  # JPEG XL
)
_BRANDS: Final = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis", b"crx ")


@dataclasses.dataclass(slots=True)
class LeftOut:
    """Count what a search passes over.

    Attributes:
        files: how many files.
        photos: how many of them begin as photos do.
        example: the path of one of these.
    """

    files: int = 0
    photos: int = 0
    example: str = ""

    def note(self, path: str) -> None:
        """Count a file. It is opened, unless its name says that it is something else."""
        self.files += 1
        if Path(path).suffix.lower() not in _NO_PHOTOS and looks_like_photo(path):
            self.photos += 1
            self.example = self.example or path

    def describe(self) -> str:
        """Say what was passed over; nothing if nothing was.

        >>> LeftOut(3, photos=2, example="in/a.jp2").describe()[:45]
        'Not looked at, going by the ending: 3 files, '
        >>> LeftOut(1).describe()
        'Not looked at, going by the ending: 1 file.'
        """
        if not self.files:
            return ""
        told = f"Not looked at, going by the ending: {self.files:,} file{'s' * (self.files > 1)}"
        if not self.photos:
            return f"{told}."
        begin = "begin" if self.photos > 1 else "begins"
        return (
            f"{told}, {self.photos:,} of which {begin} as photos do, such as {self.example!r}. "
            "Name such a file itself, or save it as JPEG."
        )


def looks_like_photo(path: str) -> bool:
    """Say whether a file begins as photos do; one that cannot be read does not."""
    try:
        # Opening a pipe would wait for a writer.
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 (a Path for each of a million)
            return False
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            start = file.read(16)
    except OSError:
        return False
    webp = start.startswith(b"RIFF") and start[8:12] == b"WEBP"
    return webp or start.startswith(_STARTS) or (start[4:8] == b"ftyp" and start[8:12] in _BRANDS)


Complain = Callable[[str, str], object]
"""Takes the path of what a search leaves out, and a sentence that says why."""


def find_photos(
    folder: str | Path,
    *,
    follow: bool = True,
    left_out: LeftOut | None = None,
    complain: Complain | None = None,
) -> Iterator[str]:
    """Walk through the visible photos of a folder, to its bottom, in the order of whole names.

    No folder is searched twice, whatever links lead to it. Only the names inside the folders on the
    way down are held, so that a million photos fit.

    Args:
        folder: where to begin.
        follow: whether to search folders that are links; or else they are complained of.
        left_out: counts the files that are passed over.
        complain: is told of what cannot be searched.

    Raises:
        OSError: a folder cannot be searched, and nobody is to be told.
    """
    waiting, seen = [f"{Path(folder)}/"], set[str]()
    while waiting:
        path = waiting.pop()
        if not path.endswith("/"):
            yield path
            continue
        inside = path[:-1]
        if (real := os.path.realpath(inside)) in seen:
            continue
        seen.add(real)
        try:
            with os.scandir(inside) as entries:
                names = [
                    _mark(entry, follow=follow, left_out=left_out, complain=complain)
                    for entry in entries
                    if entry.name[0] != "."
                ]
        except OSError as error:
            if complain is None:
                raise
            reason = error.strerror or str(error)
            complain(inside, f"Cannot search the folder: {reason}. Received: {inside!r}.")
            continue
        found = sorted(filter(None, names), reverse=True)
        waiting += (os.path.join(inside, name) for name in found)  # noqa: PTH118 (a Path is slow)


def _mark(
    entry: os.DirEntry[str], *, follow: bool, left_out: LeftOut | None, complain: Complain | None
) -> str:
    """Return a photo's name, that of a folder to search with a slash, or nothing."""
    try:
        folder = entry.is_dir()
    except OSError:  # a link to itself
        folder = False
    if folder:
        if follow or not entry.is_symlink():
            return f"{entry.name}/"
        if complain is not None:
            complain(entry.path, "It is a link to a folder, so nothing in it is touched.")
    elif Path(entry.name).suffix.lower() in PHOTO_ENDINGS:
        return entry.name
    elif left_out is not None:
        left_out.note(entry.path)
    return ""


def find_home() -> Path:
    """Return the folder where gafas keeps what it fetches: `GAFAS_HOME`, else the user's cache."""
    import platformdirs

    return Path(os.environ.get("GAFAS_HOME") or platformdirs.user_cache_path("gafas"))


def name_in_data(name: str) -> str:
    r"""Return a photo's name as it stands in JSON, CSV and Parquet: itself, if it is text.

    The bytes of a file's name may be no UTF-8. Such a name is given as the file's `file:` address,
    in which every byte can be written and which any program can turn back.

    >>> name_in_data("año.jpg")
    'año.jpg'
    >>> name_in_data("/in/\udce9 1.jpg")
    'file:///in/%E9%201.jpg'
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        return Path(name).absolute().as_uri()
    return name


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


def write_json(path: Path, value: object) -> None:
    """Write plain data, or dataclasses of such, as JSON: whole or not at all, floats to 6 digits.

    Raises:
        OSError: as `write_bytes`.
        ValueError: a float is no number.
    """
    import msgspec

    plain = round_floats(msgspec.to_builtins(value, enc_hook=_spell))
    write_text(path, json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=1) + "\n")


def _spell(value: object) -> str:
    if not isinstance(value, PurePath):  # a NumPy number would become text without a word
        raise TypeError(f"Cannot write {type(value).__name__} as JSON. Received: {value!r}.")
    return str(value)


def read_json(path: Path, kind: type[_Kind]) -> _Kind:
    """Read what `write_json` wrote, as a dataclass or what else it was.

    Entries that the kind does not name are passed over.

    Raises:
        DataError: the file is missing, no JSON, or not of that kind; the text says which entry.
    """
    import msgspec

    try:
        return msgspec.json.decode(path.read_bytes(), type=kind, dec_hook=_make)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(f"{path} is missing. Write it again, or name another place.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Name another place.") from error
    except ValueError as error:
        raise DataError(f"{path} cannot be read: {error}. Restore it, or write it anew.") from error


def _make(kind: type[_Kind], text: str) -> _Kind:
    """Make what JSON has no word for, such as a path, of its text."""
    return kind(text)  # type: ignore[call-arg]


def round_floats(value: Any) -> Any:
    """Round every float inside mappings, lists and tuples to 6 digits; tuples become lists.

    >>> round_floats({"share": 2 / 3, "ends": (0.5, 1)})
    {'share': 0.666667, 'ends': [0.5, 1]}
    """
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, Mapping):
        return {key: round_floats(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [round_floats(inner) for inner in value]
    return value


def guard_cell(text: str) -> str:
    """Return a text as a cell of a CSV that no spreadsheet takes for a formula.

    What begins with `=`, `+`, `-` or `@` is calculated there, and names of files may. So a text
    that begins with one of these, with a tab, a line break or `'` gets a `'` before it: take it
    away to have the text back.

    >>> guard_cell("=1+1.jpg"), guard_cell("a-b.jpg")
    ("'=1+1.jpg", 'a-b.jpg')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def bare_cell(text: str) -> str:
    """Return the text that `guard_cell` made a cell of.

    >>> bare_cell("'=1+1.jpg"), bare_cell("a-b.jpg")
    ('=1+1.jpg', 'a-b.jpg')
    """
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


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
