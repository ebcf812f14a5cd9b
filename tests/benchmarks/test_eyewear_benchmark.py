import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest
from benchmarks.eyewear import PARTS, VALIDATED, Photos, Results, measure_parts
from benchmarks.openings import OPENINGS, read_openings

from brightness_model import METADATA, brightness_model
from eyewear_model import eyewear_model, make_scenes, make_sets
from gafas.classifier import EyewearClassifier
from gafas.errors import DataError
from gafas.files import read_json

LABELS = ("none", "eyeglasses", "sunglasses", "tinted_ambiguous")
UTKFACE = [
    f"{label}/{age}_{at % 2}_{at % 3}_2017{at:04}"
    for label in LABELS
    for at, age in enumerate(range(20, 35))
]
SMALL = {
    "utkface": UTKFACE,
    "celeba": ["none/a", "none/b", "sunglasses/c"],
    "portraits": ["eyeglasses/a"],
    "selfies": ["sunglasses/a"],
    "tinyimagenet": ["sunglasses/a"],
    "web": [f"{label}/{at}" for label in LABELS[:3] for at in range(5)],
    "fairface": [f"{label}/{at}" for label in LABELS[:3] for at in range(9)],
    "lfw": ["none/Ann_1", "eyeglasses/Bob_1", "sunglasses/Cy_1", "tinted_ambiguous/Dee_1"],
}


