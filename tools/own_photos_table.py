"""What benchmarks/own_photos.json says: the table of docs/how-to/own-photos.md."""

from benchmarks.own_photos import OwnPhotos

from gafas.report.wording import Wording


def make_own_photos_table(measured: OwnPhotos) -> str:
    """Return a row for every recipe and task: right answers for people never seen, and time."""
    words = Wording("en")
    lines = [
        "|folders|recipe|others that are right|95 % interval|seconds|",
        "|---|---|--:|--:|--:|",
    ]
    for row in measured.rows:
        share = words.percent(row.correct / row.asked)
        cells = (
            ", ".join(row.labels),
            f"`{row.recipe}`",
            f"{words.count(row.correct)} of {words.count(row.asked)} = {share}",
            "–".join(words.percent(end) for end in row.wilson),
            words.count(row.seconds),
        )
        lines.append(f"|{'|'.join(cells)}|")
    return "\n".join(lines)
