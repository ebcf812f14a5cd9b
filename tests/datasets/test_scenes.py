"""Whole photos give a sample for each face that is listed, and one for what is none."""

import collections
from pathlib import Path

import pytest

from gafas.datasets import eyewear
from gafas.datasets.eyewear import LEARNT, MIX, part, read_material
from gafas.datasets.samples import EYEWEAR_LABELS, NOT_A_FACE, OTHER, TINTED, Sample, relabel
from gafas.datasets.scenes import FREE, list_samples, read_scenes
from gafas.datasets.splits import SplitPlan
from gafas.errors import DataError
from scenes import Row, make_rooms, write_cloud, write_scenes

BOX = (1.0, 2.0, 30.5, 40.0)
OTHER_BOX = (40.0, 2.0, 60.0, 40.0)
ROWS: list[Row] = [
    ("a.jpg", BOX, "none", "hat dark"),
    ("a.jpg", OTHER_BOX, NOT_A_FACE, ""),
    ("a.jpg", (0.0, 0.0, 8.0, 9.0), "unclear", "tiny"),
    ("b.jpg", BOX, OTHER, ""),
    ("c.jpg", BOX, NOT_A_FACE, ""),
]
SOURCES = {
    "a.jpg": ("x/one", "CC0 (as its makers state)"),
    "b.jpg": ("x/one", "MIT (of the repository; photos' own rights unknown)"),
    "c.jpg": ("x/two", "unknown"),
    "d.jpg": ("x/three", "public domain / CC0 1.0 (LICENSE.md)"),
}


def samples_of(folder: Path, name: str) -> dict[str, Sample]:
    write_scenes(folder, name, rows=ROWS, sources=SOURCES)
    return {s.name: s for scene in read_scenes(folder, name) for s in list_samples(scene)}


def test_a_scene_holds_all_rows_of_its_photo_and_those_without_any_are_read_too(
    tmp_path: Path,
) -> None:
    write_scenes(tmp_path, "life", rows=ROWS, sources=SOURCES)
    (tmp_path / "life" / "photos").mkdir()
    scenes = read_scenes(tmp_path, "life")
    assert [(s.name, len(s.faces)) for s in scenes] == [
        ("life/a.jpg", 3),
        ("life/b.jpg", 1),
        ("life/c.jpg", 1),
        ("life/d.jpg", 0),
    ]
    first = scenes[0]
    assert first.path == tmp_path / "life" / "photos" / "a.jpg"
    assert (first.source, first.repo) == ("life", "x/one")
    assert (first.faces[0].box, first.faces[0].label) == (BOX, "none")
    assert first.faces[0].tags == ("hat", "dark")
    # What a repository allows of its code says nothing of the photos in it.
    assert [scene.is_free for scene in scenes] == [True, False, False, True]


def test_every_face_and_what_is_none_become_samples_of_their_repository(tmp_path: Path) -> None:
    found = samples_of(tmp_path, "life")
    assert list(found) == [
        *("life/a.jpg#0", "life/a.jpg#2", "life/a.jpg#beside"),
        *("life/b.jpg#0", "life/b.jpg#beside", "life/c.jpg#beside", "life/d.jpg#beside"),
    ]
    face = found["life/a.jpg#0"]
    assert (face.label, face.box, face.apart) == ("none", BOX, None)
    assert (face.photo, face.subject) == ("life/a.jpg", "life/x/one")
    assert face.facts == {"source": "life", "rights": FREE, "hat": "yes", "dark": "yes"}
    beside = found["life/a.jpg#beside"]
    assert (beside.label, beside.box) == (NOT_A_FACE, None)
    assert beside.apart == (BOX, (0.0, 0.0, 8.0, 9.0))  # what is unclear may be a face
    assert "rights" not in found["life/b.jpg#0"].facts
    assert found["life/c.jpg#beside"].apart == ()


def test_where_not_every_face_is_listed_nothing_is_said_of_the_rest(tmp_path: Path) -> None:
    assert list(samples_of(tmp_path, "multi")) == [
        "multi/a.jpg#0",
        "multi/a.jpg#2",
        "multi/b.jpg#0",
    ]


