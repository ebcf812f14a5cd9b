"""Answers that a batch has kept, read for who has the photos."""

import json
from pathlib import Path

import pytest

from batch.parts import list_parts
from gafas.batch.batch import Batch
from gafas.batch.shards import Shard, recognize_shard
from gafas.recognizer import BUNDLED, Recognizer
from gafas.weights import read_bundled
from service_client import Door


@pytest.fixture
def files(photos: dict[str, bytes], tmp_path: Path) -> list[Path]:
    for name, content in photos.items():
        (tmp_path / name).write_bytes(content)
    return sorted(tmp_path / name for name in photos)


def keep(files: list[Path], out: Path, model: bytes) -> bytes:
    """Look at files as a batch does, and return the part."""
    job = Batch(str(out), model).job
    recognize_shard(job, Shard(tuple((str(path),) for path in files)))
    (part,) = list_parts(out)
    return part.read_bytes()


def test_a_part_gives_the_answers_of_recognize_with_size_and_time_of_the_files(
    door: Door, recognizer: Recognizer, files: list[Path], tmp_path: Path
) -> None:
    part = keep(files, tmp_path / "out", read_bundled(BUNDLED))
    response = door.post("/v1/answers", part)
    assert response.status_code == 200
    kept = response.json()
    expected = [
        found.to_dict() | {"photo": str(path)}
        for path, found in zip(files, recognizer.recognize_many(files), strict=True)
    ]
    assert [json.loads(one["answer"]) for one in kept] == expected
    assert [one["answer"] for one in kept] == [
        json.dumps(one, ensure_ascii=False) for one in expected
    ]
    seen = [path.stat() for path in files]
    assert [(one["bytes"], one["modified"]) for one in kept] == [
        (one.st_size, one.st_mtime_ns // 1_000_000) for one in seen
    ]


def test_what_holds_no_answers_of_this_model_is_refused(
    door: Door, files: list[Path], tmp_path: Path
) -> None:
    other = keep(files, tmp_path / "free", read_bundled("eyewear-free.onnx"))
    for content, told in ((other, "Another model"), (b"PAR1", "These are no answers")):
        response = door.post("/v1/answers", content)
        assert (response.status_code, response.json()["reason"]) == (422, "answers")
        assert told in response.json()["detail"]
