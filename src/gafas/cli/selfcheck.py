"""The door for proving an installation: selfcheck."""

# Heavy modules are imported inside the command, so that `gafas --help` answers at once.

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(selfcheck)


def selfcheck() -> None:
    """Prove this installation: bundled pictures must get the answers stored with them.

    Exit code 1: an answer differs, or the model that ships cannot be used.
    """
    from gafas.selfcheck import list_versions, run_selfcheck

    checks = list(run_selfcheck())
    for check in checks:
        typer.echo(f"{'differs' if check.problems else 'same':8}{check.picture}: {check.answer}")
        for problem in check.problems:
            typer.echo(f"        {problem}.")
    different = sum(bool(check.problems) for check in checks)
    typer.echo(", ".join(f"{name} {version}" for name, version in list_versions().items()))
    if different:
        typer.echo(
            f"{different} of {len(checks)} pictures differ from the release: do not trust this "
            "installation. Install gafas into a fresh environment and check again."
        )
        raise typer.Exit(1)
    typer.echo(f"All {len(checks)} pictures get the stored answers: this installation works.")
