"""What benchmarks/service.json says: the table of the two pages about the service."""

from typing import Final

from benchmarks.service import ServiceSpeed
from benchmarks.service_load import Load

from gafas.labels import Language
from gafas.report.wording import Wording

_ROWS: Final[dict[Language, tuple[str, ...]]] = {
    "en": (
        "`recognize_many` on the same photos of 250 pixels, photos/s",
        "8 clients posting them, answers/s",
        "share of `recognize_many`",
        "at half of that load, median and p99, ms",
        "at three times of it for {seconds} s: answers/s, refused at once with 503",
        "growth of memory meanwhile",
        "median and p99 from 5 s after, at half load, ms",
        "from `gafas serve` to the page, and to the first photo's answer, s",
    ),
    "es": (
        "`recognize_many` con las mismas fotos de 250 píxeles, fotos/s",
        "8 clientes que las envían, respuestas/s",
        "parte de `recognize_many`",
        "con la mitad de esa carga, mediana y p99, ms",
        "con el triple durante {seconds} s: respuestas/s, rechazadas al momento con 503",
        "crecimiento de la memoria entretanto",
        "mediana y p99 desde 5 s después, a media carga, ms",
        "de `gafas serve` a la página, y a la respuesta de la primera foto, s",
    ),
}
_SOURCE: Final[dict[Language, str]] = {
    "en": "Measured on {date}: {processor}, {cores} cores, Python {python}.",
    "es": "Medido el {date}: {processor}, {cores} núcleos, Python {python}.",
}


def make_service_table(measured: ServiceSpeed, language: Language) -> str:
    """Return the measurements as Markdown."""
    words, loads, place = Wording(language), measured.loads, measured.place
    overload = loads.overload
    refused = overload.load.statuses.get("503", 0)
    starts = (measured.cold_start_seconds, measured.first_answer_seconds)
    values = (
        words.count(measured.recognize_many.median),
        words.count(loads.clients_8.answers_per_second),
        words.percent(measured.share_of_recognize_many),
        _tell_latency(loads.half_load, words),
        f"{words.count(overload.load.answers_per_second)}, {words.count(refused)}",
        words.percent(max(overload.memory_growth, 0)),
        _tell_latency(loads.after_overload, words),
        " / ".join(words.exact(round(seconds.median, 2)) for seconds in starts),
    )
    names = [name.format(seconds=f"{overload.seconds:g}") for name in _ROWS[language]]
    lines = ["| | |", "| --- | --: |"]
    lines += [f"| {name} | {value} |" for name, value in zip(names, values, strict=True)]
    source = _SOURCE[language].format(
        date=place.date, processor=place.processor, cores=place.cores, python=place.python
    )
    return "\n".join([*lines, "", f"{source} {measured.note}" if measured.note else source])


def _tell_latency(load: Load, words: Wording) -> str:
    times = load.milliseconds
    return f"{words.count(times.median)}, {words.count(times.p99)}" if times else "–"
