"""The door for sorting photos into folders: sort."""

# Heavy modules are imported inside the command, so that `gafas --help` answers at once.

import collections
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gafas.cli.answers import complain, escape, prepare_stdout
from gafas.cli.progress import show_bar
from gafas.cli.recognition import Device, Largest, MinFace, Model, Threshold
from gafas.cli.sources import Sources
from gafas.errors import DataError
from gafas.sorting.order import Action, Order, Rule

if TYPE_CHECKING:
    from gafas.recognizer import Recognizer
    from gafas.sorting.sort import Filed

_DONE = {Action.copy: "copied", Action.move: "moved", Action.link: "linked"}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(sort)


def sort(
    source: Annotated[
        Path | None, typer.Argument(metavar="SOURCE", help="A folder of photos, or one photo.")
    ] = None,
    dest: Annotated[
        Path | None, typer.Argument(metavar="DEST", help="The folder to sort into.")
    ] = None,
    *,
    move: Annotated[bool, typer.Option("--move", help="Move the photos.")] = False,
    copy: Annotated[bool, typer.Option("--copy", help="Copy them, as if left out.")] = False,
    link: Annotated[bool, typer.Option("--link", help="Make symbolic links to them.")] = False,
    by: Annotated[
        Rule,
        typer.Option(
            help="How several faces choose one folder: label, the one that all wear, else mixed or "
            "unsure; any, sunglasses if any face wears some, else eyeglasses if any does."
        ),
    ] = Rule.label,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.")
    ] = False,
    undo: Annotated[
        Path | None,
        typer.Option(metavar="JOURNAL", help="Take back what a journal tells; name nothing else."),
    ] = None,
    model: Model = None,
    threshold: Threshold = None,
    min_face: MinFace = 0,
    largest: Largest = False,
    device: Device = "cpu",
) -> None:
    """Sort photos into folders by what their faces wear: gafas sort SOURCE DEST.

    The folders are sunglasses, eyeglasses, none, mixed, unsure, no-face and unreadable. Nothing is
    ever overwritten. What was interrupted goes on when the same command is given again. Exit code
    1: something could not be read, sorted or taken back.
    """
    flags = {Action.move: move, Action.copy: copy, Action.link: link}
    actions = [action for action, wanted in flags.items() if wanted]
    if undo is not None:
        if (
            source
            or dest
            or actions
            or dry_run
            or model
            or threshold is not None
            or by != Rule.label
            or min_face
            or largest
            or device != "cpu"
        ):
            raise typer.BadParameter("--undo JOURNAL goes alone: the journal knows the rest")
        raise typer.Exit(_undo(undo))
    if source is None or dest is None:
        raise typer.BadParameter("name what to sort, and then the folder to sort into")
    if str(source) == "-":
        raise typer.BadParameter("a photo on stdin lies in no folder; name a file or a folder")
    if len(actions) > 1:
        raise typer.BadParameter("choose one of --move, --copy and --link")
    from gafas.recognizer import Recognizer

    recognizer = Recognizer(
        model,
        threshold=threshold,
        providers=[device],
        min_face=min_face,
        largest=largest,
    )
    action = actions[0] if actions else Action.copy
    order = Order.resolve(source, dest, recognizer=recognizer, action=action, by=by)
    raise typer.Exit(_sort(order, recognizer, dry_run=dry_run))


def _sort(order: Order, recognizer: "Recognizer", *, dry_run: bool) -> int:
    """Sort, and tell of it; return the exit code."""
    from gafas.sorting.sort import find_journal, plan_photos, sort_photos

    prepare_stdout()
    begun = find_journal(order) is not None
    sources = _list_photos(order, begun=begun)
    photos = (name for name, _ in sources)
    work = plan_photos if dry_run else sort_photos
    counts: collections.Counter[str | None] = collections.Counter()
    earlier, failed = 0, False
    for filed in show_bar(work(photos, recognizer.predict_many, order=order)):
        counts[filed.folder] += 1
        earlier += filed.before
        failed |= filed.problem is not None
        _tell(filed, planned=dry_run)
    for folder in order.folders:
        typer.echo(f"{escape(folder):12} {counts[folder]:7}")
    left, done = counts.pop(None, 0), _DONE[order.action]
    sentence = f"{counts.total()} photos {'would be ' * dry_run}{done} into {order.dest}"
    sentence += f", {earlier} of them by earlier runs" * bool(earlier)
    sentence += f"; {left} stay where they are" * bool(left)
    journal = None if dry_run else find_journal(order)
    if journal is not None:
        sentence += f". To take it back: gafas sort --undo {shlex.quote(str(journal))}"
    typer.echo(escape(sentence), err=True)
    return int(failed or sources.failed)


def _list_photos(order: Order, *, begun: bool) -> Sources:
    """Return the photos to sort; where a run has moved them all away, none."""
    if not os.path.lexists(order.source):
        if not begun:
            raise DataError(
                f"There is nothing to sort. Received: {str(order.source)!r}, which does not exist. "
                "Name a folder of photos, or one photo."
            )
        return Sources([])
    follow = order.action is not Action.move
    return Sources([str(order.source)], follow=follow, may_be_empty=begun)


def _tell(filed: "Filed", *, planned: bool) -> None:
    """Say what is wrong with a photo on stderr, and what is planned with it on stdout."""
    if filed.problem is not None and not filed.before:
        complain(filed.photo, filed.problem)
    if planned and filed.target is not None and not filed.before:
        typer.echo(f"{escape(filed.photo)} -> {escape(str(filed.target))}")


def _undo(journal: Path) -> int:
    """Take back what a journal tells, and tell of it; return the exit code."""
    from gafas.sorting.undo import undo

    left = total = 0
    for undone in show_bar(undo(journal)):
        total += 1
        left += undone.problem is not None
        if undone.problem is not None:
            complain(str(undone.target), undone.problem)
    typer.echo(f"{'taken back':12} {total - left:7}")
    typer.echo(f"{'left':12} {left:7}")
    if left:
        typer.echo(f"The journal stays, to try again: {escape(str(journal))}", err=True)
    return int(left > 0)
