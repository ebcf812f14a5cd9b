"""The report: one HTML page, made from what runs leave behind, that needs nothing else."""

import dataclasses
import itertools
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from gafas.datasets.samples import ORIGINAL_LABELS
from gafas.errors import DataError
from gafas.evaluation.breakdowns import Group, GroupMistakes
from gafas.evaluation.evaluate import Evaluation, read_evaluation
from gafas.files import write_text
from gafas.labels import Language
from gafas.report import figures, findings
from gafas.report.comparison import (
    CLAIM,
    CMU,
    Measured,
    compare_splits,
    draw_measured,
    measure_run,
    name_measured,
    read_benchmark,
)
from gafas.report.pages import Tile, make_tile, refuse_foreign, render
from gafas.report.wording import Wording
from gafas.training.recipe import Augmentation
from gafas.training.run import MODEL_FILES, Run, read_run

PhotoFinder = Callable[[str], Path | None]
"""Says where the photo of a sample's name lies."""

_NO_PHOTOS: PhotoFinder = dict[str, Path]().get


@dataclasses.dataclass(frozen=True, slots=True)
class Chapter:
    """What the page shows of one run, drawn as far as a template cannot.

    Attributes:
        title: the run's name, told apart from others of that name.
        mark: what every figure and table of the run says of its data; empty for photographs.
        slices: title and figure of each fact.
        groups: for false alarms and for misses, the same of each grouping of people.
    """

    run: Run
    evaluation: Evaluation
    title: str
    mark: str
    curves: tuple[str, ...]
    confusion: tuple[str, str]
    slices: list[tuple[str, str]]
    groups: dict[str, list[tuple[str, str]]]
    examples: list[Tile]
    mistakes: list[Tile]

    @property
    def absent(self) -> int:
        """How many photos are not there."""
        return len({t.shown.name for t in [*self.examples, *self.mistakes] if not t.uri})

    @property
    def shows_photos(self) -> bool:
        """Whether there is any photo; without one, names alone are shown."""
        return any(t.uri for t in [*self.examples, *self.mistakes])

    @property
    def full_title(self) -> str:
        """The title, with the mark where there is one."""
        return f"{self.title} ({self.mark})" if self.mark else self.title


def write_report(
    runs: Sequence[Path],
    target: Path,
    *,
    language: Language = "es",
    benchmark: Path | None = None,
    photos: Sequence[PhotoFinder] = (),
) -> None:
    """Write one self-contained HTML page about one or more finished runs.

    Args:
        runs: run folders, in the order in which they are shown.
        target: the HTML file; an earlier report is replaced whole, nothing else is.
        language: of every word on the page.
        benchmark: a file of `make benchmark`, for the comparison; None compares the runs at
            hand.
        photos: one for each run; where there is no photo, or it is no longer the one that was
            evaluated, the page goes without it and says so.

    Raises:
        DataError: there is no run, a run or the benchmark lacks something, or the target is
            something else than a report; nothing is written.
    """
    if not runs:
        raise DataError("A report needs a run. Received: no folder. Name one or more run folders.")
    read = [(read_run(folder), read_evaluation(folder)) for folder in runs]
    refuse_foreign(target)
    words = Wording(language)
    own = tuple(itertools.starmap(measure_run, read))
    measured = read_benchmark(benchmark) if benchmark else own
    if benchmark or any(run.is_original for run, _ in read):
        measured = (CLAIM, *measured)
    titles = _make_titles([run.name for run, _ in read])
    finders = photos or [_NO_PHOTOS] * len(read)
    chapters = [
        _draw_chapter(*one, title=title, words=words, photos=find)
        for one, title, find in zip(read, titles, finders, strict=True)
    ]
    context = _describe(chapters, words) | _compare(chapters, words, measured=measured, own=own)
    write_text(target, render("report.html", words, context))


def _make_titles(names: Sequence[str]) -> list[str]:
    """Number the names that several runs bear."""
    return [
        f"{name} ({names[: i + 1].count(name)})" if names.count(name) > 1 else name
        for i, name in enumerate(names)
    ]


