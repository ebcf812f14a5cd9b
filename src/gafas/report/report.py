"""The report: one HTML page, made from what runs leave behind, that needs nothing else."""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from gafas.datasets.samples import EYEWEAR_LABELS, ORIGINAL_LABELS
from gafas.errors import DataError
from gafas.files import write_text
from gafas.labels import Language
from gafas.report import signs
from gafas.report.chapters import (
    Chapter,
    draw_chapter,
    draw_comparison,
    list_commands,
    name_measured,
    tell_drawing,
)
from gafas.report.comparison import (
    CLAIM,
    CMU,
    Kind,
    Measured,
    find_measured,
    group_measured,
    measure_run,
    read_benchmark,
)
from gafas.report.findings import TOPICS
from gafas.report.runfolder import MODEL_FILES, Run, read_run
from gafas.report.tiles import PhotoFinder
from gafas.report.wording import Wording

_LEAK_KINDS = ("same_photo", "near_duplicate", "same_subject", "any")
_NOTABLE_DROP = 0.01
_EYEWEAR_WORDS = frozenset((*EYEWEAR_LABELS, *ORIGINAL_LABELS))

_SIGNATURE = b'<meta name="generator" content="gafas">'
"""What every report holds near its beginning."""

_HEAD = 4096  # octets within which the signature stands


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
        photos: for each run, where the photo of a sample's name lies; where there is none, or it
            is no longer the one that was evaluated, the page goes without it and says so.

    Raises:
        DataError: there is no run, a run or the benchmark lacks something, or the target is
            something else than a report; nothing is written.
    """
    if not runs:
        raise DataError("A report needs a run. Received: no folder. Name one or more run folders.")
    read = [read_run(folder) for folder in runs]
    _refuse_foreign(target)
    words = Wording(language)
    own = tuple(map(measure_run, read))
    measured = read_benchmark(benchmark) if benchmark else own
    if benchmark or any(run.is_original for run in read):
        measured = (CLAIM, *measured)
    titles = _make_titles(read)
    finders = photos or [lambda name: None] * len(read)
    chapters = [
        draw_chapter(run, title, words=words, photos=find)
        for run, title, find in zip(read, titles, finders, strict=True)
    ]
    context = _describe(chapters, words=words)
    context |= _compare(chapters, measured, own=own, words=words)
    write_text(target, _template().render(context))


def _refuse_foreign(target: Path) -> None:
    """Refuse to write over anything but an earlier report."""
    if target.is_file():
        with target.open("rb") as file:
            if _SIGNATURE in file.read(_HEAD):
                return
    elif not target.exists():
        return
    raise DataError(
        f"{str(target)!r} is there already and is no report of gafas, so it is left as it is. "
        "Choose another name, or take it away."
    )


def _make_titles(runs: Sequence[Run]) -> list[str]:
    """Name each run by its folder, and number the folders that bear the same name."""
    names = [run.name for run in runs]
    return [
        f"{name} ({names[: i + 1].count(name)})" if names.count(name) > 1 else name
        for i, name in enumerate(names)
    ]


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("gafas.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")


def _describe(chapters: Sequence[Chapter], *, words: Wording) -> dict[str, Any]:
    """Gather what the template shows of the runs: facts, of which it makes the page."""
    runs = [chapter.run for chapter in chapters]
    css = (
        resources.files("gafas.report").joinpath("templates/report.css").read_text(encoding="utf-8")
    )
    kinds = {run.data.kind for run in runs}
    return {
        "w": words,
        "css": Markup(css),
        "embed": _make_embedder(),
        "chapters": chapters,
        "inputs": _group(chapters, lambda run: (run.recipe["input"], run.recipe["augmentation"])),
        "networks": _group(chapters, lambda run: run.network),
        "subject": _judge_subject(runs),
        "about_eyewear": all(set(run.labels) <= _EYEWEAR_WORDS for run in runs),
        "kinds": kinds,
        "labels": {label: None for run in runs for label in run.labels},
        "protocols": _list_protocols(runs),
        "has_sizes": any(run.sizes_used > 1 for run in runs),
        "resampled": any(run.evaluation["accuracy"]["bootstrap_subjects"] for run in runs),
        "leak_kinds": _LEAK_KINDS,
        "leak_verdict": _judge_leak,
        "is_known": _is_known,
        "augmentations": _list_augmentations,
        "heaviest": _find_heaviest,
        "shape": lambda sizes: " × ".join(words.count(size) for size in sizes if size),
        "topics": TOPICS,
        "model_files": MODEL_FILES,
        "claims": signs,
        "commands": list_commands(runs, words),
        "drawing": tell_drawing,
    }


def _compare(
    chapters: Sequence[Chapter],
    measured: Sequence[Measured],
    *,
    own: Sequence[Measured],
    words: Wording,
) -> dict[str, Any]:
    """Gather what the template shows of the comparison: only figures of the same data compare."""
    has_benchmark = not set(own) <= set(measured)
    foreign = [chapter for chapter in chapters if chapter.run.data.kind != CMU]
    return {
        "measured": measured,
        "own": own,
        "has_benchmark": has_benchmark,
        "has_claim": CLAIM in measured,
        "foreign": foreign if has_benchmark else [],
        "mixed": not has_benchmark and len({one.data for one in own}) > 1,
        # Figures of the benchmark open no page that has nothing to do with its photos.
        "cards": _pick_cards(own if len(foreign) == len(chapters) else measured),
        "bars": draw_comparison(measured, words),
        "drops": list(_compare_exams(measured)),
        "missing": _list_missing([c.run for c in chapters], measured, whole=has_benchmark),
        "name_measured": name_measured,
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


def _group(chapters: Sequence[Chapter], same: Callable[[Run], object]) -> list[tuple[str, Chapter]]:
    """Put runs that share something together, so that it is told once: their titles, the first."""
    groups: list[list[Chapter]] = []
    for chapter in chapters:
        for group in groups:
            if same(group[0].run) == same(chapter.run):
                group.append(chapter)
                break
        else:
            groups.append([chapter])
    return [(", ".join(c.title for c in group), group[0]) for group in groups]


def _judge_subject(runs: Sequence[Run]) -> str:
    """Choose the opening: the original's question, the three labels, or a user's own."""
    if any(run.is_original for run in runs):
        return "original"
    if all(run.is_drawn and set(run.labels) == set(ORIGINAL_LABELS) for run in runs):
        return "drawn"
    if any(set(run.labels) == set(EYEWEAR_LABELS) for run in runs):
        return "three"
    return "own"


def _list_protocols(runs: Sequence[Run]) -> dict[tuple[str, str], None]:
    """List each protocol once, with the sentence on it: where photos have sizes, it tells more."""
    return {
        (run.protocol, f"{run.protocol}_sizes" if _tells_sizes(run) else run.protocol): None
        for run in runs
    }


def _tells_sizes(run: Run) -> bool:
    return run.protocol in ("by_file", "by_photo") and run.sizes_used > 1


def _pick_cards(measured: Sequence[Measured]) -> list[Measured]:
    """Pick what opens the page: the claim, the first leak, and the strictest of each recipe."""
    first = next((m for m in measured if m.kind == "leak"), None)
    picked = [find_measured(measured, "claimed"), first]
    kinds: tuple[Kind, ...] = ("honest", "strangers", "people", "unaudited", "leak")
    for rows in group_measured(measured):
        strictest = next(filter(None, (find_measured(rows, kind) for kind in kinds)), None)
        picked.append(None if strictest is first else strictest)
    return [m for m in picked if m is not None]


def _list_missing(runs: Sequence[Run], measured: Sequence[Measured], *, whole: bool) -> list[Kind]:
    """List the yardsticks of the experiment that no figure is taken with, and could be.

    Args:
        runs: those of the report.
        measured: every figure of the comparison.
        whole: whether these are a benchmark of the whole experiment.
    """
    if len({m.data for m in measured if m.kind != "claimed"}) > 1:
        return []  # of which data, would be the question
    possible: list[Kind] = []
    if whole or any(run.sizes_used > 1 for run in runs):
        possible.append("leak")
    if whole or any(run.subjects_known for run in runs):
        possible.append("honest")
    return [kind for kind in possible if not find_measured(measured, kind)]


def _compare_exams(measured: Sequence[Measured]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield a sentence for all that may be compared and has a leaking and an honest figure.

    With it come its values, and whether it rests on drawn people.
    """
    for rows in group_measured(measured):
        leak, honest = find_measured(rows, "leak"), find_measured(rows, "honest")
        if leak and honest:
            gap = leak.accuracy - honest.accuracy
            values = {
                "recipe": leak.recipe,
                "leak": leak.accuracy,
                "honest": honest.accuracy,
                "gap": gap,
            }
            apart = (honest.high or honest.accuracy) < (leak.low or leak.accuracy)
            drop = "drop" if apart else "drop_unclear"
            yield f"comparison.{drop if gap > _NOTABLE_DROP else 'no_drop'}", values, leak.drawn


