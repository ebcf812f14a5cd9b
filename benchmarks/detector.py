"""Measure what each rule of the detector's schedule finds, loses and costs.

Run: python benchmarks/detector.py CMU_FOLDER EYEWEAR_FOLDER   (`make benchmark-detector`)
It takes about fifteen minutes and writes detector.json beside itself: for every set of photos one
row for the schedule, one for the schedule without each of its rules, and one for single looks.

Every look at a photo is timed once, in processor time of one thread, and remembered: the variants
differ by the looks that they take, not by what else the machine did meanwhile.
"""

import argparse
import csv
import dataclasses
import functools
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from unittest import mock

import numpy as np
import onnxruntime

from gafas.detection import candidates, detector
from gafas.detection.candidates import CONFIDENCE, Floats, suppress
from gafas.detection.detector import FaceDetector
from gafas.files import write_text
from gafas.images import load_image
from gafas.results import Box, ImageArray

LOG = logging.getLogger("detector")
OUTPUT = Path(__file__).with_suffix(".json")
SUFFIXES: Final = {".jpg", ".jpeg", ".png", ".webp"}
SAME: Final = 0.4
"""Boxes whose intersection over union is more than this show the same face."""

NO_FACES: Final = np.empty((0, candidates.COLUMNS), np.float32)

SIDES: Final = detector.choose_sides

RULES: Final[Mapping[str, tuple[Any, str, Any]]] = {
    "a smaller look at small photos": (
        detector,
        "choose_sides",
        lambda longer: (320, *SIDES(longer)[1:]),
    ),
    "larger looks": (detector, "choose_sides", lambda longer: SIDES(longer)[:1]),
    "the third look": (detector, "choose_sides", lambda longer: SIDES(longer)[:2]),
    "hints": (detector, "HINT", detector.CONFIDENT),
    "faces from 0.4 to 0.5": (detector, "CONFIDENT", 0.5),
    "large faces as first seen": (detector, "measure_sides", lambda rows: np.zeros(len(rows))),
    "parts": (candidates, "_PART", 2.0),
    "border": (FaceDetector, "_search_bordered", lambda self, image, least: NO_FACES),
    "turning": (FaceDetector, "_search_turned", lambda self, image, found, needed, least: found),
}
"""What is put in a rule's place to measure the schedule without it."""

LOOKS: Final = (192, 320, 640, 1280)
CONFIDENCES: Final = (0.5, 0.3)
DOUBTFUL: Final = (0.3, 0.2, 0.1)
"""What the schedule gives to those who can tell a face from what is none."""


@dataclasses.dataclass(frozen=True, slots=True)
class Truth:
    """Which faces a photo shows, and what may be one: to find that is neither right nor wrong."""

    faces: tuple[Box, ...] = ()
    unclear: tuple[Box, ...] = ()


@dataclasses.dataclass(slots=True)
class Row:
    """What one variant found in the photos of a set.

    Attributes:
        found: of the faces that were written down, those that the variant finds.
        false: boxes that show none of these, nor anything unclear.
        lost: of the schedule's faces, those that the variant does not find.
        gained: faces of the variant that the schedule does not find.
        milliseconds: of one core per photo.
    """

    boxes: int = 0
    found: int = 0
    false: int = 0
    lost: int = 0
    gained: int = 0
    milliseconds: float = 0.0


class RememberingDetector(FaceDetector):
    """A detector that looks only once at the same pixels, and adds up what looking costs."""

    def __init__(self) -> None:
        super().__init__(threads=1)
        self._seen: dict[tuple[bytes, tuple[int, ...], int, int, float], tuple[Floats, float]] = {}
        self.looking = self.cost = 0.0

    def find_candidates(self, image: ImageArray, *, side: int, border: int = 0) -> Floats:
        """Look, or remember what was seen and what it cost."""
        start = time.process_time()
        key = (image.tobytes(), image.shape, side, border, detector.HINT)
        if key not in self._seen:
            begin = time.process_time()
            rows = super().find_candidates(image, side=side, border=border)
            self._seen[key] = rows, time.process_time() - begin
        rows, seconds = self._seen[key]
        self.cost += seconds
        self.looking += time.process_time() - start
        return rows.copy()

    def forget(self) -> None:
        """Forget what was seen."""
        self._seen.clear()

    def measure(self, work: Callable[[], list[Box]]) -> tuple[list[Box], float]:
        """Do it; return what was found, and the seconds that it takes without remembering."""
        self.cost = self.looking = 0.0
        start = time.process_time()
        boxes = work()
        return boxes, time.process_time() - start - self.looking + self.cost


def measure_set(photos: Iterable[tuple[Path, Truth | None]], *, looks: bool) -> dict[str, Row]:
    """Run the schedule and its variants on every photo of a set."""
    remembering = RememberingDetector()
    rows: dict[str, Row] = {}
    count = 0
    for path, truth in photos:
        image = load_image(path)
        expected: list[Box] | None = None
        for name, find in _list_variants(remembering, looks=looks):
            boxes, seconds = remembering.measure(functools.partial(find, image))
            expected = boxes if expected is None else expected
            _count(rows.setdefault(name, Row()), boxes, expected, truth)
            rows[name].milliseconds += 1000 * seconds
        remembering.forget()
        count += 1
    for row in rows.values():
        row.milliseconds = round(row.milliseconds / max(1, count), 2)
    return rows


