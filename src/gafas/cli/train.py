"""The doors of the experiment: fetch, draw, train, evaluate, report, export, tune."""

import enum
import logging
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gafas.cli.answers import say
from gafas.labels import Language, choose_language

# Heavy modules are imported inside the commands, so that `gafas --help` answers at once.
if TYPE_CHECKING:
    from gafas.datasets.dataset import DataSet
    from gafas.datasets.leaks import LeakReport
    from gafas.datasets.samples import Sample
    from gafas.evaluation.evaluate import Evaluation
    from gafas.report.report import PhotoFinder
    from gafas.training.recipe import Recipe

_log = logging.getLogger(__name__)

Recipes = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE",
        help="A recipe's name (faces, compact, seed, eyewear), a TOML file, or a run to repeat.",
    ),
]
Run = Annotated[Path, typer.Argument(help="The run folder.")]
Data = Annotated[
    Path | None,
    typer.Option(help="Labelled photos: a folder per label, or a CSV file,label[,subject]."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override a key of the recipe: optimization.epochs=5."),
]


class Fetched(enum.StrEnum):
    """The data sets that gafas knows by name."""

    cmu = "cmu"


def fetch(
    data_set: Annotated[Fetched, typer.Argument(help="What to fetch.")],
    source: Annotated[
        Path | None,
        typer.Option("--from", help="A zip, or an unpacked folder, instead of the net."),
    ] = None,
) -> None:
    """Fetch the CMU Face Images, check every photo, and keep them in GAFAS_HOME."""
    from gafas.datasets import cmu

    typer.echo(cmu.fetch(source))


def draw(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    *,
    seed: Annotated[int, typer.Option(min=0, help="Other seeds draw other people.")] = 0,
) -> None:
    """Draw people, no photographs, laid out as the CMU Face Images: a stand-in for these."""
    from gafas.datasets.drawn import DRAWN_NOTE, draw_people

    typer.echo(draw_people(folder, seed=seed))
    say(f"these are {DRAWN_NOTE}.")
    _say_next(f"gafas train compact RUN --data {_quote(folder)}")


def train(recipe: Recipes, run: Run, *, data: Data = None, settings: Settings = None) -> None:
    """Train a recipe, export the model and evaluate it on the test part.

    An interrupted training goes on where it stopped when the same command is given again.
    """
    from gafas.training.run import check_free, check_same, is_finished

    if (run / "evaluation.json").exists() or not is_finished(run):
        check_free(run)  # before anything takes time
    plan, found = _prepare(recipe, settings or [], data=data, began=run)
    split = found.part(plan.split)
    if is_finished(run):  # it was stopped before it was measured
        check_same(plan, split, run=run)
    else:
        from gafas.training.train import train as run_training

        try:
            run_training(plan, split, run=run, data=found)
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt("the same command goes on near where it was.") from stop
    _evaluate_run(run, found.samples)
    _say_next(
        f"gafas report {_quote(run)}",
        f"gafas predict PHOTO --model {_quote(run / 'model.onnx')}",
    )


def evaluate(
    model: Annotated[Path, typer.Argument(help="A model file, or a run folder.")],
    folder: Annotated[
        Path | None,
        typer.Argument(help="Labelled photos. For a run: its own test part if left out."),
    ] = None,
    *,
    out: Annotated[
        Path | None, typer.Option(help="Write evaluation.json and predictions.csv there.")
    ] = None,
    data: Data = None,
) -> None:
    """Measure a model on labelled photos: on photos without labels it is `gafas predict`."""
    if folder is None:
        from gafas.training.run import read_run_data

        _evaluate_run(model, read_run_data(model, data).samples, out=out, compare=True)
        return
    from gafas.datasets.folders import read_labelled

    file = model / "model.onnx" if model.is_dir() else model
    _measure(file, read_labelled(folder), name=folder.name, out=out)


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="The HTML file to write; report.html in the run folder if there is but one run. "
            "An earlier report is replaced, no other file ever is.",
        ),
    ] = None,
    language: Annotated[
        Language | None, typer.Option(help="The language of the page; the locale's if left out.")
    ] = None,
    benchmark: Annotated[
        Path | None, typer.Option(help="Compare with these results: benchmarks/cmu.json.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Where the photos are now, if they have been moved.")
    ] = None,
) -> None:
    """Write a page that tells of runs."""
    page = next((path for path in runs if path.suffix.lower() in (".html", ".htm")), None)
    if page is not None:
        raise typer.BadParameter(f"{page} is no run folder; to write it, say --out {page}")
    if out is None and len(runs) > 1:
        raise typer.BadParameter("a report about several runs needs a name: --out FILE.html")
    from gafas.report.report import write_report

    target = out or runs[0] / "report.html"
    photos = [_find_photos(run, data) for run in runs]
    spoken = language or choose_language(os.environ)
    write_report(runs, target, language=spoken, benchmark=benchmark, photos=photos)
    typer.echo(target)


def _find_photos(run: Path, data: Path | None) -> "PhotoFinder":
    """Return what finds a run's photos by name; a report can do without them, and says so."""
    from gafas.errors import DataError
    from gafas.training.run import read_data, read_run_data

    if read_data(run).kind == "eyewear":
        return lambda name: None  # which may not be published
    try:
        places = {sample.name: sample.path for sample in read_run_data(run, data).samples}
    except DataError as error:
        _log.warning("The report on %s goes without photos. %s", run, error)
        return lambda name: None
    return places.get


