"""What benchmarks/speed.json says: the table of docs/how-to/speed.md, the README's sentence."""

from typing import Final

from benchmarks.speed import CORES, Rates, Speed, Summary

from gafas.labels import Language
from gafas.report.wording import Wording

_SENTENCES: Final[dict[Language, str]] = {
    "en": "[Speed](docs/how-to/speed.md) on two cores ({processor}): {cold} s from command to "
    "first answer; {small} photos/s of 250 pixels, {big} of 12 megapixels "
    "({portraits} with one person); {memory} MB at most.",
    "es": "[Velocidad](docs/how-to/speed.md) con dos núcleos ({processor}): {cold} s hasta la "
    "primera respuesta; {small} fotos/s de 250 píxeles, {big} de 12 megapíxeles "
    "({portraits} con una persona); {memory} MB como mucho.",
}


def make_speed_sentence(measured: Speed, language: Language) -> str:
    """Return the README's sentence: medians on two cores, and the most memory of any folder."""
    words = Wording(language)
    small, big = (kind.rates[2] for kind in measured.photos.values())
    memory = [most for kind in measured.photos.values() for most in kind.memory_mb.values()]
    return _SENTENCES[language].format(
        processor=measured.place.processor,
        cold=words.exact(round(measured.one_photo[2].cold_seconds.median, 2)),
        small=words.count(small.recognizing.median),
        big=words.count(big.recognizing.median),
        portraits=words.count(big.portraits.median if big.portraits else None),
        memory=words.count(max(memory)),
    )


def make_speed_table(measured: Speed) -> str:
    """Return the measurements as Markdown, medians all."""
    once = [measured.one_photo[cores] for cores in CORES]
    rows = [
        ("", "one core", "two cores"),
        ("---", "--:", "--:"),
        ("`gafas predict photo.jpg`, s", *(f"{one.cold_seconds.median:.2f}" for one in once)),
        (
            "one more photo in the same process, ms",
            *(f"{one.warm_milliseconds.median:.1f}" for one in once),
        ),
    ]
    for kind, found in measured.photos.items():
        steps = zip(*(_list_steps(found.rates[cores]) for cores in CORES), strict=True)
        for (step, first), (_, second) in steps:
            if first and second:
                rates = (f"{one.median:.0f}" for one in (first, second))
                rows.append((f"photos of {kind}, {step}, photos/s", *rates))
    lines = ["|".join(["", *row, ""]) for row in rows]
    place, gafas, python = measured.place, measured.import_seconds, measured.python_seconds
    lines += [
        "",
        _describe_memory(measured),
        "",
        f"- `import gafas`: {gafas.median:.2f} s, of which Python alone takes "
        f"{python.median:.2f} s.",
    ]
    if measured.installed:
        sizes = [
            f"{megabytes:,} MB {f'with `[{extra}]`' if extra else 'without extras'}"
            for extra, megabytes in measured.installed.mb.items()
        ]
        lines.append(f"- Installed, pip aside: {', '.join(sizes)}.")
    lines.append(
        f"- Measured on {place.date}: {place.processor}, {place.cores} cores, Python "
        f"{place.python}, onnxruntime {place.packages['onnxruntime']}, "
        f"Pillow {place.packages['pillow']}."
    )
    return "\n".join(lines)


def _list_steps(rates: Rates) -> list[tuple[str, Summary | None]]:
    return [
        ("recognizing", rates.recognizing),
        ("decoding", rates.decoding),
        ("decoding in full", rates.decoding_in_full),
        ("recognizing those of one person", rates.portraits),
    ]


def _describe_memory(measured: Speed) -> str:
    parts = [
        f"{megabytes:.0f} MB for {count:,} photos of {kind}"
        for kind, found in measured.photos.items()
        for count, megabytes in found.memory_mb.items()
    ]
    return f"Peak memory of a folder run: {'; '.join(parts)}."
