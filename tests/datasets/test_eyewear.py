import collections
import csv
import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gafas.datasets.eyewear import (
    LEARNT,
    find,
    merge_repeats,
    part,
    read_corrections,
    read_material,
    read_samples,
)
from gafas.datasets.samples import NOT_A_FACE, OTHER, TINTED, Sample
from gafas.datasets.scenes import read_scenes
from gafas.datasets.splits import SplitPlan
from gafas.errors import DataError
from scenes import write_cloud


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets")
    for i in range(60):
        label = ("none", "eyeglasses", "sunglasses")[i % 3]
        name = f"{20 + i}_{i % 2}_{i % 5}_2017010900000{i:04}.jpg.chip.jpg"
        write_cloud(folder / "utkface" / label / name, seed=i)
    for i in range(40):
        write_cloud(folder / "celeba" / ("none", "sunglasses")[i % 2] / f"{i:06}.jpg", seed=100 + i)
    write_cloud(folder / "celeba" / "tinted_ambiguous" / "000900.jpg", seed=900)
    write_cloud(folder / "utkface" / "none" / "61_1_20170109150557335.jpg.chip.jpg", seed=901)
    write_cloud(folder / "lfw" / "none" / "Somebody_0001.jpg", seed=902)
    (folder / "celeba" / "labels.csv").write_text("file,label,size,sha1\n")
    (folder / "celeba" / "none" / "notes.txt").write_text("no photo")
    return folder


TWO = ("celeba", "utkface")


def test_names_labels_and_facts_come_from_where_a_photo_lies_and_what_it_is_called(
    sets: Path,
) -> None:
    samples = read_samples(sets, sets=TWO)
    assert len(samples) == 101
    assert [s.name for s in samples] == sorted(s.name for s in samples)
    found = {s.name: s for s in samples}
    plain = found["celeba/none/000000.jpg"]
    assert (plain.label, plain.photo, plain.facts) == (
        "none",
        "celeba/000000.jpg",
        {"source": "celeba"},
    )
    person = found["utkface/eyeglasses/21_1_1_20170109000000001.jpg.chip.jpg"]
    assert person.label == "eyeglasses"
    assert person.facts == {
        "source": "utkface",
        "age": "20-29",
        "gender": "female",
        "race": "Black",
    }
    assert all(s.path.is_file() for s in samples)


def test_a_name_that_does_not_say_the_race_gives_the_facts_that_it_says(sets: Path) -> None:
    found = {s.path.name: s.facts for s in read_samples(sets, sets=["utkface"])}
    facts = found["61_1_20170109150557335.jpg.chip.jpg"]
    assert facts == {"source": "utkface", "age": "60-69", "gender": "female"}


def test_ambiguous_photos_are_read_only_by_their_own_label(sets: Path) -> None:
    assert {s.label for s in read_samples(sets, sets=TWO)} == {"none", "eyeglasses", "sunglasses"}
    apart = read_samples(sets, sets=TWO, labels=(TINTED, "sunglasses_multi_person"))
    assert [s.name for s in apart] == ["celeba/tinted_ambiguous/000900.jpg"]


def test_the_test_set_is_refused_unless_it_is_to_be_evaluated_on(sets: Path) -> None:
    with pytest.raises(DataError, match="'lfw' is test only"):
        read_samples(sets, sets=["celeba", "lfw"])
    opened = read_samples(sets, sets=["lfw"], for_evaluation=True)
    assert [s.name for s in opened] == ["lfw/none/Somebody_0001.jpg"]


def test_a_set_that_is_not_there_is_named_with_those_that_are(sets: Path) -> None:
    with pytest.raises(DataError, match=r"no set 'portraits' .* celeba, lfw, utkface"):
        read_samples(sets)


def test_a_label_that_no_set_holds_is_no_data(sets: Path) -> None:
    with pytest.raises(DataError, match=r"No photo in .*monocle"):
        read_samples(sets, sets=TWO, labels=["monocle"])


