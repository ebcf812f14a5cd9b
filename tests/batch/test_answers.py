"""Answers are kept whole, and used again only for what they were given for."""

import json
import os
from pathlib import Path

import pytest

from batch.parts import list_parts, read_rows
from brightness_model import brightness_model, grey_photo
from gafas.batch.answers import Answers, Tally, digest, read_done
from gafas.batch.batch import Batch
from gafas.batch.parts import Store, make_part, name_part
from gafas.batch.shards import Job, Shard, give_up, recognize_shard
from gafas.errors import DataError
from gafas.recognizer import Recognizer

LABELS = ("dark", "bright")


def keep(out: Path, model: Path, *shards: list[str]) -> list[Tally]:
    """Look at shards, one part each, as a batch does."""
    job = Batch(str(out), model.read_bytes()).job
    return [recognize_shard(job, Shard(tuple((photo,) for photo in some))) for some in shards]


def test_a_row_holds_what_python_says_of_the_photo_and_of_the_model(
    photos: list[str], model: Path, tmp_path: Path
) -> None:
    recognizer = Recognizer(model)
    (tally,) = keep(tmp_path / "out", model, photos)
    rows = read_rows(tmp_path / "out")
    assert len(rows) == tally.photos == 10
    for row, found in zip(rows, recognizer.recognize_many(photos), strict=True):
        assert {key: row[key] for key in ("photo", "width", "height", "error", "faces")} == (
            found.to_dict()
        )
        seen = Path(row["photo"]).stat()
        assert row["bytes"] == seen.st_size
        assert row["modified"].timestamp() == pytest.approx(seen.st_mtime, abs=2e-6)
        assert row["model"] == recognizer.classifier.sha256


