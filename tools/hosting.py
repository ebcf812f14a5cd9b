"""Files over HTTP, and this computer's browser: for tests, pictures and measuring."""

import contextlib
import functools
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class _Host(http.server.SimpleHTTPRequestHandler):
    """Gives out files, as any host of static pages does."""

    protocol_version = "HTTP/1.1"
    extensions_map = {  # noqa: RUF012 (whose it is, does it so)
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".webmanifest": "application/manifest+json",
    }

    def log_message(self, *words: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def hosting(folder: Path, *, port: int = 0) -> Iterator[str]:
    """Give out a folder's files over HTTP; yield the address."""
    handler = functools.partial(_Host, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        server.daemon_threads = True  # an idle connection holds nobody up
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def find_browser() -> str | None:
    """Return the path of a browser that Playwright drives; None where there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def list_arguments() -> list[str]:
    """Return what a browser without a screen must be told."""
    return ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
