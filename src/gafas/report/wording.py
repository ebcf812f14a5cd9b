"""Sentences from a catalogue, with numbers written as the language writes them.

A catalogue is a TOML file; `sections.results` names one of its sentences. Placeholders say how
a value is written: `{gap:percent}`, `{epochs:+epoch}` ("1 epoch", "2 epochs"), `{low:decimal}`.
"""

import functools
import math
import string
import tomllib
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from gafas.labels import LABELS, Language

if TYPE_CHECKING:
    from gafas.evaluation.breakdowns import Slice

_NARROW = "\u202f"  # a narrow space that does not break: between digits, before a unit
_NO_VALUE = "–"


@functools.cache
def read_catalogue(language: Language) -> Mapping[str, Any]:
    """Read a language's catalogue: dotted keys, each with a sentence or a list of two forms."""
    path = resources.files("gafas.report") / "templates" / f"{language}.toml"
    labels = {f"labels.{name}": label.words[language] for name, label in LABELS.items()}
    return labels | _flatten(tomllib.loads(path.read_text(encoding="utf-8")))


def _flatten(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


class Wording(string.Formatter):
    r"""Say things in one language.

    Example:
        >>> Wording("es").percent(0.9013)
        '90,1\u202f%'
        >>> Wording("en").count(6039042)
        '6,039,042'
    """

    def __init__(self, language: Language) -> None:
        self.language = language
        self._sentences = read_catalogue(language)

    def say(self, key: str, values: Mapping[str, Any] | None = None) -> Markup:
        """Return a sentence as HTML; values are escaped, the catalogue's own markup stays.

        Raises:
            KeyError: the catalogue lacks the key, or `values` lacks a placeholder's name.
        """
        return Markup(self.vformat(self._sentences[key], (), values or {}))

    def plain(self, key: str) -> str:
        """Return a sentence without values as plain text, for figures and attributes."""
        return str(self._sentences[key])

    def name(self, kind: str, word: str) -> str:
        """Return how readers call a label, a fact or a fact's value; the word itself if unknown."""
        return str(self._sentences.get(f"{kind}.{word}", word))

    def has(self, key: str) -> bool:
        """Tell whether the catalogue holds a key."""
        return key in self._sentences

    def format_field(self, value: Any, format_spec: str) -> str:
        """Write one value of a sentence as its placeholder asks: by the method of that name."""
        if not format_spec:
            return str(escape(value))
        if format_spec.startswith("+"):
            one, many = self._sentences[f"units.{format_spec[1:]}"]
            return f"{self.count(value)} {one if value == 1 else many}"
        write: Callable[[Any], str] = getattr(self, format_spec)
        return write(value)

    def percent(self, share: float | None) -> str:
        """Write a share 0–1 as a percentage with one digit, never rounding a miss up to 100."""
        if share is None:
            return _NO_VALUE
        digits = f"{100 * share:.1f}"
        if digits == "100.0":
            digits = "100" if share >= 1 else "99.9"
        elif digits == "0.0":
            digits = "0" if share <= 0 else "0.1"
        return self._decimal_sign(digits) + self._percent_sign()

    def setting(self, share: float) -> str:
        """Write a share 0–1 that somebody chose as a percentage: 0.125 as 12.5, 0.2 as 20."""
        return self.exact(round(100 * share, 6)) + self._percent_sign()

    def whole(self, share: float) -> str:
        """Write a share 0–1 as a percentage without digits after the point, for axes."""
        return f"{100 * share:.0f}" + self._percent_sign()

    def points(self, share: float) -> str:
        """Write a difference of shares in percentage points, without its sign."""
        return self._decimal_sign(f"{100 * abs(share):.1f}")

    def count(self, number: float | None) -> str:
        """Write a whole number with its thousands apart."""
        if number is None:
            return _NO_VALUE
        text = f"{number:,.0f}"
        if self.language == "en":
            return text
        # Spanish leaves numbers of four digits whole.
        return text.replace(",", "" if len(text) == 5 else _NARROW)

    def decimal(self, number: float | None) -> str:
        """Write a number with three digits after the point; what is no number, as unknown."""
        if number is None or not math.isfinite(number):
            return _NO_VALUE
        return self._decimal_sign(f"{number:.3f}")

    def exact(self, number: Any) -> str:
        """Write a setting as a recipe gives it: 0.0001 stays 0.0001."""
        if isinstance(number, float):
            return self._decimal_sign(f"{number:.10f}".rstrip("0").rstrip("."))
        return str(escape(number))

    def duration(self, seconds: float | None) -> str:
        """Write a time in seconds, or in minutes from two minutes on."""
        if seconds is None:
            return _NO_VALUE
        if seconds < 120:
            return self._decimal_sign(f"{seconds:.1f}") + _NARROW + "s"
        return self.count(seconds / 60) + _NARROW + "min"

    def interval(self, ends: Sequence[float] | None) -> str:
        """Write an interval of shares as percentages."""
        if ends is None:
            return _NO_VALUE
        return f"{self.percent(ends[0])}{_NARROW}–{_NARROW}{self.percent(ends[1])}"

    def size(self, octets: int) -> str:
        """Write the size of a file in kB or MB of a thousand."""
        if octets < 1_000_000:
            return self._decimal_sign(f"{octets / 1000:.1f}") + _NARROW + "kB"
        return self._decimal_sign(f"{octets / 1_000_000:.1f}") + _NARROW + "MB"

    def label(self, label: str) -> str:
        """Write what a label is called, as HTML."""
        return str(escape(self.name("labels", label)))

    def slice(self, part: "Slice") -> str:
        """Write what a slice is of, as HTML."""
        fact, value = self.name("facts", part.fact), self.name(f"values.{part.fact}", part.value)
        return str(escape(f"{fact.lower()}: {value}"))

    def _decimal_sign(self, digits: str) -> str:
        return digits.replace(".", ",") if self.language == "es" else digits

    def _percent_sign(self) -> str:
        return f"{_NARROW}%" if self.language == "es" else "%"
