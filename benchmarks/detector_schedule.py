"""Compare the detector's schedule with always looking twice.

Run: python benchmarks/detector_schedule.py CMU_FOLDER EYEWEAR_FOLDER
It takes about five minutes and writes detector_schedule.json beside itself. Always looking twice
means: at a long side of min(640, 4 × the image's) and at half of that, both merged.
"""

import argparse
import json
import logging
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnxruntime

from gafas.candidates import suppress
from gafas.detector import CONFIDENT, FaceDetector
from gafas.images import load_image
from gafas.types import Box, ImageArray

LOG = logging.getLogger("detector_schedule")
OUTPUT = Path(__file__).with_suffix(".json")
WEB_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def look_twice(detector: FaceDetector, image: ImageArray) -> list[Box]:
    """Detect as the schedule is measured against."""
    large = min(640, 4 * max(image.shape[:2]))
    rows = suppress(np.concatenate([detector.look(image, side) for side in (large, large // 2)]))
    sure = rows[rows[:, 4] >= CONFIDENT]
    return [(float(x1), float(y1), float(x2), float(y2)) for x1, y1, x2, y2 in sure[:, :4]]


def overlap(one: Box, other: Box) -> float:
    """Return the intersection over the union of two boxes."""
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (sum(areas) - width * height)


def compare(detector: FaceDetector, paths: Iterable[Path]) -> dict[str, object]:
    """Run both on every photo; count photos and boxes, and milliseconds of one core."""
    twice_seconds = schedule_seconds = 0.0
    photos = found_twice = found = boxes_twice = boxes = 0
    lost_photos: list[str] = []
    lost_boxes: list[str] = []
    for path in paths:
        image = load_image(path)
        start = time.process_time()
        expected = look_twice(detector, image)
        middle = time.process_time()
        faces = detector.detect(image)
        twice_seconds += middle - start
        schedule_seconds += time.process_time() - middle
        photos += 1
        found_twice += bool(expected)
        found += bool(faces)
        boxes_twice += len(expected)
        boxes += len(faces)
        lost_photos += [path.name] if expected and not faces else []
        lost_boxes += [
            f"{path.name} {[round(value) for value in box]}"
            for box in expected
            if not any(overlap(box, face.box) >= 0.4 for face in faces)
        ]
    return {
        "photos": photos,
        "with_a_face": {"looking_twice": found_twice, "schedule": found},
        "boxes": {"looking_twice": boxes_twice, "schedule": boxes},
        "milliseconds_per_photo": {
            "looking_twice": round(1000 * twice_seconds / photos, 1),
            "schedule": round(1000 * schedule_seconds / photos, 1),
        },
        "photos_lost": lost_photos,
        "boxes_lost": lost_boxes,
    }


def sets(cmu: Path, eyewear: Path) -> dict[str, list[Path]]:
    """List the photos of every set, sorted."""
    faces = sorted((cmu / "faces").rglob("*.pgm"))
    web = sorted(
        path for path in (eyewear / "web").rglob("*") if path.suffix.lower() in WEB_SUFFIXES
    )
    groups = sorted((eyewear / "selfies" / "sunglasses_multi_person").glob("*.jpg"))
    return {
        "cmu full size": [path for path in faces if path.stem[-2:] not in ("_2", "_4")],
        "cmu half size": [path for path in faces if path.stem.endswith("_2")],
        "cmu quarter size": [path for path in faces if path.stem.endswith("_4")],
        "web": web,
        "selfies of several people": groups,
    }


def main() -> None:
    """Measure all sets and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cmu", type=Path)
    parser.add_argument("eyewear", type=Path)
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    detector = FaceDetector(threads=1)
    results: dict[str, object] = {"onnxruntime": onnxruntime.__version__, "threads": 1}
    for name, paths in sets(chosen.cmu, chosen.eyewear).items():
        results[name] = compare(detector, paths)
        LOG.info("%s: %s", name, results[name])
    beside = OUTPUT.with_suffix(".json.part")
    beside.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    beside.replace(OUTPUT)


if __name__ == "__main__":
    main()
