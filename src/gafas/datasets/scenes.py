"""Whole photos in which a box and a label stand for every face, and for much that is none."""

import csv
import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from gafas.datasets.samples import NOT_A_FACE, Sample
from gafas.errors import DataError
from gafas.results import Box

COMPLETE: Final = "life"
"""The set in which whatever is not listed is no face, but for very small ones."""

FREE: Final = "free"
"""The fact `rights` of photos that anybody may use, as those who made them state."""


@dataclasses.dataclass(frozen=True, slots=True)
class LabelledFace:
    """One row of `faces.csv`: a box in pixels, its label, and what it is tagged with."""

    box: Box
    label: str
    tags: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Scene:
    """One whole photo.

    Attributes:
        path: where the file lies.
        name: `<set>/<file>`.
        faces: all rows, those that are `not_a_face` or `unclear` included.
        repo: where the photo was published; the same people repeat within one.
        licence: as stated there.
    """

    path: Path
    name: str
    faces: tuple[LabelledFace, ...]
    repo: str = ""
    licence: str = ""

    @property
    def source(self) -> str:
        """Return the name of the set."""
        return self.name.partition("/")[0]

    @property
    def is_free(self) -> bool:
        """Return whether the photo itself, not only its repository, was given to the public."""
        return self.licence.startswith(("CC0", "public domain"))


def read_scenes(folder: Path, name: str) -> tuple[Scene, ...]:
    """Read a set of whole photos, sorted by name.

    Args:
        folder: holds one folder per set, and `sources.csv`.
        name: of the set, whose folder holds `faces.csv`.

    Raises:
        DataError: the table is missing, or holds another thing than boxes.
    """
    faces: dict[str, list[LabelledFace]] = defaultdict(list)
    for row in _read_rows(folder / name / "faces.csv"):
        try:
            x1, y1, x2, y2 = (float(row[key]) for key in ("x1", "y1", "x2", "y2"))
            tags = tuple((row.get("tags") or "").split())
            faces[row["file"]].append(LabelledFace((x1, y1, x2, y2), row["label"], tags))
        except (KeyError, ValueError, TypeError) as error:
            raise DataError(
                f"{folder / name / 'faces.csv'} needs the columns file, x1, y1, x2, y2 and label. "
                f"Received: {row}."
            ) from error
    told = _read_sources(folder, name)
    room = folder / name / "photos" if (folder / name / "photos").is_dir() else folder / name
    files = sorted(faces.keys() | told.keys())
    return tuple(
        Scene(room / file, f"{name}/{file}", tuple(faces[file]), *told.get(file, ("", "")))
        for file in files
    )


def _read_sources(folder: Path, name: str) -> Mapping[str, tuple[str, str]]:
    """Return repository and licence of each file, from the set's own table or from that of all."""
    own = folder / name / "photos.csv"
    path = own if own.is_file() else folder / "sources.csv"
    try:
        pairs = ((row["file"].removeprefix(f"{name}/"), row) for row in _read_rows(path))
        return {file: (row["repo"], row["licence"]) for file, row in pairs if "/" not in file}
    except KeyError as error:
        raise DataError(
            f"{path} needs the columns file, repo and licence. Received none called {error}."
        ) from error


def _read_rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)
    except OSError as error:
        raise DataError(f"Cannot read {str(path)!r}: {error.strerror}.") from error


def list_samples(scene: Scene) -> Iterator[Sample]:
    """Yield a sample for each face, and one for what is none where all faces are listed.

    A face is called `<set>/<file>#<number of its row>`, what is none `<set>/<file>#beside`.
    """
    # People repeat within a repository, which so stands for them.
    people = f"{scene.source}/{scene.repo or scene.name}"
    facts = {"source": scene.source} | ({"rights": FREE} if scene.is_free else {})
    for number, face in enumerate(scene.faces):
        if face.label != NOT_A_FACE:
            yield Sample(
                scene.path,
                f"{scene.name}#{number}",
                face.label,
                scene.name,
                people,
                facts=facts | dict.fromkeys(face.tags, "yes"),
                box=face.box,
            )
    if scene.source == COMPLETE:
        apart = tuple(face.box for face in scene.faces if face.label != NOT_A_FACE)
        name = f"{scene.name}#beside"
        yield Sample(scene.path, name, NOT_A_FACE, scene.name, people, facts=facts, apart=apart)
