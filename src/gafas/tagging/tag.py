"""Write answers into XMP, beside photos or in them, each change written down ahead in a journal."""

import contextlib
import dataclasses
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gafas.errors import DataError, ImageError, ModelError
from gafas.files import PHOTO_ENDINGS
from gafas.labels import UNSURE, name_label
from gafas.sorting.files import refuse_full, rename, sync_folder
from gafas.tagging import jpeg, xmp
from gafas.tagging.journal import (
    Change,
    Entry,
    Journal,
    Options,
    Style,
    Unsure,
    create_journal,
    hash_bytes,
    list_journals,
    open_journal,
)

if TYPE_CHECKING:
    from gafas.results import Box, Recognition

Recognize = Callable[[Iterable[str]], Iterator["Recognition"]]
"""What answers for each photo, in their order, taking them as it goes: `recognize_many`."""

# Where a packet says that more of it stands elsewhere in a photo, which a file beside it is not.
_ELSEWHERE: Final = re.compile(
    rb"""\s[\w-]+:HasExtendedXMP\s*=\s*("[^"]*"|'[^']*')"""
    rb"""|\s*<([\w-]+):HasExtendedXMP>[^<]*</\2:HasExtendedXMP>"""
)


@dataclasses.dataclass(frozen=True, slots=True)
class Tagged:
    """What became of a photo.

    Attributes:
        photo: its path.
        keywords: what its faces wear, in words; empty where nothing is to be written.
        target: the file that was written, or would be; None where it says all that already.
        problem: why the photo could not be read, or nothing be written.
    """

    photo: str
    keywords: tuple[str, ...] = ()
    target: Path | None = None
    problem: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class _Draft:
    """A file that shall be written: its content before, if it is there, and after."""

    target: Path
    old: bytes | None
    new: bytes
    change: Change


def tag_photos(
    photos: Iterable[str], recognize: Recognize, *, folder: Path, options: Options
) -> Iterator[Tagged]:
    """Write what photos' faces wear, and say what became of each photo.

    What is there already is not written again, and nothing else is changed. A photo that cannot be
    tagged stays as it is, and the others go on. Closing the iterator, or a crash, leaves every file
    as it was or whole. All photos lie in the folder, which gets the journal when there is something
    to write.

    Raises:
        DataError: the folder's photos were tagged by other answers, the disk is full, or a journal
            is damaged or in use.
        OSError: the journal cannot be made or written.
    """
    found = find_journal(folder, options)
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(open_journal(found.path)) if found else None
        if journal is not None:
            for entry in journal.select("do"):
                recover(journal, entry)
        for one in recognize(photos):
            tagged, draft = _plan(one, options)
            if draft is not None:
                if journal is None:
                    path = create_journal(folder, options)
                    journal = stack.enter_context(open_journal(path))
                tagged = _carry_out(journal, tagged, draft)
            yield tagged


def preview_photos(
    photos: Iterable[str], recognize: Recognize, *, folder: Path, options: Options
) -> Iterator[Tagged]:
    """Say what `tag_photos` would do, and write nothing.

    Raises:
        DataError: as `tag_photos`.
    """
    find_journal(folder, options)
    for found in recognize(photos):
        yield _plan(found, options)[0]


def find_journal(folder: Path, options: Options) -> Journal | None:
    """Return the journal of earlier runs with the same options, if there is one.

    Raises:
        DataError: the photos bear the answers of another model, or of another threshold.
    """
    same = None
    for journal in list_journals(folder):
        if journal.options.answers != options.answers and journal.select("do", "done"):
            raise DataError(
                f"Photos in {str(folder)!r} were tagged with other answers: by another model, "
                "--threshold, --min-face or --largest. Take that back first: gafas tag --undo "
                f"{str(journal.path)!r}"
            )
        same = journal if journal.options == options else same
    return same


def check_labels(labels: Sequence[str]) -> None:
    """Refuse labels that would be no single keyword.

    Raises:
        ModelError: a label holds what separates keywords.
    """
    for label in labels:
        if set(label) & set("|/,;") or not label.isprintable() or not label.strip():
            raise ModelError(
                f"Cannot tag by this model: its labels become keywords, and {label!r} cannot be "
                "one. Train it with other labels."
            )


