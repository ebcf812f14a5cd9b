"""The few values that travel between the parts: a photo, a face, an answer. They never change."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from gafas.labels import UNSURE, Eyewear

ImageArray = npt.NDArray[np.uint8]
"""An image: `(H, W, 3)` uint8 RGB, upright."""

Box = tuple[float, float, float, float]
"""`(x1, y1, x2, y2)` in pixels, origin top-left, x2 and y2 exclusive."""

Point = tuple[float, float]
"""`(x, y)` in pixels, origin top-left."""


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
        confidence: that this is a face, 0–1: the detector's, or where a model has a `face_check`,
            the calibrated one of both; None for a face that was not detected but declared.

    Raises:
        ValueError: there are landmarks, but not five.
    """

    box: Box
    landmarks: tuple[Point, ...] = ()
    confidence: float | None = None

    def __post_init__(self) -> None:  # whoever found it may have given arrays
        x1, y1, x2, y2 = map(float, self.box)
        object.__setattr__(self, "box", (x1, y1, x2, y2))
        landmarks = tuple((float(x), float(y)) for x, y in self.landmarks)
        object.__setattr__(self, "landmarks", landmarks)
        if len(landmarks) not in (0, 5):
            raise ValueError(
                "A face has five landmarks: eyes, nose, the mouth's corners; or none where nobody "
                f"looked for them. Received: {len(self.landmarks)}."
            )

    @classmethod
    def whole(cls, width: int, height: int) -> Self:
        """Declare a whole image to be the one face, as models of whole photos see it.

        >>> Face.whole(640, 480)
        Face(0,0–640,480)
        """
        return cls((0.0, 0.0, float(width), float(height)))

    @property
    def size(self) -> tuple[float, float]:
        """Return the box's width and height, in pixels."""
        x1, y1, x2, y2 = self.box
        return x2 - x1, y2 - y1

    @property
    def side(self) -> float:
        """Return the longer side of the box, in pixels."""
        return max(self.size)

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

    def rounded(self) -> Self:
        """Return the face with the digits that JSON shows."""
        shown = self.to_dict()
        x1, y1, x2, y2 = shown["box"]
        points = tuple((x, y) for x, y in shown["landmarks"])
        return dataclasses.replace(
            self, box=(x1, y1, x2, y2), landmarks=points, confidence=shown["confidence"]
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON shows: pixels with one decimal, the confidence with three."""
        confidence = None if self.confidence is None else round(float(self.confidence), 3)
        return {
            "box": [round(value, 1) for value in self.box],
            "landmarks": [[round(x, 1), round(y, 1)] for x, y in self.landmarks],
            "confidence": confidence,
        }

    def __repr__(self) -> str:
        x1, y1, x2, y2 = (round(value) for value in self.box)
        sure = "" if self.confidence is None else f", confidence={self.confidence:.3f}"
        return f"Face({x1},{y1}–{x2},{y2}{sure})"


class Probabilities(Mapping[str, float]):
    """Labels with their probabilities, in the model's order: a mapping that nobody can change.

    >>> Probabilities({"none": 0.25, "sunglasses": 0.75})
    {'none': 0.25, 'sunglasses': 0.75}
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, float]) -> None:
        self._values = dict(values)

    def __getitem__(self, label: str) -> float:
        return self._values[label]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        return repr(self._values)


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Prediction:
    """What a model says of a face.

    Attributes:
        face: the face that is spoken of.
        label: the answer: one of the model's labels, an `Eyewear` where it is one, or `unsure`.
        probabilities: every label of the model, in its order, with its probability; they sum to 1.
    """

    face: Face
    label: str
    probabilities: Mapping[str, float]

    def __post_init__(self) -> None:
        known = self.label in Eyewear.__members__.values()
        object.__setattr__(self, "label", Eyewear(self.label) if known else self.label)
        object.__setattr__(self, "probabilities", Probabilities(self.probabilities))

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
    def box(self) -> Box:
        """Return where the face is: `(x1, y1, x2, y2)`."""
        return self.face.box

    @property
    def landmarks(self) -> tuple[Point, ...]:
        """Return the face's five points, as `Face.landmarks` has them."""
        return self.face.landmarks

    @property
    def confidence(self) -> float | None:
        """Return how sure it is that this is a face, 0–1."""
        return self.face.confidence

    @property
    def unsure(self) -> bool:
        """Return whether the model would rather not answer; `best` is then its guess."""
        return self.label == UNSURE

    @property
    def best(self) -> str:
        """Return the most probable label, also of an unsure answer."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def probability(self) -> float:
        """Return the probability of the most probable label."""
        return self.probabilities[self.best]

    @property
    def percent(self) -> int:
        """Return the probability in percent, rounded down: only certainty is 100."""
        return math.floor(self.probability * 100 + 1e-6)

    def scaled(self, factor: float) -> Self:
        """Express the face in the pixels of the same image, enlarged by a factor."""
        return dataclasses.replace(self, face=self.face.scaled(factor))

    def rounded(self) -> Self:
        """Return the answer with the digits that JSON shows."""
        probabilities = self.to_dict()["probabilities"]
        return dataclasses.replace(self, face=self.face.rounded(), probabilities=probabilities)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON shows: the face's entries, the label, probabilities with three decimals.

        >>> Prediction(Face.whole(8, 6), "none", {"none": 0.98765}).to_dict()["probabilities"]
        {'none': 0.988}
        """
        shown = {label: round(float(value), 3) for label, value in self.probabilities.items()}
        return {**self.face.to_dict(), "label": str(self.label), "probabilities": shown}

    def __str__(self) -> str:
        shown = f"{self.best} {self.percent}%"
        return f"unsure: {shown}?" if self.unsure else shown

    def __repr__(self) -> str:
        x1, y1, x2, y2 = (round(value) for value in self.face.box)
        return f"Prediction({self.label} {self.probability:.3f} at {x1},{y1}–{x2},{y2})"


