import dataclasses
import tomllib
import typing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gafas.training
from gafas.datasets.dataset import DataSet
from gafas.datasets.samples import EYEWEAR_LABELS, Sample
from gafas.datasets.splits import SplitPlan
from gafas.errors import RecipeError
from gafas.training.fitting import adapt_recipe
from gafas.training.recipe import (
    Augmentation,
    Input,
    Network,
    Optimization,
    Recipe,
    check_recipe,
    make_recipe,
    read_recipe,
    write_recipe,
)
from gafas.training.run import hash_recipe
from gafas.weights import PINNED

RECIPES = sorted((Path(gafas.training.__file__).parent / "recipes").glob("*.toml"))

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
shares = st.floats(0, 0.99)
amounts = st.floats(0, 1e6)

recipes = st.builds(
    Recipe,
    name=st.from_regex(r"[a-zñ0-9][a-zñ0-9 _.+-]{0,10}", fullmatch=True),
    labels=st.lists(words, min_size=2, max_size=5, unique=True).map(tuple),
    seed=st.integers(0, 2**31 - 2),
    input=st.builds(
        Input,
        width=st.integers(32, 512),
        height=st.integers(32, 512),
        colour=st.sampled_from(["grey", "rgb"]),
        scales=st.lists(words, min_size=1, max_size=3).map(tuple),
    ),
    split=st.builds(
        SplitPlan,
        protocol=st.sampled_from(["by_file", "by_photo", "by_subject", "all", "straightrnd"]),
        validation_share=st.floats(0.01, 0.99),
    ),
    network=st.builds(
        Network,
        architecture=st.sampled_from(["seed", "compact"]),
        filters=st.lists(st.integers(1, 512), min_size=1, max_size=3).map(tuple),
        dropout=shares,
    ),
    augmentation=st.builds(
        Augmentation, rotation=amounts, shift=amounts, zoom=shares, flip=st.booleans()
    ),
    optimization=st.builds(
        Optimization,
        learning_rate=st.floats(1e-12, 10),
        label_smoothing=shares,
        epochs=st.integers(1, 10_000),
    ),
)


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


@settings(max_examples=50, deadline=None)
@given(recipe=recipes)
def test_a_recipe_survives_its_toml(recipe: Recipe) -> None:
    assert make_recipe(tomllib.loads(write_recipe(recipe))) == recipe


def test_a_control_character_in_a_label_survives(tmp_path: Path) -> None:
    recipe = Recipe(labels=("a\x7fb", 'c"\\\n\t\x00d'))
    assert read_recipe(written(tmp_path, write_recipe(recipe))) == recipe


def test_the_repository_has_a_recipe_for_every_network() -> None:
    found = {read_recipe(path).network.architecture for path in RECIPES}
    assert found == {"seed", "compact", "residual"}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_reads_and_bears_the_name_of_its_file(path: Path) -> None:
    assert read_recipe(path).name == path.stem


def test_the_seed_recipe_is_the_original() -> None:
    seed = read_recipe(next(path for path in RECIPES if path.stem == "seed"))
    plan = seed.optimization
    assert seed.labels == ("glasses", "no_glasses")
    assert (seed.input.width, seed.input.height, seed.input.colour) == (64, 60, "grey")
    assert (seed.split.protocol, seed.split.validation_share) == ("by_file", 0.0)
    assert seed.network == Network("seed", filters=(64, 128), dense=256, dropout=0.7)
    assert seed.augmentation == Augmentation(
        rotation=30.0, shift=0.2, shear=0.2, zoom=0.2, flip=True
    )
    assert (plan.optimizer, plan.learning_rate, plan.schedule) == ("adam", 1e-4, "constant")
    assert (plan.epochs, plan.batch_size) == (100, 64)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nane = 'x'", "unknown key 'nane'. Did you mean 'name'?"),
        ("[optimization]\nepoch = 3", "'optimization.epoch'. Did you mean 'epochs'?"),
        ("[augmentation]\nrotacion = 3.0", "Did you mean 'rotation'?"),
        ("[input]\nqqq = 1", "Known keys: view, width, height, colour, scales."),
        ("seed = '7'", "'seed' is of type int. Received: '7'."),
        ("seed = true", "'seed' is of type int. Received: True."),
        ("seed = 7.0", "'seed' is of type int. Received: 7.0."),
        ("labels = 'glasses'", "'labels' is a list. Received: 'glasses'."),
        ("labels = []", "'labels' must be two or more words, all different. Received: []."),
        ("[input]\nscales = []", "'input.scales' must be a list that is not empty. Received: []."),
        (
            "[network]\nfilters = []",
            "'network.filters' must be a list of numbers above 0. Received: [].",
        ),
        ("labels = ['a', 3]", "'labels' is of type str. Received: 3."),
        ("network = 'seed'", "'network' is a section, [network]. Received: 'seed'."),
        ("[input]\ncolour = 'gray'", "'input.colour' is one of grey, rgb. Received: 'gray'."),
        ("[augmentation]\nflip = 1", "'augmentation.flip' is of type bool. Received: 1."),
    ],
)
def test_a_misspelt_key_or_a_wrong_type_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read_recipe(written(tmp_path, text))
    assert message in str(caught.value)


