"""The FastAPI application: routes, refusals, the page's files."""

from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

import gafas
from gafas.errors import ServiceError
from gafas.recognizer import Recognizer, count_cores
from gafas.service import routes
from gafas.service.middleware import LOCAL, Guard, Observer
from gafas.service.operation import Operation
from gafas.service.problems import RefusalError
from gafas.service.schemas import list_schemas
from gafas.service.settings import Access, Limits
from gafas.weights import read_model

WEB: Final = Path(__file__).parents[1] / "web"
"""Where the page's files lie."""

BUILT: Final = WEB / "app"
"""Where the page lies that recognizes in the browser alone, in packages that were built with it."""

_DESCRIPTION: Final = (
    "Says for every face in a photo: sunglasses, eyeglasses, none or unsure. Photos are neither "
    "stored nor logged. Refusals are problem details (RFC 9457)."
)


def create_app(
    recognizer: Recognizer,
    *,
    limits: Limits | None = None,
    access: Access | None = None,
    workers: int | None = None,
) -> FastAPI:
    """Make the ASGI application of a service.

    Args:
        recognizer: what answers, made with one thread.
        limits: how much the service takes on.
        access: who may use it; everybody who reaches it, if left out.
        workers: so many photos are worked on at once; one per processor core if left out.
    """
    limits, access = limits or Limits(), access or Access()
    operation = Operation(recognizer, limits, threads=workers or count_cores())

    app = FastAPI(
        title="gafas",
        version=gafas.__version__,
        description=_DESCRIPTION,
        docs_url=None,  # these pages would load scripts from another host; ours is at /docs
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.operation = operation
    app.include_router(routes.router)
    _add_pages(app)
    _add_refusals(app)
    # The last one added is the first that a request meets.
    app.add_middleware(Guard, operation=operation, access=access)
    if access.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=access.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key"],
            expose_headers=["Retry-After"],
        )
    app.add_middleware(Observer, operation=operation)
    return app


def offer_local(app: FastAPI) -> str:
    """Give out the page that recognizes in the browser alone, too, and return its place.

    Raises:
        ServiceError: the package was built without it.
    """
    if not (BUILT / "index.html").is_file():
        raise ServiceError(
            "The page that recognizes in the browser alone is not in this package: expected "
            f"'{BUILT}'. Received: nothing there. In a clone of the repository, run: make site-app "
            "APP=src/gafas/web/app"
        )
    app.mount(LOCAL.rstrip("/"), StaticFiles(directory=BUILT, html=True))
    return LOCAL


def offer_learning(app: FastAPI, model: Path | str | None) -> None:
    """Let whoever uses the service teach it own labels, and keep the file that comes of it.

    Raises:
        ModelError: the model, None for the one that ships, cannot be read.
        ModuleNotFoundError: what learns is not installed.
        ServiceError: the model does not look at faces, or gives no features.
    """
    from gafas.service import learning

    operation = app.state.operation
    learning.check_learning(operation.recognizer.classifier)
    operation.adapts = True
    app.state.content = read_model(model or "research")
    app.include_router(learning.router)


def _add_pages(app: FastAPI) -> None:
    def add(path: str, file: str) -> None:
        """Give a file at a path."""

        @app.api_route(path, methods=["GET", "HEAD"], include_in_schema=False)
        async def show_page() -> Response:
            """Give a web page."""
            return FileResponse(WEB / file, media_type="text/html; charset=utf-8")

    add("/", "index.html")
    add("/docs", "docs.html")
    app.mount("/static", StaticFiles(directory=WEB, check_dir=False))


def _add_refusals(app: FastAPI) -> None:
    """Have all that is refused answered as problem details, and counted."""

    async def tell(request: Request, error: Exception) -> Response:
        """Tell why something is refused."""
        problem = error if isinstance(error, RefusalError) else _translate(request, error)
        app.state.operation.metrics.rejections.labels(problem.reason).inc()
        return problem.to_response()

    for kind in (RefusalError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, tell)
    _describe_refusals(app)


def _translate(request: Request, error: Exception) -> RefusalError:
    """Return the refusal for what the framework refuses: no such place, method or parameter."""
    if isinstance(error, RequestValidationError):
        shown = [{"where": list(one["loc"]), "problem": one["msg"]} for one in error.errors()]
        problems = [f"{'.'.join(map(str, one['where']))}: {one['problem']}" for one in shown]
        return RefusalError("parameters", {"problems": "; ".join(problems), "errors": shown})
    assert isinstance(error, HTTPException)
    path, allowed = request.url.path, (error.headers or {}).get("Allow", "another")
    if error.status_code == 404:
        return RefusalError("not-found", {"path": path})
    if error.status_code == 405:
        values = {"path": path, "allowed": allowed, "received": request.method}
        return RefusalError("method", values, headers=error.headers)
    values = {"error": error.detail}
    return RefusalError("http", values, status=error.status_code, headers=error.headers)


def _describe_refusals(app: FastAPI) -> None:
    """Put the shape of refusals into the OpenAPI description."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        """Describe the service, refusals as they are."""
        if app.openapi_schema is None:
            schemas = describe()["components"]["schemas"]
            schemas |= list_schemas(adapts=app.state.operation.adapts)
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
