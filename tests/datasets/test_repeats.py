from pathlib import Path

import numpy as np
from PIL import Image

from gafas.datasets.eyewear import merge_repeats
from gafas.datasets.samples import Sample


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
