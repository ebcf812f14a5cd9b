import json
from pathlib import Path

import pytest
from people import make_samples

from gafas.datasets import splits
from gafas.datasets.cmu import read_samples
from gafas.errors import DataError


def test_a_split_survives_its_file(tmp_path: Path) -> None:
    samples = make_samples(5)
    for split in (
        splits.by_subject(samples, folds=5, fold=0, seed=0, validation_share=0.3),
        splits.by_file(samples, seed=0),
    ):
        splits.write_split(split, tmp_path / "run" / "split.json")
        assert splits.read_split(tmp_path / "run" / "split.json", samples) == split
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["split.json"]


def test_what_an_audit_found_is_kept_beside_the_names(tmp_path: Path) -> None:
    samples = make_samples(5)
    split = splits.by_photo(samples, seed=0)
    splits.write_split(split, tmp_path / "split.json", leaks={"any": 3})
    assert json.loads((tmp_path / "split.json").read_text())["leaks"] == {"any": 3}
    assert splits.read_split(tmp_path / "split.json", samples) == split


def test_a_split_of_other_data_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    splits.write_split(splits.by_photo(make_samples(5), seed=0), path)
    with pytest.raises(DataError, match="names 9 samples that are not in the data"):
        splits.read_split(path, make_samples(4))


def test_samples_that_were_withdrawn_since_are_named_once_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    samples, path = make_samples(5), tmp_path / "split.json"
    split = splits.by_file(samples, seed=0)  # whose test part is its validation part, too
    splits.write_split(split, path)
    gone = [split.train[0].name, split.test[0].name]
    left = [s for s in samples if s.name not in gone]
    read = splits.read_split(path, left, withdrawn=[*gone, "another.png"])
    assert read == splits.Split("by_file", split.train[1:], split.test[1:], split.test[1:])
    (record,) = caplog.records
    assert [record.getMessage().count(name) for name in gone] == [1, 1]
    with pytest.raises(DataError, match="names 1 samples that are not in the data"):
        splits.read_split(path, left, withdrawn=gone[:1])


def test_a_split_of_which_nothing_was_withdrawn_warns_of_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    samples, path = make_samples(5), tmp_path / "split.json"
    splits.write_split(splits.by_photo(samples, seed=0), path)
    splits.read_split(path, samples, withdrawn=[samples[0].name])
    assert caplog.records == []


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"name": "mine"}',
        '{"name": 1, "train": [], "validation": [], "test": []}',
        '{"name": "mine", "train": [1], "validation": [], "test": ["s0/p0_0.png"]}',
    ],
)
def test_what_is_not_a_split_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "split.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"split\.json"):
        splits.read_split(path, make_samples(1))


def test_a_users_leaking_split_file_is_refused(tmp_path: Path) -> None:
    samples = make_samples(1, photos=2, sizes=1)
    content = {"name": "x", "train": [samples[0].name], "validation": []}
    path = tmp_path / "split.json"
    path.write_text(json.dumps({**content, "test": [samples[1].name]}))
    with pytest.raises(DataError, match="the subject 's0'"):
        splits.read_split(path, samples)


@pytest.mark.cmu
def test_an_official_split_keeps_its_list_facts_in_a_file(cmu: Path, tmp_path: Path) -> None:
    samples = read_samples(cmu)
    split = splits.official(samples, "straightrnd", seed=0, validation_share=0.125)
    splits.write_split(split, tmp_path / "split.json")
    assert splits.read_split(tmp_path / "split.json", samples) == split
