"""What a service counts and times, in the format of Prometheus."""

from collections.abc import Callable
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from gafas.recognizer import Recognition

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Count requests, photos, faces and refusals; nothing that tells one photo from another."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "gafas_requests", "Requests answered.", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "gafas_request_seconds",
            "From a request's first byte to its answer's last.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.photos = Counter(
            "gafas_photos", "Photos looked at.", ["outcome"], registry=self.registry
        )
        self.faces = Counter("gafas_faces", "Faces found.", ["label"], registry=self.registry)
        self.rejections = Counter(
            "gafas_rejections", "Requests refused.", ["reason"], registry=self.registry
        )
        ProcessCollector(registry=self.registry)

    def watch(self, name: str, meaning: str, *, read: Callable[[], float]) -> None:
        """Show a value that is read when somebody asks."""
        Gauge(name, meaning, registry=self.registry).set_function(read)

    def count(self, found: Recognition) -> None:
        """Count a photo that was read, and its faces."""
        self.photos.labels("read").inc()
        for face in found.faces:
            self.faces.labels(str(face.label)).inc()

    def write(self) -> bytes:
        """Return everything, as Prometheus reads it."""
        return generate_latest(self.registry)
