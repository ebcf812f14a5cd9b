"""What is too large is refused in whole sentences; what is decoded reduced may be larger."""

import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import pytest
from PIL import Image

from gafas import images
from gafas.errors import ImageError
from gafas.images import load_image, load_photo, read_size
from quarters import quarters, saved


def test_a_header_that_claims_a_billion_pixels_is_refused() -> None:
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    bomb += struct.pack(">I", zlib.crc32(chunk)) + struct.pack(">I", 0) + b"IDAT"
    with pytest.raises(ImageError, match="at most 120,000,000 pixels"):
        load_image(bomb)


def test_limits_on_bytes_and_pixels_hold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(quarters()).save(path)
    monkeypatch.setattr(images, "MAX_PIXELS", 48 * 32 - 1)
    with pytest.raises(ImageError, match="48×32"):
        load_image(path)
    with pytest.raises(ImageError, match="pixels"):
        load_image(quarters())
    monkeypatch.setattr(images, "MAX_BYTES", 10)
    with pytest.raises(ImageError, match="at most 10 bytes"):
        load_image(path)


def test_what_is_too_large_is_told_in_whole_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    huge = Image.new("1", (12_000, 12_000))
    end = (
        r"expected at most 120,000,000 pixels\. Received: bytes of 12000×12000\. Save it smaller\."
    )
    with warnings.catch_warnings(), pytest.raises(ImageError, match=end):
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        load_image(saved(huge, "PNG"))
    monkeypatch.setattr(images, "MAX_BYTES", 10)
    with pytest.raises(ImageError, match=r"10 bytes\. Received: bytes, which has more\. Save"):
        load_image(bytes(11))


HUGE = """
import sys
from gafas.recognizer import Recognizer

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) // 1024

path = sys.argv[1]
recognizer = Recognizer()
before = peak()
found = recognizer.recognize(path)
assert (found.error, found.faces, found.width, found.height) == (None, (), 16384, 12288), found
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads from /proc how much memory was used")
def test_a_photo_of_200_megapixels_is_decoded_reduced_within_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "phone.jpg"
    Image.new("L", (16_384, 12_288), 128).save(path)
    words = [sys.executable, "-c", HUGE, str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) < 120  # MiB; 201 million pixels, decoded in full, are 576
    photo = load_photo(path)
    assert (photo.image.shape, photo.scale) == ((6144, 8192, 3), 0.5)


def test_jpegs_too_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(Image.fromarray(quarters(64, 64)), "JPEG")
    monkeypatch.setattr(images, "MAX_PIXELS", 2000)
    assert load_photo(data).scale == 0.5
    assert load_photo(data, side=60).image.shape == (32, 32, 3)
    assert load_photo(data, side=20).image.shape == (32, 32, 3)
    assert load_photo(data, side=16).image.shape == (16, 16, 3)
    assert read_size(data) == (64, 64)
    monkeypatch.setattr(images, "MAX_JPEG_PIXELS", 4000)
    for load in (load_photo, read_size):
        with pytest.raises(ImageError, match=r"at most 4,000 pixels\. Received: bytes of 64×64"):
            load(data)
