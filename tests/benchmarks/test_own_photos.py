from pathlib import Path

from benchmarks.own_photos import ASKED, LEARNT, find_person, lay_out

from gafas.datasets.samples import Sample


def named(path: Path) -> Sample:
    name = "/".join(path.parts[-3:])
    return Sample(path, name, path.parent.name, name)


def test_whom_a_photo_shows_follows_from_its_name() -> None:
    for name, person in (
        ("glint/none/Drew_Barrymore_587.jpg", "glint/Drew_Barrymore"),
        ("meglass/none/10334169_N07_identity_0_5613984663_0.jpg", "meglass/10334169"),
    ):
        assert find_person(named(Path("/sets") / name)) == person


def test_nobody_is_both_learnt_from_and_asked(tmp_path: Path) -> None:
    samples = []
    for label in ("none", "sunglasses"):
        folder = tmp_path / "sets" / "glint" / label
        folder.mkdir(parents=True)
        for person in range(60):
            for number in range(10):
                path = folder / f"P_{person}_{number}.jpg"
                path.write_bytes(b"")
                samples.append(named(path))
    learnt, asked = lay_out(samples, ("none", "sunglasses"), room=tmp_path / "room")
    for label in ("none", "sunglasses"):
        assert len(list((learnt / label).iterdir())) == LEARNT
        assert len(list((asked / label).iterdir())) == ASKED
    people = [
        {path.stem.rpartition("_")[0] for path in folder.rglob("*.jpg")}
        for folder in (learnt, asked)
    ]
    assert not people[0] & people[1]
