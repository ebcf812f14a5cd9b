"""Photos, a model that is quick, and a real object store."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import s3fs
from benchmarks.object_store import ObjectStore, serve_objects

from brightness_model import brightness_model, grey_photo
from cli.conftest import gafas

__all__ = ["gafas", "model", "photos", "store"]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """Run a server of the S3 protocol, and say in the environment where it is."""
    s3fs.S3FileSystem.clear_instance_cache()  # which knows the server of the test before
    with serve_objects() as opened:
        for name, value in opened.environment.items():
            monkeypatch.setenv(name, value)
        yield opened


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Write a model of whole photos, which calls them dark or bright."""
    path = tmp_path / "model.onnx"
    path.write_bytes(brightness_model())
    return path


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    """Write ten photos, brighter and brighter, into a folder; return their paths, sorted."""
    return [str(grey_photo(tmp_path / f"in/{number}.png", 25 * number)) for number in range(10)]
