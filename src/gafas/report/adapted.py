"""The page about own labels: how good they are on what was not learnt from, and what would help."""

import dataclasses
from pathlib import Path
from typing import Final

from gafas.datasets.samples import Sample
from gafas.errors import ImageError
from gafas.evaluation import metrics
from gafas.files import write_text
from gafas.images import load_photo
from gafas.labels import Language
from gafas.report.pages import embed_photo, refuse_foreign, render
from gafas.report.wording import Wording
from gafas.training.adapt import Adapted
from gafas.training.features import count_labels

MOST: Final = 48
"""So many mistakes are shown at most, the most confident ones."""


@dataclasses.dataclass(frozen=True, slots=True)
class Mistake:
    """A photo that was answered wrongly: `uri` is a small copy, None where there is none."""

    sample: Sample
    answer: str
    probability: float
    uri: str | None


def write_adapted_page(adapted: Adapted, target: Path, *, model: Path, language: Language) -> None:
    """Write one self-contained HTML page about own labels.

    Args:
        adapted: what was learnt.
        target: the HTML file; an earlier page is replaced whole, nothing else is.
        model: the file that was written, which the page tells how to use.
        language: of every word on the page.

    Raises:
        DataError: the target is something else than a page of gafas; nothing is written.
    """
    refuse_foreign(target)
    words = Wording(language)
    people = [sample.subject for sample in adapted.samples]
    answers = adapted.outside.argmax(axis=1)
    shipped = adapted.right_shipped
    context = {
        "adapted": adapted,
        "counts": count_labels(adapted.samples),
        "own": metrics.measure_accuracy(adapted.right, subjects=people),
        "shipped": None if shipped is None else metrics.measure_accuracy(shipped, subjects=people),
        "confusion": metrics.count_confusions(adapted.truth, answers, labels=adapted.labels),
        "scores": metrics.score_labels(adapted.truth, answers, labels=adapted.labels),
        "mistakes": _list_mistakes(adapted),
        "model": model.name,
    }
    write_text(target, render("adapted.html", words, context))


def _list_mistakes(adapted: Adapted) -> list[Mistake]:
    answers, sure = adapted.outside.argmax(axis=1), adapted.outside.max(axis=1)
    wrong = [at for at, right in enumerate(adapted.right) if not right]
    wrong.sort(key=lambda at: -sure[at])
    return [
        Mistake(
            adapted.samples[at], adapted.labels[answers[at]], float(sure[at]), _show(at, adapted)
        )
        for at in wrong[:MOST]
    ]


def _show(at: int, adapted: Adapted) -> str | None:
    try:
        image = load_photo(adapted.samples[at].path, side=160).image
    except ImageError:
        return None
    return embed_photo(image, kind="JPEG")
