"""Fit what gafas brings along to a user's own photos."""

import dataclasses
import logging
from collections.abc import Sequence

from gafas.datasets.dataset import DataSet
from gafas.datasets.samples import TINTED
from gafas.training.recipe import Recipe, check_recipe

_log = logging.getLogger(__name__)


def adapt_recipe(recipe: Recipe, data: DataSet, *, fixed: Sequence[str] = ()) -> Recipe:
    """Fit a recipe to a user's own photos, and log what was changed.

    Labels are the data's own where these are other words than the recipe's; and photos are parted
    by photo where it is not known of any whom it shows.

    Args:
        recipe: as it was read.
        data: what is to be learnt from; a recipe stays as it is for the sets that gafas knows.
        fixed: overrides `key=value`, whose keys are not changed.
    """
    if data.kind != "own":
        return recipe
    keys = {override.partition("=")[0].strip() for override in fixed}
    told, words = [], set(data.labels)
    if "labels" not in keys and set(recipe.labels) not in (words, words - {TINTED}):
        recipe = dataclasses.replace(recipe, labels=data.labels)
        told.append(f"the labels are {', '.join(data.labels)}")
    by_subject = recipe.split.protocol == "by_subject" and "split.protocol" not in keys
    if by_subject and not data.knows_subjects:
        split = dataclasses.replace(recipe.split, protocol="by_photo")
        recipe = dataclasses.replace(recipe, split=split)
        told.append("they are parted by photo, since nothing says whom they show")
    # Nothing among them is said to be none.
    if recipe.network.not_a_face and "network.not_a_face" not in keys:
        recipe = dataclasses.replace(
            recipe, network=dataclasses.replace(recipe.network, not_a_face=False)
        )
    if told:
        _log.warning("Of your own photos %s.", "; ".join(told))
    check_recipe(recipe)
    return recipe
