import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import pytest

import gafas

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(gafas.__path__, "gafas.")
    if not module.name.endswith("__main__")
)
SOURCES = sorted((ROOT / "src" / "gafas").rglob("*.py"))

HEAVY = (
    "fastapi",
    "imagehash",
    "jinja2",
    "keras",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "optuna",
    "pooch",
    "ray",
    "scipy",
    "sklearn",
    "tensorflow",
)


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_all_is_what_is_public() -> None:
    public = {
        n for n, v in vars(gafas).items() if not n.startswith("_") and not inspect.ismodule(v)
    }
    assert public - {"TYPE_CHECKING", "Any"} <= set(gafas.__all__)
    assert sorted(gafas.__all__) == list(gafas.__all__)


def test_importing_gafas_is_light() -> None:
    code = f"import sys, gafas; print([m for m in {HEAVY} if m in sys.modules])"
    told = python(code)
    assert (told.returncode, told.stdout.strip(), told.stderr) == (0, "[]", "")


def test_importing_gafas_takes_less_than_0_3_seconds_of_work() -> None:
    code = (
        "import time; began = time.process_time(); import gafas; print(time.process_time() - began)"
    )
    # Processor time, not wall time: another process on the machine must not fail this.
    assert min(float(python(code).stdout) for _ in range(3)) < 0.3


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["train", "--help"]])
def test_version_and_help_import_nothing_heavy(arguments: list[str]) -> None:
    code = f"""
import sys
from gafas.cli import main
try:
    main()
finally:
    print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr)
"""
    told = python(code, *arguments)
    assert (told.returncode, told.stderr.strip()) == (0, "[]")
    assert told.stdout.strip()


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert gafas.__version__ == project["version"]


def test_there_are_modules_to_look_at() -> None:
    assert len(MODULES) > 30
    assert len(SOURCES) > 30


@pytest.mark.parametrize("name", MODULES)
def test_every_module_and_every_public_name_in_it_is_documented(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__, name
    own = {
        n: v
        for n, v in vars(module).items()
        if not n.startswith("_")
        and (inspect.isclass(v) or inspect.isfunction(v))
        and v.__module__ == name
    }
    assert [n for n, v in own.items() if not inspect.getdoc(v)] == []


def test_no_module_prints_or_swallows_every_exception() -> None:
    caught = [
        (path.name, node.lineno)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print")
        or (isinstance(node, ast.ExceptHandler) and node.type is None)
    ]
    assert caught == []


def test_warnings_are_errors() -> None:
    pytest_settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert pytest_settings["tool"]["pytest"]["ini_options"]["filterwarnings"][0] == "error"
    with pytest.raises(UserWarning):
        warnings.warn("this must stop a test", UserWarning, stacklevel=1)


def test_only_one_function_asks_how_many_cores_there_are() -> None:
    package = Path(gafas.__file__).parent
    asking = [path.name for path in package.rglob("*.py") if "cpu_count()" in path.read_text()]
    assert asking == ["recognizer.py"]  # it heeds `taskset` and containers