@dataclasses.dataclass(frozen=True, slots=True)
class Recognition:
    """What was recognized in one photo, or why it could not be read; iterating gives its faces.

    Attributes:
        photo: the path as it was given, or another name.
        width: of the photo, upright, in pixels; None if it could not be read.
        height: of the photo, upright, in pixels; None if it could not be read.
        faces: one prediction for each face, the most confident face first.
        error: why the photo could not be read; None for all others.
        draw: what `annotate` calls, given by who has seen the photo; it holds the photo's source.
    """

    photo: str
    width: int | None = None
    height: int | None = None
    faces: tuple[Prediction, ...] = ()
    error: str | None = None
    draw: "Callable[[Recognition, str], ImageArray] | None" = dataclasses.field(
        default=None, repr=False, compare=False
    )

    def __iter__(self) -> Iterator[Prediction]:
        return iter(self.faces)

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, number: int) -> Prediction:
        return self.faces[number]

    def select(self, *, min_face: float = 0.0, largest: bool = False) -> Self:
        """Return the same with fewer faces.

        Args:
            min_face: pass over faces whose box has a shorter side than so many pixels of the photo.
            largest: keep only the face with the largest box, the first of equals.

        >>> small, large = (Prediction(Face.whole(x, x), "none", {"none": 1.0}) for x in (8, 9))
        >>> Recognition("a.jpg", 10, 10, (small, large)).select(largest=True).faces
        (Prediction(none 1.000 at 0,0–9,9),)
        """
        kept = [one for one in self.faces if min(one.face.size) >= min_face]
        if largest and kept:
            kept = [max(kept, key=lambda one: math.prod(one.face.size))]
        return dataclasses.replace(self, faces=tuple(kept))

    def annotate(self, *, language: str = "en") -> ImageArray:
        """Draw the faces and their answers on a copy of the photo, as `gafas.annotate` does.

        The photo is loaded again; one of very many pixels comes smaller.

        Raises:
            ImageError: the photo cannot be read.
            ValueError: there is no such language, or no photo, as no recognizer gave this.
        """
        if self.draw is None:
            raise ValueError(
                f"Nothing is known of the photo to draw on. Received: {self!r}. Draw on an image "
                "with gafas.annotate(image, faces)."
            )
        return self.draw(self, language)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object that every door gives for a photo.

        >>> Recognition("a.jpg", 640, 480).to_dict()
        {'photo': 'a.jpg', 'width': 640, 'height': 480, 'error': None, 'faces': []}
        """
        return {
            "photo": self.photo,
            "width": self.width,
            "height": self.height,
            "error": self.error,
            "faces": [face.to_dict() for face in self.faces],
        }
