"""docs/recipe.md: every key of a recipe, from what stands at its field."""

import dataclasses
import json
import typing
from typing import Any, Final, Literal

from gafas.training.recipe import Recipe

_OPENING: Final = """\
# Recipes

<!-- written by make docs -->

A recipe is a TOML file that decides a training: same recipe, same data and same versions give the
same network on the same machine. `seed` is the original experiment, `compact` the small network;
`faces` is for one's own [labelled photos](how-to/own-photos.md), and `eyewear`
[learns from labelled sets](how-to/train-faces.md).

```console
gafas train compact runs/try --set optimization.epochs=2 --set network.dropout=0.5
```

`--set` overrides a key for one training; the run folder keeps the recipe as it was used. A key that
does not exist or a value of the wrong type is refused, with the nearest name. A key that is left
out has its default. No number may be below 0.
"""

_NOTES: Final = {
    "input": "A recipe of faces (`view`) leaves out photos without one; without `--data` it reads "
    "the sets that\n`GAFAS_EYEWEAR` names. Own photos ignore `scales`.",
    "network": "`seed` has a convolution and a max pooling per entry of `filters`, then a dense "
    "layer. `compact`\nbrings each image to mean 0 and deviation 1 and has one convolution for "
    "the first entry, a max pooling\nand two convolutions with batch normalization for each "
    "further one, then the maximum over all places.\n`residual` has one convolution for the first "
    "entry (with a `stem` of 2, of 5 pixels in place of 3, at\nhalf the size), a residual block "
    "at half the size for each further one, then mean and maximum over all\nplaces.",
    "split": "See [concepts](concepts.md) for what each protocol can tell. `by_file` and "
    "`by_photo` put\na fifth of files or photos into the test.",
    "augmentation": "How far each training image may be changed, drawn anew in every epoch; 0 or "
    "`false` switches\na change off. Where a change leaves a gap, the nearest pixel fills it; "
    "crops of faces are kept with\na margin of an eighth of their side, so that small shifts and "
    "turns leave none.",
}


def describe_recipe() -> str:
    """Return docs/recipe.md."""
    fields = dataclasses.fields(Recipe)
    top = [field for field in fields if field.metadata]
    parts = [_OPENING, "## At the top", _tabulate(Recipe, top, prefix="")]
    for field in fields:
        if field not in top:
            section = typing.get_type_hints(Recipe)[field.name]
            keys = dataclasses.fields(section)
            parts += [f"## [{field.name}]", _NOTES.get(field.name, "")]
            parts.append(_tabulate(section, keys, prefix=f"{field.name}."))
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _tabulate(section: type, fields: Any, *, prefix: str) -> str:
    hints = typing.get_type_hints(section)
    lines = ["| key | default | decides | may be |", "| --- | --- | --- | --- |"]
    for field in fields:
        limits = field.metadata.get("limits", "")
        if typing.get_origin(hints[field.name]) is Literal:
            choices = typing.get_args(hints[field.name])
            limits = ", ".join(f"`{json.dumps(choice)}`" for choice in choices)
        cells = (f"`{prefix}{field.name}`", f"`{json.dumps(field.default)}`")
        lines.append(f"| {' | '.join(cells)} | {field.metadata['decides']} | {limits} |")
    return "\n".join(lines)
