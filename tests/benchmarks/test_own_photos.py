from pathlib import Path

from benchmarks.own_photos import ASKED, LEARNT, lay_out

from gafas.datasets.samples import Sample


def named(path: Path) -> Sample:
    name = "/".join(path.parts[-3:])
    return Sample(path, name, path.parent.name, name)


def test_no_photo_is_both_learnt_from_and_asked(tmp_path: Path) -> None:
    samples = []
    for label in ("none", "sunglasses"):
        folder = tmp_path / "sets" / "fairface" / label
        folder.mkdir(parents=True)
        for number in range(LEARNT + ASKED + 5):
            path = folder / f"{label}_{number}.jpg"
            path.write_bytes(b"")
            samples.append(named(path))
    learnt, asked = lay_out(samples, ("none", "sunglasses"), room=tmp_path / "room")
    for label in ("none", "sunglasses"):
        names = [{path.name for path in (folder / label).iterdir()} for folder in (learnt, asked)]
        assert [len(some) for some in names] == [LEARNT, ASKED]
        assert not names[0] & names[1]
