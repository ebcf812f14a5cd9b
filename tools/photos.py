"""Photos that Matplotlib and scikit-image bring along, and one with rendered sunglasses."""

import io
from pathlib import Path

import matplotlib.cbook
import skimage.data
from PIL import Image

from gafas.detection.detector import FaceDetector
from gafas.files import write_bytes
from gafas.results import ImageArray
from gafas.synthesis.glasses import Glasses, Outline, Reflection
from gafas.synthesis.rendering import put_on

SUNGLASSES = Glasses(
    outline=Outline(0.94, 0.68, 3.2, 2.3, 0.08, 0.06),
    gap=0.24,
    rim=0.07,
    wire=0.06,
    drop=0.1,
    gloss=0.35,
    darkness=0.95,
    gradient=0.15,
    reflection=Reflection("sky", y=-0.35, strength=0.35, softness=0.05),
    shadow=0.3,
)

WORN: dict[str, list[str]] = {
    "grace_hopper.jpg": ["eyeglasses"],
    "astronaut.png": ["none"],
    "astronaut_sunglasses.png": ["sunglasses"],
    "chelsea.png": [],
}
"""What every face in each photo wears, as a person sees it; Chelsea is a cat."""


def write_photos(folder: Path) -> list[Path]:
    """Write the photos into a folder, and return their paths in the order of `WORN`."""
    portrait = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    astronaut = skimage.data.astronaut()
    (face,) = FaceDetector().detect(astronaut)
    contents = {
        "grace_hopper.jpg": Path(portrait).read_bytes(),
        "astronaut.png": _encode(astronaut),
        "astronaut_sunglasses.png": _encode(put_on(astronaut, face.landmarks, glasses=SUNGLASSES)),
        "chelsea.png": _encode(skimage.data.chelsea()),
    }
    for name in WORN:
        write_bytes(folder / name, contents[name])
    return [folder / name for name in WORN]


def _encode(image: ImageArray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()
