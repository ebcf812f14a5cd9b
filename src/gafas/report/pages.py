"""Pages of one file that need nothing else: templates filled in, photos within."""

import base64
import dataclasses
import hashlib
import io
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

import jinja2
import numpy as np
from markupsafe import Markup
from PIL import Image

from gafas.datasets.samples import EYEWEAR_LABELS
from gafas.errors import DataError, ImageError
from gafas.evaluation.evaluate import Shown
from gafas.images import load_photo
from gafas.report.wording import Wording
from gafas.results import ImageArray

_SIDE: Final = 160  # pixels of the longer side: a tile has 106 CSS pixels, more on fine screens

_SIGNATURE: Final = b'<meta name="generator" content="gafas">'
"""What every page holds near its beginning."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tile:
    """One prediction beside its photo.

    Attributes:
        shown: the sample and the answer.
        uri: the photo as a `data:` URI, or None where it is missing, cannot be read, or is another
            than the one that was evaluated.
    """

    shown: Shown
    uri: str | None


def refuse_foreign(target: Path) -> None:
    """Refuse to write over anything but an earlier page of gafas.

    Raises:
        DataError: something else is there.
    """
    if target.is_file():
        with target.open("rb") as file:
            if _SIGNATURE in file.read(4096):
                return
    elif not target.exists():
        return
    raise DataError(
        f"{str(target)!r} is there already and is no report of gafas, so it is left as it is. "
        "Choose another name, or take it away."
    )


def render(template: str, words: Wording, context: Mapping[str, Any]) -> str:
    """Fill in a template, which finds the wording as `w` and the style sheet as `css`.

    `name_label` says what readers call a label: own labels are called as they are.
    """

    def name_label(label: str) -> str:
        """Return what a label is called."""
        return words.name("labels", label) if label in EYEWEAR_LABELS else label

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("gafas.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        lstrip_blocks=True,
    )
    css = resources.files("gafas.report").joinpath("templates/report.css").read_text("utf-8")
    return environment.get_template(template).render(
        {"w": words, "css": Markup(css), "name_label": name_label, **context}
    )


def make_tile(shown: Shown, path: Path | None) -> Tile:
    """Show a prediction beside a small copy of its photo."""
    try:
        content = path.read_bytes() if path else b""
        if hashlib.sha256(content).hexdigest() != shown.sha256:
            return Tile(shown, None)
        return Tile(shown, embed_photo(load_photo(content, side=_SIDE).image))
    except (OSError, ImageError):
        return Tile(shown, None)


def embed_photo(
    image: ImageArray, *, side: int = _SIDE, kind: Literal["PNG", "JPEG"] = "PNG"
) -> str:
    """Return a small copy of a photo as a `data:` URI; grey photos take one channel."""
    grey = bool(np.all(image == image[..., :1]))
    picture = Image.fromarray(image[..., 0] if grey else image)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    octets = io.BytesIO()
    picture.save(octets, kind, optimize=True)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(octets.getvalue()).decode('ascii')}"
