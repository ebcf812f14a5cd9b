"""The README's figures of the model that ships, from what `make benchmark-eyewear` wrote."""

import json
from pathlib import Path
from typing import Any, Final

from benchmarks.card import find_results
from benchmarks.eyewear import Results, SetFigures

from gafas.errors import DataError
from gafas.evaluation.breakdowns import SMALLEST_GROUP, Group, GroupMistakes
from gafas.evaluation.metrics import Answered, Interval
from gafas.files import read_json
from gafas.labels import Language
from gafas.report.wording import Wording

_HEADINGS: Final[dict[Language, str]] = {
    "en": "photos|faces found|macro F1|F1 sunglasses|F1 eyeglasses|F1 any eyewear|answered"
    "|of these right",
    "es": "fotos|caras halladas|F1 macro|F1 sol|F1 graduadas|F1 cualquiera|respondidas"
    "|de ellas, bien",
}
_ROWS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "lfw": "LFW, test only",
        "life": "everyday photos, hard",
        "utkface": "UTKFace, held-out fifth",
        "web": "web, validation part",
    },
    "es": {
        "lfw": "LFW, solo prueba",
        "life": "fotos cotidianas, difíciles",
        "utkface": "UTKFace, quinta parte apartada",
        "web": "web, parte de validación",
    },
}
_PLAINLY: Final[dict[Language, str]] = {
    "en": "On portraits of people whom it never saw, about {right} of 100 answers are right; about "
    "{unsure} of 100 faces get `unsure` instead of an answer.",
    "es": "En retratos de personas que nunca vio, aciertan unas {right} de cada 100 respuestas; "
    "unas {unsure} de cada 100 caras reciben `unsure` en vez de respuesta.",
}
_ALARMS: Final[dict[Language, str]] = {
    "en": "Of {faces} bare faces of the held-out fifth, {share} ({ends}) are taken for eyewear, "
    "{told} with an answer rather than `unsure`",
    "es": "De {faces} caras sin gafas de la quinta parte apartada, a un {share} ({ends}) les ve "
    "gafas; a un {told}, con una respuesta y no con `unsure`",
}
_WORST: Final[dict[Language, str]] = {
    "en": "; of the worst group of at least {smallest} ({name}; {faces} faces), {share} ({ends})",
    "es": "; en el peor grupo de al menos {smallest} ({name}; {faces} caras), a un {share} "
    "({ends})",
}


def make_eyewear_table(results: Path, language: Language) -> str:
    """Return a sentence for people, the figures of some sets as a table, and the false alarms.

    The test set has a row once it has been opened. The other sets stand in the model card.

    Raises:
        DataError: the results are missing, or lack a part.
    """
    words = Wording(language)
    content = read_json(results, Results)
    held_out = content.parts.utkface
    alarms = held_out.groups.false_alarms if held_out and held_out.groups else None
    if held_out is None or alarms is None:
        raise DataError(f"{results} lacks utkface. Run `make benchmark-eyewear` to measure all.")
    shown = {n: part for n, part in content.parts.tests.items() if n in _ROWS[language]}
    headings = _HEADINGS[language].split("|")
    rules = ["---", *["--:"] * (len(headings) - 1)]
    rows = [[_ROWS[language][name], *_row(part, words)] for name, part in shown.items()]
    lines = [f"|{'|'.join(cells)}|" for cells in (headings, rules, *rows)]
    plainly = _say_plainly(held_out.unsure, language)
    return "\n".join([plainly, "", *lines, "", _describe_alarms(alarms, words)])


def _say_plainly(told: Answered, language: Language) -> str:
    right = int(100 * (told.accuracy or 0))  # rounded down: no model is right a hundred times
    unsure = round(100 * (1 - told.answered))
    return _PLAINLY[language].format(right=right, unsure=unsure)


def make_figures(results: Path) -> str:
    """Return the figures of every set as JSON, by the SHA-256 of each model.

    They go into the package, beside the models. Results of another model are found as the card's.
    """
    contents = [read_json(path, Results) for path in find_results(results).values()]
    told = {
        content.model.sha256: {n: _sum_up(part) for n, part in content.parts.tests.items()}
        for content in contents
    }
    return json.dumps(told, indent=1) + "\n"


def _sum_up(part: SetFigures) -> dict[str, Any]:
    return {
        "name": part.name,
        "photos": part.faces.photos,
        "faces_found": part.faces.found,
        "accuracy": part.accuracy.value,
        "macro_f1": part.macro_f1,
        "f1": {label: scores.f1 for label, scores in part.labels.items()},
        "f1_any_eyewear": part.any_eyewear and part.any_eyewear.f1,
        "answered": part.unsure.answered,
        "accuracy_among_answered": part.unsure.accuracy,
        "calibration_error": part.calibration.ece,
    }


def _row(part: SetFigures, words: Wording) -> list[str]:
    f1, ends, told = part.labels, part.f1_intervals, part.unsure
    photos, found = part.faces.photos, part.faces.photos - sum(part.faces.missed.values())
    return [
        f"{words.count(found)}/{words.count(photos)}",
        words.decimal(part.macro_f1) + _between(ends.macro_f1, words),
        words.decimal(f1["sunglasses"].f1) + _between(ends.labels["sunglasses"], words),
        words.decimal(f1["eyeglasses"].f1),
        words.decimal(part.any_eyewear.f1 if part.any_eyewear else None),
        words.percent(told.answered),
        f"{words.percent(told.accuracy)} ({_ends(told.accuracy_wilson, words)})",
    ]


def _between(ends: Interval | None, words: Wording) -> str:
    return f" ({words.decimal(ends.low)}–{words.decimal(ends.high)})" if ends else ""


def _ends(ends: Interval | None, words: Wording) -> str:
    """Write an interval of shares in one piece: the README counts its words."""
    return "–".join(words.percent(end) for end in ends or (None,))


def _describe_alarms(alarms: GroupMistakes, words: Wording) -> str:
    overall, worst = alarms.overall, alarms.worst
    told = words.percent(overall.told / overall.faces)
    sentence = _ALARMS[words.language].format(**_tell(overall, words), told=told)
    if worst:
        named = {"name": _name(worst, words), "smallest": SMALLEST_GROUP}
        sentence += _WORST[words.language].format(**_tell(worst, words), **named)
    return sentence + "."


def _tell(group: Group, words: Wording) -> dict[str, str]:
    return {
        "faces": words.count(group.faces),
        "share": words.percent(group.share),
        "ends": _ends(group.wilson, words),
    }


def _name(group: Group, words: Wording) -> str:
    values = zip(group.facts, group.value.split(", "), strict=True)
    return ", ".join(words.name(f"values.{fact}", value) for fact, value in values)
