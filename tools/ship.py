"""Put a run's model into the package: its file, its pin, card and licence, and how it was trained.

Run it as `python -m tools.ship runs/eyewear research`, or `free` where it learnt from free photos
alone. The recipe, log, network and environment of the run are copied to `benchmarks/runs/`.
"""

import argparse
import hashlib
import logging
import re
from pathlib import Path

from gafas.classifier import EyewearClassifier
from gafas.files import write_bytes, write_text

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

**Output** `probabilities`: float32 `(N, 3)`, calibrated: {labels}. Under {threshold:.3f} the answer
is `unsure`.

What it is for, how good it is and where it fails: MODEL_CARD.md in the repository. Whose photos
it learnt from: ATTRIBUTIONS.md there.
"""

_log = logging.getLogger(__name__)


def ship(run: Path, kind: str) -> None:
    """Copy a finished run's model into the package, pin it, and say what it may be used for.

    Args:
        run: the run folder.
        kind: a key of `LICENCES`.

    Raises:
        ModelError: the run holds no model that gafas made.
    """
    name = "eyewear.onnx" if kind == DEFAULT else f"eyewear-{kind}.onnx"
    content = (run / "model.onnx").read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    classifier = EyewearClassifier(run / "model.onnx")
    write_bytes(MODELS / name, content)
    _pin(name, sha256)
    licence, commercial = LICENCES[kind]
    _enter(name, kind, commercial)
    width, height = classifier.size
    facts = {"name": name, "size": len(content), "sha256": sha256, "given": "image"}
    shown = {"width": width, "height": height, "threshold": classifier.metadata["threshold"]}
    rights = {"kind": kind, "licence": licence, "recipe": classifier.metadata["recipe"]}
    card = CARD.format(**facts, **shown, **rights, labels=", ".join(classifier.labels))
    write_text((MODELS / name).with_suffix(".md"), card)
    for kept in KEPT:
        text = (run / kept).read_text(encoding="utf-8")
        write_text(ROOT / "benchmarks/runs" / run.name / kept, text)
    _log.info("Shipped %s, %s bytes, SHA-256 %s.", name, f"{len(content):,}", sha256)


def _pin(name: str, sha256: str) -> None:
    path = ROOT / "src/gafas/weights.py"
    line = f'    "{name}": "{sha256}",\n'
    _put(path, rf'    "{re.escape(name)}": "\w+",\n', line, after="PINNED: Final = {\n")


def _enter(name: str, kind: str, commercial: str) -> None:
    """Say in the licence of the model files what holds for this one."""
    line = f"| `{name}` | {kind} | {commercial} |\n"
    _put(
        MODELS / "LICENSE.md",
        rf"\| `{re.escape(name)}` \|.*\n",
        line,
        after="| --- | --- | --- |\n",
    )


def _put(path: Path, pattern: str, line: str, *, after: str) -> None:
    """Put a line in place of the one that matches, or else after a line that is there."""
    text = path.read_text(encoding="utf-8")
    held = re.search(pattern, text)
    text = text.replace(held[0] if held else after, line if held else after + line, 1)
    write_text(path, text)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="the run folder")
    parser.add_argument("kind", choices=LICENCES, help="by what photos it learnt from")
    ship(**vars(parser.parse_args()))
