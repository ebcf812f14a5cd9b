"""The page of an audit: photos whose labels may be wrong, to tick, and a file of corrections."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gafas.errors import ImageError
from gafas.evaluation.audit import Audit, Finding, Found
from gafas.files import write_text
from gafas.images import load_photo
from gafas.labels import Language
from gafas.report.pages import embed_photo, refuse_foreign, render
from gafas.report.wording import Wording

MOST: Final = 300
"""So many photos of one finding are shown at most: more would make a page that nobody ticks."""

_SIDE: Final = 320  # pixels of the longer side: whole photos, in which the face must be seen


@dataclasses.dataclass(frozen=True, slots=True)
class Card:
    """One photo with what was found: `uri` is a small copy, None where there is none."""

    found: Found
    uri: str | None
    proposed: str  # the label that is offered first; empty to leave the photo out


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """What was found of one kind: the cards that are shown, and how many there are in all."""

    finding: Finding
    cards: Sequence[Card]
    count: int


def write_audit_page(audit: Audit, target: Path, *, language: Language) -> None:
    """Write one self-contained HTML page on which labels are corrected.

    It offers a `corrections.csv`, which `gafas.datasets.folders.read_labelled` heeds.

    Raises:
        DataError: the target is something else than a page of gafas; nothing is written.
    """
    refuse_foreign(target)
    words = Wording(language)
    kinds = ((finding, audit.list(finding)) for finding in Finding)
    sections = [
        Section(kind, [_make_card(one) for one in found[:MOST]], len(found))
        for kind, found in kinds
        if found
    ]
    context = {
        "audit": audit,
        "sections": sections,
        "labels": audit.labels,
    }
    write_text(target, render("audit.html", words, context))


def _make_card(found: Found) -> Card:
    try:
        uri = embed_photo(load_photo(found.sample.path, side=_SIDE).image, side=_SIDE, kind="JPEG")
    except ImageError:
        uri = None
    return Card(found, uri, found.suspected)
