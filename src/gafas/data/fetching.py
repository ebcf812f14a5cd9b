"""Bring the CMU Face Images onto this machine: all of them and unaltered, or not at all."""

import contextlib
import errno
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

from gafas.data import archives, manifest
from gafas.errors import DataError

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
    if not manifest.find_faults(target / "faces"):
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
    for name, content in archives.read_members(source, _choose):
        path = staging / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _choose(member: str) -> str | None:
    """Know images by subject and file, lists by folder and ending, wherever they lie."""
    parts = PurePosixPath(member).parts[-2:]
    if "/".join(parts) in manifest.read_manifest().digests:
        return "/".join(("faces", *parts))
    listed = len(parts) == 2 and parts[0] == "trainset" and parts[1].endswith(".list")
    return "/".join(parts) if listed else None


def _verify(faces: Path, source: Path | None) -> None:
    faults = manifest.find_faults(faces)
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
