"""Answers in files and tables: written whole, as data that other programs read rightly."""

import csv
import io
import json
import os
import signal
import time
from pathlib import Path

import pytest

from brightness_model import METADATA, brightness_model, grey_photo
from command_line import Call, refused, start


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(brightness_model(metadata={**METADATA, "threshold": 0.75}))
    return path


@pytest.mark.parametrize(
    ("file", "options"),
    [("a.txt", []), ("a.csv", []), ("a.jsonl", []), ("a", ["--csv"]), ("a.csv", ["--json"])],
)
def test_a_file_gets_what_stdout_would_and_stdout_stays_free(
    gafas: Call, model: Path, tmp_path: Path, file: str, options: list[str]
) -> None:
    for name in ("señora.png", "b.png"):
        grey_photo(tmp_path / "in" / name, 255)
    (tmp_path / "in" / "bad.png").write_bytes(b"hello")
    out = tmp_path / "new" / file
    told = gafas("predict", tmp_path / "in", "-o", out, *options, "--model", model)
    assert (told.code, told.out) == (1, "")
    assert "bad.png: Cannot read" in told.err
    form = options or {"a.csv": ["--csv"], "a.jsonl": ["--json"]}.get(file, [])
    assert out.read_text("utf-8") == gafas("predict", tmp_path / "in", *form, "--model", model).out
    assert [path.name for path in out.parent.iterdir()] == [file]
    told = gafas("predict", tmp_path / "in" / "b.png", "--out", out, *options, "--model", model)
    assert told.code == 0
    assert "ora.png" not in out.read_text("utf-8")  # an earlier table is replaced


def test_a_table_is_never_written_over_a_photo_or_a_folder(
    gafas: Call, model: Path, tmp_path: Path
) -> None:
    photos = [grey_photo(tmp_path / name, 255) for name in ("a.png", "b.png")]
    before = photos[0].read_bytes()
    told = gafas("predict", "-o", *photos, "--model", model)  # as -o *.png is understood
    refused(told, "takes the name of a table", code=2)
    assert photos[0].read_bytes() == before
    refused(gafas("predict", photos[0], "-o", tmp_path), "takes the name of a table", code=2)


def test_an_interrupted_run_leaves_the_old_table_and_says_how_to_go_on(
    model: Path, tmp_path: Path
) -> None:
    photo = grey_photo(tmp_path / "in" / "0000.png", 255)
    for number in range(1, 5000):
        os.link(photo, photo.parent / f"{number:04}.png")
    out = tmp_path / "out" / "table.csv"
    out.parent.mkdir()
    out.write_text("old")
    with start("predict", photo.parent, "-o", out, "--model", model) as process:
        wait_for_content(out.parent)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    (line,) = told.decode().splitlines()
    assert line.startswith("gafas: Interrupted: ")
    assert f"photos are done. '{out}' is not written. To go on, name the other photos" in line
    assert [(path.name, path.read_text()) for path in out.parent.iterdir()] == [(out.name, "old")]


def wait_for_content(folder: Path) -> None:
    """Wait until more than an old table lies in a folder, with something in it."""
    for _ in range(6000):
        if any(path.name[0] == "." and path.stat().st_size for path in folder.iterdir()):
            return
        time.sleep(0.005)
    raise AssertionError("nothing happens")


@pytest.mark.skipif(os.name == "nt", reason="names that no file has there")
def test_names_that_are_formulas_reach_no_spreadsheet_as_such(
    gafas: Call, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["=1+1.png", "+a.png", "@a.png", "\ta.png", "\ra.png", "'a.png", "a.png", "é\n.png"]
    for name in names:
        grey_photo(Path(name), 255)
    told = gafas("predict", *names, "-o", "table.csv", "--csv", "--model", model)
    assert told.code == 0
    rows = list(csv.DictReader(io.StringIO(Path("table.csv").read_bytes().decode(), newline="")))
    cells = [row["photo"] for row in rows]
    assert cells == ["'" + name for name in names[:6]] + names[6:]
    assert {float(row["x1"]) for row in rows} == {0.0}
    shown = gafas("predict", names[0], "--json", "--model", model).out
    assert json.loads(shown)["photo"] == names[0]


def test_files_of_a_folder_that_are_not_looked_at_are_counted(
    gafas: Call, model: Path, tmp_path: Path
) -> None:
    photo = grey_photo(tmp_path / "in" / "a.png", 255)
    for name in ("notes.txt", "deep/data.json"):
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(photo.read_bytes())  # not opened: its name says it
    told = gafas("predict", tmp_path / "in", "--model", model)
    assert (told.code, told.err) == (0, "gafas: Not looked at, going by the ending: 2 files.\n")
    (tmp_path / "in" / "scan").write_bytes(photo.read_bytes())
    (tmp_path / "in" / "deep" / "b.jp2").write_bytes(b"\0\0\0\x0cjP  \r\n\x87\n rest")
    (tmp_path / "in" / "words.dat").write_bytes(b"words")
    told = gafas("predict", tmp_path / "in", "--model", model)
    assert (told.code, told.out.count("\n")) == (0, 1)
    assert "ending: 5 files, 2 of which begin as photos do, such as" in told.err
    assert "Name such a file itself, or save it as JPEG." in told.err
    assert gafas("predict", tmp_path / "in" / "scan", "--model", model).code == 0
    for words in (["annotate"], ["sort", "--dry-run"]):
        told = gafas(*words, tmp_path / "in", tmp_path / "out", "--model", model)
        assert "5 files, 2 of which" in told.err
    assert gafas("predict", tmp_path / "in", "--model", model, "-q").err == ""


@pytest.mark.skipif(os.name == "nt", reason="pipes with names")
def test_what_is_no_file_is_not_opened(gafas: Call, model: Path, tmp_path: Path) -> None:
    grey_photo(tmp_path / "in" / "a.png", 255)
    os.mkfifo(tmp_path / "in" / "pipe")  # opening it would never end
    told = gafas("predict", tmp_path / "in", "--model", model)
    assert (told.code, told.err) == (0, "gafas: Not looked at, going by the ending: 1 file.\n")


def test_an_address_is_named_whole_with_advice(gafas: Call, model: Path) -> None:
    for words in (["predict"], ["annotate"], ["explain"]):
        out = [] if words == ["predict"] else ["out"]
        told = gafas(*words, "https://example.org/a.jpg", *out, "--model", model)
        assert told.code == 1
        assert "fetches nothing from the net. Received: 'https://example.org/a.jpg'" in told.err
        assert "Download it first" in told.err
