"""Small run folders whose evaluation is real: the brightness model on photos made here."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from benchmarks.eyewear import merge_part
from benchmarks.robustness import measure_lenses, measure_robustness
from PIL import Image

from brightness_model import METADATA, brightness_model
from eyewear_model import eyewear_model, make_sets
from gafas.classifier import EyewearClassifier
from gafas.datasets.eyewear import read_samples
from gafas.datasets.leaks import LeakReport
from gafas.datasets.samples import EYEWEAR_LABELS, TINTED, Sample
from gafas.evaluation.evaluate import evaluate, write_evaluation
from gafas.evaluation.predictions import predict_rows

PEOPLE = ("ann", "bob", "cy", "dee")
SIZES = {"full": "", "half": "_2", "quarter": "_4"}

_RECIPE = """\
name = "{name}"
labels = ["glasses", "no_glasses"]
seed = 7

[input]
width = 8
height = 6
colour = "grey"
scales = ["full", "half", "quarter"]

[split]
protocol = "{protocol}"
folds = 5
fold = 0
validation_share = 0.0
seed = 0

[network]
architecture = "seed"
filters = [64, 128]
dense = 256
dropout = 0.7

[augmentation]
rotation = 30.0
shift = 0.2
shear = 0.2
zoom = 0.2
flip = true
brightness = 0.0
contrast = 0.0
noise = 0.0

