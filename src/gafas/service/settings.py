"""What whoever starts a service decides: how much it takes on, and who may use it."""

import dataclasses
from typing import Final

MEBIBYTE = 2**20

WORK: Final = frozenset(
    {
        *("/v1/recognize", "/v1/check", "/v1/annotate", "/v1/explain", "/v1/answers"),
        *("/v1/features", "/v1/adapt"),  # where `--adapt` offers them
    }
)
"""The routes that need a thread, and are refused at the door when the service is full."""


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """How much a service takes on.

    Attributes:
        bytes_per_photo: a file of more bytes is refused, while it is being received.
        pixels_per_photo: a photo of more pixels is refused, before it is decoded.
        photos_per_request: a form with more photos is refused.
        seconds_per_request: how long a request may take, from its first byte to its answer.
        waiting: so many requests may wait for a thread; more are refused at once.
        bytes_in_memory: all that is held of the bodies of all requests; more is refused.

    Raises:
        ValueError: a limit is not positive (`waiting` may be 0).
    """

    bytes_per_photo: int = 32 * MEBIBYTE
    pixels_per_photo: int = 64_000_000
    photos_per_request: int = 64
    seconds_per_request: float = 30.0
    waiting: int = 16
    bytes_in_memory: int = 256 * MEBIBYTE

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value < 0 or (value == 0 and field.name != "waiting"):
                raise ValueError(f"The limit {field.name} must be positive. Received: {value}.")


@dataclasses.dataclass(frozen=True, slots=True)
class Access:
    """Who may use a service.

    Attributes:
        keys: if there are any, a request must carry one of them, in the header `X-API-Key` or as
            `Authorization: Bearer`. The page itself, its files and the probes need none.
        hosts: names under which the service may be addressed, beside `localhost` and IP addresses.
        origins: other web sites whose pages may call the service (CORS), as `https://example.org`.
    """

    keys: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()

    def is_key(self, given: str) -> bool:
        """Say whether a key is one of ours, in a time that tells nothing about them.

        >>> Access(keys=("secret",)).is_key("secret"), Access(keys=("secret",)).is_key("")
        (True, False)
        """
        import hmac  # here, for every command reads the limits, to tell their defaults

        sent = given.encode("utf-8", "surrogateescape")
        found = [hmac.compare_digest(sent, key.encode("utf-8")) for key in self.keys]
        return any(found)
