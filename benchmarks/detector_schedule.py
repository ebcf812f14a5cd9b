"""Compare the detector's schedule with always looking twice.

Run: python benchmarks/detector_schedule.py CMU_FOLDER EYEWEAR_FOLDER
It takes about six minutes and writes detector_schedule.json beside itself. Always looking twice
means: at a long side of min(640, 4 × the image's) and at half of that, both merged.

Two more parts: small faces, in mosaics of photos whose faces are known from the photos themselves;
and photos as large as a quarter of twelve megapixels against their halves, an eighth, as JPEGs of
that size are decoded.
"""

import argparse
import json
import logging
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from gafas.detection.candidates import suppress
from gafas.detection.detector import CONFIDENT, FaceDetector
from gafas.images import load_image
from gafas.results import Box, ImageArray

LOG = logging.getLogger("detector_schedule")
OUTPUT = Path(__file__).with_suffix(".json")
TILE, COLUMNS, ROWS = 107, 6, 4  # mosaics of 642 × 428 pixels
QUARTER = 1000  # the longer side of a quarter of 4000 × 3000 pixels
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


def compare_small(detector: FaceDetector, paths: list[Path]) -> dict[str, object]:
    """Count the faces found in mosaics of photos, of those surely found in each photo alone."""
    order = np.random.default_rng(0).permutation(len(paths)).tolist()
    in_all = COLUMNS * ROWS
    counts = {"faces": 0, "looking_twice": 0, "schedule": 0, "others": 0}
    sizes: list[float] = []
    for start in range(0, len(order) - in_all + 1, in_all):
        image, known = lay_out(
            [load_image(paths[at]) for at in order[start : start + in_all]], detector
        )
        found = [face.box for face in detector.detect(image)]
        twice = look_twice(detector, image)
        sizes += [box[2] - box[0] for box in known]
        counts["faces"] += len(known)
        counts["looking_twice"] += sum(any(overlap(k, f) > 0.35 for f in twice) for k in known)
        counts["schedule"] += sum(any(overlap(k, f) > 0.35 for f in found) for k in known)
        counts["others"] += sum(not any(overlap(k, f) > 0.2 for k in known) for f in found)
    return {
        "mosaics": len(order) // in_all,
        "median_width": round(float(np.median(sizes)), 1),
        **counts,
    }


def lay_out(images: list[ImageArray], detector: FaceDetector) -> tuple[ImageArray, list[Box]]:
    """Put photos, reduced, side by side; return the mosaic, and where their sure faces are."""
    mosaic = Image.new("RGB", (COLUMNS * TILE, ROWS * TILE), (120, 120, 120))
    known: list[Box] = []
    for place, image in enumerate(images):
        factor = TILE / max(image.shape[:2])
        left, top = place % COLUMNS * TILE, place // COLUMNS * TILE
        size = [max(1, round(side * factor)) for side in image.shape[1::-1]]
        mosaic.paste(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS), (left, top))
        for face in detector.detect(image):
            if (face.confidence or 0) > 0.9:
                x1, y1, x2, y2 = face.scaled(factor).box
                known.append((x1 + left, y1 + top, x2 + left, y2 + top))
    return np.asarray(mosaic), known


def compare_eighths(detector: FaceDetector, paths: Iterable[Path]) -> dict[str, object]:
    """Look for faces in a quarter of a big photo and in an eighth; count boxes, and those lost."""
    photos = boxes_quarter = boxes = 0
    lost: list[str] = []
    for path in paths:
        picture = Image.fromarray(load_image(path))
        factor = QUARTER / max(picture.size)
        size = (round(picture.width * factor), round(picture.height * factor))
        quarter = picture.resize(size, Image.Resampling.LANCZOS)
        expected = [face.box for face in detector.detect(np.asarray(quarter))]
        found = [face.scaled(2).box for face in detector.detect(np.asarray(quarter.reduce(2)))]
        photos += 1
        boxes_quarter += len(expected)
        boxes += len(found)
        lost += [
            f"{path.name} {[round(value) for value in box]}"
            for box in expected
            if not any(overlap(box, other) >= 0.4 for other in found)
        ]
    counts = {"quarter": boxes_quarter, "eighth": boxes}
    return {"photos": photos, "boxes": counts, "boxes_lost": lost}


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
    every = sets(chosen.cmu, chosen.eyewear)
    for name in ("web", "selfies of several people"):
        results[f"small faces, {name}"] = compare_small(detector, every[name])
        results[f"eighths, {name}"] = compare_eighths(detector, every[name])
        LOG.info(
            "%s: %s", name, [results[f"{kind}, {name}"] for kind in ("small faces", "eighths")]
        )
    for name, paths in every.items():
        results[name] = compare(detector, paths)
        LOG.info("%s: %s", name, results[name])
    beside = OUTPUT.with_suffix(".json.part")
    beside.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    beside.replace(OUTPUT)


if __name__ == "__main__":
    main()
