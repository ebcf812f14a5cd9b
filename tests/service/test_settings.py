"""What whoever starts a service decides."""

import pytest

from gafas.service.settings import Access, Limits


@pytest.mark.parametrize("name", ["bytes_per_photo", "seconds_per_request", "photos_per_request"])
def test_limits_must_be_positive(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be positive. Received: 0"):
        Limits(**{name: 0})
    assert Limits(waiting=0).waiting == 0


def test_keys_are_not_shown() -> None:
    assert "secret" not in repr(Access(keys=("secret",)))
