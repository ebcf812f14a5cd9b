"""A process that dies, a disk that fills up, file systems that differ: at any step."""

import contextlib
import dataclasses
import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

# Every way in which sorting and tagging change what is on a disk.
_STEPS = (
    *("chmod", "fsync", "link", "mkdir", "rename", "replace", "rmdir", "symlink", "unlink"),
    "utime",
)


class KilledError(BaseException):
    """The process is dead: what comes after has no effect."""


@dataclasses.dataclass
class Fate:
    """What happens at which step: `half` dies before it, or, of a write, amid it.

    To die after a step is to die before the next. `full` says once that the disk is full, after
    half of a write. `system` is `ordinary`, `across`
    (source and target lie on different file systems) or `bare` (a file system without hard links).
    """

    step: int = -1
    kind: str = "half"
    system: str = "ordinary"
    steps: int = 0
    dead: bool = False

    def meet(self, act: Callable[[], Any], half: Callable[[], Any] | None = None) -> Any:
        if self.dead:
            raise KilledError
        now, self.steps = self.steps == self.step, self.steps + 1
        if not now:
            return act()
        if self.kind == "full":
            if half is None:
                return act()
            half()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.dead = True
        if half is not None:
            half()
        raise KilledError


@contextlib.contextmanager
def fated(fate: Fate) -> Iterator[Fate]:
    """Let a fate rule over the file system."""
    write, copy = os.write, shutil.copyfileobj

    def write_some(handle: int, content: Any) -> int:
        done: int = fate.meet(
            lambda: write(handle, content),
            lambda: write(handle, content[: len(content) // 2]),
        )
        return done

    def copy_some(source: Any, target: Any, length: int) -> None:
        fate.meet(
            lambda: copy(source, target, length),
            lambda: (target.write(source.read(2)), target.flush()),
        )

    with contextlib.ExitStack() as stack:
        for name in _STEPS:
            real = getattr(os, name)
            stack.enter_context(mock.patch.object(os, name, _wrap(name, real, fate)))
        stack.enter_context(mock.patch.object(os, "write", write_some))
        stack.enter_context(mock.patch.object(shutil, "copyfileobj", copy_some))
        yield fate


def _wrap(name: str, real: Callable[..., Any], fate: Fate) -> Callable[..., Any]:
    if name == "fsync":  # slow, and nobody sees its effect while the power is on
        return lambda handle: fate.meet(lambda: None)

    def step(*places: Any, **options: Any) -> Any:
        if name in ("link", "rename"):
            _refuse(name, fate, *map(Path, places))
        return fate.meet(lambda: real(*places, **options))

    return step


def _refuse(name: str, fate: Fate, source: Path, target: Path) -> None:
    if fate.system == "across" and source.parent != target.parent:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
    if fate.system == "bare" and name == "link":
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))
