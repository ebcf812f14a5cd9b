from pathlib import Path

from gafas.training.run import read_history, write_history

ROWS = [
    {"epoch": 1.0, "loss": 0.75, "accuracy": 0.5, "learning_rate": 1e-4, "seconds": 4.25},
    {"epoch": 2.0, "loss": 0.1234567, "accuracy": 1.0, "learning_rate": 1e-9, "seconds": 8.5},
]


def test_a_history_survives_its_file_and_what_was_not_measured_stays_out(tmp_path: Path) -> None:
    write_history(ROWS, tmp_path / "history.csv")
    assert read_history(tmp_path / "history.csv") == ROWS
    assert (tmp_path / "history.csv").read_text().splitlines()[1] == "1,0.75,0.5,,,0.0001,4.25"


def test_a_history_that_was_not_begun_is_empty(tmp_path: Path) -> None:
    assert read_history(tmp_path / "history.csv") == []
