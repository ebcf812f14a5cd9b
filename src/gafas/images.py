"""Bytes → upright RGB array. The one place where photos are decoded."""

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from gafas.errors import ImageError
from gafas.results import ImageArray, Photo


def to_rgb(opened: Image.Image) -> Image.Image:
    """Bring a picture of any mode to RGB: transparency on white, deep values to 0–255."""
    if opened.mode == "RGB" and "transparency" not in opened.info:
        return opened
    if opened.mode == "F" or opened.mode.startswith("I"):
        return Image.fromarray(_to_bytes(np.asarray(opened))).convert("RGB")
    if opened.has_transparency_data:
        coloured = opened.convert("RGBA")
        white = Image.new("RGBA", coloured.size, "white")
        return Image.alpha_composite(white, coloured).convert("RGB")
    return opened.convert("RGB")


def _to_bytes(values: npt.NDArray[Any]) -> ImageArray:
    """Bring 16-bit integers, or floats of 0–1 or 0–255, to 0–255."""
    if np.issubdtype(values.dtype, np.floating):
        finite = np.nan_to_num(values)
        brought = np.clip(finite * (255 if finite.max() <= 1 else 1), 0, 255)
    else:
        brought = np.clip(values, 0, 65535) // 257
    return np.asarray(brought, dtype=np.uint8)


ImageSource = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Image.Image | ImageArray
)
"""A path, a file's bytes, an open binary file, a PIL image or an array."""

MAX_BYTES: Final = 256 * 2**20
"""A file of more bytes is refused."""

MAX_PIXELS: Final = 120_000_000
"""Never are more pixels decoded: a compressed kilobyte can claim a billion of them."""

MAX_JPEG_PIXELS: Final = 256_000_000
"""A JPEG of more pixels is refused; one of more than `MAX_PIXELS` is decoded at a half at most.

libjpeg keeps little beside what it decodes, but of a progressive file all coefficients: 1.5 GB here
at the worst.
"""

EXPECTED: Final = "JPEG, PNG, WebP, GIF, BMP, TIFF, PGM, PPM, AVIF or HEIC"

_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "HEIF")
_HEIC_BRANDS: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_ORIENTATION: Final = 0x0112
_TRANSPOSE: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's decoders raise on bytes that are damaged or made to harm.
_DAMAGE: Final = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    LookupError,
    TypeError,
    ArithmeticError,
    MemoryError,
    RuntimeError,
    AttributeError,
    Warning,  # where the caller has Python raise warnings
)


class NamedBytes(bytes):
    """A file's bytes, called by the file's name in errors."""

    name: str = "bytes"


def load_image(source: ImageSource) -> ImageArray:
    """Load an image as `(H, W, 3)` uint8 RGB, upright.

    The EXIF orientation is applied, transparency is laid on white, 16-bit values are brought to 8,
    and of an animation the first frame is taken. An array is taken as it is: `(H, W)` grey,
    `(H, W, 3)` RGB or `(H, W, 4)` RGBA, uint8; an RGB array is returned without a copy.

    Raises:
        ImageError: as `load_photo`.

    >>> load_image(Image.new("RGBA", (4, 2))).shape
    (2, 4, 3)
    """
    return load_photo(source).image


