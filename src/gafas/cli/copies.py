"""Where the copies of photos that something is drawn on are written."""

# Heavy modules are imported inside, so that `gafas --help` answers at once.

import itertools
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

if TYPE_CHECKING:
    from gafas.results import ImageArray

_FORMATS: Final = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}


class Targets:
    """Choose a path for every copy: none of a photo, and none twice.

    Args:
        out: a folder, or for one photo a file.
        photos: all that is read.
        doing: what is added to the photos' names.
        overwrite: whether a copy of an earlier run may be written over.
    """

    def __init__(
        self, out: Path, photos: Iterable[str], *, doing: str, overwrite: bool = False
    ) -> None:
        self._out = out
        self._doing = doing
        self._overwrite = overwrite
        self._taken = {os.path.realpath(photo) for photo in photos}

    def choose(self, name: str, *, under: str) -> Path:
        """Return where a photo's copy goes; `under` is the folder that was named, or the photo."""
        if self._out.suffix.lower() in _FORMATS and not self._out.is_dir():
            return self._out
        inside = Path() if name == under else Path(name).relative_to(Path(under)).parent
        stem = "stdin" if name == "-" else Path(name).stem
        numbered = (f"{stem}-{self._doing}-{number}.jpg" for number in itertools.count(2))
        names = itertools.chain([f"{stem}-{self._doing}.jpg"], numbered)
        target = next(filter(self._is_free, (self._out / inside / name for name in names)))
        self._taken.add(os.path.realpath(target))
        return target

    def _is_free(self, path: Path) -> bool:
        if os.path.lexists(path) and not (self._overwrite and path.is_file()):
            return False
        return os.path.realpath(path) not in self._taken


def check_target(out: Path, photos: Sequence[str], *, overwrite: bool = False) -> None:
    """Refuse a target before any work: a file that exists, or one file for several photos."""
    from gafas.files import PHOTO_ENDINGS

    if out.is_dir():
        return
    ending = out.suffix.lower()
    several = len(photos) > 1 or Path(photos[0]).is_dir()
    if out.exists() and not overwrite:
        problem = f"{str(out)!r} exists and is no folder. Name a new file, or a folder, at the end"
    elif out.exists() and any(_is_same(out, photo) for photo in photos):
        problem = f"{str(out)!r} is the photo itself. Name another file, or a folder, at the end"
    elif several and (ending in PHOTO_ENDINGS or out.exists()):
        problem = f"several photos need a folder. Received: {str(out)!r}"
    elif (ending in PHOTO_ENDINGS or out.exists()) and ending not in _FORMATS:
        problem = f"copies are written as {', '.join(_FORMATS)}. Received: {str(out)!r}"
    else:
        return
    raise typer.BadParameter(problem)


def write_picture(image: "ImageArray", target: Path) -> None:
    """Write a picture in the format that its name ends in.

    Raises:
        OSError: it cannot be written; what was there is as it was.
    """
    from gafas.annotate import encode
    from gafas.files import write_bytes

    write_bytes(target, encode(image, _FORMATS[target.suffix.lower()]))


def _is_same(one: Path, other: str) -> bool:
    return Path(other).exists() and one.samefile(other)
