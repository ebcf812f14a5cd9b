"""From the paths that a user names to orders: one for every folder that photos lie in."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from gafas.errors import DataError
from gafas.files import PHOTO_ENDINGS
from gafas.sorting.journal import list_journals, read_journal
from gafas.sorting.plan import Order, check_labels, check_places
from gafas.sorting.sort import find_journal


def resolve_orders(sources: Sequence[str], plain: Order) -> list[Order]:
    """Make orders of folders and photos as a user names them, in that order.

    `plain` is the order without its source and what is wanted of it.

    A folder gets an order of its own; photos that are named themselves share that of the folder in
    which they lie. What lies in a folder that is named, too, is sorted with it, once.

    Raises:
        DataError: something does not exist, and was not sorted earlier; or the folders cannot be
            used together, or hold what `find_journal` refuses.
        ModelError: a label of the model cannot be the name of a folder.
    """
    check_labels(plain.labels)
    named = {_real(source): source for source in sources}
    groups = _group(list(named), plain.dest)
    orders = []
    for folder, wanted in groups.items():
        order = dataclasses.replace(plain, source=folder)
        check_places(order)
        find_journal(order)  # all are looked at before the first is carried out
        gone = {path for path in wanted if not os.path.lexists(path)}
        for lost in gone - _list_sorted(order) if gone else ():
            raise DataError(
                f"There is nothing to sort. Received: {named[lost]!r}, which does not exist. "
                "Name folders of photos, or photos, and last the folder to sort into."
            )
        there = tuple(path for path in wanted if path not in gone)
        orders.append(dataclasses.replace(order, wanted=there))
    return orders


def _group(paths: Sequence[Path], dest: Path) -> dict[Path, list[Path]]:
    """Return what is wanted of every folder."""
    folders = {path for path in paths if path.is_dir() or _was_folder(path, dest)}
    tops = {one for one in folders if not any(above in folders for above in one.parents)}
    groups: dict[Path, list[Path]] = {}
    for path in paths:
        top = next((one for one in (path, *path.parents) if one in tops), path.parent)
        wanted = groups.setdefault(top, [])
        if path == top or top not in tops or not _is_found(path, top, folder=path in folders):
            wanted.append(path)
    return groups


def _real(source: str) -> Path:
    """Return where a path leads; a photo that is a link stays one."""
    path = Path(source)
    if path.is_dir():
        return Path(os.path.realpath(path))
    return Path(os.path.realpath(path.parent)) / path.name


def _was_folder(path: Path, dest: Path) -> bool:
    """Say whether a path was a folder when it was sorted; now it is gone."""
    return not os.path.lexists(path) and any(list_journals(dest, path))


def _is_found(path: Path, top: Path, *, folder: bool) -> bool:
    """Say whether the search of a folder comes to what lies in it."""
    hidden = any(part.startswith(".") for part in path.relative_to(top).parts)
    shown = folder or path.suffix.lower() in PHOTO_ENDINGS
    return shown and not hidden and os.path.lexists(path)


def _list_sorted(order: Order) -> set[Path]:
    """Return what earlier runs of an order have sorted: photos, and the folder itself."""
    journal = find_journal(order)
    if journal is None:
        return set()
    done = read_journal(journal).select("done")
    return {order.source, *(order.source / entry.photo for entry in done)}
