"""Write the table of docs/how-to/speed.md from benchmarks/speed.json."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gafas.data.writing import write_text

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/how-to/speed.md"
BEGIN, END = "<!-- speed:begin -->", "<!-- speed:end -->"
_CORES = ("cores_1", "cores_2")


def main() -> None:
    """Put the table between the page's marks."""
    measured = json.loads((ROOT / "benchmarks/speed.json").read_bytes())
    before, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{PAGE} lacks the marks {BEGIN} and {END}. Put them back.")
    write_text(PAGE, f"{before}{BEGIN}\n{make_table(measured)}\n{END}{after}")


def make_table(measured: Mapping[str, Any]) -> str:
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
    for kind in ("250 pixels", "12 megapixels"):
        for step in ("recognizing", "decoding", "decoding_in_full"):
            name = f"photos of {kind}, {step.replace('_', ' ')}, photos/s"
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
        for kind in ("250 pixels", "12 megapixels")
        for count, megabytes in measured[kind]["memory_mb"].items()
    ]
    return f"Peak memory of a folder run: {'; '.join(parts)}."


def _of(summary: Mapping[str, float]) -> float:
    return summary["median"]


if __name__ == "__main__":
    main()
