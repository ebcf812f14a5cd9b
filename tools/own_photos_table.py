"""What benchmarks/own_photos.json says: the table of docs/how-to/own-photos.md."""

from collections.abc import Mapping
from typing import Any

from gafas.report.wording import Wording


def make_own_photos_table(measured: Mapping[str, Any]) -> str:
    """Return a row for every recipe and task: right answers for photos never seen, and time."""
    words = Wording("en")
    lines = [
        "|folders|recipe|others that are right|95 % interval|seconds|",
        "|---|---|--:|--:|--:|",
    ]
    for row in measured["rows"]:
        asked = row["asked"]
        cells = (
            ", ".join(row["labels"]),
            f"`{row['recipe']}`",
            f"{words.count(row['correct'])} of {words.count(asked)} = "
            f"{words.percent(row['correct'] / asked)}",
            "–".join(words.percent(end) for end in row["wilson"]),
            words.count(row["seconds"]),
        )
        lines.append(f"|{'|'.join(cells)}|")
    return "\n".join(lines)
