"""The doors of the workshop: fetch, draw, train, evaluate, report, export, tune."""

# Heavy modules are imported inside the commands, so that `gafas --help` answers at once.

import enum
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from gafas.data.samples import Sample
    from gafas.training.recipe import Recipe

Recipes = Annotated[Path, typer.Argument(help="A TOML recipe, such as recipes/seed.toml.")]
Run = Annotated[Path, typer.Argument(help="The run folder.")]
Data = Annotated[
    Path | None,
    typer.Option(help="Labelled photos: a folder per label, or a CSV file,label[,subject]."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override a key of the recipe: optimization.epochs=5."),
]


class Language(enum.StrEnum):
    """The languages of reports."""

    es = "es"
    en = "en"


class DataSet(enum.StrEnum):
    """The data sets that gafas knows by name."""

    cmu = "cmu"


def register(app: typer.Typer) -> None:
    """Add the workshop's commands to the command line."""
    for command in (fetch, draw, train, evaluate, report, export, tune):
        app.command()(command)


def fetch(
    data_set: Annotated[DataSet, typer.Argument(help="What to fetch.")],
    source: Annotated[
        Path | None,
        typer.Option("--from", help="A zip, or an unpacked folder, instead of the net."),
    ] = None,
) -> None:
    """Fetch the CMU Face Images, check every photo, and keep them in GAFAS_HOME."""
    from gafas.data import cmu

    typer.echo(cmu.fetch(source))


def draw(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    *,
    seed: Annotated[int, typer.Option(min=0, help="Other seeds draw other people.")] = 0,
) -> None:
    """Draw people, no photographs, laid out as the CMU Face Images: a stand-in for these."""
    from gafas.cli.progress import show_bar
    from gafas.data.people import draw_people

    typer.echo(draw_people(folder, seed=seed, show=show_bar))
    typer.echo(
        "These are drawn people, no photographs. To learn from them, type:\n"
        f"GAFAS_CMU={shlex.quote(str(folder))} gafas train recipes/compact.toml runs/drawn",
        err=True,
    )


def train(recipe: Recipes, run: Run, *, data: Data = None, settings: Settings = None) -> None:
    """Train a recipe, export the model and evaluate it on the test part.

    An interrupted training goes on where it stopped when the same command is given again.
    """
    from gafas.data.mixing import part_material
    from gafas.data.splits import make_split
    from gafas.training.recipe import read_recipe

    plan = read_recipe(recipe, overrides=settings or [])
    samples = _read_samples(data, recipe=plan)
    sets = data is None and plan.input.frame == "face"
    split = part_material(samples, plan.split) if sets else make_split(samples, plan.split)
    from gafas.training.train import train as run_training

    run_training(plan, split, run=run)
    _evaluate_run(run, samples)


def evaluate(
    model: Annotated[Path, typer.Argument(help="A model file, or a run folder.")],
    folder: Annotated[
        Path | None,
        typer.Argument(help="Photos, labelled or not. For a run: its own test part if left out."),
    ] = None,
    *,
    out: Annotated[
        Path | None, typer.Option(help="Write evaluation.json and predictions.csv there.")
    ] = None,
    data: Data = None,
) -> None:
    """Measure a model on labelled photos, or list what it says of unlabelled ones."""
    if folder is None:
        from gafas.training.runs import read_run_recipe

        samples = _read_samples(data, recipe=read_run_recipe(model))
        _evaluate_run(model, samples, out=out)
        return
    from gafas.classifier import EyewearClassifier
    from gafas.data.folders import has_labels, read_labelled, read_unlabelled
    from gafas.evaluation.evaluate import evaluate as measure
    from gafas.evaluation.evaluate import predict_unlabelled, write_evaluation
    from gafas.evaluation.predictions import write_predictions

    classifier = EyewearClassifier(model / "model.onnx" if model.is_dir() else model)
    if not has_labels(folder):
        rows = predict_unlabelled(classifier, read_unlabelled(folder))
        for row in rows:
            typer.echo(f"{row.sample.name}\t{row.error or row.answer}\t{row.confidence:.3f}")
        if out:
            write_predictions(rows, out / "predictions.csv")
        if any(row.error and not row.missed for row in rows):
            raise typer.Exit(1)
        return
    result = measure(classifier, read_labelled(folder), name=folder.name)
    if out:
        write_evaluation(result, out)
    _show(result.report)


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, then the HTML file to write.")],
    *,
    language: Annotated[Language, typer.Option(help="The language of the page.")] = Language.es,
    benchmark: Annotated[
        Path | None, typer.Option(help="Compare with these results: benchmarks/cmu.json.")
    ] = None,
    data: Data = None,
) -> None:
    """Write a page that tells of runs: gafas report RUN… OUT.html."""
    if len(runs) < 2:
        raise typer.BadParameter("name one run or more, and last the HTML file to write")
    from gafas.evaluation.report import write_report
    from gafas.training.recipe import Recipe
    from gafas.training.runs import read_run_recipe

    *folders, target = runs
    # Runs of faces need none: no page may show a photo of the eyewear sets.
    frames = any(read_run_recipe(folder).input.frame == "frame" for folder in folders)
    shown = _read_samples(data, recipe=Recipe()) if frames or data else ()
    places = {sample.name: sample.path for sample in shown}
    write_report(folders, target, language=language.value, benchmark=benchmark, photos=places.get)
    typer.echo(target)


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
    if out is None and target.exists():
        raise typer.BadParameter(f"{target} is there already; name it with --out to replace it")
    from gafas.training.foreign import export_foreign

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
    from gafas.training.recipe import read_recipe
    from gafas.training.tune import tune as search

    plan = read_recipe(recipe, overrides=settings or [])
    samples = _read_samples(data, recipe=plan)
    typer.echo(search(plan, samples, out=out, trials=trials))


