"""Sunglasses, eyeglasses or nothing: recognise eyewear in photos, and prove it."""

from importlib.metadata import version

from gafas.errors import DataError, GafasError, ImageError, ModelError, RecipeError

__all__ = ["DataError", "GafasError", "ImageError", "ModelError", "RecipeError", "__version__"]

__version__ = version("gafas")
