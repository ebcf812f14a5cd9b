"""What a command left, and what to expect of it."""

import dataclasses
import functools
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from brightness_model import grey_photo


@dataclasses.dataclass(frozen=True)
class Told:
    """What a command left: its exit code, its standard output and its standard error."""

    code: int
    out: str
    err: str


Call = Callable[..., Told]


def refused(told: Told, message: str, *, code: int) -> None:
    """Check for one clear sentence on stderr, nothing on stdout and no traceback."""
    assert re.search(message, told.err), told.err
    assert "Traceback" not in told.err
    assert told.out == ""
    assert told.code == code
    ours = [line for line in told.err.splitlines() if line.startswith("gafas: ")]
    assert len(ours) == (1 if "Usage:" not in told.err else 0)


def start(*words: object) -> "subprocess.Popen[bytes]":
    """Run the command line in a process of its own that heeds Ctrl-C."""
    # A shell makes what it runs in the background, these tests perhaps, deaf to interrupts.
    listening = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    command = [sys.executable, "-m", "gafas.cli", *map(str, words)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, preexec_fn=listening, **pipes)  # type: ignore[call-overload,no-any-return]


def interrupt(*words: object, when: Callable[[], bool]) -> str:
    """Press Ctrl-C as soon as something is so; return the one line that the command says."""
    with start(*words) as process:
        for _ in range(6000):
            if when():
                break
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    (line,) = told.decode().splitlines()
    return line


def run_in_terminal(*words: object) -> str:
    """Return what a program writes to a terminal."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen([*map(str, words)], stdout=theirs, stderr=theirs, env=environment):
        os.close(theirs)
        written = b""
        try:
            while part := os.read(ours, 4096):
                written += part
        except OSError:  # Linux says so when the last writer has gone
            pass
    os.close(ours)
    return written.decode()


def snapshot(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def labelled(folder: Path, **counts: int) -> Path:
    """Write photos of a brightness of their own into one folder per label."""
    for label, count in counts.items():
        for number in range(count):
            grey_photo(folder / label / f"{number}.png", 20 * number + len(label))
    return folder
