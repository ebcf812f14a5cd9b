"""Write what each stage of recognizing takes and gives, for the tests of the page's engine.

Run it by `make parity-vectors`; `make test` does the same. The pictures are those that packages
bring along and painted ones; nothing that is written is kept in the repository.
"""

import dataclasses
import hashlib
import io
import json
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from gafas.crops import CropGeometry, crop_face, place_crop, squeeze
from gafas.detection import candidates, retinaface
from gafas.detection.detector import CONFIDENT, HINT, SURE, FaceDetector, choose_sides
from gafas.errors import GafasError
from gafas.files import write_bytes, write_text
from gafas.images import load_image, load_photo
from gafas.recognizer import EIGHTH_SIDE, Recognizer
from gafas.results import Face, ImageArray
from tools.photos import write_photos
from tools.selfcheck_pictures import DRAWN, encode

OUT: Final = Path(__file__).resolve().parents[1] / "out/parity"

Case = dict[str, Any]
Floats = npt.NDArray[np.float32]

_GAP: Final = 1.5
_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Pictures:
    """What the cases are made of.

    Attributes:
        files: photos and painted pictures, by their names.
        images: the same, loaded.
        detector: finds faces.
        recognizer: with the model that answers by default.
    """

    files: Mapping[str, bytes]
    images: Mapping[str, ImageArray]
    detector: FaceDetector
    recognizer: Recognizer


def main() -> int:
    """Write one file of cases for each stage."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        counts = write_vectors(OUT)
    except GafasError as error:
        _log.error("%s", error)
        return 1
    for stage, count in counts.items():
        _log.info("%s: %d cases", stage, count)
    return 0


def write_vectors(folder: Path) -> dict[str, int]:
    """Write the cases of every stage into a folder, and return how many there are of each."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures, counts = read_pictures(), {}
    for stage, make in STAGES.items():
        cases = [pack(case, folder) for case in make(pictures)]
        write_text(folder / f"{stage}.json", json.dumps(cases, ensure_ascii=False))
        counts[stage] = len(cases)
    return counts


def read_pictures() -> Pictures:
    """Return photos that packages bring along, and painted pictures."""
    with tempfile.TemporaryDirectory() as folder:
        files = {path.name: path.read_bytes() for path in write_photos(Path(folder))}
    files |= {name: draw() for name, draw in DRAWN.items()}
    images = {name: load_image(data) for name, data in files.items()}
    return Pictures(files, images, FaceDetector(), Recognizer())


def pack(value: Any, folder: Path) -> Any:
    """Return a value as JSON can hold it: bytes and arrays as the name of a file beside it."""
    if isinstance(value, bytes | np.ndarray):
        data = value if isinstance(value, bytes) else np.ascontiguousarray(value).tobytes()
        name = f"{hashlib.sha256(data).hexdigest()[:16]}.bin"
        if not (folder / name).exists():
            write_bytes(folder / name, data)
        if isinstance(value, bytes):
            return {"file": name}
        return {"file": name, "type": str(value.dtype), "shape": list(value.shape)}
    if isinstance(value, Mapping):
        return {key: pack(one, folder) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [pack(one, folder) for one in value]
    return value


def list_resizes(pictures: Pictures) -> Iterator[Case]:
    """Yield images, the size that is wanted of them, and what Pillow makes of them."""
    image = pictures.images["chelsea.png"]
    sizes = ((96, 96), (320, 213), (192, 128), (640, 426), (451, 300), (100, 300), (1, 1), (451, 7))
    for size in sizes:
        for gap in (None, _GAP):
            picture = Image.fromarray(image)
            resized = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=gap)
            yield {"image": image, "size": size, "gap": gap, "result": np.asarray(resized)}


def list_reductions(pictures: Pictures) -> Iterator[Case]:
    """Yield images, by how much they are reduced, and what Pillow makes of them."""
    image = pictures.images["chelsea.png"]
    for factor in ((2, 2), (3, 3), (1, 4), (5, 2), (7, 13), (500, 500)):
        reduced = np.asarray(Image.fromarray(image).reduce(factor))
        yield {"image": image, "factor": factor, "result": reduced}


