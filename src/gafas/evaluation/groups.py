"""Is the model fair: how often bare faces are called eyewear, and eyewear missed, by group."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from gafas.evaluation.metrics import wilson
from gafas.evaluation.predictions import Row
from gafas.evaluation.slices import rank_value
from gafas.types import Eyewear

SMALLEST_GROUP: Final = 50
"""A group of fewer faces is shown but never named the worst: its share says too little."""

GROUPINGS: Final = (("race",), ("gender",), ("age",), ("race", "gender"))
"""The facts, or pairs of facts, that make groups."""

_Judge = Callable[[Row], bool]


def measure_groups(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Count false alarms on bare faces and misses of eyewear, by who the people are.

    A false alarm is a bare face whose most probable label is eyewear; a miss is worn eyewear, of
    either kind, whose most probable label is `none`. `told` are those of them that
    a user would be told, because they reach the threshold.

    Returns:
        `false_alarms` and `misses`, each with `overall`, `groups` and `worst`, the group of at
        least `SMALLEST_GROUP` faces with the largest share, or None; None where no sample says who
        is seen.
    """
    if not any(_find_group(row, facts) for row in rows for facts in GROUPINGS):
        return None
    bare = [row for row in rows if row.sample.label == Eyewear.NONE]
    worn = [row for row in rows if row.sample.label != Eyewear.NONE]
    return {
        "smallest": SMALLEST_GROUP,
        "false_alarms": _measure(bare, lambda row: row.predicted != Eyewear.NONE),
        "misses": _measure(worn, lambda row: row.predicted == Eyewear.NONE),
    }


def _measure(rows: Sequence[Row], is_wrong: _Judge) -> dict[str, Any] | None:
    if not rows:
        return None
    groups = [
        {"facts": list(facts), "value": value, **_count(members, is_wrong)}
        for facts in GROUPINGS
        for value, members in _part(rows, facts).items()
    ]
    large = [group for group in groups if group["faces"] >= SMALLEST_GROUP]
    worst = max(large, key=lambda group: (group["share"], group["faces"]), default=None)
    return {"overall": _count(rows, is_wrong), "groups": groups, "worst": worst}


def _part(rows: Sequence[Row], facts: Sequence[str]) -> Mapping[str, list[Row]]:
    """Return the rows of each group, by name; of pairs only where both are known."""
    named = [(group, row) for row in rows if (group := _find_group(row, facts)) is not None]
    named.sort(key=lambda pair: rank_value(pair[0]))
    parts = itertools.groupby(named, key=lambda pair: pair[0])
    return {name: [row for _, row in members] for name, members in parts}


def _find_group(row: Row, facts: Sequence[str]) -> str | None:
    values = [row.sample.facts.get(fact) for fact in facts]
    known = [value for value in values if value is not None]
    return ", ".join(known) if len(known) == len(values) else None


def _count(rows: Sequence[Row], is_wrong: _Judge) -> dict[str, Any]:
    wrong = [row for row in rows if is_wrong(row)]
    told = sum(row.confidence >= row.threshold for row in wrong)
    return {
        "faces": len(rows),
        "wrong": len(wrong),
        "share": len(wrong) / len(rows),
        "wilson": wilson(len(wrong), len(rows)),
        "told": told,
    }
