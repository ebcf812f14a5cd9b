"""Bring the CMU Face Images onto this machine: all of them and unaltered, or not at all."""

import base64
import contextlib
import dataclasses
import errno
import functools
import hashlib
import importlib.resources
import logging
import os
import re
import shutil
import sys
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

from gafas.errors import DataError
from gafas.files import write_text

LISTS = ("all", "straightrnd")
"""The official sets of lists that a split can follow."""

_ENDINGS = (".pgm", "_2.pgm", "_4.pgm")

_HEADER = """\
# CMU Face Images by Tom Mitchell, UCI data set 124, CC BY 4.0: photo, its part in the lists all_*
# and straightrnd_*, SHA-256 (base64) of its files at full, half and quarter size; of .bad photos
# the only file. Written by gafas.datasets.fetching.write_manifest.
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
    text = (
        importlib.resources.files("gafas.datasets").joinpath("cmu_manifest.txt").read_text("utf-8")
    )
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
    write_text(target, _HEADER + "\n".join(lines) + "\n")


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


Choice = Callable[[str], str | None]
"""Turn a member's path into the name to give it, or into None to pass it over."""

_MAX_MEMBER = 1 << 20  # bytes; a CMU image has at most 62,000

_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error)


def read_members(source: Path, choose: Choice) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of the files that `choose` names; a `.tar.gz` in a zip is opened too.

    Names come from `choose` alone, never from the archive, so a path such as `../x` is harmless.

    Raises:
        DataError: the source does not exist, is no archive, is damaged, or holds a huge member.
    """
    if source.is_dir():
        yield from _read_folder(source, choose)
        return
    kind = _sniff(source)
    try:
        with source.open("rb") as file:
            yield from _read_zip(file, choose) if kind == "zip" else _read_tar(file, choose)
    except _DAMAGE as error:
        raise DataError(
            f"The archive {source.name} is truncated or damaged ({error}). Download it again."
        ) from error


def _sniff(source: Path) -> str:
    try:
        with source.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise DataError(f"Cannot open {source}: {error.strerror}. Check the path.") from error
    if head.startswith(b"PK"):
        return "zip"
    if head.startswith(b"\x1f\x8b"):
        return "tar.gz"
    if head.lstrip().startswith(b"<"):
        raise DataError(
            f"Expected a zip. Received a web page in {source.name}, perhaps from a proxy or a "
            "login: it starts with "
            f"{head.lstrip()[:40]!r}. Download the archive in a browser, then run `gafas fetch cmu "
            "--from FILE`."
        )
    raise DataError(
        f"Expected a zip, a tar.gz or a folder. Received: {source.name}, which starts with "
        f"{head[:16]!r}. Give the archive as UCI ships it, or an unpacked copy."
    )


def _read_folder(folder: Path, choose: Choice) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        name = choose(path.relative_to(folder.parent).as_posix())
        if name is not None and path.is_file():
            yield name, path.read_bytes()


def _read_zip(file: IO[bytes], choose: Choice) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        # UCI's zip may hold the images twice: all of them in faces.tar.gz, small ones elsewhere.
        inner = [m for m in members if PurePosixPath(m.filename).name == "faces.tar.gz"]
        for member in inner:
            with archive.open(member) as tar:
                yield from _read_tar(tar, choose)
        for member in members:
            name = choose(member.filename)
            if name is not None and not inner:
                _refuse_huge(member.filename, member.file_size)
                yield name, archive.read(member)


def _read_tar(file: IO[bytes], choose: Choice) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=file, mode="r|gz") as archive:
        for member in archive:
            name = choose(member.name)
            if name is None or not member.isfile():  # links are passed over
                continue
            _refuse_huge(member.name, member.size)
            content = archive.extractfile(member)
            if content is not None:
                yield name, content.read()


def _refuse_huge(name: str, size: int) -> None:
    if size > _MAX_MEMBER:
        raise DataError(
            f"{name} in the archive has {size} bytes, an image of the data set at most 62,000: "
            "this is not UCI's archive. Download it from there."
        )


ARCHIVE_URL = "https://archive.ics.uci.edu/static/public/124/cmu+face+images.zip"
"""Where the UCI Machine Learning Repository keeps data set 124."""

_log = logging.getLogger(__name__)

_TIMEOUT = 30  # seconds without a byte
_LEFTOVER = 24 * 3600  # seconds after which a folder that a killed run left is swept
_PREFIX = ".cmu_faces-"


def fetch_into(target: Path, source: Path | None) -> Path:
    """Put the verified images into `target/faces/`, the lists of the source into `trainset/`.

    Does nothing where they are complete already. Otherwise everything is unpacked and verified
    beside the target first; the target appears in one move. Images that an earlier copy lacks are
    added to it.

    Args:
        target: the folder to make.
        source: a zip, a tar.gz or an unpacked folder; None downloads UCI's archive.

    Raises:
        DataError: no network, not the archive, a missing or altered image, or no space.
    """
    if not find_faults(target / "faces"):
        _log.info("The CMU Face Images are already in %s", target)
        return target
    with _explained(target), _beside(target) as scratch:
        staging = scratch / "cmu_faces"
        _unpack(source or _download(scratch), staging)
        _verify(staging / "faces", source)
        _settle(staging, target)
    _log.info("The CMU Face Images are now in %s", target)
    return target


@contextlib.contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            advice = "the disk is full. Free 30 MB there, or let GAFAS_HOME name another folder."
        else:
            advice = f"{error}. Check who may write there, or let GAFAS_HOME name another folder."
        raise DataError(f"Cannot put the CMU Face Images into {target}: {advice}") from error


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Give a folder beside the target that disappears, and sweep those of runs long killed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for old in target.parent.glob(f"{_PREFIX}*"):
        if time.time() - old.stat().st_mtime > _LEFTOVER:
            shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=target.parent) as scratch:
        yield Path(scratch)


def _download(folder: Path) -> Path:
    """Download UCI's archive with a progress bar."""
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.WARNING)  # it would print a hash for users to copy
    with _Bar() as bar:
        downloader = pooch.HTTPDownloader(progressbar=bar, timeout=_TIMEOUT)
        try:
            # No hash of the zip: UCI may pack it anew. What counts is each image's own SHA-256,
            # which `_verify` checks before anything reaches the target.
            path = pooch.retrieve(
                ARCHIVE_URL, None, fname="cmu.zip", path=folder, downloader=downloader
            )
        except requests.RequestException as error:
            if error.response is not None:
                error.response.close()  # which pooch leaves open when the server refuses
            lost = isinstance(error, requests.ConnectionError)
            reason = "its host cannot be reached" if lost else error
            raise DataError(
                f"Cannot download {ARCHIVE_URL}: {reason}. Check the network or the proxy and try "
                "again, or download the file elsewhere and run `gafas fetch cmu --from FILE`."
            ) from error
    return Path(path)


