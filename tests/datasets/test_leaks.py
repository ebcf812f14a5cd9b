from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gafas.datasets import cmu as cmu_module
from gafas.datasets import leaks
from gafas.datasets.samples import Sample
from gafas.datasets.splits import Split, SplitPlan, make_split
from gafas.errors import ImageError


def scene(seed: int) -> Image.Image:
    """Draw what a photo has: broad shapes and weaker detail, others for every seed."""
    random = np.random.default_rng(seed)
    layers = [random.normal(size=(side, side)) * 16 / side for side in (4, 8, 16, 32)]
    large = [np.asarray(Image.fromarray(x).resize((128, 120))) for x in layers]
    grey = np.clip(128 + 20 * np.sum(large, axis=0), 0, 255).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def sample(folder: Path, name: str, image: Image.Image, subject: str | None) -> Sample:
    image.save(folder / name)
    return Sample(folder / name, name, "none", name, subject)


def test_a_resaved_smaller_darker_copy_under_another_name_is_found(tmp_path: Path) -> None:
    copy = scene(1).resize((64, 60)).point(lambda value: value * 0.7)
    split = Split(
        "mine",
        (sample(tmp_path, "a.png", scene(1), "ana"), sample(tmp_path, "b.png", scene(2), "ben")),
        (),
        (sample(tmp_path, "c.jpg", copy, "cid"), sample(tmp_path, "d.png", scene(3), "dan")),
    )
    report = leaks.audit(split)
    assert (report.test, report.near_duplicate, report.any) == (2, 1, 1)
    assert (report.same_photo, report.same_subject) == (0, 0)
    assert report.examples == (leaks.Leak("c.jpg", "a.png", "near-duplicate"),)
    assert "1 (50%) hardly differ from a training photo" in report.sentence()


def test_a_known_person_is_a_leak_and_the_first_example_says_whom_to_look_at(
    tmp_path: Path,
) -> None:
    train = (sample(tmp_path, "a.png", scene(1), "ana"),)
    report = leaks.audit(Split("x", train, (), (sample(tmp_path, "b.png", scene(2), "ana"),)))
    assert (report.same_subject, report.near_duplicate, report.any) == (1, 0, 1)
    assert report.examples == (leaks.Leak("b.png", "a.png", "same subject"),)


def test_a_copy_in_validation_counts_because_epochs_are_chosen_there(tmp_path: Path) -> None:
    a, b, c = (sample(tmp_path, f"{i}.png", scene(i % 2), f"{i}") for i in range(3))
    assert leaks.audit(Split("x", (b,), (a,), (c,))).near_duplicate == 1
    assert leaks.audit(Split("x", (b,), (), (c,))).near_duplicate == 0


def test_no_leak_is_said_and_unknown_people_are_admitted(tmp_path: Path) -> None:
    a, b = (sample(tmp_path, f"{i}.png", scene(i), None) for i in range(2))
    report = leaks.audit(Split("x", (a,), (), (b,)))
    assert report.any == 0
    assert not report.subjects_known
    expected = "None of 1 test files shares a photo with training. Not every sample says whom"
    assert report.sentence().startswith(expected)


def test_a_photo_that_changed_on_disk_is_hashed_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    scene(1).save(path)
    before = leaks.hash_photo(path)
    scene(2).save(path)
    assert (before != leaks.hash_photo(path)).sum() > 40


def test_an_unreadable_photo_stops_the_audit_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"not a photo")
    with pytest.raises(ImageError, match=r"broken\.png"):
        leaks.hash_photo(tmp_path / "broken.png")
    with pytest.raises(ImageError, match=r"gone\.png"):
        leaks.hash_photo(tmp_path / "gone.png")


@pytest.mark.cmu
def test_the_hash_finds_other_sizes_and_hardly_other_photos(cmu: Path) -> None:
    people = ("an2i", "at33")
    samples = [s for s in cmu_module.read_samples(cmu) if s.subject in people]
    full = tuple(s for s in samples if s.facts["scale"] == "full")
    small = tuple(s for s in samples if s.facts["scale"] == "quarter")
    assert len(full) == len(small) > 60
    assert leaks.audit(Split("by_file", full, (), small)).near_duplicate >= 0.99 * len(small)
    one, two = (tuple(s for s in small if s.subject == name) for name in people)
    assert leaks.audit(Split("mine", one, (), two)).any == 0
    even, odd = small[::2], small[1::2]  # neighbours in name: open beside sunglasses
    assert leaks.audit(Split("by_photo", even, (), odd)).near_duplicate < 0.5 * len(odd)


def test_the_originals_split_leaks_and_a_split_by_subject_does_not(drawn_people: Path) -> None:
    samples = cmu_module.read_samples(drawn_people, scales=["half", "quarter"])
    original = leaks.audit(make_split(samples, SplitPlan("by_file", validation_share=0)))
    assert original.same_subject == original.test == original.any
    assert original.same_photo / original.test > 0.7
    assert original.watches_test
    assert "also watched during training" in original.sentence()
    honest = leaks.audit(make_split(samples, SplitPlan("by_subject", validation_share=0)))
    assert honest.any == 0
    assert "nor a person" in honest.sentence()
