"""Measure what a training on a few dozen photos of one's own reaches: benchmarks/own_photos.json.

Run it by `make benchmark-own-photos`; it needs GAFAS_EYEWEAR. Sixty photos of each label are learnt
from, as a teacher's folder would hold them, and up to 300 others of each are asked. They are of
FairFace, which the bundled model has not learnt from: many were chosen for being hard.
"""

import datetime
import hashlib
import json
import logging
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from gafas.classifier import EyewearClassifier
from gafas.datasets import eyewear
from gafas.datasets.dataset import read_data_set
from gafas.datasets.folders import read_labelled
from gafas.errors import GafasError
from gafas.evaluation.evaluate import evaluate
from gafas.files import write_text
from gafas.recognizer import count_cores
from gafas.training.recipe import adapt_recipe, find_recipe, read_recipe
from gafas.training.train import train

LEARNT, ASKED = 60, 300
TASKS: Final = (
    ("sunglasses", "none"),
    ("eyeglasses", "none"),
    ("sunglasses", "eyeglasses", "none"),
)
RECIPES: Final = ("faces", "compact")
TARGET: Final = Path(__file__).with_suffix(".json")

_log = logging.getLogger(__name__)


def main() -> int:
    """Train every recipe on every task, and write down how good it is on the other photos."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    _log.setLevel(logging.INFO)
    rows = []
    try:
        with tempfile.TemporaryDirectory() as room:
            for labels in TASKS:
                folders = lay_out(eyewear.find() / "fairface", labels, room=Path(room))
                rows += [measure(name, labels, folders=folders) for name in RECIPES]
    except GafasError as error:
        _log.error("%s", error)
        return 1
    told = {"date": datetime.date.today().isoformat(), "cores": count_cores(), "rows": rows}
    write_text(
        TARGET, json.dumps({"photos": "FairFace", "learnt": LEARNT, **told}, indent=1) + "\n"
    )
    return 0


def lay_out(photos: Path, labels: tuple[str, ...], *, room: Path) -> tuple[Path, Path]:
    """Copy photos into a folder to learn from and one to ask, chosen by a hash of their names."""
    folders = room / "-".join(labels) / "learnt", room / "-".join(labels) / "asked"
    for label in labels:
        found = sorted((photos / label).iterdir(), key=_hash_name)
        for folder, chosen in zip(
            folders, (found[:LEARNT], found[LEARNT : LEARNT + ASKED]), strict=True
        ):
            (folder / label).mkdir(parents=True)
            for photo in chosen:
                shutil.copy(photo, folder / label)
    return folders


def _hash_name(photo: Path) -> str:
    return hashlib.sha256(photo.name.encode()).hexdigest()


def measure(name: str, labels: tuple[str, ...], *, folders: tuple[Path, Path]) -> dict[str, Any]:
    """Train as `gafas train NAME RUN --data PHOTOS` does, and ask the other photos."""
    recipe = read_recipe(find_recipe(name))
    data = read_data_set(folders[0])
    recipe = adapt_recipe(recipe, data)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as run:
        model = train(recipe, data.part(recipe.split), run=Path(run), data=data)
        seconds = time.monotonic() - began
        result = evaluate(EyewearClassifier(model), read_labelled(folders[1]), name="others").report
    accuracy = result["accuracy"]
    _log.info("%s of %s: %d of %d", name, labels, accuracy["correct"], accuracy["total"])
    return {
        "recipe": name,
        "labels": list(labels),
        "seconds": round(seconds),
        "correct": accuracy["correct"],
        "asked": accuracy["total"],
        "faces_missed": len(result["data"]["faces_missed"]),
        "wilson": accuracy["wilson"],
    }


if __name__ == "__main__":
    sys.exit(main())
