"""Copy, move and remove files so that none is overwritten, and none is lost by a crash.

All raise `OSError` where a file cannot be read or written.
"""

import contextlib
import dataclasses
import errno
import hashlib
import os
import shutil
import stat
from pathlib import Path
from typing import Final

from gafas.errors import DataError

# What a full disk, or one whose owner's share of it is full, answers.
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class PhotoChangedError(DataError):
    """Say that a photo is not any more what it was a moment ago."""

    def __init__(self) -> None:
        super().__init__("The photo changed while it was sorted. Give the same command again.")


def refuse_full(error: OSError, photo: str) -> None:
    """Let every error pass, save that the disk is full.

    Raises:
        DataError: that was the error.
    """
    if error.errno in _FULL:
        raise DataError(
            f"The disk is full. Received: {photo!r}. Free some space, then give the same command "
            "again: it goes on where it stopped."
        ) from error


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """What a photo is known by.

    Attributes:
        size: in bytes.
        mtime_ns: when it was changed last, in nanoseconds since 1970.
        mode: its permissions, as `os.chmod` takes them.
        sha256: of its content, as 64 hexadecimal digits.
    """

    size: int
    mtime_ns: int
    mode: int
    sha256: str


def identify(path: Path, seen: os.stat_result) -> Identity:
    """Return what a file is known by.

    Raises:
        PhotoChangedError: the file is not any more what was `seen` of it.
    """
    digest = hash_file(path)
    now = path.stat()
    if (now.st_size, now.st_mtime_ns) != (seen.st_size, seen.st_mtime_ns):
        raise PhotoChangedError
    return Identity(now.st_size, now.st_mtime_ns, stat.S_IMODE(now.st_mode), digest)


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's content, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def holds(path: Path, identity: Identity) -> bool:
    """Say whether a path is a file, and no link, with the content of a photo."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    if not stat.S_ISREG(found.st_mode) or found.st_size != identity.size:
        return False
    return hash_file(path) == identity.sha256


def write_part(source: Path, part: Path, *, identity: Identity) -> int:
    """Copy a file with its times and permissions, to a path where none is, and check the copy.

    Returns:
        the number by which the file system knows the copy, whatever its name.

    Raises:
        PhotoChangedError: the file is not the photo that was identified.
    """
    with source.open("rb") as file, part.open("xb") as copy:
        shutil.copyfileobj(file, copy, 1 << 20)
        copy.flush()
        with contextlib.suppress(OSError, AttributeError):  # only the superuser gives files away
            found = source.stat()
            os.chown(part, found.st_uid, found.st_gid)
        shutil.copystat(source, part)
        os.fsync(copy.fileno())
    if not holds(part, identity):
        raise PhotoChangedError
    return part.stat().st_ino


def rename(source: Path, target: Path) -> None:
    """Rename a file, but never onto something: `os.rename` would overwrite it.

    Raises:
        FileExistsError: something has the target's name; it stays as it is.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:  # not every file system knows hard links
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error
        source.rename(target)
    else:
        replace_by(source, target)


def replace_by(source: Path, target: Path) -> None:
    """Remove a file in favour of its equal, or, where it cannot be removed, the equal."""
    try:
        sync_folder(target.parent)
        source.unlink()
    except OSError:
        target.unlink()
        raise


def restore_facts(path: Path, identity: Identity) -> None:
    """Give a file the time and the permissions that it was known by, where they differ."""
    found = path.stat()
    if stat.S_IMODE(found.st_mode) != identity.mode:
        path.chmod(identity.mode)
    if found.st_mtime_ns != identity.mtime_ns:
        os.utime(path, ns=(found.st_atime_ns, identity.mtime_ns))


def sync_folder(folder: Path) -> None:
    """Have the names in a folder written to the disk, where the system can do that."""
    if os.name == "nt":  # folders cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno in (*_FULL, errno.EIO):
            raise
    finally:
        os.close(handle)
