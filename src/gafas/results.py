"""The few values that travel between the parts: a photo, a face, an answer."""

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

ImageArray = npt.NDArray[np.uint8]
"""An image: `(H, W, 3)` uint8 RGB, upright."""

Box = tuple[float, float, float, float]
"""`(x1, y1, x2, y2)` in pixels, origin top-left, x2 and y2 exclusive."""

Point = tuple[float, float]
"""`(x, y)` in pixels, origin top-left."""

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


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Photo:
    """A decoded photo, perhaps at a reduced scale.

    Attributes:
        image: `(H, W, 3)` uint8 RGB, upright.
        width: of the original, upright, in pixels.
        height: of the original, upright, in pixels.
    """

    image: ImageArray
    width: int
    height: int

    @property
    def scale(self) -> float:
        """Return pixels of `image` per pixel of the original: 1, or less where it was reduced.

        Divide by it what was found in `image` (`face.scaled(1 / photo.scale)`).
        """
        decoded: int = max(self.image.shape[:2])
        return decoded / max(self.width, self.height)

    def __repr__(self) -> str:
        height, width = self.image.shape[:2]
        return f"Photo({self.width}×{self.height}, decoded at {width}×{height})"


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Face:
    """A face in an image.

    Attributes:
        box: where the face is, in the image's pixels; it may reach past the image's border.
        landmarks: five points, in the image's pixels: the eye on the picture's left, the eye on its
            right, the tip of the nose, the mouth's corner on the left, the one on the right, left
            and right as where the face stands upright. Empty where nobody looked for them.
        confidence: the detector's, 0–1; None for a face that was not detected but declared.
    """

    box: Box
    landmarks: tuple[Point, ...] = ()
    confidence: float | None = None

    @classmethod
    def whole(cls, width: int, height: int) -> Self:
        """Declare a whole image to be the one face, as models of whole photos see it.

        >>> Face.whole(640, 480)
        Face(0,0–640,480)
        """
        return cls((0.0, 0.0, float(width), float(height)))

    @property
    def side(self) -> float:
        """Return the longer side of the box, in pixels."""
        x1, y1, x2, y2 = self.box
        return max(x2 - x1, y2 - y1)

    def scaled(self, factor: float) -> Self:
        """Express the face in the pixels of the same image, enlarged by a factor.

        >>> Face((10, 20, 30, 40), confidence=0.5).scaled(2)
        Face(20,40–60,80, confidence=0.500)
        """
        x1, y1, x2, y2 = self.box
        return dataclasses.replace(
            self,
            box=(x1 * factor, y1 * factor, x2 * factor, y2 * factor),
            landmarks=tuple((x * factor, y * factor) for x, y in self.landmarks),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON shows: pixels with one decimal, the confidence with three."""
        confidence = None if self.confidence is None else round(float(self.confidence), 3)
        return {
            "box": [round(float(value), 1) for value in self.box],
            "landmarks": [[round(float(x), 1), round(float(y), 1)] for x, y in self.landmarks],
            "confidence": confidence,
        }

    def __repr__(self) -> str:
        x1, y1, x2, y2 = (round(value) for value in self.box)
        sure = "" if self.confidence is None else f", confidence={self.confidence:.3f}"
        return f"Face({x1},{y1}–{x2},{y2}{sure})"


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Prediction:
    """What a model says of a face.

    Attributes:
        face: the face that was looked at.
        label: the answer: one of the model's labels, or `unsure`.
        probabilities: every label of the model, in its order, with its probability; they sum to 1.
    """

    face: Face
    label: str
    probabilities: Mapping[str, float]

    @classmethod
    def decide(
        cls, face: Face, probabilities: Mapping[str, float], *, threshold: float = 0.0
    ) -> Self:
        """Answer with the most probable label, or `unsure` where it is under the threshold.

        >>> face = Face.whole(64, 64)
        >>> Prediction.decide(face, {"none": 0.6, "sunglasses": 0.4}, threshold=0.8).label
        'unsure'
        """
        best = max(probabilities, key=probabilities.__getitem__)
        return cls(face, best if probabilities[best] >= threshold else UNSURE, probabilities)

    @property
    def best(self) -> str:
        """Return the most probable label, also of an unsure answer."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def probability(self) -> float:
        """Return the probability of the most probable label."""
        return self.probabilities[self.best]

    def scaled(self, factor: float) -> Self:
        """Express the face in the pixels of the same image, enlarged by a factor."""
        return dataclasses.replace(self, face=self.face.scaled(factor))

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON shows: the face's entries, the label, probabilities with three decimals.

        >>> Prediction(Face.whole(8, 6), "none", {"none": 0.98765}).to_dict()["probabilities"]
        {'none': 0.988}
        """
        shown = {label: round(float(value), 3) for label, value in self.probabilities.items()}
        return {**self.face.to_dict(), "label": str(self.label), "probabilities": shown}

    def __repr__(self) -> str:
        x1, y1, x2, y2 = (round(value) for value in self.face.box)
        return f"Prediction({self.label} {self.probability:.3f} at {x1},{y1}–{x2},{y2})"
