"""How much is told: -q and -v on both sides of a command, progress, completion, interrupts."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from brightness_model import METADATA, brightness_model, grey_photo
from command_line import Call, run_in_terminal
from gafas import progress


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(brightness_model(metadata=METADATA))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in "abc":
        grey_photo(tmp_path / "in" / f"{name}.png", 255)
    (tmp_path / "in" / "notes.txt").touch()
    return tmp_path / "in"


@pytest.mark.parametrize("option", ["-q", "--quiet"])
def test_quiet_may_stand_on_both_sides_of_a_command(
    gafas: Call, model: Path, folder: Path, option: str
) -> None:
    words = ("predict", folder, "--model", model)
    loud = gafas(*words)
    assert "Not looked at" in loud.err
    for told in (gafas(option, *words), gafas(*words, option)):
        assert (told.code, told.out, told.err) == (0, loud.out, "")
    (folder / "bad.png").write_bytes(b"hello")
    told = gafas(*words, option)
    assert told.code == 1
    assert told.err.startswith(f"gafas: {folder}/bad.png: Cannot read the image")
    assert gafas(*words).err.count("\n") == 2  # it is quiet no longer than for one command


@pytest.mark.parametrize("command", ["predict", "sort", "serve", "train", "selfcheck"])
def test_every_command_takes_both(gafas: Call, command: str) -> None:
    told = gafas(command, "--help").out
    assert re.search(r"--verbose +-v", told)
    assert re.search(r"--quiet +-q", told)


@pytest.mark.parametrize("place", [0, 5])
def test_verbose_tells_what_the_library_logs(tmp_path: Path, place: int) -> None:
    code = (
        "import sys, logging\n"
        "from gafas.cli import main\n"
        "import gafas.selfcheck\n"
        "def check():\n"
        "    logging.getLogger('gafas.selfcheck').info('looking')\n"
        "    return []\n"
        "gafas.selfcheck.run_selfcheck = check\n"
        f"words = ['selfcheck']; words.insert({place}, '-v')\n"
        "sys.argv = ['gafas', *words]; main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "looking\n"


@pytest.mark.parametrize(
    ("words", "doing"),
    [
        (["predict"], "Looking"),
        (["annotate", "out"], "Drawing"),
        (["sort", "out"], "Sorting"),
        (["sort", "out", "--dry-run"], "Sorting"),
    ],
)
def test_long_work_tells_a_log_how_far_it_is(
    gafas: Call,
    model: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    doing: str,
) -> None:
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    monkeypatch.chdir(folder.parent)
    told = gafas(words[0], folder, *words[1:], "--model", model)
    assert told.code == 0
    assert re.search(rf"gafas: {doing}: 3 (of 3 )?photos, [\d.]+/s", told.err)
    if words == ["sort", "out"]:
        back = gafas("sort", "--undo", "out/.gafas-sort-1.jsonl")
        assert "gafas: Taking back: 3 of 3 photos" in back.err
    assert doing not in gafas(words[0], folder, *words[1:], "--model", model, "-q").err


@pytest.mark.skipif(os.name == "nt", reason="bash")
def test_a_shell_can_complete_commands_and_options() -> None:
    def complete(line: str) -> list[str]:
        words = line.split(" ")
        environment = {
            **os.environ,
            "_GAFAS_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
        code = "import sys; sys.argv = ['gafas']; from gafas.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        assert done.stderr == ""
        return done.stdout.split()

    assert {"predict", "sort", "serve"} <= set(complete("gafas "))
    assert complete("gafas pre") == ["predict"]
    assert complete("gafas sort --und") == ["--undo"]
    assert set(complete("gafas sort --by ")) == {"label", "any"}
    assert complete("gafas predict fo") == []  # so that the shell completes names of files


def test_what_is_wrong_stands_above_the_bar(model: Path, folder: Path, tmp_path: Path) -> None:
    (folder / "aa.png").write_bytes(b"hello")
    words = ("predict", folder, "-o", tmp_path / "table.csv", "--model", model)
    seen = run_in_terminal(sys.executable, "-m", "gafas.cli", *words)
    assert "Looking" in seen
    assert re.search(r"\x1b\[2Kgafas: ", seen)
    assert not re.search(r"photos, [\d.]+/sgafas", seen)


def test_a_closed_stderr_stops_nothing(model: Path, folder: Path) -> None:
    (folder / "aa.png").write_bytes(b"hello")
    line = f"{sys.executable} -m gafas.cli predict {folder} --model {model} 2>&-"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count("\n")) == (1, 3)


def test_help_offers_to_install_completion(gafas: Call) -> None:
    assert "--install-completion" in gafas("--help").out


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_any_command_that_is_interrupted_says_so_in_one_sentence() -> None:
    code = (
        "import sys\n"
        "import gafas.selfcheck\n"
        "from gafas.cli import main\n"
        "def check():\n"
        "    raise KeyboardInterrupt\n"
        "gafas.selfcheck.run_selfcheck = check\n"
        "sys.argv = ['gafas', 'selfcheck']; main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "gafas: Interrupted.\n")
