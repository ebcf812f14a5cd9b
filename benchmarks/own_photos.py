"""Measure what a training on a few dozen photos of one's own reaches: benchmarks/own_photos.json.

Run it by `make benchmark-own-photos`; it needs GAFAS_EYEWEAR. Sixty photos of each label are learnt
from, as a teacher's folder would hold them, and up to 300 of each are asked. They are of the
held-out part of a set, from which the bundled models have not learnt.
"""

import dataclasses
import datetime
import hashlib
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gafas.classifier import EyewearClassifier
from gafas.datasets import eyewear
from gafas.datasets.dataset import read_data_set
from gafas.datasets.folders import read_labelled
from gafas.datasets.samples import Sample
from gafas.errors import GafasError
from gafas.evaluation.evaluate import evaluate
from gafas.evaluation.metrics import Interval
from gafas.evaluation.predictions import predict_rows
from gafas.files import write_json
from gafas.recognizer import count_cores
from gafas.training.fitting import adapt_recipe
from gafas.training.recipe import find_recipe, read_recipe

SET: Final = "fairface"
"""Its photos show as many people, but for a few."""

LEARNT, ASKED = 60, 300
TASKS: Final = (
    ("sunglasses", "none"),
    ("eyeglasses", "none"),
    ("sunglasses", "eyeglasses", "none"),
)
RECIPES: Final = ("faces", "compact")
TARGET: Final = Path(__file__).with_suffix(".json")

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Reached:
    """What a recipe reaches on one task: right answers of those asked, and seconds of training."""

    recipe: str
    labels: tuple[str, ...]
    seconds: int
    correct: int
    asked: int
    faces_missed: int
    wilson: Interval


@dataclasses.dataclass(frozen=True, slots=True)
class OwnPhotos:
    """What `benchmarks/own_photos.json` holds; `learnt` is the number of photos of each label."""

    photos: tuple[str, ...]
    learnt: int
    date: str
    cores: int
    rows: tuple[Reached, ...]


def main() -> int:
    """Train every recipe on every task, and write down how good it is on photos of others."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    _log.setLevel(logging.INFO)
    try:
        samples = eyewear.part(eyewear.read_samples(sets=(SET,))).test
        with tempfile.TemporaryDirectory() as room:
            rows = [
                measure(recipe, labels, folders=folders)
                for labels in TASKS
                for folders in [lay_out(samples, labels, room=Path(room))]
                for recipe in RECIPES
            ]
    except GafasError as error:
        _log.error("%s", error)
        return 1
    today = datetime.date.today().isoformat()
    write_json(TARGET, OwnPhotos((SET,), LEARNT, today, count_cores(), tuple(rows)))
    return 0


def lay_out(samples: Sequence[Sample], labels: Sequence[str], *, room: Path) -> tuple[Path, Path]:
    """Copy photos into a folder to learn from and one to ask."""
    folders = room / "-".join(labels) / "learnt", room / "-".join(labels) / "asked"
    ordered = sorted(samples, key=lambda sample: _hash(sample.name))
    for label in labels:
        mine = [sample for sample in ordered if sample.label == label]
        parts = mine[:LEARNT], mine[LEARNT : LEARNT + ASKED]
        for folder, chosen in zip(folders, parts, strict=True):
            (folder / label).mkdir(parents=True)
            for sample in chosen:
                shutil.copy(sample.path, folder / label)
    return folders


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def measure(name: str, labels: Sequence[str], *, folders: tuple[Path, Path]) -> Reached:
    """Train as `gafas train NAME RUN --data PHOTOS` does, and ask the other photos."""
    from gafas.training.train import train  # here: it loads Keras, which the table needs not

    data = read_data_set(folders[0])
    recipe = adapt_recipe(read_recipe(find_recipe(name)), data)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as run:
        model = train(recipe, data.part(recipe.split), run=Path(run), data=data)
        seconds = time.monotonic() - began
        classifier = EyewearClassifier(model)
        found = evaluate(classifier, predict_rows(classifier, read_labelled(folders[1])), name=name)
    right = found.accuracy
    _log.info("%s of %s: %d of %d", name, ", ".join(labels), right.correct, right.total)
    return Reached(
        recipe=name,
        labels=tuple(labels),
        seconds=round(seconds),
        correct=right.correct,
        asked=right.total,
        faces_missed=len(found.data.faces_missed),
        wilson=right.wilson,
    )


if __name__ == "__main__":
    sys.exit(main())
