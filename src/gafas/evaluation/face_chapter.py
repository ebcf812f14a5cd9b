"""What the report shows of a model of faces beyond any other: fairness, robustness, tints."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from gafas.evaluation import face_figures
from gafas.evaluation.runfolder import Run
from gafas.evaluation.wording import Wording
from gafas.types import UNSURE

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
    """Draw what a run tells of a model of faces; None for a model of whole frames."""
    if run.evaluation["model"].get("frame") != "face":
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
