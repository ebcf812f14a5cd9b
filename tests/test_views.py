"""A classifier is shown upright faces, sharp enough, wherever they are in the photo."""

import io

import numpy as np
import pytest

from brightness_model import brightness_model
from face_photos import BOX, crowd, encode, face_model, faceless, portrait
from gafas import views
from gafas.classifier import EyewearClassifier
from gafas.errors import ImageError, ModelError
from gafas.images import ImageSource, load_image, load_photo
from gafas.results import Face, Photo
from gafas.views import Viewer
from gafas.weights import read_bundled


@pytest.fixture(scope="module")
def viewer() -> Viewer:
    return Viewer(EyewearClassifier(face_model()))


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


def test_a_frame_model_is_shown_the_whole_photo_as_its_one_face() -> None:
    viewer = Viewer(EyewearClassifier(brightness_model()))
    view = viewer.view(portrait())
    assert view.faces == (Face.whole(512, 600),)
    assert (view.width, view.height, view.patches.shape) == (512, 600, (1, 6, 8, 1))
    assert viewer.geometry is None


def test_a_face_model_is_shown_one_crop_for_each_face(viewer: Viewer) -> None:
    places = [(0, 0), (520, 0), (1040, 0), (0, 610), (520, 610), (1040, 610)]
    view = viewer.view(crowd(places, size=(1560, 1220), tall=600))
    assert view.patches.shape == (6, 64, 64, 3)
    found = sorted((round(face.box[1] / 610), round(face.box[0] / 520)) for face in view.faces)
    assert found == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    alike = np.corrcoef(view.patches.reshape(6, -1))
    assert alike.min() > 0.6  # the same face in each, as the detector jitters


def test_a_photo_without_faces_has_no_patches(viewer: Viewer) -> None:
    view = viewer.view(faceless())
    assert (view.faces, view.patches.shape) == ((), (0, 64, 64, 3))
    assert (view.width, view.height) == (400, 300)


def test_grey_models_are_shown_grey_crops_of_their_own_shape() -> None:
    content = face_model(side=48, colour="grey")
    view = Viewer(EyewearClassifier(content)).view(portrait())
    assert view.patches.shape == (1, 48, 48, 1)
    rgb = Viewer(EyewearClassifier(face_model(side=48))).view(portrait()).patches
    expected = rgb[..., :1] * 0.299 + rgb[..., 1:2] * 0.587 + rgb[..., 2:] * 0.114
    assert difference(view.patches, expected.round()) < 1


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_boxes_are_in_the_pixels_of_the_upright_photo(viewer: Viewer, orientation: int) -> None:
    turns = {1: 0, 3: 2, 6: 1, 8: 3}[orientation]
    view = viewer.view(encode(np.rot90(portrait(), turns), orientation=orientation))
    assert (view.width, view.height) == (512, 600)
    assert len(view.faces) == 1
    assert view.faces[0].box == pytest.approx(BOX, abs=16)


def test_boxes_are_in_the_pixels_of_a_huge_photo_that_was_decoded_small(viewer: Viewer) -> None:
    huge = crowd([(0, 0)], size=(3072, 3600), tall=3600)
    view = viewer.view(encode(huge))
    assert (view.width, view.height, len(view.faces)) == (3072, 3600, 1)
    assert view.faces[0].scaled(1 / 6).box == pytest.approx(BOX, abs=8)


def test_a_small_face_in_a_huge_photo_is_cropped_from_a_larger_decoding(viewer: Viewer) -> None:
    content = encode(crowd([(2500, 900)], size=(4000, 3000), tall=360))
    reduced = viewer.view(content)
    whole = viewer.view(load_image(content))
    assert len(reduced.faces) == len(whole.faces) == 1
    assert reduced.faces[0].box == pytest.approx(whole.faces[0].box, abs=12)
    # The crop has as much detail as one from the whole photo; from 1/4 it has half of it.
    detail = [
        float(np.abs(np.diff(v.patches.astype(int), axis=2)).mean()) for v in (reduced, whole)
    ]
    assert detail[0] == pytest.approx(detail[1], rel=0.1)


def test_an_open_file_is_decoded_as_its_bytes_are(viewer: Viewer) -> None:
    content = encode(crowd([(2500, 900)], size=(4000, 3000), tall=360))
    one, other = viewer.view(io.BytesIO(content)), viewer.view(content)
    assert one.faces == other.faces
    np.testing.assert_array_equal(one.patches, other.patches)


class Decodings:
    """Note at which scales a photo is decoded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.scales: list[float] = []
        monkeypatch.setattr(views, "load_photo", self)

    def __call__(self, source: ImageSource, **sizes: int | None) -> Photo:
        photo = load_photo(source, **sizes)
        self.scales.append(photo.scale)
        return photo


@pytest.mark.parametrize(
    ("tall", "model", "scales"),
    [
        (2400, EyewearClassifier(read_bundled("eyewear.onnx")), [1 / 8]),  # sure of a large face
        (1200, EyewearClassifier(read_bundled("eyewear.onnx")), [1 / 8]),  # and of one made coarse
        (1200, EyewearClassifier(face_model(side=96)), [1 / 8, 1 / 4]),  # never sure
        (360, EyewearClassifier(read_bundled("eyewear.onnx")), [1 / 8, 1 / 4]),  # small: too coarse
    ],
)
def test_a_huge_photo_is_decoded_again_only_where_the_answer_needs_it(
    tall: int, model: EyewearClassifier, scales: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = encode(crowd([(1500, 300)], size=(4000, 3000), tall=tall))
    decodings = Decodings(monkeypatch)
    view = Viewer(model).view(content)
    assert decodings.scales == scales
    assert len(view.faces) == len(view.patches) == len(view.probabilities) == 1
    factor = tall / 600
    placed = [place * factor + (1500, 300)[at % 2] for at, place in enumerate(BOX)]
    assert view.faces[0].box == pytest.approx(placed, abs=20 * factor)


def test_a_huge_photo_in_which_a_small_look_finds_nothing_is_decoded_larger(
    viewer: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    decodings = Decodings(monkeypatch)
    assert viewer.view(encode(np.full((3000, 4000, 3), 90, np.uint8))).faces == ()
    assert decodings.scales == [1 / 8, 1 / 4]


def test_the_answers_are_those_to_the_patches(viewer: Viewer) -> None:
    view = viewer.view(encode(crowd([(2500, 900), (100, 100)], size=(4000, 3000), tall=1500)))
    assert len(view.faces) == 2
    classifier = EyewearClassifier(face_model())
    assert view.probabilities == pytest.approx(classifier.predict(view.patches), abs=1e-6)


def test_bytes_that_are_no_photo_are_refused(viewer: Viewer) -> None:
    with pytest.raises(ImageError, match="hello"):
        viewer.view(b"hello")


@pytest.mark.parametrize("crop", [None, {"extent": 2.8}])
def test_a_face_model_that_does_not_say_how_to_crop_is_refused(crop: object) -> None:
    with pytest.raises(ModelError, match="crop"):
        Viewer(EyewearClassifier(face_model(crop=crop)))
