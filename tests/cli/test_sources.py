"""What a command line names is found one by one, and what cannot be searched is named."""

import contextlib
import os
import sys
import time
from pathlib import Path

import pytest

from gafas.cli.sources import Sources, count_ahead


def touch(folder: Path, *names: str) -> list[str]:
    """Make empty files; return their paths."""
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return [str(path) for path in paths]


def found(*paths: Path | str) -> tuple[list[str], bool]:
    sources = Sources([str(path) for path in paths])
    names = [name for name, _ in sources]
    return names, sources.failed


def test_photos_come_in_the_order_of_their_whole_names(tmp_path: Path) -> None:
    paths = touch(tmp_path, "a.png", "b-c.JPG", "b.png", "b/a.heic", "b/c/d.jpeg", "c.webp")
    touch(tmp_path, "notes.txt", ".hidden.png", ".git/a.png", "noending")
    assert found(tmp_path) == (paths, False)


def test_photos_are_listed_only_as_the_search_gets_there(tmp_path: Path) -> None:
    (first,) = touch(tmp_path, "a/1.png")
    search = iter(Sources([str(tmp_path)]))
    assert next(search) == (first, first)
    (second,) = touch(tmp_path / "a", "z/2.png")  # its folder is listed already
    (third,) = touch(tmp_path, "b/3.png")
    assert second not in (rest := [name for name, _ in search])
    assert rest == []
    assert found(tmp_path)[0] == [first, second, third]


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
def test_links_to_folders_are_followed_but_in_no_circle(tmp_path: Path) -> None:
    (photo,) = touch(tmp_path, "in/a.png")
    (tmp_path / "in" / "up").symlink_to(tmp_path)
    (tmp_path / "in" / "self").symlink_to(tmp_path / "in" / "self")
    (tmp_path / "in" / "self.jpg").symlink_to(tmp_path / "in" / "self.jpg")
    (other,) = touch(tmp_path, "other/b.png")
    assert found(tmp_path / "in") == (
        [photo, f"{tmp_path}/in/self.jpg", f"{tmp_path}/in/up/other/b.png"],
        False,
    )
    assert Path(other).exists()


def test_a_folder_is_searched_again_where_it_is_named_again(tmp_path: Path) -> None:
    (photo,) = touch(tmp_path, "a.png")
    assert found(tmp_path, tmp_path) == ([photo, photo], False)


def test_an_empty_folder_is_named_and_the_search_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    touch(tmp_path, "none/notes.txt")
    (photo,) = touch(tmp_path, "some/a.png")
    assert found(tmp_path / "none", tmp_path / "some") == ([photo], True)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"gafas: {tmp_path / 'none'}: No photo in the folder")


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on a path's length")
def test_a_folder_that_cannot_be_searched_is_named_and_the_rest_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = touch(tmp_path, "a.png", "z.png")
    with contextlib.chdir(tmp_path):
        for _ in range(20):  # deeper than a path may be long: closed even to the superuser
            Path("d" * 250).mkdir()
            os.chdir("d" * 250)
        os.chdir(tmp_path)
    assert found(tmp_path) == (photos, True)
    (line,) = capsys.readouterr().err.splitlines()
    assert "Cannot search the folder: File name too long" in line


def test_a_search_through_one_folder_may_show_progress(tmp_path: Path) -> None:
    (photo,) = touch(tmp_path, "a.png")
    assert not Sources([photo]).many
    assert Sources([photo, photo]).many
    assert Sources([str(tmp_path)]).many


def test_photos_are_counted_ahead_bit_by_bit_and_silently(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    touch(tmp_path, "a.png", "b/c.png")
    sources = Sources([str(tmp_path), "-", "gone.png", str(tmp_path / "b")])
    ask = count_ahead(sources.names())  # it would wait for stdin if it read it
    assert [ask(), ask()] == [5, 5]
    (tmp_path / "empty").mkdir()
    assert count_ahead(Sources([str(tmp_path / "empty")]).names())() == 0
    assert capsys.readouterr() == ("", "")
    slow = map(time.sleep, [0.001] * 120)
    ask = count_ahead(slow)
    answers = [ask() for _ in range(4)]
    assert answers[0] is None
    assert answers[-1] == 120
