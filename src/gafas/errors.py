"""What can go wrong, as one small tree.

    GafasError
    ├── ImageError    bytes that are not a readable photo
    ├── ModelError    a model file that is missing, foreign, unsafe or altered
    ├── DataError     a data set, a labelled folder or a run that does not hold what it should
    ├── RecipeError   a recipe with an unknown key, a wrong type or contradictory values
    └── ServiceError  a service that cannot start as it was asked to

Every message says what went wrong, what was received and what to do.
"""


class GafasError(Exception):
    """Be the base of every error that gafas raises on purpose."""


class ImageError(GafasError):
    """Say that bytes are not a readable photo."""


class ModelError(GafasError):
    """Say that a model file is missing, foreign, unsafe or altered."""


class DataError(GafasError):
    """Say that a data set, a labelled folder or a run does not hold what it should."""


class RecipeError(GafasError):
    """Say that a recipe has an unknown key, a wrong type or contradictory values."""


class ServiceError(GafasError):
    """Say that a service cannot start as it was asked to."""
