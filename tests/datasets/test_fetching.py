import functools
import gc
import http.server
import io
import socket
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from disks import small_disk
from gafas.datasets import cmu as cmu_module
from gafas.errors import DataError

NAME = "an2i/an2i_left_angry_open.pgm"


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GAFAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "cmu_faces"


@pytest.fixture(scope="session")
def uci_zip(cmu: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pack the data as UCI does: a tar.gz in a zip."""
    path = tmp_path_factory.mktemp("uci") / "cmu.zip"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as tar:
        tar.add(cmu / "faces", "faces")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("faces.data.html", "<html></html>")
        archive.writestr("faces.tar.gz", packed.getvalue())
    return path


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve a folder over HTTP, with ARCHIVE_URL pointing to its cmu.zip."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        url = f"http://127.0.0.1:{server.server_port}/cmu.zip"
        monkeypatch.setattr(cmu_module, "ARCHIVE_URL", url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield folder
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing on stderr."""


def assert_nothing_left(target: Path) -> None:
    assert not target.exists()
    assert not list(target.parent.glob("*"))
    assert not list(target.parent.glob(".*"))


def tar_of(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def link_images(cmu: Path, copy: Path) -> None:
    """Make a copy of the data whose images are links, so that one can be changed."""
    for path in (cmu / "faces").glob("*/*"):
        link = copy / "faces" / path.parent.name / path.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)


@pytest.mark.cmu
def test_the_archive_is_downloaded_unpacked_and_verified(
    uci_zip: Path, served: Path, target: Path
) -> None:
    (served / "cmu.zip").symlink_to(uci_zip)
    assert cmu_module.fetch() == target
    assert len(cmu_module.read_samples(target)) == 1872
    assert [p.name for p in target.parent.iterdir()] == ["cmu_faces"]


@pytest.mark.cmu
def test_what_is_there_is_not_fetched_again(uci_zip: Path, served: Path, target: Path) -> None:
    cmu_module.fetch(uci_zip)
    before = (target / "faces" / NAME).stat()
    assert cmu_module.fetch() == target  # the server has nothing to give
    assert (target / "faces" / NAME).stat() == before


@pytest.mark.cmu
def test_a_folder_is_copied_with_its_lists_and_stays_as_it_is(cmu: Path, target: Path) -> None:
    cmu_module.fetch(cmu)
    assert cmu_module.find_faults(target / "faces") == []
    assert len(list((target / "trainset").glob("*.list"))) == 9
    assert cmu_module.find_faults(cmu / "faces") == []


@pytest.mark.cmu
def test_an_incomplete_copy_is_completed_and_keeps_what_else_it_holds(
    uci_zip: Path, target: Path
) -> None:
    cmu_module.fetch(uci_zip)
    (target / "faces" / NAME).write_bytes(b"altered")
    (target / "notes.txt").write_text("mine")
    cmu_module.fetch(uci_zip)
    assert cmu_module.find_faults(target / "faces") == []
    assert (target / "notes.txt").read_text() == "mine"


@pytest.mark.cmu
def test_one_altered_image_is_named_and_nothing_is_written(
    cmu: Path, tmp_path: Path, target: Path
) -> None:
    link_images(cmu, tmp_path / "copy")
    image = tmp_path / "copy" / "faces" / NAME
    image.unlink()
    image.write_bytes((cmu / "faces" / NAME).read_bytes() + b" ")
    with pytest.raises(DataError, match=rf"published: {NAME} is altered .* Nothing was written"):
        cmu_module.fetch(tmp_path / "copy")
    assert_nothing_left(target)


@pytest.mark.cmu
def test_unusable_photos_may_be_missing(cmu: Path, tmp_path: Path, target: Path) -> None:
    link_images(cmu, tmp_path / "copy")
    unusable = list((tmp_path / "copy").rglob("*.bad"))
    assert len(unusable) == 16
    for path in unusable:
        path.unlink()
    cmu_module.fetch(tmp_path / "copy" / "faces")
    assert len(cmu_module.read_samples(target)) == 1872


@pytest.mark.cmu
def test_a_truncated_archive_is_refused(uci_zip: Path, tmp_path: Path, target: Path) -> None:
    content = uci_zip.read_bytes()
    (tmp_path / "half.zip").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"half\.zip is truncated or damaged .* Download it again"):
        cmu_module.fetch(tmp_path / "half.zip")
    assert_nothing_left(target)


def test_a_full_disk_is_said_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tar_of(tmp_path / "faces.tar.gz", {f"faces/{NAME}": bytes(200_000)})
    with small_disk(tmp_path / "small", size="64k") as small:
        monkeypatch.setenv("GAFAS_HOME", str(small))
        with pytest.raises(DataError, match=r"No space left on device\. Make 30 MB of room"):
            cmu_module.fetch(source)
        assert list(small.iterdir()) == []


