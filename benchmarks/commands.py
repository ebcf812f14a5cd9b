"""The doors of the benchmarks: what recipes, and the model that ships, can be believed to know."""

from pathlib import Path
from typing import Annotated

import typer

from gafas.cli.photos import Model

app = typer.Typer(help="Measure, and write down what was measured.", no_args_is_help=True)


@app.command()
def cmu(
    *,
    recipe: Annotated[
        list[Path] | None, typer.Option(help="Recipes; both of the experiment if left out.")
    ] = None,
    protocol: Annotated[
        list[str] | None, typer.Option(help="Protocols; each recipe's own list if left out.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Where the run folders go.")] = Path("runs/cmu"),
    out: Annotated[Path, typer.Option(help="The file of the results.")] = Path(
        "benchmarks/cmu.json"
    ),
) -> None:
    """Train recipes under every protocol and write down what each can be believed to know."""
    from benchmarks.cmu import choose_protocols, merge_entries, run_protocol
    from gafas.datasets.dataset import read_data_set
    from gafas.training.recipe import find_recipe, read_recipe

    data = read_data_set()
    for path in recipe or [find_recipe("seed"), find_recipe("compact")]:
        plan = read_recipe(path)
        for name in protocol or choose_protocols(plan.name):
            entry = run_protocol(plan, name, data=data, runs=runs)
            merge_entries(out, [entry])
            accuracy = entry.accuracy
            typer.echo(f"{plan.name} {name}: {accuracy.correct} of {accuracy.total} right")


@app.command()
def eyewear(
    *,
    model: Model = None,
    part: Annotated[
        list[str] | None, typer.Option(help="Measure only this; all parts if left out.")
    ] = None,
    open_test: Annotated[
        str | None,
        typer.Option(
            help="Open this test set (lfw), and nothing else unless parts are named. Every opening "
            "is recorded in lfw_openings.json beside the results."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The file of the results.")] = Path(
        "benchmarks/eyewear.json"
    ),
) -> None:
    """Measure a model of faces on photos it has not learnt from.

    Needs GAFAS_EYEWEAR and GAFAS_CMU. Results of the same model are kept and added to, those of
    another model replaced.
    """
    from benchmarks.eyewear import PARTS, measure_parts
    from gafas.recognizer import Recognizer

    opened = [open_test] if open_test else []
    parts = part or ([] if opened else PARTS)
    measure_parts(Recognizer(model).classifier, [*parts, *opened], out=out)
    typer.echo(out)


if __name__ == "__main__":
    app()
