"""Who may come in: names of the host, other sites' pages, keys."""

import pytest

from gafas.recognizer import Recognizer
from gafas.service.settings import Access
from service_client import Door, refused

SITE = "https://example.org"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000"])
def test_addresses_and_localhost_are_known(door: Door, host: str) -> None:
    assert door.get("/healthz", headers={"Host": host}).status_code == 200


def test_other_names_are_refused_unless_they_are_allowed(recognizer: Recognizer) -> None:
    headers = {"Host": "gafas.example.org"}
    for path in ("/", "/v1/model", "/healthz"):
        refused(Door(recognizer).get(path, headers=headers), 421, "host", saying="--allow-host")
    allowed = Door(recognizer, access=Access(hosts=("Gafas.example.org",)))
    assert allowed.get("/v1/model", headers=headers).status_code == 200
    refused(allowed.get("/v1/model", headers={"Host": "evil.example"}), 421, "host")


def test_pages_of_other_sites_may_not_ask(door: Door) -> None:
    for site in ("cross-site", "same-site"):
        headers = {"Sec-Fetch-Site": site, "Origin": SITE}
        refused(door.post("/v1/recognize", b"x", headers=headers), 403, "origin", saying="--cors")
        assert door.get("/", headers=headers).status_code == 200  # a link leads to the page
    for site in ("same-origin", "none"):
        assert door.get("/v1/model", headers={"Sec-Fetch-Site": site}).status_code == 200


def test_there_is_no_cors_unless_it_is_asked_for(recognizer: Recognizer) -> None:
    headers = {"Origin": SITE, "Sec-Fetch-Site": "cross-site"}
    preflight = {**headers, "Access-Control-Request-Method": "POST"}
    closed = Door(recognizer)
    answer = closed.send("OPTIONS", "/v1/recognize", headers=preflight)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    opened = Door(recognizer, access=Access(origins=(SITE,)))
    answer = opened.send("OPTIONS", "/v1/recognize", headers=preflight)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == SITE
    answer = opened.get("/v1/model", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == SITE
    other = {**headers, "Origin": "https://evil.example"}
    refused(opened.get("/v1/model", headers=other), 403, "origin")


def test_a_key_is_asked_for_by_all_but_the_page_and_the_probes(recognizer: Recognizer) -> None:
    door = Door(recognizer, access=Access(keys=("first", "second")))
    for path in ("/", "/static/icon.svg", "/healthz", "/readyz", "/openapi.json"):
        assert door.get(path).status_code == 200
    for path in ("/v1/model", "/metrics", "/nowhere"):
        answer = door.get(path)
        refused(answer, 401, "key", saying="X-API-Key. Received: none")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    for key in ("third", "fir", "first ñ"):
        wrong = {"X-API-Key": key.encode("latin-1")}
        refused(door.get("/v1/model", headers=wrong), 401, "key", saying="a wrong one")
    for headers in ({"X-API-Key": "second"}, {"Authorization": "Bearer first"}):
        assert door.get("/v1/model", headers=headers).status_code == 200


def test_the_scheme_of_a_key_may_be_written_in_any_case_but_not_left_out(
    recognizer: Recognizer,
) -> None:
    door = Door(recognizer, access=Access(keys=("sesame",)))
    for scheme in ("Bearer", "bearer", "BEARER"):
        answer = door.get("/v1/model", headers={"Authorization": f"{scheme} sesame"})
        assert answer.status_code == 200
    for header in ("sesame", "Basic sesame", "Bearersesame", "Bearer"):
        refused(door.get("/v1/model", headers={"Authorization": header}), 401, "key")