def _list_variants(
    remembering: RememberingDetector, *, looks: bool
) -> Iterator[tuple[str, Callable[[ImageArray], list[Box]]]]:
    def detect(least: float, image: ImageArray) -> list[Box]:
        return [face.box for face in remembering.detect(image, least=least)]

    def detect_without(rule: str, image: ImageArray) -> list[Box]:
        with mock.patch.object(*RULES[rule]):
            return detect(detector.CONFIDENT, image)

    def look(sides: tuple[int, ...], least: float, image: ImageArray) -> list[Box]:
        seen = suppress(
            np.concatenate([remembering.find_candidates(image, side=side) for side in sides])
        )
        kept = seen[seen[:, CONFIDENCE] >= least, :4].astype(float)
        return [(x1, y1, x2, y2) for x1, y1, x2, y2 in kept.tolist()]

    yield "schedule", functools.partial(detect, detector.CONFIDENT)
    for rule in RULES:
        yield f"without {rule}", functools.partial(detect_without, rule)
    for least in DOUBTFUL if looks else ():
        yield f"schedule, confidence {least}", functools.partial(detect, least)
    for least in CONFIDENCES if looks else ():
        for sides in (*((side,) for side in LOOKS), LOOKS):
            name = " + ".join(map(str, sides))
            yield f"{name} pixels, confidence {least}", functools.partial(look, sides, least)


def _count(row: Row, boxes: list[Box], expected: list[Box], truth: Truth | None) -> None:
    row.boxes += len(boxes)
    row.lost += sum(not _shows(box, boxes) for box in expected)
    row.gained += sum(not _shows(box, expected) for box in boxes)
    if truth is not None:
        row.found += sum(_shows(box, boxes) for box in truth.faces)
        row.false += sum(not _shows(box, truth.faces + truth.unclear) for box in boxes)


def _shows(box: Box, others: Iterable[Box]) -> bool:
    return any(measure_overlap(box, other) > SAME for other in others)


def measure_overlap(one: Box, other: Box) -> float:
    """Return the intersection over the union of two boxes."""
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (sum(areas) - width * height)


def read_truth(table: Path) -> dict[str, Truth]:
    """Read which faces the photos of a set show, and what only resembles a face."""
    faces: dict[str, list[Box]] = {}
    unclear: dict[str, list[Box]] = {}
    with table.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            box = (float(line["x1"]), float(line["y1"]), float(line["x2"]), float(line["y2"]))
            if line["label"] != "not_a_face":
                kind = unclear if line["label"] == "unclear" else faces
                kind.setdefault(line["file"], []).append(box)
    return {
        name: Truth(tuple(faces.get(name, ())), tuple(unclear.get(name, ())))
        for name in faces.keys() | unclear.keys()
    }


def list_sets(cmu: Path, eyewear: Path) -> dict[str, list[tuple[Path, Truth | None]]]:
    """List the photos of every set, sorted, with what they show."""
    faces = sorted((cmu / "faces").rglob("*.pgm"))
    unknown = {
        "web": sorted(p for p in (eyewear / "web").rglob("*") if p.suffix.lower() in SUFFIXES),
        "selfies": sorted((eyewear / "selfies" / "sunglasses_multi_person").glob("*.jpg")),
        "cmu full size": [path for path in faces if path.stem[-2:] not in ("_2", "_4")],
        "cmu half size": [path for path in faces if path.stem.endswith("_2")],
        "cmu quarter size": [path for path in faces if path.stem.endswith("_4")],
        "lfw": sorted((eyewear / "lfw").rglob("*.jpg")),
    }
    sets: dict[str, list[tuple[Path, Truth | None]]] = {
        name: [(path, None) for path in paths] for name, paths in unknown.items()
    }
    for name, folder in (("life", eyewear / "life"), ("multi", eyewear / "multi")):
        truth = read_truth(folder / "faces.csv")
        sets[name] = [
            (path, truth.get(path.name, Truth()))
            for path in sorted(folder.rglob("*"))
            if path.suffix.lower() in SUFFIXES
        ]
    return sets


def main() -> None:
    """Measure all sets and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cmu", type=Path)
    parser.add_argument("eyewear", type=Path)
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    results: dict[str, object] = {"onnxruntime": onnxruntime.__version__}
    for name, photos in list_sets(chosen.cmu, chosen.eyewear).items():
        rows = measure_set(photos, looks=name in ("life", "multi"))
        results[name] = {
            "photos": len(photos),
            "faces": sum(len(truth.faces) for _, truth in photos if truth is not None),
            "variants": {variant: dataclasses.asdict(row) for variant, row in rows.items()},
        }
        LOG.info("%s: %s", name, json.dumps(results[name], indent=1))
    write_text(OUTPUT, json.dumps(results, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
