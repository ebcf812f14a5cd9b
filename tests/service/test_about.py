"""The service tells about itself: probes, metrics, model, page and description."""

import re

import pytest

import gafas
from gafas.recognizer import Recognizer
from gafas.service.settings import Access, Limits
from gafas.weights import FOLDER, PINNED
from service_client import Door, form, refused


def read_metric(door: Door, line: str) -> float:
    found = re.search(rf"^{re.escape(line)} (\S+)$", door.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_the_probes_say_that_it_lives_and_whether_it_takes_work(door: Door) -> None:
    assert door.get("/healthz").json() == {"status": "alive"}
    assert door.get("/readyz").json() == {"status": "ready"}
    door.operation.draining = True
    assert door.get("/healthz").status_code == 200
    refused(door.get("/readyz"), 503, "draining")


def test_the_model_is_described(door: Door, recognizer: Recognizer) -> None:
    told = door.get("/v1/model").json()
    assert told["version"] == gafas.__version__
    assert told["labels"] == ["none", "eyeglasses", "sunglasses"]
    assert told["sha256"] == PINNED["eyewear.onnx"]
    assert told["threshold"] == recognizer.threshold
    assert told["card"] == (FOLDER / "eyewear.card.md").read_text(encoding="utf-8")
    assert "](" not in told["card"]  # the package does not hold what the repository's card links to
    assert told["figures"]["utkface"]["photos"] == 1545
    assert 0.9 < told["figures"]["utkface"]["macro_f1"] < 1
    assert told["input"] == {"view": "face", "width": 96, "height": 96, "colour": "rgb"}
    assert told["limits"]["photos_per_request"] == Limits().photos_per_request


def test_the_metrics_count_requests_photos_faces_and_refusals(
    door: Door, photos: dict[str, bytes]
) -> None:
    door.post("/v1/recognize", files=form({n: photos[n] for n in ("group.webp", "notes.txt")}))
    door.post("/v1/recognize", photos["notes.txt"])
    door.get("/nowhere/secret.jpg")
    shown = {
        'gafas_requests_total{route="/v1/recognize",status="200"}': 1,
        'gafas_requests_total{route="/v1/recognize",status="422"}': 1,
        'gafas_requests_total{route="other",status="404"}': 1,
        'gafas_photos_total{outcome="read"}': 1,
        'gafas_photos_total{outcome="unreadable"}': 2,
        'gafas_rejections_total{reason="unreadable-photo"}': 1,
        'gafas_request_seconds_count{route="/v1/recognize"}': 2,
        "gafas_photos_in_work": 0,
        "gafas_held_bytes": 0,
    }
    assert {line: read_metric(door, line) for line in shown} == shown
    faces = re.findall(r"^gafas_faces_total.* (\S+)$", door.get("/metrics").text, re.MULTILINE)
    assert sum(map(float, faces)) == 2
    assert "secret" not in door.get("/metrics").text


def test_the_page_and_its_files_are_served_with_safe_headers(door: Door) -> None:
    page = door.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<html" in page.text
    assert page.headers["cache-control"] == "no-cache"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "camera=(self)" in page.headers["permissions-policy"]
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    assert files
    for file in files:
        assert door.get(file).status_code == 200
    for path in ("/", files[0], "/v1/model", "/nowhere", "/healthz"):
        answer = door.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert door.get("/v1/model").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/static/../errors.py", "/static/%2e%2e/errors.py", "/redoc"])
def test_nothing_else_is_served(door: Door, path: str) -> None:
    refused(door.get(path), 404, "not-found")


def test_the_description_has_a_page_that_needs_no_other_host_and_no_key(
    recognizer: Recognizer,
) -> None:
    door = Door(recognizer, access=Access(keys=("sesame",)))
    page = door.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert not re.findall(r"https?://", page.text)
    files = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert "/static/docs.js" in files
    assert [door.get(file).status_code for file in files] == [200] * len(files)


def test_another_method_is_told_which_one_is_taken(door: Door) -> None:
    answer = door.get("/v1/recognize")
    refused(answer, 405, "method", saying="POST")
    assert answer.headers["allow"] == "POST"


def test_the_description_has_examples_and_names_every_refusal(door: Door) -> None:
    told = door.get("/openapi.json").json()
    assert set(told["paths"]) == {
        *("/v1/recognize", "/v1/check", "/v1/answers", "/v1/annotate", "/v1/explain", "/v1/model"),
        *("/healthz", "/readyz", "/metrics"),
    }
    post = told["paths"]["/v1/recognize"]["post"]
    statuses = "200 400 401 403 408 413 415 421 422 503"
    assert sorted(post["responses"]) == statuses.split()
    examples = post["responses"]["200"]["content"]["application/json"]["examples"]
    assert examples["many"]["value"][0]["faces"][0]["label"] == "sunglasses"
    assert "multipart/form-data" in post["requestBody"]["content"]
    assert "ValidationError" not in told["components"]["schemas"]


def test_what_goes_wrong_inside_is_not_told(
    recognizer: Recognizer, photos: dict[str, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    door = Door(recognizer)

    def fail(*_: object) -> None:
        raise RuntimeError("/secret/path")

    door.operation.recognize = fail
    answer = door.post("/v1/recognize", photos["portrait.jpg"])
    refused(answer, 500, "internal")
    assert "secret" not in answer.text
    assert "RuntimeError" in caplog.text
    assert door.operation.taken == 0
