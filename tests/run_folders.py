"""Small run folders whose evaluation is real: the brightness model on photos made here."""

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from PIL import Image

from brightness_model import METADATA, brightness_model
from eyewear_model import eyewear_model, make_sets
from gafas.classifier import EyewearClassifier
from gafas.datasets.eyewear import read_samples
from gafas.datasets.leaks import LeakReport
from gafas.datasets.samples import EYEWEAR_LABELS, TINTED, Sample
from gafas.datasets.splits import Protocol, SplitPlan
from gafas.evaluation.evaluate import evaluate, write_evaluation
from gafas.evaluation.predictions import predict_rows
from gafas.training.recipe import (
    Augmentation,
    Input,
    Network,
    Optimization,
    Recipe,
    write_recipe,
)
from gafas.training.run import Epoch, write_history

PEOPLE = ("ann", "bob", "cy", "dee")
SIZES = {"full": "", "half": "_2", "quarter": "_4"}

RECIPE = Recipe(
    seed=7,
    split=SplitPlan(validation_share=0.0),
    network=Network(architecture="seed", filters=(64, 128), dropout=0.7),
    augmentation=Augmentation(rotation=30.0, shift=0.2, shear=0.2, zoom=0.2, flip=True),
    optimization=Optimization(learning_rate=1e-4, epochs=30),
)

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
    protocol: Protocol = "by_file",
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
    plan = dataclasses.replace(RECIPE.split, protocol=protocol)
    name = re.sub(r"\W", "_", folder.name.split("-")[0])
    recipe = dataclasses.replace(RECIPE, name=name, split=plan)
    (folder / "recipe.toml").write_text(write_recipe(recipe), encoding="utf-8")
    place = Path(str(samples[0].path).removesuffix(samples[0].name))
    write_data(folder, kind=kind, path=place, samples=len(samples))
    names = [sample.name for sample in samples]
    split = {"name": protocol, "train": ["zed/zed_up_sad_open.pgm"], "test": names}
    split["validation"] = names if protocol == "by_file" else ["yan/yan_up_sad_open.pgm"]
    write_json(folder / "split.json", {**split, "leaks": audit})
    write_json(folder / "network.json", _LAYERS)
    versions = {"python": "3.12.1", "keras": "3.13.0", "tensorflow": "2.20.0", "numpy": "2.3.0"}
    write_json(folder / "environment.json", {**versions, "cpu_count": 2, "seconds": 431.7})
    epochs = enumerate(history or falling(), 1)
    rows = [make_epoch(number, values) for number, values in epochs]
    write_history(tuple(rows), folder / "history.csv")
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


def make_face_run(folder: Path, photos: Path, *, weights: Literal["", "eyewear"] = "") -> Path:
    """Write a finished run of a model of faces on utkface-like scenes."""
    people = ["none/25_0_0_2017001", "none/26_1_1_2017002", "none/70_0_2_2017003"]
    worn = ["eyeglasses/25_0_0_2017004", "sunglasses/31_1_3_2017005", "eyeglasses/60_1_2_2017006"]
    make_sets(photos, {"utkface": [*people, *worn, "tinted_ambiguous/25_0_0_2017007"]})
    samples = read_samples(photos, sets=("utkface",), labels=(*EYEWEAR_LABELS, TINTED))
    audit = {**leaks(len(samples)), "subjects_known": False}
    make_run(folder, make_photos(photos / "cmu"), protocol="by_photo", audit=audit)
    model = eyewear_model()
    (folder / "model.onnx").write_bytes(model)
    recipe = Recipe(
        name="eyewear",
        labels=EYEWEAR_LABELS,
        input=Input(view="face", width=96, height=96, colour="rgb"),
        network=Network(weights=weights),
        augmentation=Augmentation(gamma=0.3),
    )
    (folder / "recipe.toml").write_text(write_recipe(recipe), encoding="utf-8")
    names = [sample.name for sample in samples if sample.label != TINTED]
    parts = {"train": ["utkface/none/a.jpg"], "validation": ["utkface/none/b.jpg"], "test": names}
    write_json(folder / "split.json", {"name": "eyewear", **parts, "leaks": audit})
    write_data(folder, kind="eyewear", path=photos, samples=len(samples))
    classifier = EyewearClassifier(model)
    measure(folder, classifier, samples, audit=audit)
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


def make_epoch(number: int, values: tuple[float, float, float | None, float | None]) -> Epoch:
    """Return an epoch with its loss, accuracy and both again on the watched part."""
    loss, accuracy, val_loss, val_accuracy = values
    return Epoch(
        epoch=number,
        loss=loss,
        accuracy=accuracy,
        val_loss=val_loss,
        val_accuracy=val_accuracy,
        learning_rate=1e-4,
        seconds=4.2 * number,
    )


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
