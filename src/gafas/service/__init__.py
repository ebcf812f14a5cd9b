"""The HTTP service: one recognizer behind a FastAPI application. It needs the extra `serve`."""
