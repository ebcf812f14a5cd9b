"""Figures as files hold them: enough digits for any question, and no more."""

from collections.abc import Mapping
from typing import Any, Final

_DIGITS: Final = 6


def round_floats(value: Any) -> Any:
    """Round every float inside mappings, lists and tuples to 6 digits; tuples become lists.

    >>> round_floats({"share": 2 / 3, "ends": (0.5, 1)})
    {'share': 0.666667, 'ends': [0.5, 1]}
    """
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, Mapping):
        return {key: round_floats(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [round_floats(inner) for inner in value]
    return value
