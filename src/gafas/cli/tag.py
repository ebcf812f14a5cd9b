"""The door for answers that photo programs find: tag."""

import collections
import os
import shlex
import sys
from collections.abc import Sequence
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
from gafas.cli.sort import DryRun, Undo
from gafas.cli.sources import Sources, count_ahead
from gafas.files import LeftOut
from gafas.tagging.journal import Options, Style, Unsure

# Heavy modules are imported inside the command, so that `gafas --help` answers at once.
if TYPE_CHECKING:
    from gafas.tagging.tag import Recognize, Tagged

Named = Annotated[
    list[str] | None, typer.Argument(metavar="PHOTO", help="Photos, or folders of photos.")
]
Regions = Annotated[bool, typer.Option("--regions", help="Mark the faces, too, without names.")]
Beside = Annotated[
    Style,
    typer.Option(
        "--sidecar-style",
        help="How the file beside a photo is called: darktable, photo.jpg.xmp; lightroom, "
        "photo.xmp.",
    ),
]
Embed = Annotated[
    bool, typer.Option("--embed", help="Write into the photo itself, a JPEG, instead of beside it.")
]
UnsureToo = Annotated[
    Unsure, typer.Option("--unsure", help="What to write of faces that the model is unsure of.")
]


def tag(
    photos: Named = None,
    *,
    regions: Regions = False,
    style: Beside = Style.darktable,
    embed: Embed = False,
    unsure: UnsureToo = Unsure.leave,
    dry_run: DryRun = False,
    undo: Undo = None,
    answers: Answers = None,
    model: Model = None,
    threshold: Threshold = None,
    min_face: MinFace = 0,
    largest: Largest = False,
    device: Device = "cpu",
) -> None:
    """Write what faces wear as keywords into XMP, where photo programs find them.

    The keywords are sunglasses, eyeglasses and no glasses, under eyewear. What other programs wrote
    stays, and nothing is written twice. Exit code 1: something could not be read, written or taken
    back.
    """
    if undo is not None:
        chosen = regions or embed or dry_run or answers or model or min_face or largest
        chosen = chosen or device != "cpu" or threshold is not None
        if chosen or (style, unsure) != (Style.darktable, Unsure.leave):
            raise typer.BadParameter("--undo JOURNAL… goes alone: the journals know the rest")
        raise typer.Exit(_undo([undo, *map(Path, photos or [])]))
    if not photos:
        raise typer.BadParameter("name photos, or folders of photos")
    if "-" in photos:
        raise typer.BadParameter("a photo on stdin lies in no folder; name files or folders")
    if embed and style is not Style.darktable:
        raise typer.BadParameter("choose one of --embed and --sidecar-style")
    from gafas.recognizer import Recognizer
    from gafas.tagging.tag import check_labels

    recognizer = Recognizer(model, threshold=threshold, providers=[device])
    check_labels(recognizer.classifier.labels)
    options = Options(
        recognizer.classifier.sha256,
        recognizer.threshold,
        min_face=float(min_face),
        largest=largest,
        regions=regions,
        unsure=unsure,
        embed=embed,
        style=style,
    )
    source = choose_source(recognizer, answers)
    raise typer.Exit(_tag(photos, source, options=options, dry_run=dry_run))


def _tag(named: Sequence[str], source: "Recognize", *, options: Options, dry_run: bool) -> int:
    """Tag, and tell of it; return the exit code."""
    from gafas.tagging.tag import preview_photos, tag_photos

    prepare_stdout()
    folder = _find_folder(named)
    sources = Sources(named, follow=False, left_out=(left_out := LeftOut()))
    tally = _Tally(planned=dry_run)
    carry_out = preview_photos if dry_run else tag_photos
    names = (name for name, _ in sources)
    work = carry_out(names, source, folder=folder, options=options)
    go_on = "Nothing has been written." if dry_run else "To go on, give the same command again."
    shown = sources.many and not (dry_run and sys.stdout.isatty())
    total = count_ahead(sources.names())
    with watch(work, "Tagging", go_on=go_on, total=total, shown=shown) as watched:
        for tagged in watched:
            tally.add(tagged)
    tally.tell(folder, options)
    say(left_out.describe() if left_out.photos else "")  # files beside photos are no news
    return int(tally.failed or sources.failed)


def _find_folder(named: Sequence[str]) -> Path:
    """Return the folder that all that is named has in common: there lies the journal."""
    paths = [Path(name).absolute() for name in named]
    folders = [path if path.is_dir() else path.parent for path in paths]
    try:
        return Path(os.path.commonpath(list(map(os.path.normpath, folders))))
    except ValueError as error:
        raise typer.BadParameter("name what lies on one drive, and the rest after that") from error


class _Tally:
    """Count what becomes of photos, and tell of it."""

    def __init__(self, *, planned: bool) -> None:
        self.failed = False
        self._planned = planned
        self._words: collections.Counter[str] = collections.Counter()
        self._counts: collections.Counter[str] = collections.Counter()

    def add(self, tagged: "Tagged") -> None:
        """Say what is wrong with a photo on stderr, and what is planned with it on stdout."""
        if tagged.problem is not None:
            self.failed = True
            complain(tagged.photo, tagged.problem)
            self._counts["left"] += 1
            return
        self._words.update(tagged.keywords)
        written = "same" if tagged.keywords else "silent"
        self._counts["written" if tagged.target else written] += 1
        if self._planned and tagged.target is not None:
            words = ", ".join(tagged.keywords)
            typer.echo(f"{escape(str(tagged.target))}: {escape(words)}")

    def tell(self, folder: Path, options: Options) -> None:
        """Print how many photos got each keyword, and say how to take all back."""
        from gafas.tagging.tag import find_journal

        for word, count in self._words.most_common():
            typer.echo(f"{escape(word):12} {count:7}")
        counts = self._counts
        sentence = f"{counts['written']:,} files {'would be ' * self._planned}written"
        sentence += f"; {counts['same']:,} photos say so already" * bool(counts["same"])
        sentence += f"; of {counts['silent']:,} there is nothing to say" * bool(counts["silent"])
        sentence += f"; {counts['left']:,} stay as they are" * bool(counts["left"])
        journal = None if self._planned else find_journal(folder, options)
        if journal is not None:
            sentence += f". To take it back: gafas tag --undo {shlex.quote(str(journal.path))}"
        say(escape(sentence) + "." * (journal is None))


def _undo(journals: Sequence[Path]) -> int:
    """Take back what journals tell, and tell of it; return the exit code."""
    from gafas.tagging.journal import read_journal
    from gafas.tagging.undo import undo_all

    total = sum(len(read_journal(path).select("do", "done")) for path in journals)
    left = back = changed = 0
    go_on = "To go on, give the same command again."
    with watch(undo_all(journals), "Taking back", go_on=go_on, total=total) as watched:
        for undone in watched:
            left += undone.problem is not None
            back += undone.problem is None
            changed += undone.changed and undone.problem is None
            if undone.problem is not None:
                complain(str(undone.target), undone.problem)
    typer.echo(f"{'taken back':12} {back:7}")
    typer.echo(f"{'left':12} {left:7}")
    if changed:
        say(f"{changed:,} files had been changed since; of them our keywords are taken out.")
    if left:
        say(f"What was left keeps its journal, to try again: {' '.join(map(str, journals))}")
    return int(left > 0)


COMMANDS = (tag,)
