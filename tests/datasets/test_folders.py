import os
from pathlib import Path

import pytest
from PIL import Image

from gafas.datasets import folders
from gafas.datasets.samples import Sample
from gafas.errors import DataError


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (90, 80, 70)).save(path, format="PNG")
    return path


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    for name in ("none/a.png", "none/deep/b.JPG", "sunglasses/c.webp"):
        put(tmp_path / "set" / name)
    return tmp_path / "set"


def csv(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "labels.csv"
    path.write_text(text, encoding=encoding)
    return path


def test_each_sub_folder_is_a_label_and_photos_may_lie_deep(labelled: Path) -> None:
    samples = folders.read_labelled(labelled)
    assert [(s.name, s.label) for s in samples] == [
        ("none/a.png", "none"),
        ("none/deep/b.JPG", "none"),
        ("sunglasses/c.webp", "sunglasses"),
    ]
    assert all(s.path == labelled / s.name and s.photo == s.name for s in samples)
    assert all(s.subject is None for s in samples)


def test_hidden_files_and_other_endings_are_passed_over(labelled: Path) -> None:
    put(labelled / "none" / ".hidden.png")
    put(labelled / ".thumbnails" / "t.png")
    (labelled / "none" / "notes.txt").write_text("not a photo")
    (labelled / "README.md").write_text("not a photo")
    assert len(folders.read_labelled(labelled)) == 3


def test_a_link_that_leads_back_up_does_not_hang(labelled: Path) -> None:
    (labelled / "none" / "loop").symlink_to(labelled / "none", target_is_directory=True)
    (labelled / "sunglasses" / "up").symlink_to(labelled / "sunglasses", target_is_directory=True)
    assert len(folders.read_labelled(labelled)) == 3


def test_a_linked_folder_of_photos_is_followed(labelled: Path, tmp_path: Path) -> None:
    put(tmp_path / "elsewhere" / "d.png")
    (labelled / "eyeglasses").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert {s.label for s in folders.read_labelled(labelled)} == {
        "none",
        "eyeglasses",
        "sunglasses",
    }


def test_a_photo_outside_the_label_folders_is_refused(labelled: Path) -> None:
    put(labelled / "stray.png")
    with pytest.raises(DataError, match=r"stray\.png lies in .* so it has no label"):
        folders.read_labelled(labelled)


def test_a_csv_gives_labels_and_subjects(tmp_path: Path) -> None:
    put(tmp_path / "b.png")
    put(tmp_path / "in" / "a.png")
    path = csv(tmp_path, "file,label,subject\nin/a.png,none,ana\nb.png,sunglasses,\n")
    assert folders.read_labelled(path) == (
        Sample(tmp_path / "b.png", "b.png", "sunglasses", "b.png"),
        Sample(tmp_path / "in" / "a.png", "in/a.png", "none", "in/a.png", "ana"),
    )


def test_a_csv_of_a_spanish_excel_is_understood(tmp_path: Path) -> None:
    put(tmp_path / "niño.png")
    path = csv(tmp_path, "File;Label;width\r\nniño.png;none;4\r\n", encoding="utf-8-sig")
    assert [(s.name, s.label) for s in folders.read_labelled(path)] == [("niño.png", "none")]


def test_quoted_commas_and_windows_paths_are_understood(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a,b.png")
    path = csv(tmp_path, 'label,file\nnone,"in\\a,b.png"\n')
    assert [s.name for s in folders.read_labelled(path)] == ["in/a,b.png"]


def test_sub_folders_win_over_the_csv_beside_them(labelled: Path) -> None:
    csv(labelled, "file,label\nnone/a.png,sunglasses\n")
    assert folders.read_labelled(labelled)[0].label == "none"


def test_a_flat_folder_is_read_through_its_csv(tmp_path: Path) -> None:
    put(tmp_path / "a.png")
    csv(tmp_path, "file,label\na.png,none\n")
    assert [s.label for s in folders.read_labelled(tmp_path)] == ["none"]


def test_a_repeated_line_counts_once(tmp_path: Path) -> None:
    put(tmp_path / "a.png")
    path = csv(tmp_path, "file,label\na.png,none\n./a.png,none\n")
    assert len(folders.read_labelled(path)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\na.png,none\na.png,sunglasses\n", "contradicts itself about a.png.*line 3"),
        ("file,label,subject\na.png,none,x\na.png,none,y\n", "'none' of x and, in line 3"),
        ("file,label\na.png,none\nb.png,none\n", "1 files that do not exist, such as 'b.png'"),
        ("photo,label\na.png,none\n", "Expected the columns file,label.*'photo,label'"),
        ("", "Expected the columns file,label"),
        ("file,label\n", "names no photo"),
        ("file,label\na.png,\n", "Line 2 of .* lacks its label"),
        ("file,label\n,none\n", "Line 2 of .* lacks its file"),
        ("file,label\na.png\n", "Line 2 of .* lacks its label"),
    ],
)
def test_a_faulty_csv_is_refused_with_its_fault(tmp_path: Path, text: str, message: str) -> None:
    put(tmp_path / "a.png")
    with pytest.raises(DataError, match=message):
        folders.read_labelled(csv(tmp_path, text))


def test_a_csv_in_another_encoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Give a CSV in UTF-8"):
        folders.read_labelled(csv(tmp_path, "file,label\nniño.png,none\n", encoding="latin-1"))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No labelled photos"):
        folders.read_labelled(tmp_path)


def test_a_path_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'.*nowhere', which does not exist"):
        folders.read_labelled(tmp_path / "nowhere")


def test_of_photos_without_labels_it_is_said_what_tells_about_them(tmp_path: Path) -> None:
    put(tmp_path / "b.png")
    with pytest.raises(DataError, match=r"No labelled photos in .*`gafas predict`"):
        folders.read_labelled(tmp_path)


def correct(folder: Path, text: str) -> None:
    (folder / "corrections.csv").write_text(text, "utf-8")


def test_corrections_beside_photos_hold_instead_of_their_folders(
    labelled: Path, caplog: pytest.LogCaptureFixture
) -> None:
    correct(labelled, "file,label\n./none/a.png,eyeglasses\nnone\\deep\\b.JPG,\n")
    assert [(s.name, s.label) for s in folders.read_labelled(labelled)] == [
        ("none/a.png", "eyeglasses"),
        ("sunglasses/c.webp", "sunglasses"),
    ]
    assert "corrects 1 labels and leaves 1 photos out" in caplog.text


def test_corrections_beside_a_csv_hold_and_subjects_stay(tmp_path: Path) -> None:
    put(tmp_path / "=a.png")
    path = csv(tmp_path, "file,label,subject\n=a.png,none,ana\n")
    correct(tmp_path, "file,label\n'=a.png,sunglasses\n")  # as a spreadsheet is guarded
    (sample,) = folders.read_labelled(path)
    assert (sample.label, sample.subject) == ("sunglasses", "ana")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\nnone/z.png,none\n", "1 files that do not exist, such as 'none/z.png'"),
        ("file,label\nnone/a.png,x\nnone/a.png,y\n", "contradicts itself about none/a.png.*line 3"),
        ("photo,label\n", "Expected the columns file,label"),
    ],
)
def test_faulty_corrections_are_refused(labelled: Path, text: str, message: str) -> None:
    correct(labelled, text)
    with pytest.raises(DataError, match=message):
        folders.read_labelled(labelled)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "at least two labels.*Received: nothing"),
        (["none"] * 3, "at least two labels.*Received: 3 none"),
        (["none", "none", "", "sunglasses"], "a label for every photo.*1 unlabelled"),
        (["none", "none", "sunglasses"], "two photos of every label.*1 sunglasses"),
    ],
)
def test_samples_without_a_difference_to_learn_are_refused(labels: list[str], message: str) -> None:
    samples = [Sample(Path(str(i)), str(i), label, str(i)) for i, label in enumerate(labels)]
    with pytest.raises(DataError, match=message):
        folders.check_trainable(samples)


def test_two_photos_of_two_labels_are_enough_to_train() -> None:
    labels = ["none", "none", "sunglasses", "sunglasses"]
    folders.check_trainable([Sample(Path(x), x, x, x) for x in labels])


@pytest.mark.eyewear
def test_the_folders_and_the_csv_of_a_labelled_set_say_the_same(eyewear: Path) -> None:
    samples = folders.read_labelled(eyewear / "lfw")
    assert len(samples) == 502
    assert samples == folders.read_labelled(eyewear / "lfw" / "labels.csv")


def test_a_name_that_is_no_text_can_be_written_into_any_file(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    odd = os.fsdecode(os.fsencode(tmp_path / "none") + b"/caf\xe9.png")
    Path(odd).write_bytes(b"")
    (sample,) = folders.read_labelled(tmp_path)
    assert sample.name.encode() == b"none/caf\\xe9.png"
    assert sample.path.exists()
