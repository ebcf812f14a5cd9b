"""Advice to install more works where it is given: in a clone, after a wheel, from the index."""

import shlex
import subprocess
import venv
import zipfile
from pathlib import Path

import pytest

import gafas.installing
from gafas.installing import advise_install


def test_in_a_clone_the_advice_names_the_clone() -> None:
    clone = Path(__file__).parents[1]
    assert shlex.split(advise_install("train")) == ["pip", "install", "-e", f"{clone}[train]"]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an environment that holds the one module, and gafas as pip notes what it installed."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("[Ll]ib/**/site-packages")
    (site / "gafas").mkdir()
    (site / "gafas" / "__init__.py").touch()
    source = Path(gafas.installing.__file__).read_text()
    (site / "gafas" / "installing.py").write_text(source)
    (site / "gafas-0.1.0.dist-info").mkdir()
    (site / "gafas-0.1.0.dist-info" / "METADATA").write_text("Name: gafas\nVersion: 0.1.0\n")
    return folder


def ask(elsewhere: Path, note: str | None) -> str:
    (info,) = elsewhere.glob("**/gafas-0.1.0.dist-info")
    (info / "direct_url.json").unlink(missing_ok=True)
    if note is not None:
        (info / "direct_url.json").write_text(note)
    (python,) = [*elsewhere.glob("bin/python"), *elsewhere.glob("Scripts/python.exe")]
    code = "from gafas.installing import *; print(advise_install('train'))"
    done = subprocess.run(
        [python, "-I", "-c", code], capture_output=True, text=True, check=True, cwd=elsewhere
    )
    return done.stdout.strip()


def test_from_the_index_the_advice_names_the_index(elsewhere: Path, tmp_path: Path) -> None:
    from_index = "pip install 'gafas[train]'"
    assert ask(elsewhere, None) == from_index
    assert ask(elsewhere, "not json") == from_index
    gone = f'{{"url": "file://{tmp_path}/gone", "dir_info": {{}}}}'
    assert ask(elsewhere, gone) == from_index
    assert ask(elsewhere, '{"url": "https://example.org/gafas.whl"}') == from_index


def test_after_an_install_of_a_clone_or_a_wheel_the_advice_names_it(
    elsewhere: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "my gafas"
    clone.mkdir()
    note = f'{{"url": "{clone.as_uri()}", "dir_info": {{}}}}'
    assert ask(elsewhere, note) == f"pip install '{clone}[train]'"
    wheel = tmp_path / "gafas-0.1.0-py3-none-any.whl"
    zipfile.ZipFile(wheel, "w").close()
    note = f'{{"url": "{wheel.as_uri()}", "archive_info": {{}}}}'
    assert ask(elsewhere, note) == f"pip install '{wheel}[train]'"