def test_a_whole_number_is_taken_where_a_float_is_due(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, "[augmentation]\nrotation = 30"))
    assert type(recipe.augmentation.rotation) is float


def test_overrides_win_and_are_read_as_toml_or_else_as_words(tmp_path: Path) -> None:
    path = written(tmp_path, "seed = 1\n[network]\narchitecture = 'compact'\n")
    overrides = [
        "seed=7",
        "network.architecture=seed",
        "network.filters=[8, 16]",
        "optimization.learning_rate = 1e-2",
        "augmentation.flip=true",
    ]
    recipe = read_recipe(path, overrides=overrides)
    assert recipe.seed == 7
    assert recipe.network.architecture == "seed"
    assert recipe.network.filters == (8, 16)
    assert recipe.optimization.learning_rate == 0.01
    assert recipe.augmentation.flip is True


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optimization.epochs", "An override reads key=value. Received: 'optimization.epochs'."),
        ("optimization.epocs=5", "Did you mean 'epochs'?"),
        ("optimization.epochs=many", "'optimization.epochs' is of type int. Received: 'many'."),
        ("name.epochs=5", "'name' is not a section. Received: 'name.epochs=5'."),
    ],
)
def test_a_faulty_override_is_refused(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read_recipe(written(tmp_path, "name = 'x'"), overrides=[override])
    assert message in str(caught.value)


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match="is not valid TOML"):
        read_recipe(path)


def test_a_recipe_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        RecipeError, match=r"Cannot read the recipe '.*nowhere\.toml': No such file"
    ):
        read_recipe(tmp_path / "nowhere.toml")
    with pytest.raises(RecipeError, match="Is a directory"):
        read_recipe(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "../escape"),
        ("name", ""),
        ("labels", ["same", "same"]),
        ("labels", ["only"]),
        ("labels", ["", "empty"]),
        ("seed", -1),
        ("seed", 2**31),
        ("split.seed", -1),
        ("split.validation_share", 1.0),
        ("network.dropout", 1.0),
        ("network.filters", [8, 0]),
        ("network.dense", 0),
        ("augmentation.shift", -0.1),
        ("augmentation.zoom", 1.0),
        ("augmentation.noise", float("inf")),
        ("augmentation.gamma", 1.0),
        ("augmentation.saturation", 1.0),
        ("augmentation.cast", 1.0),
        ("augmentation.resolution", 1.0),
        ("augmentation.grey", 1.1),
        ("augmentation.blur", 1.1),
        ("augmentation.sharpness", -0.1),
        ("augmentation.lettering", 1.1),
        ("augmentation.shaded", 1.1),
        ("augmentation.covered", 1.1),
        ("optimization.balance_labels", 1.1),
        ("optimization.balance_sources", -0.1),
        ("optimization.balance_people", 1.1),
        ("optimization.epochs", 0),
        ("optimization.batch_size", 0),
        ("optimization.learning_rate", 0.0),
        ("optimization.learning_rate", float("nan")),
        ("optimization.label_smoothing", 1.0),
        ("optimization.warmup_epochs", -1),
    ],
)
def test_a_value_out_of_its_range_is_refused_by_its_name(key: str, value: object) -> None:
    section, _, last = key.rpartition(".")
    table = {section: {last: value}} if section else {last: value}
    with pytest.raises(RecipeError, match=rf"^'{key}' must be .* Received: "):
        make_recipe(table)


@pytest.mark.parametrize(
    ("architecture", "smallest"), [("seed", 10), ("compact", 2)], ids=["seed", "compact"]
)
def test_a_photo_that_the_poolings_would_use_up_is_refused(
    architecture: str, smallest: int
) -> None:
    network = {"architecture": architecture, "filters": [2, 2]}
    make_recipe({"network": network, "input": {"width": 64, "height": smallest}})
    with pytest.raises(RecipeError, match=r"too small for the poolings of 2 filters"):
        make_recipe({"network": network, "input": {"width": 64, "height": smallest - 1}})


def test_a_face_crop_that_is_not_square_is_refused() -> None:
    make_recipe({"input": {"view": "face", "width": 48, "height": 48}})
    with pytest.raises(RecipeError, match=r"square: .* Received: 64 by 60 pixels"):
        make_recipe({"input": {"view": "face", "width": 64, "height": 60}})


def test_lettering_needs_crops_of_faces() -> None:
    changes = {"augmentation": {"lettering": 0.1}}
    make_recipe(changes | {"input": {"view": "face", "width": 48, "height": 48}})
    with pytest.raises(
        RecipeError, match=r"input\.view = 'face', or lettering to 0\. Received: 0\.1"
    ):
        make_recipe(changes)


