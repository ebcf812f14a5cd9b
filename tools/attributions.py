"""Write `ATTRIBUTIONS.md`: whose photos the models of eyewear learnt from, and on which terms.

Run it by `make attributions`; it needs `GAFAS_EYEWEAR`. Counts, terms and names come from the
lists beside the photos: `sources.csv`, and `photos.csv` of the set `life`.
"""

import collections
import csv
import dataclasses
import io
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from gafas.datasets import eyewear
from gafas.errors import DataError
from gafas.files import find_photos, write_text

TARGET: Final = Path(__file__).resolve().parents[1] / "ATTRIBUTIONS.md"
"""The page that is written."""

PAGE: Final = Path(__file__).with_suffix(".md")
"""What the page says around its tables."""

LIFE: Final = "life"
"""The set of whole photos, whose list of sources lies in its own folder."""

COLUMNS: Final = ("file", "repo", "licence", "attribution")
"""What is read of each list."""

_FREE: Final = re.compile(r"(CC BY 4\.0|CC0|public domain)\b")

_UNLISTED: Final = {
    "celeba": "CelebA (Liu, Luo, Wang, Tang, ICCV 2015). Its agreement: non-commercial research "
    "only; not to exploit for any commercial purpose any portion of the images or of derived data",
    "utkface": "UTKFace (Zhang, Song, Qi, CVPR 2017), photos from the web: research, or unknown",
    "portraits": "portraits from the web: research, or unknown",
    "selfies": "selfies from the web: research, or unknown",
    "tinyimagenet": "Tiny ImageNet, of ImageNet, whose terms of access are: non-commercial "
    "research and education only",
    "web": "photos from the web: research, or unknown",
}

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """What was got from one repository on the same terms.

    Attributes:
        repo: `owner/name` on GitHub.
        licence: the terms, as stated.
        attribution: whom to name; empty where nobody is known.
        photos: how many, by set.
    """

    repo: str
    licence: str
    attribution: str
    photos: Mapping[str, int]

    @property
    def free(self) -> bool:
        """Whether the photos' own rights are stated, and let anybody use them."""
        return _FREE.match(self.licence) is not None


def read_sources(folder: Path) -> tuple[Source, ...]:
    """Read the lists beside the photos, one source per repository and terms, sorted by name.

    Raises:
        DataError: a list is missing, or lacks a column.
    """
    lists = (("", folder / "sources.csv"), (LIFE, folder / LIFE / "photos.csv"))
    sets: dict[tuple[str, str, str], collections.Counter[str]] = {}
    for name, path in lists:
        for row in _read_rows(path):
            key = row["repo"], row["licence"], row["attribution"]
            photos = sets.setdefault(key, collections.Counter())
            photos[name or row["file"].partition("/")[0]] += 1
    found = (Source(*key, photos) for key, photos in sets.items())
    return tuple(sorted(found, key=lambda s: (s.repo.casefold(), s.licence, s.attribution)))


def compose(sources: Iterable[Source], unlisted: Mapping[str, int]) -> str:
    """Return the page.

    Args:
        sources: what the lists say, in the order of the page.
        unlisted: how many photos the sets without a list hold.
    """
    known = list(sources)
    free = [source for source in known if source.free]
    others = [source for source in known if not source.free]
    return PAGE.read_text(encoding="utf-8").format(
        free=_join(
            (_link(s), _count(s), s.licence, s.attribution or "none asked for") for s in free
        ),
        unlisted=_join((f"`{n}`", f"{count:,}", _UNLISTED[n]) for n, count in unlisted.items()),
        listed=_join((_link(s), _count(s), s.licence) for s in others if LIFE not in s.photos),
        life=_join(
            (_link(s), f"{s.photos[LIFE]:,}", s.licence) for s in others if LIFE in s.photos
        ),
    )


def make_page(folder: Path) -> str:
    """Return the page, from the lists in the folder of the labelled sets and the photos there.

    Raises:
        DataError: a list is missing, or lacks a column.
        OSError: the folder of a set cannot be searched.
    """
    unlisted = {name: sum(1 for _ in find_photos(folder / name)) for name in _UNLISTED}
    return compose(read_sources(folder), unlisted)


def _read_rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"Cannot read the list of sources: {error.strerror or error}. Received: '{path}'. "
            "Set GAFAS_EYEWEAR to the folder that holds the labelled sets."
        ) from error
    reader = csv.DictReader(io.StringIO(text))
    lacking = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if lacking:
        raise DataError(
            f"A list of sources lacks {', '.join(lacking)}: expected the columns "
            f"{', '.join(COLUMNS)}. Received: '{path}'. Add them."
        )
    yield from reader


def _join(rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)


def _link(source: Source) -> str:
    return f"[{source.repo}](https://github.com/{source.repo})"


def _count(source: Source) -> str:
    return ", ".join(f"{count:,} (`{name}`)" for name, count in sorted(source.photos.items()))


def main() -> None:
    """Write the page."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    write_text(TARGET, make_page(eyewear.find()))
    _log.info("Wrote %s.", TARGET.name)


if __name__ == "__main__":
    main()
