"""The door for sorting photos into folders: sort."""

import collections
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gafas.cli.answers import complain, escape, prepare_stdout, say, watch
from gafas.cli.photos import (
    Answers,
    Device,
    Largest,
    MinFace,
    Model,
    Threshold,
    choose_source,
)
from gafas.cli.sources import Sources, count_ahead
from gafas.files import LeftOut
from gafas.sorting.journal import Action, Options, Rule

# Heavy modules are imported inside the command, so that `gafas --help` answers at once.
if TYPE_CHECKING:
    from gafas.sorting.plan import Filed, Plan, Recognize

_Searches = Sequence[tuple["Plan", Sources]]
_DONE = {Action.copy: "copied", Action.move: "moved", Action.link: "linked"}


Named = Annotated[
    list[str] | None, typer.Argument(metavar="SOURCE", help="Folders of photos, or photos.")
]
Dest = Annotated[Path | None, typer.Argument(metavar="DEST", help="The folder to sort into.")]
Move = Annotated[bool, typer.Option("--move", help="Move the photos.")]
Copy = Annotated[bool, typer.Option("--copy", help="Copy them, as if left out.")]
Link = Annotated[bool, typer.Option("--link", help="Make symbolic links to them.")]
By = Annotated[
    Rule,
    typer.Option(
        help="How several faces choose one folder: label, the one that all wear, else mixed or "
        "unsure; any, sunglasses if any face wears some, else eyeglasses if any does."
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.")
]
Undo = Annotated[
    Path | None,
    typer.Option(
        metavar="JOURNAL",
        help="Take back what a journal tells; more journals may follow, nothing else.",
    ),
]


def sort(
    sources: Named = None,
    dest: Dest = None,
    *,
    move: Move = False,
    copy: Copy = False,
    link: Link = False,
    by: By = Rule.label,
    dry_run: DryRun = False,
    undo: Undo = None,
    answers: Answers = None,
    model: Model = None,
    threshold: Threshold = None,
    min_face: MinFace = 0,
    largest: Largest = False,
    device: Device = "cpu",
) -> None:
    """Sort photos into folders by what their faces wear: gafas sort SOURCE… DEST.

    The folders are sunglasses, eyeglasses, none, mixed, unsure, no-face and unreadable. Nothing is
    ever overwritten. What was interrupted goes on when the same command is given again. Exit code
    1: something could not be read, sorted or taken back.
    """
    flags = {Action.copy: copy, Action.move: move, Action.link: link}
    actions = [action for action, wanted in flags.items() if wanted]
    named = [*(sources or []), *([str(dest)] if dest else [])]
    if undo is not None:
        chosen = actions or dry_run or answers or model or min_face or largest or device != "cpu"
        if chosen or threshold is not None or by != Rule.label:
            raise typer.BadParameter("--undo JOURNAL… goes alone: the journals know the rest")
        raise typer.Exit(_undo([undo, *map(Path, named)]))
    if not sources or dest is None:
        raise typer.BadParameter("name what to sort, and then the folder to sort into")
    if "-" in named:
        raise typer.BadParameter("a photo on stdin lies in no folder; name files or folders")
    if len(actions) > 1:
        raise typer.BadParameter("choose one of --move, --copy and --link")
    from gafas.recognizer import Recognizer
    from gafas.sorting.plan import make_plans

    recognizer = Recognizer(model, threshold=threshold, providers=[device])
    options = Options(
        recognizer.classifier.sha256,
        recognizer.threshold,
        actions[0] if actions else Action.copy,
        by,
        float(min_face),
        largest,
    )
    plans = make_plans(sources, dest, labels=recognizer.classifier.labels, options=options)
    recognize = choose_source(recognizer, answers)
    raise typer.Exit(_sort(plans, recognize, dry_run=dry_run))


def _sort(plans: Sequence["Plan"], recognize: "Recognize", *, dry_run: bool) -> int:
    """Sort, and tell of it; return the exit code."""
    prepare_stdout()
    tally, left_out = _Tally(plans, planned=dry_run), LeftOut()
    searches = [(plan, _open_search(plan, left_out)) for plan in plans]
    go_on = "Nothing has been written." if dry_run else "To go on, give the same command again."
    shown = not (dry_run and sys.stdout.isatty())
    work, total = _carry_out(searches, recognize, tally), _count(searches, tally)
    with watch(work, "Sorting", go_on=go_on, total=total, shown=shown) as watched:
        for filed in watched:
            tally.add(filed)
    tally.tell()
    say(left_out.describe())
    return int(tally.failed or any(sources.failed for _, sources in searches))


def _open_search(plan: "Plan", left_out: LeftOut) -> Sources:
    """Return the search for what is sorted: nothing may be left where a run has moved photos."""
    from gafas.sorting.journal import list_journals

    follow = plan.options.action is not Action.move
    begun = any(list_journals(plan.dest, plan.source))
    paths = list(map(str, plan.wanted))
    return Sources(paths, follow=follow, may_be_empty=begun, left_out=left_out)


def _carry_out(searches: _Searches, recognize: "Recognize", tally: "_Tally") -> "Iterator[Filed]":
    """Carry out plans, or preview them; what earlier runs did goes to the tally at once."""
    from gafas.sorting.sort import preview_photos, sort_photos

    taken: set[Path] = set()
    for plan, sources in searches:
        photos = (name for name, _ in sources)
        if tally.planned:
            work = preview_photos(photos, recognize, plan=plan, taken=taken)
        else:
            work = sort_photos(photos, recognize, plan=plan)
        for filed in work:
            if filed.before:
                tally.add(filed)
            else:
                yield filed


def _count(searches: _Searches, tally: "_Tally") -> Callable[[], int | None]:
    """Return what says how many photos this run has to do with."""
    from gafas.sorting.plan import drop_sorted

    new = (name for plan, found in searches for name in drop_sorted(found.names(), plan))
    ask = count_ahead(new)

    def total() -> int | None:
        counted = ask()
        # Copies and links of earlier runs have their photos still in the source.
        return counted if counted is None or tally.moving else counted - tally.earlier

    return total


class _Tally:
    """Count what becomes of photos, and tell of it."""

    def __init__(self, plans: Sequence["Plan"], *, planned: bool) -> None:
        self.planned = planned
        self.moving = plans[0].options.action is Action.move
        self.earlier = 0
        self.failed = False
        self._plans = plans
        self._counts: collections.Counter[str | None] = collections.Counter()

    def add(self, filed: "Filed") -> None:
        """Say what is wrong with a photo on stderr, and what is planned with it on stdout."""
        self._counts[filed.folder] += 1
        self.earlier += filed.before
        self.failed |= filed.problem is not None
        if filed.problem is not None and not filed.before:
            complain(filed.photo, filed.problem)
        if self.planned and filed.target is not None and not filed.before:
            typer.echo(f"{escape(filed.photo)} -> {escape(str(filed.target))}")

    def tell(self) -> None:
        """Print the counts of all folders, and say how to take all back."""
        from gafas.sorting.plan import find_journal

        plan = self._plans[0]
        for folder in plan.folders:
            typer.echo(f"{escape(folder):12} {self._counts[folder]:7}")
        left, done = self._counts.pop(None, 0), _DONE[plan.options.action]
        total = self._counts.total()
        sentence = f"{total:,} photos {'would be ' * self.planned}{done} into {plan.dest}"
        sentence += f", {self.earlier:,} of them by earlier runs" * bool(self.earlier)
        sentence += f"; {left:,} stay where they are" * bool(left)
        journals = [] if self.planned else filter(None, map(find_journal, self._plans))
        names = " ".join(shlex.quote(str(journal.path)) for journal in journals)
        sentence += f". To take it back: gafas sort --undo {names}" * bool(names)
        say(escape(sentence))


def _undo(journals: Sequence[Path]) -> int:
    """Take back what journals tell, and tell of it; return the exit code."""
    from gafas.sorting.journal import read_journal
    from gafas.sorting.undo import undo_all

    total = sum(len(read_journal(path).select("do", "done", "undo")) for path in journals)
    left = back = 0
    go_on = "To go on, give the same command again."
    with watch(undo_all(journals), "Taking back", go_on=go_on, total=total) as watched:
        for undone in watched:
            left += undone.problem is not None
            back += undone.problem is None
            if undone.problem is not None:
                complain(str(undone.target), undone.problem)
    typer.echo(f"{'taken back':12} {back:7}")
    typer.echo(f"{'left':12} {left:7}")
    if left:
        say(f"What was left keeps its journal, to try again: {' '.join(map(str, journals))}")
    return int(left > 0)


COMMANDS = (sort,)
