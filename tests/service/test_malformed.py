"""Whatever is sent, the service answers with what its description promises, and lives on."""

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from PIL import Image
from schemathesis import GenerationMode
from schemathesis import checks as all_checks
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from face_photos import encode, portrait
from gafas.recognizer import Recognizer
from gafas.service.settings import Access, Limits
from service_client import Door, form

MUTATIONS = 500
TAKING = ("/v1/recognize", "/v1/check", "/v1/annotate", "/v1/explain")  # the others forbid nothing
CHECKS = [
    all_checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
KINDS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM")


def mutate(data: bytes, chance: np.random.Generator) -> bytes:
    """Return a file that is damaged in one of a few ways."""
    changed = bytearray(data)
    way = chance.integers(5)
    place = int(chance.integers(len(changed)))
    if way == 0:  # single bits
        for at in chance.integers(len(changed), size=chance.integers(1, 20)):
            changed[at] ^= 1 << int(chance.integers(8))
    elif way == 1:  # cut short
        del changed[place:]
    elif way == 2:  # a piece lost
        del changed[place : place + int(chance.integers(1, 400))]
    elif way == 3:  # the header, where sizes and offsets are
        for at in chance.integers(min(64, len(changed)), size=4):
            changed[at] = int(chance.integers(256))
    else:  # a piece doubled
        changed[place:place] = changed[place : place + int(chance.integers(1, 400))]
    return bytes(changed)


def make_mutants() -> Iterator[tuple[str, bytes]]:
    chance = np.random.default_rng(0)
    small = np.asarray(Image.fromarray(portrait()).resize((64, 75)))
    originals = [encode(small, kind) for kind in KINDS]
    palette = io.BytesIO()
    Image.fromarray(small).quantize(16).save(palette, "PNG")
    originals.append(palette.getvalue())
    for number in range(MUTATIONS):
        yield f"{number}", mutate(originals[number % len(originals)], chance)


def test_500_damaged_photos_are_answered_and_nothing_leaks(recognizer: Recognizer) -> None:
    door = Door(recognizer, limits=Limits(seconds_per_request=600))
    mutants = dict(make_mutants())
    assert len(mutants) == MUTATIONS
    found: list[dict[str, Any]] = []
    for first in range(0, MUTATIONS, 50):
        some = {name: mutants[name] for name in list(mutants)[first : first + 50]}
        answer = door.post("/v1/recognize", files=form(some))
        assert answer.status_code == 200
        found += answer.json()
    assert [one["photo"] for one in found] == list(mutants)
    errors = [one["error"] for one in found if one["error"]]
    assert 100 < len(errors) < MUTATIONS - 100  # both ways are taken
    for error in errors:
        assert error.startswith(("Cannot read the image", "Cannot decode the image"))
        assert "/" not in error.replace("I/O", "")
        assert "0x" not in error
    for name in list(mutants)[::25]:
        for path in ("recognize", "annotate", "explain"):
            assert door.post(f"/v1/{path}", mutants[name]).status_code in (200, 422)
    assert door.operation.taken == door.operation.memory.held == 0


@pytest.fixture(scope="module")
def door(recognizer: Recognizer) -> Door:
    limits, access = Limits(seconds_per_request=600), Access(hosts=("testserver",))
    return Door(recognizer, limits=limits, access=access)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_the_service_keeps_what_its_description_promises(door: Door, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", door.app)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) == 9
    for operation in operations:
        check_operation(operation, mode)


def check_operation(operation: Any, mode: GenerationMode) -> None:
    """Send a route what its description allows, or what it forbids, and look at the answers."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=10,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def check(case: Any) -> None:
        answer = case.call()
        assert answer.status_code < 500 or answer.status_code == 503
        assert b"Traceback" not in answer.content
        case.validate_response(answer, checks=CHECKS)

    if mode is GenerationMode.POSITIVE or operation.path in TAKING:
        check()


def test_the_description_is_json_that_names_no_path_of_this_machine(door: Door) -> None:
    text = json.dumps(door.app.openapi())
    assert "site-packages" not in text
    assert "/src/" not in text
