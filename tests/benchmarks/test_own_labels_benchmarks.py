"""How photos are parted, and labels made wrong, where own labels and audits are measured."""

from pathlib import Path

import numpy as np
from benchmarks.adapt import draw_task, look_around
from benchmarks.audit import plant
from PIL import Image

from gafas.datasets.samples import Sample


def draw(tmp_path: Path, counts: dict[str, int]) -> list[Sample]:
    """Return photos of people, two of each, every photo of its own."""
    generator, samples = np.random.default_rng(1), []
    for label, number in counts.items():
        for at in range(number):
            path = tmp_path / f"{label} {at}.png"
            Image.fromarray(generator.integers(0, 256, (32, 32, 3), np.uint8)).save(path)
            samples.append(Sample(path, path.name, label, path.name, f"{label} {at // 2}"))
    return samples


def test_nobody_who_is_learnt_from_is_asked_about_and_rare_labels_come_first(
    tmp_path: Path,
) -> None:
    samples = draw(tmp_path, {"none": 60, "eyeglasses": 40, "sunglasses": 14})
    (task,) = draw_task("x", samples, size=50)
    assert task.labels == ("none", "eyeglasses", "sunglasses")
    assert not {one.subject for one in task.learnt} & {one.subject for one in task.asked}
    learnt = [one.label for one in task.learnt]
    assert len(learnt) == 50
    assert learnt.count("sunglasses") in (6, 7, 8)
    assert {one.label for one in task.asked} == set(task.labels)


def test_a_set_that_has_too_few_photos_gives_no_task_and_a_rare_label_is_left_out(
    tmp_path: Path,
) -> None:
    samples = draw(tmp_path, {"none": 30, "eyeglasses": 30, "sunglasses": 3})
    assert list(draw_task("x", samples, size=200)) == []
    (task,) = draw_task("x", samples, size=20)
    assert task.labels == ("none", "eyeglasses")


def test_a_face_lies_in_the_middle_of_what_is_cut_out_around_it() -> None:
    assert look_around((10.0, 20.0, 30.0, 60.0)) == (0, 0, 40, 80)


def test_one_label_in_twenty_is_made_another() -> None:
    truth = np.arange(200) % 3
    planted, wrong = plant(truth, 3, seed=0)
    assert len(wrong) == 10
    assert sorted(np.flatnonzero(planted != truth)) == sorted(wrong)
    assert set(planted.tolist()) == {0, 1, 2}
