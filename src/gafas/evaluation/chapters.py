"""What the report shows of one run: figures drawn, photos embedded, conclusions chosen."""

import dataclasses
from collections.abc import Mapping, Sequence

from gafas.evaluation import figures, signs
from gafas.evaluation.comparison import Measured
from gafas.evaluation.conclusions import Finding, conclude
from gafas.evaluation.face_chapter import FaceChapter, draw_faces
from gafas.evaluation.runfolder import Run
from gafas.evaluation.tiles import PhotoFinder, Tile, make_tiles
from gafas.evaluation.wording import Wording

Curves = Mapping[str, Sequence[float | None]]


@dataclasses.dataclass(frozen=True, slots=True)
class Chapter:
    """What the page shows of one run, drawn and worded as far as a template cannot."""

    run: Run
    title: str
    curves: tuple[str, ...]
    confusion: tuple[str, ...]
    reliability: str
    slices: tuple[tuple[str, str], ...]
    examples: list[Tile]
    mistakes: list[Tile]
    findings: tuple[Finding, ...]
    faces: FaceChapter | None

    @property
    def shows_photos(self) -> bool:
        """Whether examples and mistakes are shown as photos, or else by name alone.

        Photos of faces that may not be published leave neutral tiles: a table says more.
        """
        every = [*self.examples, *self.mistakes]
        return bool(every) and (self.faces is None or any(tile.uri for tile in every))


def draw_chapter(run: Run, title: str, *, words: Wording, photos: PhotoFinder) -> Chapter:
    """Prepare what the page shows of a run under a title."""
    bins = run.evaluation["calibration"]["bins"]
    known = words.group("words")
    return Chapter(
        run=run,
        title=title,
        curves=_draw_curves(run, words),
        confusion=_draw_confusion(run, words),
        reliability=figures.draw_reliability(bins, words=known, share=words.whole),
        slices=_draw_slices(run, words),
        examples=make_tiles(run.evaluation["examples"], photos),
        mistakes=make_tiles(run.evaluation["mistakes"], photos),
        findings=conclude(run),
        faces=draw_faces(run, words),
    )


def draw_comparison(measured: Sequence[Measured], words: Wording) -> str:
    """Draw every figure of the comparison as a bar."""
    bars = [
        figures.Bar(
            name_measured(m, words),
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


def name_measured(measured: Measured, words: Wording) -> str:
    """Say in a few words where a figure of the comparison comes from."""
    if measured.kind == "claimed":
        return words.plain("comparison.claim_row")
    return f"{measured.recipe}, {words.name('protocols', measured.protocol)}"


def _draw_curves(run: Run, words: Wording) -> tuple[str, ...]:
    watched = "watched_part" if run.watches_test else "validation_part"
    names = words.plain("words.training_part"), words.plain(f"words.{watched}")
    history, claimed = run.history, words.plain("words.claimed")
    loss: Curves = {names[0]: [e.loss for e in history], names[1]: [e.val_loss for e in history]}
    right: Curves = {
        names[0]: [e.accuracy for e in history],
        names[1]: [e.val_accuracy for e in history],
    }
    plans = (
        ("loss", loss, words.exact, signs.CLAIMED_VAL_LOSS),
        ("accuracy", right, words.whole, signs.CLAIMED_VAL_ACCURACY),
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
