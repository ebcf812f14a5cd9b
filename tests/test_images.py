"""Every ordinary file becomes an upright RGB array; every other gets a clear sentence."""

import errno
import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gafas.errors import ImageError
from gafas.images import ImageSource, load_image, load_photo, read_once, read_size
from quarters import BLUE, GREEN, RED, YELLOW, quarters, saved


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF"])
def test_every_format_gives_the_same_colours(kind: str) -> None:
    got = load_image(saved(Image.fromarray(quarters()), kind))
    assert got.shape == (32, 48, 3)
    assert got.dtype == np.uint8
    centres = got[[8, 8, 24, 24], [12, 36, 12, 36]].astype(int)
    assert np.abs(centres - np.array([RED, GREEN, BLUE, YELLOW])).max() <= 12


def test_heic_opens_with_the_extra() -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    data = saved(Image.fromarray(quarters(128, 64)), "HEIF", quality=95)
    got = load_image(data)
    assert got.shape == (64, 128, 3)
    assert np.abs(got[16, 32].astype(int) - RED).max() <= 16


def test_heic_without_the_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(ImageError, match="pip install pillow-heif"):
        load_image(b"\x00\x00\x00\x18ftypheic" + bytes(32))


def test_path_bytes_file_picture_and_array_give_the_same_image(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(quarters()).save(path)
    with path.open("rb") as file, Image.open(path) as opened:
        sources: list[ImageSource] = [path, str(path), path.read_bytes(), file, opened, quarters()]
        loaded = [load_image(source) for source in sources]
    assert len(loaded) == 6
    for image in loaded:
        np.testing.assert_array_equal(image, quarters())


def test_arrays_may_be_grey_or_transparent() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    np.testing.assert_array_equal(load_image(grey), np.stack([grey] * 3, axis=2))
    clear = np.zeros((3, 4, 4), np.uint8)
    assert (load_image(clear) == 255).all()


@pytest.mark.parametrize(
    "array",
    [np.zeros((3, 4), float), np.zeros((3, 4, 2), np.uint8), np.zeros((0, 4, 3), np.uint8)],
)
def test_other_arrays_are_refused_with_their_shape(array: np.ndarray) -> None:
    with pytest.raises(ImageError, match=r"Received: \("):
        load_image(array)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(kind: str, orientation: int) -> None:
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    picture = Image.fromarray(quarters())
    if orientation > 1:
        picture = picture.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = load_photo(saved(picture, kind, exif=exif))
    assert (photo.width, photo.height) == (48, 32)
    centres = photo.image[[8, 8, 24, 24], [12, 36, 12, 36]].astype(int)
    assert np.abs(centres - np.array([RED, GREEN, BLUE, YELLOW])).max() <= 12


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_unreadable_exif_does_not_lose_the_photo() -> None:
    data = saved(Image.fromarray(quarters()), "JPEG", exif=b"Exif\0\0II*\0garbage!")
    assert load_image(data).shape == (32, 48, 3)


def test_transparency_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert (load_image(clear) == 255).all()
    half = Image.new("LA", (8, 8), (0, 128))
    assert load_image(half)[0, 0].tolist() == [127, 127, 127]
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    assert (load_image(saved(palette, "PNG", transparency=1)) == 255).all()
    assert load_image(saved(palette, "PNG"))[0, 0].tolist() == [0, 0, 255]
    solid = Image.new("RGB", (8, 8), (1, 2, 3))
    assert (load_image(saved(solid, "PNG", transparency=(1, 2, 3))) == 255).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_become_eight(kind: str) -> None:
    ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    got = load_image(saved(Image.fromarray(ramp), kind))[..., 0]
    assert np.abs(got.astype(int) - (ramp // 257)).max() <= 1


def test_float_tiff_becomes_eight_bits() -> None:
    ramp = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    got = load_image(saved(Image.fromarray(ramp), "TIFF"))[..., 0]
    assert (got[0, 0], got[-1, -1]) == (0, 255)


def test_cmyk_and_black_and_white_become_rgb() -> None:
    cmyk = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    assert np.abs(load_image(saved(cmyk, "JPEG"))[8, 8].astype(int) - (255, 0, 0)).max() <= 8
    assert (load_image(saved(Image.new("1", (8, 8), 1), "PNG")) == 255).all()


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_an_animation_gives_its_first_frame(kind: str) -> None:
    first, second = Image.new("RGB", (8, 8), RED), Image.new("RGB", (8, 8), BLUE)
    data = saved(first, kind, save_all=True, append_images=[second])
    assert np.abs(load_image(data)[4, 4].astype(int) - RED).max() <= 12


@pytest.mark.parametrize("values", [b"P2 4 1 119\n0 119 60 30\n", b"P5 4 1 119\n\x00\x77\x3c\x1e"])
def test_pgm_values_are_rescaled_from_their_own_maximum(values: bytes) -> None:
    grey = load_image(values)[0, :, 0]
    assert np.abs(grey.astype(int) - [0, 255, 128, 64]).max() <= 1


def test_big_jpegs_are_decoded_smaller_and_say_so() -> None:
    data = saved(Image.fromarray(quarters(1600, 1200)), "JPEG")
    photo = load_photo(data, side=320)
    assert photo.image.shape == (300, 400, 3)
    assert (photo.width, photo.height, photo.scale) == (1600, 1200, 0.25)
    assert load_photo(data, side=1000).image.shape == (1200, 1600, 3)
    assert load_photo(data).scale == 1


def test_an_eighth_will_do_where_it_is_large_enough() -> None:
    data = saved(Image.fromarray(quarters(4000, 3000)), "JPEG")
    assert load_photo(data, side=640).image.shape == (750, 1000, 3)
    assert load_photo(data, side=640, eighth=500).image.shape == (375, 500, 3)
    assert load_photo(data, side=640, eighth=501).image.shape == (750, 1000, 3)


@pytest.mark.parametrize("side", [100, 137, 260, 400, 799])
def test_a_reduced_jpeg_stays_as_large_as_asked(side: int) -> None:
    data = saved(Image.fromarray(quarters(801, 333)), "JPEG")
    assert max(load_photo(data, side=side).image.shape) >= side


def test_a_turned_jpeg_is_reduced_and_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = Image.fromarray(quarters(1200, 1600)).transpose(Image.Transpose.ROTATE_90)
    photo = load_photo(saved(turned, "JPEG", exif=exif), side=400)
    assert photo.image.shape == (400, 300, 3)
    assert (photo.width, photo.height) == (1200, 1600)
    assert np.abs(photo.image[100, 75].astype(int) - RED).max() <= 8


def test_foreign_bytes_are_named_with_their_start(tmp_path: Path) -> None:
    path = tmp_path / "notes.jpg"
    path.write_bytes(b"Hello, I am text")
    with pytest.raises(ImageError, match=r"expected JPEG.*'notes.jpg' \(starts with b'Hello"):
        load_image(path)
    with pytest.raises(ImageError, match="is empty"):
        load_image(b"")


def test_paths_that_cannot_be_opened_say_why(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No such file"):
        load_image(tmp_path / "missing.jpg")
    with pytest.raises(ImageError, match="null"):
        load_image("a\0b.jpg")


def test_a_folder_is_not_a_matter_of_permissions(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"it is a directory.*Name one photo\.$"):
        load_image(tmp_path)


class Stream(io.BytesIO):
    """An open file that breaks off, as those of a network or an archive may."""

    name = "far.jpg"

    def __init__(self, error: Exception) -> None:
        super().__init__(b"\xff\xd8\xff")
        self.error = error

    def read(self, size: int | None = -1) -> bytes:
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EIO, "Input/output error"),
        TimeoutError("timed out"),
        EOFError("Compressed file ended before the end-of-stream marker was reached"),
        zlib.error("Error -3 while decompressing data"),
    ],
)
def test_an_open_file_that_cannot_be_read_is_an_image_error(error: Exception) -> None:
    for load in (load_image, load_photo, read_once):
        with pytest.raises(ImageError, match=r"Cannot read the image: .*Received: 'far.jpg', an"):
            load(Stream(error))


def test_a_file_that_was_closed_or_opened_as_text_is_an_image_error(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(saved(Image.fromarray(quarters()), "JPEG"))
    with path.open("rb") as closed:
        pass
    with pytest.raises(ImageError, match="closed file"):
        load_image(closed)
    with path.open(encoding="utf-8") as text, pytest.raises(ImageError, match="binary mode"):
        load_image(text)  # type: ignore[arg-type]


def test_an_open_file_is_read_once_and_keeps_its_name(tmp_path: Path) -> None:
    path = tmp_path / "notes.jpg"
    path.write_bytes(b"Hello")
    with path.open("rb") as file:
        source = read_once(file)
    for _ in range(2):
        with pytest.raises(ImageError, match=r"notes\.jpg' \(starts with b'Hello'\)"):
            load_image(source)
    assert read_once(path) is path


def test_other_sources_are_refused() -> None:
    with pytest.raises(ImageError, match="Received: int"):
        load_image(7)  # type: ignore[arg-type]
    with pytest.raises(ImageError, match="binary mode"):
        load_image(io.StringIO("text"))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_truncated_file_is_an_image_error(kind: str, share: float) -> None:
    noisy = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    data = saved(Image.fromarray(noisy), kind)
    with pytest.raises(ImageError, match="Received"):
        load_image(data[: int(len(data) * share)])


@pytest.mark.filterwarnings("ignore")  # Pillow warns before it gives up
def test_damaged_bytes_never_escape_as_another_error() -> None:
    noise = np.random.default_rng(1)
    outcomes = []
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF"):
        data = np.frombuffer(saved(Image.fromarray(quarters()), kind), np.uint8)
        for _ in range(40):
            hurt = data.copy()
            hurt[noise.integers(0, len(data), 4)] = noise.integers(0, 256, 4)
            try:
                outcomes.append(load_image(hurt.tobytes()).ndim == 3)
            except ImageError as error:
                outcomes.append("Received" in str(error))
    assert len(outcomes) == 320
    assert all(outcomes)


def test_one_pixel_is_an_image() -> None:
    assert load_image(saved(Image.new("RGB", (1, 1), RED), "PNG")).tolist() == [[list(RED)]]


def _header(path: Path) -> tuple[int, int, int, np.ndarray]:
    """Return the width, height, maximum and values of a PGM file, read without Pillow."""
    data = path.read_bytes()
    width, height, top = (int(word) for word in data.split(maxsplit=4)[1:4])
    if data[:2] == b"P2":
        return width, height, top, np.array([int(word) for word in data.split()[4:]])
    return width, height, top, np.frombuffer(data[-width * height :], np.uint8)


@pytest.mark.cmu
def test_both_kinds_of_cmu_pgm_reach_white(cmu: Path) -> None:
    full = cmu / "faces/an2i/an2i_left_angry_open.pgm"
    half = cmu / "faces/an2i/an2i_left_angry_open_2.pgm"
    assert full.read_bytes()[:2] == b"P2"
    assert half.read_bytes()[:2] == b"P5"
    assert load_image(full).shape == (120, 128, 3)
    assert _header(full)[:2] == (128, 120)
    for path in (full, half):  # one of each kind
        width, height, top, raw = _header(path)
        assert raw.max() <= top < 160
        expected = np.round(raw * 255.0 / top).reshape(height, width)
        assert np.abs(load_image(path)[..., 0] - expected).max() <= 1


def warned(kind: str) -> bytes:
    """Return a photo at which Pillow warns: of 100 megapixels, or with an EXIF of nonsense."""
    if kind == "large":
        return saved(Image.new("1", (10_000, 10_000)), "PNG")
    data = saved(Image.fromarray(quarters()), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    assert b"Exif" in data
    return data


@pytest.mark.parametrize("kind", ["large", "damaged EXIF"])
def test_where_a_warning_is_an_error_it_is_told_as_one(kind: str) -> None:
    with pytest.raises(
        ImageError, match=r"Received: bytes \(starts with .*(DecompressionBomb|EXIF|exceeds)"
    ):
        load_image(warned(kind))


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_a_damaged_exif_leaves_the_photo_as_it_is() -> None:
    assert load_image(warned("damaged EXIF")).shape == (32, 48, 3)


def test_the_size_is_read_without_decoding() -> None:
    whole = saved(Image.fromarray(quarters()), "JPEG")
    assert read_size(whole) == (48, 32)
    assert read_size(whole[:-20]) == (48, 32)  # what is missing is not looked at
    with pytest.raises(ImageError, match="expected JPEG"):
        read_size(b"Hello")


def test_a_jpeg_that_is_nearly_a_line_is_reduced_like_any_other() -> None:
    line = np.full((20, 20_000, 3), 128, np.uint8)
    content = io.BytesIO()
    Image.fromarray(line).save(content, "JPEG")
    assert load_photo(content.getvalue(), side=640).width == 20_000
