"""Where tests find real data and drawn people, and what lets tests run beside each other."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from drawn import draw_once

# How long an example takes says how busy the processor is; hanging ones meet the limit of a test.
hypothesis.settings.register_profile("patient", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("patient")

ONE_THREAD = ("OMP_NUM_THREADS", "TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS")


@pytest.hookimpl(optionalhook=True)  # of xdist, which -p no:xdist leaves out
def pytest_xdist_auto_num_workers() -> int:
    """Run as many tests side by side as there are cores to use, which `taskset` may limit."""
    from gafas.recognizer import count_cores

    return count_cores()


def pytest_configure(config: pytest.Config) -> None:
    """Where every core has tests of its own, let none of them start threads for all cores."""
    if config.getoption("numprocesses", default=None):
        for name in ONE_THREAD:
            os.environ.setdefault(name, "1")


def pytest_collection_finish() -> None:
    """Spare the collector what stays anyway: Keras asks it to go through all before a training."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the cache of whoever runs the tests out of them; all workers of a run share another."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAFAS_HOME", str(base / "home-of-all"))
        yield


def _folder(variable: str) -> Path:
    """Return the folder that a variable names; without it skip, but fail where all must run."""
    value = os.environ.get(variable)
    if value:
        return Path(value).resolve()
    if os.environ.get("GAFAS_NEED_DATA"):
        pytest.fail(f"set {variable}: with GAFAS_NEED_DATA no test on real data is passed over")
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
