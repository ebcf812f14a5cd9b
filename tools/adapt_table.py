"""What benchmarks/adapt.json says: the table of the two pages about own labels."""

from typing import Final

from benchmarks.adapt import MANY, Answers, Figures

from gafas.labels import LABELS, Language
from gafas.report.wording import Wording

_HEADS: Final[dict[Language, tuple[str, ...]]] = {
    "en": ("photos of", "labels", "learnt", "asked", "adapt", "shipped", "compact", "seconds"),
    "es": (
        "fotos de",
        "etiquetas",
        "aprendidas",
        "otras",
        "adapt",
        "incluido",
        "compact",
        "segundos",
    ),
}
_GOGGLES: Final[dict[Language, str]] = {"en": "goggles", "es": "gafas de buceo, esquí…"}
_BELOW: Final[dict[Language, str]] = {
    "en": "Of the photos asked about, the share that is answered rightly; in brackets the mean of "
    "this share over the labels, of which some are rare. A face that is not found counts as "
    "wrong ({missed} of {total}). Seconds: of "
    "`gafas adapt`, and of `gafas train compact`, on {cores} cores, from start to end. {many} "
    "photos of the five sets take {seconds} s and {megabytes} MiB.",
    "es": "De las fotos por las que se pregunta, el porcentaje de aciertos; entre paréntesis, su "
    "media entre las etiquetas, algunas de las cuales son raras. Una cara que no se halla cuenta "
    "como fallo ({missed} de {total}). Segundos: de "
    "`gafas adapt` y de `gafas train compact`, con {cores} núcleos, de principio a fin. {many} "
    "fotos de los cinco conjuntos tardan {seconds} s y ocupan {megabytes} MiB.",
}


def make_adapt_table(measured: Figures, language: Language) -> str:
    """Return a row for every set and number of photos learnt from, and below what is counted."""
    words = Wording(language)
    lines = [f"|{'|'.join(_HEADS[language])}|", "|---|---|--:|--:|--:|--:|--:|--:|"]
    for row in measured.rows:
        cells = (
            f"`{row.source}`",
            ", ".join(_name(label, language) for label in row.labels),
            words.count(row.learnt),
            words.count(row.adapted.right.total),
            _tell(row.adapted, words),
            _tell(row.shipped, words),
            _tell(row.compact, words),
            f"{words.exact(row.adapt_cost.seconds)} / {words.exact(row.compact_cost.seconds)}",
        )
        lines.append(f"|{'|'.join(cells)}|")
    below = _BELOW[language].format(
        missed=words.count(sum(row.missed for row in measured.rows)),
        total=words.count(sum(row.adapted.right.total for row in measured.rows)),
        cores=measured.cores,
        many=MANY,
        seconds=words.exact(measured.many.seconds),
        megabytes=words.count(measured.many.megabytes),
    )
    return "\n".join([*lines, "", below])


def _name(label: str, language: Language) -> str:
    return LABELS[label].words[language] if label in LABELS else _GOGGLES[language]


def _tell(answers: Answers | None, words: Wording) -> str:
    """Return the share that is right, of all and as the mean over labels."""
    if answers is None:
        return words.percent(None)
    return f"{words.percent(answers.right.share)} ({words.percent(answers.balanced)})"