def list_turns(pictures: Pictures) -> Iterator[Case]:
    """Yield images turned by quarters."""
    image = pictures.images["chelsea.png"][:70, :50]
    for quarters in (1, 2, 3):
        yield {"image": image, "quarters": quarters, "result": np.rot90(image, quarters)}


def list_crops(pictures: Pictures) -> Iterator[Case]:
    """Yield faces, found and declared, where their crops lie, and what these show."""
    for name, image, face in _list_faces(pictures):
        for size in (96, 64, 17):
            place = dataclasses.asdict(place_crop(face, CropGeometry()))
            crop = crop_face(image, face, size=size, geometry=CropGeometry())
            shown = {"name": name, "face": _describe(face), "geometry": _GEOMETRY, "size": size}
            yield {**shown, "image": image, "place": place, "result": crop}


def _list_faces(pictures: Pictures) -> Iterator[tuple[str, ImageArray, Face]]:
    for name in ("grace_hopper.jpg", "astronaut.png", "turned.jpg"):
        image = pictures.images[name]
        (face, *_) = pictures.detector.detect(image)
        yield name, image, face
        yield f"{name}, by its box", image, Face(face.box)
        lying = np.ascontiguousarray(np.rot90(image))
        for number, found in enumerate(pictures.detector.detect(lying)):
            yield f"{name}, lying, {number}", lying, found
        x1, y1, x2, y2 = (round(value) for value in face.box)
        close = np.ascontiguousarray(image[max(0, y1) : y2, max(0, x1) : x2])
        points = tuple((x - max(0, x1), y - max(0, y1)) for x, y in face.landmarks)
        yield f"{name}, close", close, Face((0, 0, x2 - x1, y2 - y1), points)


def list_squeezes(pictures: Pictures) -> Iterator[Case]:
    """Yield whole photos squeezed into models' inputs."""
    image = pictures.images["grace_hopper.jpg"]
    for colour in ("rgb", "grey"):
        for size in ((64, 60), (96, 96), (512, 600)):
            result = squeeze(image, size=size, colour=colour)
            shown = {"width": size[0], "height": size[1], "colour": colour}
            yield {"image": image, "model": shown, "result": result}


def list_inputs(pictures: Pictures) -> Iterator[Case]:
    """Yield images as the detector's network sees them."""
    image = pictures.images["astronaut.png"][:400]
    for side, border in ((320, 0), (128, 64), (640, 0), (512, 0), (4000, 0)):
        shown = image[:90, :80] if side == 4000 else image
        size = retinaface.fit(shown, side)
        planes = retinaface.prepare(shown, size, border=border)
        yield {"image": shown, "side": side, "border": border, "size": size, "planes": planes}


