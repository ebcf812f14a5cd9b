"""The page of attributions names every source once, and takes none for free that is not."""

from pathlib import Path

import pytest
from tools.attributions import TARGET, compose, make_page, read_sources

from gafas.errors import DataError
from gafas.files import write_text

SOURCES = """file,repo,path,licence,attribution
fairface/none/a.jpg,her/faces,a.jpg,CC BY 4.0 (FairFace),"Kim, WACV"
fairface/none/b.jpg,her/faces,b.jpg,CC BY 4.0 (FairFace),"Kim, WACV"
onhead/none/c.jpg,her/faces,c.jpg,CC BY 4.0 (FairFace),"Kim, WACV"
glint/none/d.jpg,his/faces,d.jpg,CC BY-NC 4.0,
"""
LIFE = """file,repo,path,licence,attribution
e.jpg,Zoe/club,e.jpg,"MIT (of the repository; photos' own rights unknown)",Zoe
f.jpg,some/masks,f.jpg,CC0 (Kaggle),Larry
"""


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    write_text(tmp_path / "sources.csv", SOURCES)
    write_text(tmp_path / "life/photos.csv", LIFE)
    return tmp_path


def test_photos_are_counted_by_repository_and_set(sets: Path) -> None:
    found = {source.repo: dict(source.photos) for source in read_sources(sets)}
    assert found == {
        "her/faces": {"fairface": 2, "onhead": 1},
        "his/faces": {"glint": 1},
        "some/masks": {"life": 1},
        "Zoe/club": {"life": 1},
    }
    assert list(found) == sorted(found, key=str.casefold)


def test_free_is_what_says_so_of_the_photos_themselves(sets: Path) -> None:
    free = {source.repo: source.free for source in read_sources(sets)}
    assert free == {"her/faces": True, "his/faces": False, "some/masks": True, "Zoe/club": False}


def test_the_page_parts_free_photos_from_others(sets: Path) -> None:
    page = compose(read_sources(sets), {"celeba": 3667})
    free, others = page.split("## Other photos")
    row = "| [her/faces](https://github.com/her/faces) | 2 (`fairface`), 1 (`onhead`) | CC BY 4.0"
    assert f"{row} (FairFace) | Kim, WACV |" in free
    assert "some/masks" in free
    assert "Tom Mitchell" in free
    assert "his/faces" in others
    assert "| `celeba` | 3,667 | CelebA" in others
    assert "| 1 | MIT (of the repository; photos' own rights unknown) |" in others


def test_a_list_that_is_missing_or_lacks_a_column_is_refused(sets: Path) -> None:
    write_text(sets / "life/photos.csv", "file,repo\n")
    with pytest.raises(DataError, match=r"lacks licence, attribution.*photos\.csv"):
        read_sources(sets)
    (sets / "sources.csv").unlink()
    with pytest.raises(DataError, match=r"Cannot read the list.*sources\.csv"):
        read_sources(sets)


def test_the_page_is_there_and_short_enough_to_be_read() -> None:
    text = TARGET.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 250
    assert "FairFace" in text


@pytest.mark.eyewear
def test_the_page_is_fresh(eyewear: Path) -> None:
    assert TARGET.read_text(encoding="utf-8") == make_page(eyewear)