def test_a_set_without_a_table_of_its_own_is_looked_up_in_that_of_all(tmp_path: Path) -> None:
    write_scenes(tmp_path, "multi", rows=ROWS, sources={})
    (tmp_path / "multi" / "photos.csv").unlink()
    (tmp_path / "sources.csv").write_text(
        "file,repo,path,licence,attribution\n"
        "glint/none/a.jpg,x/other,p,CC0,\nmulti/a.jpg,x/one,p,public domain / CC0 1.0,\n"
    )
    scenes = read_scenes(tmp_path, "multi")
    told = [(scene.name, scene.repo, scene.is_free) for scene in scenes]
    assert told == [
        ("multi/a.jpg", "x/one", True),
        ("multi/b.jpg", "", False),
        ("multi/c.jpg", "", False),
    ]
    assert next(list_samples(scenes[1])).subject == "multi/multi/b.jpg"


@pytest.mark.parametrize(
    ("table", "content", "told"),
    [
        ("faces.csv", "file,x1,y1,x2,label\na.jpg,1,2,3,none\n", r"needs the columns file, x1"),
        ("faces.csv", "file,x1,y1,x2,y2,label\na.jpg,1,2,3,low,none\n", r"Received: .*'low'"),
        ("faces.csv", "file,x1,y1,x2,y2,label\na.jpg,1,2\n", r"needs the columns file, x1"),
        ("photos.csv", "file,path\na.jpg,x\n", r"needs the columns file, repo.* called 'repo'"),
    ],
)
def test_a_table_that_lacks_something_is_named(
    tmp_path: Path, table: str, content: str, told: str
) -> None:
    write_scenes(tmp_path, "life", rows=ROWS, sources=SOURCES)
    (tmp_path / "life" / table).write_text(content)
    with pytest.raises(DataError, match=rf"{table}.*{told}"):
        read_scenes(tmp_path, "life")


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Cannot read '.*faces\.csv': No such file"):
        read_scenes(tmp_path, "life")


