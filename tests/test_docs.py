"""The documentation says what the code does: generated parts are fresh, and nothing is left out."""

import importlib.util
import json
import re
import types
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from gafas.cli import app
from gafas.data.writing import write_text
from gafas.errors import DataError
from gafas.evaluation.runfolder import MODEL_FILES
from gafas.training.history import COLUMNS
from gafas.training.recipe import Recipe, make_recipe, write_recipe
from gafas.weights import PINNED

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [
    *(ROOT / name for name in ("README.md", "README.es.md", "CHANGELOG.md", "MODEL_CARD.md")),
    *DOCS,
]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def load_tool() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("docs_tool", ROOT / "tools/docs.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOOL = load_tool()


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def read_without_code(path: Path) -> str:
    return re.sub(r"```.*?```", "", read(path), flags=re.DOTALL)


def write_benchmark(path: Path) -> None:
    accuracy = {"value": 0.8125, "correct": 13, "total": 16, "wilson": [0.57, 0.93]}
    entry = {
        "recipe": "seed",
        "protocol": "by_subject_5",
        "trainings": 5,
        "parameters": 1234567,
        "seconds_per_training": 600.0,
        "accuracy": {**accuracy, "bootstrap_subjects": None},
        "full_size": None,
    }
    write_text(path, json.dumps({"schema": 1, "entries": [entry]}))


def test_the_command_line_page_is_fresh() -> None:
    assert read(ROOT / "docs/cli.md") == TOOL.describe_cli(), "run `make docs`"


def test_the_model_card_is_fresh_and_about_the_weights_that_ship() -> None:
    sources = [ROOT / "benchmarks" / name for name in TOOL.CARD_SOURCES]
    card = read(ROOT / TOOL.CARD)
    assert card == TOOL.make_card(*sources), "run `make docs`"
    measured = json.loads(read(sources[0]))["model"]["sha256"]
    assert f"`{measured}`" in card
    shipped = PINNED.get("eyewear.onnx", measured)  # none ships yet, or it is the one measured
    assert measured == shipped, "run `gafas benchmark eyewear`, then `make docs`"


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_table_and_the_chart_of_each_readme_are_fresh(language: str, tmp_path: Path) -> None:
    benchmark = ROOT / "benchmarks/cmu.json"
    text = read(ROOT / TOOL.READMES[language])
    assert text == TOOL.fill(text, TOOL.make_table(benchmark, language)), "run `make docs`"
    TOOL.write_readme_figure(benchmark, tmp_path / "cmu.svg", language=language)
    # Path coordinates may differ in their last digits between versions of Matplotlib.
    assert read(ROOT / TOOL.FIGURES[language]).count("<use") == read(tmp_path / "cmu.svg").count(
        "<use"
    ), "run `make docs`"
    assert f"]({TOOL.FIGURES[language]})" in text


def test_a_table_gives_the_claim_and_every_entry_as_the_language_writes_numbers(
    tmp_path: Path,
) -> None:
    benchmark = tmp_path / "cmu.json"
    write_benchmark(benchmark)
    english = TOOL.make_table(benchmark, "en").splitlines()
    spanish = TOOL.make_table(benchmark, "es").splitlines()
    assert len(english) == len(spanish) == 4
    assert len({line.count("|") for line in english + spanish}) == 1
    assert "|90.1%|" in english[2]
    assert "81.2%" in english[3]
    assert "1,234,567" in english[3]
    assert "10\u202fmin" in english[3]
    assert "81,2\u202f%" in spanish[3]


def test_a_readme_without_marks_is_refused() -> None:
    filled = TOOL.fill(f"a {TOOL.BEGIN} old {TOOL.END} b", "new")
    assert filled == f"a {TOOL.BEGIN}\nnew\n{TOOL.END} b"
    with pytest.raises(DataError, match="marks"):
        TOOL.fill("no table here", "new")


def test_each_readme_has_at_most_600_words() -> None:
    counts = {name: len(read(ROOT / name).split()) for name in TOOL.READMES.values()}
    assert len(counts) == 2
    assert max(counts.values()) <= 600, counts


@pytest.mark.parametrize(
    ("english", "spanish"),
    [
        ("README.md", "README.es.md"),
        ("docs/en/quickstart.md", "docs/es/primeros-pasos.md"),
    ],
)
def test_both_languages_have_the_same_sections_and_the_same_commands(
    english: str, spanish: str
) -> None:
    def outline(name: str) -> list[str]:
        return re.findall(r"^(#+) ", read_without_code(ROOT / name), flags=re.MULTILINE)

    def commands(name: str) -> list[str]:
        blocks = re.findall(r"```console\n(.*?)```", read(ROOT / name), flags=re.DOTALL)
        lines = [line for block in blocks for line in block.splitlines()]
        return [" ".join(re.findall(r"make \w+|gafas \w+|--\w+", line)) for line in lines]

    assert len(outline(english)) > 4
    assert outline(english) == outline(spanish)
    # Spanish is the default language of reports, so only the other one names it.
    shared = [line.replace(" --language", "") for line in commands(english)]
    assert len(shared) > 4
    assert shared == commands(spanish)


def test_every_command_has_an_example_outside_the_generated_page() -> None:
    text = "\n".join(read(path) for path in PAGES if path.name not in ("cli.md", "CHANGELOG.md"))
    root: Any = get_command(app)
    names = list(root.commands)
    assert len(names) >= 7
    assert [name for name in names if not re.search(rf"gafas {name}\s", text)] == []


def test_every_recipe_key_is_documented_with_its_default() -> None:
    text = read(ROOT / "docs/recipe.md")
    rows = re.findall(r"^\| `([\w.]+)` \| `([^`]+)` \| \S", text, flags=re.MULTILINE)
    lines: dict[str, list[str]] = {}
    for key, default in rows:
        section, _, last = key.rpartition(".")
        lines.setdefault(section, []).append(f"{last} = {default}")
    page = "\n\n".join(
        "\n".join([f"[{section}]"] * bool(section) + found) for section, found in lines.items()
    )
    assert page + "\n" == write_recipe(Recipe())


def test_every_override_in_the_documentation_is_accepted() -> None:
    text = "\n".join(read(path) for path in PAGES)
    overrides = set(re.findall(r"--set (?:'([^']+)'|([\w.]+=[^\s`]+))", text))
    keys = {(quoted or plain).partition("=")[0] for quoted, plain in overrides}
    assert len(keys) > 4
    for key in keys:
        section, _, last = key.rpartition(".")
        default = getattr(Recipe(), section) if section else Recipe()
        value = getattr(default, last)
        make_recipe({section: {last: value}} if section else {last: value})


def test_every_file_and_column_of_a_run_is_documented() -> None:
    text = read(ROOT / "docs/run-folder.md")
    files = ("recipe.toml", "split.json", "environment.json", "history.csv", "network.json")
    expected = [*files, *MODEL_FILES, "evaluation.json", "predictions.csv", *COLUMNS]
    assert [name for name in expected if f"`{name}`" not in text] == []


def test_every_environment_variable_that_is_read_is_documented() -> None:
    pattern = r"environ(?:\.get\(|\[)\\?[\"']((?:GAFAS|CUADERNO)_[A-Z]+)"
    sources = [*(ROOT / "src").rglob("*.py"), *NOTEBOOKS]
    found = {name for path in sources for name in re.findall(pattern, read(path))}
    assert {"GAFAS_HOME", "GAFAS_CMU", "CUADERNO_RECETA"} <= found
    text = "\n".join(read(path) for path in DOCS)
    assert [name for name in sorted(found) if f"`{name}`" not in text] == []


def test_every_relative_link_leads_somewhere() -> None:
    links = [
        (path, target)
        for path in PAGES
        for target in re.findall(r"\]\(([^)\s]+)\)", read_without_code(path))
        if "://" not in target
    ]
    assert len(links) > 20
    broken = []
    for path, target in links:
        file, _, anchor = target.partition("#")
        goal = path.parent / file if file else path
        titles = re.findall(r"^#+ (.+)$", read(goal), flags=re.MULTILINE) if goal.is_file() else []
        anchors = [re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles]
        if not goal.exists() or (anchor and anchor not in anchors):
            broken.append(f"{path.name} -> {target}")
    assert broken == []


def test_every_page_can_be_reached_from_a_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md", ROOT / "README.es.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        for target in re.findall(r"\]\(([^)#\s]+\.md)", read(page)):
            goal = (page.parent / target).resolve()
            if "://" not in target and goal not in reached:
                waiting.append(goal)
    assert [path.name for path in DOCS if path not in reached] == []
