"""The labels and the languages: their order, colours and words stand here, and nowhere else.

The page has words and colours in files of its own; tests compare them.
"""

import dataclasses
import enum
import re
from collections.abc import Mapping
from typing import Final, Literal

UNSURE: Final = "unsure"
"""The answer of a model that would rather not guess. It is an answer, never a class."""


class Eyewear(enum.StrEnum):
    """What a face wears; the members are in the order in which models answer.

    >>> [str(label) for label in Eyewear]
    ['none', 'eyeglasses', 'sunglasses']
    """

    NONE = "none"
    EYEGLASSES = "eyeglasses"
    SUNGLASSES = "sunglasses"


Language = Literal["en", "es"]
"""What reports, drawings and the page speak."""

LANGUAGES: Final[tuple[Language, ...]] = ("en", "es")
"""All of them; the first is spoken where none is asked for."""


def choose_language(environment: Mapping[str, str]) -> Language:
    """Choose the language of a locale: Spanish where its variables say so, else English.

    The first that is set of `LC_ALL`, `LC_MESSAGES` and `LANG` counts, as everywhere on Unix.

    >>> choose_language({"LANG": "es_CL.UTF-8"}), choose_language({"LC_ALL": "C", "LANG": "es_ES"})
    ('es', 'en')
    """
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    return "es" if re.split(r"[_.@-]", locale)[0].lower() == "es" else "en"


Colour = tuple[int, int, int]
"""Red, green and blue, 0–255."""


@dataclasses.dataclass(frozen=True, slots=True)
class Label:
    """How an answer is shown.

    Attributes:
        colour: of boxes, tags and bars.
        words: what it is called in each language.
    """

    colour: Colour
    words: Mapping[str, str]


# Masataka Okabe and Kei Ito's colours, told apart by all kinds of colour vision.
LABELS: Final[Mapping[str, Label]] = {
    Eyewear.NONE: Label((0, 158, 115), {"en": "no glasses", "es": "sin gafas"}),
    Eyewear.EYEGLASSES: Label((86, 180, 233), {"en": "eyeglasses", "es": "gafas graduadas"}),
    Eyewear.SUNGLASSES: Label((230, 159, 0), {"en": "sunglasses", "es": "gafas de sol"}),
    UNSURE: Label((240, 228, 66), {"en": "unsure", "es": "dudosa"}),
}
"""The labels of the model that ships, in their order, and the answer of one that is unsure."""

OTHER_COLOUR: Final[Colour] = (204, 121, 167)
"""Of labels that only somebody's own model knows."""


def name_label(label: str, *, language: str) -> str:
    """Say a label in a language; one that is not in the table goes by its own name.

    >>> name_label("none", language="es"), name_label("goggles", language="es")
    ('sin gafas', 'goggles')
    """
    return LABELS[label].words[language] if label in LABELS else label


def colour_label(label: str) -> Colour:
    """Return a label's colour."""
    return LABELS[label].colour if label in LABELS else OTHER_COLOUR