def list_outputs(pictures: Pictures) -> Iterator[Case]:
    """Yield what the detector's network gives, and the candidates in it."""
    del pictures
    random = np.random.default_rng(0)
    for size, border in (((320, 213), 0), ((97, 130), 64)):
        whole = size[0] + 2 * border, size[1] + 2 * border
        count = sum(2 * -(-whole[0] // step) * -(-whole[1] // step) for step in (8, 16, 32))
        location, points = (
            random.normal(0, 1, (1, count, columns)).astype(np.float32) for columns in (4, 10)
        )
        sure = (random.random(count) ** 20).astype(np.float32)
        confidence = np.stack([1 - sure, sure], axis=1)[None]
        rows = retinaface.decode((location, confidence, points), whole, least=HINT)
        scale = (451 / size[0], 300 / size[1])
        restored = rows.copy()
        retinaface.restore(restored, scale=scale, border=border)
        outputs = {"loc": location, "conf": confidence, "landmarks": points}
        shown = {"outputs": outputs, "size": whole, "scale": scale, "border": border}
        yield {**shown, "least": HINT, "rows": rows, "restored": restored}


def list_candidates(pictures: Pictures) -> Iterator[Case]:
    """Yield candidates, which of them stay, are doubtful, and where a turn back brings them."""
    del pictures
    random = np.random.default_rng(1)
    for count in (0, 1, 40, 300):
        rows = random.random((count, candidates.COLUMNS)).astype(np.float32) * 300
        rows[:, 2:4] = rows[:, :2] + random.random((count, 2)).astype(np.float32) * 90
        rows[:, candidates.CONFIDENCE] = random.integers(7, 101, count) / np.float32(100)
        back = {
            str(quarters): candidates.turn_back(rows, quarters, width=400, height=300)
            for quarters in (1, 2, 3)
        }
        found = {"kept": candidates.suppress(rows), "back": back}
        yield {"rows": rows, "doubtful": candidates.find_doubtful(rows, sure=SURE), **found}


def list_detections(pictures: Pictures) -> Iterator[Case]:
    """Yield images and the faces in them, whatever looks it takes to find these."""
    images = {**pictures.images, **_make_hard(pictures)}
    for name, image in images.items():
        for least in (CONFIDENT, 0.1):
            faces = [_describe(face) for face in pictures.detector.detect(image, least=least)]
            yield {"name": name, "image": image, "least": least, "faces": faces}


def _make_hard(pictures: Pictures) -> dict[str, ImageArray]:
    """Return images that take several looks: turned ones, tiny, close and many faces."""
    person = pictures.images["grace_hopper.jpg"]
    tiny = Image.fromarray(person).resize((54, 63), Image.Resampling.LANCZOS)
    many = np.full((420, 600, 3), 150, np.uint8)
    for x in range(9):
        for y in range(6):
            many[5 + 68 * y : 68 + 68 * y, 4 + 66 * x : 58 + 66 * x] = np.asarray(tiny)
    turned = {f"quarters {k}": np.ascontiguousarray(np.rot90(person, k)) for k in (1, 2, 3)}
    return {"tiny": np.asarray(tiny), "many": many, "close": person[114:334, 177:351], **turned}


def list_looks(pictures: Pictures) -> Iterator[Case]:
    """Yield crops, what the model says of them, and how sure both networks are of a face."""
    model = pictures.recognizer.classifier
    crops = pictures.recognizer.recognize_with_crops(pictures.files["grace_hopper.jpg"])[1]
    noise = np.random.default_rng(2).integers(0, 256, (3, *crops.shape[1:]), np.uint8)
    batch = np.concatenate([crops, crops[:, :, ::-1], noise])
    seen = model.look(batch)
    shown: Case = {"batch": batch, "probabilities": seen.probabilities, "doubts": seen.not_a_face}
    check = model.face_check
    if check is not None:
        confidences = np.linspace(0, 1, len(batch))
        sure = check.calibrate(confidences, np.asarray(seen.not_a_face))
        shown |= {"check": dataclasses.asdict(check), "confidences": confidences, "sure": sure}
    yield {**shown, "metadata": dict(model.metadata)}


def list_schedules(pictures: Pictures) -> Iterator[Case]:
    """Yield how large a look is taken, and how small a JPEG decoded, by the photo's size."""
    del pictures
    for width, height in ((60, 90), (150, 100), (250, 250), (400, 640), (900, 641), (1280, 960)):
        yield {"size": (width, height), "looks": choose_sides(max(width, height))}
    blank = {}
    for size in ((641, 480), (1280, 960), (1279, 33), (3840, 160), (4000, 3000), (5121, 40)):
        file = io.BytesIO()
        Image.new("L", size).save(file, "JPEG")
        blank[size] = file.getvalue()
    for size, data in blank.items():
        for side, eighth in ((None, None), (640, None), (640, EIGHTH_SIDE), (1500, None)):
            photo = load_photo(data, side=side, eighth=eighth)
            shown = {"side": side, "eighth": eighth, "decoded": photo.image.shape[1::-1]}
            yield {"size": size, **shown}


def list_numbers(pictures: Pictures) -> Iterator[Case]:
    """Yield numbers, and how JSON shows them."""
    del pictures
    quarters = np.arange(-21, 22) / 4
    for value in (*quarters, *(quarters / 16), *np.random.default_rng(3).normal(0, 99, 50), 1e-9):
        shown = {str(decimals): json.dumps(round(float(value), decimals)) for decimals in (1, 3)}
        yield {"value": float(value), "shown": shown}


def list_recognitions(pictures: Pictures) -> Iterator[Case]:
    """Yield images and the object that every door gives for them, as text."""
    for name, image in pictures.images.items():
        found = dataclasses.replace(pictures.recognizer.recognize(image), photo=f"«{name}»\n")
        text = json.dumps(found.to_dict(), ensure_ascii=False)
        yield {"name": found.photo, "image": image, "text": text}


def list_files(pictures: Pictures) -> Iterator[Case]:
    """Yield files of all kinds, and what is recognized in them."""
    for name, data in {**pictures.files, **_make_kinds(pictures)}.items():
        found = dataclasses.replace(pictures.recognizer.recognize(data), photo=name)
        text = json.dumps(found.to_dict(), ensure_ascii=False)
        yield {"name": name, "content": data, "text": text}


def _make_kinds(pictures: Pictures) -> dict[str, bytes]:
    """Return the portrait in every kind that browsers read."""
    person = pictures.images["grace_hopper.jpg"]
    picture = Image.fromarray(person)
    glassy = picture.convert("RGBA")
    glassy.putalpha(Image.linear_gradient("L").resize(picture.size))
    film = [picture, Image.new("RGB", picture.size, "blue")]
    large = picture.resize((3280, 3844), Image.Resampling.BICUBIC)
    deep = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    return {
        **{f"turned {n}.jpg": encode(person, "JPEG", orientation=n) for n in range(2, 9)},
        "turned.png": encode(person, "PNG", orientation=6),
        **{f"turned {n}.webp": encode(person, "WEBP", orientation=n) for n in (2, 5, 7, 8)},
        "progressive.jpg": encode(person, "JPEG", progressive=True),
        "large.jpg": _save(large, "JPEG", quality=85),
        "large, turned.jpg": encode(np.asarray(large), "JPEG", orientation=5),
        "444.jpg": _save(picture, "JPEG", subsampling=0),
        "422.jpg": _save(picture, "JPEG", subsampling=1),
        "grey.jpg": _save(picture.convert("L"), "JPEG"),
        "print.jpg": _save(picture.convert("CMYK"), "JPEG"),
        "glassy.png": _save(glassy, "PNG"),
        "deep.png": _save(deep, "PNG"),
        "palette.png": _save(picture.quantize(64), "PNG"),
        "film.gif": _save(film[0], "GIF", save_all=True, append_images=film[1:]),
        "film.webp": _save(film[0], "WEBP", save_all=True, append_images=film[1:]),
        "exact.webp": _save(picture, "WEBP", lossless=True),
        "plain.bmp": _save(picture, "BMP"),
        "plain.avif": _save(picture, "AVIF"),
    }


def _save(picture: Image.Image, kind: str, **options: Any) -> bytes:  # Pillow's own options
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def _describe(face: Face) -> Case:
    """Return a face to the last digit."""
    return {"box": face.box, "landmarks": face.landmarks, "confidence": face.confidence}


_GEOMETRY: Final = dataclasses.asdict(CropGeometry())

STAGES: Final[Mapping[str, Callable[[Pictures], Iterator[Case]]]] = {
    "resizes": list_resizes,
    "reductions": list_reductions,
    "turns": list_turns,
    "crops": list_crops,
    "squeezes": list_squeezes,
    "inputs": list_inputs,
    "outputs": list_outputs,
    "candidates": list_candidates,
    "detections": list_detections,
    "looks": list_looks,
    "schedules": list_schedules,
    "numbers": list_numbers,
    "recognitions": list_recognitions,
    "files": list_files,
}
"""What makes the cases of each stage, in the order in which a photo meets them."""


if __name__ == "__main__":
    sys.exit(main())
