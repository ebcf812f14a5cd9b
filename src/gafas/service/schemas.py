"""What the service receives and answers, as its OpenAPI description tells it."""

from typing import Any, Final, Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from gafas.service.problems import MEDIA_TYPE
from gafas.service.uploads import FIELD

_FACE: Final = {
    "box": [10.0, 20.0, 110.0, 140.0],
    "landmarks": [[40.1, 60.2], [80.3, 60.0], [60.0, 85.5], [44.0, 108.1], [77.2, 108.0]],
    "confidence": 0.998,
    "label": "sunglasses",
    "probabilities": {"none": 0.004, "eyeglasses": 0.011, "sunglasses": 0.985},
}
_PLACE: Final = "#/components/schemas/{model}"
_PHOTO: Final = {"photo": "a.jpg", "width": 640, "height": 480, "error": None, "faces": [_FACE]}
_UNREADABLE: Final[dict[str, Any]] = {
    "photo": "notes.txt",
    "width": None,
    "height": None,
    "error": "Cannot read the image: expected JPEG, PNG, … Received: bytes (starts with b'Hello'). "
    "Check that it is a photo and not, say, a web page saved under a photo's name.",
    "faces": [],
}


class FaceAnswer(BaseModel):
    """What one face wears."""

    box: list[float] = Field(
        min_length=4,
        max_length=4,
        description="Left, top, right, bottom in the upright photo's pixels; it may reach past "
        "its border.",
    )
    landmarks: list[list[float]] = Field(
        description="Eye on the picture's left, eye on its right, nose, mouth's left and right "
        "corner."
    )
    confidence: float | None = Field(description="That this is a face, 0 to 1.")
    label: str = Field(description="One of the model's labels, or `unsure`.")
    probabilities: dict[str, float] = Field(description="Of each label; they sum to 1.")


class PhotoAnswer(BaseModel):
    """What was recognized in one photo: the object that `gafas predict --json` gives."""

    photo: str = Field(description="The name that the photo was sent under.")
    width: int | None = Field(description="Of the upright photo, in pixels.")
    height: int | None = Field(description="Of the upright photo, in pixels.")
    error: str | None = Field(description="Why the photo could not be read.")
    faces: list[FaceAnswer] = Field(description="The most confident face first.")


class KeptAnswer(BaseModel):
    """The answer that was kept for a file."""

    bytes: int = Field(description="The file's size.")
    modified: int = Field(description="When it was changed, in milliseconds since 1970.")
    answer: str = Field(description="The JSON object of `recognize`, as text, to the last digit.")


class VerdictAnswer(BaseModel):
    """What was decided about one photo: the object that `gafas check --json` gives."""

    photo: str = Field(description="The name that the photo was sent under.")
    verdict: Literal["pass", "fail", "look"] = Field(description="`look`: a person should decide.")
    reason: str = Field(description="One word for programs.")
    sentence: str = Field(description="The reason, in the language of `Accept-Language`.")
    face: FaceAnswer | None = Field(description="The face that was decided by.")
    error: str | None = Field(description="Why the photo could not be read.")


