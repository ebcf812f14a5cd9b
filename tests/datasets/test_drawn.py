import collections
import dataclasses
import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gafas.datasets.cmu import read_samples
from gafas.datasets.drawn import MARKER, draw_people, is_drawn
from gafas.errors import DataError
from gafas.synthesis.people import cast_sitters, sit
from gafas.synthesis.portraits import draw_portrait, put_on
from gafas.synthesis.solids import NOWHERE, Rays, Solid

POSES = ("left", "right", "straight", "up")
EXPRESSIONS = ("neutral", "happy", "sad", "angry")
SIZES = {"": (120, 128), "_2": (60, 64), "_4": (30, 32)}
WITH_EYEGLASSES = {f"drawn{n:02}" for n in (2, 5, 8, 11, 14, 16, 19)}
PEOPLE = [f"drawn{n:02}" for n in range(1, 21)]


def read(folder: Path, subject: str, rest: str) -> np.ndarray:
    with Image.open(folder / "faces" / subject / f"{subject}_{rest}.pgm") as image:
        assert image.mode == "L"
        return np.asarray(image).astype(float)


def draw_one(folder: Path, *, seed: int = 0) -> None:
    """Do what a person does who presses Ctrl-C when one of the people is drawn."""

    def show(names: Iterable[str], **_: object) -> Iterator[str]:
        yield from itertools.islice(names, 1)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("gafas.datasets.drawn.show_progress", show)
        draw_people(folder, seed=seed)


def test_the_set_is_laid_out_as_cmus(drawn_people: Path) -> None:
    found = {p.relative_to(drawn_people).as_posix() for p in drawn_people.rglob("*.*")}
    assert found - {MARKER} == {
        f"faces/{who}/{who}_{pose}_{expression}_{eyes}{size}.pgm"
        for who in PEOPLE
        for pose in POSES
        for expression in EXPRESSIONS
        for eyes in ("open", "sunglasses")
        for size in SIZES
    }
    assert is_drawn(drawn_people)
    assert is_drawn(drawn_people / "faces")
    assert not is_drawn(drawn_people / "faces" / "drawn01")
    told = json.loads((drawn_people / MARKER).read_text())
    assert told == {"what": "drawn people, no photographs", "seed": 0, "version": 2}


def test_its_samples_are_labelled_as_cmus_are(drawn_people: Path) -> None:
    samples = read_samples(drawn_people)
    assert (len(samples), len({s.photo for s in samples})) == (1920, 640)
    counts = collections.Counter(s.label for s in read_samples(drawn_people, scales=["full"]))
    assert counts == {"none": 208, "eyeglasses": 112, "sunglasses": 320}
    assert {s.subject for s in samples if s.label == "eyeglasses"} == WITH_EYEGLASSES


@pytest.mark.parametrize("who", ["drawn01", "drawn14"])
def test_photos_are_grey_lit_and_equal_at_all_sizes(drawn_people: Path, who: str) -> None:
    for pose in POSES:
        full, half, quarter = (read(drawn_people, who, f"{pose}_sad_open{s}") for s in SIZES)
        assert [full.shape, half.shape, quarter.shape] == list(SIZES.values())
        assert full.max() - full.min() > 100
        assert 20 < full.mean() < 160
        assert np.abs(full.reshape(60, 2, 64, 2).mean(axis=(1, 3)) - half).max() <= 1
        assert np.abs(full.reshape(30, 4, 32, 4).mean(axis=(1, 3)) - quarter).max() <= 1


def test_no_two_photos_are_alike(drawn_people: Path) -> None:
    paths = list(drawn_people.rglob("*.pgm"))
    assert len({path.read_bytes() for path in paths}) == len(paths)


def test_an_interrupted_drawing_is_completed_and_equals_any_other(
    drawn_people: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    draw_one(folder)
    assert not is_drawn(folder)
    begun = len(list(folder.rglob("*.pgm")))
    assert 96 <= begun < 1920
    (folder / "faces" / "drawn01" / ".drawn01_up_sad_open.pgm-x1y2").write_bytes(b"half a fi")
    assert draw_people(folder) == folder
    for path in (*drawn_people.rglob("*.pgm"), drawn_people / MARKER):
        assert (folder / path.relative_to(drawn_people)).read_bytes() == path.read_bytes()


def test_another_seed_draws_other_people(drawn_people: Path, tmp_path: Path) -> None:
    draw_one(tmp_path, seed=1)
    paths = sorted(tmp_path.rglob("*.pgm"))
    assert len(paths) >= 96
    same = [
        p for p in paths if (drawn_people / p.relative_to(tmp_path)).read_bytes() == p.read_bytes()
    ]
    assert same == []


def test_a_complete_set_is_left_as_it_is(drawn_people: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in drawn_people.rglob("*")}
    draw_people(drawn_people)
    assert {path: path.stat().st_mtime_ns for path in drawn_people.rglob("*")} == before


def test_a_set_of_another_seed_is_not_drawn_over(drawn_people: Path) -> None:
    with pytest.raises(DataError, match=r"people of seed 0\. Received: seed 3\. Choose another"):
        draw_people(drawn_people, seed=3)
    assert is_drawn(drawn_people)


@pytest.mark.parametrize(
    "name", ["notes.txt", "faces/an2i/an2i_left_angry_open.pgm", "faces/x.pgm"]
)
def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(DataError, match=rf"it holds something else, {name}\. Choose"):
        draw_people(tmp_path)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [tmp_path / name]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DataError, match=r"Cannot draw people into .*file"):
        draw_people(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_seeds_below_zero_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"seed of 0 or more\. Received: -1"):
        draw_people(tmp_path, seed=-1)


