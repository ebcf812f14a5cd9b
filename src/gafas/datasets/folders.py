"""A user's own labelled photos: one folder per label, or a CSV."""

import collections
import csv
import io
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from gafas.datasets.samples import Sample
from gafas.errors import DataError
from gafas.files import bare_cell, find_photos

CORRECTIONS = "corrections.csv"
"""The file that `read_labelled` finds corrected labels in."""

_LABELS_FILE = "labels.csv"

_log = logging.getLogger(__name__)


def read_labelled(source: Path) -> tuple[Sample, ...]:
    """Read labelled photos, sorted by name.

    `source` is a CSV with the columns `file,label` and perhaps `subject` (paths relative to the
    CSV; other columns are ignored; `;` may separate them), or a folder with one sub-folder per
    label, photos at any depth inside. Where such a folder also holds a `labels.csv`, the
    sub-folders win: where a photo lies cannot be out of date. A folder without sub-folders of
    photos is read through its `labels.csv`. Hidden files are passed over. Each file is taken for
    a photo of its own.

    What a `corrections.csv` beside the CSV, or in the folder, says of a photo holds instead: its
    columns are `file,label` too, and without a label the photo is left out. A warning tells of it.

    Raises:
        DataError: nothing is there, photos lie outside the label folders, or a CSV lacks a
            column, names a file that does not exist, or contradicts itself.
    """
    samples = _read_given(source)
    path = (source.parent if source.is_file() else source) / CORRECTIONS
    return _correct(samples, path) if path.is_file() and path != source else samples


def _correct(samples: Sequence[Sample], path: Path) -> tuple[Sample, ...]:
    """Apply a file of corrections; it may name photos that are not among the samples."""
    said: dict[str, str] = {}
    for line, row in _read_rows(path):
        name, label = _normalize(bare_cell(row.get("file", ""))), row.get("label", "")
        if said.setdefault(name, label) != label:
            raise DataError(
                f"{path} contradicts itself about {name}: {said[name]!r} and, in line {line}, "
                f"{label!r}. Keep the right one."
            )
    known = {sample.name: sample.label for sample in samples}
    strangers = [name for name in said if name not in known and not (path.parent / name).is_file()]
    if strangers:
        raise DataError(
            f"{path} names {len(strangers)} files that do not exist, such as {strangers[0]!r}. "
            "Paths are relative to the folder that it lies in: correct them, or take them out."
        )
    changed = sum(said.get(name, label) not in ("", label) for name, label in known.items())
    left = sum(said.get(name, label) == "" for name, label in known.items())
    _log.warning("%s corrects %d labels and leaves %d photos out.", path, changed, left)
    corrected = (replace(one, label=said.get(one.name, one.label)) for one in samples)
    return tuple(sample for sample in corrected if sample.label)


def _read_given(source: Path) -> tuple[Sample, ...]:
    """Read labelled photos as they are given."""
    if source.is_file():
        return _read_csv(source)
    if not source.is_dir():
        raise DataError(
            f"Expected a folder of photos or a CSV file. Received: {str(source)!r}, which does not "
            "exist or is neither. Check the path."
        )
    photos = [Path(path).relative_to(source) for path in find_photos(source)]
    folders = sorted({photo.parts[0] for photo in photos if len(photo.parts) > 1})
    if not folders and (source / _LABELS_FILE).is_file():
        return _read_csv(source / _LABELS_FILE)
    if not folders:
        raise DataError(
            f"No labelled photos in {source}: expected one folder of photos per label, such as "
            "sunglasses/ and none/, or a labels.csv with the columns file,label. What photos "
            "without labels show, `gafas predict` tells."
        )
    stray = next((photo for photo in photos if len(photo.parts) == 1), None)
    if stray is not None:
        raise DataError(
            f"Photo {stray} lies in {source} beside the folders {', '.join(folders)}, so it has no "
            "label. Move it into the folder of its label, or out. What photos without labels show, "
            "`gafas predict` tells."
        )
    samples = ((_write_name(photo), photo) for photo in photos)
    return tuple(
        Sample(source / photo, name, photo.parts[0], photo=name) for name, photo in sorted(samples)
    )


def check_trainable(samples: Iterable[Sample]) -> None:
    """Refuse samples that no training can learn a difference from.

    Raises:
        DataError: a sample without a label, fewer than two labels, or a label with one sample.
    """
    counts = collections.Counter(s.label for s in samples)
    received = ", ".join(f"{n} {label or 'unlabelled'}" for label, n in sorted(counts.items()))
    if "" in counts or len(counts) < 2:
        problem = "needs photos of at least two labels, and a label for every photo"
    elif min(counts.values()) < 2:
        problem = "needs at least two photos of every label, one to learn from and one to test on"
    else:
        return
    raise DataError(f"Training {problem}. Received: {received or 'nothing'}. Add photos.")


def _write_name(path: Path) -> str:
    r"""Write a relative path as text; bytes of it that are no UTF-8 as `\xe9`, for any file."""
    return path.as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _normalize(file: str) -> str:
    """Return the name of a sample for a path as somebody may have written it."""
    return os.path.normpath(file.replace("\\", "/")).replace(os.sep, "/")


def _read_csv(path: Path) -> tuple[Sample, ...]:
    samples: dict[str, Sample] = {}
    for line, row in _read_rows(path):
        file, label = row.get("file"), row.get("label")
        if not file or not label:
            raise DataError(
                f"Line {line} of {path} lacks its {'label' if file else 'file'}. Complete it or "
                "take it out."
            )
        name = _normalize(file)
        sample = Sample(path.parent / name, name, label, name, row.get("subject") or None)
        known = samples.setdefault(name, sample)
        if known != sample:
            said = (f"{s.label!r}" + f" of {s.subject}" * bool(s.subject) for s in (known, sample))
            raise DataError(
                f"{path} contradicts itself about {name}: {f' and, in line {line}, '.join(said)}. "
                "Keep the right one."
            )
    missing = [sample.name for sample in samples.values() if not sample.path.is_file()]
    if missing:
        raise DataError(
            f"{path} names {len(missing)} files that do not exist, such as {missing[0]!r}. Paths "
            "are relative to the CSV: correct them, or put the files there."
        )
    if not samples:
        raise DataError(f"{path} names no photo. Add lines of the form file,label.")
    return tuple(sorted(samples.values(), key=lambda sample: sample.name))


def _read_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row with the number of its line."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # Excel puts a byte order mark before UTF-8
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"Cannot read {path}: {error}. Give a CSV in UTF-8.") from error
    header = text.partition("\n")[0].rstrip()
    separator = ";" if ";" in header and "," not in header else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    columns = [column.strip().lower() for column in next(reader, [])]
    if not {"file", "label"} <= set(columns):
        raise DataError(
            f"Expected the columns file,label and perhaps subject in {path}. Received the first "
            f"line: {header[:80]!r}. Name the columns there."
        )
    for row in filter(None, reader):
        yield reader.line_num, dict(zip(columns, map(str.strip, row), strict=False))
