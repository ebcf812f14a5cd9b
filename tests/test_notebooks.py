"""The two notebooks run from top to bottom, and leave what the original left."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
DEVELOP, TRY = "modeloClasificacionImagenes.ipynb", "ProbarModelo.ipynb"

LEFT = (
    "modeloDeReconocimientoDeGafasDeSol.keras",
    "modeloDeReconocimientoDeGafasDeSol.h5",
    "label_encoder.npy",
)

# The original's recipe with a network so small that it trains in a moment.
SHORT = "network.filters=[4,8] network.dense=8 optimization.epochs=2 optimization.batch_size=16"

PEOPLE = ("ana", "bea", "coro", "dora", "eva", "fe")


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


def run_notebook(name: str, cwd: Path) -> str:
    """Execute a notebook in a folder, and return what its cells say and the errors it shows."""
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(cwd)}})
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    shown = [output.get("data", {}) for output in outputs]
    pictures = sum("image/png" in data or "image/svg+xml" in data for data in shown)
    streams = [o["text"] for o in outputs if o["output_type"] == "stream" and o["name"] == "stdout"]
    return "".join(streams) + f"\npictures: {pictures}"


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with photos like CMU's, photos from outside and the settings for both."""
    folder = tmp_path_factory.mktemp("cuadernos")
    make_cmu_like(folder / "cmu")
    outside = folder / "fotos" / "dentro"
    outside.mkdir(parents=True)
    generator = np.random.default_rng(1)
    make_face(generator, dark=True).convert("RGB").save(outside / "una.jpg")
    make_face(generator, dark=False).save(outside.parent / "otra.PNG")
    (outside / "notas.txt").write_text("no es una foto", encoding="utf-8")
    return folder


@pytest.fixture
def settings(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "GAFAS_CMU": workplace / "cmu",
        "CUADERNO_RECETA": "seed",
        "CUADERNO_AJUSTES": SHORT,
        "CUADERNO_ENTRENAMIENTOS": workplace / "runs",
        "CUADERNO_MODELO": workplace / "guardado",
        "CUADERNO_FOTOS": workplace / "fotos",
        "IPYTHONDIR": workplace / "ipython",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, str(value))


@pytest.mark.usefixtures("settings")
def test_the_first_notebook_leaves_two_files_with_which_the_second_classifies_outside_photos(
    workplace: Path,
) -> None:
    said = run_notebook(DEVELOP, workplace)

    assert "72 ficheros de 24 fotos de 6 personas" in said
    assert "Ficheros de prueba que fugan: 0" in said
    assert sorted(path.name for path in (workplace / "guardado").iterdir()) == sorted(LEFT)
    classes = np.load(workplace / "guardado/label_encoder.npy", allow_pickle=False)
    assert classes.tolist() == ["glasses", "no_glasses"]
    for run in ("seed-by_file", "seed-by_subject"):
        assert (workplace / "runs" / run / "evaluation.json").is_file()
    # Photos, twins, augmentation, two curves, confusion, predictions, comparison.
    assert "pictures: 8" in said

    for name in ("modeloDeReconocimientoDeGafasDeSol.h5",):
        (workplace / "guardado" / name).unlink()  # the second notebook needs only two files
    answers = run_notebook(TRY, workplace)

    assert "64×60 y distingue: glasses, no_glasses" in answers
    lines = [line for line in answers.splitlines() if line.endswith("%)")]
    assert [line.split(":")[0] for line in lines] == ["dentro/una.jpg", "otra.PNG"]
    assert all(line.split()[1] in classes for line in lines)
    assert "pictures: 1" in answers


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
