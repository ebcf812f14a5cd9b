"""A recipe: everything that decides a training, in one frozen value ⇄ one TOML file.

What a key decides and may be stands at its field alone: `docs/recipe.md` is made from there.
"""

import dataclasses
import difflib
import json
import math
import re
import tomllib
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from gafas.datasets.samples import EYEWEAR_LABELS, ORIGINAL_LABELS
from gafas.datasets.splits import SplitPlan
from gafas.errors import RecipeError

_BUNDLED: Final = Path(__file__).parent / "recipes"

_LARGEST: Final = 2**31 - 1  # seeds are 32 bits with a sign; and pipelines add 1 to them

_AMOUNT: Final = "not below 0, nor too large"
_SHARE: Final = "a share from 0 to 1"
_PART: Final = "a share from 0 to below 1"
_POSITIVE: Final = "above 0"
_LIST: Final = "a list that is not empty"
_NUMBERS: Final = "a list of numbers above 0"
_NAME: Final = "the name of a file, without / and \\"
_LABELS: Final = "two or more words, all different"

_LIMITS: Final[Mapping[str, Callable[[Any], bool]]] = {
    _AMOUNT: lambda value: 0 <= value < _LARGEST,
    _SHARE: lambda value: 0 <= value <= 1,
    _PART: lambda value: 0 <= value < 1,
    _POSITIVE: lambda value: 0 < value < math.inf,
    _LIST: lambda value: len(value) > 0,
    _NUMBERS: lambda value: len(value) > 0 and min(value) > 0,
    _NAME: lambda value: re.fullmatch(r"[\w][\w .+-]*", value) is not None,
    _LABELS: lambda value: len(set(value)) == len(value) >= 2 and all(value),
}
"""What a value must be, in words that follow "must be", and what tests it."""


def _key(default: Any, decides: str, limits: str = "") -> Any:
    return dataclasses.field(default=default, metadata={"decides": decides, "limits": limits})


