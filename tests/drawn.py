"""People drawn once for all tests that need photos of people, poses and sizes."""

import os
import time
from pathlib import Path

import pytest

from gafas.datasets.drawn import draw_people, is_drawn

_PATIENCE = 120  # seconds until a worker that draws is taken for dead


def draw_once(factory: pytest.TempPathFactory) -> Path:
    """Draw the people of seed 0 where all workers of a test run find them."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "drawn_people"
    try:
        folder.with_suffix(".claimed").touch(exist_ok=False)
    except FileExistsError:
        patient_until = time.monotonic() + _PATIENCE
        while not is_drawn(folder) and time.monotonic() < patient_until:
            time.sleep(0.2)
    return draw_people(folder)  # nothing is left to do for all but one