def load_photo(source: ImageSource, *, side: int | None = None, eighth: int | None = None) -> Photo:
    """Load an image as `load_image` does, big JPEGs at a reduced scale.

    With `side`, a JPEG is decoded at 1/2, 1/4 or 1/8 of its size, where its longer side stays at
    least `side` pixels: several times faster. With `eighth`, 1/8 will do where its longer side is
    at least so many pixels. A JPEG of more than `MAX_PIXELS` is decoded at 1/2 at most, whatever is
    asked for. Other formats come in full.

    Raises:
        ImageError: the source cannot be read, is no image, is damaged, or is too large
            (`MAX_BYTES`, `MAX_PIXELS`, `MAX_JPEG_PIXELS`).
    """
    if isinstance(source, np.ndarray):
        image = _from_array(source)
        return Photo(image, image.shape[1], image.shape[0])
    if isinstance(source, Image.Image):
        return _decode(source, name="a PIL image", side=None)
    name, data = _read(source)
    with _open(data, name=name) as opened:
        longer = max(opened.size)
        if eighth and longer // 8 >= eighth:
            side = longer // 8
        if opened.width * opened.height > MAX_PIXELS:
            side = min(side or longer, longer // 2)
        return _decode(opened, name=name, side=side)


def read_once(source: ImageSource) -> ImageSource:
    """Return a source that can be loaded again and again: of an open file, its bytes.

    Raises:
        ImageError: the file cannot be read.
    """
    if isinstance(source, np.ndarray | Image.Image) or not hasattr(source, "read"):
        return source
    named = NamedBytes(_read(source)[1])
    named.name = _name_file(source)
    return named


def read_file(path: str | os.PathLike[str]) -> NamedBytes:
    """Return a file's bytes, which errors call by its name, as those of its path.

    Raises:
        ImageError: the file cannot be read, or has more than `MAX_BYTES`.
    """
    named = NamedBytes(_read(path)[1])
    named.name = Path(path).name or str(path)
    return named


def read_size(data: bytes) -> tuple[int, int]:
    """Read width and height in pixels, before any EXIF orientation, without decoding the image.

    Raises:
        ImageError: the bytes are no image, or it is too large (`MAX_BYTES`, `MAX_PIXELS`,
            `MAX_JPEG_PIXELS`).
    """
    name, data = _read(data)
    with _open(data, name=name) as opened:
        return opened.size


def read_notes(source: str | os.PathLike[str] | bytes) -> tuple[int, bytes | None]:
    """Read the EXIF orientation, 1 to 8, and the XMP packet that a photo holds, if it does.

    Raises:
        ImageError: as `read_size`.
    """
    name, data = _read(source)
    with _open(data, name=name) as opened:
        packet = opened.info.get("xmp")
        return _orientation(opened), packet if isinstance(packet, bytes) else None


def _from_array(array: ImageArray) -> ImageArray:
    grey = array.ndim == 2
    if array.dtype != np.uint8 or not (grey or (array.ndim == 3 and array.shape[2] in (1, 3, 4))):
        raise ImageError(
            "Cannot use the array as an image: expected (H, W), (H, W, 3) or (H, W, 4) of uint8. "
            f"Received: {array.shape} of {array.dtype}. Scale the values to 0–255 and convert them."
        )
    if array.size == 0 or array.shape[0] * array.shape[1] > MAX_PIXELS:
        raise ImageError(
            f"Cannot use the array as an image: expected 1 to {MAX_PIXELS:,} pixels. "
            f"Received: {array.shape}. Pass a whole image of a sensible size."
        )
    if grey or array.shape[2] == 1:
        return np.repeat(array.reshape(*array.shape[:2], 1), 3, axis=2)
    if array.shape[2] == 4:
        return np.asarray(to_rgb(Image.fromarray(array)))
    return array


def _read(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO,
) -> tuple[str, bytes]:
    """Return what to call the source, and its bytes."""
    if isinstance(source, bytes | bytearray | memoryview):
        name = repr(source.name) if isinstance(source, NamedBytes) else "bytes"
        data = bytes(source)
    elif isinstance(source, str | os.PathLike):
        name = repr(Path(source).name or str(source))
        _refuse_address(str(source))
        data = _read_path(Path(source))
    elif hasattr(source, "read"):
        name = repr(_name_file(source))
        data = _read_file(source, name)
    else:
        raise ImageError(
            "Cannot read the image: expected a path, bytes, a binary file, a PIL image or an array."
            f" Received: {type(source).__name__}. Pass one of these."
        )
    if not isinstance(data, bytes):
        raise ImageError(
            f"Cannot read the image: expected bytes. Received: {type(data).__name__} from {name}. "
            "Open the file in binary mode ('rb')."
        )
    if len(data) > MAX_BYTES:
        raise ImageError(
            f"Cannot read the image: expected at most {MAX_BYTES:,} bytes. "
            f"Received: {name}, which has more. Save it smaller."
        )
    return name, data


def _refuse_address(source: str) -> None:
    """Say of an address that it is none of a file; a file that is called like one is taken."""
    if "://" in source and not os.path.exists(source):  # noqa: PTH110 (a Path raises for some)
        raise ImageError(
            f"Cannot read the image: gafas fetches nothing from the net. Received: {source!r}. "
            "Download it first, then name the file."
        )


def _name_file(file: object) -> str:
    return str(getattr(file, "name", "an open file"))


def _read_file(file: BinaryIO, name: str) -> bytes:
    try:
        return file.read(MAX_BYTES + 1)
    except (OSError, ValueError, EOFError, zlib.error) as error:  # it may be any kind of stream
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(
            f"Cannot read the image: {reason}. Received: {name}, an open file. "
            "Check where it comes from, and that it is open, and in binary mode ('rb')."
        ) from error


def _read_path(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            # Python allots as much as is asked for: of a regular file, only what it holds.
            known = os.fstat(file.fileno()).st_size
            return file.read(min(known or MAX_BYTES, MAX_BYTES) + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        advice = "Check the path and the permission to read it."
        if path.is_dir():
            reason, advice = "it is a directory", "Name one photo."
        raise ImageError(
            f"Cannot open the image: {reason}. Received: {str(path)!r}. {advice}"
        ) from error


def _open(data: bytes, *, name: str) -> Image.Image:
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        _enable_heic(name)
    file, most = io.BytesIO(data), MAX_PIXELS
    try:
        if data.startswith(b"\xff\xd8\xff"):  # past Pillow's own limit, which knows no reduction
            opened: Image.Image = JpegImageFile(file)
            most = MAX_JPEG_PIXELS
        else:
            opened = Image.open(file, formats=_known_formats())
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(name, None, most=most) from error
    except _DAMAGE as error:
        start = f"starts with {data[:8]!r}" if data else "is empty"
        start += f"; {error}" if isinstance(error, Warning) else ""  # which Python makes an error
        raise ImageError(
            f"Cannot read the image: expected {EXPECTED}. Received: {name} ({start}). "
            "Check that it is a photo and not, say, a web page saved under a photo's name."
        ) from error
    if opened.width * opened.height > most:
        raise _too_many_pixels(name, opened.size, most=most)
    return opened


def _known_formats() -> tuple[str, ...]:
    """Return our formats that this Pillow can decode; it warns about names that it has not met."""
    Image.preinit()
    return _FORMATS if "HEIF" in Image.OPEN else _FORMATS[:-1]


def _enable_heic(name: str) -> None:
    try:
        import pillow_heif
    except ImportError as error:
        raise ImageError(
            f"Cannot read the image: HEIC needs an extra package. Received: {name}. "
            "Install it: pip install pillow-heif"
        ) from error
    pillow_heif.register_heif_opener()


def _too_many_pixels(name: str, size: tuple[int, int] | None, *, most: int) -> ImageError:
    has = f" of {size[0]}×{size[1]}" if size else ", which has many more"
    return ImageError(
        f"Cannot read the image: expected at most {most:,} pixels. Received: {name}{has}. "
        "Save it smaller."
    )


def _decode(opened: Image.Image, *, name: str, side: int | None) -> Photo:
    try:
        width, height = opened.size
        if side is not None and side < max(width, height):
            reduction = side / max(width, height)
            size = (max(1, int(width * reduction)), max(1, int(height * reduction)))
            opened.draft(None, size)
        opened.load()
        orientation = _orientation(opened)
        if orientation >= 5:
            width, height = height, width
        image = to_rgb(opened)
        if orientation in _TRANSPOSE:
            image = image.transpose(_TRANSPOSE[orientation])
        return Photo(np.asarray(image), width, height)
    except _DAMAGE as error:
        raise ImageError(
            f"Cannot decode the image: it is cut short or damaged ({error}). "
            f"Received: {name} ({opened.format}, {opened.size[0]}×{opened.size[1]}). "
            "Copy or download it again."
        ) from error


def _orientation(opened: Image.Image) -> int:
    """Return the EXIF orientation, 1 (upright) where there is none or it is unreadable."""
    try:
        return int(opened.getexif().get(_ORIENTATION, 1))
    except _DAMAGE:
        return 1
