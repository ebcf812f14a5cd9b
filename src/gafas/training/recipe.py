"""A recipe: everything that decides a training, in one frozen value ⇄ one TOML file."""

import dataclasses
import difflib
import json
import logging
import tomllib
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from gafas.datasets.dataset import DataSet
from gafas.datasets.samples import ORIGINAL_LABELS, TINTED
from gafas.datasets.splits import SplitPlan
from gafas.errors import RecipeError
from gafas.training.limits import check_recipe

_T = typing.TypeVar("_T")

_BUNDLED = Path(__file__).parent / "recipes"

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Input:
    """What the network sees, width × height, in grey or colour.

    `view` is `photo`, the whole photo squeezed, or `face`, a square crop of the face nearest to
    the photo's middle, cut as `gafas.crops` cuts it when the model is served.
    """

    view: Literal["photo", "face"] = "photo"
    width: int = 64
    height: int = 60
    colour: Literal["grey", "rgb"] = "grey"
    scales: tuple[str, ...] = ("full", "half", "quarter")


@dataclasses.dataclass(frozen=True, slots=True)
class Network:
    """Which architecture, and its sizes.

    `stem` is the residual's first step. With the weights `eyewear`, those of the model in the
    package, only the last layer is learnt. With `mirror` the trained network looks at each image
    and at its mirror image.
    """

    architecture: Literal["seed", "compact", "residual"] = "compact"
    filters: tuple[int, ...] = (24, 32, 48, 64)
    dense: int = 256
    dropout: float = 0.3
    stem: int = 1
    weights: Literal["", "eyewear"] = ""
    mirror: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Augmentation:
    """How far training images may be changed; 0 changes nothing.

    Rotation and shear are in degrees, shift and zoom shares of the size, noise 0–255. Brightness,
    contrast, gamma, saturation and cast (each channel by itself) are shares about 1. `grey` is the
    share of images that lose their colour; `lettering` that of images with half-transparent words
    across them. `blur` is how much of an image may be replaced by its blurred self, `sharpness` how
    much its difference from that may be enlarged; `resolution` the share of the pixels along a side
    that may be lost; `jpeg` the share of images that are compressed. `shaded` is the share of
    faces on which shadows, bags under the eyes and brows are drawn, once and for all; `rendered`
    how many pairs of glasses, from clear to black, are drawn on each bare face.
    """

    rotation: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0
    flip: bool = False
    brightness: float = 0.0
    contrast: float = 0.0
    noise: float = 0.0
    gamma: float = 0.0
    saturation: float = 0.0
    cast: float = 0.0
    grey: float = 0.0
    lettering: float = 0.0
    blur: float = 0.0
    sharpness: float = 0.0
    resolution: float = 0.0
    jpeg: float = 0.0
    shaded: float = 0.0
    rendered: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Optimization:
    """How weights are learnt; those of the last epoch are kept.

    `minimum_steps` is the least number of batches: a small training part is passed through more
    often than `epochs`.
    `balance_labels` says how far labels, and `balance_sources` how far the sources of each label,
    are drawn equally often: 0 as they come, every sample once an epoch; 1 quite equally. So does
    `balance_people` of the genders and races within a source that tells them, and
    `balance_validation` of what the labels of the validation part count in the calibration.
    """

    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: float = 1e-3
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_epochs: int = 0
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    epochs: int = 100
    minimum_steps: int = 0
    batch_size: int = 64
    balance_labels: float = 0.0
    balance_sources: float = 0.0
    balance_people: float = 0.0
    balance_validation: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides a training."""

    name: str = "recipe"
    labels: tuple[str, ...] = ORIGINAL_LABELS
    seed: int = 0
    input: Input = dataclasses.field(default_factory=Input)
    split: SplitPlan = dataclasses.field(default_factory=SplitPlan)
    network: Network = dataclasses.field(default_factory=Network)
    augmentation: Augmentation = dataclasses.field(default_factory=Augmentation)
    optimization: Optimization = dataclasses.field(default_factory=Optimization)


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


def adapt_recipe(recipe: Recipe, data: DataSet, *, fixed: Sequence[str] = ()) -> Recipe:
    """Fit a recipe to a user's own photos, and log what was changed.

    Labels are the data's own where these are other words than the recipe's; and photos are parted
    by photo where it is not known of any whom it shows.

    Args:
        recipe: as it was read.
        data: what is to be learnt from; a recipe stays as it is for the sets that gafas knows.
        fixed: overrides `key=value`, whose keys are not changed.
    """
    keys = {override.partition("=")[0].strip() for override in fixed}
    told = []
    if data.kind != "own":
        return recipe
    words = set(data.labels)
    if "labels" not in keys and set(recipe.labels) not in (words, words - {TINTED}):
        recipe = dataclasses.replace(recipe, labels=data.labels)
        told.append(f"the labels are {', '.join(data.labels)}")
    by_subject = recipe.split.protocol == "by_subject" and "split.protocol" not in keys
    if by_subject and not data.knows_subjects:
        split = dataclasses.replace(recipe.split, protocol="by_photo")
        recipe = dataclasses.replace(recipe, split=split)
        told.append("they are parted by photo, since nothing says whom they show")
    if told:
        _log.warning("Of your own photos %s.", "; ".join(told))
    check_recipe(recipe)
    return recipe


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
    recipe = _build(Recipe, table, place="")
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


def _build(kind: type[_T], table: Mapping[str, Any], *, place: str) -> _T:
    hints = typing.get_type_hints(kind)
    values = {}
    for key, value in table.items():
        if key not in hints:
            raise RecipeError(_unknown(place + key, list(hints)))
        values[key] = _convert(hints[key], value, place=place + key)
    return kind(**values)


def _unknown(key: str, known: Sequence[str]) -> str:
    hint = _hint(key.rpartition(".")[2], known) or f"Known keys: {', '.join(known)}."
    return f"The recipe has an unknown key {key!r}. {hint}"


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
