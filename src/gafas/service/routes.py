"""The service's routes for photos."""

from collections.abc import Callable
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Query, Request, Response

from gafas.annotate import SMALLEST_SIDE, annotate, encode
from gafas.errors import ImageError
from gafas.explain import draw, explain
from gafas.images import load_image, load_photo
from gafas.service.forms import Upload
from gafas.service.operation import Operation, write_answer
from gafas.service.problems import RefusalError
from gafas.service.shapes import (
    describe_answers,
    describe_body,
    describe_picture,
    describe_problems,
)
from gafas.service.uploads import is_form
from gafas.types import ImageArray

WORK: Final = frozenset({"/v1/recognize", "/v1/annotate", "/v1/explain"})
"""The routes that need a thread, and are refused at the door when the service is full."""

_PICTURES: Final = {"image/jpeg": "JPEG", "image/png": "PNG"}
_REFUSALS: Final = (400, 401, 403, 408, 413, 415, 421, 422, 503)

Name = Annotated[str | None, Query(description="What the answer calls a photo sent as raw body.")]

router = APIRouter(tags=["photos"])


def get_operation(request: Request) -> Operation:
    """Return what the routes of a request's application share."""
    return cast(Operation, request.app.state.operation)


@router.post(
    "/v1/recognize",
    responses={**describe_answers(), **describe_problems(*_REFUSALS)},
    openapi_extra=describe_body(several=True),
)
async def recognize_photos(request: Request, name: Name = None) -> Response:
    """Say what every face in one or many photos wears.

    A photo as raw body gives one object; a form with photos gives a list, in their order. A photo
    of a form that cannot be read gives an object with its `error`, and the others are answered; one
    that came as raw body gives the same sentence with status 422.
    """
    operation = get_operation(request)

    def look(upload: Upload) -> tuple[str | None, bytes]:
        """Return what is wrong with a photo, if anything, and the answer as JSON."""
        found = operation.recognize(upload)
        return found.error, write_answer(found)

    answers = await operation.answer(request, look, several=True)
    if is_form(request):
        body = b"[" + b", ".join(written for _, written in answers) + b"]"
    else:
        ((error, body),) = answers
        if error is not None:
            raise _unreadable(error)
    return Response(body, media_type="application/json")


@router.post(
    "/v1/annotate",
    responses={**describe_picture(), **describe_problems(406, *_REFUSALS)},
    openapi_extra=describe_body(several=False),
    response_class=Response,
)
async def annotate_photo(request: Request) -> Response:
    """Draw boxes, labels and probabilities on a copy of one photo.

    `Accept` chooses JPEG, the default, or PNG.
    """
    operation = get_operation(request)

    def look(upload: Upload) -> ImageArray:
        """Return the photo as it is drawn on."""
        found = operation.recognize(upload)
        if found.error is not None:
            raise ImageError(found.error)
        return annotate(load_image(upload.data), found.faces)

    return await _answer_picture(request, look)


@router.post(
    "/v1/explain",
    responses={**describe_picture(), **describe_problems(406, *_REFUSALS)},
    openapi_extra=describe_body(several=False),
    response_class=Response,
)
async def explain_photo(
    request: Request,
    face: Annotated[
        int | None,
        Query(ge=0, description="Only this face, counted from 0 in the order of the answer."),
    ] = None,
) -> Response:
    """Show which spots of each face the answer hangs on, as a heat map over one photo.

    `Accept` chooses JPEG, the default, or PNG.
    """
    operation = get_operation(request)

    def look(upload: Upload) -> ImageArray:
        """Return the photo as it is drawn on."""
        operation.check_size(upload)
        reasons = explain(operation.recognizer, upload.data, face=face)
        return draw(load_photo(upload.data, side=2 * SMALLEST_SIDE), reasons)

    return await _answer_picture(request, look)


async def _answer_picture(request: Request, look: Callable[[Upload], ImageArray]) -> Response:
    media_type = _choose_kind(request.headers.get("accept", "*/*"))

    def work(upload: Upload) -> bytes | RefusalError:
        """Return the picture's bytes, or why there is none."""
        try:
            return encode(look(upload), _PICTURES[media_type])
        except ImageError as error:
            return _unreadable(str(error))
        except IndexError as error:
            return RefusalError(422, "no-such-face", detail=f"{error} Choose one of these.")

    (made,) = await get_operation(request).answer(request, work)
    if isinstance(made, RefusalError):
        raise made
    return Response(made, media_type=media_type)


def _choose_kind(accept: str) -> str:
    """Return the kind of picture that an Accept header likes best.

    Raises:
        RefusalError: 406, it likes none.
    """
    liked = {"*/*": 1.0} if not accept.strip() else dict(map(_read_range, accept.split(",")))
    scores: dict[str, Any] = {
        kind: next((liked[key] for key in (kind, "image/*", "*/*") if key in liked), 0.0)
        for kind in _PICTURES
    }
    best = max(scores, key=scores.__getitem__)  # JPEG comes first where both are liked
    if not scores[best]:
        raise RefusalError(
            406,
            "not-acceptable",
            detail=f"The picture comes as {' or '.join(_PICTURES)}. Received: Accept {accept!r}.",
        )
    return best


def _read_range(text: str) -> tuple[str, float]:
    kind, *parameters = (part.strip().lower() for part in text.split(";"))
    quality = next((part[2:] for part in parameters if part.startswith("q=")), "1")
    try:
        return kind, min(max(float(quality), 0.0), 1.0)
    except ValueError:
        return kind, 0.0


def _unreadable(error: str) -> RefusalError:
    return RefusalError(422, "unreadable-photo", detail=error)
