"""The same batch on a Ray cluster: the same rows, whatever dies."""

from pathlib import Path

import pytest

from batch.killing import deadly, start_batch
from batch.parts import read_rows
from brightness_model import grey_photo
from command_line import Call

pytest.importorskip("ray")


def test_a_cluster_gives_the_rows_of_one_machine_in_silence(
    gafas: Call, photos: list[str], model: Path, tmp_path: Path
) -> None:
    (tmp_path / "in/broken.png").write_bytes(b"no photo")
    how = ("--model", model, "--shard", 3)
    assert gafas("batch", tmp_path / "in", tmp_path / "local", *how).code == 1
    words = (tmp_path / "in", tmp_path / "ray", *how, "--on", "ray", "--workers", 2)
    with start_batch(*words) as process:
        out, err = process.communicate(timeout=120)
    rows = read_rows(tmp_path / "ray")
    assert rows == read_rows(tmp_path / "local")
    assert (process.returncode, len(rows)) == (1, 11)
    assert [line for line in err.splitlines() if "Looking" not in line] == [
        f"gafas: 11 photos have answers in {tmp_path / 'ray'}."
    ]
    assert "unreadable           1" in out


def test_a_photo_that_ends_every_process_becomes_a_row_on_a_cluster(
    model: Path, tmp_path: Path
) -> None:
    good, bad = grey_photo(tmp_path / "in/a.png", 200), tmp_path / "in/b.png"
    with (
        deadly(bad) as killed,
        start_batch(
            tmp_path / "in", tmp_path / "out", "--model", model, "--on", "ray", "--workers", 2
        ) as process,
    ):
        _, err = process.communicate(timeout=200)
    rows = read_rows(tmp_path / "out")
    assert [row["photo"] for row in rows] == [str(good), str(bad)]
    assert [row["error"] is None for row in rows] == [True, False]
    assert 3 < len(killed) < 12
    assert [line for line in err.splitlines() if "Looking" not in line] == [
        f"gafas: 2 photos have answers in {tmp_path / 'out'}."
    ]
