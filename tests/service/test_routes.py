"""Photos are answered as at every other door."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brightness_model import brightness_model
from face_photos import encode, portrait
from gafas.annotation import annotate
from gafas.classifier import EyewearClassifier
from gafas.explanation import draw_explanations, explain
from gafas.images import load_image
from gafas.recognizer import Recognizer
from service_client import Door, form, refused

READABLE = ("portrait.jpg", "turned.jpg", "see-through.png", "group.webp", "landscape.gif")


def decode(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as opened:
        return np.asarray(opened)


def test_python_command_line_and_service_give_the_same_to_the_last_digit(
    door: Door, recognizer: Recognizer, photos: dict[str, bytes], tmp_path: Path
) -> None:
    for name in READABLE:
        (tmp_path / name).write_bytes(photos[name])
    command = [sys.executable, "-m", "gafas.cli", "predict", "--json", *READABLE]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    at_once = door.post("/v1/recognize", files=form({n: photos[n] for n in READABLE})).json()
    assert len(lines) == len(at_once) == len(READABLE)
    assert sorted(len(one["faces"]) for one in at_once) == [0, 1, 1, 1, 2]
    for name, line, one in zip(READABLE, lines, at_once, strict=True):
        alone = door.post("/v1/recognize", photos[name], params={"name": name}).json()
        assert one == alone == recognizer.recognize(photos[name]).to_dict() | {"photo": name}
        assert one == line


def test_a_raw_body_is_written_as_the_command_line_writes_it(
    door: Door, recognizer: Recognizer, photos: dict[str, bytes]
) -> None:
    answer = door.post("/v1/recognize?name=año.jpg", photos["portrait.jpg"])
    (found,) = recognizer.recognize_many([photos["portrait.jpg"]], names=["año.jpg"])
    assert answer.text == json.dumps(found.to_dict(), ensure_ascii=False)
    assert answer.headers["content-type"] == "application/json"
    assert door.post("/v1/recognize", photos["portrait.jpg"]).json()["photo"] == "photo"


def test_photos_that_cannot_be_read_do_not_stop_the_others(
    door: Door, photos: dict[str, bytes]
) -> None:
    answer = door.post("/v1/recognize", files=form(photos))
    assert answer.status_code == 200
    assert [one["photo"] for one in answer.json()] == list(photos)
    errors = {one["photo"]: one["error"] for one in answer.json() if one["error"]}
    assert set(errors) == {"notes.txt", "cut short.jpg"}
    assert "expected JPEG" in errors["notes.txt"]
    assert "cut short or damaged" in errors["cut short.jpg"]


def test_one_photo_in_a_form_gives_a_list_of_one(door: Door, photos: dict[str, bytes]) -> None:
    answer = door.post("/v1/recognize", files=form({"a.jpg": photos["portrait.jpg"]}))
    (one,) = answer.json()
    assert one["photo"] == "a.jpg"


def test_a_raw_body_that_is_no_photo_is_refused_with_the_same_sentence(
    door: Door, recognizer: Recognizer, photos: dict[str, bytes]
) -> None:
    answer = door.post("/v1/recognize", photos["notes.txt"])
    refused(answer, 422, "unreadable-photo")
    assert answer.json()["detail"] == next(recognizer.recognize_many([photos["notes.txt"]])).error
    refused(door.post("/v1/recognize", b""), 422, "unreadable-photo", saying="is empty")


@pytest.mark.parametrize("accept", ["image/png", "image/webp;q=0.9, image/png;q=0.5"])
def test_annotate_draws_what_python_draws(
    door: Door, recognizer: Recognizer, photos: dict[str, bytes], accept: str
) -> None:
    answer = door.post("/v1/annotate", photos["group.webp"], headers={"Accept": accept})
    assert answer.headers["content-type"] == "image/png"
    wanted = annotate(load_image(photos["group.webp"]), recognizer.recognize(photos["group.webp"]))
    assert np.array_equal(decode(answer.content), wanted)


def test_a_picture_is_jpeg_unless_png_is_liked_better(door: Door, photos: dict[str, bytes]) -> None:
    photo = photos["landscape.gif"]
    for accept in ("*/*", "image/*", "image/png;q=0.5, image/jpeg", "image/avif, */*;q=0.1"):
        answer = door.post("/v1/annotate", photo, headers={"Accept": accept})
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.content[:2] == b"\xff\xd8"
    answer = door.post("/v1/annotate", photo, headers={"Accept": "text/html"})
    refused(answer, 406, "not-acceptable", saying="text/html")


@pytest.mark.parametrize(
    ("accept", "language"),
    [("es", "es"), ("es-AR, en;q=0.5", "es"), ("en, es;q=0.9", "en"), ("fr, de", "en"), ("", "en")],
)
def test_drawings_speak_the_language_that_is_liked_best(
    door: Door, recognizer: Recognizer, photos: dict[str, bytes], accept: str, language: str
) -> None:
    headers = {"Accept": "image/png", "Accept-Language": accept}
    photo = photos["group.webp"]
    wanted = annotate(load_image(photo), recognizer.recognize(photo), language=language)
    answer = door.post("/v1/annotate", photo, headers=headers)
    assert np.array_equal(decode(answer.content), wanted)
    (first, *_) = recognizer.recognize(photo)
    reasons = explain(recognizer, photo, faces=[first.face])
    answer = door.post("/v1/explain?face=0", photo, headers=headers)
    wanted = draw_explanations(photo, reasons, language=language)
    assert np.array_equal(decode(answer.content), wanted)


def test_a_photo_is_converted_without_anything_drawn_on_it(
    door: Door, photos: dict[str, bytes]
) -> None:
    headers = {"Accept": "image/png"}
    answer = door.post("/v1/annotate?plain=true", photos["turned.jpg"], headers=headers)
    assert np.array_equal(decode(answer.content), load_image(photos["turned.jpg"]))
    refused(door.post("/v1/annotate?plain=true", photos["notes.txt"]), 422, "unreadable-photo")
    refused(door.post("/v1/annotate?plain=true", photos["cut short.jpg"]), 422, "damaged-photo")


def test_what_is_wrong_with_a_photo_has_a_word_of_its_own(
    door: Door, photos: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("recognize", "annotate", "explain"):
        refused(door.post(f"/v1/{path}", photos["notes.txt"]), 422, "unreadable-photo")
        refused(door.post(f"/v1/{path}", photos["cut short.jpg"]), 422, "damaged-photo")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    heic = b"\0\0\0\x18ftypheic" + bytes(100)
    refused(door.post("/v1/recognize", heic), 422, "missing-package", saying="HEIC")


def test_explain_draws_what_python_draws(
    door: Door, recognizer: Recognizer, photos: dict[str, bytes]
) -> None:
    photo, accept = photos["group.webp"], {"Accept": "image/png"}
    for face in (None, 1):
        options = {} if face is None else {"params": {"face": face}}
        answer = door.post("/v1/explain", photo, headers=accept, **options)
        found = recognizer.recognize(photo)
        reasons = explain(recognizer, photo, faces=None if face is None else [found[face].face])
        assert len(reasons) == (2 if face is None else 1)
        assert np.array_equal(decode(answer.content), draw_explanations(photo, reasons))


def test_a_face_that_is_not_there_cannot_be_explained(door: Door, photos: dict[str, bytes]) -> None:
    answer = door.post("/v1/explain?face=2", photos["group.webp"])
    refused(answer, 422, "no-such-face", saying="has 2")
    answer = door.post("/v1/explain?face=first", photos["group.webp"])
    refused(answer, 422, "parameters", saying="face")
    assert answer.json()["errors"][0]["where"] == ["query", "face"]
    refused(door.post("/v1/explain", photos["notes.txt"]), 422, "unreadable-photo")
    refused(door.post("/v1/annotate", photos["notes.txt"]), 422, "unreadable-photo")


def test_a_request_may_ask_for_some_faces_only(recognizer: Recognizer) -> None:
    door = Door(recognizer)
    small = Image.fromarray(portrait()).resize((128, 150))
    picture = Image.new("RGB", (700, 600), (150, 150, 150))
    picture.paste(Image.fromarray(portrait()), (0, 0))
    picture.paste(small, (540, 20))
    photo = encode(np.asarray(picture), "PNG")
    both = door.post("/v1/recognize", photo).json()["faces"]
    sides = [min(face["box"][2] - face["box"][0], face["box"][3] - face["box"][1]) for face in both]
    assert len(both) == 2
    large = both[int(np.argmax(sides))]
    for query in ("largest=true", f"min_face={(min(sides) + max(sides)) / 2}"):
        assert door.post(f"/v1/recognize?{query}", photo).json()["faces"] == [large]
        (told,) = door.post(f"/v1/recognize?{query}", files=form({"a.png": photo})).json()
        assert told["faces"] == [large]
        headers = {"Accept": "image/png"}
        chosen = recognizer.recognize(photo).select(largest=True)
        drawn = decode(door.post(f"/v1/annotate?{query}", photo, headers=headers).content)
        assert np.array_equal(drawn, chosen.annotate())
        drawn = decode(door.post(f"/v1/explain?{query}", photo, headers=headers).content)
        assert np.array_equal(
            drawn, draw_explanations(photo, explain(recognizer, photo, faces=[chosen[0].face]))
        )
    assert door.post("/v1/recognize?min_face=9999", photo).json()["faces"] == []
    assert door.post("/v1/recognize", photo).json()["faces"] == both  # the others are not touched
    for wrong in ("min_face=-1", "min_face=nan", "min_face=inf", "largest=perhaps"):
        refused(door.post(f"/v1/recognize?{wrong}", photo), 422, "parameters")


def test_of_a_model_of_whole_photos_the_photo_is_the_largest_face(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(brightness_model())
    door = Door(Recognizer(path))
    photo = encode(portrait())
    assert len(door.post("/v1/recognize", photo).json()["faces"]) == 1
    assert len(door.post("/v1/recognize?largest=true", photo).json()["faces"]) == 1
    explained = door.post("/v1/explain?largest=true&face=0", photo)
    assert (explained.status_code, explained.headers["content-type"]) == (200, "image/jpeg")


def test_drawings_are_of_one_photo(door: Door, photos: dict[str, bytes]) -> None:
    two = form({name: photos[name] for name in READABLE[:2]})
    refused(door.post("/v1/annotate", files=two), 422, "too-many-photos")
    assert door.post("/v1/annotate", files=two[:1]).headers["content-type"] == "image/jpeg"


def test_a_whole_photo_of_which_no_face_counts_is_explained_as_nobody() -> None:
    whole = Door(Recognizer(EyewearClassifier(brightness_model())))
    for path in ("annotate", "explain"):
        answer = whole.post(f"/v1/{path}?min_face=9999", encode(portrait()))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
