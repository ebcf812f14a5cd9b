"""What benchmarks/audit.json says: the table of the two pages about wrong labels."""

from typing import Final

from benchmarks.audit import Figures

from gafas.labels import Language
from gafas.report.wording import Wording

_HEADS: Final[dict[Language, tuple[str, ...]]] = {
    "en": (
        *("photos of", "model", "judge", "planted", "right among as many"),
        *("within the first tenth", "suspects that were planted"),
    ),
    "es": (
        *("fotos de", "modelo", "juez", "puestas", "ciertas entre otras tantas"),
        *("en la primera décima", "sospechosas que eran puestas"),
    ),
}
_JUDGES: Final[dict[Language, tuple[str, str]]] = {
    "en": ("the others' labels", "the model"),
    "es": ("las etiquetas de las demás", "el modelo"),
}


def make_audit_table(measured: Figures, language: Language) -> str:
    """Return a row for every set and way of judging."""
    words = Wording(language)
    lines = [f"|{'|'.join(_HEADS[language])}|", "|---|---|---|--:|--:|--:|--:|"]
    for row in measured.rows:
        cells = (
            f"`{row.source}`",
            f"`{row.model}`",
            _JUDGES[language][row.by_model],
            words.count(row.planted),
            words.percent(row.first / row.planted),
            words.percent(row.tenth / row.planted),
            words.percent(row.suspects_right / row.suspects),
        )
        lines.append(f"|{'|'.join(cells)}|")
    return "\n".join(lines)
