import tarfile
import zipfile
from pathlib import Path

import pytest

from gafas.datasets import fetching
from gafas.errors import DataError

NAME = "an2i/an2i_left_angry_open.pgm"


def test_members_that_try_to_leave_the_folder_are_harmless(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in (f"../../{NAME}", "../evil.pgm", "/trainset/../../x.list"):
            archive.writestr(name, name)
    found = dict(fetching.read_members(tmp_path / "a.zip", fetching._choose))
    assert found == {f"faces/{NAME}": f"../../{NAME}".encode()}


def test_links_in_an_archive_are_passed_over(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as tar:
        link = tarfile.TarInfo(f"faces/{NAME}")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    assert list(fetching.read_members(tmp_path / "a.tgz", fetching._choose)) == []


def test_a_member_that_swells_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"faces/{NAME}", bytes(2**21))
    with pytest.raises(DataError, match="has 2097152 bytes"):
        list(fetching.read_members(tmp_path / "a.zip", fetching._choose))


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Hello")
    with pytest.raises(DataError, match=r"Received: notes\.txt, which starts with b'Hello'"):
        list(fetching.read_members(tmp_path / "notes.txt", fetching._choose))
    with pytest.raises(DataError, match=r"Cannot open .*gone\.zip: No such file"):
        list(fetching.read_members(tmp_path / "gone.zip", fetching._choose))