IN_COLOUR: dict[str, object] = {"view": "face", "height": 64, "colour": "rgb"}


@pytest.mark.parametrize("change", ["shaded", "covered"])
@pytest.mark.parametrize("seen", [{"view": "face", "height": 64}, {"colour": "rgb"}])
def test_shades_and_covers_need_faces_in_colour(change: str, seen: dict[str, object]) -> None:
    changes = {"augmentation": {change: 0.1}}
    make_recipe(changes | {"input": IN_COLOUR})
    with pytest.raises(RecipeError, match=rf"'face' and input.* {change} to 0\. Received: 0\.1"):
        make_recipe(changes | {"input": seen})


@pytest.mark.parametrize(
    "other",
    [
        {"network": {"architecture": "compact", "not_a_face": True}},
        {"input": {"colour": "rgb"}},
        {"labels": ["glasses", "no_glasses"]},
    ],
    ids=["another network", "whole photos", "other labels"],
)
def test_only_a_residual_network_of_faces_and_eyewear_doubts(other: dict[str, object]) -> None:
    doubting: dict[str, object] = {
        "labels": list(EYEWEAR_LABELS),
        "input": IN_COLOUR,
        "network": {"architecture": "residual", "not_a_face": True},
    }
    assert make_recipe(doubting).network.not_a_face
    with pytest.raises(RecipeError, match=r"not_a_face doubts crops of faces: set network\."):
        make_recipe(doubting | other)


def test_on_own_photos_a_recipe_doubts_no_longer(tmp_path: Path) -> None:
    samples = tuple(
        Sample(tmp_path / f"{at}.jpg", f"{at}.jpg", EYEWEAR_LABELS[at % 3], f"{at}.jpg")
        for at in range(6)
    )
    recipe = read_recipe(next(path for path in RECIPES if path.stem == "eyewear"))
    assert recipe.network.not_a_face
    adapted = adapt_recipe(recipe, DataSet("own", tmp_path, samples))
    assert not adapted.network.not_a_face
    assert dataclasses.replace(adapted.network, not_a_face=True) == recipe.network
    assert adapt_recipe(recipe, DataSet("eyewear", tmp_path, samples)) == recipe
    fixed = ["network.not_a_face=true"]
    assert adapt_recipe(recipe, DataSet("own", tmp_path, samples), fixed=fixed) == recipe


def test_a_recipe_says_of_free_photos_alone_or_all() -> None:
    assert make_recipe({"split": {"sets": "free"}}).split.sets == "free"
    with pytest.raises(RecipeError, match=r"'split\.sets' is one of all, free"):
        make_recipe({"split": {"sets": "some"}})


@pytest.mark.parametrize("change", ["saturation", "cast", "grey"])
def test_a_change_of_colours_of_a_grey_photo_is_refused(change: str) -> None:
    make_recipe({"input": {"colour": "rgb"}, "augmentation": {change: 0.5}})
    with pytest.raises(RecipeError, match=rf"augmentation\.{change} changes colours"):
        make_recipe({"input": {"colour": "grey"}, "augmentation": {change: 0.5}})


def test_every_key_says_what_it_decides_and_keeps_to_its_own_limits() -> None:
    sections = [getattr(Recipe(), field.name) for field in dataclasses.fields(Recipe)]
    keys = [k for s in sections if dataclasses.is_dataclass(s) for k in dataclasses.fields(s)]
    assert len(keys) > 40
    assert [key.name for key in keys if not key.metadata["decides"]] == []
    check_recipe(Recipe())


def test_the_hash_ignores_the_name_alone() -> None:
    recipe = Recipe()
    assert hash_recipe(dataclasses.replace(recipe, name="other")) == hash_recipe(recipe)
    changed = list(_changed(recipe))
    assert len(changed) > 30
    assert len({hash_recipe(other) for other in [recipe, *changed]}) == len(changed) + 1


def test_the_hash_of_a_recipe_that_begins_with_the_bundled_model_is_of_its_content(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = Recipe(network=Network(weights="eyewear"))
    before = hash_recipe(recipe)
    monkeypatch.setitem(PINNED, "eyewear.onnx", "another")
    assert hash_recipe(recipe) != before


def _changed(recipe: Recipe) -> typing.Iterator[Recipe]:
    """Change each value but the name, one at a time."""
    for field in dataclasses.fields(recipe):
        value: Any = getattr(recipe, field.name)
        if isinstance(value, Input | SplitPlan | Network | Augmentation | Optimization):
            for inner in dataclasses.fields(value):
                changes: Any = {inner.name: _other(getattr(value, inner.name))}
                section: Any = dataclasses.replace(value, **changes)
                yield dataclasses.replace(recipe, **{field.name: section})
        elif field.name != "name":
            yield dataclasses.replace(recipe, **{field.name: _other(value)})


def _other(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value + "x"
        case _:
            return (*value, value[0] if value else "x")
