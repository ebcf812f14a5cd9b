"""The measurements of `gafas batch` measure what they say."""

import io
import subprocess
import sys
import time

import pytest
from benchmarks.batch import compare_windows
from benchmarks.batch_failures import BREAKS, list_family

from face_photos import encode, portrait
from gafas.errors import ImageError
from gafas.images import load_image


def test_the_cost_of_a_photo_is_taken_between_numbers_of_photos() -> None:
    looks = [(0, 0.0, 1.0), (1_000, 5.0, 1.0), (1_500, 7.0, 1.0), (2_000, 8.0, 1.0)]
    looks += [(4_000, 20.0, 1.0)]
    assert compare_windows(looks, [1_000, 2_000, 3_000]) == {2_000: 3.0, 3_000: 6.0}


@pytest.mark.parametrize("kind", sorted(BREAKS))
def test_every_way_of_breaking_a_photo_makes_it_unreadable(kind: str) -> None:
    whole = encode(portrait())
    assert load_image(whole).size > 0
    with pytest.raises(ImageError):
        load_image(io.BytesIO(BREAKS[kind](whole)))


def test_a_family_is_all_that_a_process_has_begun() -> None:
    inner = "import time; time.sleep(60)"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    with subprocess.Popen([sys.executable, "-c", outer]) as process:
        until = time.monotonic() + 30
        while not (found := [one for one, line in list_family(process.pid) if inner in line]):
            assert time.monotonic() < until
        subprocess.run(["kill", *map(str, found)], check=True)
    assert len(found) == 1
