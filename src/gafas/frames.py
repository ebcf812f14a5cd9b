"""The whole photo squeezed to what a frame model sees; training and serving share this one step."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_MODES = {"grey": "L", "rgb": "RGB"}


def squeeze(image: NDArray[np.uint8], *, size: tuple[int, int], colour: str) -> NDArray[np.uint8]:
    """Squeeze a whole photo, its proportions included, into a frame model's input.

    Grey is taken by Pillow's `L` weights before the photo is resized with Pillow's `BILINEAR`
    filter, which averages when it shrinks.

    Args:
        image: `(H, W, 3)` uint8 RGB, upright.
        size: `(width, height)` in pixels.
        colour: `grey` or `rgb`.

    Returns:
        `(height, width, 1)` for grey, `(height, width, 3)` for rgb; 0–255.

    Raises:
        ValueError: the image is not `(H, W, 3)` uint8, or the colour is neither of the two.

    >>> photo = np.full((120, 128, 3), 200, np.uint8)
    >>> squeeze(photo, size=(64, 60), colour="grey").shape
    (60, 64, 1)
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(
            "Cannot squeeze the photo: expected an (H, W, 3) uint8 RGB array. "
            f"Received: {image.shape} {image.dtype}. gafas.images.load_image makes one."
        )
    if colour not in _MODES:
        raise ValueError(f"Unknown colour: expected 'grey' or 'rgb'. Received: {colour!r}.")
    if colour == "rgb" and size == (image.shape[1], image.shape[0]):
        return image
    picture = Image.fromarray(image).convert(_MODES[colour])
    squeezed = np.asarray(picture.resize(size, Image.Resampling.BILINEAR), dtype=np.uint8)
    return squeezed.reshape(size[1], size[0], -1)
