"""What the CMU Face Images must hold: every image's SHA-256, and the official lists.

The manifest is text, one line per photo: its name, its part in the lists `all_*` and
`straightrnd_*`, and one digest per file. A digest is the whole SHA-256 in base64 (43 characters):
a third shorter than hexadecimal, and still a file that a person can read and a diff can show.
"""

import base64
import dataclasses
import functools
import hashlib
import importlib.resources
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from gafas.data import writing
from gafas.errors import DataError

LISTS = ("all", "straightrnd")
"""The official sets of lists that a split can follow."""

_ENDINGS = (".pgm", "_2.pgm", "_4.pgm")

_HEADER = """\
# CMU Face Images by Tom Mitchell, UCI data set 124, CC BY 4.0: photo, its part in the lists all_*
# and straightrnd_*, SHA-256 (base64) of its files at full, half and quarter size; of .bad photos
# the only file. Written by gafas.data.manifest.write_manifest.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Manifest:
    """What the data set must hold.

    Attributes:
        digests: `subject/file` → SHA-256 in base64, sorted by name.
        lists: name of a set of lists → photo → `train`, `test1` or `test2`.
    """

    digests: Mapping[str, str]
    lists: Mapping[str, Mapping[str, str]]


def digest(content: bytes) -> str:
    """Return the SHA-256 of bytes in base64 without padding.

    >>> digest(b"gafas")
    'cX2iH5BJAVHJsD5+zj7cyvq6uPrqQRmnwBv80Dpgi9g'
    """
    return base64.b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


@functools.cache
def read_manifest() -> Manifest:
    """Read the manifest that the package carries."""
    text = importlib.resources.files("gafas.data").joinpath("cmu_manifest.txt").read_text("utf-8")
    rows = [line.split() for line in text.splitlines() if not line.startswith("#")]
    digests = {name: value for row in rows for name, value in _files(row[0], row[3:])}
    parts = zip(LISTS, (1, 2), strict=True)
    lists = {name: {row[0]: row[at] for row in rows if row[at] != "-"} for name, at in parts}
    return Manifest(dict(sorted(digests.items())), lists)


def write_manifest(folder: Path, target: Path) -> None:
    """Write the manifest of an unpacked copy that is trusted: `faces/` and `trainset/`.

    Raises:
        DataError: the copy lacks a list.
    """
    lists = {name: _read_lists(folder / "trainset", name) for name in LISTS}
    lines = []
    for path in sorted((folder / "faces").glob("*/*")):
        photo = path.name if path.suffix == ".bad" else path.stem
        if path.suffix not in (".bad", ".pgm") or re.search(r"_[24]$", photo):
            continue
        files = [path.parent / name.split("/")[1] for name, _ in _files(photo, ["", "", ""])]
        columns = [lists[name].get(photo, "-") for name in LISTS]
        lines.append(" ".join([photo, *columns, *(digest(f.read_bytes()) for f in files)]))
    writing.write_text(target, _HEADER + "\n".join(lines) + "\n")


def find_faults(faces: Path) -> list[str]:
    """Compare a folder `faces` with the manifest: a clause for each missing or altered image.

    The unusable `.bad` photos may be missing.
    """
    faults = []
    for name, expected in read_manifest().digests.items():
        try:
            received = digest((faces / name).read_bytes())
        except OSError:
            if name.endswith(".bad"):  # nobody uses them
                continue
            faults.append(f"{name} is missing")
            continue
        if received != expected:
            faults.append(f"{name} is altered (SHA-256 {received} instead of {expected})")
    return faults


def _files(photo: str, digests: list[str]) -> Iterator[tuple[str, str]]:
    subject = photo.split("_")[0]
    if photo.endswith(".bad"):
        yield f"{subject}/{photo}", digests[0]
        return
    for ending, value in zip(_ENDINGS, digests, strict=True):
        yield f"{subject}/{photo}{ending}", value


def _read_lists(folder: Path, name: str) -> dict[str, str]:
    photos: dict[str, str] = {}
    for part in ("train", "test1", "test2"):
        try:
            text = (folder / f"{name}_{part}.list").read_text(encoding="utf-8")
        except OSError as error:
            raise DataError(
                f"Cannot read the list {name}_{part} in {folder}: {error}. Give a copy of the CMU "
                "Face Images with its folder trainset/."
            ) from error
        photos |= {Path(line).stem.removesuffix("_4"): part for line in text.split()}
    return photos
