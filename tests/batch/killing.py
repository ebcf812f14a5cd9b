"""Photos and people that end processes, at a moment that is known."""

import contextlib
import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def deadly(photo: Path, *, times: int | None = None, content: bytes = b"") -> Iterator[list[int]]:
    """Make a photo that ends the processes which open it, `times` or for ever; give who they were.

    It is a pipe: whoever opens it waits for a writer, which finds it out and kills it; once it has
    done that so often, it writes `content` instead.
    """
    os.mkfifo(photo)
    killed, ended = list[int](), threading.Event()

    def lurk() -> None:
        while not ended.is_set():
            with contextlib.suppress(OSError):
                writer = os.open(photo, os.O_WRONLY | os.O_NONBLOCK)  # raises without a reader
                if times is not None and len(killed) >= times:
                    os.set_blocking(writer, True)
                    os.write(writer, content)
                else:
                    while not (readers := find_readers(photo)) and not ended.is_set():
                        time.sleep(0.005)  # it is opening it
                    for reader in readers:
                        os.kill(reader, signal.SIGKILL)
                        killed.append(reader)
                os.close(writer)
            time.sleep(0.005)

    lurking = threading.Thread(target=lurk)
    lurking.start()
    try:
        yield killed
    finally:
        ended.set()
        lurking.join()


def find_readers(photo: Path) -> list[int]:
    """Return the processes other than this one that have a file open."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            for link in (process / "fd").iterdir():
                with contextlib.suppress(OSError):  # it has been closed meanwhile
                    if link.readlink() == photo and int(process.name) != os.getpid():
                        found.append(int(process.name))
    return found


def start_batch(*words: object) -> "subprocess.Popen[str]":
    """Begin a batch in a process of its own that heeds Ctrl-C."""
    # A shell makes what it runs in the background, these tests perhaps, deaf to interrupts.
    listening = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    command = [sys.executable, "-m", "gafas.cli", "batch", *map(str, words)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, preexec_fn=listening, **pipes)  # type: ignore[call-overload,no-any-return]


def list_children(parent: int) -> list[int]:
    """Return the processes that a process has begun and that still run."""
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(child) for child in text.split()]


def is_running(process: int) -> bool:
    """Say whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
