"""What the tests of training learn from."""

import pytest

from gafas.datasets.samples import Sample, relabel
from gafas.datasets.splits import Split, make_split
from gafas.training.batches import TrainingData, read_data
from tiny_data import make_faces, tiny_recipe


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sample, ...]:
    return make_faces(tmp_path_factory.mktemp("cmu"))


@pytest.fixture(scope="session")
def data(faces: tuple[Sample, ...]) -> TrainingData:
    recipe = tiny_recipe()
    split = make_split(faces, recipe.split)
    parts = [relabel(p, recipe.labels) for p in (split.train, split.validation, split.test)]
    return read_data(recipe, Split(split.name, *parts))