PHOTOS = 5
REPOS = [f"somebody/{number}" for number in range(40)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write sets of every kind: known people, free photos, scenes of many repositories."""
    folder = make_rooms(tmp_path_factory.mktemp("sets"))
    for at in range(60):
        label = EYEWEAR_LABELS[at % 3]
        write_cloud(folder / "fairface" / label / f"{at}.jpg", seed=at)
        write_cloud(folder / "glint" / label / f"Person_{at % 20}_{at}.jpg", seed=100 + at)
        person = f"{at % 20}_N07_identity_0_{at}_0.jpg"
        write_cloud(folder / "meglass" / label / person, seed=200 + at)
        write_cloud(folder / "celeba" / label / f"{at}.jpg", seed=300 + at)
    rows: list[Row] = []
    sources = {}
    for at in range(PHOTOS * len(REPOS)):
        write_cloud(folder / "life" / "photos" / f"{at}.jpg", seed=1000 + at)
        label = (*EYEWEAR_LABELS, OTHER)[at % 4]
        rows += [(f"{at}.jpg", BOX, label, ""), (f"{at}.jpg", OTHER_BOX, TINTED, "")]
        repo = REPOS[at // PHOTOS]
        sources[f"{at}.jpg"] = (repo, "CC0" if repo.endswith("7") else "unknown")
    write_scenes(folder, "life", rows=rows, sources=sources)
    return folder


@pytest.fixture(scope="module")
def material(folder: Path) -> tuple[Sample, ...]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAFAS_EYEWEAR", str(folder))
        return read_material(SplitPlan(), scales=())


def test_all_sets_and_scenes_are_read_and_some_of_what_is_beside_single_faces(
    material: tuple[Sample, ...],
) -> None:
    assert [s.name for s in material] == sorted(s.name for s in material)
    assert {s.label for s in material} == set(LEARNT)
    none = [s for s in material if s.label == NOT_A_FACE]
    assert collections.Counter(s.facts["source"] for s in none)["life"] == PHOTOS * len(REPOS)
    beside = {s.name for s in none if s.facts["source"] == "fairface"}
    assert 8 <= len(beside) <= 28  # three tenths of 60
    known = {s.name: s for s in material}
    for name in beside:
        alone = known[name.removesuffix("#beside")]
        assert known[name].photo == alone.photo
        assert (known[name].box, known[name].apart) == (None, None)


def test_who_asks_for_labels_alone_is_given_nothing_beside(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAFAS_EYEWEAR", str(folder))
    read = read_material(SplitPlan(), scales=(), labels=EYEWEAR_LABELS)
    assert {s.label for s in read} == set(EYEWEAR_LABELS)


def test_a_correction_names_a_face_by_its_row(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAFAS_EYEWEAR", str(folder))
    corrections = {"life/0.jpg#0": "sunglasses", "life/1.jpg#0": "unclear"}
    monkeypatch.setattr(eyewear, "read_corrections", lambda: corrections)
    read = {s.name: s.label for s in read_material(SplitPlan(), scales=())}
    assert read["life/0.jpg#0"] == "sunglasses"
    assert read["life/0.jpg#1"] == TINTED
    assert "life/1.jpg#0" not in read


def test_nobody_and_no_repository_is_in_two_parts(material: tuple[Sample, ...]) -> None:
    split = part(material)
    parts = {name: getattr(split, name) for name in ("train", "validation", "test")}
    where = collections.defaultdict(set)
    for name, samples in parts.items():
        for sample in samples:
            where[sample.subject or sample.photo].add(name)
    assert len({subject for subject in where if subject.startswith("life/somebody")}) == len(REPOS)
    assert "glint/Person_3" in where
    assert "meglass/3_N07_identity_0" in where
    assert all(len(found) == 1 for found in where.values())
    assert {s.facts["source"] for s in split.test} == {"life", "fairface"}
    assert {s.facts["source"] for s in split.validation} >= {"life", "fairface", "glint"}


def test_what_nobody_could_answer_rightly_is_learnt_from_only(
    material: tuple[Sample, ...],
) -> None:
    split = part(material)
    assert {s.label for s in split.train} == set(LEARNT)
    for samples in (split.validation, split.test):
        assert {s.label for s in samples} == {*EYEWEAR_LABELS, NOT_A_FACE}


def test_repositories_that_would_be_a_part_by_themselves_are_learnt_from(tmp_path: Path) -> None:
    rows: list[Row] = [(f"{at}.jpg", BOX, "none", "") for at in range(12)]
    repos = ["marellanoc/MaskON", "chandrikadeb7/Face-Mask-Detection", *REPOS]
    sources = {f"{at}.jpg": (repo, "") for at, repo in enumerate(repos[:12])}
    write_scenes(tmp_path, "life", rows=rows, sources=sources)
    for at in range(12):
        write_cloud(tmp_path / "life" / f"{at}.jpg", seed=at)
    read = [s for scene in read_scenes(tmp_path, "life") for s in list_samples(scene)]
    learnt = {s.subject for s in part(read).train}
    assert {f"life/{repo}" for repo in repos[:2]} <= learnt
    assert len(part(read).test) > 0


def test_a_free_training_learns_from_free_photos_and_is_judged_on_the_same(
    material: tuple[Sample, ...],
) -> None:
    every, free = part(material), part(material, SplitPlan(sets="free"))
    assert (free.validation, free.test) == (every.validation, every.test)
    assert {s.name for s in free.train} < {s.name for s in every.train}
    assert {s.facts["rights"] for s in free.train} == {FREE}
    assert {s.facts["source"] for s in free.train} == {"fairface", "life"}
    people = {s.subject for s in free.train if s.facts["source"] == "life"}
    assert people
    assert all((person or "").endswith("7") for person in people)
    assert len(free.train) == sum(s.facts.get("rights") == FREE for s in every.train)


def test_labels_that_no_model_answers_stay_only_where_they_are_learnt(
    material: tuple[Sample, ...],
) -> None:
    soft = [s for s in material if s.label in (TINTED, OTHER, NOT_A_FACE)]
    kept = relabel(soft, EYEWEAR_LABELS, learnt=True)
    assert {s.label for s in kept} == {TINTED, OTHER, NOT_A_FACE}
    for label in (TINTED, OTHER, NOT_A_FACE):
        few = [s for s in soft if s.label == label][:1]
        with pytest.raises(DataError):
            relabel(few, EYEWEAR_LABELS)
        with pytest.raises(DataError):
            relabel(few, ("glasses", "no_glasses"), learnt=True)


def test_the_mix_shares_out_everything() -> None:
    assert sum(MIX.values()) == pytest.approx(1)
    assert {"life", "fairface", ""} <= set(MIX)
