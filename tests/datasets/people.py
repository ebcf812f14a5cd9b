"""Invented people, for tests that need names but no pixels."""

from pathlib import Path

from gafas.datasets.samples import Sample


def make_samples(subjects: int, photos: int = 3, sizes: int = 3) -> tuple[Sample, ...]:
    """Name files of people who were photographed several times, each photo at several sizes."""
    return tuple(
        Sample(Path(name), name, ("none", "sunglasses")[p % 2], f"s{s}p{p}", f"s{s}")
        for s in range(subjects)
        for p in range(photos)
        for z in range(sizes)
        for name in [f"s{s}/p{p}_{z}.png"]
    )