def export(
    model: Annotated[Path, typer.Argument(help="A Keras model: .keras or .h5.")],
    *,
    labels: Annotated[Path, typer.Option(help="The label_encoder.npy saved with it.")],
    out: Annotated[
        Path | None, typer.Option(help="The model file; beside the model if left out.")
    ] = None,
) -> None:
    """Turn a Keras model that was trained elsewhere into a gafas model file."""
    target = out or model.with_suffix(".onnx")
    if target.suffix.lower() != ".onnx":
        raise typer.BadParameter(f"a gafas model file ends in .onnx. Received: {str(target)!r}")
    if out is None and target.exists():
        raise typer.BadParameter(f"{target} is there already; name it with --out to replace it")
    from gafas.training.export import export_foreign

    typer.echo(export_foreign(model, target, labels=labels))


def tune(
    recipe: Recipes,
    out: Annotated[Path, typer.Argument(help="A folder for the study and the best recipe.")],
    *,
    trials: Annotated[int, typer.Option(min=1, help="How many trials the study shall have.")] = 20,
    data: Data = None,
    settings: Settings = None,
) -> None:
    """Search learning rate, dropout and network size on validation people."""
    plan, found = _prepare(recipe, settings or [], data=data, began=out)
    from gafas.training.tune import tune as search

    tuned = search(plan, found, out=out, trials=trials)
    typer.echo(tuned)
    where = f" --data {_quote(found.path)}" if found.kind in ("own", "drawn") else ""
    _say_next(f"gafas train {_quote(tuned)} RUN{where}")


def _prepare(
    recipe: str, settings: list[str], *, data: Path | None, began: Path
) -> "tuple[Recipe, DataSet]":
    """Read a recipe and what is to be learnt from: named, remembered, or what the recipe is for.

    `began` is where the work goes: what was begun there is gone on with on the same data. A recipe
    that is a run's is of that run's data.
    """
    from gafas.datasets.dataset import read_data_set
    from gafas.training.fitting import adapt_recipe
    from gafas.training.recipe import find_recipe, read_recipe
    from gafas.training.run import DATA_FILE, read_run_data

    path = find_recipe(recipe)
    plan = read_recipe(path, overrides=settings)
    # Beside a recipe of any other name, a data.json may be anything.
    trained = path.name == "recipe.toml" and (path.parent / "environment.json").is_file()
    folders = (began, path.parent) if trained else (began,)
    held = next((folder for folder in folders if (folder / DATA_FILE).is_file()), None)
    if held is not None:
        found = read_run_data(held, data, recipe=plan)
    else:
        scales, faces = plan.input.scales, plan.input.view == "face"
        found = read_data_set(data, faces=faces, scales=scales, plan=plan.split)
    return adapt_recipe(plan, found, fixed=settings), found


def _quote(path: Path) -> str:
    return shlex.quote(str(path))


def _say_next(*commands: str) -> None:
    say("next: " + "\n       ".join(commands))


def _evaluate_run(
    run: Path, samples: "tuple[Sample, ...]", *, out: Path | None = None, compare: bool = False
) -> None:
    from gafas.datasets.drawn import DRAWN_NOTE
    from gafas.datasets.samples import list_scored
    from gafas.training.run import find_changes, read_data, read_run_recipe, read_run_split

    split, leaks = read_run_split(run, samples)
    say((find_changes(run, split) if compare else None) or "")
    note = f" ({DRAWN_NOTE})" if read_data(run).kind == "drawn" else ""
    test = list_scored(split.test, read_run_recipe(run).labels)
    _measure(run / "model.onnx", test, name=run.name, out=out or run, leaks=leaks, note=note)


def _measure(
    model: Path,
    samples: "tuple[Sample, ...]",
    *,
    name: str,
    out: Path | None,
    leaks: "LeakReport | None" = None,
    note: str = "",
) -> None:
    from gafas.classifier import EyewearClassifier
    from gafas.evaluation.evaluate import evaluate as measure
    from gafas.evaluation.evaluate import write_evaluation
    from gafas.evaluation.predictions import predict_rows

    classifier = EyewearClassifier(model)
    rows = predict_rows(classifier, samples)
    evaluation = measure(classifier, rows, name=name, leaks=leaks)
    if out is not None:
        write_evaluation(out, evaluation, rows=rows)
    _show(evaluation, note=note)


def _show(evaluation: "Evaluation", *, note: str = "") -> None:
    """Print the figures that matter first."""
    accuracy = evaluation.accuracy
    low, high = accuracy.interval
    typer.echo(
        f"accuracy {accuracy.value:.4f} ({accuracy.correct} of {accuracy.total}), "
        f"95 % interval {low:.4f}-{high:.4f}{note}"
    )
    for label, scores in evaluation.labels.items():
        named = {"precision": scores.precision, "recall": scores.recall, "f1": scores.f1}
        shown = "  ".join(
            f"{name} {'-' if figure is None else format(figure, '.4f')}"
            for name, figure in named.items()
        )
        typer.echo(f"{label:12} {shown}  of {scores.support}")
    typer.echo(
        f"log loss {evaluation.log_loss:.4f}  calibration error {evaluation.calibration.ece:.4f}"
    )
    data = evaluation.data
    for left_out, what in (
        (len(data.unreadable), "unreadable files"),
        (len(data.faces_missed), "photos without a face"),
    ):
        if left_out:
            typer.echo(f"{what}, left out: {left_out}", err=True)


COMMANDS = (fetch, draw, train, evaluate, report, export, tune)
