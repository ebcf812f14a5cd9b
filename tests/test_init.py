"""`import gafas` is light, and offers what it says."""

import subprocess
import sys

import pytest

import gafas

HEAVY = {"onnxruntime", "numpy", "PIL", "keras", "ray", "fastapi", "matplotlib", "sklearn"}


def imported_by(statement: str) -> list[str]:
    code = f"{statement}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_importing_gafas_imports_nothing_heavy() -> None:
    assert not HEAVY & set(imported_by("import gafas"))


def test_help_needs_nothing_but_the_base_installation() -> None:
    statement = "from typer.testing import CliRunner; from gafas.cli import app; "
    statement += "assert 'predict' in CliRunner().invoke(app, ['--help']).output"
    assert not {"onnxruntime", "numpy", "PIL", "keras", "starlette", "jinja2"} & set(
        imported_by(statement)
    )


def test_every_promised_name_is_there_and_no_more_than_sixteen() -> None:
    assert 0 < len(gafas.__all__) <= 16
    assert [name for name in gafas.__all__ if not hasattr(gafas, name)] == []
    assert set(gafas.__all__) <= set(dir(gafas))


def test_an_unknown_name_is_refused_as_by_any_module() -> None:
    with pytest.raises(AttributeError, match="no attribute 'recognise'"):
        gafas.recognise  # noqa: B018
