"""Search for better settings: learning rate, dropout and size of the network, with Optuna."""

import dataclasses
import logging
import tempfile
from pathlib import Path

import optuna

from gafas.datasets.dataset import DataSet
from gafas.datasets.folders import check_trainable
from gafas.datasets.samples import relabel
from gafas.datasets.splits import Split
from gafas.errors import DataError, RecipeError
from gafas.files import write_text
from gafas.training.batches import read_data
from gafas.training.recipe import Recipe, write_recipe
from gafas.training.run import hash_data, hash_recipe, read_history, write_data
from gafas.training.train import fit

_SIZES = (0.5, 0.75, 1.0, 1.25)
"""Factors on the recipe's filters and dense units."""

_log = logging.getLogger(__name__)

_COMPLETE = (optuna.trial.TrialState.COMPLETE,)


def tune(recipe: Recipe, data: DataSet, *, out: Path, trials: int) -> Path:
    """Search until the study has the given number of trials; write the best as a new recipe.

    A trial trains on the training part and is judged by the validation loss that it ends with; the
    test part, which is that of a training, is never read. The study lies in `out/study.db`: the
    same command goes on with it, so raising `trials` searches further.

    Returns:
        The new recipe, `out/<name>-tuned.toml`.

    Raises:
        RecipeError: the recipe keeps no validation part.
        DataError: the folder holds the study of another recipe or of other data.
    """
    split = data.part(recipe.split)
    if not split.validation or split.watches_test:
        raise RecipeError(
            "Tuning judges by the validation part, and this recipe keeps none of its own: set "
            "split.protocol=by_subject and split.validation_share=0.2."
        )
    parts = (relabel(part, recipe.labels, learnt=True) for part in (split.train, split.validation))
    train_part, validation = parts
    split = Split(split.name, train_part, validation, ())
    check_trainable(split.train)
    sha256 = hash_data(split, recipe.labels)
    study = _open_study(recipe, sha256, out=out)
    write_data(out, data, sha256=sha256)
    missing = trials - len(study.get_trials(states=_COMPLETE))
    learnt = read_data(recipe, split) if missing > 0 else None

    def judge(trial: optuna.Trial) -> float:
        """Return the validation loss that a trial's training ends with."""
        assert learnt is not None
        with tempfile.TemporaryDirectory(prefix="gafas-trial-") as room:
            fit(suggest(recipe, trial), learnt, run=Path(room))
            history = read_history(Path(room) / "history.csv")
        loss = history[-1].val_loss
        assert loss is not None  # the recipe has a validation part
        _log.warning("Trial %d of %d: validation loss %.4f.", trial.number + 1, trials, loss)
        return loss

    study.optimize(judge, n_trials=max(0, missing))
    finished = study.get_trials(states=_COMPLETE)
    if not finished:
        raise RecipeError(
            f"None of {len(study.trials)} trials gave a validation loss that is a number: the "
            "trainings diverged. Lower optimization.learning_rate, and choose another folder."
        )
    best = suggest(recipe, optuna.trial.FixedTrial(study.best_params))
    target = out / f"{recipe.name}-tuned.toml"
    heading = f"# Best of {len(finished)} trials: validation loss {study.best_value:.4f}.\n\n"
    write_text(target, heading + write_recipe(best))
    return target


def suggest(recipe: Recipe, trial: optuna.trial.BaseTrial) -> Recipe:
    """Return the recipe with the trial's learning rate, dropout and network size.

    A recipe that begins with weights keeps the size that these are of.
    """
    rate = recipe.optimization.learning_rate
    size = 1.0 if recipe.network.weights else trial.suggest_categorical("size", _SIZES)
    network = dataclasses.replace(
        recipe.network,
        dropout=round(trial.suggest_float("dropout", 0.0, 0.8, step=0.1), 1),
        filters=tuple(max(1, round(f * size)) for f in recipe.network.filters),
        dense=max(1, round(recipe.network.dense * size)),
    )
    optimization = dataclasses.replace(
        recipe.optimization,
        learning_rate=trial.suggest_float("learning_rate", rate / 10, rate * 10, log=True),
    )
    name = f"{recipe.name}-tuned"
    return dataclasses.replace(recipe, name=name, network=network, optimization=optimization)


def _open_study(recipe: Recipe, sha256: str, *, out: Path) -> optuna.Study:
    out.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        study_name="gafas",
        storage=f"sqlite:///{out / 'study.db'}",
        load_if_exists=True,
    )
    # Begun anew with the same seed, the sampler would propose its first trials again.
    study.sampler = optuna.samplers.TPESampler(seed=recipe.seed + len(study.trials))
    marks = {"recipe": hash_recipe(recipe), "data": sha256}
    for key, value in marks.items():
        if study.user_attrs.get(key, value) != value:
            raise DataError(
                f"The study in {str(out)!r} was begun with another {key}. Choose another folder, "
                "or the recipe and data that it was begun with."
            )
        study.set_user_attr(key, value)
    return study