FACES = [("none", "none hat", "eyeglasses", "sunglasses")[at % 4] for at in range(40)]


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return small sets; what is called lfw here holds photos made by the tests."""
    return make_scenes(make_sets(tmp_path_factory.mktemp("sets"), SMALL), FACES)


@pytest.fixture(autouse=True)
def _at(sets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAFAS_EYEWEAR", str(sets))


@pytest.fixture(scope="module")
def photos() -> Photos:
    return Photos()


@pytest.fixture(scope="module")
def classifier() -> EyewearClassifier:
    return EyewearClassifier(eyewear_model())


def read(path: Path) -> Results:
    return read_json(path, Results)


def names(results: Results) -> set[str]:
    """Return the parts that have been measured."""
    fields = dataclasses.fields(results.parts)
    return {field.name for field in fields if getattr(results.parts, field.name) is not None}


def test_every_part_is_measured_on_photos_that_were_not_learnt_from(
    classifier: EyewearClassifier, photos: Photos, tmp_path: Path
) -> None:
    out = tmp_path / "eyewear.json"
    measure_parts(classifier, ["web", "utkface", "fairface", "tinted"], out=out, photos=photos)
    found = read(out)
    assert found.model.sha256 == classifier.sha256
    assert names(found) == {"utkface", "fairface", "web", "tinted"}
    learnt = {sample.name for sample in photos.split.train}
    assert learnt and not learnt & {sample.name for sample in photos.unseen}
    web, utkface, tinted = found.parts.web, found.parts.utkface, found.parts.tinted
    assert web and web.accuracy.total == len(photos.wild)
    assert 0 < len(photos.wild) < 15
    assert utkface and utkface.data.samples == len(photos.hold_out("utkface")) > 0
    fairface = found.parts.fairface
    assert fairface and fairface.data.samples == len(photos.hold_out("fairface")) > 0
    assert fairface.groups is None
    assert utkface.groups and utkface.groups.false_alarms
    assert utkface.groups.false_alarms.overall.faces > 0
    assert tinted and tinted.photos == len(photos.tinted) > 0
    assert not learnt & {sample.name for sample in photos.tinted}
    assert set(tinted.sources) == {"utkface"}


@pytest.mark.parametrize(("name", "part"), [("life", "test"), (VALIDATED, "validation")])
def test_whole_photos_of_a_part_are_measured_face_by_face(
    classifier: EyewearClassifier, photos: Photos, tmp_path: Path, name: str, part: Any
) -> None:
    out = tmp_path / "eyewear.json"
    measure_parts(classifier, [name], out=out, photos=photos)
    found = getattr(read(out).parts, name)
    scenes = photos.list_scenes(part)
    inside = {sample.name for sample in getattr(photos.split, part)}
    assert {f"{scene.name}#0" for scene in scenes} <= inside
    assert found.scenes.photos == found.faces.photos == len(scenes) > 0
    assert found.accuracy.value == 1
    assert found.scenes.false_faces.count == 0
    assert "owner/" not in out.read_text(encoding="utf-8")


def test_nothing_is_chosen_on_the_test_part_of_life(photos: Photos) -> None:
    assert "life" in PARTS
    assert VALIDATED not in PARTS
    kept = [{scene.name for scene in photos.list_scenes(x)} for x in ("validation", "test")]
    assert kept[0]
    assert kept[1]
    assert kept[0].isdisjoint(kept[1])


def test_photos_of_one_person_are_made_worse_not_whole_scenes(photos: Photos) -> None:
    assert {s.label for s in photos.unseen} == {"none", "eyeglasses", "sunglasses"}
    assert "life" not in {s.facts["source"] for s in photos.unseen}


def test_no_photo_is_named_in_the_results(
    classifier: EyewearClassifier, photos: Photos, tmp_path: Path
) -> None:
    out = tmp_path / "eyewear.json"
    measure_parts(classifier, ["web", "utkface"], out=out, photos=photos)
    assert ".png" not in out.read_text(encoding="utf-8")


def test_a_part_joins_those_of_the_same_model_and_replaces_those_of_another(
    classifier: EyewearClassifier, photos: Photos, tmp_path: Path
) -> None:
    out = tmp_path / "eyewear.json"
    measure_parts(classifier, ["web"], out=out, photos=photos)
    measure_parts(classifier, ["tinted"], out=out, photos=photos)
    assert names(read(out)) == {"web", "tinted"}
    other = EyewearClassifier(eyewear_model(threshold=0.9))
    measure_parts(other, ["tinted"], out=out, photos=photos)
    assert names(read(out)) == {"tinted"}
    assert read(out).model.sha256 == other.sha256


def test_every_opening_of_a_test_set_is_recorded_with_its_model_and_its_results(
    classifier: EyewearClassifier, tmp_path: Path
) -> None:
    out = tmp_path / "eyewear.json"
    for _ in range(2):
        measure_parts(classifier, ["lfw"], out=out)
    part = read(out).parts.lfw
    assert part and part.tinted
    assert (part.opening, part.tinted.photos) == (2, 1)
    openings = read_openings(tmp_path / OPENINGS)
    assert [(o.set, o.number) for o in openings] == [("lfw", 1), ("lfw", 2)]
    assert {o.model_sha256 for o in openings} == {classifier.sha256}
    results = openings[0].results
    assert results is not None
    assert (results.accuracy, results.faces_missed) == (part.accuracy.value, 0)


def test_an_opening_that_fails_is_recorded_all_the_same(
    classifier: EyewearClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAFAS_EYEWEAR", str(make_sets(tmp_path / "few", {"web": ["none/a"]})))
    with pytest.raises(DataError, match="no set 'lfw'"):
        measure_parts(classifier, ["lfw"], out=tmp_path / "eyewear.json")
    (opening,) = read_openings(tmp_path / OPENINGS)
    assert opening.results is None
    assert not (tmp_path / "eyewear.json").exists()


def test_no_test_set_is_measured_unasked(photos: Photos) -> None:
    assert "lfw" not in PARTS
    sources = {s.facts["source"] for s in (*photos.unseen, *photos.tinted)}
    assert sources and "lfw" not in sources


def test_a_damaged_record_is_never_begun_anew(
    classifier: EyewearClassifier, tmp_path: Path
) -> None:
    record = tmp_path / OPENINGS
    record.write_text("[]", encoding="utf-8")
    with pytest.raises(DataError, match="must never be begun anew"):
        measure_parts(classifier, ["lfw"], out=tmp_path / "eyewear.json")
    assert record.read_text(encoding="utf-8") == "[]"


def test_a_model_of_other_labels_or_of_whole_photos_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "eyewear.json"
    for content in (brightness_model(metadata=METADATA), eyewear_model(labels=["a", "b", "c"])):
        with pytest.raises(DataError, match="models of faces that answer none, eyeglasses"):
            measure_parts(EyewearClassifier(content), ["web"], out=out)
    assert not out.exists()


def test_an_unknown_part_is_refused(classifier: EyewearClassifier, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Unknown part 'webb'"):
        measure_parts(classifier, ["webb"], out=tmp_path / "eyewear.json")


@pytest.fixture(scope="module")
def people(drawn_people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write people named as the CMU's, at full size alone."""
    folder = tmp_path_factory.mktemp("cmu")
    for path in sorted(drawn_people.glob("faces/drawn0[1-5]/*_straight_neutral_*")):
        if not path.stem.endswith(("_2", "_4")):
            copy = folder / path.relative_to(drawn_people)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    return folder


@pytest.mark.parametrize(("learnt", "measured"), [("none", 5), ("fold", 1)])
def test_cmus_people_who_were_not_learnt_from_answer_the_experiments_question_too(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, learnt: str, measured: int
) -> None:
    monkeypatch.setenv("GAFAS_CMU", str(people))
    classifier = EyewearClassifier(eyewear_model(data={"cmu": learnt}))
    measure_parts(classifier, ["cmu"], out=tmp_path / "eyewear.json")
    part = read(tmp_path / "eyewear.json").parts.cmu
    assert part is not None
    counts = part.confusion.counts
    right = counts[2][2] + sum(sum(row[:2]) for row in counts[:2])
    assert part.sunglasses_against_rest.correct == right
    assert part.data.subjects == measured
    assert ".pgm" not in (tmp_path / "eyewear.json").read_text(encoding="utf-8")


def test_a_model_that_learnt_from_all_of_cmus_people_is_not_measured_on_them(
    tmp_path: Path,
) -> None:
    classifier = EyewearClassifier(eyewear_model(data={"cmu": "all"}))
    with pytest.raises(DataError, match=r"learnt from all of CMU's photos.*leave the part cmu out"):
        measure_parts(classifier, ["cmu"], out=tmp_path / "eyewear.json")
    assert not (tmp_path / "eyewear.json").exists()
