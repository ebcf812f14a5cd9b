"""The CMU Face Images: find them, fetch them, read what their names say."""

import base64
import functools
import hashlib
import importlib.resources
import logging
import os
import re
import shutil
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from gafas.datasets.drawn import WITH_EYEGLASSES
from gafas.datasets.samples import Sample
from gafas.errors import DataError
from gafas.files import find_home

if TYPE_CHECKING:
    from rich.progress import Progress

SCALES = ("full", "half", "quarter")
"""The sizes at which the data set holds each photo: 128×120, 64×60 and 32×30 pixels."""

_SCALE_OF = {None: "full", "_2": "half", "_4": "quarter"}

# People who wear eyeglasses in every photo named "open", which says only "no sunglasses".
# Found by looking at all 313 of them.
_EYEGLASSES = frozenset({"at33", "bpm", "ch4f", "choon", "phoebe", "saavik", "tammo"})

_NAME = re.compile(
    r"(?P<photo>(?P<subject>[a-z0-9]+)_(?P<pose>left|right|straight|up)"
    r"_(?P<expression>neutral|happy|sad|angry)_(?P<eyes>open|sunglasses))(?P<scale>_2|_4)?\.pgm"
)

_log = logging.getLogger(__name__)


def find() -> Path:
    """Find the unpacked data: where `GAFAS_CMU` points, else where `fetch` puts them.

    Raises:
        DataError: they are not there.
    """
    named = os.environ.get("GAFAS_CMU")
    folder = Path(named) if named else find_home() / "cmu_faces"
    if any(_faces(folder).glob("*/*.pgm")):
        return folder
    if named:
        raise DataError(
            f"GAFAS_CMU points to {named!r}, which holds no faces/<subject>/*.pgm. Let it point to "
            "an unpacked copy of the CMU Face Images, or unset it and run `gafas fetch cmu`."
        )
    raise DataError(
        f"The CMU Face Images are not in {folder}. Run `gafas fetch cmu`, or let GAFAS_CMU point "
        "to an unpacked copy."
    )


def is_layout(folder: Path) -> bool:
    """Tell whether a folder holds photos in the layout of the CMU Face Images."""
    return any((folder / "faces").glob("*/*_*_*_*.pgm"))


def read_samples(
    folder: Path | None = None, *, scales: Sequence[str] = SCALES
) -> tuple[Sample, ...]:
    """Read what the file names of the CMU Face Images say, sorted by name.

    Labels are eyewear labels; `facts` hold pose, expression, eyes and scale. Photos marked `.bad`
    by their makers are left out.

    Args:
        folder: holds `faces/`, or is that folder; None finds the data.
        scales: the sizes to read, from `SCALES`.

    Raises:
        DataError: no data, a scale that does not exist, or a PGM file whose name says nothing.
    """
    unknown = set(scales) - set(SCALES)
    if unknown or not scales:
        raise DataError(
            f"Expected scales from {', '.join(SCALES)}. Received: {list(scales)}. Choose from them."
        )
    faces = _faces(folder or find())
    samples = [_sample(path, faces) for path in sorted(faces.rglob("*.pgm"))]
    chosen = tuple(s for s in samples if s.facts["scale"] in scales)
    if not chosen:
        raise DataError(
            f"No CMU photo in {faces}: expected <subject>/<subject>_<pose>_….pgm. Run "
            "`gafas fetch cmu`, or give the folder that holds faces/."
        )
    return chosen


def _faces(folder: Path) -> Path:
    return folder / "faces" if (folder / "faces").is_dir() else folder


def _sample(path: Path, faces: Path) -> Sample:
    name = path.relative_to(faces).as_posix()
    match = _NAME.fullmatch(path.name)
    if match is None or name != f"{match['subject']}/{path.name}":
        raise DataError(
            f"Cannot tell what {name} in {faces} shows: expected <subject>/<subject>_<pose>_"
            "<expression>_<open|sunglasses>[_2|_4].pgm. Rename it or take it out."
        )
    facts = {fact: match[fact] for fact in ("pose", "expression", "eyes")}
    facts["scale"] = _SCALE_OF[match["scale"]]
    return Sample(path, name, _label(match), match["photo"], match["subject"], facts)


