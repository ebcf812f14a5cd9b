import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gafas.datasets.cmu import read_samples
from gafas.datasets.samples import Sample
from gafas.datasets.splits import (
    Protocol,
    Split,
    SplitPlan,
    check,
    make_split,
    read_split,
    set_aside,
    take_fold,
    write_split,
)
from gafas.errors import DataError


def make_samples(subjects: int, photos: int = 3, sizes: int = 3) -> tuple[Sample, ...]:
    """Name files of people who were photographed several times, each photo at several sizes."""
    return tuple(
        Sample(Path(name), name, ("none", "sunglasses")[p % 2], f"s{s}p{p}", f"s{s}")
        for s in range(subjects)
        for p in range(photos)
        for z in range(sizes)
        for name in [f"s{s}/p{p}_{z}.png"]
    )


def names(samples: Sequence[Sample]) -> set[str]:
    return {s.name for s in samples}


def assert_whole(split: Split, samples: Sequence[Sample]) -> None:
    """Every sample is in exactly one part."""
    parts = [*split.train, *split.validation, *split.test]
    assert len(parts) == len(samples)
    assert names(parts) == names(samples)


sizes = st.integers(1, 3)
shares = st.sampled_from([0.0, 0.125, 0.3])
seeds = st.integers(0, 2**31)
brief = settings(deadline=None, max_examples=25)  # scikit-learn loads in the first example


@brief
@given(st.integers(3, 9), sizes, seeds, shares)
def test_by_photo_never_divides_a_photo(subjects: int, size: int, seed: int, share: float) -> None:
    samples = make_samples(subjects, sizes=size)
    split = make_split(samples, SplitPlan("by_photo", seed=seed, validation_share=share))
    assert_whole(split, samples)
    train, validation, test = (
        {s.photo for s in part} for part in (split.train, split.validation, split.test)
    )
    assert not train & test and not train & validation and not validation & test
    assert bool(validation) == bool(share)


@brief
@given(st.integers(4, 9), st.data(), seeds, shares)
def test_by_subject_never_divides_a_person(
    subjects: int, data: st.DataObject, seed: int, share: float
) -> None:
    samples = make_samples(subjects)
    folds = data.draw(st.integers(2, subjects))
    fold = data.draw(st.integers(0, folds - 1))
    split = make_split(
        samples, SplitPlan("by_subject", folds=folds, fold=fold, seed=seed, validation_share=share)
    )
    assert_whole(split, samples)
    train, validation, test = (
        {s.subject for s in part} for part in (split.train, split.validation, split.test)
    )
    assert not train & test and not train & validation and not validation & test
    assert bool(validation) == bool(share)


@brief
@given(st.integers(3, 9), st.data(), seeds)
def test_folds_test_everybody_exactly_once(subjects: int, data: st.DataObject, seed: int) -> None:
    samples = make_samples(subjects, photos=2, sizes=1)
    folds = data.draw(st.integers(2, subjects))
    tested = [
        s.name
        for fold in range(folds)
        for s in make_split(
            samples, SplitPlan("by_subject", folds=folds, fold=fold, seed=seed, validation_share=0)
        ).test
    ]
    assert sorted(tested) == sorted(names(samples))


@brief
@given(st.integers(3, 9), seeds, shares)
def test_by_file_uses_every_file(subjects: int, seed: int, share: float) -> None:
    samples = make_samples(subjects)
    split = make_split(samples, SplitPlan("by_file", seed=seed, validation_share=share))
    assert split.watches_test == (share == 0)
    kept = Split(
        split.name, split.train, () if split.watches_test else split.validation, split.test
    )
    assert_whole(kept, samples)