def test_the_folder_is_the_one_that_the_environment_names(
    sets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAFAS_EYEWEAR", str(sets))
    assert find() == sets
    assert read_samples(sets=TWO) == read_samples(sets, sets=TWO)
    monkeypatch.setenv("GAFAS_EYEWEAR", str(sets / "nowhere"))
    with pytest.raises(DataError, match=r"expected GAFAS_EYEWEAR to name .*nowhere"):
        find()
    monkeypatch.delenv("GAFAS_EYEWEAR")
    with pytest.raises(DataError, match="Set it, or train on your own photos"):
        find()


def test_the_test_part_is_a_share_of_utkface_and_validation_comes_from_every_set(
    sets: Path,
) -> None:
    samples = read_samples(sets, sets=TWO)
    split = part(samples)
    parts = (split.train, split.validation, split.test)
    assert sorted(s.name for p in parts for s in p) == [s.name for s in samples]
    assert {s.facts["source"] for s in split.test} == {"utkface"}
    assert 4 <= len(split.test) <= 22
    assert {s.facts["source"] for s in split.validation} == set(TWO)
    assert part(samples) == split


def test_a_photo_stays_in_its_part_when_others_go_or_its_label_is_corrected(
    sets: Path, tmp_path: Path
) -> None:
    samples = read_samples(sets, sets=TWO)
    before = {s.photo: p for p in ("train", "test") for s in getattr(part(samples), p)}
    after = {s.photo: p for p in ("train", "test") for s in getattr(part(samples[::2]), p)}
    assert len(after) > 30
    assert after.items() <= before.items()
    moved = shutil.copytree(sets, tmp_path / "sets")
    held_out = part(samples).test[0]
    other = "none" if held_out.label == "eyeglasses" else "eyeglasses"
    target = moved / "utkface" / other / held_out.path.name
    (moved / held_out.name).replace(target)
    found = [s for s in part(read_samples(moved, sets=TWO)).test if s.path.name == target.name]
    assert [s.label for s in found] == [other]


def test_tinted_lenses_are_learnt_from_and_nothing_else(sets: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(sets, tmp_path / "sets")
    for at in range(20):
        name = f"30_0_1_201701090000003{at:02}.jpg"
        write_cloud(folder / "utkface" / TINTED / name, seed=500 + at)
    split = part(read_samples(folder, sets=TWO, labels=LEARNT))
    assert any(s.label == TINTED for s in split.train)
    assert all(s.label != TINTED for s in (*split.validation, *split.test))


def test_a_correction_counts_more_than_the_folder(tmp_path: Path) -> None:
    wrong = {n: x for n, x in read_corrections().items() if n.startswith("celeba/none/")}
    eyeglasses = next(name for name, label in wrong.items() if label == "eyeglasses")
    unclear = next(name for name, label in wrong.items() if label == "unclear")
    for at, name in enumerate((eyeglasses, unclear)):
        write_cloud(tmp_path / name, seed=700 + at)
    read = {s.name: s.label for s in read_samples(tmp_path, sets=("celeba",))}
    assert read[eyeglasses] == "eyeglasses"
    assert unclear not in read


def is_held_out(group: str) -> bool:
    digest = hashlib.sha256(f"test:{group}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48 < 0.2


@pytest.mark.eyewear
def test_every_correction_is_of_a_photo_to_learn_from(eyewear: Path) -> None:
    corrected = set(read_corrections())
    every = (*LEARNT, "sunglasses_multi_person", "unclear")
    samples = read_material(SplitPlan(), scales=(), labels=every)
    # Only some photos of these, and others that repeat one of them, are ever held out.
    tested = ("utkface", "fairface", "life")
    near = [
        s
        for s in samples
        if s.name in corrected
        or (s.facts["source"] in tested and is_held_out(s.subject or s.photo))
    ]
    held_out = {s.name for s in part(near).test}
    assert {name.partition("/")[0] for name in held_out} == set(tested)
    assert len(corrected) > 100
    assert corrected <= {s.name for s in samples} - held_out


@pytest.mark.eyewear
def test_no_correction_is_of_a_photo_or_a_source_that_a_hash_holds_out(eyewear: Path) -> None:
    with (eyewear / "life/photos.csv").open(encoding="utf-8", newline="") as file:
        repos = {row["file"]: row["repo"] for row in csv.DictReader(file)}
    names = [name.split("#")[0].split("/") for name in read_corrections()]
    faces = [parts[-1] for parts in names if parts[0] == "fairface"]
    sources = [repos[parts[-1]] for parts in names if parts[0] == "life"]
    assert len(faces) > 10
    assert len(sources) > 4
    assert not any(is_held_out(f"fairface/{name}") for name in faces)
    assert not any(is_held_out(f"life/{repo}") for repo in sources)
    folders = [parts for parts in names if parts[0] != "life"]
    assert all(eyewear.joinpath(*parts).is_file() for parts in folders)


def test_photos_that_repeat_each_other_are_never_divided(sets: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(sets, tmp_path / "sets")
    for at, path in enumerate(sorted((folder / "utkface" / "none").glob("*"))):
        with Image.open(path) as photo:
            photo.resize((56, 56)).save(path.with_name(f"9{at}_0_0_201702{at:09}.jpg"))
    split = part(read_samples(folder, sets=TWO))
    where = collections.defaultdict(set)
    for name in ("train", "validation", "test"):
        for sample in getattr(split, name):
            where[sample.photo].add(name)
    assert len(where) == 101
    assert all(len(parts) == 1 for parts in where.values())


@pytest.mark.eyewear
def test_the_real_sets_hold_what_their_table_says(eyewear: Path) -> None:
    every = read_samples(eyewear, labels=(*LEARNT, "unclear"))
    counts = collections.Counter(tuple(s.name.split("/")[:2]) for s in every)
    assert counts["celeba", "none"] == 3000  # of the folder, whatever a correction says
    assert counts["utkface", "eyeglasses"] == 2337
    assert counts["tinyimagenet", "sunglasses"] == 198
    folders = ("none", "eyeglasses", "sunglasses")
    assert counts["fairface", "sunglasses"] == 1123
    assert counts["glint", "eyeglasses"] == 75
    assert sum(number for (_, label), number in counts.items() if label in folders) == 23_830
    assert {s.subject for s in every if s.facts["source"] in ("glint", "meglass")}.isdisjoint(
        {None}
    )
    scenes = read_scenes(eyewear, "life")
    rows = collections.Counter(face.label for scene in scenes for face in scene.faces)
    assert (len(scenes), sum(scene.is_free for scene in scenes)) == (2413, 270)
    assert (rows["none"], rows["sunglasses"], rows[NOT_A_FACE], rows[OTHER]) == (
        2128,
        392,
        1982,
        104,
    )
    assert sum(scene.is_free for scene in read_scenes(eyewear, "multi")) == 17
    people = read_samples(eyewear, sets=["utkface"])
    races = collections.Counter(s.facts.get("race") for s in people)
    assert set(races) == {"White", "Black", "Asian", "Indian", "other", None}
    assert races[None] <= 3


def cloud(seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (24, 24, 3), np.uint8)
    return Image.fromarray(coarse).resize((96, 96), Image.Resampling.BICUBIC)


def samples(folder: Path) -> tuple[Sample, ...]:
    cloud(1).save(folder / "a.png")
    cloud(2).save(folder / "b.png")
    cloud(1).save(folder / "c.jpg", quality=60)
    cloud(1).resize((64, 64)).save(folder / "d.png")
    return tuple(Sample(folder / n, n, "none", n) for n in ("a.png", "b.png", "c.jpg", "d.png"))


def test_files_of_the_same_moment_share_the_first_ones_photo_and_others_keep_theirs(
    tmp_path: Path,
) -> None:
    merged = merge_repeats(samples(tmp_path))
    assert [s.photo for s in merged] == ["a.png", "b.png", "a.png", "a.png"]
    assert [s.name for s in merged] == ["a.png", "b.png", "c.jpg", "d.png"]


def test_no_samples_have_no_repeats() -> None:
    assert merge_repeats(()) == ()
