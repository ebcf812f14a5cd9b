"""Put a run's model into the package: its file, its pin, card and licence, and how it was trained.

Run it as `python -m tools.ship runs/research research`, or `runs/free free` where it learnt from
free photos alone. The recipe, log, network and environment of the run are copied to
`benchmarks/runs/`.
"""

import argparse
import ast
import logging
import re
from collections.abc import Mapping
from pathlib import Path

from gafas.classifier import EyewearClassifier
from gafas.errors import ModelError
from gafas.files import write_bytes, write_text
from gafas.weights import open_session

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "src/gafas/models"
DEFAULT = "research"
"""Which weights answer where no model is named; the others go by `--model free` or so."""

LICENCES = {
    "free": ("MIT, with the names that LICENSE.md tells to pass on", "yes: MIT"),
    "research": (
        "not MIT: research and other non-commercial use only, since CelebA and other sets that it "
        "learnt from forbid more; see LICENSE.md",
        "**no**",
    ),
}
"""Of each kind of weights what their card says, and whether LICENSE.md lets a company use them."""

KEPT = ("recipe.toml", "history.csv", "network.json", "environment.json")
"""What of a run tells how it went; small text, without the name of any photo."""

CARD = """# Classifier of eyewear

| | |
| --- | --- |
| file | `{name}`, {size:,} bytes |
| SHA-256 | `{sha256}` |
| source | trained by `{recipe}`; its log is in `benchmarks/runs/` |
| weights | {kind} |
| licence | {licence} |

**Input** `{given}`: uint8 `(N, {height}, {width}, 3)`, RGB: crops of faces, cut by `gafas.crops`.

**Outputs**, float32:

{outputs}

{check}What it is for, how good it is and where it fails: MODEL_CARD.md in the repository. Whose
photos it learnt from: ATTRIBUTIONS.md there.
"""

OUTPUTS = {
    "probabilities": "calibrated: {labels}; under {threshold:.3f} the answer is `unsure`",
    "not_a_face": "how likely the crop shows no face, by the crop alone",
    "features": "what the last layer is told",
}
"""What the outputs of a model are that looks at faces."""

CHECK = """**Faces**: what the detector gives {least:g} or more is looked at. What both networks
together give less than {cut:.2f} is no face, and gets no answer.

"""

_log = logging.getLogger(__name__)


def ship(run: Path, kind: str) -> None:
    """Copy a finished run's model into the package, pin it, and say what it may be used for.

    Where this kind of weights, or another, lay under a name that is no longer its own, because
    `DEFAULT` has changed, what was said of it goes, and so does the file.

    Args:
        run: the run folder.
        kind: a key of `LICENCES`.

    Raises:
        ModelError: the run holds no model that gafas made, or one of another kind.
    """
    name = "eyewear.onnx" if kind == DEFAULT else f"eyewear-{kind}.onnx"
    content = (run / "model.onnx").read_bytes()
    classifier = EyewearClassifier(run / "model.onnx")
    _check_kind(classifier, kind)
    write_bytes(MODELS / name, content)
    _register(name, kind, sha256=classifier.sha256)
    write_text((MODELS / name).with_suffix(".md"), _describe(classifier, content, name, kind=kind))
    for kept in KEPT:
        text = (run / kept).read_text(encoding="utf-8")
        write_text(ROOT / "benchmarks/runs" / run.name / kept, text)
    _log.info("Shipped %s, %s bytes, SHA-256 %s.", name, f"{len(content):,}", classifier.sha256)


def _check_kind(classifier: EyewearClassifier, kind: str) -> None:
    """Refuse to call weights free that are not, and the other way round."""
    sets = (classifier.metadata.get("data") or {}).get("sets")  # gafas 0.1 did not say
    if (kind == "free") != (sets == "free"):
        photos = "free photos alone" if kind == "free" else "other photos than free ones, too"
        raise ModelError(
            f"Cannot ship the model as {kind!r}: expected one that learnt from {photos}. "
            f"Received: {classifier!r}, which learnt from the sets {sets!r} (data.sets in its "
            "metadata). Name the other kind, or another run."
        )


def _describe(classifier: EyewearClassifier, content: bytes, name: str, *, kind: str) -> str:
    """Return the card of a file: what goes in, what comes out, and what it may be used for."""
    width, height = classifier.size
    facts = {"labels": ", ".join(classifier.labels), "threshold": classifier.threshold}
    session = open_session(content, origin=name, threads=1)
    outputs = [
        f"- `{port.name}`, `(N, {port.shape[1]})`: {OUTPUTS[port.name].format(**facts)}"
        for port in session.get_outputs()
    ]
    check = classifier.face_check
    return CARD.format(
        name=name,
        size=len(content),
        sha256=classifier.sha256,
        recipe=classifier.metadata["recipe"],
        kind=kind,
        licence=LICENCES[kind][0],
        given=session.get_inputs()[0].name,
        width=width,
        height=height,
        outputs="\n".join(outputs),
        check=CHECK.format(least=check.least, cut=check.cut) if check else "",
    )


def _register(name: str, kind: str, *, sha256: str) -> None:
    """Pin a file, enter it in the licence, and say by which word it is chosen."""
    pins, words = _read_table("PINNED"), _read_table("NAMED")
    # What this kind was called, and who was called as it is now.
    former = words.pop(kind, name)
    words = {word: file for word, file in words.items() if file != name} | {kind: name}
    if former != name and former not in words.values():
        pins.pop(former, None)
        _enter(former, "")
        for path in (MODELS / former, (MODELS / former).with_suffix(".md")):
            path.unlink(missing_ok=True)
    _write_table("PINNED", pins | {name: sha256})
    _write_table("NAMED", words)
    _enter(name, f"| `{name}` | {kind} | {LICENCES[kind][1]} |\n")


def _enter(name: str, row: str) -> None:
    """Put a row of the licence of the model files in place of what stood there of the same file."""
    path = MODELS / "LICENSE.md"
    text = re.sub(rf"\| `{re.escape(name)}` \|.*\n", "", path.read_text(encoding="utf-8"))
    rule = "| --- | --- | --- |\n"
    write_text(path, text.replace(rule, rule + row, 1))


def _find_table(text: str, name: str) -> re.Match[str]:
    found = re.search(
        rf"^({name}: Final(?:\[.+\])? = )(\{{.*?\}})$", text, re.MULTILINE | re.DOTALL
    )
    assert found is not None, f"src/gafas/weights.py holds no table {name}"
    return found


def _read_table(name: str) -> dict[str, str]:
    """Read a table of strings that the module of weights holds."""
    text = (ROOT / "src/gafas/weights.py").read_text(encoding="utf-8")
    table: dict[str, str] = ast.literal_eval(_find_table(text, name)[2])
    return table


def _write_table(name: str, table: Mapping[str, str]) -> None:
    path = ROOT / "src/gafas/weights.py"
    text = path.read_text(encoding="utf-8")
    found = _find_table(text, name)
    rows = "".join(f'    "{key}": "{value}",\n' for key, value in table.items())
    write_text(path, f"{text[: found.start()]}{found[1]}{{\n{rows}}}{text[found.end() :]}")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="the run folder")
    parser.add_argument("kind", choices=LICENCES, help="by what photos it learnt from")
    ship(**vars(parser.parse_args()))
