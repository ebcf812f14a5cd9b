"""`gafas serve` as its users run it: a process of its own, sockets, signals."""

import concurrent.futures
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from face_photos import crowd, encode, faceless, portrait
from gafas.cli import main
from gafas.installing import advise_install
from gafas.service.server import describe, find_address, listen
from service_client import Process, form, refused, serving, wait_for

PLACES = [(x, y) for x in range(0, 1200, 300) for y in (0, 150)]


@pytest.fixture(scope="module")
def photo() -> bytes:
    return encode(faceless())


@pytest.fixture(scope="module")
def long_work() -> bytes:
    """Return a photo whose heat maps take more than a second."""
    return encode(crowd(PLACES, size=(1320, 760), tall=140))


def fails(*arguments: str, **environment: str) -> str:
    command = [sys.executable, "-m", "gafas.cli", "serve", *arguments]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (told.returncode, told.stdout) == (1, ""), told.stderr
    assert "Traceback" not in told.stderr
    assert len(told.stderr.splitlines()) == 1
    return told.stderr


def read_metric(client: httpx.Client, line: str) -> float:
    found = re.search(rf"^{re.escape(line)} (\S+)$", client.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_it_says_its_address_serves_and_ends_with_0(photo: bytes) -> None:
    with serving() as process, process.client() as client:
        assert process.url.startswith("http://127.0.0.1:")
        assert client.get("/").status_code == 200
        answer = client.post("/v1/recognize", params={"name": "secret.jpg"}, content=photo)
        assert answer.json()["faces"] == []
        parts = form({"secret.jpg": b"no photo"})
        assert client.post("/v1/recognize", files=parts).json()[0]["error"]
        assert client.get("/secret.jpg").status_code == 404
        code, told = process.end()
    assert code == 0
    assert told == ""  # above all no file name


def test_beyond_this_computer_it_says_where_phones_find_it_and_warns() -> None:
    with serving("--host", "0.0.0.0") as process:
        assert process.url == f"http://127.0.0.1:{process.port}"
        assert httpx.get(f"{process.url}/healthz").status_code == 200
        place = find_address(socket.AF_INET)
        if place:
            assert httpx.get(f"http://{place}:{process.port}/healthz").status_code == 200
        _, told = process.end()
    where, warning = told.splitlines()
    assert re.findall(r"http://(\S+):", where) == ([place] if place else [])
    assert where.startswith("gafas: phones and others in this network open ")
    assert warning.startswith("gafas: warning: whoever reaches this computer may use")
    assert "--api-key-file" in warning
    assert "0.0.0.0" not in told


def test_with_a_key_or_on_this_computer_alone_there_is_no_warning() -> None:
    with serving("--host", "0.0.0.0", GAFAS_API_KEY="sesame") as process:
        _, told = process.end()
    assert "warning" not in told
    assert len(told.splitlines()) == 1
    for host in ("127.0.0.1", "localhost"):
        with listen(host, 0) as listener:
            (alone,) = describe(listener, keys=False)
        assert alone.startswith("serving http://")


def test_sigterm_finishes_what_runs_and_refuses_what_comes(photo: bytes, long_work: bytes) -> None:
    with serving("--workers", "1", "--max-seconds", "300") as process:
        with process.client() as client, concurrent.futures.ThreadPoolExecutor() as pool:
            running = pool.submit(
                httpx.post, f"{process.url}/v1/explain", content=long_work, timeout=300
            )
            wait_for(lambda: read_metric(client, "gafas_photos_in_work") == 1)
            process.popen.send_signal(signal.SIGTERM)
            wait_for(lambda: client.get("/readyz").status_code == 503)
            answer = client.post("/v1/recognize", content=photo)
            refused(answer, 503, "draining")
            assert answer.headers["retry-after"] == "1"
            assert not running.done()
            assert running.result().headers["content-type"] == "image/jpeg"
        code, _ = process.wait()
    assert code == 0


def test_ctrl_c_ends_it_with_130() -> None:
    with serving() as process:
        code, told = process.end(signal.SIGINT)
    assert code == 130
    assert "Traceback" not in told


def test_a_full_service_answers_503_and_recovers(photo: bytes, long_work: bytes) -> None:
    with serving("--workers", "1", "--max-waiting", "0") as process, process.client() as client:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            running = pool.submit(
                httpx.post, f"{process.url}/v1/explain", content=long_work, timeout=300
            )
            wait_for(lambda: read_metric(client, "gafas_photos_in_work") == 1)
            answer = client.post("/v1/recognize", content=photo)
            refused(answer, 503, "full")
            assert answer.headers["retry-after"] == "1"
            assert not running.done()
            assert running.result().status_code in (200, 503)  # 503 after its 30 seconds
        wait_for(lambda: read_metric(client, "gafas_photos_in_work") == 0)
        assert client.post("/v1/recognize", content=photo).status_code == 200


def test_clients_that_send_slowly_hold_up_nobody(photo: bytes) -> None:
    head = b"POST /v1/recognize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
    options = ("--workers", "1", "--max-waiting", "0", "--max-seconds", "4")
    with serving(*options) as process, process.client() as client:
        slow = [socket.create_connection(("127.0.0.1", process.port)) for _ in range(20)]
        for one in slow:
            one.sendall(head + b"0")
        assert client.post("/v1/recognize", content=photo).status_code in (200, 503)
        assert read_metric(client, "gafas_photos_in_work") <= 1
        slow[0].settimeout(60)
        assert slow[0].recv(1000).startswith(b"HTTP/1.1 408 ")
        wait_for(lambda: read_metric(client, 'gafas_rejections_total{reason="slow"}') == 20)
        assert client.post("/v1/recognize", content=photo).status_code == 200
        for one in slow:
            one.close()


def test_a_client_that_leaves_makes_room(photo: bytes, long_work: bytes) -> None:
    with serving("--workers", "1", "--max-waiting", "1") as process, process.client() as client:
        head = f"POST /v1/explain HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(long_work)}"
        leaving = [socket.create_connection(("127.0.0.1", process.port)) for _ in range(2)]
        for one in leaving:
            one.sendall(head.encode() + b"\r\n\r\n" + long_work)
        wait_for(lambda: read_metric(client, "gafas_requests_in_room") == 2)
        for one in leaving:
            one.close()
        wait_for(lambda: read_metric(client, "gafas_requests_in_room") == 0)
        assert client.post("/v1/recognize", content=photo).status_code in (200, 503)


def test_a_client_that_leaves_while_it_sends_is_no_failure() -> None:
    head = b"POST /v1/recognize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
    form_type = b"Content-Type: multipart/form-data; boundary=a\r\n"
    with serving() as process, process.client() as client:
        for more in (b"", form_type):
            with socket.create_connection(("127.0.0.1", process.port)) as connection:
                connection.sendall(head + more + b"\r\n--a\r\n")
        left = 'gafas_rejections_total{reason="left"}'
        wait_for(lambda: read_metric(client, left) == 2)
        assert read_metric(client, "gafas_held_bytes") == 0
        _, told = process.end()
    assert told == ""


@pytest.mark.parametrize("expect", [False, True])
def test_a_body_too_large_is_refused_before_it_was_sent(expect: bool) -> None:
    head = b"POST /v1/recognize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n"
    with (
        serving("--max-mb", "1") as process,
        socket.create_connection(("127.0.0.1", process.port), timeout=60) as connection,
    ):
        connection.sendall(head + b"Expect: 100-continue\r\n" * expect + b"\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_a_key_in_a_file_or_the_environment_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("first\nsecond\n", encoding="utf-8")
    with serving("--api-key-file", str(file), GAFAS_API_KEY="third") as process:
        with process.client() as client:
            refused(client.get("/v1/model"), 401, "key")
            for key in ("first", "second", "third"):
                answer = client.get("/v1/model", headers={"X-API-Key": key})
                assert answer.status_code == 200
        _, told = process.end()
    assert "second" not in told


def test_a_taken_port_is_one_clear_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = fails("--port", port)
    assert re.match(rf"gafas: Cannot listen at '127.0.0.1', port {port}: .*--port", told), told


def test_what_cannot_be_served_is_one_clear_sentence(tmp_path: Path) -> None:
    assert "Cannot listen at 'no.such.host.invalid'" in fails("--host", "no.such.host.invalid")
    model = tmp_path / "model.onnx"
    assert "Cannot read the model" in fails("--port", "0", "--model", str(model))
    empty = tmp_path / "keys"
    empty.write_text("\n", encoding="utf-8")
    assert "No API key" in fails("--port", "0", "--api-key-file", str(empty))
    empty.write_text("llave ñ\n", encoding="utf-8")
    assert "API key cannot be sent" in fails("--port", "0", "--api-key-file", str(empty))


@pytest.mark.parametrize(
    ("package", "options", "extra"),
    [("fastapi", [], "serve"), ("imagehash", ["--adapt"], "adapt"), ("onnx", ["--adapt"], "adapt")],
)
def test_a_missing_package_names_the_extra(
    package: str,
    options: list[str],
    extra: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["gafas", "serve", "--port", "0", *options])
    for name in [one for one in sys.modules if one.startswith("gafas.service.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    assert advise_install(extra) in capsys.readouterr().err


def test_an_origin_must_look_like_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for origin in ("*", "example.org", "https://example.org/page"):
        monkeypatch.setattr(sys, "argv", ["gafas", "serve", "--cors", origin])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == 2
        assert "https://example.org" in capsys.readouterr().err


def test_a_device_that_is_not_there_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-m", "gafas.cli", "serve", "--device", "abacus"]
    assert subprocess.run(command, timeout=120, check=False).returncode == 2
    assert "abacus" in capfd.readouterr().err


def test_no_connection_waits_till_a_piece_of_the_answer_is_acknowledged() -> None:
    with (
        listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as connection,
    ):
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_two_processes_do_not_share_a_port() -> None:
    with serving() as one:
        assert isinstance(one, Process)
        assert "in use" in fails("--port", str(one.port))
        assert httpx.get(f"{one.url}/healthz").status_code == 200


def test_the_portrait_is_recognized_by_a_running_service() -> None:
    with serving("--threshold", "0") as process, process.client() as client:
        (face,) = client.post("/v1/recognize", content=encode(portrait())).json()["faces"]
    assert face["label"] == "eyeglasses"