def test_sunglasses_darken_what_lies_around_the_eyes() -> None:
    for number, sitter in enumerate(cast_sitters(0)):
        moment = sit(np.random.default_rng(number), sitter, "straight", "neutral")
        bare, worn = (
            draw_portrait(
                sitter.person, moment, glasses=glasses, generator=np.random.default_rng(0)
            )
            for glasses in (None, sitter.sunglasses)
        )
        x, y = (round(at) for at in moment.place)
        eyes = slice(y - 2, y + 6), slice(x - 12, x + 12)
        assert worn[eyes].mean() < 0.7 * bare[eyes].mean()
        away = np.abs(worn - bare)
        away[max(0, y - 25) : y + 30] = 0
        assert away.max() == 0


@pytest.mark.parametrize("eyewear", ["eyeglasses", "sunglasses"])
def test_lenses_turn_with_the_head(eyewear: str) -> None:
    sitter = cast_sitters(0)[1]
    glasses = getattr(sitter, eyewear)
    grid = np.linspace(-3, 3, 200, dtype=np.float32)
    seen = {}
    for yaw in (-0.8, 0.0, 0.8):
        rays = Rays.meet(grid[None], grid[:, None], angles=(yaw, 0, 0), pivot=(0, 1.5, -1.25))
        front = put_on(glasses, rays)[0]
        columns = np.flatnonzero((front.lens + front.frame > 0.5).any(axis=0))
        seen[yaw] = grid[columns[0]], grid[columns[-1]]
    assert seen[-0.8][1] < seen[0.0][1] < seen[0.8][1]
    widths = {yaw: right - left for yaw, (left, right) in seen.items()}
    assert widths[0.8] < 0.85 * widths[0.0]
    assert abs(widths[0.8] - widths[-0.8]) < 0.1


def test_poses_turn_the_head_and_change_the_photo_more_than_a_feeling_does() -> None:
    sitter, angles, photos = cast_sitters(0)[0], {}, {}
    for pose, feeling in (*((pose, "neutral") for pose in POSES), ("straight", "happy")):
        moment = sit(np.random.default_rng(7), sitter, pose, feeling)
        angles[pose] = moment.angles
        still = dataclasses.replace(moment, place=(64, 50), unit=16, grain=0, blur=0)
        photos[pose, feeling] = draw_portrait(
            sitter.person, still, glasses=None, generator=np.random.default_rng(0)
        )
    assert angles["left"][0] > 0.5  # their left is the picture's right, as at CMU
    assert angles["right"][0] < -0.5
    assert angles["up"][1] > 0.3
    straight = photos["straight", "neutral"]
    smile = np.abs(photos["straight", "happy"] - straight)[30:85, 40:90]
    assert smile.max() > 25
    for pose in ("left", "right", "up"):
        assert np.abs(photos[pose, "neutral"] - straight)[30:85, 40:90].mean() > 3 * smile.mean()


def test_ellipsoids_are_met_where_they_lie_and_grow_together_without_a_step() -> None:
    grid = np.linspace(-2, 2, 161, dtype=np.float32)
    away = np.hypot(grid[None], grid[:, None])
    ball = Solid((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    turned = Rays.meet(grid[None], grid[:, None], angles=(0.5, 0.3, 0.1)).cast([ball])
    assert np.abs(turned - np.sqrt(np.clip(1 - away**2, 0, 1)))[away < 0.99].max() < 1e-3
    assert (turned[away > 1.01] == NOWHERE).all()

    rays = Rays.meet(grid[None], grid[:, None])
    bump = Solid((0.0, 0.0, 0.8), (0.3, 0.3, 0.3), blend=0.3)
    joined, apart = rays.cast([ball, bump]), np.maximum(rays.cast([ball]), rays.cast([bump]))
    assert (joined >= apart - 1e-3).all()
    across = slice(45, 116)  # the middle row, within the ball
    smooth, sharp = (np.diff(depth[80, across], 2).max() for depth in (joined, apart))
    assert smooth < sharp / 3
