import numpy as np
import pytest
from PIL import Image

from gafas.crops import squeeze


def test_a_grey_frame_has_one_channel_and_the_asked_size() -> None:
    photo = np.full((120, 128, 3), 77, np.uint8)
    squeezed = squeeze(photo, size=(64, 60), colour="grey")
    assert squeezed.shape == (60, 64, 1)
    assert squeezed.dtype == np.uint8
    assert set(squeezed.ravel()) == {77}


def test_grey_weighs_the_colours_as_the_eye_does() -> None:
    photo = np.zeros((4, 4, 3), np.uint8)
    photo[...] = (255, 0, 0)
    assert squeeze(photo, size=(2, 2), colour="grey").ravel().tolist() == [76] * 4


def test_colours_stay_in_the_order_red_green_blue() -> None:
    photo = np.zeros((4, 4, 3), np.uint8)
    photo[...] = (10, 20, 30)
    squeezed = squeeze(photo, size=(3, 2), colour="rgb")
    assert squeezed.shape == (2, 3, 3)
    assert squeezed[1, 2].tolist() == [10, 20, 30]


def test_the_whole_photo_is_squeezed_and_nothing_is_cut_off() -> None:
    photo = np.zeros((30, 300, 3), np.uint8)
    photo[:, :150] = 200
    squeezed = squeeze(photo, size=(4, 4), colour="grey")[:, :, 0]
    assert squeezed[:, 0].tolist() == [200] * 4
    assert squeezed[:, 3].tolist() == [0] * 4


def test_shrinking_averages_as_pillows_bilinear_filter_does() -> None:
    photo = np.zeros((16, 16, 3), np.uint8)
    photo[::2] = 255
    expected = Image.fromarray(photo[..., 0]).resize((4, 4), Image.Resampling.BILINEAR)
    squeezed = squeeze(photo, size=(4, 4), colour="grey")[:, :, 0]
    np.testing.assert_array_equal(squeezed, np.asarray(expected))
    assert 100 < squeezed.mean() < 155


def test_a_frame_of_the_asked_size_is_left_as_it_is() -> None:
    photo = np.arange(60 * 64, dtype=np.uint32).astype(np.uint8).reshape(60, 64, 1).repeat(3, 2)
    np.testing.assert_array_equal(squeeze(photo, size=(64, 60), colour="rgb"), photo)


@pytest.mark.parametrize(
    "photo",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)],
)
def test_an_array_that_is_no_rgb_photo_is_refused(photo: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected an \(H, W, 3\) uint8.*Received"):
        squeeze(photo, size=(64, 60), colour="grey")


def test_an_unknown_colour_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="Received: 'sepia'"):
        squeeze(np.zeros((4, 4, 3), np.uint8), size=(64, 60), colour="sepia")
