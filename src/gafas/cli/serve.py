"""`gafas serve`: the door for other programs and for the page."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from gafas.cli.photos import Device, Model, Threshold
from gafas.errors import ServiceError
from gafas.service.settings import MEBIBYTE, Access, Limits

# Heavy modules are imported inside the command, so that `gafas --help` answers at once.


_DEFAULTS = Limits()


def _over_zero(text: str) -> Any:
    return typer.Option(min=0.001, help=text)


Host = Annotated[str, typer.Option(help="The address to listen at.")]
Port = Annotated[
    int, typer.Option(min=0, max=65535, help="The port to listen at; 0 takes a free one.")
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Photos worked on at once; one per processor core if left out."),
]
Waiting = Annotated[
    int, typer.Option(min=0, help="Requests that may wait; more are refused at once.")
]
Photos = Annotated[int, typer.Option(min=1, help="Photos in one request.")]
Megabytes = Annotated[float, _over_zero("Megabytes (2**20 bytes) of one photo.")]
Megapixels = Annotated[float, _over_zero("Megapixels of one photo.")]
Memory = Annotated[float, _over_zero("Megabytes of all photos that are held at once.")]
Seconds = Annotated[float, _over_zero("Seconds from a request's beginning to its answer.")]
Keys = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Ask for a key: one of those in FILE, one a line."),
]
Hosts = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="A name that the service goes by, as behind a proxy."),
]
Local = Annotated[
    bool,
    typer.Option(
        "--local",
        help="Offer at /local/ the page that recognizes in the browser alone, too.",
    ),
]
Adapt = Annotated[
    bool,
    typer.Option(
        "--adapt", help="Let the page's users correct answers, and make model files of that."
    ),
]
Origins = Annotated[
    list[str] | None,
    typer.Option(metavar="ORIGIN", help="Another web site whose pages may call the service."),
]


def serve(  # an option is a parameter to Typer, and a service has that many limits
    *,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    model: Model = None,
    threshold: Threshold = None,
    device: Device = "cpu",
    workers: Workers = None,
    max_waiting: Waiting = _DEFAULTS.waiting,
    max_photos: Photos = _DEFAULTS.photos_per_request,
    max_mb: Megabytes = _DEFAULTS.bytes_per_photo / MEBIBYTE,
    max_megapixels: Megapixels = _DEFAULTS.pixels_per_photo / 1e6,
    max_memory_mb: Memory = _DEFAULTS.bytes_in_memory / MEBIBYTE,
    max_seconds: Seconds = _DEFAULTS.seconds_per_request,
    api_key_file: Keys = None,
    allow_host: Hosts = None,
    cors: Origins = None,
    local: Local = False,
    adapt: Adapt = False,
) -> None:
    """Serve the web page and the HTTP interface until SIGTERM or Ctrl-C.

    What runs is finished then. A key may also stand in the environment variable GAFAS_API_KEY.
    """
    limits = Limits(
        bytes_per_photo=int(max_mb * MEBIBYTE),
        pixels_per_photo=int(max_megapixels * 1e6),
        photos_per_request=max_photos,
        seconds_per_request=max_seconds,
        waiting=max_waiting,
        bytes_in_memory=int(max_memory_mb * MEBIBYTE),
    )
    hosts, origins = (host, *(allow_host or ())), tuple(map(_check_origin, cors or ()))
    access = Access(keys=_read_keys(api_key_file), hosts=hosts, origins=origins)
    from gafas.service.app import create_app, offer_learning, offer_local
    from gafas.service.server import describe, listen, run_service

    with listen(host, port) as listener:  # before the model is opened: it may be refused
        from gafas.recognizer import Recognizer

        told = describe(listener, keys=bool(access.keys))
        recognizer = Recognizer(model, threshold=threshold, providers=[device])
        app = create_app(recognizer, limits=limits, access=access, workers=workers)
        told[:1] = [f"{told[0]}{offer_local(app)}"] if local else told[:1]
        if adapt:
            offer_learning(app, model)
        run_service(app, listener, announce=lambda: _announce(told))


def _announce(sentences: Sequence[str]) -> None:
    for sentence in sentences:
        typer.echo(f"gafas: {sentence}", err=True)


def _read_keys(file: Path | None) -> tuple[str, ...]:
    """Return the keys of a file and of the environment."""
    keys = [os.environ.get("GAFAS_API_KEY", "").strip()]
    if file is not None:
        lines = [line.strip() for line in file.read_text("utf-8", "replace").splitlines()]
        if not any(lines):
            raise ServiceError(
                f"No API key: expected one a line. Received: {str(file)!r}, which is empty. "
                "Write a long random word into it."
            )
        keys += lines
    for key in filter(None, keys):
        if not (key.isascii() and key.isprintable()):
            raise ServiceError(
                "An API key cannot be sent in a header: expected letters, digits and marks of "
                "ASCII. Received: others. Choose another key."
            )
    return tuple(filter(None, keys))


def _check_origin(origin: str) -> str:
    """Return an origin as browsers write it."""
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
        raise typer.BadParameter(f"an origin is like https://example.org. Received: {origin!r}")
    return f"{parts.scheme}://{parts.netloc}".lower()


COMMANDS = (serve,)
