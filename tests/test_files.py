import csv
import io
from pathlib import Path

import numpy as np
import pytest

from disks import small_disk
from gafas.errors import DataError
from gafas.files import make_csv, open_beside, read_json, write_bytes, write_json, write_text


def test_text_is_written_whole_into_folders_that_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    write_text(path, "ñ\n")
    write_text(path, "second\n")
    assert path.read_bytes() == b"second\n"
    assert [p.name for p in path.parent.iterdir()] == ["b.txt"]


def test_a_failure_leaves_the_old_text_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "b.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "new \ud800")  # half a character cannot be encoded
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["b.txt"]


def test_a_full_disk_is_told_of_the_target_and_leaves_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", size="16k") as small:
        (small / "filler").write_bytes(bytes(14_000))
        for size in (5000, 1_000_000):  # it is flushed at the end, or while it is written
            with pytest.raises(OSError, match="No space left") as raised:
                write_bytes(small / "photo.jpg", bytes(size))
            assert raised.value.filename == str(small / "photo.jpg")
            assert [path.name for path in small.iterdir()] == ["filler"]


def test_an_error_about_another_file_keeps_its_name(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError) as raised,
        open_beside(tmp_path / "a.csv"),
    ):
        (tmp_path / "gone.jpg").read_bytes()
    assert raised.value.filename == str(tmp_path / "gone.jpg")
    assert list(tmp_path.iterdir()) == []


def test_no_cell_reaches_a_spreadsheet_as_a_formula() -> None:
    cells = ["=1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "'=1", "a=1", "", 7, -0.5, None]
    (row,) = csv.reader(io.StringIO(make_csv([cells]), newline=""))
    assert not any(cell.startswith(("=", "+", "@", "\t", "\r", "\n", "-1")) for cell in row)
    back = [cell[1:] if cell.startswith("'") else cell for cell in row]
    assert back == ["" if cell is None else str(cell) for cell in cells]


def test_a_number_of_numpy_is_refused_rather_than_written_as_text(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="int64"):
        write_json(tmp_path / "a.json", {"one": np.int64(1)})


def test_a_folder_in_the_place_of_a_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        read_json(tmp_path, dict)
