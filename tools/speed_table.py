"""What benchmarks/speed.json says: the table of docs/how-to/speed.md, the README's sentence."""

from collections.abc import Mapping
from typing import Any, Final

from gafas.labels import Language
from gafas.report.wording import Wording

_CORES: Final = ("cores_1", "cores_2")
_KINDS: Final = ("250 pixels", "12 megapixels")
_STEPS: Final = {
    "recognizing": "recognizing",
    "recognizing_portraits": "recognizing those of one person",
    "decoding": "decoding",
    "decoding_in_full": "decoding in full",
}
_SENTENCES: Final[dict[Language, str]] = {
    "en": "[Speed](docs/how-to/speed.md) on two cores ({processor}): {cold} s from command to "
    "first answer; {small} photos/s of 250 pixels, {big} of 12 megapixels "
    "({portraits} with one person); {memory} MB at most.",
    "es": "[Velocidad](docs/how-to/speed.md) con dos núcleos ({processor}): {cold} s hasta la "
    "primera respuesta; {small} fotos/s de 250 píxeles, {big} de 12 megapíxeles "
    "({portraits} con una persona); {memory} MB como mucho.",
}


def make_speed_sentence(measured: Mapping[str, Any], language: Language) -> str:
    """Return the README's sentence: medians on two cores, and the most memory of any folder."""
    words = Wording(language)
    memory = [megabytes for kind in _KINDS for megabytes in measured[kind]["memory_mb"].values()]
    small, big = (_of(measured[kind]["cores_2"]["recognizing"]) for kind in _KINDS)
    return _SENTENCES[language].format(
        processor=measured["processor"],
        cold=words.exact(round(_of(measured["one_photo_cores_2"]["cold_seconds"]), 2)),
        small=words.count(small),
        big=words.count(big),
        portraits=words.count(_of(measured[_KINDS[1]]["cores_2"]["recognizing_portraits"])),
        memory=words.count(max(memory)),
    )


def make_speed_table(measured: Mapping[str, Any]) -> str:
    """Return the measurements as Markdown, medians all."""
    once = [measured[f"one_photo_{cores}"] for cores in _CORES]
    imports = measured["import_seconds"]
    rows = [
        ("", "one core", "two cores"),
        ("---", "--:", "--:"),
        ("`gafas predict photo.jpg`, s", *(f"{_of(one['cold_seconds']):.2f}" for one in once)),
        (
            "one more photo in the same process, ms",
            *(f"{_of(one['warm_milliseconds']):.1f}" for one in once),
        ),
    ]
    for kind in _KINDS:
        for step in (step for step in _STEPS if step in measured[kind]["cores_1"]):
            name = f"photos of {kind}, {_STEPS[step]}, photos/s"
            rows.append((name, *(f"{_of(measured[kind][cores][step]):.0f}" for cores in _CORES)))
    lines = ["|".join(["", *row, ""]) for row in rows]
    lines += ["", _describe_memory(measured), ""]
    gafas, python = _of(imports["import gafas"]), _of(imports["python alone"])
    lines.append(f"- `import gafas`: {gafas:.2f} s, of which Python alone takes {python:.2f} s.")
    if "installed" in measured:
        size = measured["installed"]["mb"]
        lines.append(f"- Installed without extras, pip aside: {size:.0f} MB.")
    lines.append(
        f"- Measured on {measured['date']}: {measured['processor']}, {measured['cores']} cores, "
        f"Python {measured['python']}, onnxruntime {measured['onnxruntime']}, "
        f"Pillow {measured['pillow']}."
    )
    return "\n".join(lines)


def _describe_memory(measured: Mapping[str, Any]) -> str:
    parts = [
        f"{megabytes:.0f} MB for {int(count):,} photos of {kind}"
        for kind in _KINDS
        for count, megabytes in measured[kind]["memory_mb"].items()
    ]
    return f"Peak memory of a folder run: {'; '.join(parts)}."


def _of(summary: Mapping[str, float]) -> float:
    return summary["median"]
