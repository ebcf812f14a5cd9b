"""What the report shows of one run: figures drawn, photos embedded, conclusions chosen."""

import dataclasses
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from gafas.datasets.drawn import MARKER
from gafas.labels import UNSURE
from gafas.report import face_figures, figures, signs
from gafas.report.comparison import Measured
from gafas.report.findings import Finding, conclude
from gafas.report.runfolder import Run, read_json
from gafas.report.tiles import PhotoFinder, Tile, make_tiles
from gafas.report.wording import Wording

Kind = Literal["false_alarms", "misses"]

_CURVES: Final = {
    "right": "right",
    "found": "found",
    "unsure": "unsure_share",
    "wrong": "wrong_given",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Groups:
    """False alarms or misses: the sentence on all, on the worst group, and a figure a grouping."""

    kind: Kind
    overall: Mapping[str, Any]
    worst: Mapping[str, Any] | None
    figures: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class FaceChapter:
    """What the page shows of a model of faces; what was not measured is None or empty.

    Attributes:
        risk: the curve of what is answered and what of it is wrong.
        groups: false alarms and misses by who the people are.
        tinted: what is answered to lightly tinted lenses.
        sweeps: title and figure of each way of getting worse; `photos`, on so many.
        lenses: the figure of lenses that get darker; `bare`, on so many faces.
    """

    risk: str | None
    groups: tuple[Groups, ...]
    tinted: Mapping[str, Any] | None
    sweeps: tuple[tuple[str, str], ...]
    photos: int
    lenses: str | None
    bare: int


def draw_faces(run: Run, words: Wording) -> FaceChapter | None:
    """Draw what a run tells of a model of faces; None for a model of whole photos."""
    if run.evaluation["model"].get("view") != "face":
        return None
    parts = run.benchmark or {}
    robustness, lenses = parts.get("robustness"), parts.get("lenses")
    return FaceChapter(
        risk=_draw_risk(run, words),
        groups=tuple(_tell_groups(run, words)),
        tinted=parts.get("tinted") or run.evaluation.get("tinted"),
        sweeps=tuple(_draw_sweeps(robustness, words)) if robustness else (),
        photos=sum(robustness["photos"].values()) if robustness else 0,
        lenses=_draw_lenses(lenses, words) if lenses else None,
        bare=lenses["photos"] if lenses else 0,
    )


def _draw_risk(run: Run, words: Wording) -> str | None:
    points, unsure = run.evaluation.get("risk"), run.evaluation["unsure"]
    if not points:
        return None
    known = unsure["threshold"] > 0 and unsure["accuracy"] is not None
    own = (unsure["answered"], 1 - unsure["accuracy"]) if known else None
    return face_figures.draw_risk(
        points, own=own, words=words.group("words"), write=(words.whole, words.percent)
    )


def _tell_groups(run: Run, words: Wording) -> Iterator[Groups]:
    groups = run.evaluation.get("groups") or {}
    kinds: tuple[Kind, ...] = ("false_alarms", "misses")
    for kind in kinds:
        found = groups.get(kind)
        if found:
            worst = found["worst"]
            yield Groups(
                kind=kind,
                overall=found["overall"],
                worst=worst
                and {**worst, "name": _name(worst, words), "smallest": groups["smallest"]},
                figures=tuple(_draw_groups(found, kind=kind, words=words)),
            )


def _draw_groups(
    found: Mapping[str, Any], *, kind: Kind, words: Wording
) -> Iterator[tuple[str, str]]:
    for facts in dict.fromkeys(tuple(group["facts"]) for group in found["groups"]):
        shares = [
            face_figures.Share(
                f"{_name(group, words)} ({words.count(group['faces'])})",
                group["share"],
                words.percent(group["share"]),
                *group["wilson"],
            )
            for group in found["groups"]
            if tuple(group["facts"]) == facts
        ]
        yield (
            ", ".join(words.name("facts", fact) for fact in facts),
            face_figures.draw_shares(
                shares,
                reference=found["overall"]["share"],
                label=words.plain(f"faces.{kind}"),
                write=words.percent,
            ),
        )


def _name(group: Mapping[str, Any], words: Wording) -> str:
    values = group["value"].split(", ")
    pairs = zip(group["facts"], values, strict=True)
    return ", ".join(words.name(f"values.{fact}", value) for fact, value in pairs)


def _draw_sweeps(robustness: Mapping[str, Any], words: Wording) -> Iterator[tuple[str, str]]:
    for sweep in robustness["sweeps"]:
        levels = [level for level in sweep["levels"] if level["photos"]]
        if levels:
            title = words.name("sweeps", sweep["name"])
            curves = {
                words.plain(f"words.{word}"): [level[key] for level in levels]
                for key, word in _CURVES.items()
            }
            names = [words.exact(level["level"]) for level in levels]
            figure = face_figures.draw_levels(names, curves, label=title, share=words.whole)
            yield title, figure


def _draw_lenses(lenses: Mapping[str, Any], words: Wording) -> str:
    levels = lenses["levels"]
    labels = [label for label in levels[0]["answers"] if label != UNSURE]
    curves = {
        words.name("labels", label): [level["mean_probabilities"][label] for level in levels]
        for label in labels
    }
    bare = words.plain("words.bare")
    names = [
        bare if level["darkness"] is None else words.exact(level["darkness"]) for level in levels
    ]
    darkness = words.plain("words.darkness")
    return face_figures.draw_levels(names, curves, label=darkness, share=words.whole)


Curves = Mapping[str, Sequence[float | None]]

_WIDE = 0.06


@dataclasses.dataclass(frozen=True, slots=True)
class Chapter:
    """What the page shows of one run, drawn and worded as far as a template cannot.

    Attributes:
        title: the run's name, told apart from others of that name.
        mark: what every figure and table of the run says of its data; empty for photographs.
    """

    run: Run
    title: str
    mark: str
    curves: tuple[str, ...]
    confusion: tuple[str, ...]
    reliability: str
    slices: tuple[tuple[str, str], ...]
    examples: list[Tile]
    mistakes: list[Tile]
    findings: tuple[Finding, ...]
    faces: FaceChapter | None

    @property
    def tiles(self) -> list[Tile]:
        """Every prediction that is shown with its photo, if there is one."""
        return [*self.examples, *self.mistakes]

    @property
    def shows_photos(self) -> bool:
        """Whether examples and mistakes are shown as photos, or else by name alone.

        Where there is no photo at all, a table says more than neutral tiles.
        """
        return any(tile.uri for tile in self.tiles)

    @property
    def changed(self) -> int:
        """How many photos are not shown because they are no longer those that were evaluated."""
        return len({tile.name for tile in self.tiles if tile.changed})

    @property
    def missing(self) -> int:
        """How many photos are not shown because they are not there, or cannot be read."""
        return len({tile.name for tile in self.tiles if not (tile.uri or tile.changed)})

    @property
    def full_title(self) -> str:
        """The title, with the mark where there is one."""
        return f"{self.title} ({self.mark})" if self.mark else self.title


def draw_chapter(run: Run, title: str, *, words: Wording, photos: PhotoFinder) -> Chapter:
    """Prepare what the page shows of a run under a title.

    No photo of the eyewear sets is ever shown: they may not be published.
    """
    bins = run.evaluation["calibration"]["bins"]
    known = words.group("words")
    if run.data.kind == "eyewear":
        photos = _find_none
    return Chapter(
        run=run,
        title=title,
        mark=words.plain("words.drawn") if run.is_drawn else "",
        curves=_draw_curves(run, words),
        confusion=_draw_confusion(run, words),
        reliability=figures.draw_reliability(bins, words=known, share=words.whole),
        slices=_draw_slices(run, words),
        examples=make_tiles(run.evaluation["examples"], photos),
        mistakes=make_tiles(run.evaluation["mistakes"], photos),
        findings=conclude(run),
        faces=draw_faces(run, words),
    )


def _find_none(name: str) -> None:
    """Find no photo at all."""


def list_commands(runs: Sequence[Run], words: Wording) -> list[str]:
    """List what to type, in a POSIX shell, to train the runs again and report on them."""
    places = [_place(run) for run in runs]
    new = [_quote(place.with_name(f"{place.name}-2")) for place in places]
    lines = []
    for run, place, again in zip(runs, places, new, strict=True):
        before, after = _name_data(run)
        lines.append(f"{before}gafas train {_quote(place / 'recipe.toml')} {again}{after}")
    return [
        *lines,
        f"gafas report {' '.join(new)} --language {words.language} --out report.html",
    ]


def tell_drawing(run: Run) -> str | None:
    """Return the command that draws a run's people again; None if they are no drawn ones.

    None, too, where their seed is not known because they are gone.
    """
    path = run.data.path
    if path is None or not run.is_drawn or not (path / MARKER).is_file():
        return None
    seed = read_json(path / MARKER)["seed"]
    return f"gafas draw {_quote(path)} --seed {seed}"


def _place(run: Run) -> Path:
    """Return a run's folder by a path that ends in its name, which `.` does not."""
    return run.folder if run.folder.name == run.name else run.folder.resolve()


def _quote(path: Path) -> str:
    """Quote a path for a shell; one that begins with a dash is no option."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def _name_data(run: Run) -> tuple[str, str]:
    """Return what stands before and after a training's command so that it finds the data.

    A run's recipe is of its run's data; of the CMU photos gafas knows where they are by itself.
    """
    kind, place = run.data.kind, run.data.path
    if kind == "eyewear":
        return (f"GAFAS_EYEWEAR={_quote(place)} " if place else ""), ""
    return "", "" if kind == "cmu" else f" --data {_quote(place) if place else 'PHOTOS'}"


def draw_comparison(measured: Sequence[Measured], words: Wording) -> str:
    """Draw every figure of the comparison as a bar."""
    bars = [
        figures.Bar(
            name_measured(m, words, brief=True),
            m.accuracy,
            words.percent(m.accuracy),
            low=m.low,
            high=m.high,
            kind=m.kind,
        )
        for m in measured
    ]
    label = words.plain("words.accuracy")
    return figures.draw_bars(bars, share=words.whole, label=label)


def name_measured(measured: Measured, words: Wording, *, brief: bool = False) -> str:
    """Say in a few words where a figure of the comparison comes from; `brief` for a bar's name."""
    if measured.kind == "claimed":
        return words.plain("comparison.claim_row")
    name = f"{measured.recipe}, {words.name('protocols', measured.protocol)}"
    mark = words.plain("words.drawn_brief" if brief else "words.drawn")
    return f"{name} ({mark})" if measured.drawn else name


def _draw_curves(run: Run, words: Wording) -> tuple[str, ...]:
    watched = "watched_part" if run.watches_test else "validation_part"
    names = words.plain("words.training_part"), words.plain(f"words.{watched}")
    history, claimed = run.history, words.plain("words.claimed")
    loss: Curves = {names[0]: [e.loss for e in history], names[1]: [e.val_loss for e in history]}
    right: Curves = {
        names[0]: [e.accuracy for e in history],
        names[1]: [e.val_accuracy for e in history],
    }
    reached = [v for values in right.values() for v in values if v is not None]
    # Where hardly anything moves, whole percents would write one number at every line.
    share = words.whole if max(reached) - min(reached) > _WIDE else words.percent
    plans = (
        ("loss", loss, words.exact, signs.CLAIMED_VAL_LOSS),
        ("accuracy", right, share, signs.CLAIMED_VAL_ACCURACY),
    )
    return tuple(
        figures.draw_curves(
            curves,
            labels=(words.plain("words.epoch"), words.plain(f"words.{quantity}")),
            write=write,
            reference=(claimed, level) if run.is_original else None,
        )
        for quantity, curves, write, level in plans
    )


def _draw_confusion(run: Run, words: Wording) -> tuple[str, ...]:
    matrix = run.evaluation["confusion"]
    labels = [words.name("labels", label) for label in run.labels]
    axis_labels = words.plain("words.predicted"), words.plain("words.truth")
    return tuple(
        figures.draw_confusion(matrix[cells], labels, axis_labels=axis_labels, write=write)
        for cells, write in (("counts", words.count), ("shares", words.percent))
    )


def _draw_slices(run: Run, words: Wording) -> tuple[tuple[str, str], ...]:
    """Draw one figure a fact, in the evaluation's order, the subject last."""
    facts: dict[str, list[figures.Bar]] = {}
    for part in run.evaluation["slices"]:
        name = words.name(f"values.{part['fact']}", str(part["value"]))
        low, high = part["wilson"]
        value = part["accuracy"]
        bar = figures.Bar(
            f"{name} ({words.count(part['samples'])})",
            value,
            words.percent(value),
            low=low,
            high=high,
        )
        facts.setdefault(part["fact"], []).append(bar)
    overall = run.evaluation["accuracy"]["value"]
    label = words.plain("words.accuracy")
    return tuple(
        (
            words.name("facts", fact),
            figures.draw_bars(facts[fact], share=words.whole, label=label, reference=overall),
        )
        for fact in sorted(facts, key=lambda f: f == "subject")
    )
