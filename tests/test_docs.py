"""The documentation says what the code does: generated parts are fresh, and nothing is left out."""

import re
from pathlib import Path

import pytest
from tools import cli_page as CLI
from tools import docs as TOOL
from tools import photos as PHOTOS

from gafas.cli import app
from gafas.training.recipe import Recipe, make_recipe, write_recipe
from gafas.training.run import COLUMNS, MODEL_FILES
from gafas.weights import PINNED

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [
    *(ROOT / name for name in ("README.md", "README.es.md", "CHANGELOG.md", "MODEL_CARD.md")),
    *DOCS,
]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

shipped = pytest.mark.skipif("eyewear.onnx" not in PINNED, reason="no eyewear model is bundled")


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def read_without_code(path: Path) -> str:
    return re.sub(r"```.*?```", "", read(path), flags=re.DOTALL)


def test_each_readme_has_at_most_600_words() -> None:
    counts = {name: len(read(ROOT / name).split()) for name in TOOL.READMES.values()}
    assert len(counts) == 2
    assert max(counts.values()) <= 600, counts


@pytest.mark.parametrize(
    ("english", "spanish"),
    [
        ("README.md", "README.es.md"),
        ("docs/en/quickstart.md", "docs/es/primeros-pasos.md"),
        ("docs/en/experiment.md", "docs/es/experimento.md"),
        ("docs/how-to/sort.md", "docs/es/ordenar.md"),
        ("docs/how-to/tag.md", "docs/es/etiquetar.md"),
        ("docs/how-to/check.md", "docs/es/comprobar.md"),
        ("docs/how-to/serve.md", "docs/es/servicio.md"),
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
    assert len(commands(english)) > 2
    assert commands(english) == commands(spanish)


def test_every_command_has_an_example_outside_the_generated_page() -> None:
    text = "\n".join(read(path) for path in PAGES if path.name not in ("cli.md", "CHANGELOG.md"))
    names = [words for words, _, _ in CLI.list_commands(app)]
    assert {"predict", "selfcheck", "train"} <= set(names)
    assert [name for name in names if not re.search(rf"gafas {name}[\s`]", text)] == []


@shipped
@pytest.mark.parametrize("name", ["README.md", "README.es.md", "docs/how-to/recognize.md"])
def test_the_python_examples_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = re.findall(r"```python\n(.*?)```", read(ROOT / name), flags=re.DOTALL)
    assert len(examples) == 1
    person = next(path for path in PHOTOS.write_photos(tmp_path) if PHOTOS.WORN[path.name])
    wanted = set(re.findall(r'"(\w+\.jpg)"', examples[0]))
    assert wanted
    for photo in wanted:
        (tmp_path / photo).write_bytes(person.read_bytes())
    monkeypatch.chdir(tmp_path)
    exec(examples[0], {})
    assert PHOTOS.WORN[person.name][0] in capsys.readouterr().out


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
    pattern = r"environ(?:\.get\(|\[)\\?[\"']((?:GAFAS|CUADERNO)_[A-Z_]+)"
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
        page = read(goal) if goal.suffix == ".md" and goal.is_file() else ""
        titles = re.findall(r"^#+ (.+)$", page, flags=re.MULTILINE)
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
