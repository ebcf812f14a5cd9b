"""Which values a recipe may hold."""

import dataclasses
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gafas.errors import RecipeError

if TYPE_CHECKING:
    from gafas.training.recipe import Recipe

_NAME = re.compile(r"[\w][\w .+-]*")
_SHARES = frozenset(
    {
        "split.validation_share",
        "network.dropout",
        "optimization.label_smoothing",
        "augmentation.zoom",
        "augmentation.gamma",
        "augmentation.saturation",
        "augmentation.cast",
        "augmentation.resolution",
    }
)
_WHOLE_SHARES = frozenset(
    {
        "augmentation.grey",
        "augmentation.lettering",
        "augmentation.blur",
        "augmentation.jpeg",
        "augmentation.shaded",
        "optimization.balance_labels",
        "optimization.balance_sources",
        "optimization.balance_people",
        "optimization.balance_validation",
    }
)
_POSITIVE = frozenset(
    {
        "input.width",
        "input.height",
        "network.filters",
        "network.dense",
        "network.stem",
        "optimization.epochs",
        "optimization.batch_size",
        "optimization.learning_rate",
    }
)
_LARGEST = 2**31 - 1  # seeds are 32 bits with a sign; and pipelines add 1 to them


def check_recipe(recipe: "Recipe") -> None:
    """Refuse values that have the right type but make no sense, alone or together.

    Raises:
        RecipeError: names the value, what it should be and what it is.
    """
    for place, value, rule, sound in _rules(recipe):
        if not sound:
            raise RecipeError(f"{place!r} {rule}. Received: {value!r}.")
    if recipe.network.mirror and recipe.network.architecture == "seed":
        raise RecipeError(
            "network.mirror averages before the temperature, which 'seed' has not. Received: true. "
            "Choose another architecture, or set it to false."
        )
    _check_size(recipe)
    _check_input(recipe)


def _rules(recipe: "Recipe") -> Iterator[tuple[str, object, str, bool]]:
    """List what single values must obey: place, value, rule in words, whether it is obeyed."""
    name, labels = recipe.name, recipe.labels
    lists = {"input.scales": recipe.input.scales, "network.filters": recipe.network.filters}
    for place, items in lists.items():
        yield place, list(items), "is a list that is not empty", len(items) > 0
    yield "name", name, "is the name of a file, without / and \\", _NAME.fullmatch(name) is not None
    sound = len(set(labels)) == len(labels) >= 2 and all(labels)
    yield "labels", labels, "are two or more words, all different", sound
    sections = ("input", "split", "network", "augmentation", "optimization")
    values = {
        f"{section}.{field.name}": getattr(getattr(recipe, section), field.name)
        for section in sections
        for field in dataclasses.fields(getattr(recipe, section))
    } | {"seed": recipe.seed, "network.filters": min(recipe.network.filters)}
    for place, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if place in _SHARES:
            yield place, value, "is a share from 0 to below 1", 0 <= value < 1
        elif place in _WHOLE_SHARES:
            yield place, value, "is a share from 0 to 1", 0 <= value <= 1
        elif place in _POSITIVE:
            yield place, value, "must be above 0", 0 < value < math.inf
        else:
            yield place, value, "must not be below 0, nor too large", 0 <= value < _LARGEST


def _check_size(recipe: "Recipe") -> None:
    """Follow the shorter side of the photo through the network's poolings."""
    seed = recipe.network.architecture == "seed"
    poolings = len(recipe.network.filters) - (0 if seed else 1)
    side = min(recipe.input.width, recipe.input.height)
    for _ in range(poolings):
        side = (side - 2) // 2 if seed else side // 2
    if side < 1:
        raise RecipeError(
            f"The photo is too small for {poolings} poolings: make input.width and input.height "
            "larger, or network.filters shorter. "
            f"Received: {recipe.input.width} by {recipe.input.height} pixels."
        )


def _check_input(recipe: "Recipe") -> None:
    """Refuse crops that are not square, and changes of colour where there is none."""
    seen, changes = recipe.input, recipe.augmentation
    if seen.view == "face" and seen.width != seen.height:
        raise RecipeError(
            "A face crop is square: with input.view = 'face', set input.width and input.height "
            f"to the same number. Received: {seen.width} by {seen.height} pixels."
        )
    coloured = [n for n in ("saturation", "cast", "grey") if getattr(changes, n)]
    if seen.colour == "grey" and coloured:
        raise RecipeError(
            f"augmentation.{coloured[0]} changes colours, and input.colour is 'grey': set it to 0, "
            f"or the colour to 'rgb'. Received: {getattr(changes, coloured[0])}."
        )
    if changes.lettering and seen.view != "face":
        raise RecipeError(
            "augmentation.lettering runs across the eyes, and only in crops of faces are these "
            "always in the same place: set input.view = 'face', or lettering to 0. "
            f"Received: {changes.lettering}."
        )
    if changes.shaded and not (seen.view == "face" and seen.colour == "rgb"):
        raise RecipeError(
            "augmentation.shaded draws shadows and brows on faces in colour: set input.view = "
            "'face' and input.colour = 'rgb', or shaded to 0. "
            f"Received: {changes.shaded}."
        )
    knows = {"none", "eyeglasses", "sunglasses"} <= set(recipe.labels)
    if changes.rendered and not (seen.view == "face" and seen.colour == "rgb" and knows):
        raise RecipeError(
            "augmentation.rendered draws glasses on faces in colour: set input.view = 'face', "
            "input.colour = 'rgb' and the three labels of eyewear, or rendered to 0. "
            f"Received: {changes.rendered}."
        )
