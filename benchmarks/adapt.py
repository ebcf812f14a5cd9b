"""Measure what own labels learnt from few photos reach: benchmarks/adapt.json.

Run it by `make benchmark-adapt`; it needs GAFAS_EYEWEAR. `gafas adapt --model free` and
`gafas train compact` learn the same photos, and both, and the model that was adapted, are asked
about others, of other people where these are known. The free weights have learnt from none of these
sets, and of the photos of everyday life from the CC0 ones alone, which are left out. That a head
keeps to what a model knows, and how much, was chosen on `utkface`, `celeba` and `portraits`;
that more than one changed crop is worth nothing was seen on these sets themselves.
"""

import argparse
import csv
import dataclasses
import datetime
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image
from sklearn.model_selection import StratifiedGroupKFold

from benchmarks.life import Counted, count
from benchmarks.speed import measure_memory
from gafas.classifier import EyewearClassifier
from gafas.datasets import eyewear
from gafas.datasets.samples import EYEWEAR_LABELS, OTHER, Sample
from gafas.datasets.scenes import FREE, list_samples, read_scenes
from gafas.errors import GafasError
from gafas.evaluation.predictions import predict_rows
from gafas.files import read_json, write_json
from gafas.images import load_photo
from gafas.recognizer import count_cores
from gafas.results import Box
from gafas.training.features import group
from gafas.weights import read_model

SETS: Final = ("speakers", "athletes", "glint", "meglass", "web")

GOGGLES: Final = "life"
"""The scenes in which goggles are worn: the labels are goggles, or nothing."""

LEARNT: Final = (20, 50, 200)
"""How many photos are learnt from, as many of each label as there are."""

LEAST_LEARNT: Final = 6
"""Photos of each label; one of which a set has not twice as many is left out there."""

MANY: Final = 500
"""Photos whose time and memory are measured."""

TARGET: Final = Path(__file__).with_suffix(".json")