def _read_samples(data: Path | None, *, recipe: "Recipe") -> "tuple[Sample, ...]":
    """Read the user's own photos, or else those that the recipe is for."""
    if data is not None:
        from gafas.data.folders import read_labelled

        return read_labelled(data)
    from gafas.data import cmu, mixing

    scales = recipe.input.scales
    if recipe.input.frame == "face":
        return mixing.read_material(recipe.split, scales=scales)
    return cmu.read_samples(scales=scales)


def _evaluate_run(run: Path, samples: "tuple[Sample, ...]", *, out: Path | None = None) -> None:
    from gafas.classifier import EyewearClassifier
    from gafas.evaluation.evaluate import evaluate as measure
    from gafas.evaluation.evaluate import write_evaluation
    from gafas.training.runs import read_run_split

    split, leaks = read_run_split(run, samples)
    classifier = EyewearClassifier(run / "model.onnx")
    result = measure(classifier, split.test, name=run.name, leaks=leaks)
    write_evaluation(result, out or run)
    _show(result.report)


def _show(report: dict[str, Any]) -> None:
    """Print the figures that matter first."""
    accuracy = report["accuracy"]
    low, high = accuracy["bootstrap_subjects"] or accuracy["wilson"]
    typer.echo(
        f"accuracy {accuracy['value']:.4f} ({accuracy['correct']} of {accuracy['total']}), "
        f"95 % interval {low:.4f}-{high:.4f}"
    )
    for label, figures in report["labels"].items():
        shown = "  ".join(
            f"{name} {'-' if figures[name] is None else format(figures[name], '.4f')}"
            for name in ("precision", "recall", "f1")
        )
        typer.echo(f"{label:12} {shown}  of {figures['support']}")
    typer.echo(
        f"log loss {report['log_loss']:.4f}  calibration error {report['calibration']['ece']:.4f}"
    )
    for key, what in (
        ("unreadable", "unreadable files"),
        ("faces_missed", "photos without a face"),
    ):
        if report["data"][key]:
            typer.echo(f"{what}, left out: {len(report['data'][key])}", err=True)
