"""The service's routes about itself: probes, metrics, the model."""

import functools
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Depends, Header, Query, Request, Response

import gafas
from gafas.annotate import LANGUAGES, SMALLEST_SIDE, encode
from gafas.errors import ImageError
from gafas.explain import draw, explain
from gafas.images import load_photo
from gafas.results import ImageArray, Recognition
from gafas.service.operation import Operation, Select, refuse_damaged, write_answer
from gafas.service.problems import RefusalError, refuse_for_now
from gafas.service.schemas import (
    ModelAnswer,
    StatusAnswer,
    describe_answers,
    describe_body,
    describe_picture,
    describe_problems,
)
from gafas.service.uploads import Upload, is_form
from gafas.weights import FOLDER, PINNED

WORK: Final = frozenset({"/v1/recognize", "/v1/annotate", "/v1/explain"})
"""The routes that need a thread, and are refused at the door when the service is full."""

_PICTURES: Final = {"image/jpeg": "JPEG", "image/png": "PNG"}
_REFUSALS: Final = (400, 401, 403, 408, 413, 415, 421, 422, 503)

Language = Annotated[
    str | None, Header(description="What drawings speak: English, or Spanish if it is liked more.")
]
Name = Annotated[str | None, Query(description="What the answer calls a photo sent as raw body.")]

router = APIRouter(tags=["photos"])


def get_operation(request: Request) -> Operation:
    """Return what the routes of a request's application share."""
    return cast(Operation, request.app.state.operation)


async def _choose_faces(
    min_face: Annotated[
        float,
        Query(
            ge=0,
            allow_inf_nan=False,
            description="Pass over faces whose box is narrower or lower, in the photo's pixels.",
        ),
    ] = 0.0,
    largest: Annotated[bool, Query(description="Only the photo's largest face.")] = False,
) -> Select:
    """Return what leaves of an answer the faces that a request asks for."""
    return functools.partial(Recognition.select, min_face=min_face, largest=largest)


Faces = Annotated[Select, Depends(_choose_faces)]


@router.post(
    "/v1/recognize",
    responses={**describe_answers(), **describe_problems(*_REFUSALS)},
    openapi_extra=describe_body(several=True),
)
async def recognize_photos(request: Request, select: Faces, name: Name = None) -> Response:
    """Say what every face in one or many photos wears.

    A photo as raw body gives one object; a form with photos gives a list, in their order. A photo
    of a form that cannot be read gives an object with its `error`, and the others are answered; one
    that came as raw body gives the same sentence with status 422.
    """
    operation, several = get_operation(request), is_form(request)

    def look(upload: Upload) -> bytes | RefusalError:
        """Return the answer as JSON, or why there is none."""
        try:
            return write_answer(operation.recognize(upload, select))
        except RefusalError as problem:
            told = Recognition(upload.name, error=problem.detail)
            return write_answer(told) if several else problem

    answers = _check(await operation.answer(request, look, several=True))
    body = b"[" + b", ".join(answers) + b"]" if several else answers[0]
    return Response(body, media_type="application/json")


@router.post(
    "/v1/annotate",
    responses={**describe_picture(), **describe_problems(406, *_REFUSALS)},
    openapi_extra=describe_body(several=False),
    response_class=Response,
)
async def annotate_photo(
    request: Request,
    select: Faces,
    plain: Annotated[
        bool,
        Query(description="The photo alone, upright: for what cannot show its format itself."),
    ] = False,
    accept_language: Language = None,
) -> Response:
    """Draw boxes, labels and probabilities on a copy of one photo.

    `Accept` chooses JPEG, the default, or PNG.
    """
    operation, language = get_operation(request), _choose_language(accept_language)

    def look(upload: Upload) -> ImageArray:
        """Return the photo as it is drawn on."""
        if plain:
            operation.check_size(upload)
            return load_photo(upload.data).image
        return operation.recognize(upload, select).annotate(language=language)

    return await _answer_picture(request, look)