@dataclasses.dataclass(frozen=True, slots=True)
class Input:
    """What the network sees."""

    view: Literal["photo", "face"] = _key(
        "photo", "the whole photo, squeezed, or a square crop of the face nearest to its middle"
    )
    width: int = _key(64, "pixels; the whole photo, or the crop, is brought to it", _POSITIVE)
    height: int = _key(60, "pixels", _POSITIVE)
    colour: Literal["grey", "rgb"] = _key("grey", "whether colours are seen")
    scales: tuple[str, ...] = _key(
        ("full", "half", "quarter"), "sizes of the CMU photos that take part", _LIST
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Network:
    """Which architecture, and its sizes; see `gafas.training.architectures`."""

    architecture: Literal["seed", "compact", "residual"] = _key(
        "compact", "the original, pairs of convolutions between poolings, or residual blocks"
    )
    filters: tuple[int, ...] = _key((24, 32, 48, 64), "how many each stage has", _NUMBERS)
    dense: int = _key(256, "`seed` only: units of the dense layer", _POSITIVE)
    dropout: float = _key(0.3, "share of units off before the last layer while training", _PART)
    stem: int = _key(1, "`residual` only: the step of the first convolution", _POSITIVE)
    weights: Literal["", "eyewear"] = _key(
        "", "begin with nothing, or with the model in the package: then only the last layer learns"
    )
    not_a_face: bool = _key(
        False, "answer, too, whether a crop is no face; `residual`, of faces and eyewear only"
    )
    mirror: bool = _key(
        False, "answer by the mean of an image and its mirror image: twice the time; not for `seed`"
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Augmentation:
    """How far training images may be changed; 0 changes nothing."""

    rotation: float = _key(0.0, "degrees, either way")
    shift: float = _key(0.0, "share of width and height, either way")
    shear: float = _key(0.0, "degrees, either way")
    zoom: float = _key(0.0, "share, larger or smaller, width and height apart", _PART)
    flip: bool = _key(False, "mirror left and right, half of the time")
    brightness: float = _key(0.0, "share, darker or brighter")
    contrast: float = _key(0.0, "share, about the image's own mean")
    noise: float = _key(0.0, "standard deviation of Gaussian noise at most, on the scale 0–255")
    gamma: float = _key(0.0, "share, exponent of the brightness about 1", _PART)
    saturation: float = _key(0.0, "share, paler or gaudier; `rgb` only", _PART)
    cast: float = _key(0.0, "share, each channel brighter or darker by itself; `rgb` only", _PART)
    grey: float = _key(0.0, "share of the images that lose all colour; `rgb` only", _SHARE)
    lettering: float = _key(
        0.0, "share of the images with half-transparent words across the eyes; faces only", _SHARE
    )
    blur: float = _key(0.0, "at most this share of an image is its blurred self", _SHARE)
    sharpness: float = _key(0.0, "by at most this share of what blur would take away, sharper")
    resolution: float = _key(0.0, "at most this share of the pixels along a side is lost", _PART)
    jpeg: float = _key(0.0, "share of the images that pass through JPEG, quality 15–85", _SHARE)
    shaded: float = _key(
        0.0,
        "share of the faces on which, once and for all, shadows around the eyes, bags, creases and "
        "brows are drawn, none of them eyewear; faces in `rgb` only",
        _SHARE,
    )
    covered: float = _key(
        0.0,
        "share of the faces on which, once and for all, a hat, a helmet, hair or, if bare, a mask "
        "is drawn; faces in `rgb` only",
        _SHARE,
    )
    rendered: float = _key(
        0.0,
        "how many pairs of glasses, on average, are drawn on each bare face, 47 % of them clear, "
        "11 % tinted, 42 % dark; each makes a further image; faces in `rgb` and eyewear only",
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Optimization:
    """How weights are learnt; those of the last epoch are kept."""

    optimizer: Literal["adam", "adamw"] = _key("adam", "the rule by which weights move")
    learning_rate: float = _key(1e-3, "the highest learning rate", _POSITIVE)
    schedule: Literal["constant", "cosine"] = _key(
        "constant", "how the rate moves; `cosine` ends at zero"
    )
    warmup_epochs: int = _key(0, "`cosine` only: epochs over which the rate rises from zero")
    weight_decay: float = _key(0.0, "`adamw` only")
    label_smoothing: float = _key(0.0, "how much of each target is spread over all labels", _PART)
    epochs: int = _key(100, "how often the training part is seen", _POSITIVE)
    minimum_steps: int = _key(
        0, "batches at least: few photos are seen more often than `epochs` says"
    )
    batch_size: int = _key(64, "images per step", _POSITIVE)
    balance_labels: float = _key(
        0.0, "0 shows every sample once an epoch, 1 draws all labels equally often", _SHARE
    )
    balance_sources: float = _key(0.0, "the same for the sources (sets) of each label", _SHARE)
    balance_people: float = _key(
        0.0, "the same for gender and race within a label of a source that tells them", _SHARE
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides a training."""

    name: str = _key("recipe", "what it is called in reports; decides nothing else", _NAME)
    labels: tuple[str, ...] = _key(ORIGINAL_LABELS, "the answers, in this order", _LABELS)
    seed: int = _key(0, "every draw of the training: weights, order, augmentation")
    input: Input = Input()
    split: SplitPlan = dataclasses.field(default_factory=SplitPlan)
    network: Network = Network()
    augmentation: Augmentation = Augmentation()
    optimization: Optimization = Optimization()


def find_recipe(name: str) -> Path:
    """Find a recipe: a file's path, a run folder's, or the name of one that gafas brings along.

    Raises:
        RecipeError: it is a plain word, and no recipe bears that name.
    """
    path = Path(name)
    if (path / "recipe.toml").is_file():
        return path / "recipe.toml"
    bundled = sorted(found.stem for found in _BUNDLED.glob("*.toml"))
    if name in bundled and not path.is_file():
        return _BUNDLED / f"{name}.toml"
    if path.name == name and not path.suffix and not path.exists():
        raise RecipeError(
            f"No recipe is called {name!r}: expected one of {', '.join(bundled)}, a run folder, or "
            f"the path of a TOML file. {_hint(name, bundled)}".rstrip()
        )
    return path


def read_recipe(path: Path, *, overrides: Sequence[str] = ()) -> Recipe:
    """Read a TOML recipe, then apply `key=value` overrides such as `optimization.epochs=5`.

    Raises:
        RecipeError: the file is missing or no TOML, a key is unknown, a value has a wrong type, or
            values contradict each other.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"Cannot read the recipe {str(path)!r}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"The recipe {str(path)!r} is not valid TOML: {error}.") from error
    for override in overrides:
        _override(table, override)
    return make_recipe(table)


def make_recipe(table: Mapping[str, Any]) -> Recipe:
    """Build a recipe from nested mappings, as TOML gives them.

    Raises:
        RecipeError: see `read_recipe`.
    """
    recipe: Recipe = _build(Recipe, table, place="")
    check_recipe(recipe)
    return recipe


def write_recipe(recipe: Recipe) -> str:
    """Return the recipe as TOML that `read_recipe` turns into an equal recipe.

    >>> write_recipe(Recipe()).splitlines()[0]
    'name = "recipe"'
    """
    sections, lines = list[str](), list[str]()
    for key, value in dataclasses.asdict(recipe).items():
        if isinstance(value, dict):
            inside = [f"{k} = {_toml(v)}" for k, v in value.items()]
            sections.append("\n".join(["", f"[{key}]", *inside]))
        else:
            lines.append(f"{key} = {_toml(value)}")
    return "\n".join([*lines, *sections]) + "\n"


def _toml(value: object) -> str:
    # JSON's literals for strings, numbers, booleans and lists of them are TOML's too, but for the
    # one control character that JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _override(table: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals:
        raise RecipeError(f"An override reads key=value. Received: {override!r}.")
    *parents, last = key.strip().split(".")
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise RecipeError(f"{parent!r} is not a section. Received: {override!r}.")
    try:
        table[last] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        table[last] = text.strip()


def _build(kind: Any, table: Mapping[str, Any], *, place: str) -> Any:
    hints = typing.get_type_hints(kind)
    values = {}
    for key, value in table.items():
        if key not in hints:
            hint = _hint(key, list(hints)) or f"Known keys: {', '.join(hints)}."
            raise RecipeError(f"The recipe has an unknown key {place + key!r}. {hint}")
        values[key] = _convert(hints[key], value, place=place + key)
    return kind(**values)


def _hint(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {near[0]!r}?" if near else ""


def _convert(hint: Any, value: Any, *, place: str) -> Any:
    """Check a TOML value against a field's type, and turn lists into tuples."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise RecipeError(f"{place!r} is a section, [{place}]. Received: {value!r}.")
        return _build(hint, value, place=place + ".")
    if typing.get_origin(hint) is Literal:
        choices = typing.get_args(hint)
        if value not in choices:
            raise RecipeError(f"{place!r} is one of {', '.join(choices)}. Received: {value!r}.")
        return value
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise RecipeError(f"{place!r} is a list. Received: {value!r}.")
        return tuple(_convert(typing.get_args(hint)[0], item, place=place) for item in value)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise RecipeError(f"{place!r} is of type {hint.__name__}. Received: {value!r}.")
    return value


def check_recipe(recipe: Recipe) -> None:
    """Refuse values that have the right type but make no sense, alone or together.

    Raises:
        RecipeError: names the value, what it should be and what it is.
    """
    for place, value, limits in _list_values(recipe):
        if not _LIMITS[limits](value):
            shown = list(value) if isinstance(value, tuple) else value
            raise RecipeError(f"{place!r} must be {limits}. Received: {shown!r}.")
    for contradiction in _list_contradictions(recipe):
        raise RecipeError(contradiction)


def _list_values(section: Any, place: str = "") -> Iterator[tuple[str, Any, str]]:
    """Yield the values that have limits: by which key, the value, the limits."""
    for field in dataclasses.fields(section):
        value = getattr(section, field.name)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        limits = field.metadata.get("limits") or (_AMOUNT if number else "")
        if dataclasses.is_dataclass(value):
            yield from _list_values(value, f"{field.name}.")
        elif limits:
            yield place + field.name, value, limits


def _list_contradictions(recipe: Recipe) -> Iterator[str]:
    """Yield what is wrong where values contradict each other, and what to do."""
    seen, network = recipe.input, recipe.network
    if network.mirror and network.architecture == "seed":
        yield (
            "network.mirror averages before the temperature, which 'seed' has not. Received: true. "
            "Choose another architecture, or set it to false."
        )
    if network.not_a_face and not (
        network.architecture == "residual"
        and seen.view == "face"
        and set(EYEWEAR_LABELS) <= set(recipe.labels)
    ):
        yield (
            "network.not_a_face doubts crops of faces: set network.architecture = 'residual', "
            "input.view = 'face' and the three labels of eyewear, or not_a_face to false. "
            "Received: true."
        )
    if _shrink(min(seen.width, seen.height), network) < 1:
        yield (
            f"The photo is too small for the poolings of {len(network.filters)} filters: make "
            "input.width and input.height larger, or network.filters shorter. "
            f"Received: {seen.width} by {seen.height} pixels."
        )
    if seen.view == "face" and seen.width != seen.height:
        yield (
            "A face crop is square: with input.view = 'face', set input.width and input.height "
            f"to the same number. Received: {seen.width} by {seen.height} pixels."
        )
    yield from _list_contradicting_changes(recipe)


def _list_contradicting_changes(recipe: Recipe) -> Iterator[str]:
    seen, changes = recipe.input, recipe.augmentation
    coloured = seen.colour == "rgb"
    faces_in_colour = seen.view == "face" and coloured
    for name in ("saturation", "cast", "grey"):
        if (share := getattr(changes, name)) and not coloured:
            yield (
                f"augmentation.{name} changes colours, and input.colour is 'grey': set it to 0, or "
                f"the colour to 'rgb'. Received: {share}."
            )
    if changes.lettering and seen.view != "face":
        yield (
            "augmentation.lettering runs across the eyes, and only in crops of faces are these "
            "always in the same place: set input.view = 'face', or lettering to 0. "
            f"Received: {changes.lettering}."
        )
    for name in ("shaded", "covered"):
        if (share := getattr(changes, name)) and not faces_in_colour:
            yield (
                f"augmentation.{name} draws on faces in colour: set input.view = 'face' and "
                f"input.colour = 'rgb', or {name} to 0. Received: {share}."
            )
    if changes.rendered and not (faces_in_colour and set(EYEWEAR_LABELS) <= set(recipe.labels)):
        yield (
            "augmentation.rendered draws glasses on faces in colour: set input.view = 'face', "
            "input.colour = 'rgb' and the three labels of eyewear, or rendered to 0. "
            f"Received: {changes.rendered}."
        )


def _shrink(side: int, network: Network) -> int:
    """Follow the shorter side of the photo through the network's poolings."""
    if network.architecture != "seed":
        return side >> (len(network.filters) - 1)
    for _ in network.filters:
        side = (side - 2) // 2  # a convolution without padding, then a pooling
    return side
