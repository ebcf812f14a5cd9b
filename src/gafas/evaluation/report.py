"""The report: one HTML page, made from what runs leave behind, that needs nothing else."""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from gafas.data.samples import EYEWEAR_LABELS
from gafas.data.writing import write_text
from gafas.errors import DataError
from gafas.evaluation import signs
from gafas.evaluation.chapters import Chapter, draw_chapter, draw_comparison, name_measured
from gafas.evaluation.comparison import (
    CLAIM,
    Kind,
    Measured,
    find_measured,
    measure_run,
    read_benchmark,
)
from gafas.evaluation.conclusions import TOPICS
from gafas.evaluation.runfolder import MODEL_FILES, Run, read_run
from gafas.evaluation.tiles import PhotoFinder
from gafas.evaluation.wording import Language, Wording

_LEAK_KINDS = ("same_photo", "near_duplicate", "same_subject", "any")
_NOTABLE_DROP = 0.01


def write_report(
    runs: Sequence[Path],
    target: Path,
    *,
    language: Language = "es",
    benchmark: Path | None = None,
    photos: PhotoFinder = lambda name: None,
) -> None:
    """Write one self-contained HTML page about one or more finished runs.

    Args:
        runs: run folders, in the order in which they are shown.
        target: the HTML file; replaced whole if it exists.
        language: of every word on the page.
        benchmark: a file of `gafas benchmark`, for the comparison; None compares the runs at hand.
        photos: where the photo of a sample's name lies; None for a name shows a neutral tile.

    Raises:
        DataError: there is no run, or a run or the benchmark lacks something; nothing is written.
    """
    if not runs:
        raise DataError("A report needs a run. Received: no folder. Name one or more run folders.")
    read = [read_run(folder) for folder in runs]
    words = Wording(language)
    own = tuple(map(measure_run, read))
    measured = read_benchmark(benchmark) if benchmark else own
    if benchmark or any(run.is_original for run in read):
        measured = (CLAIM, *measured)
    titles = _make_titles(read)
    chapters = [
        draw_chapter(run, title, words=words, photos=photos)
        for run, title in zip(read, titles, strict=True)
    ]
    context = _describe(chapters, measured, words=words)
    context |= {"own": own, "has_benchmark": benchmark is not None}
    write_text(target, _template().render(context))


def _make_titles(runs: Sequence[Run]) -> list[str]:
    """Name each run by its folder, and number the folders that bear the same name."""
    names = [run.name for run in runs]
    return [
        f"{name} ({names[: i + 1].count(name)})" if names.count(name) > 1 else name
        for i, name in enumerate(names)
    ]


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("gafas.evaluation", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")


def _describe(
    chapters: Sequence[Chapter], measured: Sequence[Measured], *, words: Wording
) -> dict[str, Any]:
    """Gather what the template shows: facts and figures, of which it makes the page."""
    runs = [chapter.run for chapter in chapters]
    css = resources.files("gafas.evaluation").joinpath("report.css").read_text(encoding="utf-8")
    return {
        "w": words,
        "css": Markup(css),
        "embed": _make_embedder(),
        "chapters": chapters,
        "inputs": _group(chapters, lambda run: (run.recipe["input"], run.recipe["augmentation"])),
        "networks": _group(chapters, lambda run: run.network),
        "subject": _judge_subject(runs),
        "looks_at_faces": all(chapter.faces for chapter in chapters),
        "is_cmu": any(run.is_cmu for run in runs),
        "labels": {label: None for run in runs for label in run.labels},
        "protocols": {run.protocol: None for run in runs},
        "measured": measured,
        "cards": _pick_cards(measured),
        "bars": draw_comparison(measured, words),
        "drops": list(_compare_exams(measured)),
        "missing": _list_missing(measured),
        "name_measured": name_measured,
        "leak_kinds": _LEAK_KINDS,
        "leak_verdict": _judge_leak,
        "augmentations": _list_augmentations,
        "heaviest": _find_heaviest,
        "shape": lambda sizes: " × ".join(words.count(size) for size in sizes if size),
        "topics": TOPICS,
        "model_files": MODEL_FILES,
        "claims": signs,
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
    if any(set(run.labels) == set(EYEWEAR_LABELS) for run in runs):
        return "three"
    return "own"


def _pick_cards(measured: Sequence[Measured]) -> list[Measured]:
    """Pick what opens the page: the claim, its recipe's leak, and the strictest of each recipe."""
    first = next((m for m in measured if m.kind == "leak"), None)
    picked = [find_measured(measured, "claimed"), first]
    for recipe in _list_recipes(measured):
        kinds: tuple[Kind, ...] = ("honest", "strangers", "people")
        found = (find_measured(measured, kind, recipe=recipe) for kind in kinds)
        picked.append(next(filter(None, found), None))
    return [m for m in picked if m is not None]


def _list_missing(measured: Sequence[Measured]) -> list[Kind]:
    """List the yardsticks of the experiment that no figure is taken with; faces have others."""
    kinds: tuple[Kind, ...] = ("leak", "honest")
    faces = all(m.kind == "strangers" for m in measured)
    return [] if faces else [kind for kind in kinds if not find_measured(measured, kind)]


def _list_recipes(measured: Sequence[Measured]) -> list[str]:
    return list(dict.fromkeys(m.recipe for m in measured if m.kind != "claimed"))


def _compare_exams(measured: Sequence[Measured]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a sentence for every recipe with both a leaking and an honest figure."""
    for recipe in _list_recipes(measured):
        leak = find_measured(measured, "leak", recipe=recipe)
        honest = find_measured(measured, "honest", recipe=recipe)
        if leak and honest:
            gap = leak.accuracy - honest.accuracy
            values = {
                "recipe": recipe,
                "leak": leak.accuracy,
                "honest": honest.accuracy,
                "gap": gap,
            }
            yield f"comparison.{'drop' if gap > _NOTABLE_DROP else 'no_drop'}", values


def _judge_leak(run: Run) -> tuple[str, dict[str, Any]]:
    """Choose the sentence on a run's leaks, the gravest first."""
    if run.leaks is None:
        return "leaks.unknown", {}
    kinds = {"same_photo": "photo", "same_subject": "subject", "near_duplicate": "near"}
    for kind, choice in kinds.items():
        if run.leak_share(kind):
            return f"leaks.{choice}", {"share": run.leak_share(kind)}
    return ("leaks.clean" if run.subjects_known else "leaks.clean_photos"), {}


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
