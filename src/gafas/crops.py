"""Image and face → the crop that the classifier sees. Training and prediction share it.

The crop is a square, turned so that the face stands upright, as wide as the head with both temples,
and reaching from the forehead to the mouth: frames are never cut, and the eyes take most pixels.
Its side follows a length that changes little when the head turns. On the CMU photos, for one
person, the distance between the eyes shrinks to 0.4 of itself from front to profile; this length
stays within 0.04, and within 0.16 when the chin is raised.
"""

import dataclasses
import math
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray
from PIL import Image

from gafas.errors import ModelError
from gafas.results import Face, ImageArray

_MODES = {"grey": "L", "rgb": "RGB"}


def squeeze(image: NDArray[np.uint8], *, size: tuple[int, int], colour: str) -> NDArray[np.uint8]:
    """Squeeze a whole photo, its proportions included, into the input of a model of whole photos.

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


Points = npt.NDArray[np.float64]

# Medians over frontal CMU photos, in distances between the eyes: from the eyes down to the mouth,
# the detector's box, and where in the box the eyes are.
_EYES_TO_MOUTH: Final = 1.14
_BOX_WIDTH: Final = 2.09
_BOX_HEIGHT: Final = 3.06
_EYES_IN_BOX: Final = 0.42


@dataclasses.dataclass(frozen=True, slots=True)
class CropGeometry:
    """What part of the image around a face is cut out. It is stored with the model.

    Attributes:
        extent: the crop's side, in distances between the eyes of a face seen from the front.
        eye_line: how far down the crop the eyes are, 0 (top) to 1.
        backward: how far the crop's centre is moved from the eyes towards the box's centre, 0 to 1;
            in a profile the temple lies behind the eyes.
        max_roll: the largest angle by which a face is turned upright, in degrees.
    """

    extent: float = 2.8
    eye_line: float = 0.43
    backward: float = 0.5
    max_roll: float = 180.0

    @classmethod
    def from_dict(cls, stored: object) -> Self:
        """Read what `dataclasses.asdict` wrote into a model file.

        Raises:
            ModelError: an entry is missing or unknown, or is no number.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        found = stored if isinstance(stored, dict) else {}
        if set(found) != names or any(type(value) not in (int, float) for value in found.values()):
            raise ModelError(
                "The model looks at faces but does not say how to crop them: expected the numbers "
                f"{', '.join(sorted(names))}. Received: crop {stored!r}. Use a model exported by "
                "this version of gafas."
            )
        return cls(**{name: float(value) for name, value in found.items()})


@dataclasses.dataclass(frozen=True, slots=True)
class Placement:
    """Where a square crop lies in an image: its centre, its side in pixels, its roll.

    `roll` is in radians, positive where the face leans clockwise, its eye on the right lower.
    """

    x: float
    y: float
    side: float
    roll: float

    def to_image(self, points: Points) -> Points:
        """Map `(n, 2)` points of the crop, 0–1 from its top left, to the image's pixels."""
        centred = (np.asarray(points, np.float64) - 0.5) * self.side
        return centred @ self._turn() + (self.x, self.y)

    def to_crop(self, points: Points) -> Points:
        """Map `(n, 2)` points in the image's pixels to the crop, 0–1 from its top left."""
        centred = np.asarray(points, np.float64) - (self.x, self.y)
        return centred @ self._turn().T / self.side + 0.5

    def _turn(self) -> Points:
        cosine, sine = math.cos(self.roll), math.sin(self.roll)
        return np.array([[cosine, sine], [-sine, cosine]])


def place_crop(face: Face, geometry: CropGeometry | None = None) -> Placement:
    """Say where the crop of a face lies. Without landmarks, the box alone decides."""
    geometry = geometry or CropGeometry()
    x1, y1, x2, y2 = face.box
    middle = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
    unit, roll = _measure_unit(x2 - x1, y2 - y1), 0.0
    eyes = np.array([middle[0], y1 + _EYES_IN_BOX * (y2 - y1)])
    if face.landmarks:
        left, right, _, mouth_left, mouth_right = np.array(face.landmarks, np.float64)
        eyes = (left + right) / 2
        down = (mouth_left + mouth_right) / 2 - eyes
        across = right - left
        if abs(down[0]) > abs(down[1]):  # it lies on its side, and so does its box
            unit = _measure_unit(y2 - y1, x2 - x1)
        spread = max(math.hypot(*across), math.hypot(*down) / _EYES_TO_MOUTH)
        unit = math.sqrt(unit * spread) if spread > 0 else unit
        across = across + (mouth_right - mouth_left) / 2
        roll = _roll(across, down, bound=math.radians(geometry.max_roll))
    side = max(geometry.extent * unit, 1.0)
    rightward = np.array([math.cos(roll), math.sin(roll)])
    downward = np.array([-rightward[1], rightward[0]])
    centre = eyes + geometry.backward * ((middle - eyes) @ rightward) * rightward
    centre = centre + (0.5 - geometry.eye_line) * side * downward
    return Placement(float(centre[0]), float(centre[1]), float(side), roll)


