"""The lines that the page about very many photos gives answer what it says."""

import re
from pathlib import Path

import duckdb
import pyarrow.parquet
import pytest
from tools.photos import WORN, write_photos

from batch.parts import read_rows
from command_line import Call

PAGE = Path(__file__).resolve().parents[2].joinpath("docs/how-to/batch.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def answers(gafas: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep answers about four photos and a broken one in `answers`, and work beside them."""
    write_photos(tmp_path / "photos")
    (tmp_path / "photos/broken.jpg").write_bytes(b"no photo")
    monkeypatch.chdir(tmp_path)
    assert gafas("batch", "photos", "answers").code == 1
    return tmp_path / "answers"


def test_sql_counts_what_faces_wear_and_finds_sunglasses(answers: Path) -> None:
    count, find = blocks("sql")
    expected = {label: 1 for worn in WORN.values() for label in worn}
    base = duckdb.connect()
    assert dict(base.execute(count).fetchall()) == expected
    ((photo, probability),) = base.execute(find).fetchall()
    assert Path(photo).name == "astronaut_sunglasses.png"
    assert probability > 0.9


def test_python_lines_count_errors_and_list_what_a_person_should_look_at(
    answers: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pandas, polars = blocks("python")
    exec(pandas, {})
    told = capfd.readouterr().out
    assert told.startswith("1 of 5\n")
    assert "Cannot read the image: expected" in told
    (part,) = answers.glob("part-*")
    table = pyarrow.parquet.read_table(part)
    rows = table.to_pylist()
    for row in rows:  # as if the model had been unsure of all
        for face in row["faces"]:
            face["label"] = "unsure"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, table.schema), part)
    exec(polars, {})
    told = capfd.readouterr().out
    assert "shape: (3, 5)" in told


def test_every_column_is_described(answers: Path) -> None:
    section = PAGE.partition("## The rows")[2].partition("##")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    told = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert told == set(read_rows(answers)[0])
