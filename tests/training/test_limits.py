import pytest

from gafas.errors import RecipeError
from gafas.training.recipe import make_recipe


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
        ("optimization.balance_labels", 1.1),
        ("optimization.balance_sources", -0.1),
        ("optimization.balance_people", 1.1),
        ("optimization.balance_validation", 1.5),
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
    with pytest.raises(RecipeError, match=rf"^'{key}' .* Received: "):
        make_recipe(table)


@pytest.mark.parametrize(
    ("architecture", "smallest"), [("seed", 10), ("compact", 2)], ids=["seed", "compact"]
)
def test_a_photo_that_the_poolings_would_use_up_is_refused(
    architecture: str, smallest: int
) -> None:
    network = {"architecture": architecture, "filters": [2, 2]}
    make_recipe({"network": network, "input": {"width": 64, "height": smallest}})
    with pytest.raises(RecipeError, match=r"too small for . poolings"):
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


@pytest.mark.parametrize("seen", [{"view": "face", "height": 64}, {"colour": "rgb"}])
def test_shades_need_faces_in_colour(seen: dict[str, object]) -> None:
    changes = {"augmentation": {"shaded": 0.1}}
    make_recipe(changes | {"input": {"view": "face", "height": 64, "colour": "rgb"}})
    with pytest.raises(RecipeError, match=r"'face' and input.* shaded to 0\. Received: 0\.1"):
        make_recipe(changes | {"input": seen})


@pytest.mark.parametrize("change", ["saturation", "cast", "grey"])
def test_a_change_of_colours_of_a_grey_photo_is_refused(change: str) -> None:
    make_recipe({"input": {"colour": "rgb"}, "augmentation": {change: 0.5}})
    with pytest.raises(RecipeError, match=rf"augmentation\.{change} changes colours"):
        make_recipe({"input": {"colour": "grey"}, "augmentation": {change: 0.5}})
