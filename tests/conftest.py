"""Where the tests on real data find it."""

import os
from pathlib import Path

import pytest


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
