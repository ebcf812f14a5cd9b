"""The door for verdicts on photos: check."""

import json
import os
import sys
from typing import Annotated

import typer

from gafas.check import Requirement, Rules, Verdict
from gafas.cli.answers import Form, escape, open_output, report, say, watch
from gafas.cli.photos import Answers, Device, Model, choose_source
from gafas.cli.sources import Sources, count_ahead, recognize_sources
from gafas.files import LeftOut, name_in_data
from gafas.labels import Language, choose_language

_DEFAULTS = Rules(Requirement.clear_eyes)

Require = Annotated[
    Requirement,
    typer.Option(
        help="clear-eyes: upright, and no sunglasses; no-sunglasses: however the face is held; "
        "bare: upright, and no glasses at all."
    ),
]
AnyFace = Annotated[
    bool, typer.Option("--any", help="Let other people be in the photo; the largest face counts.")
]
MinFace = Annotated[
    float, typer.Option(min=0, metavar="PIXELS", help="The least width and height of the face.")
]
MaxTilt = Annotated[
    float, typer.Option(min=0, metavar="DEGREES", help="How far the face may lean to a side.")
]
MaxTurn = Annotated[
    float,
    typer.Option(min=0, metavar="SHARE", help="How far the face may look aside: 0 is ahead."),
]
Sure = Annotated[
    float, typer.Option(min=0.5, max=1, help="The probability that is needed to decide.")
]


def check(
    photos: Annotated[
        list[str], typer.Argument(metavar="PHOTO", help="Photos, folders, or - for stdin.")
    ],
    *,
    require: Require,
    any_face: AnyFace = False,
    min_face: MinFace = _DEFAULTS.min_face,
    max_tilt: MaxTilt = _DEFAULTS.max_tilt,
    max_turn: MaxTurn = _DEFAULTS.max_turn,
    sure: Sure = _DEFAULTS.sure,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per photo.")] = False,
    language: Annotated[
        Language | None, typer.Option(help="Of the sentences; the locale's if left out.")
    ] = None,
    answers: Answers = None,
    model: Model = None,
    device: Device = "cpu",
) -> None:
    """Pass or fail photos by what the face in them wears, or have a person look.

    Exit code 0: all pass; 1: one fails, or could not be read; 3: none fails, but at one a person
    should look.
    """
    from gafas.check import check as decide
    from gafas.check import check_model
    from gafas.recognizer import Recognizer

    spoken = language or choose_language(os.environ)
    rules = Rules(require, any_face, min_face, max_tilt, max_turn, sure)
    recognizer = Recognizer(model, providers=[device])
    check_model(recognizer, require)
    sources = Sources(photos, left_out=(left_out := LeftOut()))
    found_all = recognize_sources(choose_source(recognizer, answers), sources)
    seen = set[Verdict]()
    shown = sources.many and not sys.stdout.isatty()
    total = count_ahead(sources.names())
    form = Form.json if as_json else Form.text
    go_on = "To go on, name the other photos."
    with (
        watch(found_all, "Checking", go_on=go_on, total=total, shown=shown) as watched,
        open_output(None, form) as write,
    ):
        for found in watched:
            report(found)
            checked = decide(found, rules)
            seen.add(checked.verdict)
            told = checked.to_dict(spoken) | {"photo": name_in_data(checked.photo)}
            line = f"{escape(checked.photo)}: {checked.verdict}: {told['sentence']}"
            write(f"{json.dumps(told, ensure_ascii=False) if as_json else line}\n")
    say(left_out.describe())
    failed = sources.failed or Verdict.failed in seen
    raise typer.Exit(1 if failed else 3 * (Verdict.look in seen))


COMMANDS = (check,)
