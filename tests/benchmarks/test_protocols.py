import dataclasses
from pathlib import Path

import pytest
from benchmarks.cmu import (
    PROTOCOLS,
    Benchmark,
    Entry,
    Leaking,
    choose_protocols,
    merge_entries,
    run_protocol,
)

from benchmarks import cmu
from gafas.datasets.dataset import DataSet
from gafas.datasets.samples import Sample
from gafas.datasets.splits import SplitPlan, make_split
from gafas.errors import DataError
from gafas.evaluation.metrics import Accuracy, wilson
from gafas.files import read_json
from gafas.training import train as training
from gafas.training.run import hash_recipe, read_data
from tiny_data import make_faces, rename, tiny_recipe

RECIPE = tiny_recipe(optimization={"epochs": 1})

FEW = {
    "by_file": PROTOCOLS["by_file"],
    "two_folds": tuple(SplitPlan("by_subject", folds=2, fold=fold) for fold in (0, 1)),
}


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sample, ...]:
    return make_faces(tmp_path_factory.mktemp("cmu"))


def of_cmu(faces: tuple[Sample, ...]) -> DataSet:
    return DataSet("cmu", faces[0].path.parent.parent, faces)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmark two folds instead of five or twenty."""
    monkeypatch.setattr(cmu, "PROTOCOLS", FEW)


@pytest.fixture(scope="module")
def entries(faces: tuple[Sample, ...], runs: Path) -> dict[str, Entry]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cmu, "PROTOCOLS", FEW)
        return {name: run_protocol(RECIPE, name, data=of_cmu(faces), runs=runs) for name in FEW}


def test_folds_by_subject_test_everybody_once(
    entries: dict[str, Entry], faces: tuple[Sample, ...]
) -> None:
    entry = entries["two_folds"]
    assert entry.trainings == len(entry.folds) == 2
    people = [person for fold in entry.folds for person in fold.subjects or ()]
    assert sorted(people) == ["ann", "bob", "cy", "dee", "eve"]
    assert sum(fold.test for fold in entry.folds) == entry.accuracy.total == len(faces)
    assert entry.full_size and entry.full_size.total == len(faces) / 2
    assert entry.leaks == Leaking(0, 0.0)
    assert entry.last_ten_epochs is None


def test_the_pooled_accuracy_counts_every_answer_once(entries: dict[str, Entry]) -> None:
    entry = entries["two_folds"]
    right = sum(fold.accuracy * fold.test for fold in entry.folds)
    assert entry.accuracy.correct == pytest.approx(right, abs=0.01)
    assert entry.full_size
    wrong = entry.full_size.total - entry.full_size.correct
    assert len(entry.wrong_full_size) == wrong


def test_a_split_by_file_leaks_and_says_so(entries: dict[str, Entry]) -> None:
    entry = entries["by_file"]
    assert (entry.trainings, entry.accuracy.total) == (1, 16)
    assert entry.leaks == Leaking(16, 1.0)
    assert entry.folds[0].subjects is None
    assert entry.last_ten_epochs is not None and 0 <= entry.last_ten_epochs <= 1


def test_an_entry_says_what_was_trained(entries: dict[str, Entry]) -> None:
    entry = entries["by_file"]
    plan = dataclasses.replace(RECIPE)
    assert (entry.recipe, entry.recipe_sha256) == ("tiny", hash_recipe(plan))
    assert entry.parameters and entry.parameters > 100
    assert entry.seconds_per_training > 0


def test_each_training_leaves_its_run_with_its_evaluation(
    entries: dict[str, Entry], runs: Path
) -> None:
    assert set(entries) == set(FEW)
    assert sorted(run.name for run in runs.iterdir()) == [
        "tiny-by_file-0",
        "tiny-two_folds-0",
        "tiny-two_folds-1",
    ]
    assert all((run / "evaluation.json").exists() for run in runs.iterdir())


@pytest.mark.usefixtures("few")
def test_what_is_trained_is_not_trained_again(
    entries: dict[str, Entry],
    faces: tuple[Sample, ...],
    runs: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*args: object, **more: object) -> None:
        pytest.fail("a training was begun")

    monkeypatch.setattr(training, "train", refuse)
    assert run_protocol(RECIPE, "two_folds", data=of_cmu(faces), runs=runs) == entries["two_folds"]


@pytest.mark.usefixtures("few", "entries")
def test_runs_of_another_recipe_of_the_same_name_are_refused(
    faces: tuple[Sample, ...], runs: Path
) -> None:
    with pytest.raises(DataError, match="was begun with another recipe"):
        run_protocol(dataclasses.replace(RECIPE, seed=8), "by_file", data=of_cmu(faces), runs=runs)


def test_every_run_of_the_benchmark_remembers_that_it_is_of_cmu(
    entries: dict[str, Entry], faces: tuple[Sample, ...], runs: Path
) -> None:
    records = [read_data(folder) for folder in runs.iterdir()]
    assert len(records) == 3
    assert {(record.kind, record.samples) for record in records} == {("cmu", len(faces))}


def test_drawn_people_are_no_benchmark(faces: tuple[Sample, ...], tmp_path: Path) -> None:
    drawn = dataclasses.replace(of_cmu(faces), kind="drawn")
    with pytest.raises(DataError, match="Received: drawn people, no photographs"):
        run_protocol(RECIPE, "by_file", data=drawn, runs=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_protocol_is_refused(faces: tuple[Sample, ...], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Unknown protocol 'by_face': expected one of by_file"):
        run_protocol(RECIPE, "by_face", data=of_cmu(faces), runs=tmp_path)


@pytest.mark.parametrize(
    ("protocol", "folds"), [("by_subject_5", 5), ("leave_one_subject_out", 20)]
)
def test_the_folds_of_a_protocol_cover_all_twenty_people_once(protocol: str, folds: int) -> None:
    samples = [
        Sample(Path(f"{n}.pgm"), f"{n}", label, f"{n}", f"person {n // 2}")
        for n, label in enumerate(["none", "sunglasses"] * 20)
    ]
    tested = [make_split(samples, plan).test for plan in PROTOCOLS[protocol]]
    assert len(tested) == folds
    assert sorted(s.name for part in tested for s in part) == sorted(s.name for s in samples)
    assert {len({s.subject for s in part}) for part in tested} == {20 // folds}


def test_the_original_is_spared_the_longest_protocols() -> None:
    assert choose_protocols("seed") == ("by_file", "by_photo", "by_subject_5")
    assert set(choose_protocols("compact")) == set(PROTOCOLS)


def entry_of(recipe: str, protocol: str, correct: int = 5) -> Entry:
    return Entry(
        recipe=recipe,
        recipe_sha256="",
        protocol=protocol,
        trainings=1,
        parameters=None,
        seconds_per_training=1.0,
        accuracy=Accuracy(correct / 10, correct, 10, wilson(correct, 10)),
        full_size=None,
        last_ten_epochs=None,
        leaks=Leaking(0, 0.0),
        folds=(),
        wrong_full_size=(),
    )


def test_new_entries_replace_their_own_and_keep_all_others_in_order(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "cmu.json"
    merge_entries(path, [entry_of("seed", "by_photo"), entry_of("seed", "by_file")])
    merge_entries(path, [entry_of("compact", "by_photo")])
    merge_entries(path, [entry_of("seed", "by_photo", 9), entry_of("compact", "by_file")])
    found = read_json(path, Benchmark)
    assert found.claimed == 0.9013
    assert [(entry.recipe, entry.protocol, entry.accuracy.correct) for entry in found.entries] == [
        ("seed", "by_file", 5),
        ("seed", "by_photo", 9),
        ("compact", "by_file", 5),
        ("compact", "by_photo", 5),
    ]


def test_results_that_cannot_be_read_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "cmu.json").write_text("half a file")
    with pytest.raises(DataError, match=r"cmu\.json"):
        merge_entries(tmp_path / "cmu.json", [entry_of("seed", "by_file")])
    assert (tmp_path / "cmu.json").read_text() == "half a file"


def test_a_recipe_under_another_name_has_runs_of_its_own(
    faces: tuple[Sample, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Path] = []

    def note(recipe: object, split: object, *, run: Path, data: DataSet) -> None:
        begun.append(run)
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", note)
    with pytest.raises(KeyboardInterrupt):
        run_protocol(rename(RECIPE, "other"), "by_photo", data=of_cmu(faces), runs=tmp_path)
    assert begun == [tmp_path / "other-by_photo-0"]