class ProblemAnswer(BaseModel):
    """Why a request was refused (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = Field(description="What went wrong, what was received and what to do.")
    reason: str = Field(description="One word for programs.")
    limit: float | None = Field(
        default=None,
        description="What was exceeded: bytes, pixels or seconds, as the reason says.",
    )
    errors: list[dict[str, Any]] | None = Field(
        default=None, description="Each parameter that was refused."
    )


class LimitsAnswer(BaseModel):
    """What one request may hold."""

    bytes_per_photo: int
    pixels_per_photo: int
    photos_per_request: int
    seconds_per_request: float


class InputAnswer(BaseModel):
    """What the model looks at."""

    view: str = Field(description="`face`: crops of faces; `photo`: the whole photo.")
    width: int
    height: int
    colour: str


class ModelAnswer(BaseModel):
    """The model that answers."""

    version: str = Field(description="Of gafas.")
    labels: list[str] = Field(description="In the order of the probabilities.")
    threshold: float = Field(description="Under this probability the answer is `unsure`.")
    sha256: str = Field(description="Of the model's file.")
    recipe: str | None = Field(description="What the model was trained by.")
    input: InputAnswer
    card: str | None = Field(description="The model's card, in Markdown, if it ships with gafas.")
    figures: dict[str, Any] | None = Field(
        description="How good the model is, where its file says so."
    )
    limits: LimitsAnswer
    adapts: bool = Field(description="Whether own labels may be taught, by `/v1/adapt`.")


class SeenFace(BaseModel):
    """What the model sees in one face: what own labels are learnt from."""

    values: list[list[float]] = Field(
        description="The features of some crops: as served, then changed."
    )
    probabilities: list[list[float]] = Field(description="Of each label, of the same crops.")


class SeenPhoto(BaseModel):
    """What the model sees in one photo."""

    hash: str = Field(
        min_length=64, max_length=64, pattern="^[0-9a-f]+$", description="Perceptual, hexadecimal."
    )
    faces: list[SeenFace] = Field(description="In the order of the answer of `recognize`.")


class TaughtFace(SeenFace):
    """One face and its label."""

    hash: str = Field(
        min_length=64, max_length=64, pattern="^[0-9a-f]+$", description="Of its photo."
    )
    label: str = Field(min_length=1, max_length=80, description="The right one.")


class Lesson(BaseModel):
    """What is to be learnt."""

    faces: list[TaughtFace] = Field(max_length=5000)


class RightAnswer(BaseModel):
    """How many answers were right."""

    correct: int
    total: int


class AdaptedAnswer(BaseModel):
    """What was learnt, and how good it is on photos that it was not learnt from."""

    labels: list[str] = Field(description="In the order of the confusion's rows and columns.")
    counts: list[int] = Field(description="Faces of each label.")
    right: RightAnswer = Field(description="Each answer by a layer that has not learnt the photo.")
    interval: list[float] = Field(description="The 95 % interval of the share of right answers.")
    before: RightAnswer | None = Field(
        description="The same of the model that answers here, where it knows the labels."
    )
    confusion: list[list[int]] = Field(description="Rows: the truth. Columns: the answers.")
    curve: list[tuple[int, float]] = Field(description="Photos learnt from, and the share right.")
    threshold: float = Field(description="Under this probability the new file answers `unsure`.")
    model: str = Field(description="The new model file, in base64.")


class StatusAnswer(BaseModel):
    """How the service is."""

    status: str


def describe_body(*, several: bool) -> dict[str, Any]:
    """Return the OpenAPI description of a request's body."""
    file = {"type": "string", "format": "binary"}
    many = {"type": "array", "items": file, "minItems": 1, "maxItems": None if several else 1}
    photos = {name: value for name, value in many.items() if value is not None}
    form = {"type": "object", "required": [FIELD], "properties": {FIELD: photos}}
    raw = {name: {"schema": file} for name in ("image/jpeg", "image/png", "image/*")}
    content = {**raw, "multipart/form-data": {"schema": form}}
    return {"requestBody": {"required": True, "content": content}}


def describe_part() -> dict[str, Any]:
    """Return the OpenAPI description of a body that holds kept answers."""
    content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    return {"requestBody": {"required": True, "content": content}}


def describe_lesson() -> dict[str, Any]:
    """Return the OpenAPI description of a body that holds what is to be learnt."""
    content = {"application/json": {"schema": {"$ref": _PLACE.format(model=Lesson.__name__)}}}
    return {"requestBody": {"required": True, "content": content}}


def list_schemas(*, adapts: bool) -> dict[str, Any]:
    """Return the shapes that no route names by itself, as OpenAPI's `components` hold them.

    Args:
        adapts: whether own labels may be taught.
    """
    shapes: list[type[BaseModel]] = [ProblemAnswer, *([Lesson] if adapts else [])]
    wanted: list[tuple[type[BaseModel], Literal["validation"]]]
    wanted = [(shape, "validation") for shape in shapes]
    told: dict[str, Any] = models_json_schema(wanted, ref_template=_PLACE)[1]["$defs"]
    return told


def describe_answers() -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of what `recognize` answers."""
    one = {"summary": "A raw body: one object", "value": _PHOTO}
    many = {"summary": "A form: a list, in order", "value": [_PHOTO, _UNREADABLE]}
    content = {"application/json": {"examples": {"one": one, "many": many}}}
    return {200: {"model": PhotoAnswer | list[PhotoAnswer], "content": content}}


def describe_verdicts() -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of what `check` answers."""
    sentence = "The eyes are behind sunglasses."
    told = {"verdict": "fail", "reason": "dark-lenses", "sentence": sentence}
    one = {"photo": "a.jpg", **told, "face": _FACE, "error": None}
    content = {"application/json": {"examples": {"one": {"summary": "A raw body", "value": one}}}}
    return {200: {"model": VerdictAnswer | list[VerdictAnswer], "content": content}}


def describe_picture() -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of a picture as an answer."""
    file = {"schema": {"type": "string", "format": "binary"}}
    return {200: {"description": "The picture", "content": {"image/jpeg": file, "image/png": file}}}


def describe_problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of refusals."""
    reference = {"$ref": _PLACE.format(model=ProblemAnswer.__name__)}
    content = {MEDIA_TYPE: {"schema": reference}}
    return {status: {"description": _MEANINGS[status], "content": content} for status in statuses}


_MEANINGS: Final = {
    400: "The request, its form or its headers are broken.",
    401: "The service asks for a key.",
    403: "Another web site's page sent this.",
    406: "The picture comes as JPEG or PNG only.",
    408: "The request took too long to arrive.",
    413: "Too many bytes or photos.",
    415: "The body is of a kind that is not read.",
    421: "The service does not go by this name.",
    422: "The photo cannot be read, or a parameter is wrong.",
    503: "The service is full or about to end. `Retry-After` says when to come back.",
}