[optimization]
optimizer = "adam"
learning_rate = 0.0001
schedule = "constant"
epochs = 30
batch_size = 64
"""

_LAYERS = (
    {"name": "rescaling", "type": "Rescaling", "shape": [60, 64, 1], "parameters": 0},
    {"name": "conv2d", "type": "Conv2D", "shape": [58, 62, 64], "parameters": 640},
    {"name": "dense", "type": "Dense", "shape": [256], "parameters": 6_038_402},
)

Epochs = Sequence[tuple[float, float, float | None, float | None]]


def falling(epochs: int = 30, *, best: float = 0.9) -> Epochs:
    """Return a history that learns: loss, accuracy and both again on the watched part."""
    return [
        (0.7 / (1 + 0.1 * n), best - 0.4 / (1 + n), 0.75 / (1 + 0.1 * n), best - 0.42 / (1 + n))
        for n in range(epochs)
    ]


def make_photos(folder: Path, *, wrong: int = 3) -> list[Sample]:
    """Write dark photos (glasses) and bright ones; the first few with glasses are bright."""
    samples = []
    for number, (person, pose, eyes, scale) in enumerate(
        (person, pose, eyes, scale)
        for person in PEOPLE
        for pose in ("left", "up")
        for eyes in ("sunglasses", "open")
        for scale in SIZES
    ):
        dark = eyes == "sunglasses" and number >= 2 * wrong
        photo = f"{person}_{pose}_happy_{eyes}"
        name = f"{person}/{photo}{SIZES[scale]}.pgm"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (32, 30), 40 + number % 7 if dark else 200 + number % 7).save(path)
        label = "glasses" if eyes == "sunglasses" else "no_glasses"
        facts = {"pose": pose, "expression": "happy", "eyes": eyes, "scale": scale}
        samples.append(Sample(path, name, label, photo, person, facts))
    return samples


def leaks(total: int, *, photo: float = 0.0, subject: float = 0.0) -> dict[str, Any]:
    """Return what an audit finds where such shares of the test part leak."""
    shares = {
        "same_photo": photo,
        "near_duplicate": photo,
        "same_subject": subject,
        "any": max(photo, subject),
    }
    counts = {kind: round(share * total) for kind, share in shares.items()}
    known = {"subjects_known": True, "watches_test": False}
    return {"test": total, **counts, **known, "examples": []}


def make_run(
    folder: Path,
    samples: Sequence[Sample],
    *,
    protocol: str = "by_file",
    audit: Mapping[str, Any] | None = None,
    history: Epochs | None = None,
    kind: str = "cmu",
) -> Path:
    """Write a finished run folder, with an evaluation by the brightness model.

    `kind` says of which data it is, which lie where the samples do.
    """
    folder.mkdir(parents=True)
    labels = ["glasses", "no_glasses"]
    model = brightness_model(metadata={**METADATA, "labels": labels, "threshold": 0.7})
    (folder / "model.onnx").write_bytes(model)
    for name in ("model.keras", "label_encoder.npy"):
        (folder / name).write_bytes(b"x" * 2500)
    recipe = _RECIPE.format(name=folder.name.split("-")[0], protocol=protocol)
    (folder / "recipe.toml").write_text(recipe, encoding="utf-8")
    place = Path(str(samples[0].path).removesuffix(samples[0].name))
    write_data(folder, kind=kind, path=place, samples=len(samples))
    names = [sample.name for sample in samples]
    split = {"name": protocol, "train": ["zed/zed_up_sad_open.pgm"], "test": names}
    split["validation"] = names if protocol == "by_file" else ["yan/yan_up_sad_open.pgm"]
    write_json(folder / "split.json", {**split, "leaks": audit})
    write_json(folder / "network.json", _LAYERS)
    versions = {"python": "3.12.1", "keras": "3.13.0", "tensorflow": "2.20.0", "numpy": "2.3.0"}
    write_json(folder / "environment.json", {**versions, "cpu_count": 2, "seconds": 431.7})
    _write_history(folder / "history.csv", history or falling())
    measure(folder, EyewearClassifier(model), samples, audit=audit)
    return folder


def measure(
    folder: Path,
    classifier: EyewearClassifier,
    samples: Sequence[Sample],
    *,
    audit: Mapping[str, Any] | None,
) -> None:
    """Evaluate a model as `gafas evaluate RUN` does."""
    rows = predict_rows(classifier, samples)
    found = None if audit is None else msgspec.convert(audit, LeakReport)
    evaluation = evaluate(classifier, rows, name=folder.name, leaks=found)
    write_evaluation(folder, evaluation, rows=rows)


def make_face_run(folder: Path, photos: Path) -> Path:
    """Write a finished run of a model of faces on utkface-like scenes, with its benchmark."""
    people = ["none/25_0_0_2017001", "none/26_1_1_2017002", "none/70_0_2_2017003"]
    worn = ["eyeglasses/25_0_0_2017004", "sunglasses/31_1_3_2017005", "eyeglasses/60_1_2_2017006"]
    make_sets(photos, {"utkface": [*people, *worn, "tinted_ambiguous/25_0_0_2017007"]})
    samples = read_samples(photos, sets=("utkface",), labels=(*EYEWEAR_LABELS, TINTED))
    audit = {**leaks(len(samples)), "subjects_known": False}
    make_run(folder, make_photos(photos / "cmu"), protocol="by_photo", audit=audit)
    model = eyewear_model()
    (folder / "model.onnx").write_bytes(model)
    recipe = (folder / "recipe.toml").read_text(encoding="utf-8")
    (folder / "recipe.toml").write_text(
        recipe.replace("[input]", '[input]\nframe = "face"').replace("shear = 0.2", "gamma = 0.3"),
        encoding="utf-8",
    )
    names = [sample.name for sample in samples if sample.label != TINTED]
    parts = {"train": ["utkface/none/a.jpg"], "validation": ["utkface/none/b.jpg"], "test": names}
    write_json(folder / "split.json", {"name": "eyewear", **parts, "leaks": audit})
    write_data(folder, kind="eyewear", path=photos, samples=len(samples))
    classifier = EyewearClassifier(model)
    measure(folder, classifier, samples, audit=audit)
    for part, sweep in (("robustness", measure_robustness), ("lenses", measure_lenses)):
        scored = [sample for sample in samples if sample.label != TINTED]
        result = sweep(classifier, scored[-3:])
        merge_part(folder / "eyewear.json", part, classifier=classifier, result=result)
    return folder


def write_data(run: Path, *, kind: str, path: Path | None, samples: int = 0) -> None:
    """Write down, as `gafas train` does, which data a run is of."""
    place = None if path is None else str(path)
    record = {"kind": kind, "path": place, "sha256": "0" * 64, "samples": samples}
    write_json(run / "data.json", record)


def change_evaluation(run: Path, changes: Mapping[str, Any]) -> None:
    """Replace entries of a run's evaluation."""
    path = run / "evaluation.json"
    write_json(path, {**json.loads(path.read_text(encoding="utf-8")), **changes})


def write_json(path: Path, content: Any) -> None:
    """Write JSON as the package does."""
    path.write_text(json.dumps(content), encoding="utf-8")


def _write_history(path: Path, history: Epochs) -> None:
    columns = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for number, values in enumerate(history, 1):
            cells = ["" if value is None else value for value in values]
            writer.writerow([number, *cells, 1e-4, 4.2 * number])


def make_benchmark(path: Path) -> Path:
    """Write a benchmark file: seed falls on new people, compact does not."""
    rows = [
        ("seed", "by_file", 0.957, 6_039_042),
        ("seed", "by_subject_5", 0.823, 6_039_042),
        ("compact", "by_file", 0.998, 122_000),
        ("compact", "leave_one_subject_out", 0.997, 122_000),
    ]
    entries = [
        {
            "recipe": recipe,
            "protocol": protocol,
            "trainings": 1,
            "parameters": parameters,
            "seconds_per_training": 431.2,
            "accuracy": {
                "value": value,
                "correct": round(1872 * value),
                "total": 1872,
                "wilson": [value - 0.01, min(1.0, value + 0.01)],
                "bootstrap_subjects": None,
            },
            "full_size": None,
            "last_ten_epochs": None,
        }
        for recipe, protocol, value, parameters in rows
    ]
    write_json(path, {"schema": 1, "entries": entries})
    return path