def _describe(chapters: Sequence[Chapter], words: Wording) -> dict[str, Any]:
    """Gather what the template shows of the runs."""
    runs = [chapter.run for chapter in chapters]
    return {
        "embed": _make_embedder(),
        "chapters": chapters,
        "inputs": _group(chapters, lambda run: (run.recipe.input, run.recipe.augmentation)),
        "networks": _group(chapters, lambda run: run.network),
        "experiment": any(set(run.recipe.labels) == set(ORIGINAL_LABELS) for run in runs),
        "original": next((c for c in chapters if c.run.is_original), None),
        "kinds": {run.data.kind for run in runs},
        "labels": list(dict.fromkeys(label for run in runs for label in run.recipe.labels)),
        "protocols": list(dict.fromkeys(run.parts.name for run in runs)),
        "has_sizes": any(_has_sizes(run) for run in runs),
        "leak_kinds": ["same_photo", "near_duplicate", "same_subject", "any"],
        "augmentations": _list_augmentations,
        "draw_reliability": figures.draw_reliability,
        "draw_risk": figures.draw_risk,
        "name_group": lambda group: _name_group(group, words),
        "model_files": MODEL_FILES,
        "findings": findings,
        "commands": list(_list_commands(runs, words.language)),
    }


def _compare(
    chapters: Sequence[Chapter],
    words: Wording,
    *,
    measured: Sequence[Measured],
    own: Sequence[Measured],
) -> dict[str, Any]:
    """Gather what the template shows of the comparison: only figures of the same data compare."""
    has_benchmark = not set(own) <= set(measured)
    foreign = [chapter for chapter in chapters if chapter.run.data.kind != CMU]
    return {
        "measured": measured,
        "own": own,
        "has_benchmark": has_benchmark,
        "foreign": foreign if has_benchmark else [],
        "mixed": not has_benchmark and len({one.data for one in own}) > 1,
        "cards": [CLAIM, *own] if any(c.run.is_original for c in chapters) else own,
        "bars": draw_measured(measured, words),
        "splits": list(compare_splits(measured)),
        "name_measured": name_measured,
        "colours": figures.KIND_COLOURS,
    }


def _make_embedder() -> Callable[[str], Markup]:
    """Make a function that fits each SVG to stand among others: no two on a page share an id."""
    numbers = itertools.count(1)

    def _embed(svg: str) -> Markup:
        prefix = f"figure{next(numbers)}-"
        svg = re.sub(r'\bid="', f'id="{prefix}', svg)
        svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}", svg)
        return Markup(svg.replace("<svg ", '<svg role="img" ', 1))

    return _embed


def _group(chapters: Sequence[Chapter], key: Callable[[Run], object]) -> list[tuple[str, Chapter]]:
    """Put runs that share something together, so that it is told once: their titles, the first."""
    groups: dict[object, list[Chapter]] = {}
    for chapter in chapters:
        groups.setdefault(key(chapter.run), []).append(chapter)
    return [(", ".join(c.title for c in group), group[0]) for group in groups.values()]


def _has_sizes(run: Run) -> bool:
    """Tell whether one photo may lie among the data at several sizes, each in a file of its own."""
    return run.data.kind in (CMU, "drawn") and len(run.recipe.input.scales) > 1


def _list_augmentations(plan: Augmentation) -> list[tuple[str, Any]]:
    """List what changes images."""
    return [(name, value) for name, value in dataclasses.asdict(plan).items() if value]


def _list_commands(runs: Sequence[Run], language: Language) -> Iterator[str]:
    """List what to type, in a POSIX shell, to train the runs again and report on them."""
    places = [run.folder.resolve() if run.folder.name != run.name else run.folder for run in runs]
    again = [_quote(place.with_name(f"{place.name}-2")) for place in places]
    for run, place, new in zip(runs, places, again, strict=True):
        kind, data = run.data.kind, _quote(run.data.path or Path("PHOTOS"))
        before = f"GAFAS_EYEWEAR={data} " if kind == "eyewear" and run.data.path else ""
        # Where the CMU photos are, gafas knows by itself.
        after = f" --data {data}" if kind in ("own", "drawn") else ""
        yield f"{before}gafas train {_quote(place / 'recipe.toml')} {new}{after}"
    yield f"gafas report {' '.join(again)} --language {language} --out report.html"


