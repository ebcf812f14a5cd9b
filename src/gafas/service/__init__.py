"""The HTTP service: one recognizer behind a FastAPI application. It needs the extra `serve`."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gafas.service.app import create_app
    from gafas.service.settings import Access, Limits

__all__ = ["Access", "Limits", "create_app"]

_PLACES = {
    "Access": "gafas.service.settings",
    "Limits": "gafas.service.settings",
    "create_app": "gafas.service.app",
}


def __getattr__(name: str) -> Any:
    # The command line reads the limits' defaults for its --help, and may not import FastAPI then.
    if name not in _PLACES:
        raise AttributeError(f"module 'gafas.service' has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), name)
