"""Under which conditions a face was seen: its size, its pose, the light and the sharpness."""

import dataclasses
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from gafas.frames import squeeze
from gafas.types import Face, ImageArray

_SIDE: Final = 64  # crops of larger models are shrunk, so that their figures compare

# Edges of the classes: a value belongs to the class whose name stands after the last edge that it
# reaches. Turn and nod: on the CMU photos, straight faces stay within 0.06, profiles within
# 0.27–0.45, and chins held up below 0.41.
_TURN: Final = (0.12, 0.28)
_CLASSES: Final[Mapping[str, tuple[tuple[float, ...], tuple[str, ...]]]] = {
    "face_size": (
        (32, 64, 128, 256),
        ("under 32", "32-63", "64-127", "128-255", "256 or more"),
    ),
    "chin": ((0.4, 0.68), ("up", "level", "down")),
    "light": ((0.3, 0.6), ("dark", "medium", "bright")),
    "sharpness": ((0.1, 0.25), ("blurred", "soft", "sharp")),
}

VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "face_size": _CLASSES["face_size"][1],
    "yaw": ("profile left", "turned left", "frontal", "turned right", "profile right"),
    **{fact: names for fact, (_, names) in _CLASSES.items() if fact != "face_size"},
}
"""Every fact that conditions tell, and its values in the order in which they are shown."""


@dataclasses.dataclass(frozen=True, slots=True)
class Conditions:
    """How a face was seen.

    Attributes:
        face_pixels: the longer side of the face's box, in pixels of the photo.
        turn: how far the tip of the nose lies beside the middle of eyes and mouth, in distances
            from the eyes to the mouth; negative towards the picture's left.
        nod: how far down from the eyes (0) to the mouth (1) the tip of the nose lies.
        brightness: mean of the crop, 0–1.
        sharpness: variance of the grey crop's Laplacian, at 64 pixels, over its own variance, so
            that contrast does not count.
    """

    face_pixels: float
    turn: float
    nod: float
    brightness: float
    sharpness: float

    @property
    def facts(self) -> dict[str, str]:
        """Return the class of each condition, as `VALUES` names them."""
        values = {
            "face_size": self.face_pixels,
            "chin": self.nod,
            "light": self.brightness,
            "sharpness": self.sharpness,
        }
        found = {fact: _classify(fact, value) for fact, value in values.items()}
        return {fact: self._yaw() if fact == "yaw" else found[fact] for fact in VALUES}

    def _yaw(self) -> str:
        side = "left" if self.turn < 0 else "right"
        step = int(np.digitize(abs(self.turn), _TURN))
        return ("frontal", f"turned {side}", f"profile {side}")[step]


def measure_conditions(face: Face, patch: ImageArray) -> Conditions:
    """Measure how a face was seen, from its box, its five landmarks and its crop.

    Args:
        face: with landmarks, in the photo's pixels.
        patch: `(height, width, C)` uint8, grey or RGB: what the classifier was shown.
    """
    turn, nod = _measure_pose(np.array(face.landmarks, np.float64))
    grey = _shrink(patch)
    inner = grey[1:-1, 1:-1]
    sides = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    laplacian = sides - 4 * inner
    # An even crop has no edges at all; a grey level of variance keeps noise from counting as some.
    sharpness = laplacian.var() / max(float(grey.var()), 1.0)
    return Conditions(face.side, turn, nod, float(grey.mean() / 255), float(sharpness))


def _measure_pose(landmarks: npt.NDArray[np.float64]) -> tuple[float, float]:
    left, right, nose, mouth_left, mouth_right = landmarks
    eyes, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    height = float(np.hypot(*(mouth - eyes))) or 1.0
    down = (mouth - eyes) / height
    across = np.array([down[1], -down[0]])  # the picture's right, where the face is upright
    turn = float((nose - (eyes + mouth) / 2) @ across) / height
    return turn, float((nose - eyes) @ down) / height


def _shrink(patch: ImageArray) -> npt.NDArray[np.float64]:
    colour = patch if patch.shape[2] == 3 else np.repeat(patch, 3, axis=2)
    grey = Image.fromarray(squeeze(colour, size=patch.shape[1::-1], colour="grey")[:, :, 0])
    return np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float64)


def _classify(fact: str, value: float) -> str:
    edges, names = _CLASSES[fact]
    return names[int(np.digitize(value, edges))]
