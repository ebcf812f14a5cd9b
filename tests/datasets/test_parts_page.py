"""What pages say of the parts of the sets, and of what counts in them, is so."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from benchmarks.life import SMALLEST, TAGS, measure_side

from gafas.datasets import eyewear as sets
from gafas.datasets.samples import EYEWEAR_LABELS
from gafas.datasets.scenes import Scene, list_samples, read_scenes
from gafas.training import calibrate

DOCS = Path(__file__).resolve().parents[2] / "docs"
ALWAYS = "train, whatever its hash says"
KEPT = ("chandrikadeb7/Face-Mask-Detection", "marellanoc/MaskON")
WORDS = {
    "down": "looking down",
    "dark": "in the dark",
    "bw": "black and white",
    "child": "children",
}


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_the_page_names_the_shares_of_the_mix_and_what_is_tolerated() -> None:
    page = read("concepts.md")
    rows = re.findall(r"^\| (`\w+`|all others together) \| (0\.\d+) \|$", page, re.MULTILINE)
    shares = {name.strip("`"): float(share) for name, share in rows}
    assert shares == {name or "all others together": share for name, share in sets.MIX.items()}
    assert sum(shares.values()) == pytest.approx(1)
    assert f"{100 * calibrate.TOLERATED_ERRORS:.1f} % are tolerated" in page
    assert f"it is {100 * calibrate.TOLERATED_IN_MIX:.1f} %" in page


@pytest.mark.eyewear
def test_the_page_counts_what_is_held_out_of_life(
    eyewear: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # To look for repeats takes long, and none goes from one repository to another.
    monkeypatch.setattr(sets, "merge_repeats", tuple)
    scenes = read_scenes(eyewear, "life")
    split = sets.part([sample for scene in scenes for sample in list_samples(scene)])
    columns = dict[str, list[Scene]]()
    for name in ("train", "validation", "test"):
        paths = {sample.path for sample in getattr(split, name)}
        for scene in scenes:
            if scene.path in paths:
                column = ALWAYS if scene.repo in KEPT else name
                columns.setdefault(column, []).append(scene)
    assert set(columns) == {ALWAYS, "train", "validation", "test"}
    counts = [count(columns[name]) for name in (ALWAYS, "train", "validation", "test")]
    rows = [
        f"| {WORDS.get(kind, kind)} | {' | '.join(f'{column[kind]:,}' for column in counts)} |"
        for kind in ("photos", "repositories", "faces", *EYEWEAR_LABELS, *TAGS)
    ]
    assert "\n".join(rows) in read("how-to/train-faces.md"), "\n".join(rows)


def count(scenes: Sequence[Scene]) -> Counter[str]:
    """Count the photos, their repositories, and the faces that are scored, by label and by tag."""
    counts = Counter(photos=len(scenes), repositories=len({scene.repo for scene in scenes}))
    for scene in scenes:
        for number, face in enumerate(scene.faces):
            label = sets.read_corrections().get(f"{scene.name}#{number}", face.label)
            if label in EYEWEAR_LABELS and measure_side(face.box) >= SMALLEST:
                counts.update(["faces", label, *face.tags])
    return counts
