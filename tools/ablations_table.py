"""What benchmarks/ablations.json says: the table of docs/how-to/train-faces.md."""

from collections.abc import Mapping

from benchmarks.ablations import BASE, Judged

from gafas.report.wording import Wording

CHANCE = 0.05
"""A difference that chance makes at least so often proves nothing."""


def make_ablations_table(judged: Mapping[str, Judged]) -> str:
    """Return a row for every change to the recipe: what it answers rightly, and what that shows."""
    words = Wording("en")
    groups = list(judged[BASE].faces)
    heads = [f"{group} ({words.count(judged[BASE].faces[group])})" for group in groups]
    lines = [
        f"|change|{'|'.join(heads)}|gained, lost|by chance|tells faces|",
        f"|---|{'--:|' * (len(groups) + 3)}",
    ]
    for name, row in judged.items():
        settings = ", ".join(f"`{setting}`" for setting in row.settings) or "none"
        base = name == BASE
        cells = (
            settings,
            *(words.percent(row.right[group] / row.faces[group]) for group in groups),
            "–" if base else f"{words.count(row.gained)}, {words.count(row.lost)}",
            "–" if base else _tell(row),
            "–" if row.doubt_auc is None else f"{row.doubt_auc:.3f}",
        )
        lines.append(f"|{'|'.join(cells)}|")
    return "\n".join(lines)


def _tell(row: Judged) -> str:
    """Say how often chance alone makes such a difference, and which way it goes if seldom."""
    often = f"{row.p_value:.2f}" if row.p_value >= 0.01 else "< 0.01"
    if row.p_value >= CHANCE:
        return often
    return f"{often}: **{'better' if row.gained > row.lost else 'worse'}**"
