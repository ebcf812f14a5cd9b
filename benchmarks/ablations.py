"""Train the recipe of faces with one change at a time, and judge each on the validation part.

Run it as `python -m benchmarks.ablations [NAME ...]`; it needs GAFAS_EYEWEAR and GAFAS_CMU. Each
training takes some minutes, since it is short and on free photos alone; names are those of
`CHANGES`, all of them if left out. Runs lie in runs/ablations, and finished ones are not trained
again. What every run there reaches is written to ablations.json. The test part is not read.
"""

import argparse
import dataclasses
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.stats
from sklearn.metrics import roc_auc_score

from gafas.classifier import EyewearClassifier
from gafas.datasets.dataset import DataSet, read_data_set
from gafas.datasets.samples import EYEWEAR_LABELS, NOT_A_FACE, relabel
from gafas.files import write_json
from gafas.training.batches import cut_size, read_inputs
from gafas.training.recipe import Recipe, find_recipe, read_recipe
from gafas.training.run import is_finished, read_run_recipe
from gafas.training.train import train

RUNS: Final = Path("runs/ablations")
TARGET: Final = Path(__file__).with_suffix(".json")

SHORT: Final = ("split.sets=free", "optimization.epochs=10", "optimization.minimum_steps=0")
"""What all of them change, the recipe itself included, to be trained within minutes."""

BASE: Final = "as-it-is"
"""The recipe without a change, against which all others are judged."""

CHANGES: Final[Mapping[str, tuple[str, ...]]] = {
    BASE: (),
    "another-seed": ("seed=1",),
    "no-covers": ("augmentation.covered=0",),
    "narrower": ("network.filters=[24,40,72,96,112]",),
    "no-drawn-glasses": ("augmentation.rendered=0",),
    "no-shades": ("augmentation.shaded=0",),
    "no-doubt": ("network.not_a_face=false",),
    "larger-crops": ("input.width=112", "input.height=112"),
    "harder-crops": ("augmentation.rotation=25", "augmentation.shift=0.1", "augmentation.zoom=0.2"),
    "milder-light": ("augmentation.gamma=0.25", "augmentation.brightness=0.2"),
    "no-smoothing": ("optimization.label_smoothing=0",),
}
"""Overrides of the recipe, by the name of the run."""

GROUPS: Final = ("life", "fairface", "utkface")
"""The sources that are judged by themselves; all others are judged together."""

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Judged:
    """What a run answers rightly, by the most probable label, of the validation part's faces.

    Attributes:
        settings: what it changed.
        faces: of each of `GROUPS` and of the `others`, how many there are.
        right: how many of them are answered rightly.
        gained: faces that it answers rightly and the unchanged recipe does not.
        lost: the other way round.
        p_value: of the two-sided sign test of these, which takes faces of one photo as
            independent; 1 of the recipe itself.
        doubt_auc: how well it tells faces from what is none (area under the ROC curve), if it does.
    """

    settings: tuple[str, ...]
    faces: Mapping[str, int]
    right: Mapping[str, int]
    gained: int
    lost: int
    p_value: float
    doubt_auc: float | None


def main() -> None:
    """Train what is asked for, and judge all runs that are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*CHANGES, []], help=", ".join(CHANGES))
    names = dict.fromkeys([BASE, *(parser.parse_args().names or CHANGES)])
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    _log.setLevel(logging.INFO)
    data: DataSet | None = None
    for name in names:
        recipe = read_recipe(find_recipe("eyewear"), overrides=[*SHORT, *CHANGES[name]])
        data = data or read_data_set(faces=True, scales=recipe.input.scales, plan=recipe.split)
        if not is_finished(RUNS / name):
            _log.info("Training %s.", name)
            train(recipe, data.part(recipe.split), run=RUNS / name, data=data)
    assert data is not None
    write_json(TARGET, judge_runs(data))


def judge_runs(data: DataSet) -> dict[str, Judged]:
    """Judge every finished run, the unchanged recipe's first."""
    there = [name for name in CHANGES if is_finished(RUNS / name)]
    answers = {name: _answer(data, RUNS / name) for name in there}
    truth, sources = _list_truth(data, read_run_recipe(RUNS / BASE))
    return {
        name: _judge(name, answers[name], answers[BASE], truth=truth, sources=sources)
        for name in there
    }


@dataclasses.dataclass(frozen=True, slots=True)
class _Answers:
    labels: npt.NDArray[np.str_]
    doubts: npt.NDArray[np.float32] | None


def _answer(data: DataSet, run: Path) -> _Answers:
    recipe = read_run_recipe(run)
    model = EyewearClassifier(run / "model.onnx")
    part = relabel(data.part(recipe.split).validation, recipe.labels, learnt=True)
    images = cut_size(read_inputs(part, recipe.input, served=True).images, recipe.input)
    look = model.look(np.ascontiguousarray(images))
    names = np.array(model.labels)[look.probabilities.argmax(axis=1)]
    return _Answers(names, look.not_a_face)


def _list_truth(data: DataSet, recipe: Recipe) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.str_]]:
    part = relabel(data.part(recipe.split).validation, recipe.labels, learnt=True)
    samples = read_inputs(part, recipe.input, served=True).samples
    sources = [sample.facts.get("source", "") for sample in samples]
    groups = [source if source in GROUPS else "others" for source in sources]
    return np.array([sample.label for sample in samples]), np.array(groups)


def _judge(
    name: str,
    answers: _Answers,
    base: _Answers,
    *,
    truth: npt.NDArray[np.str_],
    sources: npt.NDArray[np.str_],
) -> Judged:
    face = np.isin(truth, EYEWEAR_LABELS)
    right, before = answers.labels == truth, base.labels == truth
    gained, lost = int((right & ~before & face).sum()), int((before & ~right & face).sum())
    groups: Sequence[str] = (*GROUPS, "others")
    test = scipy.stats.binomtest(gained, gained + lost) if gained + lost else None
    none = truth == NOT_A_FACE
    auc = roc_auc_score(none, answers.doubts) if answers.doubts is not None else None
    return Judged(
        settings=CHANGES[name],
        faces={group: int((face & (sources == group)).sum()) for group in groups},
        right={group: int((face & right & (sources == group)).sum()) for group in groups},
        gained=gained,
        lost=lost,
        p_value=float(test.pvalue) if test else 1.0,
        doubt_auc=None if auc is None else float(auc),
    )


if __name__ == "__main__":
    main()
