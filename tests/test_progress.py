"""Progress of long work: a bar for a person, now and then a line for a log, nothing when short."""

import logging
import re
import sys
from collections.abc import Iterator

import pytest

import gafas.progress
from command_line import run_in_terminal
from gafas.progress import show_progress

LINE = r"gafas: Looking: (\d+) of 3 photos, [\d.]+/s, \d+:\d\d left"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gafas.progress, "PAUSE", 0.0)


def test_short_work_is_not_talked_of(capfd: pytest.CaptureFixture[str]) -> None:
    assert list(show_progress("abc", doing="Looking", total=3)) == ["a", "b", "c"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("impatient")
def test_a_log_gets_lines_with_count_rate_and_time_left(capfd: pytest.CaptureFixture[str]) -> None:
    work = show_progress("abc", doing="Looking", total=3)
    assert list(work) == ["a", "b", "c"]
    out, err = capfd.readouterr()
    assert out == ""
    told = [re.fullmatch(LINE, line) for line in err.splitlines()]
    assert [one and one[1] for one in told] == ["1", "2", "3"]


@pytest.mark.usefixtures("impatient")
def test_a_total_may_become_known_by_and_by(capfd: pytest.CaptureFixture[str]) -> None:
    totals: Iterator[int | None] = iter([None, 3, 1])
    assert len(list(show_progress("abc", doing="Looking", total=lambda: next(totals)))) == 3
    told = [line.partition(", ")[0] for line in capfd.readouterr().err.splitlines()]
    assert told == [
        "gafas: Looking: 1 photos",
        "gafas: Looking: 2 of 3 photos",
        "gafas: Looking: 3 photos",  # more than were counted: it grew meanwhile
    ]


@pytest.mark.usefixtures("impatient")
def test_quiet_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("gafas")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        assert list(show_progress("abc", doing="Looking", total=3)) == ["a", "b", "c"]
    finally:
        logger.setLevel(before)
    assert capfd.readouterr().err == ""


def test_a_terminal_gets_a_bar_that_goes_away() -> None:
    code = (
        "import time\n"
        "from gafas.progress import show_progress\n"
        "for one in show_progress(range(3), doing='Cutting', of='faces', total=3):\n"
        "    time.sleep(0.15)\n"
    )
    seen = run_in_terminal(sys.executable, "-c", code)
    assert re.search(r"Cutting: 2 of 3 faces, [\d.]+/s, 0:00 left", seen)
    assert seen.rstrip().endswith("\x1b[2K")  # the last that is written clears the line
