import math
from pathlib import Path

import pytest

from gafas.errors import DataError
from gafas.training.run import Epoch, read_history, write_history

HISTORY = (
    Epoch(epoch=1, loss=0.75, accuracy=0.5, learning_rate=1e-4, seconds=4.25),
    Epoch(epoch=2, loss=0.1234567, accuracy=1.0, val_loss=2.0, learning_rate=1e-9, seconds=8.5),
)


def test_a_history_survives_its_file_and_what_was_not_measured_stays_out(tmp_path: Path) -> None:
    write_history(HISTORY, tmp_path / "history.csv")
    assert read_history(tmp_path / "history.csv") == HISTORY
    assert (tmp_path / "history.csv").read_text().splitlines()[1] == "1,0.75,0.5,,,0.0001,4.25"


def test_a_history_that_was_not_begun_is_empty(tmp_path: Path) -> None:
    assert read_history(tmp_path / "history.csv") == ()


def test_a_loss_that_is_no_number_is_read_as_none(tmp_path: Path) -> None:
    lost = Epoch(epoch=1, loss=math.nan, accuracy=0.5, learning_rate=1e-4, seconds=1.0)
    write_history((lost,), tmp_path / "history.csv")
    assert math.isnan(read_history(tmp_path / "history.csv")[0].loss)


def test_a_damaged_history_is_named(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("epoch,loss\n1,much\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"history\.csv cannot be read"):
        read_history(tmp_path / "history.csv")
