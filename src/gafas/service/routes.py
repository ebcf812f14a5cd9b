"""The routes: about photos, and about the service itself."""

import contextlib
import functools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Final, TypeVar, cast

from fastapi import APIRouter, Depends, Header, Query, Request, Response

import gafas
from gafas.annotation import encode
from gafas.batch.answers import read_answers
from gafas.check import Requirement, Rules, check, check_model
from gafas.errors import DataError, ImageError, ModelError
from gafas.explanation import draw_explanations, explain
from gafas.images import load_photo
from gafas.installing import advise_install
from gafas.labels import LANGUAGES, Language
from gafas.results import ImageArray, Recognition
from gafas.service.operation import Operation, Select
from gafas.service.problems import RefusalError
from gafas.service.schemas import (
    KeptAnswer,
    ModelAnswer,
    StatusAnswer,
    describe_answers,
    describe_body,
    describe_part,
    describe_picture,
    describe_problems,
    describe_verdicts,
)
from gafas.service.uploads import Upload, is_form
from gafas.weights import FOLDER, PINNED

_PICTURES: Final = {"image/jpeg": "JPEG", "image/png": "PNG"}
_KINDS: Final = {kind: (kind, "image/*", "*/*") for kind in _PICTURES}
_REFUSALS: Final = (400, 401, 403, 408, 413, 415, 421, 422, 503)

_RULES: Final = Rules(Requirement.clear_eyes)  # which have the defaults

Accepted = Annotated[
    str | None, Header(description="What is spoken: English, or Spanish if it is liked more.")
]
Name = Annotated[str | None, Query(description="What the answer calls a photo sent as raw body.")]

Offer = TypeVar("Offer", bound=str)

_LACKING: Final = "To read kept answers, the service needs one more package."

router = APIRouter()


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
    tags=["photos"],
    responses={**describe_answers(), **describe_problems(*_REFUSALS)},
    openapi_extra=describe_body(several=True),
)
async def recognize_photos(request: Request, *, select: Faces, name: Name = None) -> Response:
    """Say what every face in one or many photos wears.

    A photo as raw body gives one object; a form with photos gives a list, in their order. A photo
    of a form that cannot be read gives an object with its `error`, and the others are answered; one
    that came as raw body gives the same sentence with status 422.
    """
    return await _answer_json(request, Recognition.to_dict, select=select)


async def _choose_rules(
    require: Annotated[Requirement, Query(description="What the face may wear.")],
    any_face: Annotated[
        bool, Query(alias="any", description="Only the photo's largest face counts.")
    ] = False,
    min_face: Annotated[
        float, Query(ge=0, allow_inf_nan=False, description="Its least width and height, pixels.")
    ] = _RULES.min_face,
    max_tilt: Annotated[
        float, Query(ge=0, allow_inf_nan=False, description="How far it may lean, degrees.")
    ] = _RULES.max_tilt,
    max_turn: Annotated[
        float, Query(ge=0, allow_inf_nan=False, description="How far it may look aside.")
    ] = _RULES.max_turn,
    sure: Annotated[
        float, Query(ge=0.5, le=1, description="The probability that is needed to decide.")
    ] = _RULES.sure,
) -> Rules:
    """Return the rules that a request asks for."""
    return Rules(require, any_face, min_face, max_tilt, max_turn, sure)


@router.post(
    "/v1/check",
    tags=["photos"],
    responses={**describe_verdicts(), **describe_problems(*_REFUSALS)},
    openapi_extra=describe_body(several=True),
)
async def check_photos(
    request: Request,
    *,
    rules: Annotated[Rules, Depends(_choose_rules)],
    name: Name = None,
    accept_language: Accepted = None,
) -> Response:
    """Pass or fail one or many photos by what the face in them wears, or have a person look.

    Bodies, forms and photos that cannot be read are treated as by `/v1/recognize`.
    """
    language = _choose_language(accept_language)
    try:
        check_model(get_operation(request).recognizer, rules.require)
    except ModelError as error:
        raise RefusalError("model", {"error": error}) from error
    return await _answer_json(request, lambda found: check(found, rules).to_dict(language))


async def _answer_json(
    request: Request,
    tell: Callable[[Recognition], dict[str, Any]],
    *,
    select: Select = Recognition.select,
) -> Response:
    """Answer one photo with an object, and a form with a list in which nobody stops the others."""
    operation, several = get_operation(request), is_form(request)

    def answer(upload: Upload) -> str:
        """Return what the command line writes for a photo as JSON."""
        try:
            found = operation.recognize(upload, select)
        except RefusalError as problem:
            if not several:
                raise
            found = Recognition(upload.name, error=problem.detail)
        return json.dumps(tell(found), ensure_ascii=False)

    answers = await operation.answer(request, answer, several=True)
    body = f"[{', '.join(answers)}]" if several else answers[0]
    return Response(body, media_type="application/json")


@router.post(
    "/v1/annotate",
    tags=["photos"],
    responses={**describe_picture(), **describe_problems(406, *_REFUSALS)},
    openapi_extra=describe_body(several=False),
    response_class=Response,
)
async def annotate_photo(
    request: Request,
    *,
    select: Faces,
    plain: Annotated[
        bool,
        Query(description="The photo alone, upright: for what cannot show its format itself."),
    ] = False,
    accept_language: Accepted = None,
) -> Response:
    """Draw boxes, labels and probabilities on a copy of one photo.

    `Accept` chooses JPEG, the default, or PNG.
    """
    operation, language = get_operation(request), _choose_language(accept_language)

    def paint(upload: Upload) -> ImageArray:
        """Return the photo as it is drawn on."""
        if plain:
            operation.check_size(upload)
            return load_photo(upload.data).image
        return operation.recognize(upload, select).annotate(language=language)

    return await _answer_picture(request, paint)


