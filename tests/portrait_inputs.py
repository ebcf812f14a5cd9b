"""One face, cut as it is learnt from, under as many labels as are asked for."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from face_photos import portrait
from gafas.crops import crop_face, place_crop
from gafas.datasets.samples import Sample
from gafas.detection.detector import FaceDetector
from gafas.training.faces import Inputs


def cut_portraits(labels: Sequence[str], *, side: int) -> Inputs:
    """Return the crop and its landmarks once for each label."""
    face = FaceDetector().detect(portrait())[0]
    image = crop_face(portrait(), face, size=side)
    points = place_crop(face).to_crop(np.array(face.landmarks)) * side
    samples = [Sample(Path(f"{at}.png"), f"{at}.png", x, f"{at}") for at, x in enumerate(labels)]
    return Inputs(np.stack([image] * len(labels)), tuple(samples), np.stack([points] * len(labels)))
