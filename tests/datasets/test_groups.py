from pathlib import Path

import pytest

from gafas.datasets.samples import Sample
from gafas.datasets.splits import set_aside, take_fold


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
