"""CMU photos join the sets that faces are learnt from, and their people are kept apart."""

import shutil
from pathlib import Path

import pytest

from gafas.datasets.eyewear import CMU, part, read_material
from gafas.datasets.splits import SplitPlan
from gafas.errors import DataError
from scenes import make_rooms, write_cloud
from tiny_data import make_faces

SETS = ("celeba", "utkface", "portraits", "selfies", "tinyimagenet", "web")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 60 clouds for some sets each, and photos of five people named as the CMU's."""
    folder = tmp_path_factory.mktemp("data")
    make_rooms(folder / "sets")
    for number, name in enumerate(SETS):
        for at in range(60):
            path = folder / "sets" / name / ("none", "sunglasses")[at % 2] / f"{at:06}.jpg"
            write_cloud(path, seed=60 * number + at)
    make_faces(folder / "cmu")
    return folder


@pytest.fixture(autouse=True)
def places(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAFAS_EYEWEAR", str(folder / "sets"))
    monkeypatch.setenv("GAFAS_CMU", str(folder / "cmu"))


def test_without_a_word_no_cmu_photo_is_read() -> None:
    samples = read_material(SplitPlan(), scales=["full"])
    assert len(samples) == 360
    assert all(s.facts["source"] in SETS for s in samples)


def test_all_people_are_learnt_from_and_the_other_parts_stay() -> None:
    plan = SplitPlan(cmu="all")
    split = part(read_material(plan, scales=["full"]), plan)
    former = part(read_material(SplitPlan(), scales=["full"]), SplitPlan())
    assert split.train[: len(former.train)] == former.train
    assert [s.facts["source"] for s in split.train[len(former.train) :]] == [CMU] * 40
    assert (split.validation, split.test) == (former.validation, former.test)


def test_the_people_of_a_fold_are_measured_and_not_learnt_from() -> None:
    plan = SplitPlan(cmu="fold", folds=5, fold=1)
    split = part(read_material(plan, scales=["full", "half"]), plan)
    held_out = [s for s in split.test if s.facts["source"] == CMU]
    assert {s.facts["source"] for s in split.test} == {CMU, "utkface"}
    measured = {s.subject for s in held_out}
    assert len(held_out) == 16
    assert len(measured) == 1
    assert measured.isdisjoint(s.subject for s in split.train)
    assert len({s.subject for s in split.train} - {None}) == 4


def test_folds_measure_everybody_once() -> None:
    plans = [SplitPlan(cmu="fold", folds=5, fold=fold) for fold in range(5)]
    material = read_material(plans[0], scales=["full"])
    tests = [s for plan in plans for s in part(material, plan).test]
    measured = [s.name for s in tests if s.facts["source"] == CMU]
    assert len(measured) == 40
    assert len(set(measured)) == 40


def test_a_set_that_is_not_there_is_named(folder: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(folder / "sets", tmp_path / "sets")
    shutil.rmtree(moved / "selfies")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAFAS_EYEWEAR", str(moved))
        with pytest.raises(DataError, match="no set 'selfies'"):
            read_material(SplitPlan(), scales=["full"])