def test_missing_images_are_counted_and_nothing_is_written(tmp_path: Path, target: Path) -> None:
    source = tar_of(tmp_path / "faces.tar.gz", {"faces/README": b"no images"})
    with pytest.raises(DataError, match=rf"{NAME} is missing; .* and 1869 more. Nothing was"):
        cmu_module.fetch(source)
    assert_nothing_left(target)


def test_a_proxys_page_is_recognised(served: Path, target: Path) -> None:
    (served / "cmu.zip").write_text("<!DOCTYPE html><p>Please log in")
    with pytest.raises(DataError, match=r"starts with b'<!DOC.* is a web page.*--from FILE"):
        cmu_module.fetch()
    assert_nothing_left(target)


def test_a_server_without_the_archive_is_named(served: Path, target: Path) -> None:
    with pytest.raises(DataError, match=r"Cannot download http://127.*404.*--from FILE"):
        cmu_module.fetch()
    gc.collect()  # which warns of a connection that was left open
    assert_nothing_left(target)


def test_no_network_is_said_with_the_way_round_it(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, yet nobody listens
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/cmu.zip"
        monkeypatch.setattr(cmu_module, "ARCHIVE_URL", url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with pytest.raises(DataError, match=r"Cannot download .* Check the network or the proxy"):
            cmu_module.fetch()
    assert_nothing_left(target)


def test_a_home_that_cannot_be_made_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("GAFAS_HOME", str(tmp_path / "file"))
    with pytest.raises(DataError, match="let GAFAS_HOME name another folder"):
        cmu_module.fetch(tmp_path)


def test_an_interruption_leaves_nothing(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        assert list(target.parent.glob(".cmu_faces.part/cmu_faces/faces/an2i/*"))  # half-way
        raise KeyboardInterrupt

    source = tar_of(tmp_path / "faces.tar.gz", {f"faces/{NAME}": b"x"})
    monkeypatch.setattr(cmu_module, "_refuse_faults", interrupt)
    with pytest.raises(KeyboardInterrupt):
        cmu_module.fetch(source)
    assert_nothing_left(target)


def test_what_a_killed_run_has_left_is_swept(tmp_path: Path, target: Path) -> None:
    left = target.parent / ".cmu_faces.part" / "cmu_faces" / "faces" / NAME
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    with pytest.raises(DataError, match=f"{NAME} is missing"):
        cmu_module.fetch(tar_of(tmp_path / "empty.tar.gz", {}))
    assert_nothing_left(target)


def test_members_that_try_to_leave_the_folder_are_harmless(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in (f"../../{NAME}", "../evil.pgm", "/trainset/../../x.list"):
            archive.writestr(name, name)
    found = dict(cmu_module.read_members(tmp_path / "a.zip"))
    assert found == {f"faces/{NAME}": f"../../{NAME}".encode()}


def test_links_in_an_archive_are_passed_over(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as tar:
        link = tarfile.TarInfo(f"faces/{NAME}")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    assert list(cmu_module.read_members(tmp_path / "a.tgz")) == []


def test_a_member_that_swells_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"faces/{NAME}", bytes(2**21))
    with pytest.raises(DataError, match="has 2097152 bytes"):
        list(cmu_module.read_members(tmp_path / "a.zip"))


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Hello")
    with pytest.raises(DataError, match=r"Received: notes\.txt, which starts with b'Hello'"):
        list(cmu_module.read_members(tmp_path / "notes.txt"))
    with pytest.raises(DataError, match=r"Cannot open .*gone\.zip: no such file"):
        list(cmu_module.read_members(tmp_path / "gone.zip"))


def test_the_manifest_knows_every_image_and_both_sets_of_lists() -> None:
    digests = cmu_module.read_digests()
    assert len([n for n in digests if n.endswith(".pgm")]) == 1872
    assert len([n for n in digests if n.endswith(".bad")]) == 16
    assert all(len(value) == 43 for value in digests.values())
    assert len(cmu_module.read_lists("all")) == 277 + 139 + 208
    assert len(cmu_module.read_lists("straightrnd")) == 70 + 34 + 52


@pytest.mark.cmu
def test_the_published_images_have_no_fault(cmu: Path) -> None:
    assert cmu_module.find_faults(cmu / "faces") == []


def test_an_altered_image_and_the_missing_ones_are_named(tmp_path: Path) -> None:
    name = "an2i/an2i_left_angry_open.pgm"
    (tmp_path / "an2i").mkdir()
    (tmp_path / name).write_bytes(b"P5 1 1 255 x")
    faults = cmu_module.find_faults(tmp_path)
    assert len(faults) == 1872
    assert faults[0].startswith(f"{name} is altered")
    assert faults[1] == "an2i/an2i_left_angry_open_2.pgm is missing"
