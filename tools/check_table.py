"""What benchmarks/check.json says: the table of the two pages about checking photos."""

from typing import Final

from benchmarks.check import Figures
from benchmarks.life import Counted

from gafas.labels import Language
from gafas.report.wording import Wording

_HEADS: Final[dict[Language, tuple[str, ...]]] = {
    "en": (
        "required",
        "photos",
        "judged",
        "allowed, and failed",
        "not allowed, and passed",
        "for a person",
    ),
    "es": (
        "exigido",
        "fotos",
        "juzgadas",
        "permitidas que no valen",
        "prohibidas que valen",
        "para una persona",
    ),
}
_BELOW: Final[dict[Language, str]] = {
    "en": "Shares have their 95% intervals. Not judged are photos that fail for the number of "
    "faces, size or pose, of which no label tells. Of whole photos of everyday life with one "
    "face, {one} fail for several; with several, {several} pass; without any, {none} pass. Of "
    "{tinted} photos of lightly tinted lenses {passed} pass, {failed} fail, and {look} are for a "
    "person.",
    "es": "Los porcentajes llevan su intervalo del 95\u202f%. No se juzgan las fotos que fallan "
    "por el número de caras, el tamaño o la postura, de los que nada dicen las etiquetas. De las "
    "fotos enteras de la vida diaria con una cara, {one} fallan por varias; con varias, "
    "{several} valen; sin ninguna, {none} valen. De {tinted} fotos de lentes algo teñidas, "
    "{passed} valen, {failed} no, y {look} son para una persona.",
}
_OF: Final[dict[Language, str]] = {"en": "{} of {}", "es": "{} de {}"}


def make_check_table(measured: Figures, language: Language) -> str:
    """Return a row for every requirement, and below what is counted apart."""
    words, test = Wording(language), measured.parts["test"]
    lines = [f"|{'|'.join(_HEADS[language])}|", "|---|--:|--:|--:|--:|--:|"]
    for require, judged in test.all.items():
        cells = (
            f"`{require}`",
            words.count(judged.photos),
            words.count(judged.look.total),
            *(_tell(one, words) for one in (judged.failed, judged.passed, judged.look)),
        )
        lines.append(f"|{'|'.join(cells)}|")
    crowds, verdicts = test.crowds, measured.tinted
    below = _BELOW[language].format(
        one=_count(crowds.one_told_several, language),
        several=_count(crowds.several_passed, language),
        none=_count(crowds.none_passed, language),
        tinted=sum(verdicts.values()),
        passed=verdicts.get("pass", 0),
        failed=verdicts.get("fail", 0),
        look=verdicts.get("look", 0),
    )
    return "\n".join([*lines, "", below])


def _count(counted: Counted, language: Language) -> str:
    words = Wording(language)
    return _OF[language].format(words.count(counted.count), words.count(counted.total))


def _tell(counted: Counted, words: Wording) -> str:
    """Return a count, its share and the interval of that."""
    if counted.share is None or counted.wilson is None:
        return "–"
    interval = "–".join(words.percent(end) for end in counted.wilson)
    return f"{words.count(counted.count)}: {words.percent(counted.share)} ({interval})"
