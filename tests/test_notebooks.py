"""The two notebooks run from top to bottom, twice, and leave what the original left."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
DEVELOP, TRY = "modeloClasificacionImagenes.ipynb", "ProbarModelo.ipynb"
MODEL, LABELS = "modeloDeReconocimientoDeGafasDeSol.keras", "label_encoder.npy"
LEFT = [LABELS, "modeloDeReconocimientoDeGafasDeSol.h5", MODEL]
DRAWN = "personas dibujadas, no fotografías"

# Networks so small that they train in a moment.
SHORT = "network.filters=[4,8] network.dense=8 optimization.epochs=2 optimization.batch_size=16"

PEOPLE = ("ana", "bea", "coro", "dora", "eva", "fe")

VARIABLES = (
    "GAFAS_CMU",
    "GAFAS_HOME",
    "CUADERNO_RECETA",
    "CUADERNO_FOTOS",
    "TF_CPP_MIN_LOG_LEVEL",
)

ENGLISH = re.compile(
    r"\b(leak|epoch|step|loss|accuracy|total params|trainable|recipe|training|warning|the)\b", re.I
)


def make_face(generator: np.random.Generator, *, dark: bool) -> Image.Image:
    pixels = generator.normal(150, 20, (120, 128))
    pixels[20:100, 30:98] += 40
    if dark:
        pixels[45:60, 35:93] = 10
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def make_cmu_like(folder: Path) -> None:
    generator = np.random.default_rng(0)
    for person in PEOPLE:
        for pose in ("left", "straight"):
            for eyes in ("open", "sunglasses"):
                face = make_face(generator, dark=eyes == "sunglasses")
                name = f"{person}_{pose}_happy_{eyes}"
                place = folder / "faces" / person
                place.mkdir(parents=True, exist_ok=True)
                for factor, ending in ((1, ""), (2, "_2"), (4, "_4")):
                    small = face.resize((128 // factor, 120 // factor))
                    small.save(place / f"{name}{ending}.pgm")


@dataclasses.dataclass(frozen=True)
class Shown:
    """What the cells of a notebook show.

    Attributes:
        text: all that is written.
        pictures: how many photos or figures there are.
        figures: those that are SVG, whose letters Matplotlib repeats as comments.
    """

    text: str
    pictures: int
    figures: tuple[str, ...]


def run_notebook(name: str, cwd: Path) -> Shown:
    """Execute a notebook in a folder under plain Jupyter; nothing may reach its stderr."""
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    execute(notebook, cwd)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert [o["text"] for o in outputs if o.get("name") == "stderr"] == []
    shown = [output.get("data", {}) for output in outputs]
    figures = tuple(data["image/svg+xml"] for data in shown if "image/svg+xml" in data)
    photos = [data for data in shown if "image/png" in data]
    written = [output["text"] for output in outputs if output["output_type"] == "stream"]
    for data in shown:
        if not any(kind.startswith("image/") for kind in data):
            written += [data.get("text/html", data.get("text/plain", "")) + "\n"]
    return Shown("".join(written), len(photos) + len(figures), figures)


def stop_notebook(name: str, cwd: Path) -> str:
    """Execute a notebook that stops, and return what it shows where it does."""
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    with pytest.raises(CellExecutionError):
        execute(notebook, cwd)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert outputs[-1]["output_type"] == "error"
    return "\n".join(outputs[-1]["traceback"])


def execute(notebook: nbformat.NotebookNode, cwd: Path) -> None:
    resources = {"metadata": {"path": str(cwd)}}
    NotebookClient(notebook, timeout=300, resources=resources).execute()


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder in which both notebooks do their work, and leave all that they leave."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, folder in (
        ("CUADERNO_ENTRENAMIENTOS", "runs"),
        ("CUADERNO_MODELO", "guardado"),
        ("IPYTHONDIR", "ipython"),
    ):
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.setenv("CUADERNO_AJUSTES", SHORT)
    return tmp_path


def list_models(runs: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in runs.glob("*/model.*")}


def test_the_first_notebook_runs_twice_and_the_second_classifies_with_what_it_leaves(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_cmu_like(workplace / "cmu")
    monkeypatch.setenv("GAFAS_CMU", str(workplace / "cmu"))
    first = run_notebook(DEVELOP, workplace)

    assert "72 ficheros de 24 fotos de 6 personas\n" in first.text
    assert re.search(r"convolución +58×62×4 +40\n", first.text)
    assert "época 2 de 2: pérdida" in first.text
    assert "Ficheros de prueba que fugan: 0" in first.text
    assert ENGLISH.findall(first.text) == []
    assert "dibujadas" not in first.text
    # Photos, twins, augmentation, two curves, confusion, predictions, comparison.
    assert first.pictures == 8
    assert [("anunciado" in figure) for figure in first.figures] == [True, True, False, True]
    trained = list_models(workplace / "runs")
    names = [path.name for path in sorted((workplace / "runs").iterdir())]
    parts = [name.rsplit("-", 2)[0] for name in names]
    assert parts == ["seed-cmu-by_file", "seed-cmu-by_subject"]

    again = run_notebook(DEVELOP, workplace)

    assert again.text.count("Ya estaba entrenada.") == 2
    assert list_models(workplace / "runs") == trained
    assert again.figures == first.figures

    assert sorted(path.name for path in (workplace / "guardado").iterdir()) == sorted(LEFT)
    (workplace / "guardado" / LEFT[1]).unlink()  # the second notebook needs only two files
    answers = classify_outside_photos(workplace, monkeypatch)
    assert "rota.jpg: no se puede leer, se deja aparte" in answers.text
    lines = [line for line in answers.text.splitlines() if line.endswith(" %)")]
    assert [line.split(":")[0] for line in lines] == ["dentro/una.jpg", "otra.PNG"]
    assert all(line.split()[1] in ("glasses", "no_glasses") for line in lines)
    assert answers.pictures == 1


def classify_outside_photos(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Shown:
    outside = workplace / "fotos" / "dentro"
    outside.mkdir(parents=True)
    generator = np.random.default_rng(1)
    make_face(generator, dark=True).convert("RGB").save(outside / "una.jpg")
    make_face(generator, dark=False).save(outside.parent / "otra.PNG")
    (outside / "notas.txt").write_text("no es una foto", encoding="utf-8")
    (outside.parent / "rota.jpg").write_bytes((outside / "una.jpg").read_bytes()[:300])
    monkeypatch.setenv("CUADERNO_FOTOS", str(outside.parent))
    return run_notebook(TRY, workplace)


def test_without_photos_the_first_notebook_runs_twice_on_drawn_people_and_says_so(
    workplace: Path, drawn_people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = workplace / "home"
    home.mkdir()
    (home / "drawn_people").symlink_to(drawn_people)  # drawn once for all tests
    monkeypatch.setenv("GAFAS_HOME", str(home))
    monkeypatch.setenv("CUADERNO_RECETA", "compact")
    small = 'input.scales=["quarter"] optimization.minimum_steps=0'
    monkeypatch.setenv("CUADERNO_AJUSTES", f"{SHORT} {small}")
    first = run_notebook(DEVELOP, workplace)
    trained = list_models(workplace / "runs")
    again = run_notebook(DEVELOP, workplace)

    names = [path.name.rsplit("-", 2)[0] for path in sorted((workplace / "runs").iterdir())]
    assert names == ["compact-drawn-by_file", "compact-drawn-by_subject"]
    assert again.text.count("Ya estaba entrenada.") == 2
    assert list_models(workplace / "runs") == trained
    for shown in (first, again):
        assert ENGLISH.findall(shown.text) == []
        assert "Con `gafas fetch cmu` se bajan las fotos" in shown.text
        assert f"640 ficheros de 640 fotos de 20 personas · {DRAWN}\n" in shown.text
        assert re.search(rf"\nExactitud: .* · {DRAWN}\n", shown.text)
        assert all(DRAWN in figure and "anunciado" not in figure for figure in shown.figures)
        assert "90,1" not in shown.text


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("GAFAS_CMU", "no/hay", "falta una copia entera de las CMU Face Images"),
        ("CUADERNO_RECETA", "compcat", "no hay ninguna receta 'compcat'"),
        ("CUADERNO_RECETA", "eyewear", "la receta 'eyewear' recorta caras"),
        ("CUADERNO_AJUSTES", "optimization.epoch=5", "algún ajuste no vale: optimization.epoch=5."),
    ],
)
def test_what_is_set_wrongly_is_said_in_one_spanish_sentence(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    shown = stop_notebook(DEVELOP, workplace)
    assert shown.startswith(f"Alto: {said}")
    assert value in shown
    assert ENGLISH.findall(shown.replace(value, "")) == []
    assert "Traceback" not in shown
    assert not (workplace / "runs").exists()


@pytest.fixture
def clone(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a notebooks folder as a clone has it, but for the notebooks themselves."""
    for name in ("CUADERNO_MODELO", "CUADERNO_ENTRENAMIENTOS", "CUADERNO_AJUSTES"):
        monkeypatch.delenv(name)
    folder = workplace / "notebooks"
    folder.mkdir()
    for name in (MODEL, LABELS):
        shutil.copy(NOTEBOOKS / name, folder)
    return folder