def _quote(path: Path) -> str:
    """Quote a path for a shell; one that begins with a dash is no option."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def _draw_chapter(
    run: Run, evaluation: Evaluation, *, title: str, words: Wording, photos: PhotoFinder
) -> Chapter:
    """Prepare what the page shows of a run.

    No photo of the eyewear sets is ever shown: they may not be published.
    """
    find = _NO_PHOTOS if run.data.kind == "eyewear" else photos
    groups = evaluation.groups
    found = {"false_alarms": groups and groups.false_alarms, "misses": groups and groups.misses}
    return Chapter(
        run=run,
        evaluation=evaluation,
        title=title,
        mark=words.plain("words.drawn") if run.is_drawn else "",
        curves=_draw_curves(run, words),
        confusion=_draw_confusion(evaluation, words),
        slices=list(_draw_slices(evaluation, words)),
        groups={
            kind: list(_draw_groups(made, kind=kind, words=words))
            for kind, made in found.items()
            if made
        },
        examples=[make_tile(shown, find(shown.name)) for shown in evaluation.examples],
        mistakes=[make_tile(shown, find(shown.name)) for shown in evaluation.mistakes],
    )


def _draw_curves(run: Run, words: Wording) -> tuple[str, ...]:
    """Draw loss and accuracy by epoch, with the claimed values where these compare."""
    held = "watched_part" if run.parts.watches_test else "validation_part"
    names = words.plain("words.training_part"), words.plain(f"words.{held}")
    loss = [e.loss for e in run.history], [e.val_loss for e in run.history]
    right = [e.accuracy for e in run.history], [e.val_accuracy for e in run.history]
    reached = [value for values in right for value in values if value is not None]
    # Where hardly anything moves, whole percents would write one number at every line.
    share = words.whole if max(reached) - min(reached) > 0.06 else words.percent
    plans = (
        ("loss", loss, words.exact, findings.CLAIMED_VAL_LOSS),
        ("accuracy", right, share, findings.CLAIMED_VAL_ACCURACY),
    )
    return tuple(
        figures.draw_curves(
            dict(zip(names, values, strict=True)),
            labels=(words.plain("words.epoch"), words.plain(f"words.{quantity}")),
            write=write,
            reference=(words.plain("words.claimed"), claimed) if run.is_original else None,
        )
        for quantity, values, write, claimed in plans
    )


def _draw_confusion(evaluation: Evaluation, words: Wording) -> tuple[str, str]:
    matrix = evaluation.confusion
    labels = [words.name("labels", label) for label in matrix.labels]
    axes = words.plain("words.predicted"), words.plain("words.truth")
    return (
        figures.draw_confusion(matrix.counts, labels, axis_labels=axes, write=words.count),
        figures.draw_confusion(matrix.shares, labels, axis_labels=axes, write=words.percent),
    )


def _draw_slices(evaluation: Evaluation, words: Wording) -> Iterator[tuple[str, str]]:
    """Draw one figure a fact, in the evaluation's order, the subject last."""
    facts: dict[str, list[figures.Bar]] = {}
    for part in evaluation.slices:
        name = words.name(f"values.{part.fact}", part.value)
        name = f"{name} ({words.count(part.samples)})"
        share = words.percent(part.accuracy)
        bar = figures.Bar(name, part.accuracy, share, interval=part.wilson)
        facts.setdefault(part.fact, []).append(bar)
    label, overall = words.plain("words.accuracy"), evaluation.accuracy.value
    for fact in sorted(facts, key=lambda fact: fact == "subject"):
        svg = figures.draw_bars(facts[fact], share=words.whole, label=label, reference=overall)
        yield words.name("facts", fact), svg


def _draw_groups(made: GroupMistakes, *, kind: str, words: Wording) -> Iterator[tuple[str, str]]:
    for facts, groups in itertools.groupby(made.groups, key=lambda group: group.facts):
        bars = [
            figures.Bar(
                f"{_name_group(group, words)} ({words.count(group.faces)})",
                group.share,
                words.percent(group.share),
                interval=group.wilson,
            )
            for group in groups
        ]
        svg = figures.draw_bars(
            bars,
            share=words.percent,
            label=words.plain(f"faces.{kind}"),
            reference=made.overall.share,
            whole=False,
        )
        yield ", ".join(words.name("facts", fact) for fact in facts), svg


def _name_group(group: Group, words: Wording) -> str:
    pairs = zip(group.facts, group.value.split(", "), strict=True)
    return ", ".join(words.name(f"values.{fact}", value) for fact, value in pairs)
