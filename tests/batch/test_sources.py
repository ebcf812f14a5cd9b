"""Which photos a batch is about, however they are named."""

import io
import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from benchmarks.object_store import ObjectStore

from brightness_model import grey_photo
from gafas.batch.sources import Source, find_path, group_copies, read_photo
from gafas.errors import DataError, ImageError
from gafas.files import LeftOut, make_csv


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lay out four photos and what is none; return their absolute paths, sorted."""
    names = ("in/b/=1.png", "in/b.png", "in/c.jpg", "in/a [x].png")
    paths = [grey_photo(tmp_path / name, 80) for name in names]
    grey_photo(tmp_path / "in/.hidden/a.png", 80)
    (tmp_path / "in/notes.txt").write_text("no photo")
    monkeypatch.chdir(tmp_path)
    return sorted(map(str, paths))


def test_a_folder_gives_its_photos_by_absolute_paths_in_order_as_often_as_asked(
    photos: list[str],
) -> None:
    source, left_out = Source("in"), LeftOut()
    assert list(source.find(left_out=left_out)) == photos
    assert list(source.find()) == photos
    assert left_out.files == 1


def test_a_pattern_gives_the_photos_that_fit_it(photos: list[str]) -> None:
    assert list(Source("in/**/*").find()) == photos
    assert list(Source("in/?.*").find()) == [one for one in photos if Path(one).stem in "bc"]


def test_a_photo_may_be_called_like_a_pattern(photos: list[str]) -> None:
    named = next(one for one in photos if "[x]" in one)
    assert list(Source("in/a [x].png").find()) == [named]


@pytest.mark.parametrize("ending", ["txt", "csv", "parquet"])
def test_a_list_gives_its_photos_sorted_and_each_once(photos: list[str], ending: str) -> None:
    names = [os.path.relpath(one) for one in reversed(photos)] * 2
    path = Path(f"list.{ending}")
    if ending == "txt":
        path.write_text("\r\n\n".join(names))
    elif ending == "csv":
        path.write_text(make_csv([["label", "photo"], *(["none", name] for name in names)]))
    else:
        pyarrow.parquet.write_table(pa.table({"photo": names}), path)
    assert list(Source(path.name).find()) == photos


def test_stdin_is_a_list_in_which_names_may_hold_any_bytes(
    photos: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = b"in/c.jpg\nin/\xe9.jpg\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    plain, odd = Source("-").find()
    assert (odd, plain) == (f"file://{tmp_path}/in/%E9.jpg", f"{tmp_path}/in/c.jpg")
    Path(find_path(odd)).write_bytes(Path(plain).read_bytes())
    assert os.fsencode(find_path(odd)).endswith(b"/\xe9.jpg")
    assert read_photo(odd) == read_photo(plain)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.csv", b"file\na.jpg\n"),
        ("list.parquet", b"no parquet"),
        ("list.csv", b"photo\n\xe9.jpg\n"),
        ("missing.txt", None),
        ("missing", None),
        ("s4://bucket/photos", None),
    ],
)
def test_what_names_no_photos_is_refused_in_one_sentence(
    photos: list[str], name: str, content: bytes | None
) -> None:
    if content is not None:
        Path(name).write_bytes(content)
    with pytest.raises(DataError, match=r"Received: '"):
        Source(name)


def test_a_store_gives_its_photos_by_folder_pattern_list_and_address(
    photos: list[str], store: ObjectStore
) -> None:
    names = ["in/a.jpg", "in/b/c.png", "in/b/.hidden/d.png", "in/notes.txt"]
    a, c, *_ = (store.put(name, Path(photos[0]).read_bytes()) for name in names)
    store.put("list.txt", f"{c}\n{a}\n{a}".encode())
    assert list(Source("s3://photos/in").find()) == [a, c]
    assert list(Source("s3://photos/in/b/*.png").find()) == [c]
    assert list(Source("s3://photos/list.txt").find()) == [a, c]
    assert list(Source(a).find()) == [a]
    assert read_photo(a) == Path(photos[0]).read_bytes()
    assert read_photo(a).name == "a.jpg"


def test_what_a_store_refuses_is_said_of_each_photo(store: ObjectStore) -> None:
    denied = store.put("in/denied.jpg", b"x")
    store.denied.add("in/denied.jpg")
    with pytest.raises(ImageError, match=r"access is denied\. Received: 's3://photos/in/denied"):
        read_photo(denied)
    with pytest.raises(ImageError, match=r"it is not there\. Received: "):
        read_photo("s3://photos/in/missing.jpg")
    with pytest.raises(DataError, match="it is not there"):
        Source("s3://photos/nothing")


def test_equal_files_come_together_and_others_alone(tmp_path: Path) -> None:
    first, copy = (grey_photo(tmp_path / name, 80) for name in ("a.png", "z.png"))
    same_size = tmp_path / "b.png"
    same_size.write_bytes(first.read_bytes()[:-1] + b"?")
    missing = str(tmp_path / "c.png")
    groups = group_copies([str(first), str(same_size), missing, str(copy)])
    assert groups == [(str(first), str(copy)), (str(same_size),), (missing,)]