def test_what_cannot_be_read_is_a_row_with_the_sentence_of_predict(
    model: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    (tally,) = keep(tmp_path / "out", model, [str(broken), str(tmp_path / "gone.jpg")])
    rows = read_rows(tmp_path / "out")
    said = [found.error for found in Recognizer(model).recognize_many(row["photo"] for row in rows)]
    assert [row["error"] for row in rows] == said
    assert None not in said
    assert [(row["faces"], row["width"], row["bytes"]) for row in rows] == [
        ([], None, 8),
        ([], None, None),
    ]
    assert sum(tally.errors.values()) == 2
    assert not any("broken.jpg" in kind for kind in tally.errors)


def test_copies_have_rows_of_their_own_and_are_looked_at_once(
    photos: list[str], model: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes(Path(photos[0]).read_bytes())
    os.utime(copy, ns=(0, 1_000_000_000))
    tally = recognize_shard(
        Job(str(tmp_path / "out"), model.read_bytes(), "1"), Shard(((photos[0], str(copy)),))
    )
    rows = read_rows(tmp_path / "out")
    assert (tally.photos, tally.copies) == (2, 1)
    assert [row["photo"] for row in rows] == sorted([photos[0], str(copy)])
    assert rows[0]["faces"] == rows[1]["faces"]
    assert {row["modified"].timestamp() for row in rows} > {1.0}


def test_a_photo_that_nothing_survives_has_a_row_that_says_so(
    photos: list[str], model: Path, tmp_path: Path
) -> None:
    give_up(Batch(str(tmp_path / "out"), model.read_bytes()).job, Shard(((photos[3],),)))
    (row,) = read_rows(tmp_path / "out")
    assert (row["photo"], row["faces"]) == (photos[3], [])
    kept = Answers(str(tmp_path / "out"), Recognizer(model)).find(photos[3])
    assert kept is not None
    assert kept.error == row["error"]
    assert "out of memory or crashed" in row["error"]


def test_a_part_is_called_by_its_photos_so_that_one_done_twice_replaces_itself(
    photos: list[str], model: Path, tmp_path: Path
) -> None:
    keep(tmp_path / "out", model, photos, photos, photos[:5])
    assert len(list_parts(tmp_path / "out")) == 2
    assert name_part(photos) != name_part(photos[:5])


def test_what_is_done_is_known_and_counted(photos: list[str], model: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    tallies = keep(tmp_path / "out", model, photos[:6], [*photos[6:], str(broken)])
    done, tally = read_done(Store(str(tmp_path / "out")))
    assert done == {digest(photo) for photo in [*photos, str(broken)]}
    together = Tally()
    for one in tallies:
        together.merge(one)
    assert tally == together
    assert (tally.photos, tally.errors.total(), tally.faces.total()) == (11, 1, 10)


def test_a_photo_in_two_parts_is_in_one_again_and_none_is_lost(
    photos: list[str], model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    keep(out, model, photos[:6], photos[4:])  # as two runs at the same time may leave them
    done, tally = read_done(Store(str(out)))
    kept = [row["photo"] for row in read_rows(out)]
    assert len(kept) == len(set(kept)) == tally.photos == len(done)
    assert kept in (photos[:6], photos[4:])


def test_a_damaged_part_is_named_and_not_passed_over(
    photos: list[str], model: Path, tmp_path: Path
) -> None:
    keep(tmp_path / "out", model, photos)
    (part,) = list_parts(tmp_path / "out")
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(DataError, match=rf"Received: {part.name}.*Remove it"):
        read_done(Store(str(tmp_path / "out")))


def test_a_photo_without_a_face_and_one_without_an_error_are_told_apart(tmp_path: Path) -> None:
    row = {"photo": "a", "bytes": 1, "modified": 5, "width": 8, "height": 6, "error": None}
    rows = [{**row, "faces": [], "model": "m", "version": "v"}]
    Store(str(tmp_path)).write(name_part(["a"]), make_part(rows, LABELS))
    _, tally = read_done(Store(str(tmp_path)))
    assert (tally.without_face, tally.errors.total(), tally.faces.total()) == (1, 0, 0)
    assert tally == Tally.count(rows, groups=1)


def test_kept_answers_are_those_of_the_recognizer_in_the_order_asked(
    photos: list[str], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path / "out", model, photos[:7])
    recognizer = Recognizer(model)
    monkeypatch.chdir(tmp_path)
    asked = [os.path.relpath(photo) for photo in reversed(photos)]
    expected = [one.to_dict() for one in recognizer.recognize_many(asked)]
    looked_at: list[object] = []
    look = Recognizer.recognize

    def note(self: Recognizer, source: object, **more: object) -> object:
        looked_at.append(source)
        return look(self, source, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Recognizer, "recognize", note)
    answers = Answers("out", recognizer).recognize_many(asked)
    assert [one.to_dict() for one in answers] == expected
    assert sorted(map(str, looked_at)) == sorted(asked[:3])


def test_a_photo_that_has_changed_is_looked_at_anew(
    photos: list[str], model: Path, tmp_path: Path
) -> None:
    keep(tmp_path / "out", model, photos)
    answers = Answers(str(tmp_path / "out"), Recognizer(model))
    kept = answers.find(photos[0])
    assert kept is not None
    assert kept[0].label == "dark"
    grey_photo(Path(photos[0]), 250)
    assert answers.find(photos[0]) is None
    (found,) = answers.recognize_many([photos[0]], names=["new"])
    assert (found.photo, found[0].label) == ("new", "bright")
    os.utime(photos[1], ns=(0, 0))
    assert answers.find(photos[1]) is None


def test_another_threshold_chooses_labels_anew(
    photos: list[str], model: Path, tmp_path: Path
) -> None:
    keep(tmp_path / "out", model, photos)
    recognizer = Recognizer(model, threshold=0.9)
    answers = list(Answers(str(tmp_path / "out"), recognizer).recognize_many(photos))
    labels = [found[0].label for found in recognizer.recognize_many(photos)]
    assert [found[0].label for found in answers] == labels
    assert {"unsure", "dark"} == set(labels)


def test_answers_of_another_model_or_of_nobody_are_refused(
    photos: list[str], model: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.onnx"
    other.write_bytes(brightness_model(further={"features": 2}))
    keep(tmp_path / "out", model, photos)
    with pytest.raises(DataError, match="Another model gave these answers"):
        Answers(str(tmp_path / "out"), Recognizer(other))
    with pytest.raises(DataError, match="no answers here"):
        Answers(str(tmp_path / "nothing"), Recognizer(model))
    with pytest.raises(DataError, match="given in another way: model"):
        Batch(str(tmp_path / "out"), other.read_bytes())
    (tmp_path / "out/_run.json").write_text("{")
    with pytest.raises(DataError, match="damaged"):
        Batch(str(tmp_path / "out"), model.read_bytes())


def test_what_a_killed_run_left_beside_the_parts_goes(model: Path, tmp_path: Path) -> None:
    Batch(str(tmp_path), model.read_bytes())
    settings = json.loads((tmp_path / "_run.json").read_text())
    assert settings["labels"] == list(LABELS)
    left = tmp_path / ".part-0123.parquet-abc"
    left.write_bytes(b"half")
    Batch(str(tmp_path), model.read_bytes())
    assert not left.exists()
