"""What a training writes while it goes on: its history, its best weights and its latest state."""

import time
import warnings
from collections.abc import Sequence
from pathlib import Path

from gafas.training.backend import keras
from gafas.training.recipe import Optimization
from gafas.training.run import Epoch, History, read_history, write_history

SECONDS_BETWEEN_STATES = 30.0
"""How much of a training an interruption may cost, at most, in seconds of work."""

_BEST = "best.weights.h5"


class Keeper(keras.callbacks.Callback):
    """Write history after every epoch, and weights and optimizer often enough to go on from.

    A state file `state-<epochs done>.weights.h5` is complete as soon as it bears that name. All
    else that a resumed training needs (best epoch, patience) follows from the history's rows.
    """

    def __init__(self, run: Path, optimization: Optimization) -> None:
        super().__init__()
        self.history: History = ()
        self._run, self._optimization = run, optimization
        self._began = self._saved = time.monotonic()

    def resume(self) -> int:
        """Load the latest state into the model, which must be compiled; return the epochs done."""
        states = _states(self._run)
        if states:
            done = int(states[-1].name.split("-")[1].split(".")[0])
            self.model.optimizer.build(self.model.trainable_variables)
            self.model.load_weights(states[-1])
            self._turn_generators()
            self.history = read_history(self._run / "history.csv")[:done]
            self._began -= self.history[-1].seconds
        return len(self.history)

    def _turn_generators(self) -> None:
        """Bring dropout's random numbers to where they stood: Keras saves no generator's state.

        A state is a seed, which the recipe fixes, and a counter, which each step raises by one.
        """
        steps = int(self.model.optimizer.iterations)
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:
                state = layer.seed_generator.state
                state.assign([int(state.value[0]), steps])

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add a row, then write what the row makes necessary."""
        now = time.monotonic()
        rate = float(self.model.optimizer.learning_rate)
        seconds = now - self._began
        row = Epoch(epoch=epoch + 1, **(logs or {}), learning_rate=rate, seconds=seconds)
        self.history = (*self.history, row)
        write_history(self.history, self._run / "history.csv")
        if self._optimization.keep == "best":
            self._keep_best()
        if self.is_over():
            self.model.stop_training = True
        # The last state too: what interrupts the export must not cost the training.
        if self.is_over() or now - self._saved > SECONDS_BETWEEN_STATES:
            self._save(self._run / f"state-{epoch + 1}.weights.h5")
            for old in _states(self._run)[:-1]:
                old.unlink()
            self._saved = now

    def is_over(self) -> bool:
        """Tell whether all epochs are done, or patience has run out."""
        done, plan = len(self.history), self._optimization
        if not done or done >= plan.epochs:
            return done >= plan.epochs
        return bool(plan.patience) and done - 1 - _find_best(self.history) >= plan.patience

    def _keep_best(self) -> None:
        if _find_best(self.history) == len(self.history) - 1:
            self._save(self._run / _BEST)

    def _save(self, path: Path) -> None:
        partial = path.with_name(f"partial.{path.name}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras reads its variables in NumPy 1's manner
            self.model.save_weights(partial)
        partial.replace(path)

    def finish(self) -> tuple[int, float]:
        """Load the weights that the recipe keeps.

        Returns:
            The epoch of these weights, counted from 1, and the seconds that training took.
        """
        epoch = len(self.history)
        if self._optimization.keep == "best":
            self.model.load_weights(self._run / _BEST)
            epoch = _find_best(self.history) + 1
        return epoch, self.history[-1].seconds


def _find_best(history: History) -> int:
    return min(range(len(history)), key=lambda index: history[index].val_loss or 0.0)


def remove_states(run: Path) -> None:
    """Remove what only going on with a training needs."""
    for path in [*_states(run), run / _BEST, *run.glob("partial.*")]:
        path.unlink(missing_ok=True)


def _states(run: Path) -> Sequence[Path]:
    paths = run.glob("state-*.weights.h5")
    return sorted(paths, key=lambda path: int(path.name.split("-")[1].split(".")[0]))