@router.post(
    "/v1/explain",
    responses={**describe_picture(), **describe_problems(406, *_REFUSALS)},
    openapi_extra=describe_body(several=False),
    response_class=Response,
)
async def explain_photo(
    request: Request,
    select: Faces,
    face: Annotated[
        int | None,
        Query(
            ge=0,
            description="Only this face, counted from 0 in the order of the answer to the same "
            "`min_face` and `largest`.",
        ),
    ] = None,
    accept_language: Language = None,
) -> Response:
    """Show which spots of each face the answer hangs on, as a heat map over one photo.

    `Accept` chooses JPEG, the default, or PNG.
    """
    operation, language = get_operation(request), _choose_language(accept_language)

    def look(upload: Upload) -> ImageArray:
        """Return the photo as it is drawn on."""
        operation.check_size(upload)
        found = select(operation.recognizer.recognize(upload.data))
        if face is not None and face >= len(found):
            detail = f"No face {face}, counted from 0: the photo has {len(found)}. Choose one of"
            raise RefusalError(422, "no-such-face", detail=f"{detail} these.")
        chosen = found.faces if face is None else found.faces[face : face + 1]
        faces = [one.face for one in chosen]
        reasons = explain(operation.recognizer, upload.data, faces=faces)
        photo = load_photo(upload.data, side=2 * SMALLEST_SIDE)
        return draw(photo, reasons, language=language)

    return await _answer_picture(request, look)


async def _answer_picture(request: Request, look: Callable[[Upload], ImageArray]) -> Response:
    media_type = _choose_kind(request.headers.get("accept", "*/*"))

    def work(upload: Upload) -> bytes | RefusalError:
        """Return the picture's bytes, or why there is none."""
        try:
            return encode(look(upload), _PICTURES[media_type])
        except RefusalError as problem:
            return problem
        except ImageError as error:
            return refuse_damaged(str(error))

    (made,) = _check(await get_operation(request).answer(request, work))
    return Response(made, media_type=media_type)


def _check(made: Sequence[bytes | RefusalError]) -> list[bytes]:
    """Return what was made, or raise what stands in its place."""
    for one in made:
        if isinstance(one, RefusalError):
            raise one
    return [one for one in made if isinstance(one, bytes)]


def _choose_language(accept: str | None) -> str:
    """Return the language of drawings that an Accept-Language header likes best.

    >>> _choose_language("es-AR, en;q=0.5"), _choose_language("fr"), _choose_language(None)
    ('es', 'en', 'en')
    """
    liked = [_read_range(part) for part in (accept or "").split(",")]

    def score(language: str) -> float:
        """Return how much a language is liked, 0 to 1."""
        return max((much for tag, much in liked if tag.split("-")[0] == language), default=0.0)

    return max(LANGUAGES, key=score)  # English comes first where both are liked


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


about_router = APIRouter(tags=["service"])


@about_router.get("/healthz", responses=describe_problems(421))
async def tell_health() -> StatusAnswer:
    """Say that the process lives."""
    return StatusAnswer(status="alive")


@about_router.get("/readyz", responses=describe_problems(421, 503))
async def tell_readiness(request: Request) -> StatusAnswer:
    """Say whether new work is taken on.

    A service that is full stays ready: it says so to those whom it refuses, and only for a moment.
    """
    if get_operation(request).draining:
        raise refuse_for_now("draining", detail="The service is about to end.")
    return StatusAnswer(status="ready")


@about_router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **describe_problems(401, 421),
    },
)
async def tell_metrics(request: Request) -> Response:
    """Give counters and times, as Prometheus reads them."""
    return Response(
        get_operation(request).metrics.write(),
        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
    )


@about_router.get("/v1/model", responses=describe_problems(401, 421))
async def tell_model(request: Request) -> ModelAnswer:
    """Describe the model that answers, and what a request may hold."""
    operation = get_operation(request)
    model = operation.recognizer.classifier
    told: dict[str, Any] = {
        "version": gafas.__version__,
        "labels": list(model.labels),
        "threshold": operation.recognizer.threshold,
        "sha256": model.sha256,
        "recipe": model.metadata.get("recipe"),
        "input": {
            "view": model.view,
            "width": model.size[0],
            "height": model.size[1],
            "colour": model.colour,
        },
        "card": _find_card(model.sha256),
        "figures": model.metadata.get("evaluation") or _find_figures(model.sha256),
        "limits": operation.limits,
    }
    return ModelAnswer.model_validate(told, from_attributes=True)


def _find_card(sha256: str) -> str | None:
    """Return the card that ships with a bundled model."""
    if _find_figures(sha256) is not None:
        return (FOLDER / "eyewear.card.md").read_text(encoding="utf-8")
    for name, pinned in PINNED.items():
        if pinned == sha256:
            return (FOLDER / name).with_suffix(".md").read_text(encoding="utf-8")
    return None


def _find_figures(sha256: str) -> dict[str, Any] | None:
    """Return what was measured of a bundled model; None of any other."""
    measured = json.loads((FOLDER / "eyewear.figures.json").read_text(encoding="utf-8"))
    sets: dict[str, Any] = measured["sets"]
    return sets if measured["sha256"] == sha256 else None
