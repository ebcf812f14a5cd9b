"""A real server of the S3 protocol on this machine, some of whose objects misbehave."""

import contextlib
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

BUCKET = "photos"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}

_DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"

Wsgi = Callable[[Mapping[str, Any], Callable[..., Any]], Iterable[bytes]]


class ObjectStore:
    """A running server with one bucket.

    Attributes:
        environment: what a process needs to reach it.
        denied: the keys of objects that nobody may read.
        slow: after how many seconds objects are given, by their keys.
    """

    def __init__(self, address: str) -> None:
        self.environment = {**KEYS, "AWS_ENDPOINT_URL": address}
        self.denied: set[str] = set()
        self.slow: dict[str, float] = {}
        self._client = boto3.client(
            "s3",
            endpoint_url=address,
            region_name=KEYS["AWS_REGION"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        self._client.create_bucket(Bucket=BUCKET)

    def put(self, key: str, content: bytes) -> str:
        """Put an object into the bucket, and return its address."""
        self._client.put_object(Bucket=BUCKET, Key=key, Body=content)
        return f"s3://{BUCKET}/{key}"

    def list_keys(self, prefix: str) -> list[str]:
        """Return the keys of all objects that begin so."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [one["Key"] for page in pages for one in page.get("Contents", ())]

    def get(self, key: str) -> bytes:
        """Return the bytes of an object."""
        return bytes(self._client.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def wrap(self, serve: Wsgi) -> Wsgi:
        """Have some objects misbehave before a server is asked for them."""

        def misbehave(environ: Mapping[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            """Answer one request."""
            key = unquote(environ["PATH_INFO"]).removeprefix(f"/{BUCKET}/")
            if key in self.denied:
                start("403 Forbidden", [("Content-Type", "application/xml")])
                return [_DENIED]
            time.sleep(self.slow.get(key, 0.0))
            return serve(environ, start)

        return misbehave


@contextlib.contextmanager
def serve_objects() -> Iterator[ObjectStore]:
    """Run the server for as long as it is needed."""
    stores: list[ObjectStore] = []
    plain: Wsgi = DomainDispatcherApplication(create_backend_app)

    def answer(environ: Mapping[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request, as the store has it once there is one."""
        return (stores[0].wrap(plain) if stores else plain)(environ, start)

    server = make_server("127.0.0.1", 0, answer, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        # Servers of one process share what they hold.
        urllib.request.urlopen(urllib.request.Request(f"{address}/moto-api/reset", method="POST"))
        stores.append(ObjectStore(address))
        yield stores[0]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def fill(store: ObjectStore, photos: Iterable[Path], prefix: str) -> list[str]:
    """Put photos into the bucket under a prefix, and return their addresses."""
    return [store.put(f"{prefix}/{path.name}", path.read_bytes()) for path in photos]
