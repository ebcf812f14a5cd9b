"""Pixels of any mode → 8-bit RGB."""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from gafas.types import ImageArray


def to_rgb(opened: Image.Image) -> Image.Image:
    """Bring a picture of any mode to RGB: transparency on white, deep values to 0–255."""
    if opened.mode == "RGB" and "transparency" not in opened.info:
        return opened
    if opened.mode == "F" or opened.mode.startswith("I"):
        return Image.fromarray(_to_bytes(np.asarray(opened))).convert("RGB")
    if opened.has_transparency_data:
        coloured = opened.convert("RGBA")
        white = Image.new("RGBA", coloured.size, "white")
        return Image.alpha_composite(white, coloured).convert("RGB")
    return opened.convert("RGB")


def _to_bytes(values: npt.NDArray[Any]) -> ImageArray:
    """Bring 16-bit integers, or floats of 0–1 or 0–255, to 0–255."""
    if np.issubdtype(values.dtype, np.floating):
        finite = np.nan_to_num(values)
        brought = np.clip(finite * (255 if finite.max() <= 1 else 1), 0, 255)
    else:
        brought = np.clip(values, 0, 65535) // 257
    return np.asarray(brought, dtype=np.uint8)
