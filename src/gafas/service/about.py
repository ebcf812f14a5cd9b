"""The service's routes about itself: probes, metrics, the model."""

import json
from typing import Any

from fastapi import APIRouter, Request, Response

import gafas
from gafas.service.problems import refuse_for_now
from gafas.service.routes import get_operation
from gafas.service.shapes import ModelAnswer, StatusAnswer, describe_problems
from gafas.weights import FOLDER, PINNED

router = APIRouter(tags=["service"])


@router.get("/healthz", responses=describe_problems(421))
async def tell_health() -> StatusAnswer:
    """Say that the process lives."""
    return StatusAnswer(status="alive")


@router.get("/readyz", responses=describe_problems(421, 503))
async def tell_readiness(request: Request) -> StatusAnswer:
    """Say whether new work is taken on.

    A service that is full stays ready: it says so to those whom it refuses, and only for a moment.
    """
    if get_operation(request).draining:
        raise refuse_for_now("draining", detail="The service is about to end.")
    return StatusAnswer(status="ready")


@router.get(
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


@router.get("/v1/model", responses=describe_problems(401, 421))
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
            "frame": model.frame,
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
