"""A user's own photos: one folder per label, a CSV, or a plain folder without labels."""

import collections
import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from gafas.datasets.samples import Sample
from gafas.errors import DataError

_LOSSY = (".jpg", ".jpeg", ".webp", ".avif", ".heic", ".heif")
_LOSSLESS = (".png", ".gif", ".bmp", ".tif", ".tiff", ".pgm", ".ppm")

PHOTO_ENDINGS = frozenset((*_LOSSY, *_LOSSLESS))
"""How the names of photos end, in lower case; files that end otherwise are passed over."""

_LABELS_FILE = "labels.csv"


def read_labelled(source: Path) -> tuple[Sample, ...]:
    """Read labelled photos, sorted by name.

    `source` is a CSV with the columns `file,label` and perhaps `subject` (paths relative to the
    CSV; other columns are ignored; `;` may separate them), or a folder with one sub-folder per
    label, photos at any depth inside. Where such a folder also holds a `labels.csv`, the
    sub-folders win: where a photo lies cannot be out of date. A folder without sub-folders of
    photos is read through its `labels.csv`. Hidden files are passed over. Each file is taken for
    a photo of its own.

    Raises:
        DataError: nothing is there, photos lie outside the label folders, or the CSV lacks a
            column, names a file that does not exist, or contradicts itself.
    """
    if source.is_file():
        return _read_csv(source)
    folders = _label_folders(_folder(source))
    if not folders and (source / _LABELS_FILE).is_file():
        return _read_csv(source / _LABELS_FILE)
    if not folders:
        raise DataError(
            f"No labelled photos in {source}: expected one folder of photos per label, such as "
            "sunglasses/ and none/, or a labels.csv with the columns file,label."
        )
    stray = next(_stray(source), None)
    if stray is not None:
        raise DataError(
            f"Photo {stray.name} lies in {source} beside the folders {', '.join(sorted(folders))}, "
            "so it has no label. Move it into the folder of its label, or out."
        )
    samples = [
        _sample(path, source, label=label) for label, inside in folders.items() for path in inside
    ]
    return tuple(sorted(samples, key=_by_name))


def read_unlabelled(source: Path) -> tuple[Sample, ...]:
    """Read the photos of a folder, at any depth, sorted by name; their label is empty.

    Raises:
        DataError: the folder does not exist or holds no photo.
    """
    samples = sorted((_sample(p, source, label="") for p in _photos(_folder(source))), key=_by_name)
    if not samples:
        raise DataError(
            f"No photo in {source}: expected files that end in "
            f"{', '.join(sorted(PHOTO_ENDINGS))}. Give a folder that holds some."
        )
    return tuple(samples)


def has_labels(source: Path) -> bool:
    """Say whether `read_labelled` would find labels: a CSV, or photos in sub-folders only.

    Raises:
        DataError: the source does not exist.
    """
    if source.is_file():
        return source.suffix.lower() == ".csv"
    if (_folder(source) / _LABELS_FILE).is_file():
        return True
    return bool(_label_folders(source)) and next(_stray(source), None) is None


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


def _folder(source: Path) -> Path:
    if not source.is_dir():
        raise DataError(
            f"Expected a folder of photos or a CSV file. Received: {str(source)!r}, which does not "
            "exist or is neither. Check the path."
        )
    return source


def _label_folders(source: Path) -> dict[str, list[Path]]:
    """Return label → photos inside, for the sub-folders that hold any."""
    folders = (p for p in source.iterdir() if p.is_dir() and not p.name.startswith("."))
    inside = {p.name: list(_photos(p)) for p in sorted(folders)}
    return {label: photos for label, photos in inside.items() if photos}


def _stray(source: Path) -> Iterator[Path]:
    return (p for p in sorted(source.iterdir()) if _is_photo(p))


def _is_photo(path: Path) -> bool:
    named = path.suffix.lower() in PHOTO_ENDINGS and not path.name.startswith(".")
    return named and not path.is_dir()


def _photos(folder: Path) -> Iterator[Path]:
    """Walk through visible photos; links to folders are followed, each real folder once."""
    waiting, seen = [folder], set[str]()
    while waiting:
        inside = waiting.pop()
        real = os.path.realpath(inside)
        if real in seen:  # a link that leads back up would never end
            continue
        seen.add(real)
        for path in sorted(inside.iterdir()):
            if _is_photo(path):
                yield path
            elif path.is_dir() and not path.name.startswith("."):
                waiting.append(path)


def _sample(path: Path, source: Path, *, label: str) -> Sample:
    name = _write_name(path.relative_to(source))
    return Sample(path, name, label, photo=name)


def _write_name(path: Path) -> str:
    r"""Write a relative path as text; bytes of it that are no UTF-8 as `\xe9`, for any file."""
    return path.as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _by_name(sample: Sample) -> str:
    return sample.name


def _read_csv(path: Path) -> tuple[Sample, ...]:
    samples: dict[str, Sample] = {}
    missing = []
    for line, row in _rows(path):
        sample = _row_sample(path, row, line=line)
        known = samples.setdefault(sample.name, sample)
        if known != sample:
            raise DataError(
                f"{path} contradicts itself about {sample.name}: {_said(known)} and, in line "
                f"{line}, {_said(sample)}. Keep the right one."
            )
        if not sample.path.is_file():
            missing.append(sample.name)
    if missing:
        raise DataError(
            f"{path} names {len(missing)} files that do not exist, such as {missing[0]!r}. Paths "
            "are relative to the CSV: correct them, or put the files there."
        )
    if not samples:
        raise DataError(f"{path} names no photo. Add lines of the form file,label.")
    return tuple(sorted(samples.values(), key=_by_name))


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")  # Excel puts a byte order mark before UTF-8
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"Cannot read {path}: {error}. Give a CSV in UTF-8.") from error
    lines = io.StringIO(text, newline="")
    header = lines.readline().rstrip()
    separator = ";" if ";" in header and "," not in header else ","
    columns = [column.strip().lower() for column in header.split(separator)]
    if not {"file", "label"} <= set(columns):
        raise DataError(
            f"Expected the columns file,label and perhaps subject in {path}. Received the first "
            f"line: {header[:80]!r}. Name the columns there."
        )
    reader = csv.reader(lines, delimiter=separator)
    rows = [(reader.line_num + 1, row) for row in reader if row]
    return [(at, dict(zip(columns, map(str.strip, row), strict=False))) for at, row in rows]


def _row_sample(path: Path, row: Mapping[str, str], *, line: int) -> Sample:
    file, label = row.get("file"), row.get("label")
    if not file or not label:
        raise DataError(
            f"Line {line} of {path} lacks its {'label' if file else 'file'}. Complete it or take "
            "it out."
        )
    name = os.path.normpath(file.replace("\\", "/")).replace(os.sep, "/")
    return Sample(path.parent / name, name, label, photo=name, subject=row.get("subject") or None)


def _said(sample: Sample) -> str:
    return f"{sample.label!r}" + (f" of {sample.subject}" if sample.subject else "")
