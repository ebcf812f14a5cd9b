"""Drawn people, no photographs: a set in the layout of the CMU Face Images, for who lacks those."""

import collections
import concurrent.futures
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from gafas.errors import DataError
from gafas.files import write_bytes, write_text
from gafas.progress import show_progress
from gafas.synthesis.people import EXPRESSIONS, PEOPLE, POSES, READING, Sitter, cast_sitters, sit
from gafas.synthesis.portraits import draw_portrait
from gafas.synthesis.solids import Floats

MARKER: Final = "drawn.json"
"""The file at a set's top that says what it is. It is written last."""

VERSION: Final = 2
"""Of the drawing. What draws other pictures than before gets another one."""

WITH_EYEGLASSES: Final = frozenset(f"drawn{number:02}" for number in READING)
"""The people who wear eyeglasses in every photo named "open"."""

DRAWN_NOTE: Final = "drawn people, no photographs"
"""What is said wherever something rests on them."""

_SIGHTS: Final = tuple(itertools.product(POSES, EXPRESSIONS, ("open", "sunglasses")))
_SIZES: Final = {"": 1, "_2": 2, "_4": 4}


def draw_people(folder: Path, *, seed: int = 0) -> Path:
    """Draw 20 people, 32 photos of each, at three sizes, as the CMU Face Images are laid out.

    `datasets.cmu.read_samples` reads them. Equal seeds give equal files. A complete set is left as
    it is; one that was interrupted, or that an older version drew, is drawn anew.

    Args:
        folder: a new or empty folder.
        seed: of everything that is drawn, 0 or more.

    Returns:
        The folder.

    Raises:
        DataError: the folder holds something else, or another seed's people, or cannot be written.
    """
    if seed < 0:
        raise DataError(f"People are drawn from a seed of 0 or more. Received: {seed}.")
    try:
        if not _is_due(folder, seed):
            return folder
        (folder / MARKER).unlink(missing_ok=True)
        names = _draw_all(folder / "faces", seed)
        collections.deque(show_progress(names, doing="Drawing", of="people", total=PEOPLE), 0)
        told = {"what": DRAWN_NOTE, "seed": seed, "version": VERSION}
        write_text(folder / MARKER, json.dumps(told, indent=2) + "\n")
    except OSError as error:
        raise DataError(
            f"Cannot draw people into {folder}: {error}. Make room there or check who may write, "
            "or choose another folder."
        ) from error
    return folder


def is_drawn(folder: Path) -> bool:
    """Say whether a folder holds drawn people and no photographs.

    Args:
        folder: a data set's, or the `faces` in it.
    """
    top = folder.parent if folder.name == "faces" else folder
    return (top / MARKER).is_file()


def _is_due(folder: Path, seed: int) -> bool:
    """Say whether there is anything to draw; refuse to draw over what is not ours."""
    names = {path.as_posix() for path in _list_files()}
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        # Systems, and writes cut short, leave hidden files.
        hidden = any(part.startswith(".") for part in inside.parts)
        if not (path.is_dir() or hidden or inside.as_posix() in names | {MARKER}):
            raise DataError(
                f"Cannot draw people into {folder}: it holds something else, {inside}. Choose a "
                "folder that is empty, or that does not exist yet."
            )
    told = _read_marker(folder)
    if told.get("version") != VERSION:
        return True
    if told.get("seed") != seed:
        raise DataError(
            f"{folder} holds the people of seed {told.get('seed')}. Received: seed {seed}. Choose "
            "another folder, or remove this one first."
        )
    return not all((folder / name).is_file() for name in names)


def _read_marker(folder: Path) -> dict[str, Any]:
    try:
        told = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _list_files() -> Iterator[Path]:
    for number, sight, size in itertools.product(range(1, PEOPLE + 1), _SIGHTS, _SIZES):
        subject = f"drawn{number:02}"
        yield Path("faces", subject, f"{'_'.join((subject, *sight))}{size}.pgm")


def _draw_all(faces: Path, seed: int) -> Iterator[str]:
    """Draw everybody into a folder; name each who is finished."""
    from gafas.recognizer import count_cores

    pool = concurrent.futures.ThreadPoolExecutor(count_cores())
    sitters = cast_sitters(seed)
    try:
        work = [
            pool.submit(_draw_person, faces, sitter, seed=seed, number=number)
            for number, sitter in enumerate(sitters, 1)
        ]
        for done in concurrent.futures.as_completed(work):
            yield done.result()
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C nobody else is begun


def _draw_person(faces: Path, sitter: Sitter, *, seed: int, number: int) -> str:
    subject = f"drawn{number:02}"
    for place, (pose, expression, eyes) in enumerate(_SIGHTS, 1):
        # A generator for each photo: whoever draws it, and when, it is the same.
        generator = np.random.default_rng([seed, number, place])
        worn = sitter.sunglasses if eyes == "sunglasses" else sitter.eyeglasses
        moment = sit(generator, sitter, pose, expression)
        tones = draw_portrait(sitter.person, moment, glasses=worn, generator=generator)
        for size, step in _SIZES.items():
            name = f"{subject}_{pose}_{expression}_{eyes}{size}.pgm"
            write_bytes(faces / subject / name, _encode(tones, step))
    return subject


def _encode(tones: Floats, step: int) -> bytes:
    """Return a binary PGM of every `step`-th pixel, averaged."""
    height, width = tones.shape[0] // step, tones.shape[1] // step
    small = tones.reshape(height, step, width, step).mean(axis=(1, 3))
    pixels = np.rint(small).astype(np.uint8)
    return b"P5 %d %d 255\n" % (width, height) + bytes(pixels)
