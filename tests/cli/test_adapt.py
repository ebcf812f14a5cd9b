"""Own labels at the command line: what is told, what is written, what is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import Call
from own_labels import write_own_labels


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_own_labels(tmp_path_factory.mktemp("own"))


def test_the_command_tells_how_good_it_is_and_writes_a_file_that_others_take(
    gafas: Call, labelled: Path, tmp_path: Path
) -> None:
    target = tmp_path / "own.onnx"
    told = gafas("adapt", labelled, target)
    assert told.code == 0
    assert told.out.splitlines()[-1] == str(target)
    assert "accuracy 1.0000 (16 of 16)" in told.out
    assert "people not learnt from" in told.out
    assert "learnt from 8 office, 8 shaded." in told.err
    assert "without a face: sky.jpg." in told.err
    assert "the figure flatters" not in told.err  # the CSV says whom the photos show
    photo = labelled.with_name("shaded 1.jpg")
    answer = gafas("predict", "--json", "--model", target, photo)
    assert json.loads(answer.out)["faces"][0]["label"] == "shaded"
    again = gafas("adapt", labelled, target)
    assert (again.code, "--force" in again.err) == (2, True)


def test_a_file_that_is_no_model_file_is_not_written(
    gafas: Call, labelled: Path, tmp_path: Path
) -> None:
    told = gafas("adapt", labelled, tmp_path / "own.keras")
    assert (told.code, "ends in .onnx" in told.err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_where_scikit_learn_is_missing_the_small_extra_is_named(
    labelled: Path, tmp_path: Path
) -> None:
    words = ["gafas", "adapt", str(labelled), str(tmp_path / "own.onnx")]
    code = (
        f"import sys; sys.modules['sklearn'] = None; sys.argv = {words}\n"
        "from gafas.cli import main\nmain()"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert "is missing: pip install" in told.stderr
    assert "[adapt]" in told.stderr
    assert "[train]" not in told.stderr


def test_the_small_extra_suffices_in_a_home_that_was_never_used(
    labelled: Path, tmp_path: Path
) -> None:
    words = ["gafas", "adapt", str(labelled), str(tmp_path / "own.onnx")]
    words += ["--report", str(tmp_path / "own.html")]
    others = ["keras", "matplotlib", "msgspec", "optuna", "pooch"]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({[*others, 'tensorflow']}))\n"
        f"sys.argv = {words}\nfrom gafas.cli import main\nmain()"
    )
    home = {key: value for key, value in os.environ.items() if key != "GAFAS_HOME"}
    told = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=home | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path)},
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[-2:] == [words[3], words[5]]