_LEAKS: Mapping[signs.Leak, tuple[str, str]] = {
    "unaudited": ("unknown", ""),
    "photo": ("photo", "same_photo"),
    "subject": ("subject", "same_subject"),
    "near": ("near", "near_duplicate"),
    "near_unknown": ("near_unknown", "near_duplicate"),
    "clean": ("clean", ""),
    "clean_photos": ("clean_photos", ""),
}
"""The sentence on each leak, and the share that it is said with."""


def _judge_leak(run: Run) -> tuple[str, dict[str, Any]]:
    """Choose the sentence on a run's leaks, the gravest first."""
    choice, kind = _LEAKS[signs.judge_leak(run)]
    return f"leaks.{choice}", {"share": run.leak_share(kind)} if kind else {}


def _is_known(run: Run, kind: str) -> bool:
    """Tell whether a count of the audit means anything: nobody found is not nobody there."""
    return bool(run.leaks and (kind != "same_subject" or run.subjects_known or run.leaks[kind]))


def _list_augmentations(run: Run) -> list[tuple[str, Any]]:
    """List what changes images; how dark drawn lenses are says nothing where none are drawn."""
    plan = run.recipe.get("augmentation", {})
    idle = () if plan.get("rendered") else ("clear", "dark")
    return [(name, value) for name, value in plan.items() if value and name not in idle]


def _find_heaviest(run: Run) -> Mapping[str, Any] | None:
    """Return the layer with more than half of the parameters, and their share, if there is one."""
    layer = max(run.network, key=lambda entry: entry["parameters"])
    share = layer["parameters"] / max(1, run.parameters)
    return {"layer": layer["name"], "share": share} if share > 0.5 else None
