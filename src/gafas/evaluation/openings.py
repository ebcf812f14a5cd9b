"""The record of how often a test set was opened, by which model, and what it gave."""

import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gafas.classifier import EyewearClassifier
from gafas.data.writing import write_text
from gafas.errors import DataError
from gafas.evaluation.runfolder import read_json


def begin_opening(path: Path, name: str, *, classifier: EyewearClassifier) -> int:
    """Write down that a model opens a test set, and return the opening's number, from 1.

    It is written before the set is read: an opening that fails halfway has still been one.

    Args:
        path: the record, made if it is not there.
        name: of the test set.
        classifier: the model that opens it.

    Raises:
        DataError: the record cannot be read, so that nothing may be added to it.
        OSError: it cannot be written.
    """
    openings = read_openings(path)
    number = 1 + len([opening for opening in openings if opening["set"] == name])
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    about = {"set": name, "number": number, "date": today, "model_sha256": classifier.sha256}
    _write(path, [*openings, {**about, "results": None}])
    return number


def finish_opening(path: Path, name: str, *, number: int, results: Mapping[str, Any]) -> None:
    """Write down what an opening gave."""
    openings = read_openings(path)
    for opening in openings:
        if (opening["set"], opening["number"]) == (name, number):
            opening["results"] = dict(results)
    _write(path, openings)


def read_openings(path: Path) -> list[dict[str, Any]]:
    """Read the record; there is none before the first opening.

    Returns:
        For each opening `set`, `number`, `date`, `model_sha256` and `results`, which are None if
        it did not come to its end.

    Raises:
        DataError: the file is no such record.
    """
    if not path.exists():
        return []
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("openings"), list):
        raise DataError(
            f"{path} is no record of openings: expected a JSON object with 'openings'. Restore it: "
            "it must never be begun anew."
        )
    return list(content["openings"])


def _write(path: Path, openings: list[dict[str, Any]]) -> None:
    content = {"schema": 1, "openings": openings}
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
