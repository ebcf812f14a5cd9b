"""Where the tests on real data find it, and those on drawn people."""

import os
from pathlib import Path

import pytest

from drawn import draw_once


def _folder(variable: str) -> Path:
    """Return the folder that a variable names; without it skip, but in CI fail."""
    value = os.environ.get(variable)
    if value:
        return Path(value).resolve()
    if os.environ.get("CI"):
        pytest.fail(f"{variable} must be set in CI, so that tests on real data run there")
    pytest.skip(f"set {variable} to run the tests on real data")


@pytest.fixture(scope="session")
def cmu() -> Path:
    """Return the folder that holds the CMU photos (`faces/`) and the official lists."""
    return _folder("GAFAS_CMU")


@pytest.fixture(scope="session")
def eyewear() -> Path:
    """Return the folder that holds the labelled eyewear sets."""
    return _folder("GAFAS_EYEWEAR")


@pytest.fixture(scope="session")
def drawn_people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of drawn people, laid out as CMU's; tests leave it as it is."""
    return draw_once(tmp_path_factory)
