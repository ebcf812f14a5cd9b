"""The page about the house and the one for contributors say what is so."""

import ast
import graphlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gafas.training.recipe import Recipe, write_recipe

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "gafas"
HOUSE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def list_rooms() -> list[tuple[str, str]]:
    """Return room and module in the order of the page's table."""
    rooms, room = [], ""
    for line in HOUSE.split("## Rooms")[1].split("## Ways")[0].splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 5 and "`" in cells[2]:
            room = cells[1].strip("`") or room
            rooms += [(room, module) for module in re.findall(r"`(\w+)`", cells[2])]
    return rooms


def list_modules() -> set[tuple[str, str]]:
    """Return room and module of every file but the doors of packages."""
    parts = (path.relative_to(PACKAGE).with_suffix("").parts for path in PACKAGE.rglob("*.py"))
    return {(part[0] if part[1:] else "gafas", part[-1]) for part in parts if part[-1][0] != "_"}


def read_imports(path: Path) -> Iterator[str]:
    """Return the modules of gafas that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gafas"):
            for name in node.names:
                yield f"{node.module}.{name.name}"


def test_the_page_names_every_module_and_no_other() -> None:
    rooms = list_rooms()
    assert len(rooms) > 50
    assert len(set(rooms)) == len(rooms)
    assert set(rooms) == list_modules()


def test_a_module_imports_only_from_its_room_and_from_above() -> None:
    rooms = list_rooms()
    upwards = []
    for place, (room, module) in enumerate(rooms):
        path = PACKAGE / f"{module}.py" if room == "gafas" else PACKAGE / room / f"{module}.py"
        allowed = {f"gafas.{r}.{m}" if r != "gafas" else f"gafas.{m}" for r, m in rooms[:place]}
        own = f"gafas.{room}." if room != "gafas" else "-"
        for imported in read_imports(path):
            known = any(imported == name or imported.startswith(f"{name}.") for name in allowed)
            if not (known or imported.startswith(own)):
                upwards.append(f"{room}.{module} imports {imported}")
    assert upwards == []


def test_no_module_imports_itself_by_a_detour() -> None:
    modules = {
        path: f"gafas.{'.'.join(path.relative_to(PACKAGE).with_suffix('').parts)}"
        for path in PACKAGE.rglob("*.py")
    }
    needs = {
        name: {
            other
            for imported in read_imports(path)
            for other in modules.values()
            if f"{imported}.".startswith(f"{other}.")
        }
        for path, name in modules.items()
    }
    assert len(list(graphlib.TopologicalSorter(needs).static_order())) == len(modules)


def test_nobody_imports_the_commands() -> None:
    files = [path for path in PACKAGE.rglob("*.py") if path.parent.name != "cli"]
    assert len(files) > 50
    assert not [path for path in files if any("gafas.cli" in name for name in read_imports(path))]


def test_what_contributors_are_sent_to_is_there() -> None:
    paths = re.findall(r"`((?:src|docs|tests|\.github)/[^`…]+)`", CONTRIBUTING)
    assert len(paths) > 15
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_what_contributors_are_told_to_make_can_be_made() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", makefile, flags=re.MULTILINE))
    told = set(re.findall(r"`make ([\w-]+)`", CONTRIBUTING))
    assert len(told) > 10
    assert told <= targets


def test_every_recipe_key_is_set_by_a_recipe() -> None:
    recipes = [path.read_text("utf-8") for path in PACKAGE.glob("training/recipes/*.toml")]
    known = _list_keys(write_recipe(Recipe()))
    assert len(known) > 30
    unset = known - set().union(*map(_list_keys, recipes))
    assert unset == {"split.seed"}  # which tells the luck of a split: for `--set`


def _list_keys(recipe: str) -> set[str]:
    sections = tomllib.loads(recipe).items()
    return {f"{name}.{key}" for name, held in sections if isinstance(held, dict) for key in held}


@pytest.mark.parametrize("version", ["pyproject.toml", "CITATION.cff", "CHANGELOG.md"])
def test_the_version_is_the_same_everywhere(version: str) -> None:
    text = (ROOT / version).read_text(encoding="utf-8")
    found = re.search(r"^(?:version = \"|version: |## \[)(\d+\.\d+\.\d+)", text, flags=re.MULTILINE)
    project = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert found is not None
    assert project is not None
    assert found[1] == project[1]