def _label(match: re.Match[str]) -> str:
    if match["eyes"] == "sunglasses":
        return "sunglasses"
    with_eyeglasses = _EYEGLASSES | WITH_EYEGLASSES
    return "eyeglasses" if match["subject"] in with_eyeglasses else "none"


ARCHIVE_URL = "https://archive.ics.uci.edu/static/public/124/cmu+face+images.zip"
"""Where the UCI Machine Learning Repository keeps data set 124."""

_TIMEOUT = 30  # seconds without a byte
_MAX_MEMBER = 1 << 20  # bytes; a CMU image has at most 62,000
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error)


def fetch(source: Path | None = None) -> Path:
    """Bring all images into `find_home()`, each verified by its SHA-256, and return the folder.

    What is complete already is left as it is; what an earlier copy lacks is added to it. A failure
    leaves everything as it was. The lists of the source come into `trainset/`.

    Args:
        source: a zip or tar.gz of the data, or an unpacked folder; None downloads UCI's archive.

    Raises:
        DataError: no network, not the archive, a missing or altered image, or no space.
    """
    target = find_home() / "cmu_faces"
    if not find_faults(target / "faces"):
        _log.info("The CMU Face Images are already in %s", target)
        return target
    scratch = target.with_name(".cmu_faces.part")
    try:
        shutil.rmtree(scratch, ignore_errors=True)  # what a run that was killed has left
        scratch.mkdir(parents=True)
        staging = scratch / target.name
        for name, content in read_members(source or _download(scratch)):
            path = staging / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        _refuse_faults(find_faults(staging / "faces"), source)
        if target.exists():  # file by file, so that nothing a user put there is lost
            shutil.copytree(staging, target, copy_function=os.replace, dirs_exist_ok=True)
        else:
            staging.replace(target)
    except OSError as error:
        raise DataError(
            f"Cannot put the CMU Face Images into {target}: {error}. Make 30 MB of room, check who "
            "may write there, or let GAFAS_HOME name another folder."
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    _log.info("The CMU Face Images are now in %s", target)
    return target


def find_faults(faces: Path) -> list[str]:
    """Compare a folder `faces` with what was published: a clause for each image that differs.

    The unusable `.bad` photos may be missing.
    """
    faults = []
    for name, expected in read_digests().items():
        try:
            received = _digest((faces / name).read_bytes())
        except OSError:
            if not name.endswith(".bad"):
                faults.append(f"{name} is missing")
            continue
        if received != expected:
            faults.append(f"{name} is altered (SHA-256 {received} instead of {expected})")
    return faults


def _digest(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


@functools.cache
def read_digests() -> Mapping[str, str]:
    """Return `subject/file` → SHA-256 in base64 of all that was published, sorted by name."""
    digests = {}
    for photo, _, _, *values in _read_manifest():
        endings = ("",) if photo.endswith(".bad") else (".pgm", "_2.pgm", "_4.pgm")
        for ending, value in zip(endings, values, strict=True):
            digests[f"{photo.split('_')[0]}/{photo}{ending}"] = value
    return dict(sorted(digests.items()))


def read_lists(name: str) -> Mapping[str, str]:
    """Return photo → `train`, `test1` or `test2` of the official lists `all` or `straightrnd`."""
    column = ("all", "straightrnd").index(name) + 1
    return {row[0]: row[column] for row in _read_manifest() if row[column] != "-"}


def _read_manifest() -> list[list[str]]:
    file = importlib.resources.files("gafas.datasets").joinpath("cmu_manifest.txt")
    lines = file.read_text("utf-8").splitlines()
    return [line.split() for line in lines if not line.startswith("#")]


def _refuse_faults(faults: list[str], source: Path | None) -> None:
    if faults:
        more = f", and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise DataError(
            f"{source or ARCHIVE_URL} does not hold the CMU Face Images as they were published: "
            f"{'; '.join(faults[:3])}{more}. Nothing was written. Get the archive again, or give "
            "another copy with --from."
        )


def _download(folder: Path) -> Path:
    """Download UCI's archive with a progress bar."""
    import pooch
    import requests
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    pooch.get_logger().setLevel(logging.WARNING)  # it would print a hash for users to copy
    columns = ("CMU Face Images", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as progress:
        downloader = pooch.HTTPDownloader(progressbar=_Bar(progress), timeout=_TIMEOUT)
        try:
            # No hash of the zip: UCI may pack it anew. What counts is each image's own.
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
    """A progress bar in the shape that pooch asks for; it sets `total`."""

    total = 0

    def __init__(self, progress: "Progress") -> None:
        self._progress, self._task = progress, progress.add_task("download", total=None)

    def update(self, size: int) -> None:
        """Move on by `size` bytes."""
        self._progress.update(self._task, advance=size, total=self.total or None)

    def reset(self) -> None:
        """Begin anew; pooch calls it at the end, to correct what update counted."""
        self._progress.update(self._task, completed=0)

    def close(self) -> None:
        """Do nothing: the bar goes with its context."""


def read_members(source: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of what belongs to the data set; a `.tar.gz` in a zip is opened too.

    The names are ours, never the archive's, so that a path such as `../x` is harmless.

    Raises:
        DataError: the source does not exist, is no archive, is damaged, or holds a huge member.
    """
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            name = _name_member(path.as_posix())
            if name is not None and path.is_file():
                yield name, path.read_bytes()
        return
    if not source.exists():
        raise DataError(f"Cannot open {source}: no such file. Check the path.")
    try:
        with source.open("rb") as file:
            head = file.read(64)
            file.seek(0)
            if head.startswith(b"PK"):
                yield from _read_zip(file)
            elif head.startswith(b"\x1f\x8b"):
                yield from _read_tar(file)
            else:
                raise DataError(
                    f"Expected a zip, a tar.gz or a folder. Received: {source.name}, which starts "
                    f"with {head[:16]!r}. If that is a web page of a proxy or a login, download "
                    "UCI's archive in a browser, then run `gafas fetch cmu --from FILE`."
                )
    except _DAMAGE as error:
        raise DataError(
            f"The archive {source.name} is truncated or damaged ({error}). Download it again."
        ) from error


def _read_zip(file: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        # UCI's zip may hold the images twice: all of them in faces.tar.gz, small ones elsewhere.
        inner = [m for m in members if PurePosixPath(m.filename).name == "faces.tar.gz"]
        for member in inner:
            with archive.open(member) as tar:
                yield from _read_tar(tar)
        for member in members if not inner else ():
            name = _name_member(member.filename, size=member.file_size)
            if name is not None:
                yield name, archive.read(member)


def _read_tar(file: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=file, mode="r|gz") as archive:
        for member in archive:
            if not member.isfile():  # links are passed over
                continue
            name = _name_member(member.name, size=member.size)
            content = archive.extractfile(member) if name is not None else None
            if name is not None and content is not None:
                yield name, content.read()


def _name_member(member: str, *, size: int = 0) -> str | None:
    """Know images by subject and file, lists by folder and ending, wherever they lie."""
    name = "/".join(PurePosixPath(member).parts[-2:])
    if name in read_digests():
        name = f"faces/{name}"
    elif not re.fullmatch(r"trainset/[^/]+\.list", name):
        return None
    if size > _MAX_MEMBER:
        raise DataError(
            f"{member} in the archive has {size} bytes, an image of the data set at most 62,000: "
            "this is not UCI's archive. Download it from there."
        )
    return name
