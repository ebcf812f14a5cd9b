"""Answers of several runs for the CMU people, each person's by a run that has not met them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gafas.classifier import EyewearClassifier
from gafas.data import eyewear
from gafas.data.mixing import read_material
from gafas.errors import DataError
from gafas.evaluation.predictions import Row, predict_rows
from gafas.training.runs import read_run_recipe, read_run_split


def answer_folds(runs: Sequence[Path]) -> tuple[list[Row], list[dict[str, Any]]]:
    """Let every run answer for the people whom it has not met.

    Args:
        runs: of recipes of faces with `split.cmu = "fold"`, one for each fold.

    Returns:
        The answers, and of every run the model's hash, whom it was measured on, and its epochs.

    Raises:
        DataError: a folder is no run, photos are missing, or two runs leave out the same person.
    """
    rows: list[Row] = []
    models: list[dict[str, Any]] = []
    everybody: list[str] = []
    for run in runs:
        classifier = EyewearClassifier(run / "model.onnx")
        recipe = read_run_recipe(run)
        # What a run learnt from may have been declared unclear since.
        labels = (*eyewear.LEARNT, eyewear.UNCLEAR)
        material = read_material(recipe.split, scales=recipe.input.scales, labels=labels)
        split, _ = read_run_split(run, material)
        rows += predict_rows(classifier, split.test)
        people = sorted({s.subject for s in split.test if s.subject})
        everybody += people
        models.append(
            {"sha256": classifier.sha256, "people": people, "epochs": recipe.optimization.epochs}
        )
    if len(set(everybody)) < len(everybody) or not everybody:
        raise DataError(
            "Runs that leave CMU people out must each leave out others. Received runs that were "
            f"measured on {', '.join(everybody) or 'nobody'}. Name one run for each fold."
        )
    return rows, models