def _measure_unit(width: float, height: float) -> float:
    """Return the distance between the eyes that a box of this size stands for."""
    return max(width / _BOX_WIDTH, height / _BOX_HEIGHT)


def _roll(across: Points, down: Points, *, bound: float) -> float:
    """Return the face's angle; eyes and mouth that nearly coincide, in a profile, weigh little."""
    upright = across + np.array([down[1], -down[0]]) / 2
    return min(bound, max(-bound, math.atan2(upright[1], upright[0])))


def measure_pose(face: Face) -> tuple[float, float]:
    """Return how far a face with landmarks is turned aside, and how far it nods.

    Returns:
        How far the tip of the nose lies beside the middle of eyes and mouth, in distances from the
        eyes to the mouth, negative towards the picture's left; and how far down from the eyes (0)
        to the mouth (1) it lies.

    Raises:
        ValueError: the face has no landmarks.
    """
    if not face.landmarks:
        raise ValueError(f"The pose of a face is told by its landmarks. Received: {face!r}.")
    left, right, nose, mouth_left, mouth_right = np.array(face.landmarks, np.float64)
    eyes, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    height = float(np.hypot(*(mouth - eyes))) or 1.0
    down = (mouth - eyes) / height
    across = np.array([down[1], -down[0]])  # the picture's right, where the face is upright
    turn = float((nose - (eyes + mouth) / 2) @ across) / height
    return turn, float((nose - eyes) @ down) / height


def crop_face(
    image: ImageArray, face: Face, *, size: int, geometry: CropGeometry | None = None
) -> ImageArray:
    """Cut a face out of an `(H, W, 3)` RGB image: `(size, size, 3)` uint8 RGB, upright.

    Where the crop reaches past the image, the image's edge is continued.
    """
    return cut_out(image, place_crop(face, geometry), size=size)


def cut_out(image: ImageArray, placement: Placement, *, size: int) -> ImageArray:
    """Cut a placed crop out of an image, antialiased: `(size, size, 3)` uint8."""
    patch, corner = _patch(image, placement)
    picture = Image.fromarray(patch)
    step = placement.side / size
    # Shrink in three steps, each cheap and free of aliasing: whole pixels averaged, then a bilinear
    # turn at a step under 1.5, then its samples averaged.
    shrunk = max(1, int(step / 2))
    picture = picture.reduce(shrunk) if shrunk > 1 else picture
    step /= shrunk
    fold = max(1, math.ceil(step / 1.5))
    turned = picture.transform(
        (size * fold, size * fold),
        Image.Transform.AFFINE,
        _affine(placement, corner=corner, steps=(shrunk, step / fold)),
        resample=Image.Resampling.BILINEAR,
    )
    return np.asarray(turned.reduce(fold) if fold > 1 else turned)


def _patch(image: ImageArray, placement: Placement) -> tuple[ImageArray, tuple[int, int]]:
    """Return the upright square around the crop, edges continued, and its top left corner."""
    corners = placement.to_image(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]))
    margin = 2 + placement.side * 0.05
    left, top = (int(value) for value in np.floor(corners.min(axis=0) - margin))
    right, bottom = (int(value) for value in np.ceil(corners.max(axis=0) + margin))
    height, width = image.shape[:2]
    if left >= 0 and top >= 0 and right <= width and bottom <= height:
        return np.ascontiguousarray(image[top:bottom, left:right]), (left, top)
    lines = np.clip(np.arange(top, bottom), 0, height - 1)
    columns = np.clip(np.arange(left, right), 0, width - 1)
    return image[lines].take(columns, axis=1), (left, top)


def _affine(
    placement: Placement, *, corner: tuple[int, int], steps: tuple[int, float]
) -> tuple[float, ...]:
    """Return Pillow's six numbers, which map an output pixel to the shrunk patch."""
    shrunk, step = steps
    cosine, sine = math.cos(placement.roll) * step, math.sin(placement.roll) * step
    x, y = placement.to_image(np.zeros((1, 2)))[0]
    return (cosine, -sine, (x - corner[0]) / shrunk, sine, cosine, (y - corner[1]) / shrunk)
