"""Take known files out of a zip, a tar.gz or a folder; nothing else ever reaches the disk."""

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from gafas.errors import DataError

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
