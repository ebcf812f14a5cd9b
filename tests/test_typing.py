"""Whoever checks types sees those of gafas, not Any, in the examples that the pages give."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gafas

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "README.es.md", "docs/how-to/recognize.md")
WRONG = """
from gafas import Recognizer, recognize

reveal_type(recognize("photo.jpg")[0].probability)
reveal_type(next(iter(Recognizer(providers=["cpu"]).recognize_many([b""]))).faces)
Recognizer(threshold="yes")
recognize("photo.jpg").label
"""


def check(folder: Path, **texts: str) -> subprocess.CompletedProcess[str]:
    """Have mypy judge programs in a folder that knows nothing of this repository."""
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    words = ["--strict", "--no-error-summary", "--no-color-output", "--config-file=", "."]
    return subprocess.run(
        [sys.executable, "-m", "mypy", *words],
        cwd=folder,
        # Where this very package lies, as an installation tells.
        env={**os.environ, "PYTHONPATH": str(Path(gafas.__path__[0]).parent)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    examples = {
        re.sub(r"\W", "_", page): "\n".join(
            re.findall(r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), flags=re.DOTALL)
        )
        for page in PAGES
    }
    assert all("from gafas import" in example for example in examples.values())
    return check(tmp_path_factory.mktemp("elsewhere"), **examples, wrong=WRONG)


def test_the_examples_of_the_pages_pass_the_strictest_check(
    told: subprocess.CompletedProcess[str],
) -> None:
    assert told.stderr == ""
    assert [line for line in told.stdout.splitlines() if not line.startswith("wrong.py")] == []


def test_types_are_seen_and_mistakes_told(told: subprocess.CompletedProcess[str]) -> None:
    lines = [line for line in told.stdout.splitlines() if line.startswith("wrong.py")]
    expected = [
        r'4: note: Revealed type is "(builtins\.)?float"',
        r'5: note: Revealed type is ".*gafas\.results\.Prediction.*"',
        r'6: error: Argument "threshold" to "Recognizer" has incompatible type "str"',
        r'7: error: "Recognition" has no attribute "label"',
    ]
    assert len(lines) == len(expected)
    for line, wanted in zip(lines, expected, strict=True):
        assert re.match(f"wrong.py:{wanted}", line), line