_AROUND = 2.0  # a face of a scene is cut out with so many times its box around

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Task:
    """Photos of a set that are learnt from, and others that are asked about."""

    source: str
    labels: tuple[str, ...]
    learnt: tuple[Sample, ...]
    asked: tuple[Sample, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """What a command took: seconds from its start to its end, and the most memory, in MiB."""

    seconds: float
    megabytes: int


@dataclasses.dataclass(frozen=True, slots=True)
class Answers:
    """How a model answered: right answers of all, and of each label's photos.

    Attributes:
        labels: by label; one that is rare counts little in `right`.
        balanced: the mean of their shares.
    """

    right: Counted
    labels: Mapping[str, Counted]
    balanced: float


@dataclasses.dataclass(frozen=True, slots=True)
class Reached:
    """What was reached on one task.

    Attributes:
        learnt: the number of photos.
        missed: of the photos asked about, those in which no face is found, to which neither the
            adapted model nor the shipped one has an answer: they count as wrong.
        adapted, compact: the answers to all that were asked.
        shipped: those of the model that was adapted; None where it knows other labels.
        adapt_cost, compact_cost: of `gafas adapt` and of `gafas train compact`.
    """

    source: str
    labels: tuple[str, ...]
    learnt: int
    missed: int
    adapted: Answers
    shipped: Answers | None
    compact: Answers
    adapt_cost: Cost
    compact_cost: Cost


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """What `benchmarks/adapt.json` holds; `many` is the cost of `MANY` photos of all sets."""

    date: str
    cores: int
    model: str
    many: Cost
    rows: tuple[Reached, ...]


def main() -> int:
    """Learn every task in both ways, and write down what that reached and took."""
    parser = argparse.ArgumentParser(description="Measure own labels learnt from few photos.")
    parser.add_argument("--cost", action="store_true", help="only many photos' cost: keep the rest")
    cost_alone = parser.parse_args().cost
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    _log.setLevel(logging.INFO)
    try:
        sets = {name: read_set(name) for name in SETS}
        with tempfile.TemporaryDirectory() as room:
            many = measure_cost([one for name in SETS for one in sets[name]], Path(room))
            figures = (
                dataclasses.replace(read_json(TARGET, Figures), many=many)
                if cost_alone
                else measure(sets, Path(room), many=many)
            )
    except (GafasError, subprocess.CalledProcessError) as error:
        _log.error("%s", error)
        return 1
    write_json(TARGET, figures)
    return 0


def measure_cost(samples: Sequence[Sample], room: Path) -> Cost:
    """Measure what many photos cost: of three times the middle one, and the most memory."""
    drawn = np.random.default_rng(0).permutation(len(samples))[:MANY]
    costs = [learn([samples[at] for at in drawn], room / f"many{n}", "adapt") for n in range(3)]
    return Cost(sorted(cost.seconds for cost in costs)[1], max(cost.megabytes for cost in costs))


def measure(sets: Mapping[str, list[Sample]], room: Path, *, many: Cost) -> Figures:
    """Measure all tasks; what is written on the way goes into a folder."""
    rows = [
        compare(task, room / f"{name}-{size}")
        for name, samples in {**sets, GOGGLES: cut_goggles(room / "goggles")}.items()
        for size in LEARNT
        for task in draw_task(name, samples, size=size)
    ]
    today = datetime.date.today().isoformat()
    model = EyewearClassifier(read_model("free")).sha256
    return Figures(today, count_cores(), model, many, tuple(rows))


def read_set(name: str) -> list[Sample]:
    """Read the photos of a set that bear one of the three labels."""
    return list(eyewear.read_samples(sets=(name,), labels=EYEWEAR_LABELS))


def cut_goggles(folder: Path) -> list[Sample]:
    """Cut faces with goggles, and bare ones, out of scenes that the free weights have not seen."""
    folder.mkdir()
    words = {OTHER: "goggles", "none": "none"}
    found = list[Sample]()
    for scene in read_scenes(eyewear.find(), GOGGLES):
        named = [one for one in list_samples(scene) if one.label in words and one.box is not None]
        fresh = [one for one in named if one.facts.get("rights") != FREE]
        image = Image.fromarray(load_photo(scene.path).image) if fresh else None
        for sample in fresh:
            assert image is not None and sample.box is not None
            path = folder / f"{len(found)}.png"
            image.crop(look_around(sample.box)).save(path)
            found.append(Sample(path, path.name, words[sample.label], path.name, sample.subject))
    return found


def look_around(box: Box) -> tuple[int, int, int, int]:
    """Return a larger box around the same middle, so that the face lies there."""
    x1, y1, x2, y2 = box
    more_x, more_y = (x2 - x1) * (_AROUND - 1) / 2, (y2 - y1) * (_AROUND - 1) / 2
    return round(x1 - more_x), round(y1 - more_y), round(x2 + more_x), round(y2 + more_y)


def draw_task(source: str, samples: Sequence[Sample], *, size: int) -> Iterator[Task]:
    """Yield a task that learns from so many photos, where the samples suffice for it.

    One half is learnt from and the other asked about, which shows nobody, nor a photo that hardly
    differs, of the first.
    """
    labels = sorted({one.label for one in samples}, key=[*EYEWEAR_LABELS, "goggles"].index)
    least = 2 * LEAST_LEARNT
    labels = [one for one in labels if sum(each.label == one for each in samples) >= least]
    usable = [sample for sample in samples if sample.label in labels]
    truth = np.array([labels.index(one.label) for one in usable])
    halves = StratifiedGroupKFold(2, shuffle=True, random_state=0)
    first, second = next(halves.split(truth, truth, group(usable)))
    order = np.random.default_rng(size).permutation(first)
    own = sorted((order[truth[order] == at].tolist() for at in range(len(labels))), key=len)
    learnt = list[int]()
    for rank, places in enumerate(own):  # of the rarest first, that others may fill up
        learnt += places[: (size - len(learnt)) // (len(labels) - rank)]
    if len(learnt) < size or min(map(len, own)) < LEAST_LEARNT:
        _log.info("%s: too few photos to learn from %d of them.", source, size)
        return
    parts = (tuple(usable[at] for at in sorted(part)) for part in (learnt, second.tolist()))
    yield Task(source, tuple(labels), *parts)


def compare(task: Task, room: Path) -> Reached:
    """Learn a task in both ways, and ask both models and the one that was adapted."""
    adapt_cost = learn(task.learnt, room, "adapt")
    compact_cost = learn(task.learnt, room, "compact")
    shipped = read_model("free")
    knows = set(task.labels) <= set(EYEWEAR_LABELS)
    adapted, missed = ask((room / "adapted.onnx").read_bytes(), task)
    compact, _ = ask((room / "run" / "model.onnx").read_bytes(), task)
    reached = Reached(
        task.source,
        task.labels,
        len(task.learnt),
        missed,
        adapted,
        shipped=ask(shipped, task)[0] if knows else None,
        compact=compact,
        adapt_cost=adapt_cost,
        compact_cost=compact_cost,
    )
    _log.info("%s", reached)
    return reached


def ask(model: bytes, task: Task) -> tuple[Answers, int]:
    """Count for how many photos the likeliest of the task's labels is right, and missed faces."""
    rows = predict_rows(EyewearClassifier(model), task.asked)
    flags = [
        bool(row.probabilities)
        and max(task.labels, key=lambda label: row.probabilities[label]) == row.sample.label
        for row in rows
    ]
    told = list(zip(flags, (row.sample.label for row in rows), strict=True))
    labels = {label: count(flag for flag, truth in told if truth == label) for label in task.labels}
    balanced = sum(one.count / one.total for one in labels.values()) / len(labels)
    return Answers(count(flags), labels, balanced), sum(row.missed for row in rows)


def learn(samples: Sequence[Sample], room: Path, way: str) -> Cost:
    """Learn photos by one of the two commands, in a process of its own and an empty home."""
    room.mkdir(exist_ok=True)
    labels = room / "labels.csv"
    with labels.open("w", encoding="utf-8", newline="") as file:
        rows = ((one.path.resolve(), one.label, one.subject or "") for one in samples)
        csv.writer(file).writerows([("file", "label", "subject"), *rows])
    words: dict[str, list[object]] = {
        "adapt": ["adapt", labels, room / "adapted.onnx", "--model", "free"],
        "compact": ["train", "compact", room / "run", "--data", labels],
    }
    with tempfile.TemporaryDirectory() as home:
        words[way][:0] = ["env", f"GAFAS_HOME={home}", sys.executable, "-m", "gafas.cli", "--quiet"]
        began = time.monotonic()
        megabytes = measure_memory([str(word) for word in words[way]])
        return Cost(round(time.monotonic() - began, 1), round(megabytes))


if __name__ == "__main__":
    sys.exit(main())
