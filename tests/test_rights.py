"""What the weights may be used for is said alike wherever somebody looks for it."""

import functools
import hashlib
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tools import ship as SHIP

from eyewear_model import eyewear_model
from face_photos import CHECK, face_model
from gafas.errors import ModelError
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


def ship(
    package: Path, kind: str, *, sets: str | None, make: Callable[..., bytes] = eyewear_model
) -> None:
    """Ship a model that says from which sets it learnt; gafas 0.1 did not say."""
    run = package / "runs" / kind
    data = {"split": "eyewear"} | ({"sets": sets} if sets else {})
    write_bytes(run / "model.onnx", make(data=data))
    for name in SHIP.KEPT:
        write_text(run / name, name)
    SHIP.ship(run, kind)


def read_words(package: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the hashes of the files, and the words for them, that a module of weights holds."""
    module: dict[str, Any] = {"__file__": "weights.py", "__name__": "weights"}
    exec(read(package / "src/gafas/weights.py"), module)
    return module["PINNED"], module["NAMED"]


SETS = {"free": "free", "research": "all"}


@pytest.mark.parametrize("kind", ["free", "research"])
@pytest.mark.parametrize("default", ["free", "research"])
def test_a_model_is_put_beside_its_pin_its_word_and_its_licence(
    kind: str, default: str, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SHIP, "DEFAULT", default)
    ship(package, kind, sets=SETS[kind])
    name = "eyewear.onnx" if kind == default else f"eyewear-{kind}.onnx"
    pins, words = read_words(package)
    assert read_kinds(SHIP.MODELS)[name] == kind
    assert pins[name] == hashlib.sha256((SHIP.MODELS / name).read_bytes()).hexdigest()
    assert pins["retinaface.onnx"] == PINNED["retinaface.onnx"]
    assert words[kind] == name
    assert list(words.values()).count(name) == 1
    card = read((SHIP.MODELS / name).with_suffix(".md"))
    assert SHIP.LICENCES[kind][0] in card
    assert pins[name] in card
    assert read(package / f"benchmarks/runs/{kind}/recipe.toml") == "recipe.toml"


@pytest.mark.parametrize("first", ["free", "research"])
def test_where_the_default_changes_nothing_is_left_of_the_names_of_before(
    first: str, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("research", "free"):
        ship(package, kind, sets=SETS[kind])
    assert sorted(path.name for path in SHIP.MODELS.glob("*.onnx")) == [
        "eyewear-free.onnx",
        "eyewear.onnx",
    ]
    monkeypatch.setattr(SHIP, "DEFAULT", "free")
    for kind in sorted(SETS, key=lambda kind: kind != first):
        ship(package, kind, sets=SETS[kind])
    expected = {"free": "eyewear.onnx", "research": "eyewear-research.onnx"}
    pins, words = read_words(package)
    assert words == expected
    assert sorted(pins) == sorted([*expected.values(), "retinaface.onnx"])
    assert read_kinds(SHIP.MODELS) == {name: kind for kind, name in expected.items()}
    left = {path.name for path in SHIP.MODELS.iterdir()} - {"LICENSE.md"}
    assert left == {
        f"{Path(name).stem}.{end}" for name in expected.values() for end in ("md", "onnx")
    }


@pytest.mark.parametrize(("kind", "sets"), [("free", "all"), ("free", None), ("research", "free")])
def test_weights_that_learnt_from_other_photos_are_not_shipped_as_a_kind(
    kind: str, sets: str | None, package: Path
) -> None:
    before = read_words(package)
    with pytest.raises(ModelError, match=rf"Cannot ship the model as '{kind}'.*{sets}"):
        ship(package, kind, sets=sets)
    assert not list(SHIP.MODELS.glob("*.onnx"))
    assert read_words(package) == before


def test_a_model_that_does_not_say_what_it_learnt_from_is_for_research(package: Path) -> None:
    ship(package, "research", sets=None)
    assert read_kinds(SHIP.MODELS)["eyewear.onnx"] == "research"


def test_the_card_of_a_file_lists_what_comes_out_of_it(package: Path) -> None:
    ship(package, "research", sets="all")
    card = read(SHIP.MODELS / "eyewear.md")
    assert (
        "\n- `probabilities`, `(N, 3)`: calibrated: none, eyeglasses, sunglasses; under 0.400 "
        in card
    )
    assert "`not_a_face`" not in card
    assert "**Faces**" not in card
    check = {**CHECK, "cut": 0.321}
    ship(package, "research", sets="all", make=functools.partial(face_model, face_check=check))
    card = read(SHIP.MODELS / "eyewear.md")
    assert "\n- `not_a_face`, `(N, 1)`: how likely the crop shows no face" in card
    assert "detector gives 0.1 or more" in card
    assert "less than 0.32 is no face" in card
