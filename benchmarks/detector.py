"""Measure what each rule of the detector's schedule finds, loses and costs.

Run: python benchmarks/detector.py CMU_FOLDER EYEWEAR_FOLDER   (`make benchmark-detector`)
It takes about fifteen minutes and writes detector.json beside itself: for every set of photos one
row for the schedule, one for the schedule without each of its rules, and one for single looks.

Every look at a photo is timed once, in processor time of one thread, and remembered: the variants
differ by the looks that they take, not by what else the machine did meanwhile.
"""

import argparse
import contextlib
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

Patch = tuple[Any, str, Any]

RULES: Final[Mapping[str, tuple[Patch, ...]]] = {
    "a small photo is looked at small": ((detector, "SMALL_SIDE", 1e9),),
    "closer looks": ((FaceDetector, "_settle", lambda self, image, rows: _keep_sure(rows)),),
    "hints": ((detector, "find_doubtful", lambda rows, faces: rows[:0]),),
    "windows": ((detector, "_WINDOWS", 0), (detector, "_WINDOWS_UNSURE", 0)),
    "fewer windows where unsure": ((detector, "_WINDOWS_UNSURE", detector._WINDOWS),),
    "magnifying": ((FaceDetector, "_magnify", lambda self, image, rows: NO_FACES),),
    "a crowd is magnified whole": ((detector, "_WINDOWS_MAGNIFIED", 1e9),),
    "smaller sides": ((detector, "SMALLER_SIDES", ()),),
    "border": ((FaceDetector, "_look_bordered", lambda self, image: NO_FACES),),
    "drop_unlikely": ((detector, "drop_unlikely", lambda large, first, longer: large),),
    "specks": ((candidates, "_is_speck", lambda rows, longer: np.zeros(len(rows), bool)),),
    "parts": ((candidates, "_PART", 2.0),),
    "necks": ((candidates, "_is_neck", lambda rows: np.zeros((len(rows), len(rows)), bool)),),
    "turning": ((detector, "find_doubt", lambda faces: None),),
}
"""What is put in a rule's place to measure the schedule without it."""

LOOKS: Final = (192, 320, 640, 1280)
CONFIDENCES: Final = (0.5, 0.3)


@dataclasses.dataclass(frozen=True, slots=True)
class Truth:
    """What a photo shows, as far as somebody wrote it down."""

    faces: tuple[Box, ...] = ()
    others: tuple[Box, ...] = ()
    unclear: tuple[Box, ...] = ()


@dataclasses.dataclass(slots=True)
class Row:
    """What one variant found in the photos of a set.

    Attributes:
        found: boxes that were written down as faces, of `Truth.faces`; 0 where nobody wrote.
        false: boxes that no face nor anything unclear explains; 0 where nobody wrote.
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
        self._seen: dict[tuple[bytes, tuple[int, ...], int], tuple[Floats, float]] = {}
        self.looking = self.cost = 0.0

    def look(self, image: ImageArray, side: int) -> Floats:
        """Look, or remember what was seen and what it cost."""
        start = time.process_time()
        key = (image.tobytes(), image.shape, side)
        if key not in self._seen:
            begin = time.process_time()
            rows = super().look(image, side)
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


def measure_set(photos: Iterable[tuple[Path, Truth]], *, looks: bool) -> dict[str, Row]:
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
    def run(patches: tuple[Patch, ...], image: ImageArray) -> list[Box]:
        with contextlib.ExitStack() as stack:
            for patch in patches:
                stack.enter_context(mock.patch.object(*patch))
            return [face.box for face in remembering.detect(image)]

    def look(sides: tuple[int, ...], least: float, image: ImageArray) -> list[Box]:
        seen = suppress(np.concatenate([remembering.look(image, side) for side in sides]))
        return [tuple(map(float, row[:4])) for row in seen[seen[:, CONFIDENCE] >= least]]

    yield "schedule", functools.partial(run, ())
    for name, patches in RULES.items():
        yield f"without {name}", functools.partial(run, patches)
    for least in CONFIDENCES if looks else ():
        for sides in (*((side,) for side in LOOKS), LOOKS):
            name = " + ".join(map(str, sides))
            yield f"{name} pixels, confidence {least}", functools.partial(look, sides, least)


def _count(row: Row, boxes: list[Box], expected: list[Box], truth: Truth) -> None:
    row.boxes += len(boxes)
    row.lost += sum(not _shows(box, boxes) for box in expected)
    row.gained += sum(not _shows(box, expected) for box in boxes)
    row.found += sum(_shows(box, boxes) for box in truth.faces)
    if truth.faces or truth.others or truth.unclear:
        known = truth.faces + truth.unclear
        row.false += sum(not _shows(box, known) for box in boxes)


def _shows(box: Box, others: Iterable[Box]) -> bool:
    return any(measure_overlap(box, other) > SAME for other in others)


def _keep_sure(rows: Floats) -> Floats:
    return rows[rows[:, CONFIDENCE] >= detector.CONFIDENT]


def measure_overlap(one: Box, other: Box) -> float:
    """Return the intersection over the union of two boxes."""
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (sum(areas) - width * height)


def read_truth(table: Path) -> dict[str, Truth]:
    """Read which faces the photos of a set show, and what only resembles a face."""
    found: dict[str, dict[str, list[Box]]] = {}
    with table.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            kind = {"not_a_face": "others", "unclear": "unclear"}.get(line["label"], "faces")
            box = (float(line["x1"]), float(line["y1"]), float(line["x2"]), float(line["y2"]))
            found.setdefault(line["file"], {}).setdefault(kind, []).append(box)
    return {
        name: Truth(**{kind: tuple(boxes) for kind, boxes in kinds.items()})
        for name, kinds in found.items()
    }


def list_sets(cmu: Path, eyewear: Path) -> dict[str, list[tuple[Path, Truth]]]:
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
    sets = {name: [(path, Truth()) for path in paths] for name, paths in unknown.items()}
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
            "faces": sum(len(truth.faces) for _, truth in photos),
            "variants": {variant: dataclasses.asdict(row) for variant, row in rows.items()},
        }
        LOG.info("%s: %s", name, json.dumps(results[name], indent=1))
    write_text(OUTPUT, json.dumps(results, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