class _Bar:
    """A Rich progress bar on stderr in the shape that pooch asks for."""

    def __init__(self) -> None:
        self.total = 0
        console = Console(stderr=True)
        columns = ("CMU Face Images", BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, disable=not sys.stderr.isatty())
        self._task = self._progress.add_task("download", total=None)

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def update(self, size: int) -> None:
        """Move on by `size` bytes."""
        self._progress.update(self._task, advance=size, total=self.total or None)

    def reset(self) -> None:
        """Begin anew; pooch calls it at the end, to correct what update counted."""
        self._progress.update(self._task, completed=0)

    def close(self) -> None:
        """Do nothing: leaving the context stops the bar."""


def _unpack(source: Path, staging: Path) -> None:
    for name, content in read_members(source, _choose):
        path = staging / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _choose(member: str) -> str | None:
    """Know images by subject and file, lists by folder and ending, wherever they lie."""
    parts = PurePosixPath(member).parts[-2:]
    if "/".join(parts) in read_manifest().digests:
        return "/".join(("faces", *parts))
    listed = len(parts) == 2 and parts[0] == "trainset" and parts[1].endswith(".list")
    return "/".join(parts) if listed else None


def _verify(faces: Path, source: Path | None) -> None:
    faults = find_faults(faces)
    if not faults:
        return
    more = f", and {len(faults) - 3} more" if len(faults) > 3 else ""
    raise DataError(
        f"{source or ARCHIVE_URL} does not hold the CMU Face Images as they were published: "
        f"{'; '.join(faults[:3])}{more}. Nothing was written. Get the archive again, or give "
        "another copy with --from."
    )


def _settle(staging: Path, target: Path) -> None:
    if not target.exists():
        os.replace(staging, target)  # noqa: PTH105  # said as it is: one move, all or nothing
        return
    # An incomplete copy is completed file by file, so that nothing a user put there is lost.
    for path in sorted(p for p in staging.rglob("*") if p.is_file()):
        final = target / path.relative_to(staging)
        final.parent.mkdir(parents=True, exist_ok=True)
        path.replace(final)
