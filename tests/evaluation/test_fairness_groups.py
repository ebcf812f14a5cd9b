from pathlib import Path

import pytest

from gafas.datasets.samples import Sample
from gafas.evaluation.breakdowns import measure_groups
from gafas.evaluation.metrics import wilson
from gafas.evaluation.predictions import Row


def rows(number: int, truth: str, sure: float = 0.9, *, wrong: int = 0, **facts: str) -> list[Row]:
    """Return rows of one group, of which the first `wrong` say the opposite, so sure."""
    made = []
    for at in range(number):
        sample = Sample(Path(f"{at}.png"), f"{at}.png", truth, f"{at}", facts=facts)
        worn = (truth != "none") != (at < wrong)
        eyeglasses = sure if worn else 1 - sure
        probabilities = {"none": 1 - eyeglasses, "eyeglasses": eyeglasses, "sunglasses": 0.0}
        made.append(Row(sample, probabilities, 0.8))
    return made


def test_false_alarms_are_counted_for_each_group_and_the_worst_large_one_is_named() -> None:
    every = [
        *rows(100, "none", wrong=2, race="White", gender="male", age="20-29"),
        *rows(50, "none", wrong=3, race="Black", gender="female", age="70-79"),
        *rows(10, "none", wrong=5, race="Asian", gender="female", age="5-9"),
    ]
    found = measure_groups(every)
    assert found is not None
    alarms = found["false_alarms"]
    assert (alarms["overall"]["faces"], alarms["overall"]["wrong"]) == (160, 10)
    assert alarms["overall"]["wilson"] == wilson(10, 160)
    groups = {(*group["facts"], group["value"]): group["share"] for group in alarms["groups"]}
    assert groups["race", "White"] == 0.02
    assert groups["gender", "female"] == pytest.approx(8 / 60)
    assert groups["race", "gender", "Black, female"] == 0.06
    assert [group["value"] for group in alarms["groups"] if group["facts"] == ["age"]] == [
        "5-9",
        "20-29",
        "70-79",
    ]
    # Asian faces are ten: their share, a half, is shown but names nobody the worst.
    assert groups["race", "Asian"] == 0.5
    assert alarms["worst"]["facts"] == ["gender"]
    assert alarms["worst"]["value"] == "female"
    assert found["misses"] is None


def test_misses_are_eyewear_of_which_none_was_said() -> None:
    every = [
        *rows(60, "eyeglasses", wrong=6, race="White"),
        *rows(60, "sunglasses", 0.7, wrong=3, race="Black"),
    ]
    found = measure_groups(every)
    assert found is not None
    assert found["false_alarms"] is None
    assert (found["misses"]["overall"]["wrong"], found["misses"]["worst"]["value"]) == (9, "White")
    # At 0.7, below the threshold, nobody would have been told.
    told = {group["value"]: group["told"] for group in found["misses"]["groups"]}
    assert told == {"White": 6, "Black": 0}


def test_whose_face_is_not_known_belongs_to_no_group() -> None:
    assert measure_groups(rows(3, "none", source="web")) is None
    found = measure_groups([*rows(3, "none", source="web"), *rows(2, "none", gender="male")])
    assert found is not None
    assert found["false_alarms"]["overall"]["faces"] == 5
    assert [group["faces"] for group in found["false_alarms"]["groups"]] == [2]


def test_small_groups_alone_have_no_worst() -> None:
    found = measure_groups(rows(49, "none", wrong=9, race="Asian"))
    assert found is not None
    assert found["false_alarms"]["worst"] is None
