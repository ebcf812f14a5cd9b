"""The CMU Face Images: find them, fetch them, read what their names say."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from gafas.datasets.drawn import WITH_EYEGLASSES
from gafas.datasets.samples import Sample
from gafas.errors import DataError

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


def find() -> Path:
    """Find the unpacked data: where `GAFAS_CMU` points, else where `fetch` puts them.

    Raises:
        DataError: they are not there.
    """
    named = os.environ.get("GAFAS_CMU")
    folder = Path(named) if named else home() / "cmu_faces"
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


def fetch(source: Path | None = None) -> Path:
    """Fetch the data into `home()`, verify every image by its SHA-256, and return the folder.

    What is there already is not fetched again; a failure leaves everything as it was.

    Args:
        source: a zip or tar.gz of the data, or an unpacked folder; None downloads UCI's archive.

    Raises:
        DataError: no network, not the archive, a missing or altered image, or no space.
    """
    from gafas.datasets import fetching

    return fetching.fetch_into(home() / "cmu_faces", source)


def home() -> Path:
    """Return the folder where gafas keeps what it fetches: `GAFAS_HOME`, else the user's cache."""
    import pooch

    return Path(os.environ.get("GAFAS_HOME") or pooch.os_cache("gafas"))


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
