"""Measure how many wrong labels `gafas audit` finds: benchmarks/audit.json.

Run it by `make benchmark-audit`; it needs GAFAS_EYEWEAR. One in twenty labels of photos that a
bundled model has not learnt from is made wrong at random: of the held-out fifths for the research
weights, of whole sets for the free ones. Both ways of judging are asked: the model itself, and
heads that learn the labels, wrong ones among them, as they do where labels are one's own. The sets'
own labels are not beyond doubt: a suspect that was not planted counts as false.
"""

import dataclasses
import logging
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from gafas.classifier import EyewearClassifier
from gafas.datasets import eyewear
from gafas.datasets.samples import EYEWEAR_LABELS
from gafas.errors import GafasError
from gafas.evaluation.audit import Floats, Numbers, rank_suspects
from gafas.files import write_json
from gafas.training.features import Features, group, read_features
from gafas.training.heads import Examples, fit_parts, predict_outside
from gafas.weights import read_model

HELD_OUT: Final = ("utkface", "fairface")
"""The sets whose test parts the research weights judge."""

WHOLE: Final = ("web", "meglass", "glint", "speakers", "athletes")
"""The sets that the free weights judge."""

PLANTED: Final = 0.05
SEEDS: Final = (0, 1, 2)
LOOKED_AT: Final = 0.1
"""The share of photos whose suspects are looked at where recall is measured."""

LEAST: Final = 12
"""A label of which a set has fewer photos is left out there."""

TARGET: Final = Path(__file__).with_suffix(".json")

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Recovered:
    """What one way of judging recovers in one set, over all seeds.

    Attributes:
        photos: of the set, in which a face is found, once for each seed.
        planted: how many labels were made wrong.
        first: of the first so many suspects, those that were planted.
        tenth: of those planted, how many are among the first tenth of all photos.
        suspects: how many photos are called suspects.
        suspects_right: of these, those that were planted.
    """

    source: str
    model: str
    by_model: bool
    photos: int
    planted: int
    first: int
    tenth: int
    suspects: int
    suspects_right: int


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """What `benchmarks/audit.json` holds; `models` are the SHA-256 of the files, by name."""

    models: Mapping[str, str]
    seeds: int
    share: float
    rows: tuple[Recovered, ...]


def main() -> int:
    """Plant wrong labels in every set, look for them in both ways, and write down what is found."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    _log.setLevel(logging.INFO)
    models = {name: EyewearClassifier(read_model(name)) for name in ("research", "free")}
    asked = [*((name, "research") for name in HELD_OUT), *((name, "free") for name in WHOLE)]
    try:
        rows = [
            recover(name, model, features, by_model=by_model)
            for name, model in asked
            for features in [read_set(name, models[model])]
            for by_model in (True, False)
        ]
    except GafasError as error:
        _log.error("%s", error)
        return 1
    hashes = {name: classifier.sha256 for name, classifier in models.items()}
    write_json(TARGET, Figures(hashes, len(SEEDS), PLANTED, tuple(rows)))
    return 0


def read_set(name: str, classifier: EyewearClassifier) -> Features:
    """Read the features of a set's photos, or of its test part, without labels too rare."""
    samples = eyewear.read_samples(sets=(name,), labels=EYEWEAR_LABELS)
    if name in HELD_OUT:
        samples = eyewear.part(samples).test
    counts = {label: sum(one.label == label for one in samples) for label in EYEWEAR_LABELS}
    return read_features([one for one in samples if counts[one.label] >= LEAST], classifier)


def recover(source: str, model: str, features: Features, *, by_model: bool) -> Recovered:
    """Plant wrong labels by every seed and count how many of them are found."""
    borne = {sample.label for sample in features.samples}
    labels = [label for label in features.labels if label in borne]
    truth = np.array([labels.index(sample.label) for sample in features.samples], np.intp)
    groups, count = group(features.samples), len(truth)
    columns = [features.labels.index(label) for label in labels]
    totals = np.zeros(5, int)
    for seed in SEEDS:
        planted, wrong = plant(truth, len(labels), seed=seed)
        probabilities: Floats = features.probabilities[:, 0, columns]
        if not by_model:
            examples = Examples(features.values, planted, groups)
            probabilities = predict_outside(examples, fit_parts(examples))
        order, suspected = rank_suspects(probabilities, planted)
        suspects = int((suspected >= 0).sum())
        parts = len(wrong), math.ceil(LOOKED_AT * count), suspects
        found = [int(np.isin(order[:first], wrong).sum()) for first in parts]
        totals += [len(wrong), found[0], found[1], suspects, found[2]]
    row = Recovered(source, model, by_model, len(SEEDS) * count, *totals.tolist())
    _log.info("%s", row)
    return row


def plant(truth: Numbers, labels: int, *, seed: int) -> tuple[Numbers, Sequence[int]]:
    """Return the labels with some made wrong, and the places of those."""
    generator = np.random.default_rng(seed)
    wrong = generator.permutation(len(truth))[: round(PLANTED * len(truth))]
    planted = truth.copy()
    planted[wrong] = (truth[wrong] + generator.integers(1, labels, len(wrong))) % labels
    return planted, wrong.tolist()


if __name__ == "__main__":
    sys.exit(main())
