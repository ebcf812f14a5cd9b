"""The table of the experiment: every recipe under every protocol, beside the original's claim."""

from pathlib import Path
from typing import Final

from gafas.labels import Language
from gafas.report.comparison import CLAIM, Measured, read_benchmark
from gafas.report.wording import Wording

_HEADINGS: Final[dict[Language, str]] = {
    "en": "recipe, split|test photos|accuracy|95% interval|full size|weights|time per training",
    "es": "receta, reparto|fotos de prueba|exactitud|intervalo del 95 %|a tamaño completo|pesos"
    "|tiempo por entrenamiento",
}


def make_cmu_table(benchmark: Path, language: Language) -> str:
    """Return the table of results as Markdown: the claim, then every entry.

    Raises:
        DataError: the benchmark file is missing or is none.
    """
    words = Wording(language)
    headings = _HEADINGS[language].split("|")
    rows = [_row(measured, words) for measured in (CLAIM, *read_benchmark(benchmark))]
    rules = ["---", "---", *["--:"] * (len(headings) - 2)]
    return "\n".join(f"|{'|'.join(cells)}|" for cells in (headings, rules, *rows))


def _row(measured: Measured, words: Wording) -> list[str]:
    name = f"{measured.recipe}, {words.name('protocols', measured.protocol)}"
    claimed = measured.kind == "claimed"
    return [
        words.plain("comparison.claim_row") if claimed else name,
        words.name("kinds", measured.kind),
        words.percent(measured.value),
        words.interval(measured.interval),
        words.percent(measured.full_size.value if measured.full_size else None),
        words.count(measured.parameters),
        words.duration(measured.seconds_per_training),
    ]