@router.post(
    "/v1/explain",
    tags=["photos"],
    responses={**describe_picture(), **describe_problems(406, *_REFUSALS)},
    openapi_extra=describe_body(several=False),
    response_class=Response,
)
async def explain_photo(
    request: Request,
    *,
    select: Faces,
    face: Annotated[
        int | None,
        Query(
            ge=0,
            description="Only this face, counted from 0 in the order of the answer to the same "
            "`min_face` and `largest`.",
        ),
    ] = None,
    accept_language: Accepted = None,
) -> Response:
    """Show which spots of each face the answer hangs on, as a heat map over one photo.

    `Accept` chooses JPEG, the default, or PNG.
    """
    operation, language = get_operation(request), _choose_language(accept_language)

    def paint(upload: Upload) -> ImageArray:
        """Return the photo as it is drawn on."""
        found = operation.recognize(upload, select)
        if face is not None and face >= len(found):
            raise RefusalError("no-such-face", {"face": face, "count": len(found)})
        chosen = found.faces if face is None else found.faces[face : face + 1]
        faces = [one.face for one in chosen]
        reasons = explain(operation.recognizer, upload.data, faces=faces) if faces else []
        return draw_explanations(upload.data, reasons, language=language)

    return await _answer_picture(request, paint)


@router.post(
    "/v1/answers",
    tags=["photos"],
    responses=describe_problems(*_REFUSALS),
    openapi_extra=describe_part(),
)
async def read_kept_answers(request: Request) -> list[KeptAnswer]:
    """Read a `.parquet` file of answers that `gafas batch` has kept, for who has the photos.

    A file is the same if its name, size and time are. Answers of photos in stores are left out.
    """
    operation = get_operation(request)
    model = operation.recognizer.classifier.sha256

    def read(upload: Upload) -> list[KeptAnswer]:
        """Return what a file holds."""
        try:
            found = read_answers(upload.data, model=model)
        except (DataError, ImportError) as error:
            told = (
                error if isinstance(error, DataError) else f"{_LACKING} {advise_install('batch')}"
            )
            raise RefusalError("answers", {"error": told}) from None
        return [
            KeptAnswer(
                bytes=size,
                modified=changed // 1000,
                answer=json.dumps(answer.to_dict(), ensure_ascii=False),
            )
            for size, changed, answer in found
        ]

    (kept,) = await operation.answer(request, read)
    return kept


async def _answer_picture(request: Request, paint: Callable[[Upload], ImageArray]) -> Response:
    accept = request.headers.get("accept", "")
    media_type = _like_best(accept.strip() or "*/*", _KINDS)
    if media_type is None:
        values = {"kinds": " or ".join(_PICTURES), "received": accept}
        raise RefusalError("not-acceptable", values)

    def make(upload: Upload) -> bytes:
        """Return the picture's bytes."""
        try:
            return encode(paint(upload), _PICTURES[media_type])
        except ImageError as error:
            raise RefusalError("damaged-photo", {"error": error}) from error

    (made,) = await get_operation(request).answer(request, make)
    return Response(made, media_type=media_type)


def _choose_language(accept: str | None) -> Language:
    """Return the language of drawings that an Accept-Language header likes best.

    >>> _choose_language("es-AR, en;q=0.5"), _choose_language("fr"), _choose_language(None)
    ('es', 'en', 'en')
    """
    spoken = re.sub(r"-\w+", "", accept or "")  # es-AR is Spanish
    return _like_best(spoken, {language: (language,) for language in LANGUAGES}) or LANGUAGES[0]


def _like_best(accept: str, offers: Mapping[Offer, Iterable[str]]) -> Offer | None:
    """Return the offer that an Accept header likes best; None if it likes none.

    Args:
        accept: the header's value.
        offers: for each offer the names that it goes by, the closest first; of those that are
            liked alike the first is taken.
    """
    liked: dict[str, float] = {}
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        with contextlib.suppress(ValueError):
            liked[name] = max(liked.get(name, 0.0), float(quality))

    def score(offer: Offer) -> float:
        """Return how much an offer is liked."""
        return next((liked[name] for name in offers[offer] if name in liked), 0.0)

    best = max(offers, key=score)
    return best if score(best) > 0 else None


@router.get("/healthz", tags=["service"], responses=describe_problems(421))
async def tell_health() -> StatusAnswer:
    """Say that the process lives."""
    return StatusAnswer(status="alive")


@router.get("/readyz", tags=["service"], responses=describe_problems(421, 503))
async def tell_readiness(request: Request) -> StatusAnswer:
    """Say whether new work is taken on.

    A service that is full stays ready: it says so to those whom it refuses, and only for a moment.
    """
    if get_operation(request).draining:
        raise RefusalError("draining")
    return StatusAnswer(status="ready")


@router.get(
    "/metrics",
    tags=["service"],
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


@router.get("/v1/model", tags=["service"], responses=describe_problems(401, 421))
async def tell_model(request: Request) -> ModelAnswer:
    """Describe the model that answers, and what a request may hold."""
    return describe_model(get_operation(request))


def describe_model(operation: Operation) -> ModelAnswer:
    """Return what a service tells of its model and its limits."""
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
        "card": _read_text("eyewear.card.md") if model.sha256 in PINNED.values() else None,
        "figures": model.metadata.get("evaluation") or _find_figures(model.sha256),
        "limits": operation.limits,
        "adapts": operation.adapts,
    }
    return ModelAnswer.model_validate(told, from_attributes=True)


def _find_figures(sha256: str) -> dict[str, Any] | None:
    """Return what was measured of a bundled model; None of any other."""
    measured: dict[str, dict[str, Any]] = json.loads(_read_text("eyewear.figures.json"))
    return measured.get(sha256)


def _read_text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
