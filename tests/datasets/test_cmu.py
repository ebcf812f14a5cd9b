import collections
import math
from pathlib import Path

import numpy as np
import pytest

from gafas.datasets import cmu as cmu_module
from gafas.datasets.cmu import read_samples
from gafas.errors import DataError
from gafas.files import find_home
from gafas.images import load_image


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Make a folder with a few well-named files of the data set's kind."""
    for name in (
        "an2i/an2i_left_angry_open_2.pgm",
        "an2i/an2i_left_angry_open.pgm",
        "at33/at33_up_sad_open_4.pgm",
        "at33/at33_up_sad_sunglasses.pgm",
        "at33/at33_straight_sad_open.bad",
    ):
        path = tmp_path / "copy" / "faces" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"P5 1 1 255 x")
    return tmp_path / "copy"


def test_names_say_label_photo_subject_and_facts(small: Path) -> None:
    samples = read_samples(small)
    assert [(s.name, s.label) for s in samples] == [
        ("an2i/an2i_left_angry_open.pgm", "none"),
        ("an2i/an2i_left_angry_open_2.pgm", "none"),
        ("at33/at33_up_sad_open_4.pgm", "eyeglasses"),
        ("at33/at33_up_sad_sunglasses.pgm", "sunglasses"),
    ]
    second = samples[1]
    assert second.path == small / "faces" / second.name
    assert (second.photo, second.subject) == ("an2i_left_angry_open", "an2i")
    expected = {"pose": "left", "expression": "angry", "eyes": "open", "scale": "half"}
    assert second.facts == expected


def test_the_faces_folder_itself_will_do(small: Path) -> None:
    assert read_samples(small / "faces") == read_samples(small)


def test_only_the_wanted_sizes_are_read(small: Path) -> None:
    assert [s.facts["scale"] for s in read_samples(small, scales=["quarter"])] == ["quarter"]
    (small / "faces" / "at33" / "at33_up_sad_open_4.pgm").unlink()
    with pytest.raises(DataError, match="No CMU photo"):
        read_samples(small, scales=["quarter"])


@pytest.mark.parametrize("scales", [["huge"], []])
def test_a_size_that_does_not_exist_is_refused(small: Path, scales: list[str]) -> None:
    with pytest.raises(DataError, match="Expected scales from full, half, quarter"):
        read_samples(small, scales=scales)


@pytest.mark.parametrize(
    "name", ["an2i/holiday.pgm", "an2i/at33_up_sad_open.pgm", "an2i/an2i_down_sad_open.pgm"]
)
def test_a_misnamed_photo_is_refused_by_its_name(small: Path, name: str) -> None:
    (small / "faces" / name).write_bytes(b"P5 1 1 255 x")
    with pytest.raises(DataError, match=f"Cannot tell what {name}"):
        read_samples(small)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No CMU photo in"):
        read_samples(tmp_path)


def test_the_variable_decides_where_the_data_lie(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAFAS_CMU", str(small))
    assert cmu_module.find() == small
    assert len(read_samples()) == 4


def test_a_variable_that_points_elsewhere_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAFAS_CMU", str(tmp_path))
    with pytest.raises(DataError, match=r"GAFAS_CMU points to .* unset it"):
        cmu_module.find()


def test_without_the_variable_the_fetched_copy_is_found(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GAFAS_CMU", raising=False)
    monkeypatch.setenv("GAFAS_HOME", str(tmp_path / "home"))
    with pytest.raises(DataError, match="Run `gafas fetch cmu`"):
        cmu_module.find()
    (tmp_path / "home").mkdir()
    small.rename(tmp_path / "home" / "cmu_faces")
    assert cmu_module.find() == tmp_path / "home" / "cmu_faces"


def test_home_is_the_users_cache_unless_a_variable_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GAFAS_HOME", raising=False)
    assert find_home().name == "gafas"
    assert find_home().is_absolute()


@pytest.mark.cmu
def test_the_data_set_has_its_known_numbers(cmu: Path) -> None:
    samples = read_samples(cmu)
    assert (len(samples), len({s.photo for s in samples})) == (1872, 624)
    assert len({s.subject for s in samples}) == 20
    assert list(samples) == sorted(samples, key=lambda s: s.name)
    full = collections.Counter(s.label for s in read_samples(cmu, scales=["full"]))
    assert full == {"none": 204, "eyeglasses": 109, "sunglasses": 311}


@pytest.mark.cmu
def test_ascii_and_binary_files_of_one_photo_are_equally_bright(cmu: Path) -> None:
    photo = [s for s in read_samples(cmu) if s.photo == "an2i_left_angry_open"]
    assert [s.path.read_bytes()[:2] for s in photo] == [b"P2", b"P5", b"P5"]
    full, half, quarter = (load_image(s.path).astype(float) for s in photo)
    assert full.max() > 240  # rescaled from the file's own maximum to 255
    means = [full.mean(), half.mean(), quarter.mean()]
    assert all(math.isclose(m, means[0], abs_tol=1.5) for m in means)
    reduced = full.reshape(60, 2, 64, 2, 3).mean(axis=(1, 3))
    assert np.abs(reduced - half).mean() < 4