def test_the_same_seed_gives_the_same_split_and_another_seed_another() -> None:
    samples = make_samples(8)
    first, again, other = (
        make_split(samples, SplitPlan("by_photo", seed=seed, validation_share=0))
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_samples_keep_their_order_in_every_part() -> None:
    samples = make_samples(8)
    split = make_split(samples, SplitPlan("by_subject", folds=4, fold=1, validation_share=0.2))
    order = [s.name for s in samples]
    for part in (split.train, split.validation, split.test):
        assert [s.name for s in part] == sorted((s.name for s in part), key=order.index)


def test_as_many_folds_as_people_leaves_one_out() -> None:
    split = make_split(make_samples(5), SplitPlan("by_subject", fold=2, validation_share=0.125))
    assert len({s.subject for s in split.test}) == 1
    assert len({s.subject for s in split.validation}) == 1


@pytest.mark.parametrize(("folds", "fold"), [(1, 0), (6, 0), (3, 3), (3, -1)])
def test_impossible_folds_are_refused(folds: int, fold: int) -> None:
    with pytest.raises(DataError, match=f"fold {fold} of {folds} from 5 subjects"):
        make_split(
            make_samples(5), SplitPlan("by_subject", folds=folds, fold=fold, validation_share=0)
        )


def test_samples_without_subjects_cannot_be_split_by_subject() -> None:
    samples = [Sample(Path(n), n, "none", n) for n in "abcd"]
    with pytest.raises(DataError, match=r"4 of 4 samples have no subject. Split by_photo"):
        make_split(samples, SplitPlan("by_subject", folds=2, validation_share=0))


@pytest.mark.parametrize("share", [-0.1, 1.0, 7.0])
def test_a_share_outside_zero_to_one_is_refused(share: float) -> None:
    with pytest.raises(DataError, match="share must lie between 0 and 1"):
        make_split(make_samples(4), SplitPlan("by_photo", validation_share=share))


def test_one_single_photo_cannot_be_split() -> None:
    with pytest.raises(DataError, match=r"share of 0\.2 of 1 photos"):
        make_split(make_samples(1, photos=1), SplitPlan("by_photo", validation_share=0))


def test_a_subject_on_both_sides_is_refused_unless_the_protocol_allows_it() -> None:
    one, other = make_samples(1, photos=2, sizes=1)
    with pytest.raises(DataError, match="the subject 's0' in train and in test"):
        check(Split("mine", (one,), (), (other,)))
    check(Split("by_photo", (one,), (), (other,)))


def test_a_photo_on_both_sides_is_refused_unless_files_were_split() -> None:
    one, other = make_samples(1, photos=1, sizes=2)
    with pytest.raises(DataError, match="the photo 's0p0' in train and in test"):
        check(Split("by_photo", (one,), (), (other,)))
    check(Split("by_file", (one,), (), (other,)))


def test_a_file_on_both_sides_is_always_refused() -> None:
    (one,) = make_samples(1, photos=1, sizes=1)
    with pytest.raises(DataError, match=r"the file 's0/p0_0\.png' in train and in test"):
        check(Split("by_file", (one,), (), (one,)))


def test_only_the_original_protocol_may_watch_its_test_part() -> None:
    one, other = make_samples(2, photos=1, sizes=1)
    check(Split("by_file", (one,), (other,), (other,)))
    with pytest.raises(DataError, match="in validation and in test"):
        check(Split("mine", (one,), (other,), (other,)))


def test_an_empty_part_is_refused() -> None:
    with pytest.raises(DataError, match="received 0 and 1"):
        check(Split("mine", (), (), make_samples(1, photos=1, sizes=1)))


def test_official_lists_need_the_cmu_photos() -> None:
    with pytest.raises(DataError, match=r"samples without 624 of them"):
        make_split(make_samples(3), SplitPlan("all", validation_share=0))


@pytest.mark.cmu
@pytest.mark.parametrize(
    ("name", "train", "test1", "test2"), [("all", 277, 139, 208), ("straightrnd", 70, 34, 52)]
)
def test_official_lists_have_their_published_lengths(
    cmu: Path, name: Protocol, train: int, test1: int, test2: int
) -> None:
    split = make_split(read_samples(cmu), SplitPlan(name, validation_share=0))
    assert (len(split.train), len(split.validation)) == (3 * train, 0)
    quarter = [s.facts["list"] for s in split.test if s.facts["scale"] == "quarter"]
    assert (quarter.count("test1"), quarter.count("test2")) == (test1, test2)
    assert len(split.test) == 3 * (test1 + test2)


@pytest.mark.cmu
def test_official_lists_are_those_of_the_data_set(cmu: Path) -> None:
    samples = read_samples(cmu, scales=["quarter"])
    split = make_split(samples, SplitPlan("all", validation_share=0))
    for part in ("test1", "test2"):
        listed = (cmu / "trainset" / f"all_{part}.list").read_text().split()
        assert {s.path.name for s in split.test if s.facts["list"] == part} == set(listed)
    listed = (cmu / "trainset" / "all_train.list").read_text().split()
    assert {s.path.name for s in split.train} == set(listed)


def test_five_folds_hold_four_people_each_and_two_validate(drawn_people: Path) -> None:
    samples = read_samples(drawn_people)
    for fold in range(5):
        split = make_split(samples, SplitPlan(fold=fold))
        assert len({s.subject for s in split.test}) == 4
        assert len({s.subject for s in split.validation}) == 2


@pytest.mark.parametrize(
    ("photos", "share", "aside"), [(30, 0.1, 3), (20, 0.2, 4), (19, 0.125, 3), (2, 0.9, 1)]
)
def test_a_share_of_the_groups_is_rounded_up_but_never_takes_all(
    photos: int, share: float, aside: int
) -> None:
    samples = [Sample(Path(f"{i}"), f"{i}", "none", f"{i}") for i in range(photos)]
    rest, taken = set_aside(samples, "photo", share=share, seed=0)
    assert (len(rest), len(taken)) == (photos - aside, aside)


def test_folds_hold_nearly_equal_numbers_of_people() -> None:
    samples = [Sample(Path(f"{i}"), f"{i}", "none", f"{i}", f"person {i % 7}") for i in range(21)]
    people = [
        len({s.subject for s in take_fold(samples, folds=3, fold=fold, seed=5)[1]})
        for fold in range(3)
    ]
    assert sorted(people) == [2, 2, 3]


def test_a_split_survives_its_file(tmp_path: Path) -> None:
    samples = make_samples(5)
    for split in (
        make_split(samples, SplitPlan("by_subject", validation_share=0.3)),
        make_split(samples, SplitPlan("by_file", validation_share=0)),
    ):
        write_split(split, tmp_path / "run" / "split.json")
        assert read_split(tmp_path / "run" / "split.json", samples) == split
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["split.json"]


def test_what_an_audit_found_is_kept_beside_the_names(tmp_path: Path) -> None:
    samples = make_samples(5)
    split = make_split(samples, SplitPlan("by_photo", validation_share=0))
    write_split(split, tmp_path / "split.json", leaks={"any": 3})
    assert json.loads((tmp_path / "split.json").read_text())["leaks"] == {"any": 3}
    assert read_split(tmp_path / "split.json", samples) == split


def test_a_split_of_other_data_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    write_split(make_split(make_samples(5), SplitPlan("by_photo", validation_share=0)), path)
    with pytest.raises(DataError, match="names 9 samples that are not in the data"):
        read_split(path, make_samples(4))


def test_samples_that_were_withdrawn_since_are_named_once_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    samples, path = make_samples(5), tmp_path / "split.json"
    split = make_split(
        samples, SplitPlan("by_file", validation_share=0)
    )  # whose test part is its validation part, too
    write_split(split, path)
    gone = [split.train[0].name, split.test[0].name]
    left = [s for s in samples if s.name not in gone]
    read = read_split(path, left, withdrawn=[*gone, "another.png"])
    assert read == Split("by_file", split.train[1:], split.test[1:], split.test[1:])
    (record,) = caplog.records
    assert [record.getMessage().count(name) for name in gone] == [1, 1]
    with pytest.raises(DataError, match="names 1 samples that are not in the data"):
        read_split(path, left, withdrawn=gone[:1])


def test_a_split_of_which_nothing_was_withdrawn_warns_of_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    samples, path = make_samples(5), tmp_path / "split.json"
    write_split(make_split(samples, SplitPlan("by_photo", validation_share=0)), path)
    read_split(path, samples, withdrawn=[samples[0].name])
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
        read_split(path, make_samples(1))


def test_a_users_leaking_split_file_is_refused(tmp_path: Path) -> None:
    samples = make_samples(1, photos=2, sizes=1)
    content = {"name": "x", "train": [samples[0].name], "validation": []}
    path = tmp_path / "split.json"
    path.write_text(json.dumps({**content, "test": [samples[1].name]}))
    with pytest.raises(DataError, match="the subject 's0'"):
        read_split(path, samples)


@pytest.mark.cmu
def test_an_official_split_keeps_its_list_facts_in_a_file(cmu: Path, tmp_path: Path) -> None:
    samples = read_samples(cmu)
    split = make_split(samples, SplitPlan("straightrnd", validation_share=0.125))
    write_split(split, tmp_path / "split.json")
    assert read_split(tmp_path / "split.json", samples) == split
