"""What the weights may be used for is said alike wherever somebody looks for it."""

import re
import tomllib
from pathlib import Path

import pytest
from tools import ship as SHIP

from eyewear_model import eyewear_model
from gafas.files import write_bytes, write_text
from gafas.weights import FOLDER, PINNED

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = sorted(name for name in PINNED if name.startswith("eyewear"))
CLOSED = {"README.md": "not for commercial use", "README.es.md": "no son para uso comercial"}


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def read_kinds(folder: Path) -> dict[str, str]:
    """Return the kind of weights of every file that the licence of the model files names."""
    rows = re.findall(r"^\| `(eyewear.*?)` \| (\w+) \| (.+) \|$", read(folder / "LICENSE.md"), re.M)
    assert all(SHIP.LICENCES[kind][1] == commercial for _, kind, commercial in rows)
    return {name: kind for name, kind, _ in rows}


def test_the_licence_tells_of_every_file_what_its_card_tells() -> None:
    kinds = read_kinds(FOLDER)
    assert sorted(kinds) == SHIPPED
    for name, kind in kinds.items():
        card = read((FOLDER / name).with_suffix(".md"))
        assert f"| weights | {kind} |\n| licence | {SHIP.LICENCES[kind][0]} |" in card
    assert "| `retinaface.onnx` |" in read(FOLDER / "LICENSE.md")


def test_pages_and_package_tell_the_same_of_the_default() -> None:
    kind = read_kinds(FOLDER)["eyewear.onnx"]
    assert kind == SHIP.DEFAULT
    assert f"| licence | {kind} weights: " in read(ROOT / "MODEL_CARD.md")
    for name, words in CLOSED.items():
        assert (words in read(ROOT / name)) == (kind == "research"), name


def test_the_package_declares_the_terms_of_all_that_it_holds() -> None:
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
    term = "LicenseRef-gafas-research-weights"
    assert (term in project["license"]) == ("research" in read_kinds(FOLDER).values())
    assert f"`{term}`" in read(FOLDER / "LICENSE.md")
    assert [name for name in project["license-files"] if not (ROOT / name).is_file()] == []


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a place like the repository, into which models can be put."""
    models = tmp_path / "src/gafas/models"
    write_text(tmp_path / "src/gafas/weights.py", read(ROOT / "src/gafas/weights.py"))
    write_text(models / "LICENSE.md", read(FOLDER / "LICENSE.md"))
    monkeypatch.setattr(SHIP, "ROOT", tmp_path)
    monkeypatch.setattr(SHIP, "MODELS", models)
    return tmp_path


@pytest.mark.parametrize("kind", ["free", "research"])
@pytest.mark.parametrize("default", ["free", "research"])
def test_a_model_is_put_beside_its_pin_and_its_licence(
    kind: str, default: str, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SHIP, "DEFAULT", default)
    run = package / "runs/eyewear"
    write_bytes(run / "model.onnx", eyewear_model())
    for name in SHIP.KEPT:
        write_text(run / name, name)
    SHIP.ship(run, kind)
    name = "eyewear.onnx" if kind == default else f"eyewear-{kind}.onnx"
    assert read_kinds(SHIP.MODELS)[name] == kind
    assert len(re.findall(rf'"{name}": "\w{{64}}"', read(package / "src/gafas/weights.py"))) == 1
    assert SHIP.LICENCES[kind][0] in read((SHIP.MODELS / name).with_suffix(".md"))
    assert read(package / "benchmarks/runs/eyewear/recipe.toml") == "recipe.toml"