def recover(journal: Journal, entry: Entry) -> None:
    """Find out whether what a crash cut off was done, and clear what it left.

    Raises:
        OSError: a file cannot be read or removed.
        DataError: the journal cannot be written.
    """
    journal.part(entry).unlink(missing_ok=True)
    content = read(journal.target(entry))
    done = content is not None and hash_bytes(content) == entry.change.after
    journal.write({"done" if done else "void": entry.number})


def read(path: Path) -> bytes | None:
    """Return a file's content; None if it is not there.

    Raises:
        OSError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def write(target: Path, part: Path, *, content: bytes, old: bytes | None) -> None:
    """Write a file beside its target, and then give it the name; a file's mode and owner stay.

    A photo keeps its times. A file beside it gets new ones: by these programs see that it changed.

    Raises:
        DataError: the target is not any more what it was.
        OSError: it cannot be written; the target is as it was.
    """
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            if old is not None:
                _copy_facts(target, part)
            os.fsync(file.fileno())
        if read(target) != old:
            raise DataError("It changed meanwhile. Give the same command again.")
        if old is None:
            rename(part, target)
        else:
            part.replace(target)
        sync_folder(target.parent)
    finally:
        part.unlink(missing_ok=True)


def is_beside(target: Path) -> bool:
    """Say whether a file is not the photo itself, but lies beside it."""
    return target.suffix.lower() == ".xmp"


def _copy_facts(target: Path, part: Path) -> None:
    found = target.stat()
    with contextlib.suppress(OSError, AttributeError):  # only the superuser gives files away
        os.chown(part, found.st_uid, found.st_gid)
    if is_beside(target):
        shutil.copymode(target, part)
    else:
        shutil.copystat(target, part)


def _plan(found: "Recognition", options: Options) -> tuple[Tagged, _Draft | None]:
    """Say what shall be written for a photo, and what the file will be if it changes."""
    if found.error is not None:
        return Tagged(found.photo, problem=found.error), None
    counting = found.select(min_face=options.min_face, largest=options.largest)
    asked = [one for one in counting if not one.unsure or options.unsure is Unsure.keyword]
    words = tuple(dict.fromkeys(_name(str(one.label)) for one in asked))
    tagged = Tagged(found.photo, words)
    if not words:
        return tagged, None
    try:
        boxes = [(one.box, _name(str(one.label))) for one in asked] if options.regions else []
        size = found.width or 0, found.height or 0
        draft = _draft(Path(found.photo).absolute(), words, boxes, size=size, options=options)
    except (DataError, ImageError) as error:
        return dataclasses.replace(tagged, problem=str(error)), None
    except OSError as error:
        problem = f"Cannot read it: {error.strerror or error}."
        return dataclasses.replace(tagged, problem=problem), None
    return dataclasses.replace(tagged, target=draft.target if draft else None), draft


def _name(label: str) -> str:
    """Return the keyword for a label: it must say by itself what is meant."""
    return UNSURE if label == UNSURE else name_label(label, language="en")


def _draft(
    photo: Path,
    words: tuple[str, ...],
    boxes: Sequence[tuple["Box", str]],
    *,
    size: tuple[int, int],
    options: Options,
) -> _Draft | None:
    """Return what a file will be; None where it says all that already.

    Raises:
        DataError: it cannot be written, for a reason that the text says.
        ImageError: the photo cannot be read any more.
        OSError: a file cannot be read.
    """
    from gafas.images import read_notes

    target = photo if options.embed else _name_beside(photo, options.style)
    old = read(target)
    _check(target, old)
    orientation, packet = read_notes(photo) if boxes or old is None else (1, None)
    if options.embed:
        assert old is not None, "somebody has just recognized it"
        packet = jpeg.read_packet(old)
    elif old is not None:
        packet = old
    elif packet is not None:  # programs that read the file pass over what the photo holds
        packet = _ELSEWHERE.sub(b"", packet)
    stored = size if orientation < 5 else size[::-1]
    regions = tuple(xmp.Region(_turn_back(box, size, orientation), label) for box, label in boxes)
    new, added = xmp.merge(packet, xmp.Tags(words, regions, stored))
    if not added:
        return None
    if options.embed:
        assert old is not None
        new = jpeg.replace_packet(old, new)
    return _Draft(target, old, new, Change.tell(old, new, added=added))


def _name_beside(photo: Path, style: Style) -> Path:
    """Return the path of the file beside a photo.

    Raises:
        DataError: two photos would share it, or it has one that goes by the other style.
    """
    long, short = photo.with_name(f"{photo.name}.xmp"), photo.with_suffix(".xmp")
    if style is Style.lightroom:
        twin = _find_twin(photo)
        if twin is not None:
            raise DataError(
                f"It and {twin.name!r} would share {short.name!r}. Leave --sidecar-style out."
            )
    mine, other = (long, short) if style is Style.darktable else (short, long)
    if other.exists() and not mine.exists() and not _is_of_another(other, photo):
        raise DataError(
            f"It has {other.name!r} beside it, and programs would read but one of two. Say "
            f"--sidecar-style {next(one for one in Style if one is not style)}, or rename that."
        )
    return mine


def _find_twin(photo: Path) -> Path | None:
    """Return another photo of the same name but for its ending; raw ones belong to the photo."""
    endings = (ending for one in sorted(PHOTO_ENDINGS) for ending in (one, one.upper()))
    twins = (photo.with_suffix(ending) for ending in endings if ending != photo.suffix)
    return next((twin for twin in twins if twin.exists() and not twin.samefile(photo)), None)


def _is_of_another(beside: Path, photo: Path) -> bool:
    """Say whether a file beside a photo may be that of another file, such as a raw one."""
    names = {one.name for one in photo.parent.iterdir() if one.stem == beside.stem}
    return beside.stem == photo.stem and bool(names - {photo.name, beside.name})


def _check(target: Path, old: bytes | None) -> None:
    if target.is_symlink():
        raise DataError("It is a link, and only files themselves are written to. Name the file.")
    if old is not None and not stat.S_ISREG(target.stat().st_mode):
        raise DataError("It is no ordinary file. Tag ordinary files only.")
    if not os.access(target.parent, os.W_OK):
        raise DataError("Its folder is read-only, so nothing can be written there.")


def _turn_back(box: "Box", size: tuple[int, int], orientation: int) -> xmp.Area:
    """Return where a box of the upright photo is in the photo as it is stored, in shares of it.

    So regions are laid out, and programs turn them with the photo.
    """
    (x1, x2), (y1, y2) = (
        tuple(min(1.0, max(0.0, value / length)) for value in ends)
        for ends, length in ((box[0::2], size[0]), (box[1::2], size[1]))
    )
    x, y, w, h = (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
    across, down = {
        2: (1 - x, y),
        3: (1 - x, 1 - y),
        4: (x, 1 - y),
        5: (y, x),
        6: (y, 1 - x),
        7: (1 - y, 1 - x),
        8: (1 - y, x),
    }.get(orientation, (x, y))
    return (across, down, h, w) if orientation >= 5 else (across, down, w, h)


def _carry_out(journal: Journal, tagged: Tagged, draft: _Draft) -> Tagged:
    """Write a file; where that fails it stays as it was, and nothing is left behind."""
    entry = journal.begin(draft.target, draft.change)
    try:
        write(draft.target, journal.part(entry), content=draft.new, old=draft.old)
    except (OSError, DataError) as error:
        recover(journal, entry)
        if isinstance(error, DataError):
            return dataclasses.replace(tagged, target=None, problem=str(error))
        refuse_full(error, str(draft.target))
        problem = f"Cannot write {draft.target.name!r}: {error.strerror or error}."
        return dataclasses.replace(tagged, target=None, problem=problem)
    journal.write({"done": entry.number})
    return tagged
