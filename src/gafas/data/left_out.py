"""Files of folders that are not looked at, for their names do not end as those of photos do."""

import dataclasses
import os
import stat
from pathlib import Path
from typing import Final

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
