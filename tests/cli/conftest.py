"""The command line in this process, and a folder with photos, a recipe and its run."""

import logging
import sys
from pathlib import Path

import pytest

from command_line import Call, Told
from gafas.cli import main
from gafas.training.recipe import write_recipe
from tiny_data import make_faces, tiny_recipe


@pytest.fixture
def gafas(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Return a function that runs the command line in this process, as `gafas …` would."""
    monkeypatch.setenv("COLUMNS", "400")

    def call(*arguments: object) -> Told:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["gafas", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
        out, err = capfd.readouterr()
        logging.getLogger("gafas").setLevel(logging.NOTSET)  # -q is for one command, not for us
        return Told(code, out, err)

    return call


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with CMU-like photos, a recipe, and the run that the command makes of it."""
    home = tmp_path_factory.mktemp("home")
    make_faces(home / "cmu")
    recipe = tiny_recipe(optimization={"epochs": 2})
    (home / "tiny.toml").write_text(write_recipe(recipe), encoding="utf-8")
    return home


@pytest.fixture
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GAFAS_CMU", str(home / "cmu"))
    monkeypatch.chdir(home)
    return home


@pytest.fixture(scope="session")
def run(home: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAFAS_CMU", str(home / "cmu"))
        patch.setattr(sys, "argv", ["gafas", "train", f"{home}/tiny.toml", f"{home}/run"])
        with pytest.raises(SystemExit) as stop:
            main()
    assert stop.value.code == 0
    return home / "run"