def test_right_after_the_clone_the_second_notebook_recognises_pictures_that_it_makes(
    clone: Path,
) -> None:
    said = run_notebook(TRY, clone)
    outside = clone / "pruebaImagenesExternasDataSet"
    answers = {
        name: answer.split()[0]
        for name, _, answer in (line.partition(": ") for line in said.text.splitlines())
        if answer.endswith(" %)")
    }
    assert sorted(answers) == sorted(path.name for path in outside.iterdir())
    assert answers == {
        "eileen_collins.jpg": "no_glasses",
        "eileen_collins_gafas_de_sol.jpg": "glasses",
        "grace_hopper.jpg": "no_glasses",
        "grace_hopper_gafas_de_sol.jpg": "glasses",
    }
    assert said.pictures == 1


def test_without_a_model_the_second_notebook_names_the_first(clone: Path) -> None:
    (clone / LABELS).unlink()
    shown = stop_notebook(TRY, clone)
    assert shown.startswith(f"Alto: no están {MODEL} y {LABELS} en ")
    assert shown.endswith("Ejecuta antes modeloClasificacionImagenes.ipynb, que los crea.")


def test_the_repository_holds_a_model_that_is_small() -> None:
    assert (NOTEBOOKS / MODEL).stat().st_size <= 2_000_000
    classes = np.load(NOTEBOOKS / LABELS, allow_pickle=False)
    assert classes.tolist() == ["glasses", "no_glasses"]


def test_the_documentation_says_what_was_measured_of_that_model() -> None:
    root = NOTEBOOKS.parent
    measured = json.loads((root / "benchmarks/runs/compact/evaluation.json").read_text())
    figures = measured["accuracy"]
    text = " ".join((root / "docs/how-to/notebooks.md").read_text(encoding="utf-8").split())
    share = f"{100 * figures['value']:.1f} %"
    assert f"{figures['correct']} of {figures['total']} files, {share} " in text


def test_no_notebook_in_the_repository_stores_an_output() -> None:
    names = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
    assert names == sorted((DEVELOP, TRY))
    for name in names:
        notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert len(code) > 3
        assert all(not cell.outputs and cell.execution_count is None for cell in code)
        assert not any(cell.get("attachments") for cell in notebook.cells)


def test_the_second_notebook_does_not_need_gafas() -> None:
    notebook = nbformat.read(NOTEBOOKS / TRY, as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert "load_model" in code
    assert "import gafas" not in code
    assert "from gafas" not in code
