"""Wrong labels at the command line: what is told and written, and how corrections are heeded."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from audited_photos import WRONG, write_audited
from command_line import Call


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_audited(tmp_path)


def test_suspects_are_printed_first_and_all_findings_go_into_the_csv_and_the_page(
    gafas: Call, photos: Path, tmp_path: Path
) -> None:
    table, page = tmp_path / "found.csv", tmp_path / "found.html"
    told = gafas("audit", photos, "--csv", table, "--page", page, "--language", "en")
    assert told.code == 0
    lines = told.out.splitlines()
    assert lines[0].startswith(f"{WRONG}: sunglasses, perhaps eyeglasses ")
    assert lines[-2:] == [str(table), str(page)]
    assert "of 21 labels are suspect (the model knows these labels)." in told.err
    assert "without a face (1): eyeglasses/sky.jpg" in told.err
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["file", "label", "finding", "suspected", "probability", "other"]
    assert (rows[0]["file"], rows[0]["finding"]) == (WRONG, "suspect")
    assert {row["finding"] for row in rows} >= {"conflict", "unreadable", "no-face", "dark"}
    text = page.read_text("utf-8")
    assert "Labels that may be wrong" in text
    assert WRONG in text


def test_what_is_corrected_counts_at_every_command_that_reads_labels(
    gafas: Call, photos: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = Path("src/gafas/models/eyewear-free.onnx").resolve()
    before = gafas("evaluate", model, photos)
    (photos / "corrections.csv").write_text(
        f"file,label\n{WRONG},eyeglasses\neyeglasses/broken.jpg,\n", "utf-8"
    )
    after = gafas("evaluate", model, photos)
    assert "corrects 1 labels and leaves 1 photos out" in caplog.text
    wrong = [int(told.out.split("(")[1].split()[0]) for told in (before, after)]
    assert wrong[1] == wrong[0] + 1  # one more is right
    again = gafas("audit", photos)
    assert WRONG not in again.out
    assert "unreadable" not in again.err


def test_no_other_file_is_replaced(gafas: Call, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.html").write_text("<p>mine</p>", "utf-8")
    (tmp_path / "mine.csv").write_text("mine", "utf-8")
    told = gafas("audit", photos, "--page", tmp_path / "mine.html")
    assert (told.code, "is no report of gafas" in told.err) == (1, True)
    told = gafas("audit", photos, "--csv", tmp_path / "mine.csv")
    assert (told.code, "is there already" in told.err) == (2, True)
    assert (tmp_path / "mine.csv").read_text("utf-8") == "mine"


def test_where_what_compares_photos_is_missing_the_small_extra_is_named(photos: Path) -> None:
    words = ["gafas", "audit", str(photos)]
    code = (
        f"import sys; sys.modules['imagehash'] = None; sys.argv = {words}\n"
        "from gafas.cli import main\nmain()"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert "[adapt]" in told.stderr
